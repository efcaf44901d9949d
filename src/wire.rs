//! Codecs: what clients of known protocols send becomes events, and what a channel says becomes
//! what they expect. None of them does I/O, or knows a [`Channel`](crate::Channel).

pub mod phoenix;
