//! How a connection ends, and what its client is told of that.

use std::{io, time::Duration};

use axum::extract::ws::{Message as Frame, WebSocket};
use tokio::time::{sleep, timeout};
use tracing::debug;
use tungstenite::{Error, error::ProtocolError};

use crate::{close::Close, hub::Hub, metrics::Ending};

/// For how long a connection stays open that nothing more can be read from, so that the client can
/// read why it is closed.
const LINGER: Duration = Duration::from_secs(1);

/// A client that is gone without a word.
const ABANDONED: ProtocolError = ProtocolError::ResetWithoutClosingHandshake;

/// How a connection ends.
pub(super) enum End {
    /// Its client has gone.
    Lost,
    /// Its client has said good-bye.
    Left,
    /// It is closed.
    Closed(Close),
    /// It is closed for a frame that was not read to its end, so nothing more can be read.
    Broken(Close),
}

impl End {
    pub(super) const fn for_figures(&self) -> Ending {
        match self {
            Self::Lost => Ending::Lost,
            Self::Left => Ending::Left,
            Self::Closed(close) | Self::Broken(close) => Ending::Code(close.code),
        }
    }

    /// What is wrong with what was read, where a message may be so long.
    pub(super) fn of_unreadable(error: axum::Error, max: usize, patience: Duration) -> Self {
        let Ok(error) = error.into_inner().downcast::<Error>() else {
            return Self::Lost;
        };
        // What is not the client's doing is a connection that was lost.
        if is_stalled(&error) {
            Self::Closed(Close::stalled(patience))
        } else if matches!(*error, Error::Capacity(_)) {
            Self::Broken(Close::too_large(max))
        } else if matches!(*error, Error::Utf8(_)) {
            Self::Broken(Close::no_utf8())
        } else if matches!(&*error, Error::Protocol(flaw) if *flaw != ABANDONED) {
            Self::Broken(Close::protocol())
        } else {
            Self::Lost
        }
    }

    /// What is wrong where nothing can be written: the client is lost, or has taken nothing for as
    /// long as it may.
    pub(super) fn of_unwritable(error: axum::Error, patience: Duration) -> Self {
        if error.into_inner().downcast::<Error>().is_ok_and(|error| is_stalled(&error)) {
            Self::Closed(Close::stalled(patience))
        } else {
            Self::Lost
        }
    }
}

/// Whether the stream has given up on a client that takes nothing.
fn is_stalled(error: &Error) -> bool {
    matches!(error, Error::Io(error) if error.kind() == io::ErrorKind::TimedOut)
}

/// Closes the socket, and waits a while until the client has done so too.
pub(super) async fn say_good_bye(hub: &Hub, websocket: &mut WebSocket, end: End) {
    let good_bye = async {
        let close = match &end {
            End::Lost => return,
            End::Left => None,
            End::Closed(close) | End::Broken(close) => Some(Frame::Close(Some(close.frame()))),
        };
        if let Some(close) = close
            && websocket.send(close).await.is_err()
        {
            return;
        }
        if matches!(end, End::Broken(_)) {
            sleep(LINGER).await;
        } else {
            // Also sends the answer to a close of the client's.
            while let Some(Ok(_)) = websocket.recv().await {}
        }
    };
    let close_ms = Duration::from_millis(hub.settings.connections.close_ms);
    if timeout(close_ms, good_bye).await.is_err() {
        debug!("the client has not answered the close");
    }
}
