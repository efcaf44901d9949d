//! The program: what it says when it starts, and why it does not.

use std::{
    io::{BufRead, BufReader},
    process::{Command, Stdio},
};

const PROGRAM: &str = env!("CARGO_BIN_EXE_parlor-server");
const SECRET_FILE: &str = concat!(env!("CARGO_TARGET_TMPDIR"), "/program.secret");
const KEY_FILE: &str = concat!(env!("CARGO_TARGET_TMPDIR"), "/program.key");

/// What is said until the program would serve.
fn hints(flags: &[&str]) -> String {
    until(flags, "/healthz")
}

/// What is said up to a line with such a text.
fn until(flags: &[&str], last: &str) -> String {
    let mut program = Command::new(PROGRAM);
    program.args(["--listen", "127.0.0.1:0", "--lanes", "1"]).args(flags);
    let mut program = program.stdout(Stdio::piped()).spawn().unwrap();
    let mut said = String::new();
    let lines = BufReader::new(program.stdout.take().unwrap()).lines();
    for line in lines {
        said += &line.unwrap();
        if said.contains(last) {
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
    let place = "for '--listen <ADDRESS:PORT>': this is not a place to listen, expected an address";
    check(&["--listen", "localhost"], place);
    check(&["--listen", "70000"], place);
    let number = "for '--grace-ms <MILLISECONDS>': expected a whole number from 0 to ";
    check(&["--grace-ms", "abc"], number);
    check(&["--lanes", "1.5"], "for '--lanes <NUMBER>': expected a whole number from 0 to ");
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

#[test]
fn a_file_without_an_end_is_refused() {
    for flag in ["--config", "--hs256-secret-file", "--operators-key-file"] {
        let long = "(it is longer than 16777216 bytes)";
        check(&["--check", flag, "/dev/zero"], long);
        check(&["--check", flag, "/"], "can't be read (Is a directory");
    }
    let config = concat!(env!("CARGO_TARGET_TMPDIR"), "/program.endless.toml");
    let schema = "default_room = {events = [{name = 'a', schema_file = '/dev/zero'}]}";
    std::fs::write(config, schema).unwrap();
    check(&["--check", "--config", config], "default_room.events[0].schema_file: /dev/zero can't");
}

#[test]
fn a_directory_is_no_place_for_a_history_or_a_journal() {
    for flag in ["--history", "--journal"] {
        check(&["--check", flag, "/"], "/ is a directory, expected the path of a file");
        check(&["--check", flag, env!("CARGO_TARGET_TMPDIR")], "is a directory, expected the path");
    }
}

#[test]
fn what_is_hardly_meant_is_logged() {
    let config = concat!(env!("CARGO_TARGET_TMPDIR"), "/program.doubts.toml");
    std::fs::write(config, "rooms = [{pattern = 'a', max_members = 0}]").unwrap();
    let output = Command::new(PROGRAM).args(["--check", "--config", config]).output().unwrap();
    let said = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success(), "{said}");
    assert!(said.contains("rooms[0].max_members is 0: nobody can join"), "{said}");
}

#[test]
fn settings_come_from_the_environment_below_flags_and_above_the_file() {
    let config = concat!(env!("CARGO_TARGET_TMPDIR"), "/program.environment.toml");
    std::fs::write(config, "server = {listen = '127.0.0.1:1', lanes = 1}").unwrap();
    let listens = |flags: &[&str]| {
        let mut program = Command::new(PROGRAM);
        program.args(["--check", "--log-format", "json"]).args(flags);
        let program = program.env("PARLOR_CONFIG", config).env("PARLOR_LISTEN", "0.0.0.0:2");
        let output = program.output().unwrap();
        let said = String::from_utf8(output.stdout).unwrap();
        let line: serde_json::Value = serde_json::from_str(said.trim_end()).unwrap();
        (line["listen"].as_str().unwrap().to_owned(), line["lanes"].as_u64().unwrap())
    };
    assert_eq!(listens(&[]), ("0.0.0.0:2".into(), 1));
    assert_eq!(listens(&["--listen", "localhost:3"]), ("127.0.0.1:3".into(), 1));
}

#[tokio::test]
async fn the_program_asks_another_whether_it_is_well() {
    let running = crate::start(crate::settings()).await;
    let ask = async |flags: Vec<String>| {
        let asked = move || Command::new(PROGRAM).args(flags).output().unwrap();
        let output = tokio::task::spawn_blocking(asked).await.unwrap();
        let said = String::from_utf8([output.stdout, output.stderr].concat()).unwrap();
        (output.status.success(), said)
    };
    let at = running.at;
    for flags in [
        vec!["--health".to_owned(), format!("http://{at}/healthz")],
        vec!["--listen".to_owned(), at.to_string(), "--health".to_owned()],
    ] {
        let (is_well, said) = ask(flags).await;
        assert!(is_well && said.contains("\"status\":\"ok\""), "{said}");
    }
    let (is_well, said) = ask(vec!["--health".into(), format!("http://{at}/nowhere")]).await;
    assert!(!is_well && said.contains("not well, status 404"), "{said}");
    let (is_well, said) = ask(vec!["--health".into(), "ftp://x".into()]).await;
    assert!(!is_well && said.contains("is not a URL"), "{said}");
    running.shutdown().await;
    let (is_well, said) = ask(vec!["--health".into(), format!("http://{at}/healthz")]).await;
    assert!(!is_well && said.contains("does not answer"), "{said}");
}

#[test]
fn a17_the_link_to_look_has_a_token_where_there_is_no_key() {
    let link = "/inspect#token=";
    let open = until(&[], "/inspect");
    assert!(open.contains(link), "{open}");
    std::fs::write(KEY_FILE, "a-key-of-operators").unwrap();
    let with_key = until(&["--operators-key-file", KEY_FILE], "/inspect");
    assert!(
        !with_key.contains(link) && with_key.contains("with the key of operators"),
        "{with_key}"
    );
    let on = until(&["--operators-same-machine", "on"], "operators.same_machine is on");
    assert!(!on.contains(link), "{on}");
}
