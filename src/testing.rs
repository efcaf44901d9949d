//! For those who test drivers: events to try them with, and a [`Checker`] of what comes of them.
//!
//! The one module beside the flat namespace of the crate. It is there with the feature `proptest`
//! or `arbitrary`, for the `[dev-dependencies]` of a driver, and goes by what is public alone.
//!
//! - [`valid_events`] and [`hostile_events`] are strategies of proptest for sequences of events:
//!   what well-behaved clients and servers send, and anything at all. [`configs`] is one of
//!   configurations.
//! - With the feature `arbitrary`, [`Event`](parlor::Event) and what it is made of can be made of
//!   the bytes of a fuzzer, and [`Events`] is a sequence of them in which time goes on.
//! - A [`Checker`] watches what goes in and what comes out, and says the first
//!   [rule of order](crate#rules-of-order) that is broken.
//!
//! A driver that keeps what it could not send yet, and one that does so in the wrong order:
//!
//! ```
//! use parlor::{Channel, Config, Event, Outbound, testing};
//! use proptest::{prelude::*, test_runner::TestRunner};
//!
//! struct Driver {
//!     channel: Channel,
//!     waiting: Vec<Outbound>,
//!     puts_presence_first: bool,
//! }
//!
//! impl Driver {
//!     fn handle(&mut self, event: Event) {
//!         self.channel.handle(event);
//!         self.waiting.extend(self.channel.flush_outbox());
//!         if self.puts_presence_first {
//!             self.waiting.sort_by_key(|sent| !sent.label().starts_with("presence"));
//!         }
//!     }
//!
//!     fn send(&mut self) -> Vec<Outbound> {
//!         self.waiting.drain(..).collect()
//!     }
//! }
//!
//! // Whatever well-behaved clients do, the driver keeps the rules.
//! let try_out = |puts_presence_first| {
//!     TestRunner::default().run(&testing::valid_events(1..50), |events| {
//!         let (config, waiting) = (Config::default(), Vec::new());
//!         let mut checker = testing::Checker::new(&config);
//!         let channel = Channel::single_node(config);
//!         let mut driver = Driver { channel, waiting, puts_presence_first };
//!         let watched = events.into_iter().try_for_each(|event| {
//!             driver.handle(event.clone());
//!             checker.observe(&event, &driver.send())
//!         });
//!         let watched = watched.and_then(|()| checker.finish());
//!         watched.map_err(|broken| TestCaseError::fail(broken.to_string()))
//!     })
//! };
//! assert!(try_out(false).is_ok());
//!
//! let broken = try_out(true).unwrap_err().to_string();
//! assert!(broken.contains("R1: the first effect of Join"), "{broken}");
//! ```

mod anything;
mod checker;
mod choices;
#[cfg(feature = "arbitrary")]
mod fuzzing;
#[cfg(feature = "proptest")]
mod strategies;
#[cfg(feature = "proptest")]
mod valid;

#[cfg(feature = "arbitrary")]
use std::vec::Vec;

pub use self::checker::{Broken, Checker, List, Rule};
#[cfg(feature = "proptest")]
pub use self::strategies::{configs, hostile_events, valid_events};

/// A sequence of events from the bytes of a fuzzer, in which time mostly goes on.
///
/// Any of them may be hostile. There are at most 200.
///
/// ```
/// use arbitrary::{Arbitrary, Unstructured};
/// use parlor::testing::{Checker, Events};
/// use parlor::{Channel, Config};
///
/// // In a fuzz target, the bytes are those of the fuzzer.
/// let bytes = *b"any bytes will do, and the more there are, the more happens";
/// let Events(events) = Events::arbitrary(&mut Unstructured::new(&bytes))?;
///
/// let mut channel = Channel::single_node(Config::default());
/// let mut checker = Checker::new(channel.config());
/// for event in events {
///     channel.handle(event.clone());
///     checker.observe(&event, &channel.flush_outbox())?;
/// }
/// checker.finish()?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[cfg(feature = "arbitrary")]
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "it is a list, to be taken out")]
pub struct Events(pub Vec<parlor::Event>);
