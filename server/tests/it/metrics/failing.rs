//! A server whose journal can't be written.
