//! An outsider's script, against the built server: he tries to get in, to read and to write what is
//! not his, and to make the server useless for everybody else. Every attempt is refused as it is
//! documented, while two honest clients talk and hear nothing but each other.
//!
//! Attempts are rows of a table, which is printed.
#![expect(unreachable_pub, reason = "modules of a test crate have no outside")]
#![expect(clippy::indexing_slicing, clippy::unwrap_used, reason = "a test that fails panics")]
#![expect(clippy::print_stderr, reason = "the table of attempts is to be seen")]

/// What the script is made of.
mod outsider {
    pub mod arena;
    pub mod asking;
    pub mod backends;
    pub mod crowd;
    pub mod dialogue;
    pub mod entering;
    pub mod frames;
    pub mod honest;
    pub mod inside;
    pub mod operators;
    pub mod page;
    pub mod raw;
    pub mod report;
    pub mod requests;
    pub mod tokens;
    pub mod visitor;
    pub mod watchers;

    use std::time::Duration;

    /// How long anything may take before an attempt fails: far longer than it does.
    pub const PATIENCE: Duration = Duration::from_secs(50);
}

use serde_json::json;

use outsider::{
    arena::Arena, backends, crowd, dialogue, entering, frames, honest, honest::Honest, inside,
    operators, page::Page, report::Report, requests, tokens, watchers,
};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whatever_an_outsider_tries_is_refused_and_disturbs_nobody() {
    let arena = Arena::start("outsider");
    let honest = Honest::start(arena.at).await;
    let mut report = Report::new(arena, honest);

    // These take as long as they may.
    crowd::slowly(&mut report);
    watchers::without_reading(&mut report);
    Box::pin(entering::attempts(&mut report)).await;
    Box::pin(requests::attempts(&mut report)).await;
    Box::pin(inside::attempts(&mut report)).await;
    Box::pin(frames::attempts(&mut report)).await;
    Box::pin(dialogue::attempts(&mut report)).await;
    Box::pin(operators::attempts(&mut report)).await;
    Box::pin(backends::attempts(&mut report)).await;
    Box::pin(watchers::attempts(&mut report)).await;
    // Where nobody else gets in, they could not go on.
    Box::pin(report.waits()).await;
    Box::pin(crowd::attempts(&mut report)).await;
    in_the_log(&mut report).await;

    eprintln!("{report}");
    eprintln!("{} rounds of honest talk; {}", report.honest.rounds(), report.arena.keep_log());
    report.check();
}

/// If somebody else could be heard where they talk, the honest would notice.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_honest_notice_whoever_else_is_there() {
    let arena = Arena::start("outsider-noticed");
    let mut honest = Honest::start(arena.at).await;
    assert_eq!(honest.talk_on().await, Ok(()));
    let circle = tokens::claims_but("eve", &json!({"circle": "honest"}));
    let query = format!("token={}", tokens::hs256(&circle));
    let mut eve = Page::open(arena.at, &query).await.unwrap();
    assert_eq!(eve.ask(honest::ROOM, "phx_join", json!({})).await, "ok");
    let harm = honest.talk_on().await.unwrap_err();
    assert!(harm.contains("presence_diff"), "{harm}");
}

/// The log tells what has happened, and neither secrets nor lies.
async fn in_the_log(report: &mut Report) {
    let log = report.arena.log();
    let absent = |what: &str| if log.contains(what) { "in the log" } else { "not in the log" };
    let header = tokens::of("x").split_once('.').unwrap().0.to_owned();
    for (what, text) in [
        ("a panic", "panicked"),
        ("the secret of tokens", tokens::SECRET),
        ("a token", &*header),
        ("the key of operators", tokens::KEY),
        ("what was said", honest::SECRET),
        ("a session", honest::SESSION),
        ("a line that a name has forged", "\nFORGED"),
        ("an escape sequence of a terminal", "\u{1b}"),
    ] {
        let got = absent(text).to_owned();
        report.tried(format!("looking for {what}"), "not in the log", async { got }).await;
    }
    for refusal in ["not authenticated", "no_key", "wrong_key"] {
        let told = if log.contains(refusal) { "in the log" } else { "not in the log" };
        let attempt = format!("looking for {refusal:?}");
        report.tried(attempt, "in the log", async { told.to_owned() }).await;
    }
}
