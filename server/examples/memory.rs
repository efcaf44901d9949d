//! What a server takes in memory: of connections, memberships, rooms, messages and what waits.
//!
//! ```text
//! cargo run --release -p parlor-server --example memory
//! ```
//!
//! A server runs in a process of its own, and clients in this one connect, join and say things. What
//! the process has is read off its `/metrics`, before and after each step.
#![expect(
    clippy::cast_precision_loss,
    clippy::float_arithmetic,
    clippy::print_stdout,
    reason = "it prints what it has measured"
)]

use std::{
    env, error,
    io::{self, BufRead, BufReader},
    net::SocketAddr,
    process::{Command, Stdio},
    time::Duration,
};

use futures_util::{SinkExt, StreamExt};
use parlor::{Config, EventDefinition, RoomConfig};
use parlor_server::{ConnectionLimits, SameMachine, Server, Settings};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    time::sleep,
};
use tokio_tungstenite::{
    MaybeTlsStream, WebSocketStream, connect_async, tungstenite::Message as Frame,
};

type Failure = Box<dyn error::Error + Send + Sync>;
type Socket = WebSocketStream<MaybeTlsStream<TcpStream>>;

/// How many connections there are in a step, and how many messages: as many as a topic keeps.
const CONNECTIONS: usize = 2_000;
const MESSAGES: usize = 10_000;

#[tokio::main]
async fn main() -> Result<(), Failure> {
    match env::args().nth(1) {
        Some(_) => serve().await,
        None => measure().await,
    }
}

/// The process that is measured. It ends when nobody is left who measures.
async fn serve() -> Result<(), Failure> {
    let room = RoomConfig::default().with_event(EventDefinition::new("*").with_history(1 << 20));
    let silent = RoomConfig::default().with_presence(parlor::PresenceMode::Off);
    let channel = Config::builder().room("history:*", room).room("quiet:*", silent).build();
    let connections = ConnectionLimits {
        max_per_ip: 1 << 20,
        events_per_window: u32::MAX,
        max_topics: 1 << 20,
        idle_ms: 600_000,
        ..ConnectionLimits::default()
    };
    let same_machine = SameMachine::On;
    let settings = Settings { channel: channel?, connections, same_machine, ..Settings::default() };
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    println!("{}", listener.local_addr()?);
    let server = Server::start(settings)?;
    let running = tokio::spawn(async move { server.serve(listener).await });
    tokio::task::spawn_blocking(|| io::stdin().lines().next()).await?;
    running.abort();
    Ok(())
}

async fn measure() -> Result<(), Failure> {
    println!("{:<48}{:>12}{:>16}", "", "how many", "bytes of each");
    let (mut child, at) = start()?;
    let mut before = resident(at).await?;
    println!("{:<48}{:>12}{:>16.0}", "server", 1, before);
    let mut clients = Vec::new();
    for number in 0..CONNECTIONS {
        clients.push(connect(at, &format!("user{number}")).await?);
    }
    report("idle connections", CONNECTIONS, at, &mut before).await?;
    for (number, client) in clients.iter_mut().enumerate() {
        join(client, &format!("quiet:{}", number % 20)).await?;
    }
    report("memberships in rooms of 100, no presence", CONNECTIONS, at, &mut before).await?;
    for (number, client) in clients.iter_mut().enumerate() {
        join(client, &format!("alone:{number}")).await?;
    }
    report("memberships in rooms of their own", CONNECTIONS, at, &mut before).await?;
    messages(at, &mut before).await?;
    drop(clients);
    sleep(Duration::from_secs(2)).await;
    let left = resident(at).await?;
    println!("{:<48}{:>12}{left:>16.0}", "when all have gone, the process has", 1);
    child.kill()?;
    child.wait()?;
    Ok(())
}

/// What is said in a room that remembers, and what waits for a client that does not read.
async fn messages(at: SocketAddr, before: &mut f64) -> Result<(), Failure> {
    let mut speaker = connect(at, "speaker").await?;
    join(&mut speaker, "history:1").await?;
    say(&mut speaker, "history:1", MESSAGES, 100).await?;
    report("messages of 100 bytes in a history", MESSAGES, at, before).await?;
    let mut deaf = connect(at, "deaf").await?;
    join(&mut deaf, "waiting:1").await?;
    join(&mut speaker, "waiting:1").await?;
    say(&mut speaker, "waiting:1", 400, 20_000).await?;
    let waiting = figure(at, "parlor_queue_messages").await?;
    println!("{:<48}{waiting:>12}{:>16}", "  (of which wait, the rest is on its way)", "");
    report("messages of 20000 bytes to one who reads none", 400, at, before).await?;
    drop(deaf);
    Ok(())
}

fn start() -> Result<(std::process::Child, SocketAddr), Failure> {
    let mut command = Command::new(env::current_exe()?);
    let command = command.arg("serve").stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut child = command.spawn()?;
    let mut line = String::new();
    let said = child.stdout.take().ok_or("a child has an output")?;
    BufReader::new(said).read_line(&mut line)?;
    Ok((child, line.trim().parse()?))
}

async fn connect(at: SocketAddr, user: &str) -> Result<Socket, Failure> {
    let url = format!("ws://{at}/socket/websocket?vsn=2.0.0&user_id={user}");
    Ok(connect_async(url).await?.0)
}

async fn join(client: &mut Socket, topic: &str) -> Result<(), Failure> {
    let frame = format!(r#"["1","join","{topic}","phx_join",{{}}]"#);
    client.send(Frame::Text(frame.into())).await?;
    until_answered(client, "join").await
}

async fn say(client: &mut Socket, topic: &str, many: usize, bytes: usize) -> Result<(), Failure> {
    let text = "x".repeat(bytes);
    for _ in 0..many {
        let frame = format!(r#"[null,"said","{topic}","say","{text}"]"#);
        client.send(Frame::Text(frame.into())).await?;
        until_answered(client, "said").await?;
    }
    Ok(())
}

async fn until_answered(client: &mut Socket, reference: &str) -> Result<(), Failure> {
    let answer = format!(r#","{reference}","#);
    loop {
        let frame = client.next().await.ok_or("the connection ended")??;
        if let Frame::Text(text) = frame
            && text.contains(&answer)
            && text.contains("phx_reply")
        {
            return Ok(());
        }
    }
}

async fn report(what: &str, many: usize, at: SocketAddr, before: &mut f64) -> Result<(), Failure> {
    let after = resident(at).await?;
    let each = (after - *before) / many as f64;
    println!("{what:<48}{many:>12}{each:>16.0}");
    *before = after;
    Ok(())
}

/// What the process has, when it has had time to come to rest.
async fn resident(at: SocketAddr) -> Result<f64, Failure> {
    sleep(Duration::from_millis(500)).await;
    figure(at, "process_resident_memory_bytes").await
}

async fn figure(at: SocketAddr, name: &str) -> Result<f64, Failure> {
    let mut stream = TcpStream::connect(at).await?;
    stream
        .write_all(b"GET /metrics HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n")
        .await?;
    let mut page = String::new();
    stream.read_to_string(&mut page).await?;
    let line = page.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
    Ok(line.ok_or("the figure is not there, expected Linux")?.parse()?)
}
