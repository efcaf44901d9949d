//! The API for back ends, fuzzed by its own document: schemathesis (from `PyPI`) makes requests that
//! fit it and requests that do not, and holds the answers against it. See `api_fuzz/`.
//!
//! Needs python3 with venv, and pip. Where they are missing this says so and passes, unless
//! `PARLOR_REQUIRE_CLIENTS` is set.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a failing test stops")]
#![expect(clippy::print_stderr, reason = "what is skipped is said, and figures are shown")]

use std::{
    env, fs,
    io::{BufRead, BufReader, Read as _, Write as _},
    net::TcpStream,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::{Mutex, MutexGuard, PoisonError, mpsc},
    thread,
};

use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tokio_tungstenite::{
    connect_async,
    tungstenite::{Error, Message},
};

/// They share what is installed.
static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());

const REQUIRED: &str = "PARLOR_REQUIRE_CLIENTS";

/// As in `schemathesis.toml`.
const KEY: &str = "a-key-of-operators";

/// The requests depend on it alone.
const SEED: &str = "20261121";

/// How many requests there have to be at least, so that none is left out in silence.
const CASES: usize = 1_500;

#[test]
fn what_the_document_says_is_so() {
    let _guard = alone();
    let Some(fuzzer) = installed() else { return };
    let server = Server::start();
    let (_runtime, address) = (server.crowd(), &server.address);
    let document = fuzzer.join("openapi.json");
    fs::write(&document, server.document()).unwrap();
    let run = fuzz(&fuzzer, address, document.to_str().unwrap(), &["--max-examples", "100"]);
    assert!(run.success, "schemathesis has found something, see above");
    assert!(run.cases >= CASES, "{} requests, expected {CASES} at least", run.cases);
    let said = server.end();
    assert!(!said.contains("panicked") && !said.contains("ERROR"), "{said}");
}

/// A document that is not true has to be found out: else a run would show nothing.
#[test]
fn what_is_not_so_is_found() {
    let _guard = alone();
    let Some(fuzzer) = installed() else { return };
    let server = Server::start();
    let text = include_str!("../assets/openapi.json");
    let mut document: Value = serde_json::from_str(text).unwrap();
    let clients = document.pointer_mut("/components/schemas/Clients/required").unwrap();
    *clients = json!(["clients", "nobody"]);
    let lie = fuzzer.join("lie.json");
    fs::write(&lie, document.to_string()).unwrap();
    let only = ["--phases", "fuzzing", "--include-path", "/api/users/{user}/clients"];
    let run = fuzz(&fuzzer, &server.address, lie.to_str().unwrap(), &only);
    let found = run.said.contains("Response violates schema");
    assert!(!run.success && found, "schemathesis has not found what is not true");
}

fn alone() -> MutexGuard<'static, ()> {
    ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Says that something is missing, and fails if it may not be.
fn skipped<T>(why: &str) -> Option<T> {
    assert!(env::var_os(REQUIRED).is_none(), "{why}, and {REQUIRED} is set");
    eprintln!("SKIPPED: {why}, so the API for back ends was not fuzzed");
    None
}

/// The directory with the fuzzer and its settings, or none where it can't be.
fn installed() -> Option<PathBuf> {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/api_fuzz");
    let fuzzer = Path::new(env!("CARGO_TARGET_TMPDIR")).join("api_fuzz");
    fs::create_dir_all(&fuzzer).unwrap();
    for file in ["requirements.txt", "schemathesis.toml", "hooks.py"] {
        fs::copy(source.join(file), fuzzer.join(file)).unwrap();
    }
    // Programs that pip installs know where they are: a copy of the directory is of no use.
    let requirements = fs::read_to_string(fuzzer.join("requirements.txt")).unwrap();
    let wanted = format!("{requirements}\nin {}\n", fuzzer.display()).into_bytes();
    let stamp = fuzzer.join("installed.txt");
    if fs::read(&stamp).is_ok_and(|installed| installed == wanted) {
        return Some(fuzzer);
    }
    let python = fuzzer.join("venv/bin/python");
    for (program, arguments) in [
        (Path::new("python3"), &["-m", "venv", "--clear", "venv"][..]),
        (&python, &["-m", "pip", "install", "--quiet", "-r", "requirements.txt"]),
    ] {
        let done = Command::new(program).args(arguments).current_dir(&fuzzer).output();
        match done {
            Err(error) => return skipped(&format!("{} can't be run ({error})", program.display())),
            Ok(done) if !done.status.success() => {
                let why = [done.stdout, done.stderr].concat();
                let why = String::from_utf8_lossy(&why).into_owned();
                return skipped(&format!("{} failed: {why}", arguments.join(" ")));
            }
            Ok(_) => {}
        }
    }
    fs::write(stamp, wanted).unwrap();
    Some(fuzzer)
}

