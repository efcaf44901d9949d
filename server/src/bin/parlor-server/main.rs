//! `parlor-server`: serves parlor channels to clients of Phoenix and Dialogue.

mod health;
mod log;
mod signals;

use std::{
    io,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    process::ExitCode,
    sync::Arc,
};

use clap::Parser;
use parlor_server::{Flags, SameMachine, ServedPage, Server, Settings};
use tokio::{
    net::{TcpListener, TcpSocket},
    select,
};
use tracing::{error, info, level_filters::LevelFilter, warn};
use tracing_subscriber::EnvFilter;

use self::{
    log::{Log, LogFormat, say},
    signals::Signals,
};

/// Serves channels, rooms and presence to clients of Phoenix and Dialogue.
#[derive(Debug, Parser)]
#[command(name = "parlor-server", version)]
struct Arguments {
    #[command(flatten)]
    settings: Flags,
    /// Say what is wrong with the settings, if anything is, and end
    #[arg(long)]
    check: bool,
    /// Ask a server that runs whether it is well, and end: that at the URL, or else that at `--listen`
    #[arg(long, value_name = "URL", num_args = 0..=1, default_missing_value = "")]
    health: Option<String>,
    /// What is logged: off, error, warn, info, debug, or by module as in `parlor_server=debug`
    #[arg(
        long,
        value_name = "LEVEL",
        default_value = "info",
        value_parser = filter,
        env = "PARLOR_LOG"
    )]
    log: EnvFilter,
    /// How: as text for people, or as an object a line for programs
    #[arg(
        long,
        value_name = "FORMAT",
        value_enum,
        default_value = "text",
        env = "PARLOR_LOG_FORMAT"
    )]
    log_format: LogFormat,
}

/// What is no filter is an error, not ignored. A word by itself is a level: as a module that nobody
/// has, it would turn off all that is said.
fn filter(text: &str) -> Result<EnvFilter, String> {
    let expected = "expected such as debug, or parlor_server=debug";
    let is_module = |word: &str| word.contains("::") || word.starts_with("parlor");
    for word in text.split(',').map(str::trim).filter(|word| !word.contains(['=', '['])) {
        if word.parse::<LevelFilter>().is_err() && !is_module(word) {
            return Err(format!("\"{word}\" is no level, {expected}"));
        }
    }
    EnvFilter::try_new(text).map_err(|error| format!("{error}; {expected}"))
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    if let Some(url) = &arguments.health {
        return health::ask(url, &arguments.settings);
    }
    let log = Log::start(arguments.log, arguments.log_format);
    let drops = log.drops();

    let settings = Settings::load(&arguments.settings).map_err(|error| error.to_string());
    let settings = settings
        .map(|settings| Settings { log_drops: Some(Arc::new(move || drops.count())), ..settings });
    let done = settings.and_then(if arguments.check { check } else { serve });
    log.end();
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            say(&message);
            ExitCode::FAILURE
        }
    }
}

/// Says what the settings come to, if they are as they should be. Of the files that it would write,
/// only the directories are looked at: a server that runs may have them.
#[expect(clippy::needless_pass_by_value, reason = "as those who serve take them")]
fn check(settings: Settings) -> Result<(), String> {
    let history = settings.history.as_ref().map(|history| &history.file);
    for file in history.into_iter().chain(&settings.journal) {
        if file.is_dir() || file.file_name().is_none() {
            return Err(format!("{} is a directory, expected the path of a file", file.display()));
        }
        let directory = file.parent().filter(|parent| !parent.as_os_str().is_empty());
        if let Some(directory) = directory.filter(|directory| !directory.is_dir()) {
            let (file, directory) = (file.display(), directory.display());
            return Err(format!("{file} can't be written, expected a directory at {directory}"));
        }
    }
    let (listen, lanes, is_open) = (settings.listen, settings.lanes, settings.auth.is_open());
    info!(%listen, lanes, is_open, "these settings will do");
    Ok(())
}

