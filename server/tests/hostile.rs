//! Clients that make the server hold things for them, and read nothing of it: a built server is
//! attacked at every endpoint, and the memory of its process is the judge.
//!
//! Each row of the table is an attack, the most that the server may hold for it by the formula in
//! `docs/operations.md`, and the most that was seen. Two honest clients talk meanwhile, and each row
//! ends with a round of theirs.
//!
//! Whether a row can fail is shown by a server that lacks what it tests:
//! `PARLOR_ATTACKED_SERVER=/path/to/an/older/parlor-server cargo test -p parlor-server --test hostile`.
#![cfg(target_os = "linux")]
#![expect(unreachable_pub, reason = "modules of a test crate have no outside")]
#![expect(clippy::indexing_slicing, clippy::unwrap_used, reason = "a test that fails panics")]
#![expect(clippy::print_stderr, reason = "the table of attacks is to be seen")]

/// What attackers are made of, shared with `outsider.rs`.
#[expect(dead_code, reason = "some of it is for outsiders only")]
#[path = "outsider/attackers.rs"]
mod outsider;

mod hostile {
    pub mod formula;
    pub mod judge;
    pub mod lists;
    pub mod missed;
    pub mod opened;
    pub mod pings;
    pub mod present;
    pub mod requests;
    pub mod talk;
    pub mod unread;
}

use hostile::{
    formula::Limits, judge::Judge, lists, missed, opened, pings, present, requests, unread,
};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a2_memory_stays_within_the_documented_formula_whatever_clients_do() {
    let limits = Limits::small();
    let mut judge = Judge::start("hostile", limits).await;
    pings::attacks(&mut judge).await;
    requests::attacks(&mut judge).await;
    unread::attacks(&mut judge).await;
    missed::attacks(&mut judge).await;
    present::attacks(&mut judge).await;
    opened::attacks(&mut judge).await;
    lists::attacks(&mut judge).await;
    eprintln!("{judge}");
    // Measured, and not asserted: a debug build on a busy machine takes as long as it takes.
    let longest = judge.figure("parlor_engine_longest_batch_seconds").await;
    eprintln!("longest time that the engine was away from its mailbox, in seconds: {longest}");
    judge.check();
}

/// The judge can find fault: servers whose limits are larger than the formula is given.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_held_beyond_the_formula_is_seen() {
    let small = Limits::small();
    let large = Limits {
        queue_bytes: 64 * small.queue_bytes,
        queue_items: 1 << 20,
        page_bytes: 64 * small.page_bytes,
        ..small
    };
    // Each has a server of its own: what one has freed, the next would hold unseen.
    let judge = async |name| {
        let mut judge = Judge::start(name, large).await;
        judge.expects(small);
        judge
    };
    let mut unread = judge("hostile-unread").await;
    unread::attacks(&mut unread).await;
    let mut missed = judge("hostile-missed").await;
    missed::attacks(&mut missed).await;
    eprintln!("{unread}\n{missed}");
    // Broadcasts to those who read nothing, by both protocols, and perhaps to those who never poll, of
    // whom the server holds just as much as it may; and pages that are asked for.
    assert!(unread.wrong() >= 2, "{unread}");
    assert_eq!(missed.wrong(), 1, "{missed}");
}
