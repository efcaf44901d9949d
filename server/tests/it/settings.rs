//! What flags and the file say, and what is said of a file that is wrong.

use std::{fs, path::PathBuf};

use clap::Parser;
use parlor::{ClientRooms, Limit, UnlistedTopics};
use parlor_server::{
    ConnectionLimits, Flags, HistorySettings, Origins, SameMachine, ServedPage, Settings,
};

const EXAMPLE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/parlor-server.example.toml");

#[derive(Parser)]
struct Program {
    #[command(flatten)]
    flags: Flags,
}

/// What the flags of a program say.
pub fn flags(said: &[&str]) -> Flags {
    Program::try_parse_from([&["parlor-server"], said].concat()).unwrap().flags
}

/// A directory of its own for the files of a test.
fn directory(name: &str, files: &[(&str, &str)]) -> PathBuf {
    let directory = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(name);
    fs::create_dir_all(&directory).unwrap();
    for (file, text) in files {
        fs::write(directory.join(file), text).unwrap();
    }
    directory
}

fn check(toml: &str, expected: &str) {
    let refused = Settings::from_toml(toml).map(|_| "nothing is wrong").unwrap_err();
    assert_eq!(refused.to_string(), expected, "{toml}");
}

#[test]
fn the_default_is_open_and_local() {
    let settings = Settings::default();
    assert_eq!(settings.listen.to_string(), "127.0.0.1:4000");
    assert!(settings.auth.is_open());
    assert_eq!(settings.origins, Origins::default());
    assert_eq!(settings.channel.grace_ms(), 30_000);
    assert_eq!(settings.channel.clients_open_rooms(), ClientRooms::Off);
    assert_eq!(settings.channel.unlisted_topics(), UnlistedTopics::Create);
    assert!(settings.lanes >= 1);
    assert_eq!((settings.journal, settings.session_key), (None, None));
    assert!(settings.operator_key.is_none());
    assert_eq!((settings.page, settings.same_machine), (ServedPage::On, SameMachine::Link));

    let empty = Settings::from_toml("").unwrap();
    assert_eq!(format!("{empty:?}"), format!("{:?}", Settings::default()));
}

#[test]
fn rooms_of_which_nothing_is_said_keep_what_the_page_shows() {
    let kept = |settings: Settings, topic: &str| {
        settings.channel.room_for(&topic.into()).unwrap().history_of(&"message".into())
    };
    let file = |toml| Settings::from_toml(toml).unwrap();
    assert_eq!(kept(Settings::default(), "lobby"), Some(Settings::HISTORY));
    assert_eq!(kept(Settings::load(&Flags::default()).unwrap(), "lobby"), Some(200));
    for silent in ["", "[server]\nlanes = 1", "[limits]\nclients = 9"] {
        assert_eq!(kept(file(silent), "lobby"), Some(200), "{silent}");
    }
    // What is said of rooms is all that holds for them, and for no others.
    let pattern = "[[rooms]]\npattern = 'a:*'\n";
    assert_eq!(kept(file(pattern), "a:1"), None);
    assert_eq!(kept(file(pattern), "lobby"), Some(200));
    for said in ["[default_room]", "[default_room]\npresence = 'off'"] {
        assert_eq!(kept(file(said), "lobby"), None, "{said}");
    }
    assert_eq!(kept(file("[default_room]\nevents = [{name = '*', history = 3}]"), "a"), Some(3));
}

#[test]
fn the_example_loads_and_its_defaults_are_the_defaults() {
    let settings = Settings::load(&flags(&["--config", EXAMPLE])).unwrap();
    let default = Settings::default();
    assert_eq!((settings.listen, settings.page), (default.listen, default.page));
    assert_eq!(settings.same_machine, default.same_machine);
    assert_eq!(settings.connections, default.connections);
    assert_eq!(settings.connections, ConnectionLimits::default());
    assert_eq!(settings.origins, default.origins);
    assert_eq!(settings.channel.grace_ms(), default.channel.grace_ms());
    assert_eq!(settings.channel.clients_open_rooms(), default.channel.clients_open_rooms());
    assert_eq!(settings.channel.reserved(), default.channel.reserved());
    assert_eq!(settings.channel.default_room(), default.channel.default_room());
    for limit in Limit::ALL {
        assert_eq!(settings.channel.limit(limit), default.channel.limit(limit), "{limit}");
    }

    assert_eq!(settings.lanes, 1);
    assert_eq!(settings.channel.unlisted_topics(), UnlistedTopics::Refuse);
    assert!(!settings.auth.is_open());
    let chat = settings.channel.room_for(&"chat:1".into()).unwrap();
    assert_eq!((chat.max_members, chat.dedupe), (Some(50), 100));
    assert_eq!(chat.history_of(&"message".into()), Some(100));
    assert!(chat.allows(&"typing".into()) && !chat.allows(&"shout".into()));
    assert!(settings.channel.is_declared(&"lobby".into()));
}

