//! Binary frames: the examples of the protocol's description byte by byte, and what has no place in
//! them.

use parlor::{
    Audience, Config, Event, Payload, PresenceMode, Push, RoomConfig,
    wire::phoenix::{Frame, Positions, Status, answer, shared},
};

use super::{ok, server as of, server::Server};

/// One in which A has joined `room:x` with refs 28.
fn joined() -> Server {
    let room = RoomConfig::default().with_presence(PresenceMode::Off);
    let mut server = of(Config::builder().default_room(room).build().unwrap());
    server.text("A", r#"["28","28","room:x","phx_join",{}]"#);
    server
}

fn bytes(head: &[u8], fields: &str, data: &[u8]) -> Frame {
    Frame::Binary([head, fields.as_bytes(), data].concat().into())
}

/// What A pushes.
fn read(server: &mut Server, frame: &Frame) -> Option<Event> {
    server.read("A", frame).unwrap()
}

fn sent(server: &mut Server) -> Vec<Frame> {
    server.flush().into_iter().map(|sent| sent.frame).collect()
}

#[test]
fn a_push_of_a_client_is_a_broadcast_of_its_bytes() {
    let mut server = joined();
    let push = bytes(&[0, 2, 2, 6, 3], "2829room:xbin", &[1, 2, 3]);
    let Some(Event::Broadcast(broadcast)) = read(&mut server, &push) else { panic!("a broadcast") };
    assert_eq!((&broadcast.client_id, &broadcast.topic), (&"A".into(), &"room:x".into()));
    assert_eq!((broadcast.event.as_str(), broadcast.audience), ("bin", Audience::All));
    assert_eq!(broadcast.payload, Payload::bytes([1, 2, 3]));

    server.handle(broadcast);
    let reply = ok("\"28\"", "\"29\"", "room:x", r#"{"epoch":1,"offset":1}"#);
    let message = bytes(&[2, 6, 3], "room:xbin", &[1, 2, 3]);
    assert_eq!(sent(&mut server), [Frame::Text(reply.into()), position_of(1), message]);
}

#[test]
fn a_reply_of_bytes_has_both_refs() {
    let mut server = joined();
    let push = bytes(&[0, 2, 2, 6, 3], "2829room:xbin", &[1, 2, 3]);
    let Some(Event::Broadcast(broadcast)) = read(&mut server, &push) else { panic!("a broadcast") };
    let reference = broadcast.reference.unwrap();
    let response = Payload::bytes([1, 2, 3, 255]);
    let reply = answer(&reference, &"room:x".into(), Status::Ok, &response).unwrap();
    let expected =
        [1, 2, 2, 6, 2, 50, 56, 50, 57, 114, 111, 111, 109, 58, 120, 111, 107, 1, 2, 3, 255];
    assert_eq!(reply, Some(Frame::Binary(expected.into())));
}

#[test]
fn a_broadcast_has_no_refs() {
    let mut server = joined();
    let push = bytes(&[0, 2, 2, 6, 6], "2829room:xbinmsg", &[9]);
    let event = read(&mut server, &push).unwrap();
    server.channel.handle(event);
    let outbox = server.channel.flush_outbox();
    let message = bytes(&[2, 6, 6], "room:xbinmsg", &[9]);
    let frames = |positions| -> Vec<Frame> {
        shared(&outbox[1], positions).unwrap().unwrap().into_iter().collect()
    };
    assert_eq!(frames(Positions::Withheld), [message]);
}

/// `parlor:position` in `room:x`.
fn position_of(offset: u64) -> Frame {
    let place = format!(r#"{{"epoch":1,"offset":{offset}}}"#);
    Frame::Text(format!(r#"[null,null,"room:x","parlor:position",{place}]"#).into())
}

#[test]
fn a8_a_binary_broadcast_has_its_position_right_before_it() {
    let mut server = joined();
    let push = bytes(&[0, 2, 2, 6, 3], "2829room:xbin", &[1, 2, 3]);
    let event = read(&mut server, &push).unwrap();
    server.channel.handle(event);
    let outbox = server.channel.flush_outbox();
    let message = bytes(&[2, 6, 3], "room:xbin", &[1, 2, 3]);
    let signed = r#"{"epoch":1,"offset":1,"from":"ann","timestamp_ms":0}"#;
    let signed = format!(r#"[null,null,"room:x","parlor:position",{signed}]"#);
    for (positions, before) in [
        (Positions::Withheld, None),
        (Positions::Sent, Some(position_of(1))),
        (Positions::Signed, Some(Frame::Text(signed.into()))),
    ] {
        let frames = shared(&outbox[1], positions).unwrap().unwrap();
        let expected: Vec<Frame> = before.into_iter().chain([message.clone()]).collect();
        assert_eq!(frames.into_iter().collect::<Vec<_>>(), expected, "{positions:?}");
    }

    // A message to everyone is in no topic, and has no position.
    let publish = parlor::Publish::new(parlor::Address::Everyone, "bin", Payload::bytes([9]));
    server.channel.handle(publish.into());
    let outbox = server.channel.flush_outbox();
    let frames = shared(outbox.last().unwrap(), Positions::Sent).unwrap().unwrap();
    assert_eq!(frames.into_iter().collect::<Vec<_>>(), [bytes(&[2, 6, 3], "parlorbin", &[9])]);
}

#[test]
fn a_push_of_the_server_has_no_ref() {
    let mut server = joined();
    server.handle(Push::new("A", "room:x", "pushbin", Payload::bytes([9])));
    assert_eq!(sent(&mut server), [bytes(&[0, 2, 6, 7], "28room:xpushbin", &[9])]);

    // To one that has not joined by the codec.
    server.handle(parlor::Join::new("B", "room:x", "bob", 0));
    server.handle(Push::new("B", "room:x", "pushbin", Payload::bytes([9])));
    assert_eq!(sent(&mut server), [bytes(&[0, 0, 6, 7], "room:xpushbin", &[9])]);
}

#[test]
fn empty_refs_are_none() {
    let mut server = joined();
    let event = read(&mut server, &bytes(&[0, 0, 0, 6, 3], "room:xbin", &[])).unwrap();
    server.handle(event);
    let reply = ok("\"28\"", "null", "room:x", r#"{"epoch":1,"offset":1}"#);
    let message = bytes(&[2, 6, 3], "room:xbin", &[]);
    assert_eq!(sent(&mut server), [Frame::Text(reply.into()), position_of(1), message]);
}

#[test]
fn bytes_make_no_params_and_no_event_of_another_kind() {
    let mut server = joined();
    for (sizes, fields) in [
        ([0, 2, 2, 6, 8], "3030room:yphx_join"),
        ([0, 2, 2, 6, 12], "2830room:xparlor:track"),
        ([0, 2, 2, 6, 14], "2830room:xparlor:untrack"),
    ] {
        assert_eq!(read(&mut server, &bytes(&sizes, fields, b"{}")), None);
        let [Frame::Text(reply)] = &sent(&mut server)[..] else { panic!("one reply") };
        assert!(reply.contains(r#"{"status":"error","response":{"reason":"invalid_request""#));
        assert!(reply.contains("bytes, expected JSON"), "{reply}");
    }
    let leave = bytes(&[0, 2, 2, 6, 9], "2831room:xphx_leave", &[]);
    let leave = read(&mut server, &leave).unwrap();
    assert_eq!(leave.label(), "leave");
}

#[test]
fn a_field_of_more_than_255_bytes_is_an_error_and_writes_nothing() {
    let long = "x".repeat(256);
    let config = Config::builder().limit(parlor::Limit::NameBytes, 300).build().unwrap();
    let mut server = of(config);
    server.text("A", &format!(r#"["1","1","{long}","phx_join",{{}}]"#));
    server.channel.handle(Push::new("A", &*long, "e", Payload::bytes([9])).into());
    let outbox = server.channel.flush_outbox();
    let refused = server.connection("A").outgoing(&outbox[0]).unwrap_err();
    assert_eq!(refused.to_string(), "topic has 256 bytes, expected at most 255 in a binary frame");

    server.channel.handle(parlor::Broadcast::new("A", &*long, Payload::bytes([9])).into());
    let outbox = server.channel.flush_outbox();
    assert_eq!(shared(&outbox[0], Positions::Sent).unwrap_err(), refused);

    // In text there is no such bound.
    server.channel.handle(Push::new("A", &*long, "e", Payload::json("9").unwrap()).into());
    let outbox = server.channel.flush_outbox();
    assert_eq!(server.connection("A").outgoing(&outbox[0]).unwrap().len(), 1);
}
