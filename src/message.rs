//! A broadcast as history keeps it, pages show it and drivers store it.
//!
//! Knows nothing about rooms, limits or who receives it.

use serde::{Deserialize, Serialize, Serializer, ser::SerializeStruct};

use crate::{
    ids::{ClientId, EventName, UserId},
    object::optional_field,
    payload::{Base64, Json, Payload, null_is_a_value},
};

/// One message of a topic, with its place in it.
///
/// ```
/// use parlor::{Payload, StoredMessage};
///
/// let message = StoredMessage::new("chat", Payload::json("\"hi\"")?, "ann", 7, 1_000);
/// let line = r#"{"event":"chat","payload":"hi","from":"ann","offset":7,"timestamp_ms":1000}"#;
/// assert_eq!(serde_json::to_string(&message).unwrap(), line);
/// assert_eq!(serde_json::from_str::<StoredMessage>(line).unwrap(), message);
/// # Ok::<(), parlor::JsonError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(try_from = "StoredMessageForm")]
#[non_exhaustive]
pub struct StoredMessage {
    /// The name of the message.
    pub event: EventName,
    /// What it says.
    pub payload: Payload,
    /// The user that sent it.
    pub from: UserId,
    /// The client that sent it; none if the server did.
    pub client_id: Option<ClientId>,
    /// Of which earlier room of its topic it is, where a driver goes on with those: they have
    /// offsets of their own. None if it is of the room that it is kept for or shown in.
    pub epoch: Option<u64>,
    /// Its place among the broadcasts of its room, from 1.
    pub offset: u64,
    /// When it was sent.
    pub timestamp_ms: u64,
    /// What travels beside the payload.
    pub meta: Option<Json>,
    /// The client that it is not for. A driver that stores it keeps this with it, and leaves the
    /// message out of that client's pages: see [`StoredMessage::is_for`].
    pub except_client: Option<ClientId>,
    /// The user that it is not for.
    pub except_user: Option<UserId>,
}

impl StoredMessage {
    /// A message for everyone that names no client and has nothing beside its payload.
    pub fn new(
        event: impl Into<EventName>,
        payload: impl Into<Payload>,
        from: impl Into<UserId>,
        offset: u64,
        timestamp_ms: u64,
    ) -> Self {
        Self {
            event: event.into(),
            payload: payload.into(),
            from: from.into(),
            client_id: None,
            epoch: None,
            offset,
            timestamp_ms,
            meta: None,
            except_client: None,
            except_user: None,
        }
    }

    /// Names the client that sent it.
    #[must_use]
    pub fn with_client_id(mut self, client_id: impl Into<ClientId>) -> Self {
        self.client_id = Some(client_id.into());
        self
    }

    /// Says that it is of an earlier room.
    #[must_use]
    pub const fn with_epoch(mut self, epoch: u64) -> Self {
        self.epoch = Some(epoch);
        self
    }

    /// Sets `meta`.
    #[must_use]
    pub fn with_meta(mut self, meta: Json) -> Self {
        self.meta = Some(meta);
        self
    }

    /// Excludes a client.
    #[must_use]
    pub fn with_except_client(mut self, client_id: impl Into<ClientId>) -> Self {
        self.except_client = Some(client_id.into());
        self
    }

    /// Excludes a user.
    #[must_use]
    pub fn with_except_user(mut self, user_id: impl Into<UserId>) -> Self {
        self.except_user = Some(user_id.into());
        self
    }

    /// Whether it excludes neither this client nor its user.
    #[must_use]
    pub fn is_for(&self, client_id: &ClientId, user_id: &UserId) -> bool {
        self.except_client.as_ref() != Some(client_id) && self.except_user.as_ref() != Some(user_id)
    }

    /// What it counts for where history is bounded: the bytes of `payload`, `meta`, and of every
    /// name in it.
    #[must_use]
    pub fn size(&self) -> usize {
        let Self {
            event,
            payload,
            from,
            client_id,
            epoch: _,
            offset: _,
            timestamp_ms: _,
            meta,
            except_client,
            except_user,
        } = self;
        // The names' bytes, as it takes a look at each of them to make a `str` of a short name.
        let meta = Json::given(meta.as_ref()).map_or(0, |meta| meta.as_str().len());
        let of_client = |id: &Option<ClientId>| id.as_ref().map_or(0, |id| id.as_bytes().len());
        let except_user = except_user.as_ref().map_or(0, |user| user.as_bytes().len());
        let names = event.as_bytes().len() + from.as_bytes().len() + of_client(client_id);
        payload.size() + meta + names + of_client(except_client) + except_user
    }
}

/// How a [`StoredMessage`] stands in JSON.
#[derive(Deserialize)]
#[serde(rename = "StoredMessage", deny_unknown_fields)]
struct StoredMessageForm {
    event: EventName,
    #[serde(default, deserialize_with = "null_is_a_value")]
    payload: Option<Json>,
    payload_base64: Option<Base64>,
    from: UserId,
    client_id: Option<ClientId>,
    epoch: Option<u64>,
    offset: u64,
    timestamp_ms: u64,
    meta: Option<Json>,
    except_client: Option<ClientId>,
    except_user: Option<UserId>,
}

impl TryFrom<StoredMessageForm> for StoredMessage {
    type Error = &'static str;

