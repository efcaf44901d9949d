//! Events as JSON lines in, outbound messages as JSON lines out: the driver for any language that
//! can start a process, and the tool that replays recorded traces.
//!
//! It adds nothing to the core: what it writes is what `flush_outbox` returns. Exit status and
//! options are in [`arguments::HELP`].

mod arguments;
mod output;
mod progress;
mod replay;
mod report;
mod snapshot;

use std::{
    env, fmt,
    io::{self, Write},
    process::ExitCode,
};

use crate::{
    arguments::{Command, HELP},
    output::{Output, WriteError},
    replay::{Failure, Verdict},
};

fn main() -> ExitCode {
    let result = match Command::parse(env::args_os().skip(1)) {
        Ok(Command::Replay(options)) => replay::run(&options),
        Ok(Command::Help) => say(HELP),
        Ok(Command::Version) => say(concat!("parlor ", env!("CARGO_PKG_VERSION"), "\n")),
        Err(error) => Err(Failure::Arguments(error)),
    };
    match result {
        Ok(Verdict::AllRead) | Err(Failure::Output(WriteError::NobodyReads)) => ExitCode::SUCCESS,
        Ok(Verdict::SomeLinesBad) => ExitCode::from(1),
        Err(failure) => {
            complain(&failure);
            ExitCode::from(match failure {
                Failure::Output(_) | Failure::NotSaved { .. } => 1,
                Failure::Arguments(_)
                | Failure::Input { .. }
                | Failure::BadLine { .. }
                | Failure::BadConfig { .. }
                | Failure::BadSnapshot { .. } => 2,
            })
        }
    }
}

/// Writes a text to standard output.
fn say(text: &str) -> Result<Verdict, Failure> {
    let mut output = Output::new(io::stdout().lock());
    output.push_text(text)?;
    output.flush()?;
    Ok(Verdict::AllRead)
}

/// Writes a message to standard error. If that can't be written to, there is nobody left to tell.
fn complain(message: &impl fmt::Display) {
    writeln!(io::stderr().lock(), "parlor: {message}").ok();
}
