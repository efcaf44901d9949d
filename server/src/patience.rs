//! A stream that fails when the other end takes nothing for too long, and that reads nothing more
//! while what was written waits for the other end.
//!
//! The first saves writers a time-out of their own: without one they are stuck until the machine
//! gives up, which may be never if the other end lives and does not read. The second bounds what a
//! protocol buffers by itself: a client that pings and never reads would otherwise have every pong
//! kept for it.

use std::{
    io::{self, IoSlice},
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    task::{Context, Poll, Waker},
    time::Duration,
};

use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    time::{Instant, Sleep, sleep},
};

/// How much may be read while a write is stalled, beyond what the other end takes meanwhile. A client
/// that reads slowly still has its heartbeats read; answers to control frames are no longer than
/// these, so no more than this waits for it.
const AHEAD: usize = 16 << 10;

/// How many bytes a stream has taken: by it, a client that reads slowly is told from one that does
/// not read.
#[derive(Debug, Clone, Default)]
pub(crate) struct Flow(Arc<AtomicU64>);

impl Flow {
    pub(crate) fn bytes(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }

    /// Counts what the stream has taken. One task alone writes to it.
    fn count(&self, written: &Poll<io::Result<usize>>) {
        if let Poll::Ready(Ok(bytes)) = written {
            self.0.store(self.bytes().wrapping_add(*bytes as u64), Ordering::Relaxed);
        }
    }
}

/// How much later than it was due an alarm may be noticed by a process that runs.
const LATE: Duration = Duration::from_millis(250);

/// How long a process that was stopped looks at its sockets before it believes that they are silent.
const SECOND_LOOK: Duration = Duration::from_secs(1);

/// When to look again at a time-out that has come: now is too early if the process was stopped when
/// it was due, as by `SIGSTOP` or the sleep of a laptop. Timers are told of that before sockets are, so
/// what the other end has said meanwhile is not known yet.
pub(crate) fn second_look(due: Instant) -> Option<Instant> {
    let now = Instant::now();
    (now.saturating_duration_since(due) > LATE).then(|| now + SECOND_LOOK)
}

/// A stream whose writes wait for so long.
#[derive(Debug)]
pub(crate) struct Patient<S> {
    stream: S,
    patience: Duration,
    state: State,
    /// How much more may be read while it is stalled.
    ahead: usize,
    /// The task that reads, where it waits for a write to go on.
    reader: Option<Waker>,
    flow: Flow,
}

#[derive(Debug)]
enum State {
    Flowing,
    /// Something is to be written, until then.
    Stalled(Pin<Box<Sleep>>),
    Failed,
}

impl<S: AsyncWrite + Unpin> Patient<S> {
    pub(crate) fn new(stream: S, patience: Duration) -> Self {
        let (state, flow) = (State::Flowing, Flow::default());
        Self { stream, patience, state, ahead: AHEAD, reader: None, flow }
    }

    pub(crate) fn flow(&self) -> Flow {
        self.flow.clone()
    }

    /// Does what has to do with writing, if there is patience left.
    fn write<T>(
        &mut self,
        context: &mut Context<'_>,
        poll: impl FnOnce(Pin<&mut S>, &mut Context<'_>) -> Poll<io::Result<T>>,
    ) -> Poll<io::Result<T>> {
        if matches!(self.state, State::Failed) {
            return Poll::Ready(Err(io::ErrorKind::TimedOut.into()));
        }
        let polled = poll(Pin::new(&mut self.stream), context);
        if polled.is_ready() {
            self.state = State::Flowing;
            self.wake_reader();
            return polled;
        }
        if matches!(self.state, State::Flowing) {
            self.state = State::Stalled(Box::pin(sleep(self.patience)));
        }
        while let State::Stalled(until) = &mut self.state
            && until.as_mut().poll(context).is_ready()
        {
            let Some(again) = second_look(until.deadline()) else {
                self.state = State::Failed;
                self.wake_reader();
                return Poll::Ready(Err(io::ErrorKind::TimedOut.into()));
            };
            until.as_mut().reset(again);
        }
        Poll::Pending
    }

    /// Counts what the other end has taken, and lets as much more be read.
    fn taken(&mut self, polled: &Poll<io::Result<usize>>) {
        self.flow.count(polled);
        if let Poll::Ready(Ok(bytes)) = polled {
            self.ahead = AHEAD.min(self.ahead.saturating_add(*bytes));
        }
    }

    fn wake_reader(&mut self) {
        if let Some(reader) = self.reader.take() {
            reader.wake();
        }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Patient<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        match self.state {
            State::Flowing => {
                self.ahead = AHEAD;
                Pin::new(&mut self.stream).poll_read(context, buffer)
            }
            State::Stalled(_) if self.ahead == 0 => {
                self.reader = Some(context.waker().clone());
                Poll::Pending
            }
            State::Stalled(_) => {
                let before = buffer.filled().len();
                let polled = Pin::new(&mut self.stream).poll_read(context, buffer);
                self.ahead = self.ahead.saturating_sub(buffer.filled().len() - before);
                polled
            }
            State::Failed => Poll::Ready(Err(io::ErrorKind::TimedOut.into())),
        }
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Patient<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let polled = self.write(context, |stream, context| stream.poll_write(context, bytes));
        self.taken(&polled);
        polled
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let polled =
            self.write(context, |stream, context| stream.poll_write_vectored(context, bytes));
        self.taken(&polled);
        polled
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.write(context, AsyncWrite::poll_flush)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.write(context, AsyncWrite::poll_shutdown)
    }
}

#[cfg(test)]
mod tests {
    use std::future::poll_fn;

