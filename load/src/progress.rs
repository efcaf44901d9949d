//! What is shown while it runs: on standard error, so that results can be told from it.

use std::{
    io::{IsTerminal as _, Write as _, stderr},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use tokio::{task::JoinHandle, time::sleep};

/// How often a line is written over, and how often one is written where that can't be.
const OFTEN: Duration = Duration::from_millis(500);
const SELDOM: Duration = Duration::from_secs(10);

/// Shows a line.
pub(crate) fn say(text: &str) {
    let is_terminal = stderr().is_terminal();
    let clear = if is_terminal { "\r\x1b[K" } else { "" };
    // Nobody is there to be told that it can't be shown.
    writeln!(stderr(), "{clear}{text}").ok();
}

/// Shows how far something is, until it is dropped.
#[derive(Debug)]
pub(crate) struct Progress {
    task: JoinHandle<()>,
    is_over: Arc<AtomicBool>,
}

impl Progress {
    pub(crate) fn start(what: String, state: impl Fn() -> String + Send + 'static) -> Self {
        let is_over = Arc::new(AtomicBool::new(false));
        let over = Arc::clone(&is_over);
        let task = tokio::spawn(async move {
            let is_terminal = stderr().is_terminal();
            let began = Instant::now();
            loop {
                sleep(if is_terminal { OFTEN } else { SELDOM }).await;
                if over.load(Ordering::Relaxed) {
                    return;
                }
                let line = format!("  {what}, {} s: {}", began.elapsed().as_secs(), state());
                if is_terminal {
                    let mut stderr = stderr();
                    write!(stderr, "\r\x1b[K{line}").and_then(|()| stderr.flush()).ok();
                } else {
                    say(&line);
                }
            }
        });
        Self { task, is_over }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.is_over.store(true, Ordering::Relaxed);
        self.task.abort();
    }
}
