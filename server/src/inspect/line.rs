//! What one who watches reads of an event or a message: an object of JSON on one line.

use std::io::{self, Write};

use bytes::Bytes;
use parlor::{ClientId, Event, Outbound, Recipients};
use serde::Serialize;
use serde_json::value::RawValue;

use super::head::Head;

/// How many bytes are shown of what something says.
pub(super) const SHOWN: usize = 2_048;

/// How many recipients are named.
const NAMED: usize = 5;

/// Where and when it was.
#[derive(Debug, Clone, Copy, Serialize)]
pub(super) struct Place {
    /// Of the event: the line of the journal that has it. Of a message: that of the last event
    /// before it.
    pub(super) number: u64,
    pub(super) at_ms: u64,
}

/// What it says, or only what it is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Payloads {
    Shown,
    Hidden,
}

#[derive(Serialize)]
struct Line<'a> {
    #[serde(flatten)]
    place: Place,
    #[serde(flatten)]
    head: Head<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    to: Option<To<'a>>,
    /// All of it, as in a journal but for the recipients.
    #[serde(skip_serializing_if = "Option::is_none")]
    body: Option<Box<RawValue>>,
    /// In place of that, its first bytes.
    #[serde(skip_serializing_if = "Option::is_none")]
    body_start: Option<String>,
}

/// Who receives it: how many, and the first of them.
#[derive(Serialize)]
struct To<'a> {
    count: usize,
    first: Vec<&'a ClientId>,
}

/// How much of it is shown.
enum Body {
    All(Box<RawValue>),
    Start(String),
}

pub(super) fn of_event(place: Place, head: Head<'_>, payloads: Payloads, event: &Event) -> Bytes {
    let body = (payloads == Payloads::Shown).then(|| Body::of(event));
    write(place, head, None, body)
}

pub(super) fn of_outbound(
    place: Place,
    head: Head<'_>,
    payloads: Payloads,
    outbound: &Outbound,
) -> Bytes {
    let to = match (outbound.client_id(), outbound.recipients()) {
        (Some(one), _) => Some(To { count: 1, first: vec![one] }),
        (None, Some(all)) => Some(To { count: all.len(), first: all.ids().take(NAMED).collect() }),
        (None, None) => None,
    };
    let body = (payloads == Payloads::Shown).then(|| Body::of(&without_recipients(outbound)));
    write(place, head, to, body)
}

/// What is written has names for keys and no reader that fails, so nothing of it can.
fn write(place: Place, head: Head<'_>, to: Option<To<'_>>, body: Option<Body>) -> Bytes {
    let (body, body_start) = match body {
        Some(Body::All(all)) => (Some(all), None),
        Some(Body::Start(start)) => (None, Some(start)),
        None => (None, None),
    };
    serde_json::to_vec(&Line { place, head, to, body, body_start }).unwrap_or_default().into()
}

/// The same for nobody: who receives it may be many, and is told beside it.
fn without_recipients(outbound: &Outbound) -> Outbound {
    let mut outbound = outbound.clone();
    match &mut outbound {
        Outbound::BroadcastMessage(message) => message.recipients = Recipients::default(),
        Outbound::PresenceDiff(diff) => diff.recipients = Recipients::default(),
        Outbound::RoomOpened(notice) | Outbound::RoomClosed(notice) => {
            notice.recipients = Recipients::default();
        }
        Outbound::Closed(closed) => closed.recipients = Recipients::default(),
        Outbound::Reply(_)
        | Outbound::PushMessage(_)
        | Outbound::PresenceState(_)
        | Outbound::History(_)
        | Outbound::Evicted(_)
        | Outbound::Disconnect(_)
        | Outbound::System(_) => {}
    }
    outbound
}

/// How an object ends that has recipients, who stand last, where there are none.
const NO_RECIPIENTS: &str = r#","recipients":[]}}"#;

