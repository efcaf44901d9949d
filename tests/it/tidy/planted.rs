//! Rules have to be able to fail: each is shown one thing that breaks it.

use parlor::EventKind;

use super::{
    File,
    imports::{importers, unlike_the_table},
};

fn file(path: &str, text: &str) -> File {
    File { path: path.into(), text: text.into() }
}

fn check(broken: &[String], expected: &[&str]) {
    assert_eq!(broken, expected);
}

const PAGE: &str = "# Page\n\n## Imports\n\n| module | may import |\n| --- | --- |\n\
    | `ids` | nothing |\n| `log` | nothing |\n| `rooms` | `ids`, `log` |\n\n## Next\n\n| `x` | `y` |\n";

const IDS: &str = "//! Names.\n//! See [`Channel`](crate::Channel).\nuse core::fmt;\n";

const ROOMS: &str =
    "use crate::{\n    ids::{ClientId, Topic},\n    log::Log,\n    rooms::seat::Seat,\n};\n";

#[test]
fn imports_as_in_the_table() {
    let files = [file("src/ids.rs", IDS), file("src/log.rs", ""), file("src/rooms/seat.rs", ROOMS)];
    check(&unlike_the_table(&files, PAGE), &[]);
}

#[test]
fn an_import_that_is_not_in_the_table() {
    let check_log = |log: &str| {
        let files = [file("src/ids.rs", IDS), file("src/log.rs", log), file("src/rooms.rs", ROOMS)];
        check(
            &unlike_the_table(&files, PAGE),
            &["log imports ids, which the table does not allow"],
        );
    };
    check_log("use crate::ids::Topic;");
    check_log("use crate::{\n    ids::Topic,\n};");
    check_log("use crate::{log::{A, B}, ids};");
    check_log("struct A(crate::ids::Topic);");
    check_log(
        "pub(crate) use crate::ids;\n\n#[cfg(test)]\nmod tests {\n    use crate::rooms;\n}\n",
    );
}

#[test]
fn a_row_that_is_not_used() {
    let rooms = "use crate::ids;";
    let files = [file("src/ids.rs", IDS), file("src/log.rs", ""), file("src/rooms.rs", rooms)];
    let expected = "the table lets rooms import log, which it does not";
    check(&unlike_the_table(&files, PAGE), &[expected]);
    let expected = "the table has a row for log, which is no module";
    let files = [file("src/ids.rs", IDS), file("src/rooms.rs", ROOMS)];
    check(&unlike_the_table(&files, PAGE), &[expected]);
}

#[test]
fn a_module_without_a_row_and_a_row_out_of_order() {
    let new = file("src/groups.rs", "");
    let files = [file("src/ids.rs", IDS), file("src/log.rs", ""), file("src/rooms.rs", ROOMS), new];
    check(&unlike_the_table(&files, PAGE), &["the table has no row for groups"]);
    let moved = PAGE
        .replace("| `log` | nothing |\n", "")
        .replace("\n\n## Next", "\n| `log` | nothing |\n\n## Next");
    check(&unlike_the_table(&files[..3], &moved), &["rooms stands above log, which it imports"]);
}

#[test]
fn a_component_that_knows_another() {
    let files = [file("src/ids.rs", IDS), file("src/log.rs", ""), file("src/rooms.rs", ROOMS)];
    assert_eq!(importers(&files, "log"), ["rooms"]);
}

#[test]
fn a_push_outside_of_the_channel() {
    let push = "fn f() {\n    self.outbox.push(x);\n}";
    let files = ["src/channel.rs", "src/channel/messaging.rs", "src/rooms.rs", "src/channels.rs"];
    check(
        &super::pushes_elsewhere(&files.map(|path| file(path, push))),
        &[
            "src/rooms.rs pushes to the outbox, expected only channel/* to",
            "src/channels.rs pushes to the outbox, expected only channel/* to",
        ],
    );
}

#[test]
fn a_rule_without_a_test() {
    let tests = ["r1_a", "r2_b", "r4_d", "r5_e", "r6_f", "r7_g", "r8_h", "r9_i", "r33_c", "r3"];
    check(&super::rules_without_test(&tests), &["no scenario has a name that starts with r3_"]);
}

#[test]
fn an_event_without_a_scenario() {
    let others = EventKind::ALL.into_iter().filter(|kind| *kind != EventKind::Restart);
    let lines: Vec<_> = others.map(|kind| format!("{kind} a b c")).collect();
    let script = format!("# restart is only in a comment.\n{}\n", lines.join("\n"));
    let broken = super::events_without_scenario(&[file("a.txt", &script)]);
    check(&broken, &["no scenario has a line that begins with restart"]);
}

