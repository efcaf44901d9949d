//! A server and real sockets: what clients see of it.

mod client;
mod conversation;

use client::{Client, start};
