//! The server that is attacked: the real binary, its settings, and what can be seen of it from
//! outside.

use std::{
    env,
    fmt::Write,
    fs,
    io::{BufRead, BufReader, Read},
    net::SocketAddr,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::{Arc, Mutex, mpsc},
    thread,
};

use super::{raw::Raw, tokens};

/// A server, in a process of its own.
pub struct Arena {
    pub at: SocketAddr,
    server: Child,
    log: Arc<Mutex<String>>,
    directory: PathBuf,
}

/// What the settings say, and attacks have to know.
pub const MAX: usize = 600;
pub const MAX_PER_IP: usize = 200;
pub const MAX_TOPICS: usize = 4;
pub const MAX_MESSAGE_BYTES: usize = 16 << 10;
/// The honest say something after each attempt, and so often beside that.
pub const EVENTS_PER_WINDOW: usize = 2_000;

/// How many requests the server takes at once: two of each client, as one that polls has, and so
/// many more.
pub const REQUESTS: usize = 2 * MAX + 1_024;
pub const REQUESTS_PER_IP: usize = 2 * MAX_PER_IP;

/// Everything an outsider could want is there, and nothing of it is for him.
fn settings() -> String {
    let (secret, key) = (tokens::SECRET, tokens::KEY);
    let keys = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/keys/rs256.public.pem");
    let keys = keys.display();
    format!(
        "
        unlisted_topics = 'refuse'
        clients_open_rooms = 'on'

        [server]
        listen = '127.0.0.1:0'
        lanes = 2

        [connections]
        max = {MAX}
        max_per_ip = {MAX_PER_IP}
        max_topics = {MAX_TOPICS}
        max_message_bytes = {MAX_MESSAGE_BYTES}
        events_per_window = {EVENTS_PER_WINDOW}
        handshake_ms = 8_000

        [auth]
        hs256_secret = '{secret}'
        rs256_public_key_file = '{keys}'
        leeway_s = 0

        [operators]
        key = '{key}'

        [origins]
        allowed = ['https://ours.example']

        [limits]
        payload_bytes = 4_096
        name_bytes = 255

        [[rooms]]
        pattern = 'room:*'
        [[rooms.events]]
        name = 'say'
        history = 10

        [[rooms]]
        pattern = 'open:*'

        [[rooms]]
        pattern = 'read:*'
        client_events = 'none'

        [[rules]]
        pattern = 'room:*'
        action = 'join'
        claim = 'circle'
        equals = 'honest'

        [[rules]]
        pattern = 'open:moderated'
        action = 'send'
        claim = 'role'
        equals = 'admin'
        "
    )
}

impl Arena {
    /// Starts the server at a port that is free, with as many descriptors as it may have.
    pub fn start(name: &str) -> Self {
        Self::with(name, &settings())
    }

    /// Starts another one, which limits connections as it does by default.
    pub fn by_default() -> Self {
        Self::with("outsider-default", "server.listen = '127.0.0.1:0'")
    }

    /// Starts one with such settings.
    pub fn with(name: &str, settings: &str) -> Self {
        Self::logging(name, settings, "info,parlor_server=debug")
    }

    /// Starts one with such settings that logs so much.
    pub fn logging(name: &str, settings: &str, log: &str) -> Self {
        let directory = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
        fs::create_dir_all(&directory).unwrap();
        let file = directory.join("server.toml");
        fs::write(&file, settings).unwrap();
        let mut server = Command::new("sh")
            .args(["-c", "ulimit -n $(ulimit -Hn); exec \"$0\" \"$@\""])
            .arg(program())
            .args(["--log", log, "--operators-same-machine", "on", "--config"])
            .arg(&file)
            .env("NO_COLOR", "1")
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let log = Arc::new(Mutex::new(String::new()));
        let (found, address) = mpsc::channel();
        follow(server.stdout.take().unwrap(), &log, Some(found));
        follow(server.stderr.take().unwrap(), &log, None);
        let at = address.recv().expect("the server says where it listens");
        Self { at, server, log, directory }
    }

    /// Whether the process lives and its engine answers.
    pub async fn is_well(&mut self) -> Result<(), String> {
        if let Some(status) = self.server.try_wait().unwrap() {
            return Err(format!("the server has ended: {status}"));
        }
        let mut raw = Raw::connect(self.at).await;
        raw.write("GET /healthz HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n").await;
        let answer = raw.answer().await;
        if answer.starts_with("200 ") { Ok(()) } else { Err(format!("unwell: {answer}")) }
    }

    /// All that the server has logged.
    pub fn log(&self) -> String {
        self.log.lock().unwrap().clone()
    }

    /// How much memory the server has, in bytes; none where the system does not tell.
    pub fn memory(&self) -> Option<usize> {
        self.status("VmRSS:")
    }

    /// A figure of the status of the server's process, in bytes.
    pub fn status(&self, name: &str) -> Option<usize> {
        let status = fs::read_to_string(format!("/proc/{}/status", self.pid())).ok()?;
        let line = status.lines().find_map(|line| line.strip_prefix(name))?;
        let kilobytes: usize = line.split_whitespace().next()?.parse().ok()?;
        Some(kilobytes << 10)
    }

    pub fn pid(&self) -> u32 {
        self.server.id()
    }

    /// How many descriptors the server has open.
    pub fn descriptors(&self) -> Option<usize> {
        let all = fs::read_dir(format!("/proc/{}/fd", self.server.id())).ok()?;
        Some(all.count())
    }

    /// Leaves the log where it can be looked at.
    pub fn keep_log(&self) -> String {
        let file = self.directory.join("server.log");
        fs::write(&file, self.log()).unwrap();
        let mut said = String::new();
        write!(said, "the server's log is {}", file.display()).unwrap();
        said
    }
}

/// The built server, or another one that is to be attacked.
#[expect(clippy::disallowed_methods, reason = "asked of whoever runs the test")]
fn program() -> String {
    let built = env!("CARGO_BIN_EXE_parlor-server");
    env::var("PARLOR_ATTACKED_SERVER").unwrap_or_else(|_unset| built.to_owned())
}

impl Drop for Arena {
    fn drop(&mut self) {
        self.server.kill().ok();
        self.server.wait().ok();
    }
}

/// Keeps what is logged, and finds in it where the server listens.
fn follow(
    output: impl Read + Send + 'static,
    log: &Arc<Mutex<String>>,
    found: Option<mpsc::Sender<SocketAddr>>,
) {
    let log = Arc::clone(log);
    thread::spawn(move || {
        for line in BufReader::new(output).lines() {
            let Ok(line) = line else { return };
            if let (Some(found), Some((_, url))) = (&found, line.split_once("health: http://")) {
                let at = url.strip_suffix("/healthz").unwrap_or(url).parse().unwrap();
                found.send(at).ok();
            }
            let mut log = log.lock().unwrap();
            log.push_str(&line);
            log.push('\n');
        }
    });
}