    fn try_from(form: StoredMessageForm) -> Result<Self, Self::Error> {
        Ok(Self {
            event: form.event,
            payload: Payload::from_fields(form.payload, form.payload_base64)?,
            from: form.from,
            client_id: form.client_id,
            epoch: form.epoch,
            offset: form.offset,
            timestamp_ms: form.timestamp_ms,
            meta: form.meta,
            except_client: form.except_client,
            except_user: form.except_user,
        })
    }
}

impl Serialize for StoredMessage {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut object = serializer.serialize_struct("StoredMessage", 10)?;
        object.serialize_field("event", &self.event)?;
        self.payload.serialize_field(&mut object)?;
        object.serialize_field("from", &self.from)?;
        optional_field(&mut object, "client_id", self.client_id.as_ref())?;
        optional_field(&mut object, "epoch", self.epoch.as_ref())?;
        object.serialize_field("offset", &self.offset)?;
        object.serialize_field("timestamp_ms", &self.timestamp_ms)?;
        if let Some(meta) = Json::given(self.meta.as_ref()) {
            object.serialize_field("meta", meta)?;
        }
        optional_field(&mut object, "except_client", self.except_client.as_ref())?;
        optional_field(&mut object, "except_user", self.except_user.as_ref())?;
        object.end()
    }
}

#[cfg(test)]
mod tests {
    use alloc::string::ToString;

    use super::*;

    /// Reads `line`, which has to come out as it went in.
    fn check(line: &str) -> StoredMessage {
        let message: StoredMessage = serde_json::from_str(line).unwrap();
        assert_eq!(serde_json::to_string(&message).unwrap(), line);
        message
    }

    fn refused(line: &str) -> alloc::string::String {
        serde_json::from_str::<StoredMessage>(line).unwrap_err().to_string()
    }

    #[test]
    fn every_field_stands_in_its_place() {
        let message = check(
            r#"{"event":"e","payload":{ "a":1.50 },"from":"u","client_id":"c","epoch":9,"offset":1,"timestamp_ms":2,"meta":[3],"except_client":"d","except_user":"v"}"#,
        );
        let payload = Payload::json(r#"{ "a":1.50 }"#).unwrap();
        let expected = StoredMessage::new("e", payload, "u", 1, 2);
        let expected = expected.with_client_id("c").with_epoch(9);
        let expected = expected.with_meta(Json::parse("[3]").unwrap());
        assert_eq!(message, expected.with_except_client("d").with_except_user("v"));
    }

    #[test]
    fn a_payload_is_json_null_too_or_bytes() {
        check(r#"{"event":"e","payload":null,"from":"u","offset":1,"timestamp_ms":2}"#);
        let bytes = check(
            r#"{"event":"e","payload_base64":"AAEC","from":"u","offset":1,"timestamp_ms":2}"#,
        );
        assert_eq!(bytes.payload, Payload::bytes([0, 1, 2]));
    }

    #[test]
    fn null_is_absent_elsewhere() {
        let line = r#"{"event":"e","payload":1,"from":"u","client_id":null,"epoch":null,"offset":1,"timestamp_ms":2,"meta":null}"#;
        let read: StoredMessage = serde_json::from_str(line).unwrap();
        let expected = StoredMessage::new("e", Json::parse("1").unwrap(), "u", 1, 2);
        assert_eq!(read, expected);

        let null = expected.clone().with_meta(Json::parse("null").unwrap());
        assert_eq!(null.size(), expected.size());
        assert_eq!(
            serde_json::to_string(&null).unwrap(),
            serde_json::to_string(&expected).unwrap()
        );
    }

    #[test]
    fn what_is_missing_or_unknown_is_named() {
        let line = r#"{"event":"e","from":"u","offset":1,"timestamp_ms":2}"#;
        assert!(refused(line).contains("missing field `payload`"));
        let line = r#"{"event":"e","payload":1,"from":"u","offset":1,"timestamp_ms":2,"colour":3}"#;
        assert!(refused(line).contains("unknown field `colour`"));
        let line = r#"{"event":"e","payload":1,"from":"u","timestamp_ms":2}"#;
        assert!(refused(line).contains("missing field `offset`"));
    }

    #[test]
    fn size_counts_bytes_of_all_that_senders_choose() {
        let message = StoredMessage::new("é", Payload::bytes([0; 10]), "user", u64::MAX, u64::MAX);
        assert_eq!(message.size(), 2 + 10 + 4);
        let message = message.with_client_id("c1").with_meta(Json::parse(r#""é""#).unwrap());
        assert_eq!(message.size(), 2 + 10 + 4 + 2 + 4);
        let message = message.with_except_client("client").with_except_user("v");
        assert_eq!(message.size(), 2 + 10 + 4 + 2 + 4 + 6 + 1);
    }

    #[test]
    fn an_exclusion_is_of_a_client_or_of_a_user() {
        let message = StoredMessage::new("e", Payload::bytes([]), "u", 1, 2);
        let is_for = |message: &StoredMessage, client: &str, user: &str| {
            message.is_for(&client.into(), &user.into())
        };
        assert!(is_for(&message, "c", "u"));
        let not_c = message.with_except_client("c");
        assert!(!is_for(&not_c, "c", "u") && is_for(&not_c, "d", "u") && is_for(&not_c, "d", "c"));
        let nor_u = not_c.with_except_user("u");
        assert!(!is_for(&nor_u, "c", "v") && !is_for(&nor_u, "d", "u") && is_for(&nor_u, "d", "v"));
    }
}
