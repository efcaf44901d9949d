//! The examples, run as their readers run them, but built once, by what builds the tests.
//!
//! Nothing here waits for time to pass; the time-out on reads only ends a test that would hang.
#![expect(clippy::unwrap_used, reason = "a failing test stops")]

use std::{
    env,
    io::{BufRead, BufReader, Read, Write},
    net::{Shutdown, TcpStream},
    path::PathBuf,
    process::{Child, Command, Stdio},
    sync::LazyLock,
    time::Duration,
};

use serde_json::Value;

/// The chat, as it is now. It is built for the whole workspace, as `cargo test --workspace` has
/// done already: for this package alone, half of what it depends on would be compiled again, with
/// other features.
static CHAT: LazyLock<PathBuf> = LazyLock::new(|| {
    let mut cargo = Command::new(env!("CARGO"));
    cargo.args(["build", "--quiet", "--message-format", "json-render-diagnostics"]);
    cargo.args(["--workspace", "--example", "tcp_chat"]).current_dir(env!("CARGO_MANIFEST_DIR"));
    if !cfg!(debug_assertions) {
        cargo.arg("--release");
    }
    let built = cargo.stderr(Stdio::inherit()).output().unwrap();
    assert!(built.status.success(), "the example does not build");
    let lines = String::from_utf8(built.stdout).unwrap();
    let built = lines.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    let mut made = built.filter(|built| built.pointer("/target/name") == Some(&"tcp_chat".into()));
    made.find_map(|made| made.get("executable")?.as_str().map(PathBuf::from)).unwrap()
});

/// The chat of `examples/tcp_chat.rs`, which ends with the test.
struct Chat {
    process: Child,
    address: String,
}

impl Chat {
    fn start() -> Self {
        let mut process = Self::command("127.0.0.1:0").stdout(Stdio::piped()).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(process.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let address = line.trim().strip_prefix("listening on ").unwrap().to_owned();
        Self { process, address }
    }

    fn command(address: &str) -> Command {
        let mut command = Command::new(&*CHAT);
        command.arg(address);
        command
    }

    /// Comes and is asked for a name.
    fn connect(&self) -> Person {
        let stream = TcpStream::connect(&self.address).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
        let mut person = Person(BufReader::new(stream));
        assert!(person.hears().starts_with("/join ROOM"), "the commands are told first");
        assert_eq!(person.hears(), "Your name?");
        person
    }

    /// Comes in under `name`, where `present` are then present.
    fn enter(&self, name: &str, present: &str) -> Person {
        let mut person = self.connect();
        person.says(name);
        assert_eq!(person.hears(), format!("you are in lobby with {present}"));
        person
    }
}

impl Drop for Chat {
    fn drop(&mut self) {
        self.process.kill().ok();
        self.process.wait().ok();
    }
}

struct Person(BufReader<TcpStream>);

impl Person {
    fn says(&mut self, line: &str) {
        self.sends(format!("{line}\n").as_bytes());
    }

    fn sends(&mut self, bytes: &[u8]) {
        self.0.get_mut().write_all(bytes).unwrap();
    }