/// What is commented out in the example is a key too.
#[test]
fn what_the_example_has_in_comments_is_known() {
    let mut text = fs::read_to_string(EXAMPLE).unwrap();
    for limit in Limit::ALL {
        assert!(text.contains(limit.label()), "the example does not name {limit}");
    }
    for key in [
        "client_ip_header",
        "journal",
        "file",
        "max_age_s",
        "max_messages",
        "reach",
        "sync",
        "max_waiting_bytes",
        "session_key_file",
        "rs256_public_key_file",
        "es256_public_key_file",
        "audience",
        "issuer",
    ] {
        let hidden = format!("# {key} = ");
        assert_eq!(text.matches(&hidden).count(), 1, "{key}");
        text = text.replace(&hidden, &hidden[2..]);
    }
    let files = [
        ("parlor.toml", text.as_str()),
        ("session.key", &"5a".repeat(32)),
        ("rs256.public.pem", include_str!("keys/rs256.public.pem")),
        ("es256.public.pem", include_str!("keys/es256.public.pem")),
    ];
    let directory = directory("example_uncommented", &files);
    let file = directory.join("parlor.toml");
    let settings = Settings::load(&flags(&["--config", file.to_str().unwrap()])).unwrap();
    assert_eq!(settings.session_key, Some([0x5a; 32]));
    assert_eq!(settings.journal, Some(directory.join("journal")));
    let history = settings.history.unwrap();
    assert_eq!((history.max_age_s, history.max_messages), (Some(2_592_000), Some(100_000)));
    let by_default = HistorySettings::new(directory.join("history.sqlite"));
    let HistorySettings { file, reach, sync, max_waiting_bytes, .. } = history;
    assert_eq!(
        HistorySettings { file, reach, sync, max_waiting_bytes, ..by_default.clone() },
        by_default
    );
    assert_eq!(settings.client_ip_header.unwrap(), "x-forwarded-for");
    assert_eq!(format!("{:?}", settings.auth), "Tokens by HS256 or RS256 or ES256");
}

#[test]
fn flags_hold_in_place_of_the_file() {
    let directory = directory(
        "flags",
        &[
            (
                "parlor.toml",
                "grace_ms = 1\n[server]\nlisten = '0.0.0.0:1'\nlanes = 3\n[auth]\nhs256_secret = 'too short'\n[history]\nfile = 'elsewhere'\nmax_messages = 9\n[origins]\nallowed = '*'\n",
            ),
            ("secret", "a secret of a file, with a line break at its end\n"),
            ("key", &"0f".repeat(32)),
        ],
    );
    let file = |name: &str| directory.join(name).to_str().unwrap().to_owned();
    let said = [
        "--config",
        &file("parlor.toml"),
        "--listen",
        "[::1]:2",
        "--page",
        "off",
        "--lanes",
        "4",
        "--grace-ms",
        "5",
        "--journal",
        &file("journal"),
        "--history",
        &file("history"),
        "--session-key-file",
        &file("key"),
        "--max-connections",
        "6",
        "--max-connections-per-ip",
        "7",
        "--hs256-secret-file",
        &file("secret"),
        "--audience",
        "a",
        "--audience",
        "b",
        "--issuer",
        "c",
        "--allow-origin",
        "https://a.example",
    ];
    let settings = Settings::load(&flags(&said)).unwrap();
    assert_eq!(settings.listen.to_string(), "[::1]:2");
    assert_eq!(settings.page, ServedPage::Off);
    assert_eq!((settings.lanes, settings.channel.grace_ms()), (4, 5));
    assert_eq!((settings.connections.max, settings.connections.max_per_ip), (6, 7));
    assert_eq!(settings.journal, Some(directory.join("journal")));
    let history = HistorySettings::new(directory.join("history"));
    assert_eq!(settings.history, Some(HistorySettings { max_messages: Some(9), ..history }));
    assert_eq!(settings.session_key, Some([0x0f; 32]));
    assert!(!settings.auth.is_open());
    assert_eq!(settings.origins, Origins::new(["https://a.example".parse().unwrap()]));

    // The line break is no part of the secret.
    let claims = serde_json::json!({"sub": "ann", "exp": 10, "aud": "b", "iss": "c"});
    let secret = b"a secret of a file, with a line break at its end";
    let key = jsonwebtoken::EncodingKey::from_secret(secret);
    let token = jsonwebtoken::encode(&jsonwebtoken::Header::default(), &claims, &key).unwrap();
    let identity = settings.auth.authenticate(Some(&token), None, 9).unwrap();
    assert_eq!(identity.expires_at, Some(40), "the leeway is half a minute by default");
}

