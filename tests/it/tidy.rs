//! The rules of ARCHITECTURE.md that can be checked, read off the files.
//!
//! Each rule is a function from texts to what breaks it, so that a planted violation in
//! [`planted`] can show that it is able to fail.

mod imports;
mod parity;
mod planted;
mod sources;

use parlor::EventKind;

use self::sources::{File, read};
use crate::scenarios;

/// Where the library is, without the binary.
fn library() -> Vec<File> {
    let mut files = read(&["src"]);
    files.retain(|file| !file.path.starts_with("src/bin"));
    assert!(files.len() > 20, "the sources are found");
    files
}

fn check(broken: &[String]) {
    assert!(broken.is_empty(), "\n{}\n", broken.join("\n"));
}

#[test]
fn imports_are_those_of_the_table() {
    let page = sources::text_of("ARCHITECTURE.md");
    check(&imports::unlike_the_table(&library(), &page));
}

#[test]
fn only_the_channel_knows_the_outbox() {
    assert_eq!(imports::importers(&library(), "outbox"), ["channel"]);
}

#[test]
fn only_the_channel_pushes_to_the_outbox() {
    check(&pushes_elsewhere(&library()));
}

fn pushes_elsewhere(files: &[File]) -> Vec<String> {
    let elsewhere = files.iter().filter(|file| file.module() != "channel");
    let pushing = elsewhere.filter(|file| file.code().contains("outbox.push"));
    pushing
        .map(|file| format!("{} pushes to the outbox, expected only channel/* to", file.path))
        .collect()
}

#[test]
fn every_rule_has_a_test_of_its_name() {
    check(&rules_without_test(scenarios::LISTED));
}

fn rules_without_test(tests: &[&str]) -> Vec<String> {
    let rules = (1..=9).map(|rule| format!("r{rule}_"));
    let missing = rules.filter(|rule| !tests.iter().any(|test| test.starts_with(rule)));
    missing.map(|rule| format!("no scenario has a name that starts with {rule}")).collect()
}

#[test]
fn every_event_occurs_in_a_scenario() {
    let scripts = sources::scripts();
    assert_eq!(scripts.len(), scenarios::LISTED.len());
    check(&events_without_scenario(&scripts));
}

fn events_without_scenario(scripts: &[File]) -> Vec<String> {
    let lines = || scripts.iter().flat_map(|script| script.text.lines());
    let missing = EventKind::ALL
        .into_iter()
        .map(EventKind::label)
        .filter(|label| !lines().any(|line| line.split(' ').next() == Some(label)));
    missing.map(|label| format!("no scenario has a line that begins with {label}")).collect()
}

#[test]
fn files_are_short() {
    check(&long_files(&read(&["src", "tests", "benches", "fuzz", "examples"])));
}

fn long_files(files: &[File]) -> Vec<String> {
    let mut broken = Vec::new();
    for file in files {
        let (lines, code) = (file.text.lines().count(), file.code().lines().count());
        if lines > 600 {
            broken.push(format!("{} has {lines} lines, expected at most 600", file.path));
        }
        if file.path.starts_with("src/") && code > 400 {
            broken.push(format!("{} has {code} lines of code, expected at most 400", file.path));
        }
    }
    broken
}

#[test]
fn scenarios_fit_on_a_screen_and_have_a_title() {
    check(&long_stories(&sources::scripts()));
}

fn long_stories(scripts: &[File]) -> Vec<String> {
    let mut broken = Vec::new();
    for File { path, text } in scripts {
        let title = text.lines().next().unwrap_or_default();
        if !title.starts_with("# ") || !title.ends_with('.') {
            broken.push(format!("{path} begins with {title:?}, expected a title: `# … .`"));
        }
        let lines = text.lines().count();
        if lines > 24 {
            broken.push(format!("{path} has {lines} lines, expected at most 24"));
        }
    }
    broken
}

#[test]
fn the_channel_has_at_most_eight_fields() {
    check(&too_many_fields(&sources::text_of("src/channel.rs")));
}

fn too_many_fields(channel: &str) -> Vec<String> {
    let inside = channel.split("pub struct Channel {\n").nth(1).expect("the struct is found");
    let inside = inside.split("\n}").next().unwrap_or_default();
    let lines = inside.lines().map(str::trim).filter(|line| !line.starts_with("//"));
    let fields = lines.filter(|line| line.contains(": ")).count();
    assert!(fields > 0, "the fields are found");
    if fields > 8 {
        return vec![format!(
            "Channel has {fields} fields, expected at most 8: one is a component"
        )];
    }
    Vec::new()
}

