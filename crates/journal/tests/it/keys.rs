//! Keys: whose files they may be, what is done where one is missing, damaged, or nobody can write it.
//!
//! A missing or damaged key is loud, and a key that another user could have written or can read is not used.

use std::{
    collections::BTreeMap,
    fs::{self, Permissions},
    os::unix::fs::{MetadataExt, PermissionsExt, chown, lchown, symlink},
    path::{Path, PathBuf},
    sync::Barrier,
    thread,
};

use llm_audit_journal::{
    SystemEntropy,
    checkpoint::KeyName,
    journal::{
        FileStorage, JournalOptions, JournalWriter, KeyError, KeyFault, OpenError, Opened, Storage,
    },
};
use tempfile::TempDir;

use crate::{left_out::left_out, storage::FaultStorage, support::*};

/// A user who is neither root nor anybody else here.
const SOMEBODY: u32 = 65_534;

/// A folder with the directories of a journal and its keys.
struct Scene(TempDir);

impl Scene {
    /// A place where nothing was started yet.
    fn empty() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    /// A journal with all three keys.
    fn new() -> Self {
        let scene = Self::empty();
        scene.open().unwrap();
        scene
    }

    fn journal(&self) -> PathBuf {
        self.0.path().join("audit_logs")
    }

    fn keys(&self) -> PathBuf {
        self.0.path().join("audit_logs.keys")
    }

    fn key(&self, name: &str) -> PathBuf {
        let names = fs::read_dir(self.keys()).unwrap();
        let mut names = names.map(|entry| entry.unwrap().path());
        let found = names.find(|path| name_of(path).starts_with(name));
        found.unwrap_or_else(|| panic!("no key {name}"))
    }

    fn options(&self) -> JournalOptions {
        let mut options = JournalOptions::new(self.journal(), KeyName::new(NAME).unwrap());
        options.with_hash_key = true;
        options
    }

    fn open(&self) -> Result<Opened, OpenError> {
        open_with(self.options(), FileStorage::default())
    }

    /// Opens, which must fail for a key, and returns why.
    fn refusal(&self) -> KeyError {
        refusal_of(self.options(), FileStorage::default())
    }

    /// Every file of the keys directory, with what is in it and when it was changed.
    fn content(&self) -> BTreeMap<String, (Vec<u8>, i64)> {
        let mut content = BTreeMap::new();
        for entry in fs::read_dir(self.keys()).unwrap() {
            let path = entry.unwrap().path();
            let found = fs::symlink_metadata(&path).unwrap();
            let bytes = fs::read(&path).unwrap_or_default();
            content.insert(name_of(&path), (bytes, found.ctime_nsec()));
        }
        content
    }
}

fn name_of(path: &Path) -> String {
    path.file_name().unwrap().to_string_lossy().into_owned()
}

fn set_mode(path: &Path, mode: u32) {
    fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
}

/// Checks that an error names the path, says the rule and the command that helps.
fn assert_says(error: &KeyError, path: &Path, remedy: &str) {
    let text = error.to_string();
    let command = format!("{remedy} {}", path.display());
    assert!(text.contains(&command), "`{command}` is not in: {text}");
}

fn open_with(options: JournalOptions, storage: impl Storage) -> Result<Opened, OpenError> {
    let mut seams = seams(storage, &TestClock::new(), 0);
    seams.entropy = std::sync::Arc::new(SystemEntropy::default());
    let (mut writer, opened) = JournalWriter::open(options, seams)?;
    writer.close().unwrap();
    Ok(opened)
}

fn refusal_of(options: JournalOptions, storage: impl Storage) -> KeyError {
    match open_with(options, storage) {
        Err(OpenError::Key(error)) => error,
        Err(error) => panic!("another error: {error}"),
        Ok(_) => panic!("it was opened"),
    }
}

#[test]
fn the_first_start_makes_three_keys_and_later_ones_only_read_them() {
    let scene = Scene::empty();
    let opened = scene.open().unwrap();
    assert!(opened.is_sign_key_new && opened.is_tail_key_new);
    let names: Vec<String> = scene.content().into_keys().collect();
    let hash = format!("hash-{}", opened.hash_key.unwrap().id());
    assert_eq!(names, [hash.as_str(), "lock", "sign", "tail"]);
    let before = scene.content();
    let again = scene.open().unwrap();
    assert!(!again.is_sign_key_new && !again.is_tail_key_new);
    assert_eq!(again.verifier_key, opened.verifier_key);
    assert_eq!(scene.content(), before);
}