#[test]
fn what_is_wrong_in_a_flag_names_the_flag() {
    let missing = directory("wrong_flags", &[("short", "short")]).join("missing");
    let short = missing.with_file_name("short");
    let error = fs::read(&missing).unwrap_err();
    let (missing, short) = (missing.to_str().unwrap(), short.to_str().unwrap());
    for (said, expected) in [
        (["--lanes", "0"], "--lanes: expected a whole number from 1 to 1024, got 0".into()),
        (["--max-connections", "0"], "--max-connections: expected a whole number from 1 to 10000000, got 0".into()),
        (["--allow-origin", "a"], "--allow-origin: \"a\" is no origin, expected one such as \"https://app.example\", \"https://*.example\", \"same_host\", \"null\" or \"*\"".into()),
        (["--audience", "a"], "--audience: there is no key, expected one to verify tokens by".into()),
        (["--hs256-secret-file", short], "--hs256-secret-file: it has 5 bytes, expected 32 at least".into()),
        (["--hs256-secret-file", missing], format!("--hs256-secret-file: {missing} can't be read ({error}), expected a file of text")),
        (["--session-key-file", short], "--session-key-file: expected 64 hexadecimal digits, which are 32 random bytes".into()),
        (["--operators-key-file", short], "--operators-key-file: it has 5 bytes, expected 16 to 4096".into()),
        (["--config", missing], format!("{missing}: this file can't be read ({error}), expected settings as TOML")),
    ] {
        let refused = Settings::load(&flags(&said)).map(|_| "nothing is wrong").unwrap_err();
        assert_eq!(refused.to_string(), expected);
    }
    assert!(Program::try_parse_from(["parlor-server", "--listen", "nowhere"]).is_err());
}

#[test]
fn what_is_wrong_in_a_file_names_file_line_and_key() {
    let directory = directory("wrong_file", &[("parlor.toml", "[server]\n\nlanes = 0\n")]);
    let file = directory.join("parlor.toml");
    let file = file.to_str().unwrap();
    let refused = Settings::load(&flags(&["-c", file])).map(|_| "nothing is wrong").unwrap_err();
    let expected = "server.lanes: expected a whole number from 1 to 1024, got 0";
    assert_eq!(refused.to_string(), format!("{file}, line 3: {expected}"));
    assert_eq!((refused.line, refused.key.as_str()), (Some(3), "server.lanes"));
}

#[test]
fn an_unknown_key_is_named_with_those_that_are_known() {
    check(
        "[serve]",
        "line 1: serve: unknown key, expected one of `limits`, `reserved`, `grace_ms`, `clients_open_rooms`, `room_rate_limit`, `unlisted_topics`, `default_room`, `rooms`, `connections`, `auth`, `origins`, `history`, `rules`, `server`, `operators`",
    );
    check(
        "[server]\nport = 1",
        "line 2: server.port: unknown key, expected one of `listen`, `page`, `lanes`, `client_ip_header`, `journal`, `session_key`, `session_key_file`",
    );
    check("[origins]\nallow = []", "line 2: origins.allow: unknown key, expected one of `allowed`");
    for (toml, key) in [
        ("[connections]\nmaximum = 1", "connections.maximum: unknown key"),
        ("[auth]\nsecret = 1", "auth.secret: unknown key"),
        (
            "[[rules]]\npattern = '*'\naction = 'join'\nallow = 'nobody'\nwhen = 'never'",
            "rules[0].when: unknown key",
        ),
        (
            "[[rooms]]\npattern = 'a'\n[[rooms]]\npattern = 'b'\nmax_member = 1",
            "rooms[1].max_member: unknown field `max_member`, expected one of",
        ),
        (
            "[[rooms]]\npattern = 'a'\nevents = [{name = 'a', schem = true}]",
            "rooms[0].events[0].schem: unknown field `schem`, expected one of",
        ),
        ("[limits]\nclient = 1", "limits.client: unknown limit `client`, expected one of"),
        ("first_epoch = 1", "first_epoch: unknown key"),
        ("incarnation = 1", "incarnation: unknown key"),
    ] {
        let refused = Settings::from_toml(toml).map(|_| "nothing is wrong").unwrap_err();
        let text = refused.to_string();
        let (_, said) = text.split_once(": ").unwrap();
        assert!(said.starts_with(key), "{text}");
    }
}

