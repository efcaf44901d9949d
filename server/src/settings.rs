//! What the server is told when it starts: by flags, by a file in TOML, and by default.
//!
//! Reads files, looks up the name in `listen`, and nothing else. What is wrong is said with the key that it stands under.

mod conflicts;
mod connections;
mod document;
mod doubts;
mod error;
mod flags;
mod history;
mod place;
mod rooms;
mod rules;
mod sections;
mod table;

use std::{
    fmt,
    net::{Ipv4Addr, SocketAddr},
    path::{Path, PathBuf},
    sync::Arc,
};

use axum::http::HeaderName;
use parlor::{Config, EventDefinition, Guard, Outbound, RoomConfig};

pub(crate) use self::conflicts::check;
pub use self::{connections::ConnectionLimits, error::SettingsError, flags::Flags};

use self::{
    document::Document,
    error::Wrong,
    flags::Overrides,
    sections::{Reader, read_bounded},
};
use crate::{
    auth::Authenticator,
    history::HistorySettings,
    operators::{OperatorKey, SameMachine, is_loopback},
    origins::Origins,
    page::ServedPage,
    rules::Rules,
    schema::Schemas,
};

/// The port unless the settings say otherwise, which is Phoenix's.
const PORT: u16 = 4000;

/// Makes the guard of the engine.
pub type GuardFactory = Arc<dyn Fn() -> Guard + Send + Sync>;

/// Sees what the channel says, in its order.
///
/// It runs in the task of the engine, which waits for it, as does whatever else has its turn on that
/// thread: so it does not block.
pub type Observer = Arc<dyn Fn(&Outbound) + Send + Sync>;

/// Tells how many lines the program's log has dropped so far.
pub type LogDrops = Arc<dyn Fn() -> u64 + Send + Sync>;

/// What a server is set up with.
///
/// The default is open to everybody, on 127.0.0.1:4000, with rooms that are made by joining them, and
/// which keep the last [`HISTORY`](Settings::HISTORY) of the event `message`.
///
/// ```
/// use parlor_server::Settings;
///
/// let settings = Settings::from_toml(r#"
///     grace_ms = 10_000
///
///     [server]
///     listen = "0.0.0.0:8080"
///
///     [[rooms]]
///     pattern = "chat:*"
///     max_members = 50
///     events = [{name = "message", history = 100, schema = {type = "string", maxLength = 500}}]
/// "#)?;
/// assert_eq!(settings.listen.port(), 8080);
/// assert_eq!(settings.channel.grace_ms(), 10_000);
/// assert!(settings.auth.is_open());
///
/// let wrong = Settings::from_toml("[[rooms]]\npattern = 'chat:*'\nmax_members = 'many'");
/// assert_eq!(
///     wrong.unwrap_err().to_string(),
///     "line 3: rooms[0].max_members: invalid type: string \"many\", \
///      expected a whole number from 0 to 4294967295",
/// );
/// # Ok::<(), parlor_server::SettingsError>(())
/// ```
#[derive(Clone)]
#[expect(clippy::exhaustive_structs, reason = "made by a struct update of the default")]
pub struct Settings {
    /// Where it listens.
    pub listen: SocketAddr,
    /// Whether there is a page at `/`.
    pub page: ServedPage,
    /// How many lanes bring messages to connections; with one, the engine does so itself.
    pub lanes: usize,
    /// How the channel behaves. Its first epoch is that of the start.
    pub channel: Config,
    /// Who may do what, beyond what the channel decides. It runs in the task of the engine, between
    /// everybody's messages, so it is brief. It sees payloads that no schema has passed yet.
    pub guard: GuardFactory,
    /// What payloads have to be like. Who may not send, by the guard, is not told what would have been
    /// right; what the guard has changed is not compared again.
    pub schemas: Schemas,
    /// Those of the rules in the guard by which the page says beforehand who can only listen where.
    /// They decide nothing by themselves.
    pub rules: Rules,
    /// Who is who.
    pub auth: Authenticator,
    /// From which pages browsers may connect.
    pub origins: Origins,
    /// What connections may take.
    pub connections: ConnectionLimits,
    /// The header in which a proxy in front names the address of a client, such as
    /// `x-forwarded-for`: its last entry counts. None if there is no proxy, or clients could name
    /// themselves.
    pub client_ip_header: Option<HeaderName>,
    /// Where events are recorded, if anywhere.
    pub journal: Option<PathBuf>,
    /// Where messages are kept that memory has no room for, if anywhere.
    pub history: Option<HistorySettings>,
    /// The secret by which a session becomes a client id; drawn at the start if there is none.
    pub session_key: Option<[u8; 32]>,
    /// What operators and back ends show; without it, none may act.
    pub operator_key: Option<OperatorKey>,
    /// How those on the same machine may look without it.
    pub same_machine: SameMachine,
    /// Sees what channels say, if anybody does.
    pub observer: Option<Observer>,
    /// Shown at `/metrics`, for a log that drops lines instead of waiting for its reader.
    pub log_drops: Option<LogDrops>,
}