    use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex};

    use super::*;

    const ROOM: usize = AHEAD / 4;

    async fn is_stalled(near: &mut Patient<DuplexStream>) -> bool {
        poll_fn(|context| Poll::Ready(Pin::new(&mut *near).poll_write(context, &[0]).is_pending()))
            .await
    }

    /// A stream whose other end takes nothing more.
    async fn stalled() -> (Patient<DuplexStream>, DuplexStream) {
        let (near, far) = duplex(ROOM);
        let mut near = Patient::new(near, Duration::from_hours(1));
        near.write_all(&[0; ROOM]).await.unwrap();
        assert!(is_stalled(&mut near).await);
        (near, far)
    }

    /// Reads all that is let through, and says how much that was.
    async fn read_all(near: &mut Patient<DuplexStream>, far: &mut DuplexStream) -> usize {
        let (mut bytes, mut read) = ([0; ROOM], 0);
        loop {
            far.write_all(&[0; ROOM]).await.unwrap();
            let mut buffer = ReadBuf::new(&mut bytes);
            let polled = poll_fn(|context| {
                Poll::Ready(Pin::new(&mut *near).poll_read(context, &mut buffer))
            });
            match polled.await {
                Poll::Ready(polled) => polled.unwrap(),
                Poll::Pending => return read,
            }
            read += buffer.filled().len();
        }
    }

    #[tokio::test]
    async fn a2_no_more_is_read_than_the_other_end_takes() {
        let (mut near, mut far) = stalled().await;
        assert_eq!(read_all(&mut near, &mut far).await, AHEAD);
        far.read_exact(&mut [0; 10]).await.unwrap();
        assert_eq!(AsyncWriteExt::write(&mut near, &[0; ROOM]).await.unwrap(), 10);
        assert!(is_stalled(&mut near).await);
        assert_eq!(near.read(&mut [0; 10]).await.unwrap(), 10);
        let pending = poll_fn(|context| {
            let mut byte = [0];
            let mut buffer = ReadBuf::new(&mut byte);
            Poll::Ready(Pin::new(&mut near).poll_read(context, &mut buffer).is_pending())
        });
        assert!(pending.await, "the other end took ten bytes");
    }

    #[tokio::test]
    async fn a2_a_reader_goes_on_when_the_write_does() {
        let (mut near, mut far) = stalled().await;
        read_all(&mut near, &mut far).await;
        let (mut reader, mut writer) = tokio::io::split(near);
        let mut read = [0; ROOM];
        let (read, written, ()) = tokio::join!(
            async { reader.read(&mut read).await.unwrap() },
            async { writer.write(&[0]).await.unwrap() },
            async {
                far.read_exact(&mut [0; ROOM]).await.unwrap();
            },
        );
        assert_eq!((read, written), (ROOM, 1));
    }

    #[tokio::test]
    async fn a_stream_that_was_stalled_for_too_long_is_neither_read_nor_written() {
        let (near, _far) = duplex(ROOM);
        let mut near = Patient::new(near, Duration::from_millis(5));
        let written = near.write_all(&[0; 2 * ROOM]).await;
        assert_eq!(written.unwrap_err().kind(), io::ErrorKind::TimedOut);
        let read = near.read(&mut [0]).await;
        assert_eq!(read.unwrap_err().kind(), io::ErrorKind::TimedOut);
    }
}
