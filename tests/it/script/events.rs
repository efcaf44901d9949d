//! The verbs that are events. `at` is the time that join and rejoin tell; without it, none passes.

use parlor::{
    Audience, Broadcast, Event, Join, Json, Leave, Payload, Position, Push, Rejoin, Since,
};

use super::line::{Line, json, number, one_of, unquoted};

/// The event that a line stands for.
pub(super) fn event(line: &mut Line<'_>, clock_ms: u64) -> Result<Event, String> {
    match line.verb() {
        "join" => join(line, clock_ms).map(Event::from),
        "rejoin" => rejoin(line, clock_ms).map(Event::from),
        "leave" => leave(line).map(Event::from),
        "broadcast" => broadcast(line).map(Event::from),
        "push" => push(line).map(Event::from),
        "crash" => line.name("a reason").map(|reason: String| Event::crash(reason)),
        "restart" => Ok(Event::Restart),
        "event" => raw(line),
        verb => Err(format!(
            "unknown verb {verb:?}, expected join, rejoin, leave, broadcast, push, crash, restart, \
             event, config, hold, flush, ? or --"
        )),
    }
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

fn since(value: &str) -> Result<Since, String> {
    if let Some((epoch, offset)) = value.split_once(':')
        && !value.starts_with(['{', '['])
    {
        let (epoch, offset) = (number("epoch", epoch)?, number("offset", offset)?);
        return Ok(Position { epoch, offset }.into());
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

/// `broadcast <client> <topic> <payload> [event=NAME] [audience=all|others|other_users]
/// [meta=JSON] [id=ID] [ref=REF]`; for `<payload>` see [`payload`]
fn broadcast(line: &mut Line<'_>) -> Result<Broadcast, String> {
    let (client, topic) = whom(line)?;
    let mut broadcast = Broadcast::new(client, topic, payload(line)?);
    if let Some(event) = line.text("event")? {
        broadcast.event = event.into();
    }
    if let Some(audience) = line.field("audience") {
        broadcast.audience = match audience {
            "all" => Audience::All,
            "others" => Audience::Others,
            "other_users" => Audience::OtherUsers,
            _ => {
                let known = one_of(&["all", "others", "other_users"]);
                return Err(format!("audience is {audience:?}, expected {known}"));
            }
        };
    }
    broadcast.meta = line.json("meta")?;
    broadcast.id = line.text("id")?.map(Into::into);
    broadcast.reference = line.text("ref")?.map(Into::into);
    Ok(broadcast)
}

/// `push <client> <topic> <event> <payload> [ref=REF]`; for `<payload>` see [`payload`]
fn push(line: &mut Line<'_>) -> Result<Push, String> {
    let (client, topic) = whom(line)?;
    let event: String = line.name("the name of a message")?;
    let mut push = Push::new(client, topic, event, payload(line)?);
    push.reference = line.text("ref")?.map(Into::into);
    Ok(push)
}

/// `event <JSON>`: an event as it stands in a file of events.
fn raw(line: &mut Line<'_>) -> Result<Event, String> {
    let text = line.word("an event in JSON")?;
    serde_json::from_str(text).map_err(|wrong| format!("{text}: {wrong}"))
}

/// A JSON value; or `json="…"`, a string with the text of one, in which `\n` is a line break; or
/// `bytes="…"`.
fn payload(line: &mut Line<'_>) -> Result<Payload, String> {
    if let Some(bytes) = line.text("bytes")? {
        return Ok(Payload::bytes(bytes.into_bytes()));
    }
    let json: Json = match line.field("json") {
        Some(text) => json("json", &unquoted(text)?)?,
        None => json("payload", line.word("a payload")?)?,
    };
    Ok(json.into())
}

fn whom(line: &mut Line<'_>) -> Result<(String, String), String> {
    Ok((line.name("a client")?, line.name("a topic")?))
}
