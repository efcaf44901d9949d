//! Coming back: the client does not join again after a lost connection, so the server does it.

use parlor::{
    Decision, Event, EventDefinition, HistoryOnJoin, JoinRequest, Position, RoomConfig, Tick,
    wire::dialogue::Connection,
};

use super::world::{World, config};

const CHAT: &str = r#"{"roomId":"chat"}"#;

/// Ann's `c1` in `general` and `chat`, which keeps history, and bob's `c2` in `chat`.
fn world() -> World {
    let chat = RoomConfig::default()
        .with_event(EventDefinition::new("message").with_history(9))
        .with_history_on_join(HistoryOnJoin::All)
        .with_default_subscriptions(["message"]);
    let mut world = World::new(config().room("chat", chat).grace_ms(30_000));
    world.connect("c1", "ann");
    world.connect("c2", "bob");
    for (client, room) in [("c1", "general"), ("c1", "chat"), ("c2", "chat")] {
        world.say(client, "join", &format!(r#"{{"roomId":"{room}"}}"#));
    }
    world.say("c2", "trigger", r#"{"roomId":"chat","event":"message","data":1}"#);
    world.forget();
    world
}

/// Loses ann's socket, and says two things meanwhile.
fn lose(world: &mut World) -> Option<Position> {
    let position = world.channel.room(&"chat".into()).map(|room| room.position);
    world.disconnect("c1");
    for event in ["message", "other"] {
        let said = format!(r#"{{"roomId":"chat","event":"{event}","data":2}}"#);
        world.say("c2", "trigger", &said);
    }
    world.forget();
    position
}

/// Accepts a socket for ann's client, and restores what it was in. Checks what it is sent after
/// `dialogue:connected`.
#[track_caller]
fn restore(world: &mut World, rooms: &[(&str, Option<Position>)], expected: &[&str]) {
    world.connect("c1", "ann");
    let rooms = rooms.iter().map(|(room, since)| (*room, *since));
    for event in world.connection("c1").restore(rooms, world.now_ms) {
        world.hand_in(event);
    }
    let connected = r#"["dialogue:connected",{"clientId":"c1","userId":"ann"}]"#;
    world.check("c1", &[&[connected], expected].concat());
}

#[test]
fn who_is_restored_hears_what_it_has_missed_and_goes_on() {
    let mut world = world();
    let since = lose(&mut world);
    restore(
        &mut world,
        &[("general", None), ("chat", since)],
        &[
            r#"["dialogue:event",{"event":"message","roomId":"chat","data":2,"from":"bob","timestamp":1000}]"#,
        ],
    );
    world.check("c2", &[]);

    world.say("c2", "trigger", r#"{"roomId":"chat","event":"message","data":3}"#);
    world.say("c2", "trigger", r#"{"roomId":"chat","event":"other","data":3}"#);
    world.check_begins("c1", &[r#"["dialogue:event",{"event":"message","#]);
    assert_eq!(world.subscribers("general"), ["c1"]);
    assert_eq!(world.channel.topics_of(&"c1".into()), ["general", "chat"]);
}

#[test]
fn without_a_position_it_goes_on_in_silence() {
    let mut world = world();
    lose(&mut world);
    restore(&mut world, &[("chat", None)], &[]);
    assert_eq!(world.subscribers("chat"), ["c1", "c2"]);
}

#[test]
fn past_the_grace_it_is_let_in_again_with_what_the_room_shows() {
    let mut world = world();
    lose(&mut world);
    world.now_ms += 30_000;
    world.hand_in(Tick::new(world.now_ms));
    restore(
        &mut world,
        &[("chat", None)],
        &[
            r#"["dialogue:history",{"roomId":"chat","events":[{"event":"message","roomId":"chat","data":2,"from":"bob","timestamp":1000},{"event":"message","roomId":"chat","data":1,"from":"bob","timestamp":1000}]}]"#,
        ],
    );
    assert_eq!(world.subscribers("chat"), ["c2", "c1"]);
}

#[test]
fn where_it_is_a_member_no_more_it_is_told_without_an_error() {
    let mut world = world();
    world.guard.on_join("chat", |_: &JoinRequest<'_>, _| Decision::refuse("members only"));
    lose(&mut world);
    restore(
        &mut world,
        &[("gone", None), ("chat", None)],
        &[
            r#"["dialogue:roomDeleted",{"roomId":"gone"}]"#,
            r#"["dialogue:left",{"roomId":"chat"}]"#,
        ],
    );
}

#[test]
fn a_crash_is_not_told_and_ends_nothing_that_is_restored() {
    let mut world = world();
    world.hand_in(Event::crash("boom"));
    for event in world.connection("c1").restore([("general", None), ("chat", None)], 1_000) {
        world.hand_in(event);
    }
    world.check("c1", &[]);
    world.hand_in(Event::Restart);
    for event in world.connection("c1").restore([("general", None), ("chat", None)], 1_000) {
        world.hand_in(event);
    }
    world.check("c1", &[]);
    world.say("c1", "join", CHAT);
    world.check("c1", &[r#"["dialogue:joined",{"roomId":"chat","roomName":"chat"}]"#]);
    assert_eq!(world.subscribers("chat"), ["c1"]);
}

#[test]
fn a_client_that_joins_itself_before_it_is_restored_is_answered() {
    let mut world = world();
    lose(&mut world);
    world.connect("c1", "ann");
    world.forget();
    world.say("c1", "join", CHAT);
    world.check("c1", &[r#"["dialogue:joined",{"roomId":"chat","roomName":"chat"}]"#]);
}

#[test]
fn rooms_are_restored_in_their_order_with_their_positions() {
    let connection = Connection::new("c1", "ann");
    let since = Position { epoch: 1, offset: 2 };
    let events = connection.restore([("a", Some(since)), ("b", None)], 7);
    let rejoin = |topic: &str| parlor::Rejoin::new("c1", topic, "ann", 7);
    assert_eq!(events, [rejoin("a").with_since(since).into(), rejoin("b").into()]);
}
