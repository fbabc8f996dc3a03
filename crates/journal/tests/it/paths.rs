//! Where a journal and its keys are: the same place whatever the working directory becomes, the keys never inside.

use std::{
    fs, io,
    os::unix::fs::symlink,
    path::{Path, PathBuf},
};

use llm_audit_journal::{
    checkpoint::KeyName,
    journal::{
        FileStorage, JournalOptions, JournalWriter, MemoryStorage, Metadata, OpenError, PathError,
        Storage, StorageFile, StorageLock,
    },
};

use crate::support::*;

/// A disk in memory with a working directory, for a process that leaves it at once: a relative path is an error.
#[derive(Clone, Debug)]
struct LeftDirectory(MemoryStorage);

impl LeftDirectory {
    const WORKING_DIRECTORY: &str = "/srv/app";

    fn at(&self, path: &Path) -> io::Result<&MemoryStorage> {
        if path.is_absolute() {
            return Ok(&self.0);
        }
        Err(io::Error::other(format!("{}: relative", path.display())))
    }
}

impl Storage for LeftDirectory {
    fn create_dir(&self, path: &Path) -> io::Result<()> {
        self.at(path)?.create_dir(path)
    }
    fn list(&self, directory: &Path) -> io::Result<Vec<String>> {
        self.at(directory)?.list(directory)
    }
    fn open_read(&self, path: &Path) -> io::Result<Box<dyn StorageFile>> {
        self.at(path)?.open_read(path)
    }
    fn open_append(&self, path: &Path) -> io::Result<Box<dyn StorageFile>> {
        self.at(path)?.open_append(path)
    }
    fn create(&self, path: &Path) -> io::Result<Box<dyn StorageFile>> {
        self.at(path)?.create(path)
    }
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.at(from)?;
        self.at(to)?.rename(from, to)
    }
    fn remove(&self, path: &Path) -> io::Result<()> {
        self.at(path)?.remove(path)
    }
    fn sync_dir(&self, directory: &Path) -> io::Result<()> {
        self.at(directory)?.sync_dir(directory)
    }
    fn rename_new(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.at(from)?;
        self.at(to)?.rename_new(from, to)
    }
    fn try_lock(&self, path: &Path) -> io::Result<Option<Box<dyn StorageLock>>> {
        self.at(path)?.try_lock(path)
    }
    fn metadata(&self, path: &Path) -> io::Result<Metadata> {
        self.at(path)?.metadata(path)
    }
    fn absolute(&self, path: &Path) -> io::Result<PathBuf> {
        std::path::absolute(Path::new(Self::WORKING_DIRECTORY).join(path))
    }
    fn user(&self) -> u32 {
        self.0.user()
    }
}

fn options_of(directory: impl Into<PathBuf>) -> JournalOptions {
    JournalOptions::new(directory, KeyName::new(NAME).unwrap())
}

fn open_left(options: JournalOptions) -> Result<(JournalWriter, MemoryStorage), OpenError> {
    let disk = MemoryStorage::new();
    let storage = LeftDirectory(disk.clone());
    let (writer, _) = JournalWriter::open(options, seams(storage, &TestClock::new(), 1))?;
    Ok((writer, disk))
}

/// A service that changed its working directory after the start lost the next day's segment, and the note with it.
#[test]
fn a_relative_directory_stays_where_it_was_when_the_process_moves() {
    for (given, journal, keys) in [
        (
            "audit_logs",
            "/srv/app/audit_logs",
            "/srv/app/audit_logs.keys",
        ),
        ("./logs/", "/srv/app/logs", "/srv/app/logs.keys"),
        ("logs/.", "/srv/app/logs", "/srv/app/logs.keys"),
        // Here the keys were in `.keys`, inside the journal, and every copy of it contained them.
        (".", "/srv/app", "/srv/app.keys"),
        ("/var/log/audit", "/var/log/audit", "/var/log/audit.keys"),
    ] {
        let mut options = options_of(given);
        options.segment_bytes_max = 4096;
        let (mut writer, disk) = open_left(options).unwrap();
        for acc in 1..=20 {
            append(&mut writer, acc);
            writer.sync().unwrap();
        }
        writer.close().unwrap();
        let segments = disk.paths();
        let segments = segments.iter().filter(|path| {
            path.starts_with(journal) && path.extension().is_some_and(|end| end == "jsonl")
        });
        assert!(segments.count() > 1, "{given}: {:?}", disk.paths());
        for name in ["sign", "tail"] {
            assert!(disk.read(Path::new(keys).join(name)).is_some(), "{given}");
        }
    }
}

#[test]
fn a_directory_without_a_name_is_an_error_that_says_so() {
    for (given, said) in [
        ("", "is empty: name one"),
        ("/", "does not end in a name"),
        ("logs/..", "does not end in a name"),
        ("..", "does not end in a name"),
    ] {
        let error = open_left(options_of(given)).err().expect(given);
        assert!(matches!(error, OpenError::Path(_)), "{given}: {error}");
        assert!(error.to_string().contains(said), "{given}: {error}");
    }
    let mut options = options_of("logs");
    options.keys_directory = Some(PathBuf::new());
    let error = open_left(options).err().unwrap().to_string();
    assert!(error.contains("keys directory is empty"), "{error}");
}

/// Whoever copies or ships the journal would copy the keys with it.
#[test]
fn keys_inside_the_journal_are_refused() {
    for keys in ["logs", "logs/keys", "./logs/a/b", "/srv/app/logs/keys"] {
        let mut options = options_of("logs");
        options.keys_directory = Some(keys.into());
        let error = open_left(options).err().expect(keys);
        let is_inside = matches!(error, OpenError::Path(PathError::KeysInside { .. }));
        assert!(is_inside, "{keys}: {error}");
        assert!(error.to_string().contains("choose one outside"), "{error}");
    }
    let mut options = options_of("logs");
    options.keys_directory = Some("logs_of_keys".into());
    open_left(options).unwrap();
}

#[test]
fn keys_inside_the_journal_are_refused_whatever_leads_there() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    fs::create_dir_all(at("logs/deep")).unwrap();
    fs::create_dir(at("other")).unwrap();
    symlink(at("logs/deep"), at("link")).unwrap();
    symlink(at("logs"), at("link_to_logs")).unwrap();
    for (journal, keys, is_inside) in [
        ("logs", "link", true),
        ("logs", "link/keys", true),
        ("logs", "other/../logs/keys", true),
        ("link_to_logs", "logs/keys", true),
        ("link_to_logs", "link/keys/further", true),
        ("logs", "other/keys", false),
        ("link_to_logs", "link/../../keys", false),
    ] {
        let mut options = options_of(at(journal));
        options.keys_directory = Some(at(keys));
        let seams = seams(FileStorage::default(), &TestClock::new(), 1);
        let opened = JournalWriter::open(options, seams);
        let refused = matches!(opened, Err(OpenError::Path(PathError::KeysInside { .. })));
        assert_eq!(refused, is_inside, "{keys} for {journal}");
        assert_eq!(opened.is_err(), is_inside, "{keys} for {journal}");
        assert!(!at("logs/deep/sign").exists() && !at("logs/keys").exists());
    }
}