#[test]
fn every_source_file_says_what_it_is() {
    check(&without_head(&read(&["src"])));
}

fn without_head(files: &[File]) -> Vec<String> {
    let files = files.iter().filter(|file| !file.is_test());
    let silent = files.filter(|file| !file.text.starts_with("//! "));
    silent.map(|file| format!("{} does not begin with `//! `", file.path)).collect()
}

#[test]
fn the_library_is_pure() {
    check(&impure(&library()));
}

/// What brings in order, time, environment or chance that is no event's, or I/O.
fn impure(files: &[File]) -> Vec<String> {
    const PATHS: [&str; 7] =
        ["std::time", "std::env", "std::io", "std::fs", "std::net", "std::thread", "rand::"];
    const WORDS: [&str; 6] =
        ["HashMap", "HashSet", "RandomState", "Instant", "SystemTime", "unsafe"];
    let mut broken = Vec::new();
    for file in files {
        let code = file.code();
        let is_word = |word: &&str| {
            code.split(|c: char| !c.is_alphanumeric() && c != '_').any(|part| part == *word)
        };
        let paths = PATHS.iter().filter(|path| code.contains(**path));
        for found in paths.chain(WORDS.iter().filter(|word| is_word(word))) {
            broken.push(format!("{} has {found}, expected none in the library", file.path));
        }
    }
    broken
}

#[test]
fn the_compiler_is_told_to_keep_it_so() {
    check(&without_promises(&sources::text_of("src/lib.rs")));
}

fn without_promises(lib: &str) -> Vec<String> {
    let promises = ["#![no_std]", "#![forbid(unsafe_code)]"];
    let missing = promises.into_iter().filter(|promise| !lib.lines().any(|line| line == *promise));
    missing.map(|promise| format!("src/lib.rs has no {promise}")).collect()
}

#[test]
fn dependencies_are_those_that_were_agreed_on() {
    check(&other_dependencies(&sources::text_of("Cargo.toml")));
}

fn other_dependencies(manifest: &str) -> Vec<String> {
    const AGREED: [&str; 4] = ["foldhash", "indexmap", "serde", "serde_json"];
    // Only for who asks for them.
    const OPTIONAL: [&str; 2] = ["arbitrary", "proptest"];
    let mut section = "";
    let [mut found, mut optional] = [Vec::new(), Vec::new()];
    let mut broken = Vec::new();
    for line in manifest.lines() {
        if let Some(name) = line.strip_prefix('[') {
            section = name.trim_end_matches(']');
            let is_known = ["dependencies", "dev-dependencies"].contains(&section);
            if section.contains("dependencies") && !is_known {
                broken.push(format!("Cargo.toml has [{section}], expected [dependencies] alone"));
            }
        } else if section == "dependencies"
            && let Some((name, what)) = line.split_once('=')
        {
            let of_kind = if what.contains("optional = true") { &mut optional } else { &mut found };
            of_kind.push(name.trim());
        }
    }
    if !optional.iter().all(|name| OPTIONAL.contains(name)) {
        broken.push(format!("Cargo.toml offers {optional:?}, expected {OPTIONAL:?}"));
    }
    if manifest.lines().any(|line| line.starts_with("default =") && line != r#"default = ["std"]"#)
    {
        broken.push("Cargo.toml has other default features than std".into());
    }
    if found != AGREED {
        broken.push(format!("Cargo.toml depends on {found:?}, expected {AGREED:?}"));
    }
    broken
}

#[test]
fn the_changelog_has_every_event() {
    check(&events_without_mention(&sources::text_of("CHANGELOG.md")));
}

fn events_without_mention(changelog: &str) -> Vec<String> {
    let labels = EventKind::ALL.into_iter().map(EventKind::label);
    let missing = labels.filter(|label| !changelog.contains(&format!("`{label}`")));
    missing.map(|label| format!("CHANGELOG.md does not mention `{label}`")).collect()
}

#[test]
fn every_feature_of_the_sources_is_on_their_page() {
    let page = sources::text_of("docs/sources.md");
    check(&parity::features_amiss(&page));
    check(&parity::tests_amiss(&page, scenarios::LISTED, &read(&["src", "tests", "server/tests"])));
}