#[test]
fn a_long_file() {
    let code = |lines| "let x = 1;\n".repeat(lines);
    let with = |lines, more: &str| file("src/a.rs", &(code(lines) + more));
    check(&super::long_files(&[with(400, "\n// comment\n")]), &[]);
    check(
        &super::long_files(&[with(
            300,
            &format!("\n#[cfg(test)]\nmod tests {{\n{}}}\n", code(200)),
        )]),
        &[],
    );
    let expected = "src/a.rs has 401 lines of code, expected at most 400";
    check(&super::long_files(&[with(401, "")]), &[expected]);
    check(&super::long_files(&[file("tests/a.rs", &code(600))]), &[]);
    let expected = "tests/a.rs has 601 lines, expected at most 600";
    check(&super::long_files(&[file("tests/a.rs", &code(601))]), &[expected]);
}

#[test]
fn a_long_story_and_one_without_a_title() {
    let story = |lines| file("a.txt", &format!("# A title.\n{}", "restart\n".repeat(lines)));
    check(&super::long_stories(&[story(23)]), &[]);
    check(&super::long_stories(&[story(24)]), &["a.txt has 25 lines, expected at most 24"]);
    let expected = r#"a.txt begins with "restart", expected a title: `# … .`"#;
    check(&super::long_stories(&[file("a.txt", "restart\n")]), &[expected]);
}

#[test]
fn a_ninth_field() {
    let channel = |fields| {
        let fields = "    /// Which: one.\n    a: u8,\n".repeat(fields);
        format!(
            "#[derive(Debug)]\npub struct Channel {{\n{fields}}}\n\nstruct Other {{\n    b: u8,\n}}\n"
        )
    };
    check(&super::too_many_fields(&channel(8)), &[]);
    let expected = "Channel has 9 fields, expected at most 8: one is a component";
    check(&super::too_many_fields(&channel(9)), &[expected]);
}

#[test]
fn a_file_without_a_head() {
    let files = [
        file("src/a.rs", "//! A.\n"),
        file("src/b.rs", "// B.\n"),
        file("src/c.rs", ""),
        file("src/a/tests.rs", ""),
    ];
    let expected = ["src/b.rs does not begin with `//! `", "src/c.rs does not begin with `//! `"];
    check(&super::without_head(&files), &expected);
}

#[test]
fn what_is_not_pure() {
    let clean = "// A HashMap would do.\nfn f(operand: u8, InstantLike: u8) {}\n";
    check(&super::impure(&[file("src/a.rs", clean)]), &[]);
    for (code, found) in [
        ("use std::collections::HashMap;", "HashMap"),
        ("use std::collections::{BTreeMap, HashSet};", "HashSet"),
        ("let now = std::time::Duration::ZERO;", "std::time"),
        ("let now = Instant::now();", "Instant"),
        ("let home = std::env::var(\"HOME\");", "std::env"),
        ("let n: u8 = rand::random();", "rand::"),
        ("unsafe { f() }", "unsafe"),
        ("use std::thread;", "std::thread"),
    ] {
        let expected = format!("src/a.rs has {found}, expected none in the library");
        check(&super::impure(&[file("src/a.rs", code)]), &[&expected]);
    }
}

#[test]
fn a_library_without_its_promises() {
    let expected = ["src/lib.rs has no #![no_std]", "src/lib.rs has no #![forbid(unsafe_code)]"];
    check(&super::without_promises("//! A.\n// #![no_std]\n#![deny(unsafe_code)]\n"), &expected);
}

#[test]
fn a_dependency_too_many_or_too_few() {
    let manifest = |more: &str| {
        format!(
            "[package]\nname = \"a\"\n\n[dependencies]\nfoldhash = \"0\"\nindexmap = \"2\"\nserde = {{ \
             version = \"1\" }}\nserde_json = \"1\"\n{more}\n[dev-dependencies]\ninsta = \"1\"\n"
        )
    };
    check(&super::other_dependencies(&manifest("")), &[]);
    for more in ["tokio = \"1\"\n", "[dependencies.tokio]\n", "[target.'cfg(unix)'.dependencies]\n"]
    {
        assert_eq!(super::other_dependencies(&manifest(more)).len(), 1, "{more}");
    }
    check(&super::other_dependencies(&manifest("proptest = { optional = true }\n")), &[]);
    for more in ["proptest = \"1\"\n", "rand = { optional = true }\n"] {
        assert_eq!(super::other_dependencies(&manifest(more)).len(), 1, "{more}");
    }
    let features = "[features]\ndefault = [\"std\", \"proptest\"]\n";
    assert_eq!(super::other_dependencies(&manifest(features)).len(), 1);
    let fewer = manifest("").replace("foldhash = \"0\"\n", "");
    assert_eq!(super::other_dependencies(&fewer).len(), 1);
}

#[test]
fn an_event_that_the_changelog_forgets() {
    let others = EventKind::ALL.into_iter().filter(|kind| *kind != EventKind::Restart);
    let others: Vec<_> = others.map(|kind| format!("`{kind}`")).collect();
    let changelog = format!("{}; restart.", others.join(", "));
    let expected = ["CHANGELOG.md does not mention `restart`"];
    check(&super::events_without_mention(&changelog), &expected);
}
