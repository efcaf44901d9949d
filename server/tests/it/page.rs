//! The page at `/` as a client of HTTP sees it. What it does is in `tests/browser`.

use parlor_server::{AuthSettings, Authenticator, ServedPage, Settings};
use serde_json::{Value, json};

use crate::{get, settings, start};

fn body(answer: &str) -> Value {
    serde_json::from_str(answer.split("\r\n\r\n").nth(1).unwrap()).unwrap()
}

#[tokio::test]
async fn all_that_the_page_names_is_there_and_may_do_no_more_than_it_has_to() {
    let running = start(settings()).await;
    let page = get(running.at, "/").await;
    let named = page.split('"').filter(|text| text.starts_with("/assets/"));
    let mut paths = named.map(str::to_owned).collect::<Vec<_>>();
    assert!(paths.len() >= 2, "{page}");
    let mut at = 0;
    while at < paths.len() {
        let answer = get(running.at, &paths[at]).await;
        assert!(answer.starts_with("HTTP/1.1 200"), "{}: {answer}", paths[at]);
        assert!(answer.contains("content-security-policy: default-src 'none';"), "{answer}");
        assert!(answer.contains("x-content-type-options: nosniff"), "{answer}");
        // Modules name others.
        let imports = answer.split("from \"./").skip(1).filter_map(|rest| rest.split('"').next());
        for import in imports.map(|name| format!("/assets/{name}")).collect::<Vec<_>>() {
            if !paths.contains(&import) {
                paths.push(import);
            }
        }
        at += 1;
    }
    assert!(page.contains("frame-ancestors 'none'"), "{page}");
    running.shutdown().await;
}

#[tokio::test]
async fn where_there_is_to_be_no_page_there_is_none() {
    let running = start(Settings { page: ServedPage::Off, ..settings() }).await;
    for path in ["/", "/rooms.json", "/assets/page.js", "/assets/icon.svg"] {
        let answer = get(running.at, path).await;
        assert!(answer.starts_with("HTTP/1.1 404"), "{path}: {answer}");
    }
    // What operators look at is there, and so is what clients need.
    for path in ["/inspect", "/assets/inspect.js", "/healthz"] {
        let answer = get(running.at, path).await;
        assert!(answer.starts_with("HTTP/1.1 200"), "{path}: {answer}");
    }
    let mut ann = running.client("ann").await;
    ann.join("room:1", json!({})).await;
    running.shutdown().await;
}

#[tokio::test]
async fn rooms_are_listed_with_their_sizes() {
    let running = start(settings()).await;
    let mut ann = running.client("ann").await;
    ann.join("room:1", json!({})).await;
    let listed = body(&get(running.at, "/rooms.json").await);
    let room = json!({"topic": "room:1", "size": 1, "full": false});
    assert_eq!(listed, json!({"user": null, "rooms": [room], "more": 0}));
    let refused = get(running.at, "/rooms.json?user_id=system").await;
    assert!(refused.starts_with("HTTP/1.1 403"), "{refused}");
    assert!(body(&refused)["detail"].as_str().unwrap().contains("system"), "{refused}");
    running.shutdown().await;
}

#[tokio::test]
async fn strangers_are_told_no_rooms() {
    let secret = b"thirty-two bytes of a test secret".to_vec();
    let keys = AuthSettings { hs256_secret: Some(secret), ..AuthSettings::default() };
    let auth = Authenticator::new(&keys).unwrap();
    let running = start(Settings { auth, ..settings() }).await;
    let refused = get(running.at, "/rooms.json?user_id=ann").await;
    assert!(refused.starts_with("HTTP/1.1 401"), "{refused}");
    assert!(refused.contains("www-authenticate: Bearer"), "{refused}");
    assert_eq!(body(&refused)["detail"], "a token is needed");
    assert!(get(running.at, "/").await.starts_with("HTTP/1.1 200"));
    running.shutdown().await;
}

#[tokio::test]
async fn who_asks_for_it_is_told_who_has_sent_a_message() {
    let running = start(settings()).await;
    let mut ann = running.connect("user_id=ann&senders=on").await.unwrap();
    let mut bob = running.client("bob").await;
    ann.join("room:1", json!({})).await;
    bob.join("room:1", json!({})).await;
    bob.send("room:1", "say", json!({"from": "ann"})).await;
    let heard = ann.until("say").await;
    assert_eq!(heard[5]["from"], "bob");
    assert!(heard[5]["timestamp_ms"].is_u64() && heard[5]["offset"] == 1, "{heard}");
    let plain = bob.until("say").await;
    assert_eq!(plain[5].as_object().unwrap().len(), 2, "{plain}");
    running.shutdown().await;
}

/// What the files of pages must not have: ways in which text becomes markup or code, and what is
/// loaded from elsewhere.
fn unfit(name: &str, text: &str) -> Vec<String> {
    const NEVER: [&str; 12] = [
        "innerHTML",
        "outerHTML",
        "insertAdjacentHTML",
        "createContextualFragment",
        "document.write",
        "DOMParser",
        "eval(",
        "Function(",
        "style=\"",
        "onclick=",
        "http://",
        "https://",
    ];
    let text = text.replace("http://www.w3.org/2000/svg", "");
    let found = NEVER.into_iter().filter(|never| text.contains(never));
    found.map(|never| format!("{name} has {never}")).collect()
}

#[test]
fn no_text_becomes_markup_and_nothing_is_loaded_from_elsewhere() {
    let mut broken = Vec::new();
    let mut files = 0;
    for entry in std::fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/assets")).unwrap() {
        let path = entry.unwrap().path();
        // A document for programs, which is no part of a page.
        if path.extension().is_some_and(|extension| extension == "json") {
            continue;
        }
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        broken.extend(unfit(&name, &std::fs::read_to_string(&path).unwrap()));
        files += 1;
    }
    assert!(files > 10, "{files} files: assets are missing");
    assert!(broken.is_empty(), "{}", broken.join("\n"));
    assert_eq!(unfit("a", "a.innerHTML = b"), ["a has innerHTML"]);
}
