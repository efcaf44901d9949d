//! Events as JSON lines in, outbound messages as JSON lines out.
fn main() {}