/// A crash of the host's disk left key files of no bytes, which were taken for absent: new keys were made over them, and
/// the journal could be verified by nobody.
#[test]
fn a_key_of_a_wrong_length_is_an_error_and_not_replaced() {
    for name in ["sign", "tail", "hash-"] {
        for len in [0, 31, 33, 4096] {
            let scene = Scene::new();
            let path = scene.key(name);
            fs::write(&path, vec![7; len]).unwrap();
            let before = scene.content();
            let error = scene.refusal();
            let KeyError::Length { path: named, bytes } = &error else {
                panic!("{name}: {error}");
            };
            assert_eq!((named, *bytes), (&path, len.min(33) as u64));
            assert!(error.to_string().contains("restore it"), "{error}");
            assert_eq!(scene.content(), before, "{name}");
        }
    }
}

#[test]
fn a_hash_key_under_another_keys_name_is_an_error() {
    let scene = Scene::new();
    let path = scene.key("hash-");
    fs::write(&path, [7; 32]).unwrap();
    let error = scene.refusal();
    assert!(matches!(error, KeyError::Misnamed { .. }), "{error}");
    assert!(error.to_string().contains(&name_of(&path)), "{error}");
}

/// A key file that others could read or write was used without a word.
#[test]
fn a_key_files_mode_is_checked() {
    for name in ["sign", "tail", "hash-"] {
        for mode in [0o600, 0o400, 0o440, 0o640, 0o700] {
            let scene = Scene::new();
            set_mode(&scene.key(name), mode);
            scene.open().unwrap();
        }
        for (mode, remedy) in [
            (0o644, "chmod o-r"),
            (0o604, "chmod o-r"),
            (0o620, "chmod go-w"),
            (0o660, "chmod go-w"),
            (0o602, "chmod go-w"),
            (0o666, "chmod go-w"),
        ] {
            let scene = Scene::new();
            let path = scene.key(name);
            set_mode(&path, mode);
            assert_says(&scene.refusal(), &path, remedy);
        }
    }
}

/// In a directory of mode 0777 anybody can put another key in a key's place, whatever the key's own mode.
#[test]
fn a_keys_directorys_mode_is_checked() {
    for mode in [0o700, 0o750, 0o755, 0o500, 0o1777, 0o1770] {
        let scene = Scene::new();
        set_mode(&scene.keys(), mode);
        scene.open().unwrap();
    }
    for mode in [0o777, 0o770, 0o720, 0o702] {
        let scene = Scene::new();
        set_mode(&scene.keys(), mode);
        let error = scene.refusal();
        assert_says(&error, &scene.keys(), "chmod go-w");
        let text = error.to_string();
        assert!(text.contains(&format!("{mode:04o}")), "{text}");
    }
}

#[test]
fn another_users_keys_are_refused() {
    let scene = Scene::new();
    let user = fs::metadata(scene.journal()).unwrap().uid();
    if chown(scene.key("sign"), Some(SOMEBODY), None).is_err() {
        left_out("another user's key: only root can give files away");
        return;
    }
    let remedy = format!("chown {user}");
    for name in ["sign", "tail", "hash-"] {
        let scene = Scene::new();
        let path = scene.key(name);
        chown(&path, Some(SOMEBODY), None).unwrap();
        assert_says(&scene.refusal(), &path, &remedy);
    }
    let scene = Scene::new();
    chown(scene.keys(), Some(SOMEBODY), None).unwrap();
    assert_says(&scene.refusal(), &scene.keys(), &remedy);
}

/// `sudo llm-audit retain` in a service's journal uses the service's keys, as does the service.
#[test]
fn root_uses_the_keys_of_the_journals_owner() {
    let scene = Scene::new();
    if chown(scene.keys(), Some(SOMEBODY), None).is_err() {
        left_out("keys of a journal's owner: only root can give files away");
        return;
    }
    for name in ["sign", "tail", "hash-"] {
        chown(scene.key(name), Some(SOMEBODY), None).unwrap();
    }
    scene.refusal();
    chown(scene.journal(), Some(SOMEBODY), None).unwrap();
    scene.open().unwrap();
    chown(scene.key("sign"), Some(SOMEBODY - 1), None).unwrap();
    let error = scene.refusal();
    assert_says(&error, &scene.key("sign"), &format!("chown {SOMEBODY}"));
}

