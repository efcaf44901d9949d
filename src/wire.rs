//! Codecs: what unmodified clients of other systems send becomes events, and what a channel says
//! becomes what they expect.
//!
//! Sans I/O, as the channel is: a driver owns the sockets, hands in what arrives and sends what it
//! is given. Codecs know nothing of a [`Channel`](crate::Channel); they see what any driver sees.

pub mod dialogue;
pub mod phoenix;
