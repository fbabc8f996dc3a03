//! Rust source as the house's rules see it: code without comments, string literals, and what a file uses of its crate.
//!
//! Promise: what stands in a comment or inside a literal is no code; a name is found however a list of imports is laid
//! out. Not here: the rules, and telling apart what macros make.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

/// One crate's sources.
pub(super) struct Sources {
    /// The folder `src`.
    root: PathBuf,
    pub(super) files: Vec<Source>,
}

/// One file.
pub(super) struct Source {
    /// From the workspace's root, with `/`.
    pub(super) path: String,
    /// The module of the crate's root that it belongs to.
    pub(super) module: String,
    pub(super) text: String,
}

/// A file's text taken apart.
#[derive(Default)]
pub(super) struct Parts {
    /// The code: line for line, without comments, each literal as `""`.
    pub(super) code: String,
    /// The string literals as they are spelled, with their lines.
    pub(super) literals: Vec<(usize, String)>,
}

impl Sources {
    /// Reads the sources of the crate that lies in `folder`, from the workspace's root.
    pub(super) fn of_crate(folder: &str) -> Self {
        let workspace = Path::new(env!("CARGO_MANIFEST_DIR"));
        let root = workspace.join(folder).join("src");
        let mut paths = Vec::new();
        collect(&root, &mut paths);
        paths.sort();
        let source = |path: PathBuf| Source {
            path: with_slashes(path.strip_prefix(workspace).expect("below the workspace")),
            module: module_of(path.strip_prefix(&root).expect("below src")),
            text: fs::read_to_string(&path).expect("UTF-8"),
        };
        let files = paths.into_iter().map(source).collect();
        Self { root, files }
    }

    /// Returns the text of `lib.rs`.
    pub(super) fn lib(&self) -> String {
        fs::read_to_string(self.root.join("lib.rs")).expect("lib.rs")
    }
}

impl Source {
    /// Says whether the file holds tests alone: `tests.rs`, or one in a folder `tests`.
    pub(super) fn is_test(&self) -> bool {
        self.path.ends_with("/tests.rs") || self.path.contains("/tests/")
    }

    /// Returns the text up to the tests at its end.
    pub(super) fn shipped(&self) -> &str {
        let tests = "#[cfg(test)]\nmod tests {";
        self.text.split(tests).next().unwrap_or_default()
    }
}

