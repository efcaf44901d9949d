//! Codecs, driven as a driver drives them.

mod phoenix;
