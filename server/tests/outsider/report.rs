//! The table of attempts: each with what it has to come to, and what it came to.

use std::{
    fmt::{self, Display, Formatter},
    mem,
    panic::AssertUnwindSafe,
};

use futures_util::FutureExt;
use tokio::{task::JoinHandle, time::timeout};

use super::{PATIENCE, arena::Arena, honest::Honest};

/// Attempts, and whom they are made against.
pub struct Report {
    pub arena: Arena,
    pub honest: Honest,
    rows: Vec<Row>,
    going_on: Vec<(String, String, JoinHandle<String>)>,
}

struct Row {
    attempt: String,
    expected: String,
    got: String,
    harm: Option<String>,
}

impl Report {
    pub fn new(arena: Arena, honest: Honest) -> Self {
        Self { arena, honest, rows: Vec::new(), going_on: Vec::new() }
    }

    /// Makes an attempt. What it comes to has to be as expected; an expectation with `…` at its end
    /// is the start of that. After it the server has to be well, and those who are there have to
    /// talk on as if nothing had been.
    pub async fn tried(
        &mut self,
        attempt: impl Into<String>,
        expected: impl Into<String>,
        attack: impl Future<Output = String>,
    ) {
        let attempt = attempt.into();
        // Of an attempt that does not end, nothing else would be known.
        eprintln!("trying {attempt}");
        let attack = AssertUnwindSafe(Box::pin(attack)).catch_unwind();
        let got = match timeout(4 * PATIENCE, attack).await {
            Ok(Ok(got)) => got,
            Ok(Err(_panicked)) => "it could not be made".to_owned(),
            Err(_elapsed) => "it does not end".to_owned(),
        };
        let harm = match self.arena.is_well().await {
            Ok(()) => self.honest.talk_on().await.err(),
            Err(harm) => Some(harm),
        };
        let is_over = harm.is_some();
        self.rows.push(Row { attempt, expected: expected.into(), got, harm });
        assert!(!is_over, "{self}\n{}", self.arena.keep_log());
    }

    /// Begins an attempt that takes its time, and goes on with others meanwhile.
    pub fn begins(
        &mut self,
        attempt: impl Into<String>,
        expected: impl Into<String>,
        attack: impl Future<Output = String> + Send + 'static,
    ) {
        self.going_on.push((attempt.into(), expected.into(), tokio::spawn(attack)));
    }

    /// Waits for what every attempt comes to that was begun.
    pub async fn waits(&mut self) {
        for (attempt, expected, attack) in mem::take(&mut self.going_on) {
            let attack = async { attack.await.unwrap_or_else(|error| error.to_string()) };
            self.tried(attempt, expected, attack).await;
        }
    }

    /// Fails if anything did not go as it should.
    pub fn check(&self) {
        assert!(self.going_on.is_empty(), "all that was begun was waited for");
        let wrong = self.rows.iter().filter(|row| !row.is_as_expected()).count();
        assert_eq!(wrong, 0, "{wrong} attempts did not come to what was expected\n{self}");
    }
}

impl Row {
    fn is_as_expected(&self) -> bool {
        let fits = match self.expected.strip_suffix('…') {
            Some(start) => self.got.starts_with(start),
            None => self.got == self.expected,
        };
        fits && self.harm.is_none()
    }
}

impl Display for Report {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let width = |of: fn(&Row) -> &str| {
            self.rows.iter().map(|row| of(row).chars().count()).max().unwrap_or(0).min(60)
        };
        let (attempts, expected) = (width(|row| &row.attempt), width(|row| &row.expected));
        writeln!(f, "     | {:attempts$} | {:expected$} | got", "attempt", "expected")?;
        for row in &self.rows {
            let mark = if row.is_as_expected() { "ok" } else { "WRONG" };
            let Row { attempt, expected: wanted, got, harm } = row;
            write!(f, "{mark:5}| {attempt:attempts$} | {wanted:expected$} | {got:.100}")?;
            if let Some(harm) = harm {
                write!(f, " | HARM: {harm}")?;
            }
            writeln!(f)?;
        }
        Ok(())
    }
}
