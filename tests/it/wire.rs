//! The codecs, driven as a driver would: what clients say goes in, what they are told comes out.

mod dialogue;
mod phoenix;
