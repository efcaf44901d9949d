//! A server of parlor channels.
#![forbid(unsafe_code)]

mod auth;
mod clock;
mod close;
mod health;
mod hub;
mod journal;
mod listen;
mod names;
mod operations;
mod origins;
mod phoenix;
mod placement;
mod queue;
mod random;
mod registry;
mod router;
mod server;
mod sessions;
mod settings;
mod shard;

pub use self::{
    auth::{AuthError, Authenticator, Identity},
    operations::OperationError,
    origins::Origins,
    placement::shard_of,
    router::router,
    server::{Server, StartError},
    settings::{ConnectionLimits, GuardFactory, Observer, Settings},
};
