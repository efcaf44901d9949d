//! The order and the bounds of what waits, with topics as single letters.

use axum::extract::ws::Message;
use parlor::{
    Channel, Config, EventDefinition, Join, Outbound, Payload, Publish, Rejoin, RoomConfig,
};

use super::*;

const MAX: Load = Load { items: 100, bytes: 1_000_000 };

fn frame(text: &str) -> Item {
    Item::Frame(Message::Text(text.into()))
}

fn live(line: &mut Line, topic: &str, text: &str) -> Live {
    line.put(frame(text), text.len(), || Some(Tag::of(&topic.into())), MAX)
}

/// What one has missed in a topic: so many messages of so many bytes.
fn missed(topic: &str, many: usize, bytes: usize) -> Replay {
    let room = RoomConfig::default().with_event(EventDefinition::new("e").with_history(u32::MAX));
    let mut channel = Channel::single_node(Config::builder().default_room(room).build().unwrap());
    channel.handle(Join::new("other", topic, "bob", 0).into());
    for at in 0..many {
        let payload = Payload::json(format!("\"{topic}{at}{}\"", "x".repeat(bytes))).unwrap();
        channel.handle(Publish::new(parlor::Address::Topic(topic.into()), "e", payload).into());
    }
    drop(channel.flush_outbox());
    let since = parlor::Position { epoch: 1, offset: 0 };
    channel.handle(Rejoin::new("c", topic, "ann", 0).with_since(since).into());
    let outbox = channel.flush_outbox().into_iter();
    Replay::new(
        outbox.filter(|outbound| matches!(outbound, Outbound::BroadcastMessage(_))).collect(),
    )
}

/// What an item says, shortened.
fn said(item: &Item) -> String {
    let text = if let Item::Frame(Message::Text(text)) = item {
        text.as_str().to_owned()
    } else if let Item::Missed(outbound) = item {
        let Outbound::BroadcastMessage(message) = &**outbound else {
            return outbound.label().to_owned();
        };
        match &message.payload {
            Payload::Json(json) => json.as_str().trim_matches('"').to_owned(),
            Payload::Bytes(_) => "bytes".to_owned(),
        }
    } else if let Item::Interrupted(topic) = item {
        format!("interrupted {topic}")
    } else {
        format!("{item:?}")
    };
    text.trim_end_matches('x').to_owned()
}

/// What one batch has.
fn batch(line: &mut Line) -> Vec<String> {
    let mut items = Vec::new();
    line.take(&mut items);
    items.iter().map(said).collect()
}

/// All that waits.
fn drain(line: &mut Line) -> Vec<String> {
    let mut all = Vec::new();
    loop {
        let batch = batch(line);
        if batch.is_empty() {
            return all;
        }
        all.extend(batch);
    }
}

#[test]
fn a1_live_messages_stay_behind_the_answer_of_their_topic_and_others_pass() {
    let mut line = Line::default();
    assert_eq!(live(&mut line, "a", "before"), Live::Waits);
    line.replay(&"a".into(), missed("a", 3, 0));
    assert_eq!(live(&mut line, "a", "after"), Live::Waits);
    assert_eq!(live(&mut line, "b", "other"), Live::Waits);
    assert_eq!(drain(&mut line), ["before", "other", "a0", "a1", "a2", "after"]);
    assert_eq!(live(&mut line, "a", "later"), Live::Waits);
    assert_eq!(drain(&mut line), ["later"]);
    assert_eq!((line.live(), line.answers()), (Load::default(), Load::default()));
}

#[test]
fn a1_an_answer_has_no_bound_and_goes_out_a_batch_at_a_time() {
    let mut line = Line::default();
    let replay = missed("a", 500, 10_000);
    let size = replay.size();
    line.replay(&"a".into(), replay);
    assert_eq!(line.answers(), Load { items: 500, bytes: size });
    assert!(size > 4 * MAX.bytes);
    assert_eq!(batch(&mut line).len(), 7, "64 KiB, and what goes past that");
    assert_eq!(drain(&mut line).len(), 493);
    assert_eq!(line.answers(), Load::default());
}

#[test]
fn a1_while_the_main_line_has_more_an_answer_gets_a_part_of_each_batch() {
    let mut line = Line::default();
    line.replay(&"a".into(), missed("a", 50, 1_000));
    for at in 0..90 {
        assert_eq!(live(&mut line, "b", &format!("{at}")), Live::Waits);
    }
    let first = batch(&mut line);
    let of_answer = first.iter().filter(|said| said.starts_with('a')).count();
    assert!((1..48).contains(&of_answer), "{first:?}");
    assert!(first.len() - of_answer >= 48, "{first:?}");
    let all = drain(&mut line);
    assert_eq!(first.len() + all.len(), 140);
}