#[test]
fn the_part_of_the_channel_is_checked_by_the_core() {
    for (toml, expected) in [
        (
            "[limits]\nclients = 0",
            "line 2: limits.clients: limit clients is 0, expected 1 to 2147483647",
        ),
        ("[[rooms]]\nname = 'x'", "line 1: rooms[0]: missing field `pattern`"),
        (
            "[[rooms]]\npattern = 'a*b'",
            "line 2: rooms[0].pattern: pattern \"a*b\" has \"*\" before its end, expected it there alone",
        ),
        (
            "[[rooms]]\npattern = 'a'\n[[rooms]]\npattern = 'a'",
            "line 4: rooms[1].pattern: pattern \"a\" is there already, expected each once",
        ),
        (
            "[[rooms]]\npattern = 'a'\nmax_members = -1",
            "line 3: rooms[0].max_members: invalid value: integer `-1`, expected a whole number from 0 to 4294967295",
        ),
        (
            "[[rooms]]\npattern = 'a'\npresence = 'maybe'",
            "line 3: rooms[0].presence: unknown name `maybe`, expected `on` or `off`",
        ),
        (
            "grace_ms = 'long'",
            "line 1: grace_ms: invalid type: string \"long\", expected a whole number from 0 to 18446744073709551615",
        ),
        (
            "grace_ms = 1979-05-27",
            "line 1: grace_ms: expected no time, as JSON has none; quotes make it text",
        ),
        ("rooms = 1", "line 1: rooms: invalid type: integer `1`, expected a list"),
    ] {
        check(toml, expected);
    }
}

