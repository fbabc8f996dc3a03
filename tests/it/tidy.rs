//! The house's rules that no compiler keeps: headers, the direction of `use`, who spells attribute names.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

fn sources() -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut folders = vec![Path::new(env!("CARGO_MANIFEST_DIR")).join("src")];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).expect("readable source folder") {
            let path = entry.expect("readable entry").path();
            match path.extension() {
                _ if path.is_dir() => folders.push(path),
                Some(extension) if extension == "rs" => found.push(path),
                _ => {}
            }
        }
    }
    found.sort();
    found
}

/// Whether a file holds tests alone: `tests.rs`, or one in a folder `tests`.
fn is_test(path: &Path) -> bool {
    path.file_name().is_some_and(|name| name == "tests.rs")
        || path
            .parent()
            .is_some_and(|folder| folder.ends_with("tests"))
}

/// The block of `lib.rs` in which each module is declared.
fn blocks() -> BTreeMap<String, usize> {
    let lib = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("src/lib.rs"))
        .expect("lib.rs");
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
    blocks
}

/// The module of the crate's root that a file belongs to.
fn module_of(path: &Path) -> String {
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let relative = path.strip_prefix(src).expect("below src");
    let first = relative
        .components()
        .next()
        .expect("a name")
        .as_os_str()
        .to_string_lossy();
    first.trim_end_matches(".rs").to_owned()
}

/// The crate's modules that a source text names behind `crate::`, with the lines.
fn uses(text: &str) -> Vec<(usize, String)> {
    let mut found = Vec::new();
    let mut group_depth: Option<usize> = None;
    for (number, line) in text.lines().enumerate() {
        let code = line.split("//").next().unwrap_or("");
        if let Some(depth) = group_depth {
            let trimmed = code.trim();
            if depth == 1 && !trimmed.starts_with('}') {
                push_name(&mut found, number, trimmed);
            }
            let depth = depth + code.matches('{').count() - code.matches('}').count().min(depth);
            group_depth = (depth > 0).then_some(depth);
        } else if let Some(rest) = code.trim().strip_prefix("use crate::{") {
            if rest.is_empty() {
                group_depth = Some(1);
            } else {
                rest.trim_end_matches("};")
                    .split(',')
                    .for_each(|part| push_name(&mut found, number, part.trim()));
            }
        } else {
            for rest in code.split("crate::").skip(1) {
                push_name(&mut found, number, rest);
            }
        }
    }
    found
}

fn push_name(found: &mut Vec<(usize, String)>, line: usize, text: &str) {
    let name: String = text
        .chars()
        .take_while(|c| c.is_alphanumeric() || *c == '_')
        .collect();
    if !name.is_empty() {
        found.push((line + 1, name));
    }
}

#[test]
fn every_file_says_what_it_is() {
    for path in sources() {
        let text = fs::read_to_string(&path).expect("UTF-8");
        assert!(text.starts_with("//!"), "{} has no header", path.display());
    }
}

#[test]
fn modules_use_only_what_stands_above_them() {
    let blocks = blocks();
    assert!(blocks.len() > 5, "lib.rs is read wrongly: {blocks:?}");
    let mut wrong = Vec::new();
    for path in sources() {
        let own = module_of(&path);
        let Some(own_block) = blocks.get(&own) else {
            continue;
        };
        let text = fs::read_to_string(&path).expect("UTF-8");
        let text = text.split("#[cfg(test)]\nmod tests {").next().unwrap_or("");
        for (line, name) in uses(text) {
            let below = blocks
                .get(&name)
                .is_some_and(|block| *block >= *own_block && name != own);
            if below && !is_test(&path) {
                wrong.push(format!("{}:{line} uses crate::{name}", path.display()));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn only_semconv_spells_attribute_names() {
    let mut wrong = Vec::new();
    for path in sources()
        .into_iter()
        .filter(|path| !path.ends_with("semconv.rs"))
    {
        let text = fs::read_to_string(&path).expect("UTF-8");
        let code = text.split("#[cfg(test)]").next().unwrap_or("");
        for (number, line) in code.lines().enumerate() {
            let in_code = line.split("//").next().unwrap_or("").contains("\"gen_ai.");
            if in_code && !is_test(&path) {
                wrong.push(format!("{}:{}", path.display(), number + 1));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn the_order_of_modules_can_be_broken_and_is_seen() {
    let text = "use crate::{\n    ack::Ack,\n    journal::{Reader, Writer},\n};\nfn f() { crate::seal::x() }\n";
    let names: Vec<String> = uses(text).into_iter().map(|(_, name)| name).collect();
    assert_eq!(names, ["ack", "journal", "seal"]);
}
