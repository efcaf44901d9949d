//! The signals that the process reacts to.

use std::io;

use tokio::select;
use tracing::{error, warn};

/// Waits for ctrl-c or SIGTERM.
pub(crate) async fn asked_to_end() {
    #[cfg(unix)]
    {
        use tokio::signal::unix::SignalKind;
        select! {
            () = received(SignalKind::interrupt(), "SIGINT") => {}
            () = received(SignalKind::terminate(), "SIGTERM") => {}
            () = ignore_hangups() => {}
        }
    }
    #[cfg(not(unix))]
    if let Err(error) = tokio::signal::ctrl_c().await {
        never("ctrl-c", &error).await;
    }
}

/// Waits for a signal; for ever if the machine can't deliver it.
#[cfg(unix)]
async fn received(kind: tokio::signal::unix::SignalKind, name: &str) {
    match tokio::signal::unix::signal(kind) {
        Ok(mut signal) => {
            signal.recv().await;
        }
        Err(error) => never(name, &error).await,
    }
}

/// SIGHUP would end the process, which loses every connection when a terminal closes, or when an
/// operator expects it to reload something.
#[cfg(unix)]
async fn ignore_hangups() {
    let hangups = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::hangup());
    match hangups {
        Ok(mut hangups) => {
            while hangups.recv().await.is_some() {
                warn!(
                    "SIGHUP ignored: settings are not reloaded, restart the server to apply them"
                );
            }
            std::future::pending::<()>().await;
        }
        Err(error) => never("SIGHUP", &error).await,
    }
}

async fn never(name: &str, error: &io::Error) {
    error!(%error, "can't wait for {name}");
    std::future::pending::<()>().await;
}
