//! Presence, as clients of Phoenix read it, and as they put it together again.

use std::collections::BTreeMap;

use parlor::{
    Channel, Config, Disconnect, Join, Json, Leave, Outbound, PresenceState, RoomConfig, Tick,
    Track,
    wire::phoenix::{Connection, Frame, Incoming, StatePiece},
};
use serde_json::{Value, json};

use super::{server as of, server::Server};

fn server() -> Server {
    of(Config::default())
}

/// The meta of `ann`, as another sees it who joins.
fn shown(meta: &str) -> String {
    let mut server = server();
    let join = format!(r#"["1","1","room:x","phx_join",{{"meta":{meta}}}]"#);
    server.text("A", &join);
    let received = server.text("B", r#"["1","1","room:x","phx_join",{"meta":{}}]"#);
    let state =
        received[1].strip_prefix(r#"["1",null,"room:x","presence_state",{"ann":{"metas":["#);
    let state = state.unwrap_or_else(|| panic!("{received:?}"));
    state.split(r#"]},"bob""#).next().unwrap().to_owned()
}

#[test]
fn what_a_client_shows_is_its_meta_with_a_ref() {
    for (meta, expected) in [
        (r#"{"a":1.50,"b":[{}]}"#, r#"{"a":1.50,"b":[{}],"phx_ref":"1"}"#),
        ("{}", r#"{"phx_ref":"1"}"#),
        ("{ }", r#"{"phx_ref":"1"}"#),
        ("null", r#"{"phx_ref":"1"}"#),
        (r#""away""#, r#"{"data":"away","phx_ref":"1"}"#),
        ("[1]", r#"{"data":[1],"phx_ref":"1"}"#),
        ("7", r#"{"data":7,"phx_ref":"1"}"#),
    ] {
        assert_eq!(shown(meta), expected, "{meta}");
    }
}

#[test]
fn nobody_can_forge_a_ref() {
    for (meta, expected) in [
        (r#"{"phx_ref":"9","a":1}"#, r#"{"a":1,"phx_ref":"1"}"#),
        (r#"{"a":1,"phx_ref_prev":"9"}"#, r#"{"a":1,"phx_ref":"1"}"#),
        (r#"{"phx\u005fref":"9"}"#, r#"{"phx_ref":"1"}"#),
        (r#"{"a":"phx_ref","phx_refs":1}"#, r#"{"a":"phx_ref","phx_refs":1,"phx_ref":"1"}"#),
        (r#"{"a\"b":{"phx_ref":1}}"#, r#"{"a\"b":{"phx_ref":1},"phx_ref":"1"}"#),
    ] {
        assert_eq!(shown(meta), expected, "{meta}");
    }
}

#[test]
fn names_of_prototypes_are_names_like_others() {
    let meta = r#"{"__proto__":{"x":1},"constructor":2,"hasOwnProperty":3}"#;
    let expected = meta.replace("3}", r#"3,"phx_ref":"1"}"#);
    assert_eq!(shown(meta), expected);

    let mut server = server();
    for (client, user) in [("P", "__proto__"), ("C", "constructor"), ("Q", "\"\\\n")] {
        server.connect(client, user);
        server.text(client, r#"["1","1","room:x","phx_join",{}]"#);
    }
    let received = server.text("A", r#"["1","1","room:x","phx_join",{}]"#);
    assert_eq!(
        received[1],
        r#"["1",null,"room:x","presence_state",{"__proto__":{"metas":[{"phx_ref":"1"}]},"constructor":{"metas":[{"phx_ref":"2"}]},"\"\\\u000a":{"metas":[{"phx_ref":"3"}]},"ann":{"metas":[{"phx_ref":"4"}]}}]"#
    );
}

#[test]
fn a_change_names_what_it_replaces() {
    let mut server = server();
    server.text("A", r#"["1","1","room:x","phx_join",{"meta":{"at":1}}]"#);
    let received = server.text("A", r#"["1","2","room:x","parlor:track",{"meta":{"at":2}}]"#);
    assert_eq!(
        received[1],
        r#"[null,null,"room:x","presence_diff",{"joins":{"ann":{"metas":[{"at":2,"phx_ref":"2","phx_ref_prev":"1"}]}},"leaves":{"ann":{"metas":[{"at":1,"phx_ref":"1"}]}}}]"#
    );
    let received = server.text("A", r#"["1","3","room:x","parlor:track",{"meta":{"at":3}}]"#);
    assert!(received[1].contains(r#"{"at":3,"phx_ref":"3","phx_ref_prev":"2"}"#));
    let received = server.text("A", r#"["1","4","room:x","parlor:untrack",{}]"#);
    assert!(received[1].contains(r#"{"joins":{},"leaves":{"ann":{"metas":[{"at":3,"#));
}

/// What a presence client of Phoenix holds: metas by ref, by key.
type List = BTreeMap<String, Vec<Value>>;

/// Does as `Presence.syncState` and `Presence.syncDiff` of the npm client do.
fn sync(list: &mut List, frame: &str) {
    let frame: Value = serde_json::from_str(frame).unwrap();
    let payload = frame[4].as_object().unwrap();
    let refs = |metas: &[Value]| -> Vec<Value> {
        metas.iter().map(|meta| meta["phx_ref"].clone()).collect()
    };
    let metas = |presence: &Value| presence["metas"].as_array().unwrap().clone();
    match frame[3].as_str().unwrap() {
        "presence_state" => {
            *list = payload.iter().map(|(key, of)| (key.clone(), metas(of))).collect();
        }
        "presence_diff" => {
            for (key, joined) in payload["joins"].as_object().unwrap() {
                let joined = metas(joined);
                let known = list.entry(key.clone()).or_default();
                known.retain(|meta| !refs(&joined).contains(&meta["phx_ref"]));
                known.extend(joined);
            }
            for (key, left) in payload["leaves"].as_object().unwrap() {
                let Some(known) = list.get_mut(key) else { continue };
                let left = refs(&metas(left));
                known.retain(|meta| !left.contains(&meta["phx_ref"]));
                if known.is_empty() {
                    list.remove(key);
                }
            }
        }
        _ => {}
    }
}

#[test]
fn three_clients_and_two_of_one_user_agree_whatever_happens() {
    let room = RoomConfig::default().with_presence_window_ms(10);
    for config in [Config::default(), Config::builder().default_room(room).build().unwrap()] {
        let mut server = of(config);
        server.connect("C", "ann");
        let mut lists: BTreeMap<&str, List> = BTreeMap::new();
        let frames = [
            ("A", r#"["1","1","room:x","phx_join",{"meta":{"n":1}}]"#),
            ("B", r#"["1","1","room:x","phx_join",{}]"#),
            ("C", r#"["1","1","room:x","phx_join",{"meta":{"n":2}}]"#),
            ("A", r#"["1","2","room:x","parlor:track",{"meta":{"n":3}}]"#),
            ("B", r#"["1","2","room:x","parlor:untrack",{}]"#),
            ("C", r#"["2","2","room:x","phx_join",{"meta":{"n":4}}]"#),
            ("B", r#"["1","3","room:x","parlor:track",{}]"#),
            ("A", r#"["1","4","room:x","phx_leave",{}]"#),
            ("A", r#"["5","5","room:x","phx_join",{"meta":{"n":5}}]"#),
        ];
        for (client, text) in frames {
            for frame in server.text(client, text) {
                sync(lists.entry(client).or_default(), &frame);
            }
            agree(&mut server, &mut lists);
        }
        server.handle(Disconnect::new("C", 30));
        lists.remove("C");
        server.connections.remove("C");
        agree(&mut server, &mut lists);
        assert_eq!(lists["A"].len(), 2);
        assert_eq!(lists["A"]["ann"].len(), 1, "one of ann's clients has gone");
        assert_eq!(lists["A"]["ann"][0]["n"], 5);
    }
}

/// Ends windows, lets everyone read what it has received, and compares.
fn agree(server: &mut Server, lists: &mut BTreeMap<&str, List>) {
    server.now_ms += 20;
    let now_ms = server.now_ms;
    server.handle(Tick::new(now_ms));
    for (client, list) in lists.iter_mut() {
        let received = server.received(client);
        for frame in received {
            sync(list, &frame);
        }
    }
    let present = server.channel.presences(&"room:x".into());
    let mut expected: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for entry in present.iter() {
        let refs = entry.metas.iter().map(|meta| meta.reference.to_string());
        expected.entry(entry.key.to_string()).or_default().extend(refs);
    }
    for refs in expected.values_mut() {
        refs.sort();
    }
    let joined = lists
        .iter()
        .filter(|(client, _)| server.channel.is_member(&(**client).into(), &"room:x".into()));
    for (client, list) in joined {
        let refs = |metas: &Vec<Value>| -> Vec<String> {
            let text = |meta: &Value| meta["phx_ref"].as_str().unwrap().to_owned();
            let mut refs: Vec<_> = metas.iter().map(text).collect();
            refs.sort();
            refs
        };
        let got: BTreeMap<_, _> = list.iter().map(|(key, of)| (key.clone(), refs(of))).collect();
        assert_eq!(got, expected, "{client}");
    }
}

/// The presence states that the last of several clients gets, in a room as it may be: users with
/// several clients, metas that were changed, and others that have gone.
fn states(config: Config) -> Vec<PresenceState> {
    let mut channel = Channel::single_node(config);
    for (number, user) in ["ann", "bob", "ann", "eve", "bob", "ann", "joe"].iter().enumerate() {
        let meta = Json::of(&vec![number; 10]).unwrap();
        channel.handle(Join::new(format!("c{number}"), "x", *user, 0).with_meta(meta).into());
    }
    channel.handle(Leave::new("c1", "x").into());
    channel.handle(Track::new("c0", "x").with_meta(Json::of("changed").unwrap()).into());
    channel.handle(Tick::new(10).into());
    channel.handle(Join::new("last", "x", "bob", 10).into());
    let outbox = channel.flush_outbox().into_iter();
    let states = outbox.filter_map(|outbound| {
        let Outbound::PresenceState(state) = outbound else { return None };
        Some(state)
    });
    states.collect()
}

/// What a client has that puts pieces together, which are about so long.
fn put_together(state: &PresenceState, max_bytes: usize) -> (Value, usize) {
    let connection = Connection::new("last", "bob");
    let (mut list, mut first, mut pieces) = (serde_json::Map::new(), Some(0), 0);
    while let Some(from) = first {
        let StatePiece { frame, next, .. } = connection.state_piece(state, from, max_bytes);
        let frame: Value = serde_json::from_str(frame.as_text().unwrap()).unwrap();
        let joins = if from == 0 {
            assert_eq!(frame[3], "presence_state");
            &frame[4]
        } else {
            assert_eq!((&frame[3], &frame[4]["leaves"]), (&"presence_diff".into(), &json!({})));
            &frame[4]["joins"]
        };
        for (key, entry) in joins.as_object().unwrap() {
            let known = list.entry(key).or_insert_with(|| json!({"metas": []}));
            let metas = entry["metas"].as_array().unwrap().iter().cloned();
            known["metas"].as_array_mut().unwrap().extend(metas);
        }
        (first, pieces) = (next, pieces + 1);
    }
    (list.into(), pieces)
}

#[test]
fn r8_a1_a_presence_state_in_pieces_is_the_same_list() {
    let windows = RoomConfig::default().with_presence_window_ms(5);
    for config in [Config::default(), Config::builder().default_room(windows).build().unwrap()] {
        for state in states(config) {
            let (whole, pieces) = put_together(&state, usize::MAX);
            assert_eq!(pieces, 1);
            let metas = state.entries.meta_count().max(1);
            for (max_bytes, expected) in [(1, metas), (150, 0), (400, 0)] {
                let (list, pieces) = put_together(&state, max_bytes);
                assert_eq!(list, whole, "in pieces of {max_bytes}");
                assert!(expected == 0 || pieces == expected, "{pieces} pieces of one meta each");
            }
            let metas = |from| -> Vec<_> {
                let entries = state.entries.iter_from(from);
                entries.flat_map(|entry| entry.metas.to_vec()).collect()
            };
            for from in 0..state.entries.meta_count() {
                assert_eq!(metas(from), metas(0)[from..], "from {from}");
            }
        }
    }
}

#[test]
fn a1_a_join_that_is_interrupted_ends_with_an_error_and_can_be_made_again() {
    let mut connection = Connection::new("A", "ann");
    let join = r#"["1","1","x","phx_join",{}]"#;
    assert!(connection.interrupt(&"x".into(), "too_slow").is_empty());
    assert!(matches!(connection.text(join, 0), Ok(Incoming::Event(_))));
    connection.withdraw_join(&"x".into());
    assert_eq!(connection.topics().count(), 0);

    let mut server = server();
    server.text("A", join);
    let ended = server.connection("A").interrupt(&"x".into(), "too_slow");
    let ended: Vec<_> = ended.iter().filter_map(Frame::as_text).collect();
    assert_eq!(ended, [r#"["1","1","x","phx_error",{"reason":"too_slow"}]"#]);
    let received = server.text("A", r#"["2","2","x","phx_join",{}]"#);
    assert!(received[0].contains(r#""rejoined":true"#), "{received:?}");
}