impl Body {
    fn of(value: &impl Serialize) -> Self {
        let mut start = Start::default();
        let written = serde_json::to_writer(&mut start, value);
        let mut text = String::from_utf8_lossy(&start.0).into_owned();
        if written.is_err() {
            // A character that was cut in two shows as none.
            let whole = text.trim_end_matches(char::REPLACEMENT_CHARACTER).len();
            text.truncate(whole);
            return Self::Start(text);
        }
        if let Some(others) = text.strip_suffix(NO_RECIPIENTS) {
            text = format!("{others}}}}}");
        }
        RawValue::from_string(text).map_or_else(|_| Self::Start(String::new()), Self::All)
    }
}

/// Takes as much as is shown, and then no more: what is large costs no more than what is not.
#[derive(Default)]
struct Start(Vec<u8>);

impl Write for Start {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let fits = bytes.len().min(SHOWN - self.0.len());
        self.0.extend(bytes.iter().take(fits));
        if fits < bytes.len() { Err(io::ErrorKind::WriteZero.into()) } else { Ok(fits) }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use parlor::{Broadcast, Channel, Config, Join, Payload};
    use serde_json::{Value, json};

    use super::*;
    use crate::inspect::head::Head;

    const PLACE: Place = Place { number: 7, at_ms: 9 };

    fn event_line(event: &Event, payloads: Payloads) -> Value {
        serde_json::from_slice(&of_event(PLACE, Head::of_event(event), payloads, event)).unwrap()
    }

    fn broadcast(payload: &str) -> Event {
        Broadcast::new("c1", "room:1", Payload::json(payload).unwrap()).into()
    }

    #[test]
    fn an_event_is_told_as_it_is_recorded() {
        let line = event_line(&broadcast("{ \"a\":\n1.50 }"), Payloads::Shown);
        let body = json!({"broadcast":
            {"client_id": "c1", "topic": "room:1", "payload": {"a": 1.5}}});
        let expected = json!({"number": 7, "at_ms": 9, "way": "in",
            "kind": "broadcast", "topic": "room:1", "client_id": "c1", "event": "message",
            "body": body});
        assert_eq!(line, expected);
        let hidden = event_line(&broadcast("1"), Payloads::Hidden);
        assert_eq!(hidden.get("body"), None);
    }

    #[test]
    fn what_is_too_long_is_cut_between_characters() {
        for room in SHOWN - 120..SHOWN {
            let text = "ü".repeat(room / 2 + usize::from(room % 2 == 0));
            let event = broadcast(&format!("\"{}{text}\"", "x".repeat(room % 2)));
            let whole = serde_json::to_string(&event).unwrap();
            let line = event_line(&event, Payloads::Shown);
            if whole.len() <= SHOWN {
                assert_eq!(line["body"], serde_json::from_str::<Value>(&whole).unwrap());
            } else {
                let start = line["body_start"].as_str().unwrap();
                assert!(whole.starts_with(start) && start.len() > SHOWN - 2, "{start}");
            }
        }
    }

    #[test]
    fn recipients_are_counted_and_the_first_of_them_named() {
        let mut channel = Channel::single_node(Config::default());
        for client in 0..9 {
            channel.handle(Join::new(format!("c{client}"), "room:1", "ann", 0).into());
        }
        channel.handle(broadcast("\",\\\"recipients\\\":[]}}\""));
        let said = channel.flush_outbox().into_iter().last().unwrap();
        let line = of_outbound(PLACE, Head::of_outbound(&said), Payloads::Shown, &said);
        let line: Value = serde_json::from_slice(&line).unwrap();
        assert_eq!(line["to"], json!({"count": 9, "first": ["c0", "c1", "c2", "c3", "c4"]}));
        let message = &line["body"]["broadcast_message"];
        assert_eq!(message["payload"], ",\"recipients\":[]}}");
        assert_eq!((message["offset"].as_u64(), message.get("recipients")), (Some(1), None));
    }
}