/// Puts a journal's keys where Kubernetes puts a secret's: `sign` -> `..data/sign`, `..data` -> `..2026_11_22`, in a
/// directory that everybody may write and that is sticky.
fn as_mounted_secret(scene: &Scene) {
    let (keys, dated) = (scene.keys(), scene.keys().join("..2026_11_22"));
    fs::create_dir(&dated).unwrap();
    set_mode(&dated, 0o755);
    symlink("..2026_11_22", keys.join("..data")).unwrap();
    for name in ["sign", "tail", "hash-"] {
        let path = scene.key(name);
        let name = name_of(&path);
        set_mode(&path, 0o440);
        fs::rename(&path, dated.join(&name)).unwrap();
        symlink(Path::new("..data").join(&name), path).unwrap();
    }
    fs::remove_file(keys.join("lock")).unwrap();
    set_mode(&keys, 0o1777);
}

/// A mounted secret is read-only: a start that wanted to lock or sync there failed though it had nothing to make.
#[test]
fn a_mounted_secret_is_read_through_its_links_and_not_written() {
    let scene = Scene::new();
    as_mounted_secret(&scene);
    let before = scene.content();
    let storage = FaultStorage::new(FileStorage::default()).deny(scene.keys().join("lock"));
    let mut options = scene.options();
    options.keys_must_exist = true;
    let opened = open_with(options, storage).unwrap();
    assert!(!opened.is_sign_key_new && !opened.is_tail_key_new);
    assert_eq!(scene.content(), before);
}

#[test]
fn a_link_is_followed_only_where_nobody_else_could_have_made_it() {
    let scene = Scene::new();
    as_mounted_secret(&scene);
    let dated = scene.keys().join("..2026_11_22");
    set_mode(&dated, 0o777);
    assert_says(&scene.refusal(), &dated, "chmod go-w");
    set_mode(&dated, 0o755);
    set_mode(&dated.join("sign"), 0o444);
    assert_says(&scene.refusal(), &dated.join("sign"), "chmod o-r");
    set_mode(&dated.join("sign"), 0o440);
    scene.open().unwrap();
    for link in ["..data", "sign"] {
        let link = scene.keys().join(link);
        if lchown(&link, Some(SOMEBODY), None).is_err() {
            left_out("another user's link: only root can give links away");
            return;
        }
        assert_says(&scene.refusal(), &link, "chown -h 0");
        lchown(&link, Some(0), None).unwrap();
    }
    chown(dated.join("tail"), Some(SOMEBODY), None).unwrap();
    assert_says(&scene.refusal(), &dated.join("tail"), "chown 0");
}

/// Links that lead in a circle, to nothing, to a directory, or out through a directory that anybody may write.
#[test]
fn a_link_that_leads_nowhere_is_an_error() {
    let elsewhere = tempfile::tempdir().unwrap();
    fs::write(elsewhere.path().join("sign"), [7; 32]).unwrap();
    set_mode(&elsewhere.path().join("sign"), 0o600);
    set_mode(elsewhere.path(), 0o777);
    for (target, said) in [
        (PathBuf::from("sign"), "symbolic links"),
        (PathBuf::from("nothing"), "look at"),
        (PathBuf::from("."), "directory"),
        (elsewhere.path().join("sign"), "chmod go-w"),
    ] {
        let scene = Scene::new();
        let path = scene.key("sign");
        fs::remove_file(&path).unwrap();
        symlink(&target, &path).unwrap();
        let error = scene.refusal().to_string();
        assert!(error.contains(said), "{}: {error}", target.display());
        let is_link = fs::symlink_metadata(&path).unwrap().is_symlink();
        assert!(is_link, "no key was made in its place");
    }
    // A link to a directory that nobody else may write is followed.
    let scene = Scene::new();
    let beside = scene.0.path().join("beside");
    fs::create_dir(&beside).unwrap();
    fs::rename(scene.key("sign"), beside.join("sign")).unwrap();
    symlink("../beside/sign", scene.keys().join("sign")).unwrap();
    assert!(!scene.open().unwrap().is_sign_key_new);
}

#[test]
fn what_is_no_file_is_no_key() {
    let scene = Scene::new();
    let path = scene.key("tail");
    fs::remove_file(&path).unwrap();
    fs::create_dir(&path).unwrap();
    let error = scene.refusal();
    let is_kind = |fault: &KeyFault| matches!(fault, KeyFault::Kind { .. });
    assert!(
        matches!(&error, KeyError::Refused { fault, .. } if is_kind(fault)),
        "{error}"
    );
    assert!(error.to_string().contains("it is a directory"), "{error}");
}

