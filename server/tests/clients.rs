//! The clients that people use, unmodified, from npm, against the built server: see `clients/`.
//!
//! Needs node and npm. Where they are missing this says so and passes, unless
//! `PARLOR_REQUIRE_CLIENTS` is set.
#![expect(unreachable_pub, reason = "modules of a test crate have no outside")]
#![expect(clippy::unwrap_used, reason = "a failing test stops")]
#![expect(clippy::print_stderr, reason = "what is skipped is said, and figures are shown")]

mod built;
mod npm;
mod strict;

use std::{
    path::Path,
    process::Command,
    sync::{Mutex, MutexGuard, PoisonError},
};

use npm::{Run, installed, run};

/// They use all that the machine has, and measure time.
static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());

#[test]
fn unmodified_clients_work() {
    let _guard = alone();
    let Some(clients) = installed("clients", &[]) else { return };
    let run = items(&clients, &[]);
    assert!(run.success && run.failed.is_empty(), "{}", run.failed.join("\n"));
    for version in ["1.5.14", "1.6.16", "1.7.21", "1.8.16", "1.8.16+positions"] {
        for number in 1..=36 {
            let item = format!("{version} C{number} ");
            let is_told = run.results.iter().any(|result| result.starts_with(&item));
            assert!(is_told, "{item}was not run");
        }
    }
}

/// A6: clients that take the five elements of V2 and nothing else, in Rust and in Python.
#[test]
fn a6_strict_clients_work() {
    let _guard = alone();
    for (name, run, items) in [
        ("rust", strict::rust(), &["replies", "broadcasts", "binary", "presence", "strict"][..]),
        ("python", strict::python(), &["broadcasts", "strict"]),
    ] {
        let Some(run) = run else { continue };
        assert!(run.success && run.failed.is_empty(), "{}", run.failed.join("\n"));
        let expected: Vec<_> = items.iter().map(|item| format!("{name} {item} ok")).collect();
        assert_eq!(run.results, expected);
    }
}

/// Items whose frames are spoilt on the way have to fail: else they would show nothing.
#[test]
fn items_fail_when_what_they_look_at_is_spoilt() {
    let _guard = alone();
    let Some(clients) = installed("clients", &[]) else { return };
    let run = items(&clients, &["--spoilt", "--versions", "1.8.16"]);
    assert!(run.success && run.failed.is_empty(), "{}", run.failed.join("\n"));
    assert!(run.results.len() > 30, "{} results: items are missing", run.results.len());
}

fn alone() -> MutexGuard<'static, ()> {
    ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Runs the items, and passes on what they say.
fn items(clients: &Path, arguments: &[&str]) -> Run {
    let mut node = Command::new("node");
    node.arg("run.mjs").args(["--server", env!("CARGO_BIN_EXE_parlor-server")]);
    node.arg("--conformance")
        .arg(built::example("conformance"))
        .args(arguments)
        .current_dir(clients);
    run(node)
}
