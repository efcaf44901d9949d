//! A stream that fails when the other end takes nothing for too long.
//!
//! Who writes to it need not have a time-out of its own: what does not is stuck otherwise until the
//! machine gives up, which may be never if the other end lives and does not read.

use std::{
    io::{self, IoSlice},
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};

use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    time::{Sleep, sleep},
};

/// A stream whose writes wait for so long.
#[derive(Debug)]
pub(crate) struct Patient<S> {
    stream: S,
    patience: Duration,
    state: State,
}

#[derive(Debug)]
enum State {
    Flowing,
    /// Something is to be written, until then.
    Stalled(Pin<Box<Sleep>>),
    Failed,
}

impl<S: AsyncWrite + Unpin> Patient<S> {
    pub(crate) const fn new(stream: S, patience: Duration) -> Self {
        Self { stream, patience, state: State::Flowing }
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
            return polled;
        }
        if matches!(self.state, State::Flowing) {
            self.state = State::Stalled(Box::pin(sleep(self.patience)));
        }
        if let State::Stalled(until) = &mut self.state
            && until.as_mut().poll(context).is_ready()
        {
            self.state = State::Failed;
            return Poll::Ready(Err(io::ErrorKind::TimedOut.into()));
        }
        Poll::Pending
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Patient<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(context, buffer)
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Patient<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.write(context, |stream, context| stream.poll_write(context, bytes))
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.write(context, |stream, context| stream.poll_write_vectored(context, bytes))
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
