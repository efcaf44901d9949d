//! Asks a server that runs whether it is well, for supervisors of containers: an image needs no other
//! program for that.

use std::{
    io::{self, Read, Write},
    net::{TcpStream, ToSocketAddrs},
    process::ExitCode,
    time::Duration,
};

use parlor_server::{Flags, Settings};

use super::{log::say, reachable};

/// How long each step may take. A server that is stuck says so within two seconds.
const PATIENCE: Duration = Duration::from_secs(5);

/// The most that an answer has.
const MAX_BYTES: u64 = 64 << 10;

/// Prints what `/healthz` answers; a success if its status is 200.
pub(crate) fn ask(url: &str, flags: &Flags) -> ExitCode {
    match answer(url, flags) {
        Ok((200, body)) => {
            writeln!(io::stdout(), "{body}").ok();
            ExitCode::SUCCESS
        }
        Ok((status, body)) => {
            say(&format!("not well, status {status}: {body}"));
            ExitCode::FAILURE
        }
        Err(wrong) => {
            say(&wrong);
            ExitCode::FAILURE
        }
    }
}

fn answer(url: &str, flags: &Flags) -> Result<(u16, String), String> {
    let url = if url.is_empty() {
        let settings = Settings::load(flags).map_err(|error| error.to_string())?;
        format!("http://{}/healthz", reachable(settings.listen))
    } else {
        url.to_owned()
    };
    let expected =
        || format!("{url:?} is not a URL, expected such as http://127.0.0.1:4000/healthz");
    let rest = url.strip_prefix("http://").ok_or_else(expected)?;
    let (host, path) = rest.split_once('/').unwrap_or((rest, "healthz"));
    get(host, path).map_err(|error| format!("{url} does not answer: {error}"))
}

fn get(host: &str, path: &str) -> io::Result<(u16, String)> {
    let found = if host.rsplit(']').next().unwrap_or_default().contains(':') {
        host.to_socket_addrs()
    } else {
        (host, 80).to_socket_addrs()
    };
    let at = found?.next().ok_or(io::ErrorKind::NotFound)?;
    let mut stream = TcpStream::connect_timeout(&at, PATIENCE)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_write_timeout(Some(PATIENCE))?;
    write!(stream, "GET /{path} HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\n\r\n")?;
    let mut answer = String::new();
    stream.take(MAX_BYTES).read_to_string(&mut answer)?;
    let status = answer.strip_prefix("HTTP/1.1 ").and_then(|rest| rest.get(..3)?.parse().ok());
    let status = status.ok_or(io::ErrorKind::InvalidData)?;
    let body = answer.split_once("\r\n\r\n").map_or("", |(_, body)| body);
    Ok((status, body.trim().to_owned()))
}