/// How a run went.
struct Run {
    success: bool,
    cases: usize,
    said: String,
}

/// Runs the fuzzer, and passes on what it says.
fn fuzz(fuzzer: &Path, address: &str, document: &str, arguments: &[&str]) -> Run {
    let mut st = Command::new(fuzzer.join("venv/bin/st"));
    st.args(["--config-file", "schemathesis.toml", "run", document]);
    st.args(["--url", &format!("http://{address}"), "--checks", "all", "--seed", SEED]);
    st.args(["--generation-database", "none", "--no-color", "--continue-on-failure"]);
    let mut st = st.args(arguments).current_dir(fuzzer).stdout(Stdio::piped()).spawn().unwrap();
    let (mut cases, mut said) = (0, String::new());
    for line in BufReader::new(st.stdout.take().unwrap()).lines() {
        let line = line.unwrap();
        eprintln!("{line}");
        if let Some((generated, _)) = line.trim().split_once(" generated,") {
            cases = generated.parse().unwrap();
        }
        said += &line;
        said.push('\n');
    }
    Run { success: st.wait().unwrap().success(), cases, said }
}

/// The built server, at a port that is free.
struct Server {
    process: Child,
    address: String,
    said: Option<thread::JoinHandle<String>>,
}

impl Drop for Server {
    /// Also after a failure: who waits for what a test says would wait for the server too.
    fn drop(&mut self) {
        self.process.kill().ok();
        self.process.wait().ok();
    }
}

impl Server {
    fn start() -> Self {
        let key = Path::new(env!("CARGO_TARGET_TMPDIR")).join("api_fuzz.key");
        fs::write(&key, KEY).unwrap();
        let mut process = Command::new(env!("CARGO_BIN_EXE_parlor-server"));
        process.args(["--listen", "127.0.0.1:0", "--lanes", "2", "--operators-key-file"]);
        let mut process = process.arg(key).stdout(Stdio::piped()).spawn().unwrap();
        let lines = BufReader::new(process.stdout.take().unwrap()).lines();
        let (tell, told) = mpsc::channel();
        let said = thread::spawn(move || {
            let mut said = String::new();
            for line in lines.map_while(Result::ok) {
                if let Some((_, at)) = line.split_once("health: http://") {
                    tell.send(at.trim_end_matches("/healthz").to_owned()).ok();
                }
                said += &line;
                said.push('\n');
            }
            said
        });
        let Ok(address) = told.recv() else {
            panic!("the server has ended: {}", said.join().unwrap())
        };
        Self { process, address, said: Some(said) }
    }

    /// What the API says of itself to those who have the key.
    fn document(&self) -> String {
        let mut connection = TcpStream::connect(&self.address).unwrap();
        let key = format!("Authorization: Bearer {KEY}\r\n");
        write!(connection, "GET /api/openapi.json HTTP/1.0\r\n{key}\r\n").unwrap();
        let mut answer = String::new();
        connection.read_to_string(&mut answer).unwrap();
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        assert!(head.contains(" 200 "), "{answer}");
        body.to_owned()
    }

    /// Clients who come back whenever they are put out, so that there is somebody to ask about. They
    /// go with what is returned.
    fn crowd(&self) -> tokio::runtime::Runtime {
        let runtime = tokio::runtime::Runtime::new().unwrap();
        for user in ["ann", "ann", "bob"] {
            let address = self.address.clone();
            runtime.spawn(async move { while attend(&address, user).await.is_ok() {} });
        }
        runtime
    }

    /// Kills it, and returns what it has said.
    fn end(mut self) -> String {
        self.process.kill().unwrap();
        self.said.take().map(|said| said.join().unwrap()).unwrap_or_default()
    }
}

/// Is in rooms until it is put out of one.
async fn attend(address: &str, user: &str) -> Result<(), Error> {
    let url = format!("ws://{address}/socket/websocket?vsn=2.0.0&user_id={user}");
    let (mut socket, _) = connect_async(url).await?;
    for topic in ["room:1", "room:2", "group", "topic"] {
        let join = json!(["1", "1", topic, "phx_join", {"meta": {"away": false}}]);
        socket.send(Message::Text(join.to_string().into())).await?;
    }
    while let Some(Ok(message)) = socket.next().await {
        let text = message.to_text().unwrap_or_default();
        if message.is_close() || text.contains("phx_close") {
            break;
        }
    }
    Ok(())
}
