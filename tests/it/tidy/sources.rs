//! The files of the repository, as texts.

use std::{
    fs,
    path::{Path, PathBuf},
};

/// A file, by its path from the root.
pub(super) struct File {
    pub(super) path: String,
    pub(super) text: String,
}

impl File {
    /// The module of a file in `src`: `channel` of `src/channel.rs` and of all in `src/channel/`.
    pub(super) fn module(&self) -> &str {
        let path = self.path.strip_prefix("src/").unwrap_or(&self.path);
        path.split(['/', '.']).next().unwrap_or(path)
    }

    /// Whether it is nothing but the tests of a file in `src`.
    pub(super) fn is_test(&self) -> bool {
        self.path.starts_with("src/") && self.path.ends_with("/tests.rs")
    }

    /// Its code: without tests, comments and blank lines.
    pub(super) fn code(&self) -> String {
        if self.is_test() {
            return String::new();
        }
        let without_tests = self.text.split("\n#[cfg(test)]\nmod tests").next();
        let lines = without_tests.unwrap_or_default().lines();
        let code = lines.filter(|line| !line.trim().is_empty() && !line.trim().starts_with("//"));
        code.map(|line| format!("{line}\n")).collect::<Vec<_>>().concat()
    }
}

/// All Rust files in `folders`, in order, but for what was built there.
pub(super) fn read(folders: &[&str]) -> Vec<File> {
    let mut paths = Vec::new();
    for folder in folders {
        let root = root().join(folder);
        if root.exists() {
            find(&root, "rs", &mut paths);
        }
    }
    files(paths)
}

/// The scripts of the scenarios.
pub(super) fn scripts() -> Vec<File> {
    let mut paths = Vec::new();
    find(&root().join("tests/it/scenarios"), "txt", &mut paths);
    files(paths)
}

pub(super) fn text_of(path: &str) -> String {
    let text = fs::read_to_string(root().join(path));
    text.unwrap_or_else(|wrong| panic!("{path}: {wrong}"))
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn find(folder: &Path, extension: &str, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() && path.file_name().is_some_and(|name| name != "target") {
            find(&path, extension, found);
        } else if path.extension().is_some_and(|of| of == extension) {
            found.push(path);
        }
    }
}

fn files(mut paths: Vec<PathBuf>) -> Vec<File> {
    paths.sort_unstable();
    let name = |path: &Path| {
        let parts = path.strip_prefix(root()).unwrap().iter().map(|part| part.to_str().unwrap());
        parts.collect::<Vec<_>>().join("/")
    };
    let read = |path: &PathBuf| fs::read_to_string(path).unwrap();
    paths.iter().map(|path| File { path: name(path), text: read(path) }).collect()
}
