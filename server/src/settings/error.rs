//! What is wrong with the settings: in which file, at which line, under which key.

use std::{
    fmt,
    path::{Path, PathBuf},
};

/// Settings that can't be. Its `Display` says where, and what was expected.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct SettingsError {
    /// The file of settings; none for a text, and for what flags say.
    pub file: Option<PathBuf>,
    /// Which line of it, counted from 1: that of the key, or of what holds it if there is no such
    /// key.
    pub line: Option<usize>,
    /// Of what: `rooms[2].max_members`, or a flag such as `--journal`. Empty for the file as a whole.
    pub key: String,
    /// What is wrong, and what was expected.
    pub message: String,
}

impl fmt::Display for SettingsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { file, line, key, message } = self;
        match (file, line) {
            (Some(file), Some(line)) => write!(f, "{}, line {line}: ", file.display())?,
            (Some(file), None) => write!(f, "{}: ", file.display())?,
            (None, Some(line)) => write!(f, "line {line}: ")?,
            (None, None) => {}
        }
        let colon = if key.is_empty() { "" } else { ": " };
        write!(f, "{key}{colon}{message}")
    }
}

impl std::error::Error for SettingsError {}

/// What is wrong under a key, before anybody looks up where that is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Wrong {
    pub(crate) key: String,
    pub(crate) message: String,
}

impl Wrong {
    pub(crate) fn new(key: impl Into<String>, message: impl Into<String>) -> Self {
        Self { key: key.into(), message: message.into() }
    }

    pub(super) fn at(self, file: Option<&Path>, line: Option<usize>) -> SettingsError {
        let Self { key, message } = self;
        SettingsError { file: file.map(Path::to_path_buf), line, key, message }
    }
}

impl fmt::Display for Wrong {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { key, message } = self;
        write!(f, "{key}: {message}")
    }
}
