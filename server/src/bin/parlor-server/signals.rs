//! The signals that the process reacts to.

use std::io;

/// SIGINT and SIGTERM, which end the process, and SIGHUP, which does not.
///
/// They are caught from the moment that this is made: before, each would end the process at once.
#[cfg(unix)]
#[derive(Debug)]
pub(crate) struct Signals {
    interrupt: tokio::signal::unix::Signal,
    terminate: tokio::signal::unix::Signal,
    hangup: tokio::signal::unix::Signal,
}

#[cfg(unix)]
impl Signals {
    /// Catches them. Needs a runtime.
    pub(crate) fn catch() -> io::Result<Self> {
        use tokio::signal::unix::{SignalKind, signal};
        Ok(Self {
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
            hangup: signal(SignalKind::hangup())?,
        })
    }

    /// Waits until the process is asked to end.
    pub(crate) async fn asked_to_end(&mut self) {
        loop {
            tokio::select! {
                _ = self.interrupt.recv() => return,
                _ = self.terminate.recv() => return,
                // It comes when a terminal closes, or from an operator who expects a reload. Ending
                // would lose every connection.
                _ = self.hangup.recv() => tracing::warn!(
                    "SIGHUP ignored: settings are not reloaded, restart the server to apply them"
                ),
            }
        }
    }
}

#[cfg(not(unix))]
#[derive(Debug)]
pub(crate) struct Signals;

#[cfg(not(unix))]
impl Signals {
    pub(crate) fn catch() -> io::Result<Self> {
        Ok(Self)
    }

    pub(crate) async fn asked_to_end(&mut self) {
        if let Err(error) = tokio::signal::ctrl_c().await {
            tracing::error!(%error, "can't wait for ctrl-c");
            std::future::pending::<()>().await;
        }
    }
}
