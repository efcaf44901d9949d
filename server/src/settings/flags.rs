//! What can be said when the program is started. It holds in place of what the file says.

use std::{net::SocketAddr, path::PathBuf};

use clap::Args;
use serde_json::{Map, Value};

use super::{error::Wrong, place::place};

/// The flags of the program, all of which may be absent.
///
/// Each can come from the environment too, except for lists; a flag has precedence. Secrets are in files:
/// anyone who lists processes sees what is in a flag.
#[derive(Debug, Clone, Default, PartialEq, Eq, Args)]
#[non_exhaustive]
pub struct Flags {
    /// The settings, as TOML: rooms, events, limits, rules and all that the flags below say
    #[arg(short, long, value_name = "FILE", env = "PARLOR_CONFIG")]
    pub config: Option<PathBuf>,

    /// Where to listen: an address or a name, and a port; a port alone is that of 127.0.0.1
    /// [default: 127.0.0.1:4000]
    #[arg(long, value_name = "ADDRESS:PORT", value_parser = listen, env = "PARLOR_LISTEN")]
    pub listen: Option<SocketAddr>,

    /// Whether there is a page to talk in at / [default: on]
    #[arg(long, value_name = "on|off", value_parser = ["on", "off"], env = "PARLOR_PAGE")]
    pub page: Option<String>,

    /// How many lanes bring messages to connections [default: 1, the engine does so itself]
    #[arg(long, value_name = "NUMBER", value_parser = number, env = "PARLOR_LANES")]
    pub lanes: Option<u64>,

    /// Record every event in FILE, for `parlor` to replay
    #[arg(long, value_name = "FILE", env = "PARLOR_JOURNAL")]
    pub journal: Option<PathBuf>,

    /// Keep in FILE, of SQLite, all that rooms with a history say: pages go on there, over restarts too
    #[arg(long, value_name = "FILE", env = "PARLOR_HISTORY")]
    pub history: Option<PathBuf>,

    /// The key by which clients come back as themselves after a restart: 64 hexadecimal digits
    #[arg(long, value_name = "FILE", env = "PARLOR_SESSION_KEY_FILE")]
    pub session_key_file: Option<PathBuf>,

    /// The key that operators and back ends show, for /api, /metrics and /inspect
    #[arg(long, value_name = "FILE", env = "PARLOR_OPERATORS_KEY_FILE")]
    pub operators_key_file: Option<PathBuf>,

    /// How those on the same machine may look at /metrics and /inspect without a key: by the link that is
    /// logged at the start, by being there, or not at all [default: link]
    #[arg(long, value_name = "link|on|off", value_parser = ["link", "on", "off"], env = "PARLOR_OPERATORS_SAME_MACHINE")]
    pub operators_same_machine: Option<String>,

    /// For how long a client that lost its connection keeps its place [default: 30000]
    #[arg(long, value_name = "MILLISECONDS", value_parser = number, env = "PARLOR_GRACE_MS")]
    pub grace_ms: Option<u64>,

    /// How many connections there may be [default: 16384]
    #[arg(long, value_name = "NUMBER", value_parser = number, env = "PARLOR_MAX_CONNECTIONS")]
    pub max_connections: Option<u64>,

    /// How many connections there may be from one address [default: 1024]
    #[arg(long, value_name = "NUMBER", value_parser = number, env = "PARLOR_MAX_CONNECTIONS_PER_IP")]
    pub max_connections_per_ip: Option<u64>,

    /// The secret by which tokens are signed with HS256
    #[arg(long, value_name = "FILE", env = "PARLOR_HS256_SECRET_FILE")]
    pub hs256_secret_file: Option<PathBuf>,

    /// The public key by which tokens are signed with RS256, as PEM
    #[arg(long, value_name = "FILE", env = "PARLOR_RS256_PUBLIC_KEY_FILE")]
    pub rs256_public_key_file: Option<PathBuf>,

    /// The public key by which tokens are signed with ES256, as PEM
    #[arg(long, value_name = "FILE", env = "PARLOR_ES256_PUBLIC_KEY_FILE")]
    pub es256_public_key_file: Option<PathBuf>,

    /// Of which a token has to name one as its audience; may be given several times
    #[arg(long, value_name = "TEXT")]
    pub audience: Vec<String>,

    /// Of which a token has to name one as its issuer; may be given several times
    #[arg(long, value_name = "TEXT")]
    pub issuer: Vec<String>,

    /// From which web pages to take connections [default: those of the same host]; may be given several times
    #[arg(long, value_name = "ORIGIN")]
    pub allow_origin: Vec<String>,
}

fn listen(text: &str) -> Result<SocketAddr, String> {
    place(text).map_err(|why| format!("this {why}"))
}

/// How large it may be is said when it is read beside the file.
fn number(text: &str) -> Result<u64, String> {
    text.parse().map_err(|_| format!("expected a whole number from 0 to {}", u64::MAX))
}

/// What flags say, as fields of the document that the file is.
#[derive(Debug, Default)]
pub(super) struct Overrides(Vec<Override>);

