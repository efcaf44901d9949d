//! The verbs that send messages.

use parlor::{Address, Audience, Broadcast, Json, Payload, Publish, Push};

use super::{
    super::line::{Line, json, one_of, unquoted},
    whom,
};

/// `broadcast <client> <topic> <payload> [event=NAME] [audience=all|others|other_users]
/// [meta=JSON] [id=ID] [ref=REF]`; for `<payload>` see [`payload`]
pub(super) fn broadcast(line: &mut Line<'_>) -> Result<Broadcast, String> {
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
pub(super) fn push(line: &mut Line<'_>) -> Result<Push, String> {
    let (client, topic) = whom(line)?;
    let event: String = line.name("the name of a message")?;
    let mut push = Push::new(client, topic, event, payload(line)?);
    push.reference = line.text("ref")?.map(Into::into);
    Ok(push)
}

/// `publish topic|group|user|client <name> <event> <payload>` or `publish everyone <event> <payload>`,
/// `[from=USER] [except_client=ID] [except_user=ID] [meta=JSON] [id=ID] [ref=REF]`; for `<payload>`
/// see [`payload`]
pub(super) fn publish(line: &mut Line<'_>) -> Result<Publish, String> {
    let target = match line.word("a target")? {
        "topic" => Address::Topic(line.name("a topic")?),
        "group" => Address::Group(line.name("a group")?),
        "user" => Address::User(line.name("a user")?),
        "client" => Address::Client(line.name("a client")?),
        "everyone" => Address::Everyone,
        target => {
            let known = one_of(&["topic", "group", "user", "client", "everyone"]);
            return Err(format!("unknown target {target:?}, expected {known}"));
        }
    };
    let event: String = line.name("the name of a message")?;
    let mut publish = Publish::new(target, event, payload(line)?);
    if let Some(from) = line.text("from")? {
        publish.from = from.into();
    }
    publish.except_client = line.text("except_client")?.map(Into::into);
    publish.except_user = line.text("except_user")?.map(Into::into);
    publish.meta = line.json("meta")?;
    publish.id = line.text("id")?.map(Into::into);
    publish.reference = line.text("ref")?.map(Into::into);
    Ok(publish)
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
