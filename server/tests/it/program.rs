//! The program: what it says when it starts, and why it does not.

use std::{
    io::{BufRead, BufReader},
    process::{Command, Stdio},
};

const PROGRAM: &str = env!("CARGO_BIN_EXE_parlor-server");
const SECRET_FILE: &str = concat!(env!("CARGO_TARGET_TMPDIR"), "/program.secret");

/// What is said until the program would serve.
fn hints(flags: &[&str]) -> String {
    let mut program = Command::new(PROGRAM);
    program.args(["--listen", "127.0.0.1:0", "--shards", "1"]).args(flags);
    let mut program = program.stdout(Stdio::piped()).spawn().unwrap();
    let mut said = String::new();
    let lines = BufReader::new(program.stdout.take().unwrap()).lines();
    for line in lines {
        said += &line.unwrap();
        if said.contains("/healthz") {
            break;
        }
    }
    program.kill().unwrap();
    program.wait().unwrap();
    said
}

/// What is said by a program that does not start.
fn check(flags: &[&str], expected: &str) {
    let output = Command::new(PROGRAM).args(flags).output().unwrap();
    let said = String::from_utf8([output.stdout, output.stderr].concat()).unwrap();
    assert!(!output.status.success(), "{flags:?}: {said}");
    assert!(said.contains(expected), "{flags:?}: {said}");
}

#[test]
fn it_says_with_what_clients_are_let_in() {
    let open = hints(&[]);
    assert!(open.contains("{params: {user_id: \"ann\"}}"), "{open}");
    assert!(open.contains("page: http://127.0.0.1:"), "{open}");
    let without_page = hints(&["--page", "off"]);
    assert!(!without_page.contains("page: "), "{without_page}");
    assert!(open.contains("auth: {userId: \"ann\"}"), "{open}");

    std::fs::write(SECRET_FILE, "thirty-two bytes of a test secret").unwrap();
    let by_token = hints(&["--hs256-secret-file", SECRET_FILE]);
    assert!(by_token.contains("{authToken: TOKEN}"), "{by_token}");
    assert!(by_token.contains("{params: {token: TOKEN}}"), "{by_token}");
    assert!(by_token.contains("auth: {token: TOKEN}"), "{by_token}");
    assert!(!by_token.contains("ann"), "{by_token}");
}

#[test]
fn settings_are_read_and_nothing_is_begun() {
    // Somebody listens there already.
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let listen = listener.local_addr().unwrap().to_string();
    let output = Command::new(PROGRAM).args(["--check", "--listen", &listen]).output().unwrap();
    let said = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success() && said.contains("these settings will do"), "{said}");
    check(&["--check", "--config", "none.toml"], "none.toml: this file can't be read (");
    for flag in ["--history", "--journal"] {
        let expected = "/none/file can't be written, expected a directory at ";
        check(&["--check", flag, "none/file"], expected);
    }
}

#[test]
fn keys_of_the_example_are_warned_of() {
    let example = concat!(env!("CARGO_MANIFEST_DIR"), "/parlor-server.example.toml");
    let output = Command::new(PROGRAM).args(["--check", "--config", example]).output().unwrap();
    let said = String::from_utf8(output.stdout).unwrap();
    for key in ["auth.hs256_secret", "operators.key"] {
        let expected = format!("{key} is that of the example, which everybody knows: replace it");
        assert!(said.contains(&expected), "{said}");
    }
}

#[test]
fn why_it_does_not_start_is_said_however_silent_its_log_is() {
    check(&["--log", "off", "--config", "none.toml"], "none.toml: this file can't be read (");
    check(&["--log", "loud"], "\"loud\" is no level, expected such as debug");
}

#[test]
fn the_log_is_as_loud_and_in_the_form_that_is_asked_for() {
    let logged = |flags: &[&str], environment: &[(&str, &str)]| {
        let mut program = Command::new(PROGRAM);
        program.arg("--check").args(flags).envs(environment.iter().copied());
        let output = program.output().unwrap();
        assert!(output.status.success(), "{output:?}");
        String::from_utf8(output.stdout).unwrap()
    };
    let json = logged(&["--log-format", "json"], &[]);
    let line: serde_json::Value = serde_json::from_str(json.trim_end()).unwrap();
    assert_eq!((&line["level"], &line["is_open"]), (&"INFO".into(), &true.into()));
    assert_eq!(logged(&[], &[("PARLOR_LOG_FORMAT", "json")]).chars().next(), Some('{'));
    assert_eq!(logged(&["--log", "warn"], &[]), "");
    assert_eq!(logged(&[], &[("PARLOR_LOG", "warn")]), "");
    assert!(logged(&["--log", "info"], &[("PARLOR_LOG", "warn")]).contains("will do"));
    check(&["--log-format", "xml"], "[possible values: text, json]");
}

#[test]
fn a_flag_that_can_not_be_is_named_with_what_was_expected() {
    let place = "expected an address and a port, such as 127.0.0.1:4000 or [::]:4000";
    let place = format!("for '--listen <ADDRESS:PORT>': this is no place to listen, {place}");
    check(&["--listen", "localhost:4000"], &place);
    check(&["--listen", "4000"], &place);
    let number = "for '--grace-ms <MILLISECONDS>': expected a whole number from 0 to ";
    check(&["--grace-ms", "abc"], number);
    check(&["--shards", "1.5"], "for '--shards <NUMBER>': expected a whole number from 0 to ");
    check(&["--log", "bogus=x"], "for '--log <LEVEL>': ");
    check(&["--log", "bogus=x"], "expected such as debug, or parlor_server=debug");
}

#[test]
fn a_file_that_can_not_be_is_named() {
    let journal = concat!(env!("CARGO_TARGET_TMPDIR"), "/none/journal");
    let said = format!("the journal {journal} can't be begun: ");
    check(&["--listen", "127.0.0.1:0", "--journal", journal], &said);
    let json = concat!(env!("CARGO_TARGET_TMPDIR"), "/program.json");
    std::fs::write(json, "{\"grace_ms\": 1}").unwrap();
    check(&["--config", json], &format!("{json}, line 1: this is no TOML ("));
    check(&["--config", json], "), expected settings as TOML");
}