/// Keys mounted before there were tail keys: without one no entry can be marked, and none can be made there.
#[test]
fn a_read_only_directory_without_a_key_says_which_and_how_to_make_it() {
    for name in ["sign", "tail", "hash-"] {
        let scene = Scene::new();
        fs::remove_file(scene.key(name)).unwrap();
        let storage = FaultStorage::new(FileStorage::default()).deny(scene.keys().join("lock"));
        let error = refusal_of(scene.options(), storage);
        assert!(matches!(error, KeyError::ReadOnly { .. }), "{error}");
        let text = error.to_string();
        let path = scene.keys().join(name).display().to_string();
        assert!(text.contains(&path) && text.contains("32 random"), "{text}");
    }
}

/// A container whose keys volume was not mounted made new keys at every start, and its journal could not be verified.
#[test]
fn keys_that_must_exist_are_never_made() {
    for name in ["sign", "tail", "hash-"] {
        let scene = Scene::new();
        fs::remove_file(scene.key(name)).unwrap();
        let before = scene.content();
        let mut options = scene.options();
        options.keys_must_exist = true;
        let error = refusal_of(options, FileStorage::default());
        assert!(matches!(error, KeyError::Missing { .. }), "{error}");
        let path = scene.keys().join(name).display().to_string();
        assert!(error.to_string().contains(&path), "{error}");
        assert_eq!(scene.content(), before);
    }
    let scene = Scene::empty();
    let mut options = scene.options();
    options.keys_must_exist = true;
    let error = refusal_of(options.clone(), FileStorage::default());
    assert!(error.to_string().contains("first start"), "{error}");
    assert!(!scene.keys().exists(), "no directory is made either");
    // A hash key that was not asked for may be missing.
    scene.open().unwrap();
    fs::remove_file(scene.key("hash-")).unwrap();
    options.with_hash_key = false;
    let opened = open_with(options, FileStorage::default());
    assert!(opened.unwrap().hash_key.is_none());
}

/// A key that is missing beside others is made, and the host is told: its old entries are another key's.
#[test]
fn a_key_that_was_made_beside_others_is_told() {
    let scene = Scene::new();
    fs::remove_file(scene.key("tail")).unwrap();
    let opened = scene.open().unwrap();
    assert!(opened.is_tail_key_new && !opened.is_sign_key_new);
    fs::remove_file(scene.key("sign")).unwrap();
    let opened = scene.open().unwrap();
    assert!(!opened.is_tail_key_new && opened.is_sign_key_new);
    assert_eq!(fs::read(scene.key("tail")).unwrap().len(), 32);
}

/// A crash between writing a key and naming it.
#[test]
fn what_a_crash_left_of_a_key_is_not_used() {
    let scene = Scene::empty();
    fs::create_dir(scene.keys()).unwrap();
    set_mode(&scene.keys(), 0o700);
    for name in ["sign.tmp", "tail.tmp", "hash-0123abcd.tmp"] {
        fs::write(scene.keys().join(name), [7; 32]).unwrap();
    }
    scene.open().unwrap();
    for (name, (bytes, _)) in scene.content() {
        assert!(!name.contains(".tmp"), "{name}");
        assert_ne!(bytes, [7; 32], "{name}");
    }
}

/// A key that another program put there meanwhile was replaced by rename, and what it had signed could not be verified.
#[test]
fn a_key_that_appears_meanwhile_is_not_replaced() {
    for name in ["sign", "tail"] {
        let scene = Scene::empty();
        let path = scene.keys().join(name);
        let storage = FaultStorage::new(FileStorage::default()).outrun(&path);
        let error = refusal_of(scene.options(), storage).to_string();
        assert!(error.contains(&path.display().to_string()), "{error}");
        assert_eq!(fs::read(&path).unwrap(), b"theirs");
        assert!(!scene.keys().join(format!("{name}.tmp")).exists());
    }
}

#[test]
fn starts_at_the_same_time_use_the_same_keys() {
    let scene = Scene::empty();
    let barrier = Barrier::new(6);
    let opened: Vec<Opened> = thread::scope(|scope| {
        let starts = (0..6).map(|_| {
            scope.spawn(|| {
                barrier.wait();
                scene.open().unwrap()
            })
        });
        let starts: Vec<_> = starts.collect();
        let joined = starts.into_iter().map(|start| start.join().unwrap());
        joined.collect()
    });
    let keys = opened.iter().map(|opened| &opened.verifier_key);
    assert_eq!(keys.collect::<std::collections::BTreeSet<_>>().len(), 1);
    assert_eq!(
        opened
            .iter()
            .filter(|opened| opened.is_sign_key_new)
            .count(),
        1
    );
    assert_eq!(
        opened
            .iter()
            .filter(|opened| opened.is_tail_key_new)
            .count(),
        1
    );
}