    /// The next line, without its end; empty if there is no more.
    fn hears(&mut self) -> String {
        let mut line = String::new();
        self.0.read_line(&mut line).unwrap();
        line.trim_end_matches('\n').to_owned()
    }
}

#[test]
fn people_come_talk_move_and_go() {
    let chat = Chat::start();
    let mut ann = chat.enter("ann", "ann");
    let mut bob = chat.enter("bob", "ann, bob");
    assert_eq!(ann.hears(), "* bob comes to lobby");

    ann.says("hello");
    assert_eq!(ann.hears(), "lobby <ann> hello");
    assert_eq!(bob.hears(), "lobby <ann> hello");

    bob.says("/join the den");
    assert_eq!(bob.hears(), "you are in the den with bob");
    bob.says("alone");
    assert_eq!(bob.hears(), "the den <bob> alone");
    ann.says("/who");
    assert_eq!(ann.hears(), "in lobby: ann, bob");
    ann.says("/what");
    assert!(ann.hears().starts_with("/join ROOM"));
    ann.says(&format!("/join {}", "x".repeat(300)));
    assert_eq!(ann.hears(), "! topic has 300 bytes, expected at most 255");

    ann.says("/join the den");
    assert_eq!(ann.hears(), "you are in the den with bob, ann");
    assert_eq!(bob.hears(), "* ann comes to the den");
    ann.says("/join lobby");
    assert_eq!(ann.hears(), "you talk to lobby");
    ann.says("here again");
    assert_eq!(ann.hears(), "lobby <ann> here again");
    assert_eq!(bob.hears(), "lobby <ann> here again");
    ann.says("/join the den");
    assert_eq!(ann.hears(), "you talk to the den");
    ann.says("/leave");
    assert_eq!(ann.hears(), "you have left the den");
    assert_eq!(ann.hears(), "you talk to lobby");
    assert_eq!(bob.hears(), "* ann leaves the den");
    bob.says("/join the attic");
    assert_eq!(bob.hears(), "you are in the attic with bob");
    bob.says("/quit");
    for room in ["lobby", "the den", "the attic"] {
        assert_eq!(bob.hears(), format!("you have left {room}"));
    }
    assert_eq!(bob.hears(), "", "the connection ends");
    assert_eq!(ann.hears(), "* bob leaves lobby");
    let mut eve = chat.enter("eve", "ann, eve");
    eve.says("/leave");
    assert_eq!(eve.hears(), "you have left lobby");
    assert_eq!(eve.hears(), "", "who leaves the last room leaves the chat");
}

#[test]
fn a_user_goes_with_its_last_connection() {
    let chat = Chat::start();
    let mut ann = chat.enter("ann", "ann");
    let phone = chat.enter("bob", "ann, bob");
    assert_eq!(ann.hears(), "* bob comes to lobby");
    let laptop = chat.enter("bob", "ann, bob");
    drop(phone);
    drop(laptop);
    assert_eq!(ann.hears(), "* bob leaves lobby");
}

#[test]
fn whatever_bytes_come_are_survived() {
    let chat = Chat::start();
    let mut ann = chat.enter("ann", "ann");
    ann.sends(b"\n \n\xff\xfe\x1b[2Jx\r\n");
    assert_eq!(ann.hears(), "lobby <ann> \u{fffd}\u{fffd} [2Jx");

    ann.says(&"y".repeat(5_000));
    assert_eq!(ann.hears(), format!("lobby <ann> {}", "y".repeat(4_096)));
    assert_eq!(ann.hears(), format!("lobby <ann> {}", "y".repeat(904)));

    let mut bob = chat.enter("bob", "ann, bob");
    ann.sends(b"no line break");
    ann.0.get_mut().shutdown(Shutdown::Write).unwrap();
    assert_eq!(bob.hears(), "lobby <ann> no line break");
    assert_eq!(bob.hears(), "* ann leaves lobby");
}

#[test]
fn who_goes_before_saying_a_name_was_never_there() {
    let chat = Chat::start();
    drop(TcpStream::connect(&chat.address).unwrap());
    let mut ann = chat.enter("ann", "ann");
    ann.says("/who");
    assert_eq!(ann.hears(), "in lobby: ann");
}

#[test]
fn who_says_no_more_hears_what_is_due_and_then_the_end() {
    let chat = Chat::start();
    let mut ann = chat.connect();
    ann.sends(b"ann\nhello\n");
    ann.0.get_mut().shutdown(Shutdown::Write).unwrap();

    let mut heard = String::new();
    ann.0.read_to_string(&mut heard).unwrap();
    assert_eq!(heard, "you are in lobby with ann\nlobby <ann> hello\nyou have left lobby\n");
}

#[test]
fn who_is_refused_is_told_why_before_the_end() {
    let chat = Chat::start();
    let mut long = chat.connect();
    long.says(&"x".repeat(300));
    assert_eq!(long.hears(), "! user_id has 300 bytes, expected at most 255");
    assert_eq!(long.hears(), "", "the connection ends");
    chat.enter("ann", "ann");
}

#[test]
fn an_address_that_is_taken_is_named() {
    let chat = Chat::start();
    let second = Chat::command(&chat.address).stderr(Stdio::piped()).output().unwrap();
    let message = String::from_utf8(second.stderr).unwrap();
    assert!(message.contains(&format!("can't listen on {}: ", chat.address)), "{message}");
    assert!(!second.status.success());
}

#[test]
fn who_does_not_read_is_cut_off_and_holds_nobody_up() {
    let chat = Chat::start();
    let mut deaf = chat.enter("deaf", "deaf");
    let mut ann = chat.enter("ann", "deaf, ann");

    // Each message is heard before the next is sent, so that nobody but the deaf falls behind.
    let message = "z".repeat(4_000);
    loop {
        ann.says(&message);
        let heard = ann.hears();
        if heard == "* deaf leaves lobby" {
            break;
        }
        assert_eq!(heard, format!("lobby <ann> {message}"));
    }

    let mut rest = Vec::new();
    deaf.0.read_to_end(&mut rest).ok();
    assert!(rest.starts_with(b"* ann comes to lobby\nlobby <ann> zzz"));
}
