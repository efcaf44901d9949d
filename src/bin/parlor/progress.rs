//! How far a long run has got, on one line that is written over and erased in the end.
//!
//! Knows no clock: it is due each time that a certain amount was read or written.

use std::io::Write;

/// How many bytes are read or written between two looks at the line.
const STEP: u64 = 1 << 24;

/// The line, if there is somebody to look at it.
#[derive(Debug)]
pub(crate) struct Progress<W: Write> {
    to: Option<W>,
    /// The size of the input, if it is known.
    size: Option<u64>,
    due: u64,
    shown: usize,
}

impl<W: Write> Progress<W> {
    pub(crate) const fn new(to: Option<W>, size: Option<u64>) -> Self {
        Self { to, size, due: STEP, shown: 0 }
    }

    /// Shows how many bytes were read and written, if that is due.
    pub(crate) fn show(&mut self, read: u64, written: u64) {
        if self.to.is_none() || read + written < self.due {
            return;
        }
        self.due = read + written + STEP;
        let (of, read_mb, written_mb) = (self.share(read), read / 1_000_000, written / 1_000_000);
        self.write(&format!("parlor: {read_mb} MB{of} read, {written_mb} MB written"));
    }

    /// Takes the line away, so that something else can be written.
    pub(crate) fn erase(&mut self) {
        if self.shown > 0 {
            self.write("");
        }
    }

    fn share(&self, read: u64) -> String {
        let percent = self.size.and_then(|size| (read.min(size) * 100).checked_div(size));
        percent.map_or_else(String::new, |percent| format!(" ({percent} %)"))
    }

    /// Writes over what is shown. A terminal that can't be written to is not worth an end.
    fn write(&mut self, line: &str) {
        let Some(to) = &mut self.to else { return };
        let blank = self.shown.saturating_sub(line.len());
        let back = if line.is_empty() { "\r" } else { "" };
        let written = write!(to, "\r{line}{:blank$}{back}", "").and_then(|()| to.flush());
        self.shown = line.len();
        if written.is_err() {
            self.to = None;
        }
    }
}

impl<W: Write> Drop for Progress<W> {
    /// Whatever is said when a run has ended starts on an empty line.
    fn drop(&mut self) {
        self.erase();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Each call of `show` with what was read and written, then the end of the run.
    fn check(size: Option<u64>, shows: &[(u64, u64)], expected: &[&str]) {
        let mut terminal = Vec::new();
        let mut progress = Progress::new(Some(&mut terminal), size);
        for (read, written) in shows {
            progress.show(*read, *written);
        }
        drop(progress);
        let terminal = String::from_utf8(terminal).unwrap();
        assert_eq!(terminal.split_terminator('\r').collect::<Vec<_>>(), expected);
    }

    #[test]
    fn a_short_run_shows_nothing() {
        check(Some(100), &[(STEP / 2, STEP / 2 - 1)], &[]);
    }

    #[test]
    fn the_line_is_written_over_and_erased() {
        check(
            Some(40_000_000),
            &[(20_000_000, 900_000_000), (20_000_001, 900_000_000), (40_000_000, 990_000_000)],
            &[
                "",
                "parlor: 20 MB (50 %) read, 900 MB written",
                "parlor: 40 MB (100 %) read, 990 MB written",
                &" ".repeat(42),
            ],
        );
    }

    #[test]
    fn a_shorter_line_leaves_nothing_of_a_longer_one() {
        let mut terminal = Vec::new();
        let mut progress = Progress::new(Some(&mut terminal), None);
        progress.write("longer");
        progress.write("short");
        progress.erase();
        progress.erase();
        drop(progress);
        assert_eq!(terminal, b"\rlonger\rshort \r     \r");
    }

    #[test]
    fn a_size_that_is_wrong_is_survived() {
        let shows = [(20_000_000, 0)];
        let blank = " ".repeat(40);
        check(Some(10), &shows, &["", "parlor: 20 MB (100 %) read, 0 MB written", &blank]);
        let blank = " ".repeat(32);
        check(Some(0), &shows, &["", "parlor: 20 MB read, 0 MB written", &blank]);
    }
}
