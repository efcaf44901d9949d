//! What the unmodified client relies on, one by one, and what its server gets wrong and this does
//! not.

use parlor::{
    Disconnect, EventDefinition, HistoryOnJoin, Join, Json, Kick, RoomConfig, StoredMessage, Tick,
    wire::dialogue::{Connection, Incoming},
};

use super::world::{World, config};

const JOINED: &str = r#"["dialogue:joined",{"roomId":"general","roomName":"General Chat"}]"#;
const LEFT: &str = r#"["dialogue:left",{"roomId":"general"}]"#;
const GENERAL: &str = r#"{"roomId":"general"}"#;

fn world_with(room: RoomConfig) -> World {
    let mut world = World::new(config().room("chat", room));
    world.connect("c1", "ann");
    world.connect("c2", "bob");
    world.forget();
    world
}

fn world() -> World {
    world_with(RoomConfig::default())
}

fn trigger(room: &str, event: &str, data: &str) -> String {
    format!(r#"{{"roomId":"{room}","event":"{event}","data":{data}}}"#)
}

#[test]
fn o1_connected_needs_nothing_of_the_channel() {
    let connection = Connection::new("c1", "ann");
    let packet = connection.connected();
    let expected = r#"["dialogue:connected",{"clientId":"c1","userId":"ann"}]"#;
    assert_eq!(packet.to_string(), expected);
    assert_eq!((connection.client_id().as_str(), connection.user_id().as_str()), ("c1", "ann"));
}

#[test]
fn connections_and_packets_go_where_sockets_do() {
    fn goes<T: Send + Sync + Clone + std::fmt::Debug + 'static>() {}
    goes::<Connection>();
    goes::<Incoming>();
    goes::<parlor::wire::dialogue::Packet>();
    assert!(size_of::<Connection>() <= 256, "{}", size_of::<Connection>());
}

#[test]
fn o2_every_join_is_answered_also_in_a_room_that_the_server_has_joined() {
    let mut world = world();
    world.hand_in(Join::new("c1", "general", "ann", 0));
    world.forget();
    for _ in 0..3 {
        world.say("c1", "join", GENERAL);
        world.check("c1", &[JOINED]);
    }
    world.say("c1", "join", r#"{"roomId":"nowhere"}"#);
    world.check_begins("c1", &[r#"["dialogue:error","#]);
    world.check("c2", &[]);
}

#[test]
fn o3_nobody_hears_of_the_errors_of_others() {
    let mut world = world();
    for room in ["general", "nowhere"] {
        world.say("c1", "join", &format!(r#"{{"roomId":"{room}"}}"#));
        world.say("c1", "deleteRoom", &format!(r#"{{"roomId":"{room}"}}"#));
        world.say("c1", "getHistory", &format!(r#"{{"roomId":"{room}"}}"#));
        world.say("c1", "trigger", &trigger(room, "*", "1"));
    }
    let errors = world.received("c1");
    assert_eq!(errors.iter().filter(|packet| packet.name() == "dialogue:error").count(), 6);
    world.check("c2", &[]);
}

#[test]
fn o4_who_makes_or_deletes_a_room_hears_of_it_without_being_a_member() {
    let mut world = world();
    world.say("c1", "createRoom", r#"{"id":"a","name":"A"}"#);
    world.say("c1", "deleteRoom", r#"{"roomId":"a"}"#);
    world.check(
        "c1",
        &[
            r#"["dialogue:roomCreated",{"id":"a","name":"A","createdById":"ann"}]"#,
            r#"["dialogue:roomDeleted",{"roomId":"a"}]"#,
        ],
    );
}

/// A room that keeps one message of each name, and two pages of it that ann has asked for: the
/// first has to be loaded.
fn world_with_two_pages(first: &str, second: &str) -> World {
    let chat = EventDefinition::new("message").with_history(1);
    let mut world = world_with(RoomConfig::default().with_event(chat));
    world.say("c1", "join", r#"{"roomId":"chat"}"#);
    world.say("c1", "trigger", &trigger("chat", "message", "1"));
    world.forget();
    world.say("c1", "getHistory", first);
    world.check("c1", &[]);
    world.say("c1", "getHistory", second);
    world
}

const OLD: &str = r#"{"roomId":"chat","eventName":"message","start":1,"end":2}"#;
const NEW: &str = r#"{"roomId":"chat","eventName":"message","start":0,"end":1}"#;
const OLD_PAGE: &str = r#"["dialogue:historyResponse",{"roomId":"chat","eventName":"message","events":[{"event":"message","roomId":"chat","data":0,"from":"ann","timestamp":5}],"start":1,"end":2}]"#;
const NEW_PAGE: &str = r#"["dialogue:historyResponse",{"roomId":"chat","eventName":"message","events":[{"event":"message","roomId":"chat","data":1,"from":"ann","timestamp":1000}],"start":0,"end":1}]"#;

fn load(world: &mut World) {
    let page = world.loads.remove(0);
    let stored = StoredMessage::new("message", Json::parse("0").unwrap(), "ann", 1, 5);
    world.load(page, vec![stored]);
}

#[test]
fn o5_pages_that_clients_cannot_tell_apart_come_in_the_order_in_which_they_were_asked_for() {
    let mut world = world_with_two_pages(OLD, NEW);
    world.check("c1", &[]);
    load(&mut world);
    world.check("c1", &[OLD_PAGE, NEW_PAGE]);

    let mut world = world_with_two_pages(OLD, OLD);
    world.loads.reverse();
    load(&mut world);
    world.check("c1", &[]);
    load(&mut world);
    world.check("c1", &[OLD_PAGE, OLD_PAGE]);
}

#[test]
fn o5_pages_of_other_rooms_and_events_do_not_wait() {
    for other in [
        r#"{"roomId":"chat","eventName":"other","start":0,"end":1}"#,
        r#"{"roomId":"chat","start":0,"end":1}"#,
        r#"{"roomId":"general","eventName":"message","start":0,"end":1}"#,
    ] {
        let mut world = world_with_two_pages(OLD, OLD);
        world.say("c1", "join", GENERAL);
        world.forget();
        world.say("c1", "getHistory", other);
        world.check_begins("c1", &[r#"["dialogue:historyResponse","#]);
    }
}

#[test]
fn o5_a_refusal_holds_nothing_up() {
    let mut world = world();
    let two = [(); 2].map(|()| world.arrive("c1", "dialogue:getHistory", Some(NEW)).unwrap());
    let [refused, asked] = two;
    world.hand_in(refused);
    world.check_begins("c1", &[r#"["dialogue:error","#]);
    world.hand_in(Join::new("c1", "chat", "ann", 0));
    world.forget();
    world.hand_in(asked);
    world.check_begins("c1", &[r#"["dialogue:historyResponse","#]);
}

#[test]
fn o5_a_page_that_never_comes_holds_nothing_up_for_longer_than_clients_wait() {
    let mut world = world_with_two_pages(OLD, NEW);
    world.now_ms += 4_999;
    world.say("c1", "getHistory", NEW);
    world.check("c1", &[]);
    world.now_ms += 1;
    world.say("c1", "leave", GENERAL);
    world.say("c1", "getHistory", r#"{"roomId":"chat","start":0,"end":0}"#);
    // The first two are given up, by the client too.
    world.check_begins(
        "c1",
        &[
            r#"["dialogue:historyResponse",{"roomId":"chat","eventName":"message","#,
            r#"["dialogue:historyResponse",{"roomId":"chat","eventName":null,"#,
        ],
    );
    load(&mut world);
    world.check("c1", &[]);
}

#[test]
fn o5_a_page_that_comes_to_nothing_by_a_leave_holds_nothing_up() {
    let mut world = world_with_two_pages(OLD, NEW);
    world.say("c1", "leave", r#"{"roomId":"chat"}"#);
    world.check("c1", &[NEW_PAGE, r#"["dialogue:left",{"roomId":"chat"}]"#]);
    world.say("c1", "join", r#"{"roomId":"chat"}"#);
    world.forget();
    world.say("c1", "trigger", &trigger("chat", "other", "1"));
    world.forget();
    world.say("c1", "getHistory", r#"{"roomId":"chat","eventName":"message","end":0}"#);
    world.check_begins("c1", &[r#"["dialogue:historyResponse","#]);
}

#[test]
fn o5_of_many_requests_the_oldest_hold_nothing_up() {
    let rate = parlor::RateLimit::new(u32::MAX, 1);
    let mut world = world();
    world.connect_as(Connection::new("c3", "cy").with_history_rate(rate));
    world.say("c3", "join", r#"{"roomId":"chat"}"#);
    world.forget();
    let mut asked: Vec<_> =
        (0..66).map(|_| world.arrive("c3", "dialogue:getHistory", Some(NEW)).unwrap()).collect();
    let (third, first) = (asked.remove(2), asked.remove(0));
    world.hand_in(third);
    assert_eq!(world.received("c3").len(), 1, "the third of 66 is the oldest that is kept");
    world.hand_in(asked.pop().unwrap());
    world.check("c3", &[]);
    world.hand_in(first);
    assert_eq!(world.received("c3").len(), 1, "the first is not kept in order");
}

#[test]
fn o6_each_list_of_rooms_is_answered_once() {
    let mut world = world();
    world.emit("c1", "dialogue:listRooms", None);
    world.check_begins("c1", &[r#"["dialogue:rooms",[{"id":"general","#]);
    world.check("c2", &[]);
}

#[test]
fn o7_only_what_was_subscribed_to_is_delivered() {
    let mut world = world_with(RoomConfig::default().with_default_subscriptions(["alert"]));
    for client in ["c1", "c2"] {
        world.say(client, "join", r#"{"roomId":"chat"}"#);
    }
    world.say("c1", "subscribe", r#"{"roomId":"chat","eventName":"chat"}"#);
    world.forget();
    world.say("c2", "trigger", &trigger("chat", "chat", "1"));
    world.say("c2", "trigger", &trigger("chat", "other", "1"));
    world.check_begins("c1", &[r#"["dialogue:event",{"event":"chat","#]);
    world.check("c2", &[]);
}

#[test]
fn o9_a_client_that_goes_leaves_each_room_and_then_disconnects() {
    let mut world = world();
    for room in ["general", "chat"] {
        world.say("c1", "join", &format!(r#"{{"roomId":"{room}"}}"#));
    }
    world.forget();
    for room in ["general", "chat"] {
        world.say("c1", "leave", &format!(r#"{{"roomId":"{room}"}}"#));
    }
    world.check("c1", &[LEFT, r#"["dialogue:left",{"roomId":"chat"}]"#]);
    world.disconnect("c1");
    world.check("c2", &[]);
    assert_eq!(world.channel.stats().clients, 1);
}

#[test]
fn o10_a_room_that_was_deleted_can_be_made_and_joined_again() {
    let mut world = world();
    for _ in 0..2 {
        world.say("c1", "createRoom", r#"{"id":"a","name":"A"}"#);
        world.say("c1", "join", r#"{"roomId":"a"}"#);
        world.say("c1", "deleteRoom", r#"{"roomId":"a"}"#);
        world.say("c1", "join", r#"{"roomId":"a"}"#);
        world.check_begins(
            "c1",
            &[
                r#"["dialogue:roomCreated","#,
                r#"["dialogue:joined","#,
                r#"["dialogue:roomDeleted","#,
                r#"["dialogue:error",{"code":"ROOM_NOT_FOUND","#,
            ],
        );
    }
}

#[test]
fn a_session_goes_as_it_was_observed() {
    let chat = EventDefinition::new("message").with_history(9);
    let shown = RoomConfig::default().with_event(chat);
    let mut world = world_with(shown.with_history_on_join(HistoryOnJoin::All));
    world.say("c2", "join", r#"{"roomId":"chat"}"#);
    world.say("c2", "trigger", &trigger("chat", "message", "0"));
    world.forget();

    world.connect("c3", "cy");
    world.say("c3", "join", r#"{"roomId":"chat"}"#);
    world.say("c3", "trigger", &trigger("chat", "message", "1"));
    let page = r#"{"roomId":"chat","eventName":"message","start":0,"end":2}"#;
    world.say("c3", "getHistory", page);
    world.say("c3", "leave", r#"{"roomId":"chat"}"#);
    world.check_begins(
        "c3",
        &[
            r#"["dialogue:connected","#,
            r#"["dialogue:joined","#,
            r#"["dialogue:history","#,
            r#"["dialogue:event","#,
            r#"["dialogue:historyResponse","#,
            r#"["dialogue:left","#,
        ],
    );
    world.check_begins("c2", &[r#"["dialogue:event","#]);
}

#[test]
fn defect_who_was_refused_gets_no_history_and_hears_nothing() {
    let full = RoomConfig::default()
        .with_max_members(1)
        .with_event(EventDefinition::new("message").with_history(9))
        .with_history_on_join(HistoryOnJoin::All);
    let mut world = world_with(full);
    world.say("c2", "join", r#"{"roomId":"chat"}"#);
    world.say("c2", "trigger", &trigger("chat", "message", "0"));
    world.say("c1", "join", r#"{"roomId":"chat"}"#);
    world.say("c2", "trigger", &trigger("chat", "message", "1"));
    world.check_begins("c1", &[r#"["dialogue:error",{"code":"ROOM_FULL","#]);
}

#[test]
fn defect_a_member_of_a_room_made_anew_is_a_member_and_others_are_none() {
    let mut world = world();
    for client in ["c1", "c2"] {
        world.say("c1", "createRoom", r#"{"id":"a","name":"A"}"#);
        world.say(client, "join", r#"{"roomId":"a"}"#);
        assert_eq!(world.subscribers("a"), [client]);
        world.forget();
        world.say(client, "trigger", &trigger("a", "e", "1"));
        world.check_begins(client, &[r#"["dialogue:event","#]);
        world.say("c1", "deleteRoom", r#"{"roomId":"a"}"#);
    }
}

#[test]
fn defect_a_room_without_creator_is_deleted_by_no_client() {
    let mut world = world();
    world.say("c1", "join", GENERAL);
    world.forget();
    world.say("c1", "deleteRoom", GENERAL);
    world.check_begins("c1", &[r#"["dialogue:error",{"code":"PERMISSION_DENIED","#]);
    assert_eq!(world.subscribers("general"), ["c1"]);
}

#[test]
fn defect_a_room_of_a_client_takes_events_and_shows_history() {
    let of_clients = RoomConfig::default()
        .with_event(EventDefinition::new("*").with_history(9))
        .with_history_on_join(HistoryOnJoin::All);
    let mut world = World::new(config().room("*", of_clients));
    world.connect("c1", "ann");
    world.connect("c2", "bob");
    world.say("c1", "createRoom", r#"{"id":"a","name":"A"}"#);
    world.say("c1", "join", r#"{"roomId":"a"}"#);
    world.forget();
    world.say("c1", "trigger", &trigger("a", "anything", "1"));
    world.check_begins("c1", &[r#"["dialogue:event",{"event":"anything","#]);
    world.say("c2", "join", r#"{"roomId":"a"}"#);
    world.check_begins("c2", &[r#"["dialogue:joined","#, r#"["dialogue:history","#]);
}

#[test]
fn defect_a_client_that_is_kicked_or_lost_leaves_no_ghost() {
    let mut world = world();
    for client in ["c1", "c2"] {
        world.say(client, "join", GENERAL);
    }
    world.hand_in(Kick::new("c1", "spam"));
    world.hand_in(Disconnect::new("c2", 5));
    world.hand_in(Tick::new(10));
    assert_eq!(world.channel.membership_count(), 0);
    assert_eq!(world.channel.stats().clients, 0);
}

#[test]
fn defect_messages_of_one_millisecond_keep_their_order() {
    let chat = EventDefinition::new("message").with_history(9);
    let other = EventDefinition::new("other").with_history(9);
    let mut world = world_with(
        RoomConfig::default()
            .with_event(chat)
            .with_event(other)
            .with_history_on_join(HistoryOnJoin::Total(2)),
    );
    world.say("c1", "join", r#"{"roomId":"chat"}"#);
    for (event, data) in [("message", "1"), ("other", "2"), ("message", "3")] {
        world.say("c1", "trigger", &trigger("chat", event, data));
    }
    world.say("c2", "join", r#"{"roomId":"chat"}"#);
    world.check("c2", &[
        r#"["dialogue:joined",{"roomId":"chat","roomName":"chat"}]"#,
        r#"["dialogue:history",{"roomId":"chat","events":[{"event":"message","roomId":"chat","data":3,"from":"ann","timestamp":1000},{"event":"other","roomId":"chat","data":2,"from":"ann","timestamp":1000}]}]"#,
    ]);
}

#[test]
fn defect_what_a_client_says_of_itself_is_not_believed() {
    let mut connection = Connection::new("c1", "ann");
    let forged = r#"{"roomId":"general","event":"e","data":1,"from":"bob","userId":"bob","client_id":"c2","timestamp":1}"#;
    let Incoming::Event(parlor::Event::Broadcast(broadcast)) =
        connection.event("dialogue:trigger", Some(forged), 0)
    else {
        panic!("expected a broadcast")
    };
    assert_eq!(broadcast.client_id, "c1");
    let mut world = world();
    world.say("c1", "join", GENERAL);
    world.forget();
    world.say("c1", "trigger", forged);
    world.check_begins("c1", &[
        r#"["dialogue:event",{"event":"e","roomId":"general","data":1,"from":"ann","timestamp":1000}]"#,
    ]);
}