impl Default for Settings {
    fn default() -> Self {
        let channel = Config::builder().grace_ms(Self::GRACE_MS).default_room(default_room());
        Self {
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, PORT)),
            page: ServedPage::On,
            lanes: lanes(),
            channel: channel.build().unwrap_or_default(),
            guard: Arc::new(Guard::new),
            schemas: Schemas::default(),
            rules: Rules::default(),
            auth: Authenticator::open(),
            origins: Origins::default(),
            connections: ConnectionLimits::default(),
            client_ip_header: None,
            journal: None,
            history: None,
            session_key: None,
            operator_key: None,
            same_machine: SameMachine::Link,
            observer: None,
            log_drops: None,
        }
    }
}

impl Settings {
    /// For how long a client that lost its connection keeps its place, by default.
    pub const GRACE_MS: u64 = 30_000;

    /// How many messages of the name `message` a room keeps of which nothing else is said, so that
    /// the page at `/` can show what was said before.
    pub const HISTORY: u32 = 200;

    /// Reads the file that the flags name, if they do, and what else they say, which holds in place
    /// of what the file says.
    ///
    /// # Errors
    ///
    /// Refused is a file that can't be read, what is no TOML, a key that is unknown, and a value
    /// that can't be. The error names file, line and key, or the flag.
    pub fn load(flags: &Flags) -> Result<Self, SettingsError> {
        let overrides = Overrides::of(flags).map_err(|wrong| wrong.at(None, None))?;
        let Some(file) = flags.config.as_deref() else {
            return Self::read("", Path::new(""), None, &overrides);
        };
        let text = read_bounded(file).map_err(|error| {
            let message = format!("this file can't be read ({error}), expected settings as TOML");
            Wrong::new("", message).at(Some(file), None)
        })?;
        let directory = file.parent().unwrap_or_else(|| Path::new(""));
        Self::read(&text, directory, Some(file), &overrides)
    }

    /// Reads settings from a TOML text. Files that it names are looked for from the directory in
    /// which the process runs.
    ///
    /// # Errors
    ///
    /// As [`Settings::load`].
    pub fn from_toml(text: &str) -> Result<Self, SettingsError> {
        Self::read(text, Path::new(""), None, &Overrides::default())
    }

    /// Whether the server can be reached from this machine alone, and from no proxy that the settings
    /// know of.
    pub(crate) fn is_for_this_machine(&self) -> bool {
        is_loopback(&self.listen.ip()) && self.client_ip_header.is_none()
    }

    fn read(
        text: &str,
        directory: &Path,
        file: Option<&Path>,
        overrides: &Overrides,
    ) -> Result<Self, SettingsError> {
        let document = Document::parse(text).map_err(|(wrong, line)| wrong.at(file, line))?;
        let settings = document.to_json().and_then(|mut json| {
            overrides.apply(&mut json);
            Reader::new(json, directory).settings()
        });
        settings.map_err(|wrong| {
            if let Some(flag) = overrides.flag_of(&wrong.key) {
                return Wrong::new(flag, wrong.message).at(None, None);
            }
            let line = document.line_of(&wrong.key);
            wrong.at(file, line)
        })
    }
}

/// How rooms behave that match no pattern, where nothing else is said of them.
fn default_room() -> RoomConfig {
    RoomConfig::default()
        .with_event(EventDefinition::new("message").with_history(Settings::HISTORY))
}

/// How many lanes pay: see `docs/performance.md`.
const fn lanes() -> usize {
    1
}

impl fmt::Debug for Settings {
    /// Without keys, and without what closures can't show.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            listen,
            page,
            lanes,
            channel,
            guard,
            schemas,
            rules,
            auth,
            origins,
            connections,
            client_ip_header,
            journal,
            history,
            session_key,
            operator_key,
            same_machine,
            observer,
            log_drops,
        } = self;
        f.debug_struct("Settings")
            .field("listen", listen)
            .field("page", page)
            .field("lanes", lanes)
            .field("channel", channel)
            .field("guard", &guard())
            .field("schemas", schemas)
            .field("rules", rules)
            .field("auth", auth)
            .field("origins", origins)
            .field("connections", connections)
            .field("client_ip_header", client_ip_header)
            .field("journal", journal)
            .field("history", history)
            .field("session_key", &session_key.map(|_| "…"))
            .field("operator_key", operator_key)
            .field("same_machine", same_machine)
            .field("observer", &observer.as_ref().map(|_| "…"))
            .field("log_drops", &log_drops.as_ref().map(|drops| drops()))
            .finish()
    }
}
