//! A server that does what it is told on standard input: how an application embeds one, and what
//! the tests of clients ask for that no client can.
//!
//! A line is an event as JSON, as in a journal: `publish`, `push`, `kick`, `close_room`, `crash`,
//! `restart`; or `{"clients": TOPIC}`, who is present in a topic. The answer is a line on standard
//! output that begins with `admin: `. Joins of `boom:*` run into a rule that panics.
#![expect(clippy::print_stdout, reason = "answers are what it prints")]

use std::{collections::BTreeMap, io, process::ExitCode, sync::Arc, thread};

use clap::Parser;
use parlor::{Entries, Event, Guard, Topic};
use parlor_server::{Flags, Server, Settings};
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::{net::TcpListener, signal::unix, sync::mpsc};

#[derive(Parser)]
struct Arguments {
    #[command(flatten)]
    settings: Flags,
}

type AnyError = Box<dyn std::error::Error>;

#[tokio::main]
async fn main() -> ExitCode {
    match run().await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            println!("{error}");
            ExitCode::FAILURE
        }
    }
}

/// Serves until standard input ends, or the process is asked to.
async fn run() -> Result<(), AnyError> {
    let mut settings = Settings::load(&Arguments::parse().settings)?;
    let configured = settings.guard;
    settings.guard = Arc::new(move || with_a_panic(configured()));
    let listener = TcpListener::bind(settings.listen).await?;
    let server = Server::start(settings)?;
    let mut asked_to_end = unix::signal(unix::SignalKind::terminate())?;
    tokio::select! {
        () = server.serve(listener) => {}
        () = administer(&server) => {}
        _ = asked_to_end.recv() => {}
    }
    server.shutdown().await;
    Ok(())
}

/// A rule of the application beside those of the settings.
fn with_a_panic(mut guard: Guard) -> Guard {
    #[expect(clippy::panic, reason = "what happens then is what is shown")]
    guard.on_join("boom:*", |_, _| panic!("the rule of boom:* panics"));
    guard
}

async fn administer(server: &Server) {
    let (said, mut lines) = mpsc::channel(1);
    // Nobody can stop a thread that reads, so it is not one that somebody waits for in the end.
    thread::spawn(move || {
        let mut read = io::stdin().lines().map_while(Result::ok);
        read.try_for_each(|line| said.blocking_send(line).ok())
    });
    while let Some(line) = lines.recv().await {
        let answer = match perform(server, &line).await {
            Ok(answer) => answer,
            Err(error) => json!({"error": error.to_string()}),
        };
        println!("admin: {answer}");
    }
}

/// What may stand in a line beside events.
#[derive(Deserialize)]
struct Clients {
    clients: Topic,
}

#[expect(clippy::wildcard_enum_match_arm, reason = "all other events are those of clients")]
async fn perform(server: &Server, line: &str) -> Result<Value, AnyError> {
    if let Ok(Clients { clients }) = serde_json::from_str(line) {
        return clients_of(server, clients).await;
    }
    match serde_json::from_str(line)? {
        Event::Publish(publish) => Ok(serde_json::to_value(server.publish(*publish).await?)?),
        Event::Push(push) => Ok(done(server.push(push).await?)),
        Event::Kick(kick) => Ok(done(server.kick(kick).await?)),
        Event::CloseRoom(close) => Ok(done(server.close_room(close).await?)),
        Event::Crash(crash) => Ok(done(server.crash(&crash.reason).await?)),
        Event::Restart => Ok(done(server.restart().await?)),
        other => Err(format!("{} is not for this side", other.kind().label()).into()),
    }
}

fn done(_: ()) -> Value {
    json!({})
}

/// The clients that are present in a topic, by user.
async fn clients_of(server: &Server, topic: Topic) -> Result<Value, AnyError> {
    let mut clients = BTreeMap::<String, Vec<String>>::new();
    for entry in server.presences(topic).await?.iter().flat_map(Entries::iter) {
        let ids = entry.metas.iter().map(|meta| meta.client_id.as_str().to_owned());
        clients.entry(entry.key.as_str().to_owned()).or_default().extend(ids);
    }
    Ok(serde_json::to_value(clients)?)
}
