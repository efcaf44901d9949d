//! The way to the transport of one client: no more is given to it than a client is to have before it
//! is asked whether it lives.
//!
//! What the transport holds goes before its own pings, and a client that is not asked in time takes
//! its connection for lost. So the transport holds no more than some bytes, however slow its client.

use std::{sync::Arc, time::Duration};

use engineioxide::Str;
use tokio::{
    sync::mpsc::error::TrySendError,
    time::{Instant, sleep},
};

use super::{TRANSPORT_BUFFER, Transport, connection::End};
use crate::{close::Close, patience::Flow};

/// What gives packets to a transport.
#[derive(Debug)]
pub(super) struct Outlet {
    transport: Arc<Transport>,
    /// How many bytes it was given since it was empty.
    given: usize,
    /// For how long a client may take nothing.
    patience: Duration,
}

/// How many bytes the transport may hold, and one packet more.
const MAX_BYTES: usize = 128 << 10;

/// How often a transport that is full is asked whether it is full still: at first, and at last.
const PAUSES: (Duration, Duration) = (Duration::from_millis(1), Duration::from_millis(50));

/// Whether the transport has taken something.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Emitted {
    Yes,
    No,
}

impl Outlet {
    pub(super) const fn new(transport: Arc<Transport>, patience: Duration) -> Self {
        Self { transport, given: 0, patience }
    }

    /// Gives a packet to the transport, if that has room for it.
    pub(super) fn emit(&mut self, text: &Str) -> Result<Emitted, End> {
        if self.given >= MAX_BYTES {
            if free(&self.transport)? < TRANSPORT_BUFFER {
                return Ok(Emitted::No);
            }
            self.given = 0;
        }
        let emitted = emit(&self.transport, text)?;
        if emitted == Emitted::Yes {
            self.given += text.len();
        }
        Ok(emitted)
    }

    /// Gives a packet to the transport when that has room for it. A client that takes nothing for as
    /// long as it may is too slow.
    pub(super) async fn write(&mut self, text: &Str) -> Result<(), End> {
        let (mut pause, longest) = PAUSES;
        let mut taken = self.taken()?;
        let mut since = Instant::now();
        while self.emit(text)? == Emitted::No {
            sleep(pause).await;
            pause = longest.min(pause * 2);
            let now = self.taken()?;
            if now != taken {
                (taken, since) = (now, Instant::now());
            } else if since.elapsed() >= self.patience {
                return Err(End::Closed(Close::stalled(self.patience)));
            }
        }
        Ok(())
    }

    /// What changes when the client takes something: bytes where they are counted, or else packets.
    fn taken(&self) -> Result<(u64, usize), End> {
        // After an upgrade the request that began it, and its stream, have nothing to do with it.
        let began = || self.transport.req_parts.extensions.get();
        let flow = self.transport.data.flow().or_else(began);
        Ok((flow.map_or(0, Flow::bytes), free(&self.transport)?))
    }
}

/// For how many packets there is room.
fn free(transport: &Transport) -> Result<usize, End> {
    let mut permits = Vec::with_capacity(TRANSPORT_BUFFER);
    loop {
        match transport.reserve() {
            Ok(permit) => permits.push(permit),
            Err(TrySendError::Full(())) => return Ok(permits.len()),
            Err(TrySendError::Closed(())) => return Err(End::Lost),
        }
    }
}

/// Gives a packet to the transport, if there is room for another one beside it: that is for the
/// transport's own, which takes a client for dead that it can't ask whether it lives.
pub(super) fn emit(transport: &Transport, text: &Str) -> Result<Emitted, End> {
    match (transport.reserve(), transport.reserve()) {
        (Ok(permit), Ok(_spare)) => {
            permit.emit(text.clone());
            Ok(Emitted::Yes)
        }
        (Err(TrySendError::Closed(())), _) | (_, Err(TrySendError::Closed(()))) => Err(End::Lost),
        (Err(TrySendError::Full(())), _) | (_, Err(TrySendError::Full(()))) => Ok(Emitted::No),
    }
}
