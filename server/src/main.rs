//! `parlor-server`: serves parlor channels to Phoenix clients.

use std::{net::SocketAddr, path::PathBuf, process::ExitCode};

use clap::Parser;
use parlor_server::{Server, Settings};
use tokio::{net::TcpListener, select};
use tracing::{error, info, warn};
use tracing_subscriber::EnvFilter;

/// Serves channels, rooms and presence to Phoenix clients.
#[derive(Debug, Parser)]
#[command(version)]
struct Arguments {
    /// Where to listen
    #[arg(long, value_name = "ADDRESS")]
    listen: Option<SocketAddr>,
    /// Over how many threads topics are spread [default: as many as the machine has cores]
    #[arg(long, value_name = "N")]
    shards: Option<usize>,
    /// Record every event in FILE.0, FILE.1 and so on, one file a shard, for `parlor` to replay
    #[arg(long, value_name = "FILE")]
    journal: Option<PathBuf>,
    /// What is logged: error, warn, info, debug, or by module as in `parlor_server=debug`
    #[arg(long, value_name = "LEVEL", default_value = "info")]
    log: EnvFilter,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    tracing_subscriber::fmt().with_env_filter(arguments.log).init();
    let mut settings = Settings::default();
    settings.listen = arguments.listen.unwrap_or(settings.listen);
    settings.shards = arguments.shards.unwrap_or(settings.shards);
    settings.journal = arguments.journal.or(settings.journal);

    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    let ran = runtime.map_err(|error| format!("no runtime: {error}"));
    match ran.and_then(|runtime| runtime.block_on(run(settings))) {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            error!("{message}");
            ExitCode::FAILURE
        }
    }
}

/// Serves until the process is asked to end.
async fn run(settings: Settings) -> Result<(), String> {
    let is_open = settings.auth.is_open();
    let listen = settings.listen;
    let listener = TcpListener::bind(listen)
        .await
        .map_err(|error| format!("{listen} can't be listened at: {error}"))?;
    let at = listener.local_addr().unwrap_or(listen);
    let server = Server::start(settings).map_err(|error| error.to_string())?;
    info!("Phoenix clients: new Socket(\"ws://{at}/socket\", {{params: {{user_id: \"ann\"}}}})");
    info!("health: http://{at}/healthz");
    if is_open {
        warn!("open to everybody: users are who they say they are");
    }
    select! {
        () = server.serve(listener) => {}
        () = asked_to_end() => info!("closing connections"),
    }
    server.shutdown().await;
    Ok(())
}

/// Waits for ctrl-c or SIGTERM.
async fn asked_to_end() {
    let ctrl_c = async {
        if let Err(error) = tokio::signal::ctrl_c().await {
            error!(%error, "ctrl-c can't be waited for");
            std::future::pending::<()>().await;
        }
    };
    #[cfg(unix)]
    let terminated = async {
        match tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate()) {
            Ok(mut terminate) => {
                terminate.recv().await;
            }
            Err(error) => {
                error!(%error, "SIGTERM can't be waited for");
                std::future::pending::<()>().await;
            }
        }
    };
    #[cfg(not(unix))]
    let terminated = std::future::pending::<()>();
    select! {
        () = ctrl_c => {}
        () = terminated => {}
    }
}
