//! The server as a process of its own, for what only a process has: signals and standard output.

use std::{
    io::{BufRead, BufReader, PipeReader, pipe},
    net::SocketAddr,
    path::{Path, PathBuf},
    process::{Child, Command, ExitStatus},
};

use serde_json::Value;
use tokio::{task::spawn_blocking, time::timeout};

use crate::{
    PATIENCE,
    operators::{KEY, ask},
};

/// A server that runs. Its output is read up to the line with its address.
pub struct Process {
    child: Option<Child>,
    pub at: SocketAddr,
    /// Standard output and error.
    pub output: Option<BufReader<PipeReader>>,
}

impl Process {
    /// Starts the program with such settings, and with the key of operators.
    pub fn start(name: &str, settings: &str, flags: &[&str]) -> Self {
        let directory = directory(name);
        let (config, key) = (directory.join("settings.toml"), directory.join("key"));
        std::fs::write(&config, settings).unwrap();
        std::fs::write(&key, KEY).unwrap();
        let (reader, writer) = pipe().unwrap();
        let mut program = Command::new(env!("CARGO_BIN_EXE_parlor-server"));
        program.args(["--listen", "127.0.0.1:0", "--lanes", "2"]).args(flags);
        program.arg("--config").arg(config).arg("--operators-key-file").arg(key);
        program.stdout(writer.try_clone().unwrap()).stderr(writer);
        let child = program.spawn().unwrap();
        // It holds the other end of the pipe, and would keep it open.
        drop(program);
        let (mut output, mut said) = (BufReader::new(reader), String::new());
        let at = loop {
            let read = output.read_line(&mut said).unwrap();
            assert_ne!(read, 0, "{said}, expected a server");
            if let Some((_, at)) = said.split_once("health: http://") {
                break at.trim_end().trim_end_matches("/healthz").parse().unwrap();
            }
        };
        Self { child: Some(child), at, output: Some(output) }
    }

    /// What the server answers to an operator.
    pub async fn ask(&self, path: &str) -> String {
        let key = format!("authorization: Bearer {KEY}");
        let (status, answer) = ask(self.at, path, &["host: test", &key]).await;
        assert_eq!(status, 200, "{path}: {answer}");
        answer
    }

    /// A figure without labels.
    pub async fn figure(&self, name: &str) -> f64 {
        let page = self.ask("/metrics").await;
        let line = page.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
        line.unwrap_or_else(|| panic!("{page}, expected {name}")).trim().parse().unwrap()
    }

    /// What `/healthz` says.
    pub async fn status(&self) -> Value {
        let answer = self.ask("/healthz").await;
        let (_, body) = answer.split_once("\r\n\r\n").unwrap();
        serde_json::from_str::<Value>(body).unwrap()["status"].clone()
    }

    pub fn signal(&self, signal: &str) {
        let id = self.child.as_ref().unwrap().id().to_string();
        assert!(Command::new("kill").args([signal, &id]).status().unwrap().success());
    }

    /// Waits for the end of the process.
    pub async fn ended(&mut self) -> ExitStatus {
        let mut child = self.child.take().unwrap();
        let waited = spawn_blocking(move || child.wait().unwrap());
        timeout(PATIENCE, waited).await.expect("ends in time").unwrap()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        if let Some(child) = &mut self.child {
            child.kill().ok();
            child.wait().ok();
        }
    }
}

/// An empty directory for a test.
pub fn directory(name: &str) -> PathBuf {
    let directory = Path::new(env!("CARGO_TARGET_TMPDIR")).join("process").join(name);
    std::fs::remove_dir_all(&directory).ok();
    std::fs::create_dir_all(&directory).unwrap();
    directory
}