#[test]
fn a1_one_live_message_too_many_behind_an_answer_ends_that_membership() {
    let mut line = Line::default();
    line.replay(&"a".into(), missed("a", 9, 0));
    for at in 0..MAX.items {
        assert_eq!(live(&mut line, "a", &format!("{at}")), Live::Waits);
    }
    assert_eq!(live(&mut line, "a", "one more"), Live::Dropped);
    assert_eq!(live(&mut line, "b", "other"), Live::Waits);
    assert_eq!(drain(&mut line), ["other", "interrupted a"]);
    assert_eq!(live(&mut line, "a", "unheard"), Live::Dropped);

    line.forget(&"a".into());
    assert_eq!(live(&mut line, "a", "heard"), Live::Waits, "once it has joined again");
    assert_eq!(drain(&mut line), ["heard"]);
    assert_eq!((line.live(), line.answers()), (Load::default(), Load::default()));
}

#[test]
fn a1_live_messages_that_are_not_behind_an_answer_are_bounded() {
    let mut line = Line::default();
    line.replay(&"a".into(), missed("a", 9, 0));
    for at in 0..MAX.items {
        assert_eq!(live(&mut line, "b", &format!("{at}")), Live::Waits);
    }
    assert_eq!(live(&mut line, "b", "one more"), Live::TooMuch);
}

#[test]
fn a1_a_topic_that_is_joined_again_says_nothing_of_before() {
    let mut line = Line::default();
    line.replay(&"a".into(), missed("a", 9, 100));
    assert_eq!(live(&mut line, "a", "old"), Live::Waits);
    line.replay(&"b".into(), missed("b", 1, 0));
    line.forget(&"a".into());
    line.replay(&"a".into(), missed("a", 2, 0));
    assert_eq!(drain(&mut line), ["b0", "a0", "a1"]);
    assert_eq!((line.live(), line.answers()), (Load::default(), Load::default()));
}

/// The reply to a request for a page.
fn answer() -> Item {
    let mut channel = Channel::single_node(Config::default());
    channel.handle(parlor::History::new("c", "a").with_ref("7").into());
    let Some(reply) = channel.flush_outbox().pop() else { panic!("it is answered") };
    Item::Outbound(reply.into())
}

#[test]
fn answers_of_a_topic_come_behind_what_was_missed_there_and_whatever_becomes_of_that() {
    let said = |items: Vec<String>| -> Vec<_> {
        let short =
            |said: String| if said.starts_with("Outbound") { "answer".into() } else { said };
        items.into_iter().map(short).collect()
    };
    let mut line = Line::default();
    line.replay(&"a".into(), missed("a", 2, 0));
    line.answer_of(&"a".into(), answer(), 10);
    line.answer_of(&"b".into(), answer(), 10);
    assert_eq!(said(drain(&mut line)), ["answer", "a0", "a1", "answer"]);
    // The client joins again, or is to join again: a request has its answer all the same.
    line.replay(&"a".into(), missed("a", 2, 0));
    line.answer_of(&"a".into(), answer(), 10);
    line.forget(&"a".into());
    assert_eq!(line.answers(), Load { items: 1, bytes: 10 });
    assert_eq!(said(drain(&mut line)), ["answer"]);
    assert_eq!((line.live(), line.answers()), (Load::default(), Load::default()));
}

#[test]
fn a1_a_presence_state_is_taken_a_piece_at_a_time() {
    let mut channel = Channel::single_node(Config::default());
    for client in 0..5 {
        channel.handle(Join::new(format!("c{client}"), "a", "ann", 0).into());
    }
    let state = channel.flush_outbox().into_iter().filter_map(|outbound| {
        let Outbound::PresenceState(state) = outbound else { return None };
        Some(state)
    });
    let mut line = Line::default();
    line.pieces(&"a".into(), Pieces::new(state.last().unwrap()), 1_000);
    assert_eq!(live(&mut line, "a", "diff"), Live::Waits);
    for first in [0, 2, 4] {
        let mut items = Vec::new();
        line.take(&mut items);
        let [Item::State(pieces)] = &*items else { panic!("{items:?}, expected a piece") };
        assert_eq!(pieces.first(), first);
        assert_eq!(line.answers().items, 1);
        pieces.go_on_at((first < 4).then_some(first + 2));
    }
    assert_eq!(drain(&mut line), ["diff"]);
    assert_eq!(line.answers(), Load::default());
}

#[test]
fn a1_what_is_put_last_comes_behind_all_answers() {
    let mut line = Line::default();
    line.replay(&"a".into(), missed("a", 1, 0));
    line.put_last(Item::Restarted);
    line.replay(&"b".into(), missed("b", 1, 0));
    assert_eq!(drain(&mut line), ["a0", "Restarted", "b0"]);
}
