//! What was recorded once: chats, and what fuzzing starts from.

use std::{
    fs,
    path::{Path, PathBuf},
};

use super::harness::{check_bytes, check_lines};

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The committed files in a directory, by name; what a fuzzer found is named by a hash.
fn seeds(target: &str) -> Vec<PathBuf> {
    let directory = root().join("fuzz/corpus").join(target);
    let entries = fs::read_dir(&directory).expect("the directory of seeds is there");
    let mut seeds: Vec<_> = entries.map(|entry| entry.expect("it is read").path()).collect();
    seeds.retain(|path| path.file_name().is_some_and(|name| name.len() < 40));
    seeds.sort();
    assert!(seeds.len() > 5, "{} has seeds", directory.display());
    seeds
}

#[test]
fn the_ops_that_fuzzing_starts_from_agree_with_the_model() {
    for path in seeds("ops") {
        check_bytes(&fs::read(&path).expect("a seed is read"));
    }
}

#[test]
fn the_lines_that_fuzzing_starts_from_agree_with_the_model() {
    for path in seeds("json") {
        check_lines(&fs::read(&path).expect("a seed is read"));
    }
}
