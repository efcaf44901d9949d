//! Programs of the workspace that cargo gives to no test, built as they are now.

use std::{
    path::PathBuf,
    process::{Command, Stdio},
};

use serde_json::Value;

/// Builds an example of the server.
pub fn example(name: &str) -> PathBuf {
    build(name, &["--example", name])
}

/// Builds for the whole workspace, and with an example, so with the features that dev-dependencies
/// ask for: as `cargo test --workspace` has done already. For a package alone, half of what it
/// depends on would be compiled again, with other features.
pub fn build(name: &str, targets: &[&str]) -> PathBuf {
    let mut cargo = Command::new(env!("CARGO"));
    cargo.args(["build", "--quiet", "--message-format", "json-render-diagnostics", "--workspace"]);
    cargo.args(targets).current_dir(env!("CARGO_MANIFEST_DIR"));
    if !cfg!(debug_assertions) {
        cargo.arg("--release");
    }
    let built = cargo.stderr(Stdio::inherit()).output().unwrap();
    assert!(built.status.success(), "{name} does not build");
    let lines = String::from_utf8(built.stdout).unwrap();
    let built = lines.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    let mut made = built.filter(|built| built.pointer("/target/name") == Some(&name.into()));
    let made = made.find_map(|made| made.get("executable")?.as_str().map(PathBuf::from));
    made.unwrap()
}
