//! The table of attacks: each with the most that the server may hold for it, and the most it held.

use std::{
    fmt::{self, Display, Formatter},
    fs,
    panic::AssertUnwindSafe,
    time::{Duration, Instant},
};

use futures_util::FutureExt;
use tokio::time::{sleep, timeout};

use super::{formula::Limits, talk::Talk};
use crate::outsider::{PATIENCE, arena::Arena, raw::Raw, tokens};

pub struct Judge {
    pub arena: Arena,
    pub limits: Limits,
    talk: Talk,
    rows: Vec<Row>,
}

/// Little enough that nothing is measured but the server.
const QUIET: &str = "info,parlor_server::hub=warn,parlor_server::engine=warn";

/// How often the memory is looked at after an attack, and how many looks have to find it unchanged.
const LOOK: Duration = Duration::from_millis(50);
const STEADY_LOOKS: u32 = 10;

struct Row {
    attack: &'static str,
    bound: usize,
    seen: usize,
    /// What `/metrics` says is queued at the end.
    queued: String,
    rounds: String,
    seconds: f64,
    outcome: Result<String, String>,
}

/// What the server has, beside the limits of the formula.
fn settings(limits: &Limits) -> String {
    let Limits { queue_bytes, queue_items, max_message_bytes, payload_bytes, page_bytes } = limits;
    let (secret, key) = (tokens::SECRET, tokens::KEY);
    format!(
        "
        clients_open_rooms = 'on'
        [server]
        listen = '127.0.0.1:0'
        lanes = 2
        [connections]
        max_per_ip = 10_000
        queue_bytes = {queue_bytes}
        queue_items = {queue_items}
        max_message_bytes = {max_message_bytes}
        events_per_window = 10_000_000
        idle_ms = 120_000
        [auth]
        hs256_secret = '{secret}'
        [operators]
        key = '{key}'
        [limits]
        payload_bytes = {payload_bytes}
        page_bytes = {page_bytes}
        [[rooms]]
        pattern = 'honest:*'
        presence = 'off'
        [[rooms]]
        pattern = 'room:*'
        [[rooms.events]]
        name = 'kept'
        history = 200
        "
    )
}

impl Judge {
    pub async fn start(name: &str, limits: Limits) -> Self {
        let arena = Arena::logging(name, &settings(&limits), QUIET);
        let talk = Talk::start(arena.at).await;
        Self { arena, limits, talk, rows: Vec::new() }
    }

    /// Judges by other limits than the server has.
    pub fn expects(&mut self, limits: Limits) {
        self.limits = limits;
    }

    /// Makes an attack and sees how much the server holds at most. What the attackers hold stays
    /// until that is known, so they give it back; an attack that comes to nothing says why.
    pub async fn row<T>(
        &mut self,
        attack: &'static str,
        bound: usize,
        attempt: impl Future<Output = Result<T, String>>,
    ) {
        self.talk.goes_on().await.ok();
        // The kernel measures the most from here on.
        fs::write(format!("/proc/{}/clear_refs", self.arena.pid()), "5").ok();
        let (before, began) = (self.arena.memory().unwrap_or(0), Instant::now());
        let made = timeout(2 * PATIENCE, AssertUnwindSafe(attempt).catch_unwind()).await;
        let seen = self.settles().await.saturating_sub(before);
        let talk = self.talk.goes_on().await;
        let queued = self.figure("parlor_queue_bytes").await;
        let attacked = match made {
            Ok(Ok(Ok(held))) => {
                drop(held);
                Ok(())
            }
            Ok(Ok(Err(flaw))) => Err(flaw),
            Ok(Err(_panicked)) => Err("it could not be made".to_owned()),
            Err(_elapsed) => Err("it does not end".to_owned()),
        };
        let (rounds, well) = match talk {
            Ok(rounds) => (format!("{}, {:.0?}", rounds.count, rounds.slowest), Ok(())),
            Err(harm) => ("none".to_owned(), Err(harm)),
        };
        let outcome = attacked.and(well).and(self.arena.is_well().await);
        let outcome = outcome.map(|()| String::new());
        let seconds = began.elapsed().as_secs_f64();
        self.rows.push(Row { attack, bound, seen, queued, rounds, seconds, outcome });
    }

    /// The most memory that the server had, when it has not grown for a while.
    async fn settles(&self) -> usize {
        let most = || self.arena.status("VmHWM:").unwrap_or(usize::MAX);
        let (mut seen, mut looks) = (most(), 0);
        let began = Instant::now();
        while looks < STEADY_LOOKS && began.elapsed() < PATIENCE {
            sleep(LOOK).await;
            looks = if most() == seen { looks + 1 } else { 0 };
            seen = most();
        }
        seen
    }

    /// A figure of `/metrics`.
    pub async fn figure(&self, name: &str) -> String {
        let mut raw = Raw::connect(self.arena.at).await;
        let key = tokens::KEY;
        raw.write(format!(
            "GET /metrics HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {key}\r\n\
             connection: close\r\n\r\n"
        ))
        .await;
        let page = raw.answer().await;
        let line = page.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
        line.unwrap_or("?").to_owned()
    }

    /// How many rows are not as they should be.
    pub fn wrong(&self) -> usize {
        self.rows.iter().filter(|row| !row.is_right()).count()
    }

    pub fn check(&self) {
        assert_eq!(self.wrong(), 0, "memory beyond the formula, or harm\n{self}");
    }
}

impl Row {
    const fn is_right(&self) -> bool {
        self.seen <= self.bound && self.outcome.is_ok()
    }
}

impl Display for Judge {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let width = self.rows.iter().map(|row| row.attack.chars().count()).max().unwrap_or(0);
        writeln!(
            f,
            "     | {:width$} | bound MB | seen MB | queued | rounds, slowest | s",
            "attack"
        )?;
        for row in &self.rows {
            let mark = if row.is_right() { "ok" } else { "WRONG" };
            let Row { attack, bound, seen, queued, rounds, seconds, outcome } = row;
            let (bound, seen) = (megabytes(*bound), megabytes(*seen));
            write!(
                f,
                "{mark:5}| {attack:width$} | {bound:>8} | {seen:>7} | {queued:>6} | {rounds:15} | \
                 {seconds:.1}"
            )?;
            if let Err(harm) = outcome {
                write!(f, " | {harm}")?;
            }
            writeln!(f)?;
        }
        Ok(())
    }
}

fn megabytes(bytes: usize) -> String {
    let tenths = bytes.saturating_mul(10) >> 20;
    format!("{}.{}", tenths / 10, tenths % 10)
}
