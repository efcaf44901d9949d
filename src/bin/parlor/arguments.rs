//! What the command line asks for.

use std::{ffi::OsString, fmt, path::PathBuf};

pub(crate) const HELP: &str = "\
Usage: parlor [OPTION]... [FILE]

Reads events as JSON lines from FILE, or from standard input if there is none or it is `-`, hands
them to a channel, and writes what is to be sent for them as JSON lines to standard output. All that
has been read is answered before more is waited for, so whoever writes much has to read meanwhile.

  --keep-going  report a bad line and go on with the next, in place of stopping there
  --stats       at the end, write counts and events a second to standard error
  -h, --help    write this
  -V, --version write the version
  --            take what follows for a FILE, whatever it looks like

An event is an object of one field, {\"leave\":{…}} or the like, or \"restart\" alone. The seven events,
the fields that each must have, and in brackets those that it may have:

  join       client_id topic user_id now_ms [meta params ref]
  rejoin     client_id topic user_id now_ms [meta params ref since]
  leave      client_id topic [ref]
  broadcast  client_id topic payload [event audience meta id ref]
  push       client_id topic event payload [ref]
  crash      reason
  restart

In place of payload, which is any JSON, there may be payload_base64. now_ms is a whole number, the
time in milliseconds; audience is \"all\", \"others\" or \"other_users\".

The channel is one of a single node with the default configuration, limits included: what it
answers is what a driver with that channel was answered when the events were recorded. A line has at
most 1 MiB.

Exit status: 0 if all was read, or if nobody reads standard output any longer; 1 if lines were bad
and --keep-going was given, or if standard output can't be written; 2 if a line was bad, FILE can't
be read or an option is unknown.

Try: echo '{\"join\":{\"client_id\":\"c1\",\"topic\":\"room:1\",\"user_id\":\"ann\",\"now_ms\":0}}' | parlor
";

/// What to do.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Command {
    Replay(Options),
    Help,
    Version,
}

/// What to read and how.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Options {
    pub(crate) source: Source,
    pub(crate) bad_lines: BadLines,
    pub(crate) stats: Stats,
}

/// Where events come from.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) enum Source {
    #[default]
    Stdin,
    File(PathBuf),
}

/// What becomes of the lines after a bad one.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(crate) enum BadLines {
    #[default]
    Stop,
    KeepGoing,
}

/// Whether counts are written at the end.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stats {
    #[default]
    Untold,
    Told,
}

/// A command line that can't be followed.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum ArgumentError {
    UnknownOption(OsString),
    SecondFile(OsString),
}

impl Command {
    /// Reads the command line, without the name of the program.
    pub(crate) fn parse(arguments: impl Iterator<Item = OsString>) -> Result<Self, ArgumentError> {
        let mut options = Options::default();
        let mut file = None;
        let mut only_files = false;
        for argument in arguments {
            match argument.to_str() {
                _ if only_files => take_file(&mut file, argument)?,
                Some("--") => only_files = true,
                Some("--help" | "-h") => return Ok(Self::Help),
                Some("--version" | "-V") => return Ok(Self::Version),
                Some("--keep-going") => options.bad_lines = BadLines::KeepGoing,
                Some("--stats") => options.stats = Stats::Told,
                Some("-") => take_file(&mut file, argument)?,
                _ if argument.as_encoded_bytes().starts_with(b"-") => {
                    return Err(ArgumentError::UnknownOption(argument));
                }
                _ => take_file(&mut file, argument)?,
            }
        }
        if let Some(file) = file.filter(|file| file != "-") {
            options.source = Source::File(file.into());
        }
        Ok(Self::Replay(options))
    }
}

fn take_file(place: &mut Option<OsString>, file: OsString) -> Result<(), ArgumentError> {
    if place.is_some() {
        return Err(ArgumentError::SecondFile(file));
    }
    *place = Some(file);
    Ok(())
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Stdin => f.write_str("<stdin>"),
            // Bare, as compilers write it, so that a terminal can open it; but seen if it is empty.
            Self::File(path) if path.as_os_str().is_empty() => f.write_str("\"\""),
            Self::File(path) => fmt::Display::fmt(&path.display(), f),
        }
    }
}

impl fmt::Display for ArgumentError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::UnknownOption(option) => write!(
                f,
                "unknown option {}, expected one of --keep-going, --stats, --help, --version",
                option.display()
            ),
            Self::SecondFile(file) => {
                write!(f, "{} is a second FILE, expected at most one", file.display())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(arguments: &[&str]) -> Result<Command, ArgumentError> {
        Command::parse(arguments.iter().map(OsString::from))
    }

    fn check(arguments: &[&str], source: Source, bad_lines: BadLines, stats: Stats) {
        let expected = Command::Replay(Options { source, bad_lines, stats });
        assert_eq!(parse(arguments), Ok(expected), "{arguments:?}");
    }

    #[test]
    fn nothing_is_needed_and_the_order_is_free() {
        let file = || Source::File("a".into());
        check(&[], Source::Stdin, BadLines::Stop, Stats::Untold);
        check(&["-"], Source::Stdin, BadLines::Stop, Stats::Untold);
        check(&["a"], file(), BadLines::Stop, Stats::Untold);
        check(&["a", "--stats"], file(), BadLines::Stop, Stats::Told);
        check(&["--keep-going", "a"], file(), BadLines::KeepGoing, Stats::Untold);
        check(&["--stats", "--", "a"], file(), BadLines::Stop, Stats::Told);
    }

    #[test]
    fn after_two_dashes_everything_is_a_file() {
        let file = Source::File("--stats".into());
        check(&["--", "--stats"], file, BadLines::Stop, Stats::Untold);
        check(&["--", "-"], Source::Stdin, BadLines::Stop, Stats::Untold);
    }

    #[test]
    fn what_is_not_known_is_refused() {
        for option in ["--stat", "-x", "--keep-going=yes", "---"] {
            let unknown = Err(ArgumentError::UnknownOption(option.into()));
            assert_eq!(parse(&[option, "--help"]), unknown);
        }
        assert_eq!(parse(&["a", "b"]), Err(ArgumentError::SecondFile("b".into())));
    }

    #[test]
    fn help_and_version_need_no_more_of_the_line() {
        for option in ["--help", "-h"] {
            assert_eq!(parse(&["a", option, "--unknown"]), Ok(Command::Help));
        }
        for option in ["--version", "-V"] {
            assert_eq!(parse(&["a", option, "--unknown"]), Ok(Command::Version));
        }
    }
}