fn collect(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).expect("readable source folder") {
        let path = entry.expect("readable entry").path();
        if path.is_dir() {
            collect(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
}

fn with_slashes(path: &Path) -> String {
    let names = path.iter().map(|name| name.to_string_lossy());
    names.collect::<Vec<_>>().join("/")
}

fn module_of(path: &Path) -> String {
    let first = path.iter().next().expect("a name").to_string_lossy();
    first.trim_end_matches(".rs").to_owned()
}

impl Parts {
    /// Takes a text apart.
    pub(super) fn of(text: &str) -> Self {
        let (mut parts, mut rest) = (Self::default(), text);
        while let Some(first) = rest.chars().next() {
            let length = parts.step(rest, first);
            rest = &rest[length..];
        }
        parts
    }

    /// Takes the next piece of `rest` and returns how long it is.
    fn step(&mut self, rest: &str, first: char) -> usize {
        if rest.starts_with("//") {
            return rest.find('\n').unwrap_or(rest.len());
        }
        if rest.starts_with("/*") {
            return self.skip(rest, block_comment(rest));
        }
        if let Some(quotes) = Quotes::that_open(rest) {
            let inner = &rest[quotes.open_bytes..];
            let end = quotes.end_of(inner);
            let line = self.code.matches('\n').count() + 1;
            self.literals.push((line, inner[..end].to_owned()));
            self.code.push_str("\"\"");
            let whole = quotes.open_bytes + end + quotes.close.len();
            return self.skip(rest, whole.min(rest.len()));
        }
        let length = char_literal(rest).unwrap_or(first.len_utf8());
        if length == first.len_utf8() {
            self.code.push(first);
        }
        length
    }

    /// Keeps the line breaks of what is no code, so that lines stay countable.
    fn skip(&mut self, rest: &str, length: usize) -> usize {
        let breaks = rest[..length].matches('\n').count();
        self.code.extend(std::iter::repeat_n('\n', breaks));
        length
    }
}

fn block_comment(rest: &str) -> usize {
    let (mut depth, mut at) = (0_usize, 0);
    while let Some(next) = rest[at..].find(['/', '*']) {
        at += next;
        match rest.get(at..at + 2) {
            Some("/*") => depth += 1,
            Some("*/") => depth -= 1,
            _ => {
                at += 1;
                continue;
            }
        }
        at += 2;
        if depth == 0 {
            return at;
        }
    }
    rest.len()
}

/// What stands around a string literal's text.
struct Quotes {
    open_bytes: usize,
    close: String,
    /// A backslash in it is a backslash.
    is_raw: bool,
}

impl Quotes {
    /// Finds the string literal that begins `rest`. The `b` of a byte string is left to the code before it.
    fn that_open(rest: &str) -> Option<Self> {
        let raw = rest.strip_prefix('r');
        let behind = raw.unwrap_or(rest);
        let hashes = behind.len() - behind.trim_start_matches('#').len();
        let begins = behind[hashes..].starts_with('"') && (raw.is_some() || hashes == 0);
        begins.then(|| Self {
            open_bytes: usize::from(raw.is_some()) + hashes + 1,
            close: format!("\"{}", "#".repeat(hashes)),
            is_raw: raw.is_some(),
        })
    }

    /// Returns where the text ends.
    fn end_of(&self, inner: &str) -> usize {
        let mut is_escaped = false;
        for (at, letter) in inner.char_indices() {
            if std::mem::take(&mut is_escaped) {
                continue;
            }
            is_escaped = letter == '\\' && !self.is_raw;
            if inner[at..].starts_with(&self.close) {
                return at;
            }
        }
        inner.len()
    }
}

/// The length of a character literal that begins here; a lifetime is none.
fn char_literal(rest: &str) -> Option<usize> {
    let inner = rest.strip_prefix('\'')?;
    if let Some(escape) = inner.strip_prefix('\\') {
        let end = escape
            .char_indices()
            .skip(1)
            .find(|(_, letter)| *letter == '\'')?
            .0;
        return Some(2 + end + 1);
    }
    let length = inner.chars().next()?.len_utf8();
    inner[length..].starts_with('\'').then_some(length + 2)
}

/// A crate's modules: the block of `lib.rs` in which each is declared, and where re-exported names come from.
pub(super) struct Modules {
    pub(super) blocks: BTreeMap<String, usize>,
    exports: BTreeMap<String, String>,
}

impl Modules {
    /// Reads `lib.rs`.
    pub(super) fn of_lib(lib: &str) -> Self {
        let (mut blocks, mut block) = (BTreeMap::new(), 0);
        for line in lib.lines() {
            let words: Vec<&str> = line.trim_end_matches(['{', ';', ' ']).split(' ').collect();
            match words.as_slice() {
                ["mod", name] | ["pub" | "pub(crate)", "mod", name] => {
                    blocks.insert((*name).to_owned(), block);
                }
                [""] => block += 1,
                _ => {}
            }
        }
        let code = Parts::of(lib).code;
        let exports = code.split("pub use ").skip(1).flat_map(exported).collect();
        Self { blocks, exports }
    }

    /// Returns the module behind a name in the crate's root: itself, or that which defines what is re-exported.
    pub(super) fn behind<'a>(&'a self, name: &'a str) -> &'a str {
        if self.blocks.contains_key(name) {
            return name;
        }
        self.exports.get(name).map_or(name, String::as_str)
    }

    /// Returns what a file of `module` uses of modules that do not stand above it, with the lines.
    pub(super) fn wrong_uses(&self, module: &str, text: &str) -> Vec<(usize, String)> {
        let Some(own) = self.blocks.get(module) else {
            return Vec::new();
        };
        let is_wrong = |(_, name): &(usize, String)| {
            let behind = self.behind(name);
            let block = self.blocks.get(behind);
            behind != module && block.is_some_and(|block| block >= own)
        };
        uses(text).into_iter().filter(is_wrong).collect()
    }
}

/// The names that a `pub use` brings into the root, each with the module it is of.
fn exported(statement: &str) -> Vec<(String, String)> {
    let statement = statement.split(';').next().unwrap_or_default();
    let module = first_word(statement);
    let leaves = statement.split(['{', ',', '}']);
    let names = leaves.filter_map(|leaf| {
        let last = leaf.trim().rsplit([' ', ':']).next().unwrap_or_default();
        (!last.is_empty()).then(|| last.to_owned())
    });
    names.map(|name| (name, module.clone())).collect()
}

/// The names in the crate's root that a source text uses, with the lines.
pub(super) fn uses(text: &str) -> Vec<(usize, String)> {
    let code = Parts::of(text).code;
    let mut found = Vec::new();
    for (at, prefix) in code.match_indices("crate::") {
        let is_word = |letter: char| letter.is_alphanumeric() || letter == '_';
        if code[..at].ends_with(is_word) {
            continue;
        }
        let line = |at: usize| code[..at].matches('\n').count() + 1;
        let start = at + prefix.len();
        if code[start..].starts_with('{') {
            let names = of_group(&code[start..]);
            found.extend(names.map(|(offset, name)| (line(start + offset), name)));
        } else {
            found.push((line(start), first_word(&code[start..])));
        }
    }
    found.retain(|(_, name)| !name.is_empty());
    found
}

/// The first word of each member of a group, with where it stands.
fn of_group(group: &str) -> impl Iterator<Item = (usize, String)> {
    let mut depth = 0_usize;
    let mut begins = Vec::new();
    for (at, letter) in group.char_indices() {
        match letter {
            '{' => depth += 1,
            '}' => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            break;
        }
        if depth == 1 && matches!(letter, '{' | ',') {
            let blank = group[at + 1..].len() - group[at + 1..].trim_start().len();
            begins.push(at + 1 + blank);
        }
    }
    begins.into_iter().map(|at| (at, first_word(&group[at..])))
}

fn first_word(text: &str) -> String {
    let is_word = |letter: &char| letter.is_alphanumeric() || *letter == '_';
    text.chars().take_while(is_word).collect()
}
