//! Who may look inside and act: with the key, or from the same machine.

use std::{fs, net::SocketAddr, path::PathBuf};

use parlor_server::{OperatorKey, Settings};
use serde_json::Value;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::timeout,
};

use crate::{PATIENCE, Running, settings, settings::flags, start};

pub const KEY: &str = "a-key-of-operators";

/// A server with a key.
pub async fn start_with_key() -> Running {
    start(Settings { operator_key: Some(OperatorKey::new(KEY).unwrap()), ..settings() }).await
}

/// The status and the rest of what is answered to a request with such headers.
pub async fn ask(at: SocketAddr, path: &str, headers: &[&str]) -> (u16, String) {
    let mut stream = TcpStream::connect(at).await.unwrap();
    let headers = headers.join("\r\n");
    let request = format!("GET {path} HTTP/1.1\r\nconnection: close\r\n{headers}\r\n\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    timeout(PATIENCE, stream.read_to_string(&mut answer)).await.unwrap().unwrap();
    let (status, rest) = answer.split_at(12);
    (status.strip_prefix("HTTP/1.1 ").unwrap().parse().unwrap(), rest.to_owned())
}

/// What a request is refused with, which is a problem in JSON.
async fn refusal(at: SocketAddr, path: &str, headers: &[&str]) -> (u16, Value, String) {
    let (status, rest) = ask(at, path, headers).await;
    let (head, body) = rest.split_once("\r\n\r\n").unwrap();
    assert!(head.contains("content-type: application/problem+json"), "{head}");
    let problem: Value = serde_json::from_str(body).unwrap();
    assert_eq!(problem["status"], status);
    (status, problem, head.to_owned())
}

const ACT: &str = "/api/nothing";
const LOOK: &str = "/api/openapi.json";

#[tokio::test]
async fn with_the_key_one_may_act_and_look() {
    let running = start_with_key().await;
    let key = format!("Authorization: Bearer {KEY}");
    let (status, problem, _) = refusal(running.at, ACT, &["host: a.example", &key]).await;
    assert_eq!((status, &problem["reason"]), (404, &"unknown_route".into()));
    assert_eq!(ask(running.at, LOOK, &["host: a.example", &key]).await.0, 200);
}

#[tokio::test]
async fn without_it_or_with_another_one_may_not_act() {
    let running = start_with_key().await;
    let host = "host: localhost";
    let (status, problem, head) = refusal(running.at, ACT, &[host]).await;
    assert_eq!((status, &problem["reason"]), (401, &"no_key".into()));
    assert_eq!(
        (&problem["title"], &problem["type"]),
        (&"Unauthorized".into(), &"about:blank".into())
    );
    assert!(head.contains("www-authenticate: Bearer realm=\"parlor\"\r\n"), "{head}");
    for wrong in ["Bearer another-key-of-operators", "Bearer", &format!("Basic {KEY}"), KEY] {
        let shown = format!("authorization: {wrong}");
        for path in [ACT, LOOK] {
            let (status, problem, head) = refusal(running.at, path, &[host, &shown]).await;
            assert_eq!((status, &problem["reason"]), (401, &"wrong_key".into()), "{wrong}");
            assert!(head.contains("error=\"invalid_token\""), "{head}");
            assert!(!problem.to_string().contains("another-key"), "{problem}");
        }
    }
}

#[tokio::test]
async fn from_the_same_machine_one_may_look_without_a_key() {
    for running in [start(settings()).await, start_with_key().await] {
        for host in ["localhost:4000", "127.0.0.1", "[::1]:1"] {
            assert_eq!(ask(running.at, LOOK, &[&format!("host: {host}")]).await.0, 200);
        }
        for headers in [
            &["host: chat.example"][..],
            &["host: localhost", "x-forwarded-for: 127.0.0.1"],
            &["host: localhost", "origin: http://evil.example"],
        ] {
            let (status, ..) = refusal(running.at, LOOK, headers).await;
            assert!(status == 401 || status == 403, "{headers:?}");
        }
    }
}

/// What may be looked at from the same machine.
const LOOKS: [&str; 6] =
    [LOOK, "/metrics", "/inspect/rooms", "/inspect/clients", "/inspect/engine", "/inspect/stream"];

#[tokio::test]
async fn where_that_is_off_those_on_the_same_machine_need_the_key_too() {
    let off = "[operators]\nsame_machine = 'off'";
    let running = start(Settings::from_toml(&format!("{off}\nkey = '{KEY}'")).unwrap()).await;
    let key = format!("authorization: Bearer {KEY}");
    for path in LOOKS {
        let (status, problem, _) = refusal(running.at, path, &["host: localhost"]).await;
        assert_eq!((status, &problem["reason"]), (401, &"no_key".into()), "{path}");
        let detail = problem["detail"].as_str().unwrap();
        assert!(detail.contains("`Authorization: Bearer KEY`"), "{path}: {detail}");
    }
    assert_eq!(ask(running.at, LOOK, &["host: localhost", &key]).await.0, 200);

    let by_flag = Settings::load(&flags(&["--operators-same-machine", "off"])).unwrap();
    for settings in [Settings::from_toml(off).unwrap(), by_flag] {
        let running = start(settings).await;
        for path in LOOKS {
            for headers in [&["host: localhost"][..], &["host: localhost", &key]] {
                let (status, problem, _) = refusal(running.at, path, headers).await;
                assert_eq!((status, &problem["reason"]), (403, &"no_operators_key".into()));
                let detail = problem["detail"].as_str().unwrap();
                assert!(detail.contains("`operators.same_machine` is not on"), "{path}: {detail}");
                assert!(detail.contains("`operators.key_file`"), "{path}: {detail}");
            }
        }
    }
}

#[tokio::test]
async fn a17_being_on_the_same_machine_opens_nothing_by_default() {
    let running = start(Settings { lanes: 1, ..Settings::default() }).await;
    let token = format!("authorization: Bearer {}", running.server.look_token().unwrap());
    for path in LOOKS {
        // As nginx passes it on by `proxy_pass http://127.0.0.1:4000;` alone.
        let (status, problem, _) = refusal(running.at, path, &["host: 127.0.0.1:4000"]).await;
        assert_eq!((status, &problem["reason"]), (401, &"no_key".into()), "{path}");
        let detail = problem["detail"].as_str().unwrap();
        assert!(detail.contains("the link in the server's log"), "{path}: {detail}");
        let wrong = "authorization: Bearer another-token-of-22-bytes";
        let (status, problem, _) = refusal(running.at, path, &["host: localhost", wrong]).await;
        assert_eq!((status, &problem["reason"]), (401, &"wrong_key".into()), "{path}");
    }
    for path in [LOOK, "/metrics", "/inspect/rooms"] {
        assert_eq!(ask(running.at, path, &["host: a.example", &token]).await.0, 200, "{path}");
    }
    let (status, problem, _) = refusal(running.at, ACT, &["host: localhost", &token]).await;
    assert_eq!((status, &problem["reason"]), (403, &"no_operators_key".into()), "it only looks");
    let other = start(Settings { lanes: 1, ..Settings::default() }).await;
    assert_ne!(running.server.look_token(), other.server.look_token());
    assert_eq!(start_with_key().await.server.look_token(), None, "the key is enough");
}

#[tokio::test]
async fn a17_same_machine_is_off_where_others_can_reach_the_server() {
    let on = "[operators]\nsame_machine = 'on'\n[server]\n";
    for server in ["listen = '0.0.0.0:4000'", "client_ip_header = 'x-forwarded-for'"] {
        let running = start(Settings::from_toml(&format!("{on}{server}")).unwrap()).await;
        for path in LOOKS {
            let (status, problem, _) = refusal(running.at, path, &["host: localhost"]).await;
            assert_eq!((status, &problem["reason"]), (403, &"no_operators_key".into()), "{path}");
        }
    }
}

#[tokio::test]
async fn what_is_answered_is_kept_by_nobody_in_between() {
    let running = start_with_key().await;
    let paths = [ACT, LOOK, "/metrics", "/inspect/rooms", "/inspect/clients", "/inspect/engine"];
    for path in paths {
        for host in ["host: localhost", "host: chat.example"] {
            let (status, answer) = ask(running.at, path, &[host]).await;
            assert!([200, 401].contains(&status), "{path}: {answer}");
            assert!(answer.contains("cache-control: no-store\r\n"), "{path}: {answer}");
            assert!(answer.contains("x-content-type-options: nosniff\r\n"), "{path}: {answer}");
        }
    }
}

#[tokio::test]
async fn where_there_is_no_key_nobody_may_act() {
    let running = start(settings()).await;
    let key = format!("authorization: Bearer {KEY}");
    for headers in [&["host: localhost"][..], &["host: localhost", &key]] {
        let (status, problem, _) = refusal(running.at, ACT, headers).await;
        assert_eq!((status, &problem["reason"]), (403, &"no_operators_key".into()));
        let detail = problem["detail"].as_str().unwrap();
        assert!(detail.contains("`operators.key_file`"), "{detail}");
    }
}

#[tokio::test]
async fn the_key_is_in_the_settings_or_a_file() {
    let file = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("operators.key");
    fs::write(&file, format!("{KEY}\n")).unwrap();
    let by_flag = flags(&["--operators-key-file", file.to_str().unwrap()]);
    for settings in [
        Settings::from_toml(&format!("[operators]\nkey = '{KEY}'")).unwrap(),
        Settings::from_toml(&format!("[operators]\nkey_file = '{}'", file.display())).unwrap(),
        Settings::load(&by_flag).unwrap(),
    ] {
        assert!(!format!("{settings:?}").contains(KEY));
        let running = start(Settings { lanes: 1, ..settings }).await;
        let key = format!("authorization: Bearer {KEY}");
        assert_eq!(refusal(running.at, ACT, &["host: a.example", &key]).await.0, 404);
    }
}
