//! What the server is deployed by: the unit of systemd and the Dockerfile, against the program and
//! the repository that they speak of.
//!
//! That they work is shown by `systemd-analyze verify` and by `server/deploy/try-dockerfile`.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use parlor_server::{ConnectionLimits, Settings};

const SERVER: &str = env!("CARGO_MANIFEST_DIR");

fn repository() -> PathBuf {
    Path::new(SERVER).parent().unwrap().to_owned()
}

fn read(path: impl AsRef<Path>) -> String {
    let path = repository().join(path);
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// The values of a key of the unit, in order.
fn of_unit(key: &str) -> Vec<String> {
    let unit = read("server/deploy/parlor-server.service");
    let lines = unit.lines().filter_map(|line| line.split_once('='));
    lines.filter(|(found, _)| *found == key).map(|(_, value)| value.to_owned()).collect()
}

#[test]
fn the_unit_starts_the_program_with_flags_that_it_takes() {
    let directory = Path::new(env!("CARGO_TARGET_TMPDIR")).join("deploy");
    fs::create_dir_all(&directory).unwrap();
    fs::write(directory.join("session.key"), "5a".repeat(32)).unwrap();
    fs::write(directory.join("operators.key"), "a-key-of-this-test-alone\n").unwrap();
    let example = read("server/parlor-server.example.toml");
    fs::write(directory.join("parlor-server.toml"), example.replace("\nkey = ", "\n# key = "))
        .unwrap();

    let (before, start) = (of_unit("ExecStartPre"), of_unit("ExecStart"));
    let ([before], [start]) = (&before[..], &start[..]) else { panic!("expected one of each") };
    assert_eq!(before.replacen(" --check", "", 1), *start, "what is checked is what is started");
    let directory = directory.to_str().unwrap();
    let command = before.replace("%d", directory).replace("/etc/parlor", directory);
    let (program, flags) = command.split_once(' ').unwrap();
    assert_eq!(program, "/usr/local/bin/parlor-server");
    let mut program = Command::new(env!("CARGO_BIN_EXE_parlor-server"));
    let output = program.args(flags.split(' ')).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));

    let credentials = of_unit("LoadCredential");
    let named: Vec<_> = credentials.iter().filter_map(|one| one.split(':').next()).collect();
    for key in
        flags.split(' ').map(Path::new).filter(|path| path.extension() == Some("key".as_ref()))
    {
        let name = key.file_name().unwrap().to_str().unwrap();
        assert!(named.contains(&name), "{name} is not among {named:?}");
    }
}

#[test]
fn the_unit_gives_what_the_default_limits_take() {
    let number = |key| -> u64 { of_unit(key)[0].trim_end_matches('s').parse().unwrap() };
    let limits = ConnectionLimits::default();
    assert!(number("LimitNOFILE") > 2 * limits.max as u64, "a descriptor each, and requests");
    assert!(number("TimeoutStopSec") * 1_000 > limits.drain_ms + limits.close_ms);
}

/// The instructions of the Dockerfile.
fn instructions() -> Vec<(String, String)> {
    let file = read("Dockerfile");
    let lines = file.lines().filter(|line| !line.is_empty() && !line.starts_with('#'));
    let lines = lines.map(|line| line.split_once(' ').unwrap());
    lines.map(|(what, rest)| (what.to_owned(), rest.to_owned())).collect()
}

#[test]
fn the_image_is_made_of_what_there_is() {
    let instructions = instructions();
    let all = |what: &str| -> Vec<&str> {
        let some = instructions.iter().filter(|(found, _)| found == what);
        some.map(|(_, rest)| rest.as_str()).collect()
    };
    assert_eq!(all("COPY")[0], ". .");
    let out = "--from=build /src/parlor-server /usr/local/bin/parlor-server";
    assert_eq!(all("COPY")[1..], [out]);
    let build =
        "cargo build --release --locked -p parlor-server && cp target/release/parlor-server .";
    let run: Vec<_> = all("RUN")[0].split(' ').collect();
    let caches = run.iter().take_while(|word| word.starts_with("--mount=type=cache,")).count();
    assert_eq!(
        (caches, run[caches..].join(" ").as_str()),
        (2, build),
        "an edit compiles no crates"
    );
    let manifest = read("server/Cargo.toml");
    assert!(
        manifest.contains("\nname = \"parlor-server\"\npath = \"src/bin/parlor-server/main.rs\"\n")
    );
    let version = manifest.lines().find_map(|line| line.strip_prefix("rust-version = ")).unwrap();
    let base = format!("rust:{}-slim-bookworm AS build", version.trim_matches('"'));
    assert_eq!(all("FROM"), [base.as_str(), "debian:bookworm-slim"], "that is what it takes");
    let port = Settings::default().listen.port();
    assert_eq!(all("EXPOSE"), [port.to_string()]);
    assert_eq!(
        all("ENV"),
        [format!("PARLOR_LISTEN=0.0.0.0:{port}")],
        "also with a file of settings"
    );
    assert!(
        all("CMD").is_empty()
            && all("HEALTHCHECK")[0].ends_with(r#"["parlor-server", "--health"]"#)
    );
}

#[test]
fn the_image_leaves_out_nothing_that_is_compiled() {
    let ignored = read(".dockerignore");
    let ignored = ignored.lines().filter(|line| !line.is_empty() && !line.starts_with('#'));
    let ignored: Vec<_> = ignored.map(|line| line.trim_start_matches("**/")).collect();
    assert!(ignored.contains(&".git") && ignored.contains(&"target"));
    let manifest = read("Cargo.toml");
    let members = manifest.lines().find_map(|line| line.strip_prefix("members = ")).unwrap();
    let members = members.trim_matches(['[', ']']).split(", ").map(|name| name.trim_matches('"'));
    for needed in members.chain(["src", "benches", "examples", "Cargo.toml", "Cargo.lock", "tests"])
    {
        assert!(repository().join(needed).exists(), "{needed}");
        assert!(!ignored.contains(&needed), "{needed}");
    }
}

/// What the README and the documents have one make below the directory of the repository.
#[test]
fn what_following_the_documents_makes_is_ignored() {
    let made = [
        "operators.key",
        "session.key",
        "token.secret",
        "chat.saved",
        "history.sqlite",
        "history.sqlite-wal",
        "history.sqlite.lock",
        "copy.sqlite",
        "journal",
        "journal.config.json",
        "journal.before-1795000000123",
        "parlor-server.toml",
    ];
    let mut git = Command::new("git");
    let output = git.arg("check-ignore").args(made).current_dir(repository()).output().unwrap();
    let ignored = String::from_utf8(output.stdout).unwrap();
    assert_eq!(ignored.lines().collect::<Vec<_>>(), made);
    let docker = read(".dockerignore");
    for pattern in read(".gitignore").lines().skip_while(|line| !line.starts_with("*.key")).take(9)
    {
        let pattern = pattern.trim_start_matches('/');
        let is_it = |line: &str| line.trim_start_matches("**/") == pattern;
        assert!(docker.lines().any(is_it), "{pattern} is not in .dockerignore");
    }
}
