//! Dialogue's protocol as its client sees it: each row of its tables, what the client relies on, and
//! what Dialogue's server gets wrong.

mod errors;
mod hostile;
mod obligations;
mod properties;
mod returning;
mod said;
mod told;
mod world;