#[derive(Debug)]
struct Override {
    flag: &'static str,
    /// None for what stands at the top.
    table: Option<&'static str>,
    key: &'static str,
    value: Value,
}

impl Overrides {
    /// Files of flags are looked for from where the program was started, not from where the file of
    /// settings is.
    pub(super) fn of(flags: &Flags) -> Result<Self, Wrong> {
        let Flags {
            config: _,
            listen,
            page,
            lanes,
            journal,
            history,
            session_key_file,
            operators_key_file,
            operators_same_machine,
            grace_ms,
            max_connections,
            max_connections_per_ip,
            hs256_secret_file,
            rs256_public_key_file,
            es256_public_key_file,
            audience,
            issuer,
            allow_origin,
        } = flags;
        let number = |number: &Option<u64>| number.map(Value::from);
        let texts = |texts: &[String]| (!texts.is_empty()).then(|| Value::from(texts));
        let (server, auth) = (Some("server"), Some("auth"));
        let (connections, origins) = (Some("connections"), Some("origins"));
        let all = [
            ("--listen", server, "listen", listen.map(|listen| listen.to_string().into())),
            ("--page", server, "page", page.clone().map(Value::from)),
            ("--lanes", server, "lanes", number(lanes)),
            ("--journal", server, "journal", path("--journal", journal.as_ref())?),
            ("--history", Some("history"), "file", path("--history", history.as_ref())?),
            (
                "--session-key-file",
                server,
                "session_key_file",
                path("--session-key-file", session_key_file.as_ref())?,
            ),
            ("--grace-ms", None, "grace_ms", number(grace_ms)),
            ("--max-connections", connections, "max", number(max_connections)),
            ("--max-connections-per-ip", connections, "max_per_ip", number(max_connections_per_ip)),
            (
                "--hs256-secret-file",
                auth,
                "hs256_secret_file",
                path("--hs256-secret-file", hs256_secret_file.as_ref())?,
            ),
            (
                "--rs256-public-key-file",
                auth,
                "rs256_public_key_file",
                path("--rs256-public-key-file", rs256_public_key_file.as_ref())?,
            ),
            (
                "--es256-public-key-file",
                auth,
                "es256_public_key_file",
                path("--es256-public-key-file", es256_public_key_file.as_ref())?,
            ),
            ("--audience", auth, "audience", texts(audience)),
            ("--issuer", auth, "issuer", texts(issuer)),
            ("--allow-origin", origins, "allowed", texts(allow_origin)),
        ];
        let operators = operators(operators_key_file.as_ref(), operators_same_machine.as_deref())?;
        let said = all.into_iter().chain(operators).filter_map(|(flag, table, key, value)| {
            value.map(|value| Override { flag, table, key, value })
        });
        Ok(Self(said.collect()))
    }

    /// Puts them in the place of what the file says.
    pub(super) fn apply(&self, document: &mut Map<String, Value>) {
        for Override { flag: _, table, key, value } in &self.0 {
            let place = match table {
                None => Some(&mut *document),
                // What is no table is refused for that when it is read.
                Some(table) => {
                    document.entry(*table).or_insert_with(|| Map::new().into()).as_object_mut()
                }
            };
            let Some(place) = place else { continue };
            // What is in a file and what is in the text are two ways to say one thing.
            if let Some(inline) = key.strip_suffix("_file") {
                place.remove(inline);
            }
            place.insert((*key).to_owned(), value.clone());
        }
    }

    /// The flag that said what stands under a key, or in it.
    pub(super) fn flag_of(&self, key: &str) -> Option<&'static str> {
        let said = self.0.iter().find(|said| {
            let name = said
                .table
                .map_or_else(|| said.key.to_owned(), |table| format!("{table}.{}", said.key));
            key.strip_prefix(&name).is_some_and(|rest| rest.is_empty() || rest.starts_with('['))
        });
        said.map(|said| said.flag)
    }
}

/// A flag, where what it says stands in the document, and what it says.
type Said = (&'static str, Option<&'static str>, &'static str, Option<Value>);

fn operators(key: Option<&PathBuf>, same_machine: Option<&str>) -> Result<[Said; 2], Wrong> {
    let (table, key_file) = (Some("operators"), "--operators-key-file");
    let same_machine = same_machine.map(Value::from);
    Ok([
        (key_file, table, "key_file", path(key_file, key)?),
        ("--operators-same-machine", table, "same_machine", same_machine),
    ])
}

fn path(flag: &'static str, path: Option<&PathBuf>) -> Result<Option<Value>, Wrong> {
    let Some(path) = path else { return Ok(None) };
    let whole = std::path::absolute(path)
        .map_err(|error| Wrong::new(flag, format!("this is no path ({error}), expected one")))?;
    let text = whole.to_str().map(Value::from);
    let wrong =
        || Wrong::new(flag, format!("{} is no text, expected a path in UTF-8", path.display()));
    text.map(Some).ok_or_else(wrong)
}
