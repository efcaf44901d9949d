//! The tables of a document, one after the other, and what they come to together.

use std::{
    fs::File,
    io::{self, Read},
    path::{Path, PathBuf},
    sync::Arc,
};

use axum::http::HeaderName;
use parlor::{Config, Limit};
use serde_json::{Map, Value, json};
use tracing::warn;

use super::{
    Settings, conflicts, connections::ConnectionLimits, doubts, error::Wrong, history,
    place::place, rooms::RoomSchemas, rules, table::Table,
};
use crate::{
    auth::{AuthSettings, Authenticator},
    operators::{OperatorKey, SameMachine},
    origins::Origins,
    page::ServedPage,
    rules::guard,
    schema::Schemas,
};

/// What the core reads of the document, by its own names.
const CHANNEL_KEYS: [&str; 8] = [
    "limits",
    "reserved",
    "grace_ms",
    "clients_open_rooms",
    "room_rate_limit",
    "unlisted_topics",
    "default_room",
    "rooms",
];

/// How much clocks may differ unless the settings say otherwise.
const LEEWAY_S: u64 = 30;

/// The most lanes: past the number of cores, more do not help.
const MAX_LANES: u64 = 1_024;

/// Reads a document that has become JSON.
#[derive(Debug)]
pub(super) struct Reader<'a> {
    document: Table,
    /// From where files are looked for.
    directory: &'a Path,
}

impl<'a> Reader<'a> {
    pub(super) const fn new(document: Map<String, Value>, directory: &'a Path) -> Self {
        Self { document: Table::new(String::new(), document), directory }
    }

    pub(super) fn settings(mut self) -> Result<Settings, Wrong> {
        let (channel, schemas) = self.channel()?;
        let name_bytes = channel.limit(Limit::NameBytes);
        let payload_bytes = channel.limit(Limit::PayloadBytes).max(channel.limit(Limit::MetaBytes));

        let connections = self.document.table("connections")?;
        let connections = ConnectionLimits::read(connections, payload_bytes)?;
        let auth = self.auth(name_bytes)?;
        let origins = self.origins()?;
        let history = history::read(self.document.table("history")?, self.directory)?;
        let rules = rules::read(self.document.tables("rules")?, &auth, name_bytes)?;
        let guard = guard(&rules);

        let settings = Settings {
            channel,
            guard: Arc::new(move || guard.clone()),
            schemas: Schemas::new(schemas.0),
            rules,
            auth,
            origins,
            connections,
            history,
            ..Settings::default()
        };
        let settings = self.server(settings)?;
        let settings = self.operators(settings)?;
        self.document.finish()?;
        conflicts::check(&settings)?;
        for doubt in doubts::about(&settings) {
            warn!("{doubt}");
        }
        Ok(settings)
    }

    /// The part of the channel, which the core reads once schemas are taken out of it.
    fn channel(&mut self) -> Result<(Config, RoomSchemas), Wrong> {
        let mut part = Map::new();
        for key in CHANNEL_KEYS {
            if let Some(value) = self.document.take(key) {
                part.insert(key.to_owned(), value);
            }
        }
        let schemas = RoomSchemas::take(&mut part, self.directory)?;
        for doubt in doubts::about_rooms(&part) {
            warn!("{doubt}");
        }
        part.entry("grace_ms").or_insert_with(|| Settings::GRACE_MS.into());
        part.entry("default_room").or_insert_with(
            || json!({"events": [{"name": "message", "history": Settings::HISTORY}]}),
        );
        let json = Value::Object(part).to_string();
        let config =
            Config::from_json(&json).map_err(|wrong| Wrong::new(wrong.path, wrong.message))?;
        Ok((config, schemas))
    }

    fn server(&mut self, mut settings: Settings) -> Result<Settings, Wrong> {
        let mut table = self.document.table("server")?;
        if let Some(listen) = table.text("listen")? {
            let wrong = |why| table.wrong("listen", format!("{listen:?} {why}"));
            settings.listen = place(&listen).map_err(wrong)?;
        }
        settings.page =
            table.switch("page", ServedPage::On, ServedPage::Off)?.unwrap_or(settings.page);
        if let Some(lanes) = table.number("lanes", 1..=MAX_LANES)? {
            settings.lanes = usize::try_from(lanes).unwrap_or(settings.lanes);
        }
        if let Some(header) = table.text("client_ip_header")? {
            let wrong = |_| {
                let expected = "expected the name of a header, such as x-forwarded-for";
                table.wrong("client_ip_header", expected)
            };
            settings.client_ip_header = Some(header.parse::<HeaderName>().map_err(wrong)?);
        }
        settings.journal = table.file("journal")?.map(|path| self.directory.join(path));
        if let Some(Said { key, text }) =
            self.secret(&mut table, "session_key", "session_key_file")?
        {
            let digits = key_of_digits(&text);
            let wrong =
                || table.wrong(key, "expected 64 hexadecimal digits, which are 32 random bytes");
            settings.session_key = Some(digits.ok_or_else(wrong)?);
        }
        table.finish()?;
        Ok(settings)
    }

