//! What the command line asks for.

use std::{
    ffi::OsString,
    fmt,
    path::{Path, PathBuf},
};

pub(crate) const HELP: &str = "\
Usage: parlor [OPTION]... [FILE]

Reads events as JSON lines from FILE, or from standard input if there is none or it is `-`, hands
them to a channel, and writes what is to be sent for them as JSON lines to standard output. All that
has been read is answered before more is waited for, so whoever writes much has to read meanwhile.

  --config FILE set the channel up as FILE says, see below, in place of by default
  --load FILE   go on with the channel that was saved in FILE
  --save FILE   save the channel in FILE when the input ends, for --load to go on with
  --keep-going  answer a bad line on standard output and go on, in place of stopping there
  --stats       at the end, write counts and events a second to standard error
  -h, --help    write this
  -V, --version write the version
  --            take what follows for a FILE, whatever it looks like

An event is an object of one field, {\"leave\":{…}} or the like, or \"restart\" alone. The events, the
fields that each must have, and in brackets those that it may have:

  join              client_id topic user_id now_ms [meta params ref]
  rejoin            client_id topic user_id now_ms [meta params ref since]
  leave             client_id topic [ref]
  broadcast         client_id topic payload [event audience meta id ref]
  push              client_id topic event payload [ref]
  crash             reason
  restart
  connect           client_id user_id now_ms [data ref]
  disconnect        client_id now_ms [grace]
  subscribe         client_id topic event [ref]
  unsubscribe       client_id topic event [ref]
  track             client_id topic [meta ref]
  untrack           client_id topic [ref]
  open_room         topic [config by ref]
  close_room        topic [by ref]
  history           client_id topic [event before start end ref]
  query             what [topic client_id ref]
  publish           target event payload [from except_client except_user meta id ref]
  kick              client_id reason [topic ref]
  add_to_group      group topics [ref]
  remove_from_group group topics [ref]
  refuse            client_id to reason [topic message ref]
  tick              now_ms

In place of payload, which is any JSON, there may be payload_base64. now_ms is a whole number, the
time in milliseconds; since and before are positions, {\"epoch\":…,\"offset\":…}; grace is \"keep\",
\"skip\" or \"expired\"; audience is \"all\", \"others\" or
\"other_users\"; target is \"everyone\" or {\"topic\":…}, {\"group\":…}, {\"user\":…}, {\"client\":…}; what
is \"rooms\", \"room\", \"members\", \"presences\", \"topics_of\" or \"stats\".

The channel is one of a single node, with the default configuration, limits included, unless there
is another: what it answers is what a driver with that channel was answered when the events were
recorded. The FILE of a configuration holds a JSON object of what differs from the default:

  {\"limits\":{\"members_per_topic\":500},\"grace_ms\":30000,\"unlisted_topics\":\"refuse\",\"rooms\":[
  {\"pattern\":\"lobby\"},{\"pattern\":\"chat:*\",\"max_members\":50,\"presence\":\"off\"}]}

A channel is saved with its configuration, so --load takes no --config. Only a run that comes to the
end of its input saves, with --keep-going also past bad lines. FILE is replaced as a whole or not at
all, by way of FILE.tmp beside it.

A bad line is no event, is not UTF-8 or is too long. It ends the run; with --keep-going it is
answered by a line in its place, so that a program that writes events can tell which one it was:

  {\"error\":{\"line\":2,\"column\":11,\"message\":\"missing field `reason`\"}}

A line has at most 1 MiB, or 16 times the larger of payload_bytes and meta_bytes if that is more.

Exit status: 0 if all was read, or if nobody reads standard output any longer; 1 if lines were bad
and --keep-going was given, or if standard output or the FILE of --save can't be written; 2 if a
line, a configuration or a saved channel was bad, a FILE can't be read or an option is wrong.

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
    pub(crate) start: Start,
    /// Where the channel is saved in the end.
    pub(crate) save: Option<PathBuf>,
    pub(crate) bad_lines: BadLines,
    pub(crate) stats: Stats,
}

/// What channel to begin with.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) enum Start {
    /// A new one, configured by default.
    #[default]
    Default,
    /// A new one, configured by that file.
    Configured(PathBuf),
    /// One that was saved in that file.
    Saved(PathBuf),
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
    /// An option that is the last word.
    WithoutFile(&'static str),
    /// A file of an option that was given before.
    Second(&'static str, OsString),
    /// A configuration for a channel that has one.
    ConfigAndLoad,
}

impl Command {
    /// Reads the command line, without the name of the program.
    pub(crate) fn parse(
        mut arguments: impl Iterator<Item = OsString>,
    ) -> Result<Self, ArgumentError> {
        let mut options = Options::default();
        let (mut file, mut config, mut load) = (None, None, None);
        while let Some(argument) = arguments.next() {
            match argument.to_str() {
                Some("--") => break,
                Some("--help" | "-h") => return Ok(Self::Help),
                Some("--version" | "-V") => return Ok(Self::Version),
                Some("--keep-going") => options.bad_lines = BadLines::KeepGoing,
                Some("--stats") => options.stats = Stats::Told,
                Some("--config") => take_next(&mut config, "--config", &mut arguments)?,
                Some("--load") => take_next(&mut load, "--load", &mut arguments)?,
                Some("--save") => take_next(&mut options.save, "--save", &mut arguments)?,
                Some("-") => take_file(&mut file, argument)?,
                _ if argument.as_encoded_bytes().starts_with(b"-") => {
                    return Err(ArgumentError::UnknownOption(argument));
                }
                _ => take_file(&mut file, argument)?,
            }
        }
        arguments.try_for_each(|argument| take_file(&mut file, argument))?;
        if let Some(file) = file.filter(|file| file != "-") {
            options.source = Source::File(file.into());
        }
        options.start = match (config, load) {
            (None, None) => Start::Default,
            (Some(config), None) => Start::Configured(config),
            (None, Some(load)) => Start::Saved(load),
            (Some(_), Some(_)) => return Err(ArgumentError::ConfigAndLoad),
        };
        Ok(Self::Replay(options))
    }
}

/// Takes the word after an option as its file.
fn take_next(
    place: &mut Option<PathBuf>,
    option: &'static str,
    arguments: &mut impl Iterator<Item = OsString>,
) -> Result<(), ArgumentError> {
    let file = arguments.next().ok_or(ArgumentError::WithoutFile(option))?;
    if place.is_some() {
        return Err(ArgumentError::Second(option, file));
    }
    *place = Some(file.into());
    Ok(())
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
            Self::File(path) => f.write_str(&name_of(path)),
        }
    }
}

/// A file bare, as compilers write it, so that a terminal can open it; but seen if it is empty.
pub(crate) fn name_of(path: &Path) -> String {
    if path.as_os_str().is_empty() { "\"\"".into() } else { path.display().to_string() }
}

impl fmt::Display for ArgumentError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::UnknownOption(option) => write!(
                f,
                "unknown option {}, expected one of --config, --load, --save, --keep-going, \
                 --stats, --help, --version",
                option.display()
            ),
            Self::SecondFile(file) => {
                write!(f, "{} is a second FILE, expected at most one", file.display())
            }
            Self::WithoutFile(option) => {
                write!(f, "{option} is the last word, expected its FILE")
            }
            Self::Second(option, file) => {
                write!(f, "{} is the FILE of a second {option}, expected one", file.display())
            }
            Self::ConfigAndLoad => f.write_str(
                "--config and --load are both given, expected one: a saved channel has its \
                 configuration with it",
            ),
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
        let options = Options { source, bad_lines, stats, ..Options::default() };
        let expected = Command::Replay(options);
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
    fn the_word_after_an_option_is_its_file() {
        let check = |option: &'static str, options: &dyn Fn(PathBuf) -> Options| {
            for file in ["c", "--stats", "", "-", "--"] {
                let source = Source::File("a".into());
                let options = Options { source, ..options(file.into()) };
                assert_eq!(parse(&[option, file, "a"]), Ok(Command::Replay(options)));
            }
            assert_eq!(parse(&["a", option]), Err(ArgumentError::WithoutFile(option)));
            let second = Err(ArgumentError::Second(option, "d".into()));
            assert_eq!(parse(&[option, "c", option, "d"]), second);
        };
        let start = |start| Options { start, ..Options::default() };
        check("--config", &|file| start(Start::Configured(file)));
        check("--load", &|file| start(Start::Saved(file)));
        check("--save", &|file| Options { save: Some(file), ..Options::default() });
    }

    #[test]
    fn a_saved_channel_is_not_configured() {
        for arguments in [["--config", "c", "--load", "d"], ["--load", "c", "--config", "d"]] {
            assert_eq!(parse(&arguments), Err(ArgumentError::ConfigAndLoad));
        }
        let start = Start::Saved("a".into());
        let options = Options { start, save: Some("a".into()), ..Options::default() };
        assert_eq!(parse(&["--load", "a", "--save", "a"]), Ok(Command::Replay(options)));
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
