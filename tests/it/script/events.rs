//! The verbs that are events, by their labels. `at` is the time that some of them tell; without it,
//! none passes.

mod messages;
mod rooms;
mod server;

use parlor::{
    Connect, Disconnect, Event, EventKind, Grace, Join, Leave, Position, Rejoin, Subscribe, Tick,
    Track, Unsubscribe, Untrack,
};

use super::line::{Line, number};

/// The event that a line stands for.
pub(super) fn event(line: &mut Line<'_>, clock_ms: u64) -> Result<Event, String> {
    Ok(match line.verb() {
        "join" => join(line, clock_ms)?.into(),
        "rejoin" => rejoin(line, clock_ms)?.into(),
        "leave" => leave(line)?.into(),
        "broadcast" => messages::broadcast(line)?.into(),
        "push" => messages::push(line)?.into(),
        "crash" => Event::crash(line.name::<String>("a reason")?),
        "restart" => Event::Restart,
        "connect" => connect(line, clock_ms)?.into(),
        "disconnect" => disconnect(line, clock_ms)?.into(),
        "subscribe" => subscribe(line)?.into(),
        "unsubscribe" => unsubscribe(line)?.into(),
        "track" => track(line)?.into(),
        "untrack" => untrack(line)?.into(),
        "open_room" => rooms::open_room(line)?.into(),
        "close_room" => rooms::close_room(line)?.into(),
        "history" => rooms::history(line)?.into(),
        "query" => rooms::query(line)?.into(),
        "publish" => messages::publish(line)?.into(),
        "kick" => server::kick(line)?.into(),
        "add_to_group" => server::add_to_group(line)?.into(),
        "remove_from_group" => server::remove_from_group(line)?.into(),
        "refuse" => server::refuse(line)?.into(),
        "tick" => Tick::new(number("the time", line.word("a time")?)?).into(),
        "event" => raw(line)?,
        verb => {
            let known = EventKind::ALL.map(EventKind::label).join(", ");
            return Err(format!(
                "unknown verb {verb:?}, expected {known}, event, config, hold, flush, ? or --"
            ));
        }
    })
}

/// `join <client> <topic> <user> [meta=JSON] [params=JSON] [ref=REF] [at=MS]`
fn join(line: &mut Line<'_>, clock_ms: u64) -> Result<Join, String> {
    let (client, topic) = whom(line)?;
    let user: String = line.name("a user")?;
    let mut join = Join::new(client, topic, user, line.number("at")?.unwrap_or(clock_ms));
    join.meta = line.json("meta")?;
    join.params = line.json("params")?;
    join.reference = line.text("ref")?.map(Into::into);
    Ok(join)
}

/// `rejoin <client> <topic> <user> [since=EPOCH:OFFSET|JSON] [meta=…] [params=…] [ref=…] [at=…]`
fn rejoin(line: &mut Line<'_>, clock_ms: u64) -> Result<Rejoin, String> {
    let (client, topic) = whom(line)?;
    let user: String = line.name("a user")?;
    let mut rejoin = Rejoin::new(client, topic, user, line.number("at")?.unwrap_or(clock_ms));
    rejoin.meta = line.json("meta")?;
    rejoin.params = line.json("params")?;
    rejoin.reference = line.text("ref")?.map(Into::into);
    rejoin.since = line.field("since").map(since).transpose()?;
    Ok(rejoin)
}

pub(super) fn since(value: &str) -> Result<Position, String> {
    if let Some((epoch, offset)) = value.split_once(':')
        && !value.starts_with(['{', '['])
    {
        let (epoch, offset) = (number("epoch", epoch)?, number("offset", offset)?);
        return Ok(Position { epoch, offset });
    }
    serde_json::from_str(value).map_err(|wrong| format!("since is {value}: {wrong}"))
}

/// `leave <client> <topic> [ref=REF]`
fn leave(line: &mut Line<'_>) -> Result<Leave, String> {
    let (client, topic) = whom(line)?;
    let mut leave = Leave::new(client, topic);
    leave.reference = line.text("ref")?.map(Into::into);
    Ok(leave)
}

/// `connect <client> <user> [data=JSON] [ref=REF] [at=MS]`
fn connect(line: &mut Line<'_>, clock_ms: u64) -> Result<Connect, String> {
    let (client, user): (String, String) = (line.name("a client")?, line.name("a user")?);
    let mut connect = Connect::new(client, user, line.number("at")?.unwrap_or(clock_ms));
    connect.data = line.json("data")?;
    connect.reference = line.text("ref")?.map(Into::into);
    Ok(connect)
}

/// `disconnect <client> [grace=keep|skip|expired] [at=MS]`
fn disconnect(line: &mut Line<'_>, clock_ms: u64) -> Result<Disconnect, String> {
    let client: String = line.name("a client")?;
    let grace = match line.field("grace") {
        None | Some("keep") => Grace::Keep,
        Some("skip") => Grace::Skip,
        Some("expired") => Grace::Expired,
        Some(other) => {
            return Err(format!("grace is {other:?}, expected keep, skip or expired"));
        }
    };
    let at_ms = line.number("at")?.unwrap_or(clock_ms);
    Ok(Disconnect::new(client, at_ms).with_grace(grace))
}

/// `subscribe <client> <topic> <event> [ref=REF]`
fn subscribe(line: &mut Line<'_>) -> Result<Subscribe, String> {
    let (client, topic) = whom(line)?;
    let event: String = line.name("the name of a message")?;
    let mut subscribe = Subscribe::new(client, topic, event);
    subscribe.reference = line.text("ref")?.map(Into::into);
    Ok(subscribe)
}

/// `unsubscribe <client> <topic> <event> [ref=REF]`
fn unsubscribe(line: &mut Line<'_>) -> Result<Unsubscribe, String> {
    let (client, topic) = whom(line)?;
    let event: String = line.name("the name of a message")?;
    let mut unsubscribe = Unsubscribe::new(client, topic, event);
    unsubscribe.reference = line.text("ref")?.map(Into::into);
    Ok(unsubscribe)
}

/// `track <client> <topic> [meta=JSON] [ref=REF]`
fn track(line: &mut Line<'_>) -> Result<Track, String> {
    let (client, topic) = whom(line)?;
    let mut track = Track::new(client, topic);
    track.meta = line.json("meta")?;
    track.reference = line.text("ref")?.map(Into::into);
    Ok(track)
}

/// `untrack <client> <topic> [ref=REF]`
fn untrack(line: &mut Line<'_>) -> Result<Untrack, String> {
    let (client, topic) = whom(line)?;
    let mut untrack = Untrack::new(client, topic);
    untrack.reference = line.text("ref")?.map(Into::into);
    Ok(untrack)
}

/// `event <JSON>`: an event as it stands in a file of events.
fn raw(line: &mut Line<'_>) -> Result<Event, String> {
    let text = line.word("an event in JSON")?;
    serde_json::from_str(text).map_err(|wrong| format!("{text}: {wrong}"))
}

fn whom(line: &mut Line<'_>) -> Result<(String, String), String> {
    Ok((line.name("a client")?, line.name("a topic")?))
}
