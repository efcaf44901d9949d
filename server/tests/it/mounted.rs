//! A server as a part of somebody else's.

use std::net::SocketAddr;

use axum::{Router, routing::get as route};
use parlor_server::{Server, StartError, router};
use serde_json::json;
use tokio::net::TcpListener;

use crate::{Running, get, settings};

#[test]
fn it_is_not_started_where_there_is_no_runtime() {
    let started = Server::start(settings());
    assert!(matches!(started, Err(StartError::NoRuntime)), "{started:?}");
}

#[tokio::test]
async fn its_routes_stand_beside_others() {
    let server = Server::start(settings()).unwrap();
    let app = Router::new().route("/hello", route(async || "hello")).merge(router(&server));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let at = listener.local_addr().unwrap();
    let task = tokio::spawn(async move {
        let service = app.into_make_service_with_connect_info::<SocketAddr>();
        axum::serve(listener, service).await.unwrap();
    });
    assert!(get(at, "/hello").await.ends_with("hello"));
    assert!(get(at, "/healthz").await.starts_with("HTTP/1.1 200"));

    let running = Running { server, at, task };
    let mut ann = running.client("ann").await;
    ann.join("room:1", json!({})).await;
    let ((), closed) = tokio::join!(running.server.shutdown(), ann.closed());
    assert_eq!(closed.0, 1012);
    assert!(get(at, "/healthz").await.starts_with("HTTP/1.1 503"));
    running.task.abort();
}