fn serve(settings: Settings) -> Result<(), String> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    let runtime = runtime.map_err(|error| format!("no runtime: {error}"))?;
    let served = runtime.block_on(run(settings));
    // What was to be waited for has been: not for what is stuck.
    runtime.shutdown_background();
    served
}

/// Serves until the process is asked to end.
async fn run(settings: Settings) -> Result<(), String> {
    let is_open = settings.auth.is_open();
    let (listen, page) = (settings.listen, settings.page);
    let looks = (settings.same_machine, settings.operator_key.is_some());
    let mut signals =
        Signals::catch().map_err(|error| format!("signals can't be caught: {error}"))?;
    let listener =
        listen_at(listen).map_err(|error| format!("{listen} can't be listened at: {error}"))?;
    let at = listener.local_addr().unwrap_or(listen);
    let server = Server::start(settings).map_err(|error| error.to_string())?;
    say_how_to_connect(at, is_open, page);
    say_how_to_look(at, &server, looks);
    let ended = select! {
        () = server.serve(listener) => Ok(()),
        () = signals.asked_to_end() => {
            info!("closing connections");
            Ok(())
        }
        // The rooms of a dead engine are gone, and only a new process has any.
        () = server.broken() => {
            error!("a part of the server has died of a defect: ending, to be started again");
            Err("a part of the server has died of a defect: the log has the panic".to_owned())
        }
    };
    server.shutdown().await;
    ended
}

/// How many connections may wait to be taken, if the machine allows as many: all clients come back at
/// once after a restart, and what does not fit tries again a second later.
const BACKLOG: u32 = 4_096;

fn listen_at(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = match address {
        SocketAddr::V4(_) => TcpSocket::new_v4(),
        SocketAddr::V6(_) => TcpSocket::new_v6(),
    }?;
    // Not on Windows, where it means that somebody else may listen there too.
    #[cfg(unix)]
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    socket.listen(BACKLOG)
}

/// What clients have to be given so that they are let in.
fn say_how_to_connect(at: SocketAddr, is_open: bool, page: ServedPage) {
    let at = reachable(at);
    let (socket, url) = (format!("ws://{at}/socket"), format!("http://{at}"));
    match page {
        ServedPage::On => info!("page: {url}/"),
        ServedPage::Off => {}
    }
    if is_open {
        info!("Phoenix clients: new Socket(\"{socket}\", {{params: {{user_id: \"ann\"}}}})");
        info!("Dialogue clients: url \"{url}\", auth: {{userId: \"ann\"}}");
    } else {
        let before = "before 1.8 {params: {token: TOKEN}}";
        info!("Phoenix clients: new Socket(\"{socket}\", {{authToken: TOKEN}}), {before}");
        info!("Dialogue clients: url \"{url}\", auth: {{token: TOKEN}}");
    }
    info!("health: {url}/healthz");
    if is_open {
        warn!("open to everybody: users are who they say they are");
    }
}

/// What operators have to do so that they see what happens inside.
fn say_how_to_look(at: SocketAddr, server: &Server, looks: (SameMachine, bool)) {
    let url = format!("http://{}/inspect", reachable(at));
    match (server.look_token(), looks) {
        (Some(token), _) => info!("inspect: {url}#token={token}"),
        (None, (_, true)) => info!("inspect: {url}, with the key of operators"),
        (None, (SameMachine::On, false)) => info!("inspect: {url}"),
        (None, (SameMachine::Off | SameMachine::Link, false)) => {}
    }
    if looks.0 == SameMachine::On {
        warn!(
            "operators.same_machine is on: who reaches the server by a proxy on this machine \
             may see everything"
        );
    }
}

/// Where a client on this machine finds what listens at all its addresses.
pub(crate) fn reachable(at: SocketAddr) -> SocketAddr {
    match at.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => (Ipv4Addr::LOCALHOST, at.port()).into(),
        IpAddr::V6(ip) if ip.is_unspecified() => (Ipv6Addr::LOCALHOST, at.port()).into(),
        IpAddr::V4(_) | IpAddr::V6(_) => at,
    }
}
