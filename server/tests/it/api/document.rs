//! The document: whether it is true.

use std::collections::BTreeSet;

use parlor::{Config, Limit};
use parlor_server::Settings;
use serde_json::{Value, json};

use super::{Answer, serve, usual};
use crate::settings;

const TEXT: &str = include_str!("../../../assets/openapi.json");
const ROUTES: &str = include_str!("../../../src/api.rs");
const METHODS: [&str; 7] = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"];

fn document() -> Value {
    serde_json::from_str(TEXT).unwrap()
}

/// Fails if an answer is not one that the document has.
#[track_caller]
pub fn check(method: &str, path: &str, answer: &Answer) {
    let document = document();
    assert_eq!(answer.header("cache-control"), Some("no-store"), "{answer:?}");
    assert_eq!(answer.header("x-content-type-options"), Some("nosniff"), "{answer:?}");
    let at = format!("{method} {path}: {answer:?}");
    let path = path.split('?').next().unwrap();
    let Some(template) = template_of(&document, path) else {
        // Who may not ask is not told what there is.
        assert!([401, 403, 404].contains(&answer.status), "{at}");
        return check_body(&document, &problem(), answer, &at);
    };
    let Some(operation) = document["paths"][&template].get(method.to_ascii_lowercase()) else {
        let has_none = method == "HEAD" && answer.body.is_empty();
        assert!(has_none || [401, 405].contains(&answer.status), "{at}");
        if !has_none {
            check_body(&document, &problem(), answer, &at);
        }
        return;
    };
    let mut expected = &operation["responses"][answer.status.to_string()];
    if let Some(pointer) = expected["$ref"].as_str() {
        expected = document.pointer(pointer.strip_prefix('#').unwrap()).unwrap();
    }
    assert!(expected.is_object(), "{at}: not in the document");
    for name in expected["headers"].as_object().into_iter().flat_map(|headers| headers.keys()) {
        assert!(answer.header(&name.to_ascii_lowercase()).is_some(), "{at}: no {name}");
    }
    check_body(&document, expected, answer, &at);
}

fn problem() -> Value {
    let schema = json!({"$ref": "#/components/schemas/Problem"});
    json!({"content": {"application/problem+json": {"schema": schema}}})
}

#[track_caller]
fn check_body(document: &Value, expected: &Value, answer: &Answer, at: &str) {
    let Some(media_type) = answer.header("content-type") else {
        assert!(expected["content"].is_null() && answer.body.is_empty(), "{at}");
        return;
    };
    let schema = &expected["content"][media_type]["schema"];
    assert!(schema.is_object(), "{at}: another content type");
    if media_type == "application/problem+json" {
        assert_eq!(answer.json()["status"], answer.status, "{at}");
    }
    if let Err(wrong) = validator(document, schema).validate(&answer.json()) {
        panic!("{at}: {wrong} at {}", wrong.instance_path());
    }
}

fn validator(document: &Value, schema: &Value) -> jsonschema::Validator {
    let whole = json!({"allOf": [schema], "components": document["components"]});
    jsonschema::draft202012::new(&whole).unwrap()
}

/// The path in the document that stands for a path.
fn template_of(document: &Value, path: &str) -> Option<String> {
    let segments = |path: &str| path.split('/').map(str::to_owned).collect::<Vec<_>>();
    let asked = segments(path);
    let mut templates = document["paths"].as_object()?.keys();
    let fits = |template: &&String| {
        let template = segments(template);
        let mut pairs = template.iter().zip(&asked);
        template.len() == asked.len()
            && pairs.all(|(part, asked)| part == asked || part.starts_with('{'))
    };
    templates.find(fits).cloned()
}

#[test]
fn the_document_has_the_routes_that_there_are() {
    let document = document();
    let described = document["paths"].as_object().unwrap().keys().cloned();
    let routes = ROUTES.split(".route(\"").skip(1).map(|rest| rest.split('"').next().unwrap());
    // That of nothing is outside of them.
    let served = routes.filter(|route| *route != "/api/").map(|route| format!("/api{route}"));
    let served = served.collect::<BTreeSet<_>>();
    assert_eq!(described.collect::<BTreeSet<_>>(), served);
}

#[tokio::test]
async fn each_path_has_the_methods_that_the_document_has_and_says_which() {
    let running = usual().await;
    for (path, operations) in document()["paths"].as_object().unwrap() {
        let asked = path.replace(['{', '}'], "");
        let has = |method: &str| {
            let method = if method == "HEAD" { "GET" } else { method };
            operations.get(method.to_ascii_lowercase()).is_some()
        };
        let expected = METHODS.into_iter().filter(|method| has(method)).collect::<BTreeSet<_>>();
        for method in METHODS {
            let answer = running.ask(method, &asked, None).await;
            if has(method) {
                assert!(![405, 500].contains(&answer.status), "{method} {path}: {answer:?}");
                continue;
            }
            if method != "HEAD" {
                answer.refused(405, "method_not_allowed");
            }
            assert_eq!(answer.status, 405, "{method} {path}");
            let allowed = answer.header("allow").unwrap().split(',').collect::<BTreeSet<_>>();
            assert_eq!(allowed, expected, "{method} {path}");
        }
    }
}

#[tokio::test]
async fn its_examples_are_what_it_describes_and_are_taken() {
    let running = usual().await;
    let mut ann = running.client("ann").await;
    ann.join("room:1", json!({})).await;
    let document = document();
    let mut tried = 0;
    for (path, operations) in document["paths"].as_object().unwrap() {
        for (method, operation) in operations.as_object().unwrap() {
            let content = &operation["requestBody"]["content"]["application/json"];
            let Some(examples) = content["examples"].as_object() else { continue };
            for (name, example) in examples {
                let value = &example["value"];
                let valid = validator(&document, &content["schema"]).validate(value).is_ok();
                assert!(valid, "{path} {name}");
                let asked = path.replace(['{', '}'], "");
                let body = value.to_string();
                let answer = running.ask(&method.to_uppercase(), &asked, Some(&body)).await;
                // There need be no client `c1`, and there is a room already.
                assert!([200, 201, 204, 404, 409].contains(&answer.status), "{name}: {answer:?}");
                tried += 1;
            }
        }
    }
    assert!(tried >= 8, "{tried} examples");
}

#[tokio::test]
async fn it_says_what_holds_for_this_server() {
    let channel = Config::builder().limit(Limit::NameBytes, 30).build().unwrap();
    let running = serve(Settings { channel, ..settings() }).await;
    let served = running.get("/api/openapi.json").await;
    assert_eq!(served["info"]["version"], env!("CARGO_PKG_VERSION"));
    assert_eq!(served["components"]["schemas"]["Name"]["maxLength"], 30);
    assert_eq!(served["components"]["schemas"]["Mark"]["maxLength"], 255);
    assert_eq!(served["paths"], document()["paths"]);
}