    fn auth(&mut self, name_bytes: u64) -> Result<Authenticator, Wrong> {
        let mut table = self.document.table("auth")?;
        let secret = self.secret(&mut table, "hs256_secret", "hs256_secret_file")?;
        let rs256 = self.secret(&mut table, "rs256_public_key", "rs256_public_key_file")?;
        let es256 = self.secret(&mut table, "es256_public_key", "es256_public_key_file")?;
        let bytes = |said: &Option<Said>| said.as_ref().map(|said| said.text.clone().into_bytes());
        let settings = AuthSettings {
            hs256_secret: bytes(&secret),
            rs256_public_key: bytes(&rs256),
            es256_public_key: bytes(&es256),
            audience: table.texts("audience")?.unwrap_or_default(),
            issuer: table.texts("issuer")?.unwrap_or_default(),
            leeway_s: table.number("leeway_s", 0..=600)?.unwrap_or(LEEWAY_S),
        };

        let auth = Authenticator::new(&settings).map_err(|wrong| {
            // The key under which it was said, which may be that of a file.
            let all = [&secret, &rs256, &es256].into_iter().flatten();
            let key =
                all.map(|said| said.key).find(|key| key.trim_end_matches("_file") == wrong.key);
            table.wrong(key.unwrap_or(wrong.key), wrong.message)
        })?;
        table.finish()?;
        Ok(auth.with_max_name_bytes(name_bytes))
    }

    fn operators(&mut self, mut settings: Settings) -> Result<Settings, Wrong> {
        let mut table = self.document.table("operators")?;
        let said = self.secret(&mut table, "key", "key_file")?;
        let key = said.map(|Said { key, text }| {
            OperatorKey::new(&text).map_err(|error| table.wrong(key, error.to_string()))
        });
        settings.operator_key = key.transpose()?;
        settings.same_machine = match table.text("same_machine")?.as_deref() {
            None => settings.same_machine,
            Some("link") => SameMachine::Link,
            Some("on") => SameMachine::On,
            Some("off") => SameMachine::Off,
            Some(other) => {
                let wrong = format!("expected \"link\", \"on\" or \"off\", got {other:?}");
                return Err(table.wrong("same_machine", wrong));
            }
        };
        table.finish()?;
        Ok(settings)
    }

    fn origins(&mut self) -> Result<Origins, Wrong> {
        let mut table = self.document.table("origins")?;
        let origins = match table.texts("allowed")? {
            None => Origins::default(),
            Some(allowed) => {
                let allowed = allowed.iter().enumerate().map(|(at, text)| {
                    let key = format!("allowed[{at}]");
                    text.parse().map_err(|error| {
                        Wrong::new(format!("{}.{key}", table.path()), format!("{error}"))
                    })
                });
                Origins::new(allowed.collect::<Result<Vec<_>, _>>()?)
            }
        };
        table.finish()?;
        Ok(origins)
    }

    /// What stands in the text or in a file, but not in both.
    fn secret(
        &self,
        table: &mut Table,
        inline: &'static str,
        in_file: &'static str,
    ) -> Result<Option<Said>, Wrong> {
        let text = table.text(inline)?;
        let example = EXAMPLES.iter().find(|(_, example)| text.as_deref() == Some(example));
        if let Some((key, _)) = example {
            warn!("{key} is that of the example, which everybody knows: replace it");
        }
        let Some(file) = table.file(in_file)? else {
            return Ok(text.map(|text| Said { key: inline, text }));
        };
        if text.is_some() {
            return Err(table.wrong(in_file, format!("expected it or `{inline}`, got both")));
        }
        let text =
            read_text(self.directory, file).map_err(|message| table.wrong(in_file, message))?;
        let text = text.trim_end_matches(['\r', '\n']).to_owned();
        Ok(Some(Said { key: in_file, text }))
    }
}

/// Secrets that are none, by their keys: they stand in `parlor-server.example.toml`.
const EXAMPLES: [(&str, &str); 2] = [
    ("auth.hs256_secret", "an example, which everybody knows: replace it"),
    ("operators.key", "an-example-which-everybody-knows"),
];

/// A text, and the key under which it was said.
struct Said {
    key: &'static str,
    text: String,
}

/// Reads a file that the settings name, or says why not.
pub(super) fn read_text(directory: &Path, file: PathBuf) -> Result<String, String> {
    let path = directory.join(file);
    read_bounded(&path).map_err(|error| {
        format!("{} can't be read ({error}), expected a file of text", path.display())
    })
}

/// The most bytes of a file that is read at the start.
const MAX_FILE_BYTES: u64 = 16 << 20;

/// Reads a text whose end comes within [`MAX_FILE_BYTES`], which that of a device may never do.
pub(super) fn read_bounded(path: &Path) -> io::Result<String> {
    let mut text = String::new();
    let read = File::open(path)?.take(MAX_FILE_BYTES + 1).read_to_string(&mut text)?;
    if read as u64 > MAX_FILE_BYTES {
        let long = format!("it is longer than {MAX_FILE_BYTES} bytes");
        return Err(io::Error::new(io::ErrorKind::FileTooLarge, long));
    }
    Ok(text)
}

fn key_of_digits(text: &str) -> Option<[u8; 32]> {
    if text.len() != 64 || !text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return None;
    }
    let mut key = [0; 32];
    for (byte, digits) in key.iter_mut().zip(text.as_bytes().chunks(2)) {
        *byte = u8::from_str_radix(str::from_utf8(digits).ok()?, 16).ok()?;
    }
    Some(key)
}