#[test]
fn each_key_of_the_server_says_what_it_expects() {
    let text_or_list = "expected text or a list of texts, got";
    for (toml, expected) in [
        ("server = 1", "line 1: server: expected a table, got a number".to_owned()),
        ("[server]\nlisten = 4000", "line 2: server.listen: expected text, got a number".into()),
        ("[server]\nlisten = 'localhost'", "line 2: server.listen: \"localhost\" is not a place to listen, expected an address and a port, such as 127.0.0.1:4000, [::]:4000, localhost:4000, or a port of this machine alone, such as 4000".into()),
        ("[server]\npage = 'of'", "line 2: server.page: expected \"on\" or \"off\", got \"of\"".into()),
        ("[server]\npage = false", "line 2: server.page: expected text, got a boolean".into()),
        ("[server]\nlanes = 1025", "line 2: server.lanes: expected a whole number from 1 to 1024, got 1025".into()),
        ("[server]\nclient_ip_header = 'x y'", "line 2: server.client_ip_header: expected the name of a header, such as x-forwarded-for".into()),
        ("[server]\njournal = ''", "line 2: server.journal: expected the path of a file, got nothing".into()),
        ("[server]\nsession_key = '0f'", "line 2: server.session_key: expected 64 hexadecimal digits, which are 32 random bytes".into()),
        ("[server]\nsession_key = 'a'\nsession_key_file = 'b'", "line 3: server.session_key_file: expected it or `session_key`, got both".into()),
        ("[connections]\nmax = 0", "line 2: connections.max: expected a whole number from 1 to 10000000, got 0".into()),
        ("[connections]\nqueue_bytes = 1023", "line 2: connections.queue_bytes: expected a whole number from 1024 to 1073741824, got 1023".into()),
        ("[connections]\nidle_ms = 1.5", "line 2: connections.idle_ms: expected a whole number from 1 to 86400000, got 1.5".into()),
        ("[connections]\nevents_per_window = true", "line 2: connections.events_per_window: expected a whole number from 1 to 4294967295, got a boolean".into()),
        ("[auth]\nhs256_secret = 'short'", "line 2: auth.hs256_secret: it has 5 bytes, expected 32 at least".into()),
        ("[auth]\nrs256_public_key = 'x'", "line 2: auth.rs256_public_key: this is no such key, expected an RSA public key as PEM".into()),
        ("[auth]\naudience = 'a'", "line 2: auth.audience: there is no key, expected one to verify tokens by".into()),
        ("[auth]\nissuer = 1", format!("line 2: auth.issuer: {text_or_list} a number")),
        ("[auth]\nissuer = ['a', 1]", "line 2: auth.issuer[1]: expected text, got a number".into()),
        ("[auth]\nleeway_s = 601", "line 2: auth.leeway_s: expected a whole number from 0 to 600, got 601".into()),
        ("[auth]\nhs256_secret = 5", "line 2: auth.hs256_secret: expected text, got a number".into()),
        ("[operators]\nkey = 'short'", "line 2: operators.key: it has 5 bytes, expected 16 to 4096".into()),
        ("[operators]\nkey = 1", "line 2: operators.key: expected text, got a number".into()),
        ("[operators]\nsame_machine = false", "line 2: operators.same_machine: expected text, got a boolean".into()),
        ("[operators]\nsame_machine = 'no'", "line 2: operators.same_machine: expected \"link\", \"on\" or \"off\", got \"no\"".into()),
        ("[operators]\nkey = 'a'\nkey_file = 'b'", "line 3: operators.key_file: expected it or `key`, got both".into()),
        ("[history]\nfile = ''", "line 2: history.file: expected the path of a file, got nothing".into()),
        ("[history]\nmax_messages = 9", "line 1: history.file: expected the path of a file, as there are other keys".into()),
        ("[history]\nfile = 'f'\nmax_messages = 0", "line 3: history.max_messages: expected a whole number from 1 to 4294967295, got 0".into()),
        ("[history]\nfile = 'f'\nmax_age_s = 'a month'", "line 3: history.max_age_s: expected a whole number from 1 to 100000000000, got text".into()),
        ("[history]\nfile = 'f'\nreach = 'far'", "line 3: history.reach: expected \"topic\" or \"room\", got \"far\"".into()),
        ("[history]\nfile = 'f'\nsync = 'never'", "line 3: history.sync: expected \"normal\" or \"full\", got \"never\"".into()),
        ("[history]\nfile = 'f'\nmax_waiting_bytes = 1", "line 3: history.max_waiting_bytes: expected a whole number from 1048576 to 1099511627776, got 1".into()),
        ("[history]\nfile = 'f'\nmax_age = 1", "line 3: history.max_age: unknown key, expected one of `file`, `reach`, `sync`, `max_age_s`, `max_messages`, `max_waiting_bytes`".into()),
        ("[origins]\nallowed = {}", format!("line 2: origins.allowed: {text_or_list} a table")),
        ("[origins]\nallowed = [\n'*',\n'x']", "line 4: origins.allowed[1]: \"x\" is no origin, expected one such as \"https://app.example\", \"https://*.example\", \"same_host\", \"null\" or \"*\"".into()),
    ] {
        check(toml, &expected);
    }
}

#[test]
fn a_secret_is_not_in_what_is_said_or_shown() {
    let secret = "what nobody else should ever get to see";
    let settings = Settings::from_toml(&format!("[auth]\nhs256_secret = '{secret}'")).unwrap();
    assert!(!format!("{settings:?}").contains("nobody else"));
    let settings = Settings::from_toml(&format!("[server]\nsession_key = '{}'", "42".repeat(32)));
    let shown = format!("{:?}", settings.unwrap());
    assert!(!shown.contains("66, 66") && !shown.contains("4242"), "{shown}");
    let key = secret.replace(' ', "-");
    let settings = Settings::from_toml(&format!("[operators]\nkey = '{key}'")).unwrap();
    assert!(!format!("{settings:?}").contains("nobody-else"));
    let refused = Settings::from_toml(&format!("[operators]\nkey = '{secret}'"));
    assert!(!refused.map(|_| ()).unwrap_err().to_string().contains("nobody else"));
    let refused = Settings::from_toml(&format!("[auth]\nhs256_secret = ['{secret}']"));
    assert!(!refused.map(|_| ()).unwrap_err().to_string().contains("nobody else"));
}

#[test]
fn messages_have_room_for_the_largest_payload() {
    for (toml, bytes) in [
        ("", 131_072),
        ("[limits]\npayload_bytes = 1000000", 1_008_192),
        ("[limits]\npayload_bytes = 1000000\n[connections]\nmax_message_bytes = 2048", 2_048),
    ] {
        assert_eq!(Settings::from_toml(toml).unwrap().connections.max_message_bytes, bytes);
    }
}
