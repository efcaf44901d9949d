//! Drivers that flush in their own way: R5 and R6 are broken where they should be, and not else.

use parlor::{
    Broadcast, Channel, Config, Event, Join, Outbound, Payload, Push,
    testing::{Broken, Checker, Rule},
};

/// Two members, a broadcast and a push.
fn events() -> [Event; 4] {
    [
        Join::new("c1", "room:1", "ann", 0).into(),
        Join::new("c2", "room:1", "bob", 0).into(),
        Broadcast::new("c1", "room:1", Payload::bytes(*b"hi")).into(),
        Push::new("c2", "room:1", "welcome", Payload::bytes(*b"x")).into(),
    ]
}

/// What comes of the events if they are flushed after those of these numbers, and what is flushed
/// is sent as the driver does it.
fn watch(
    flushed_after: &[usize],
    mut as_the_driver_does: impl FnMut(&mut Vec<Outbound>),
) -> Result<Checker, Broken> {
    let mut channel = Channel::single_node(Config::default());
    let mut checker = Checker::beside(&channel);
    for (number, event) in (1..).zip(events()) {
        checker.observe_event(&event);
        channel.handle(event);
        if flushed_after.contains(&number) {
            let mut sent = channel.flush_outbox();
            as_the_driver_does(&mut sent);
            checker.observe_flush(&sent)?;
        }
    }
    Ok(checker)
}

fn broken_rule<T>(watched: Result<T, Broken>) -> (Rule, String) {
    let broken = watched.map(drop).expect_err("a rule is broken");
    (broken.rule, broken.to_string())
}

#[test]
fn whenever_a_channel_is_flushed_it_keeps_the_rules() {
    for rhythm in 0..8_usize {
        let after = (1..4).filter(|number| rhythm >> (number - 1) & 1 == 1);
        let after: Vec<_> = after.chain([4]).collect();
        let checker = watch(&after, |_| {}).unwrap();
        assert_eq!(checker.finish(), Ok(()), "flushed after {after:?}");
    }
}

#[test]
fn what_waits_and_is_sent_in_another_order_breaks_r5() {
    // The diff of the first join, and the reply to the second.
    let (rule, said) = broken_rule(watch(&[2], |sent| sent.swap(2, 3)));
    assert_eq!(rule, Rule::R5);
    assert!(said.starts_with("R5: what is said when flushed at another rhythm: "), "{said}");
    let [expected, got] = ["expected PresenceDiff", "got Reply"].map(|text| said.find(text));
    assert!(expected.is_some() && expected < got, "{said}");

    let sorted = watch(&[4], |sent| sent.sort_by_key(Outbound::label));
    assert_eq!(broken_rule(sorted).0, Rule::R5);
}

#[test]
fn what_waits_and_is_lost_or_sent_twice_breaks_r5() {
    let lost = watch(&[2, 4], |sent| drop(sent.pop()));
    let (rule, said) = broken_rule(lost);
    assert_eq!(rule, Rule::R5);
    assert!(said.ends_with("got nothing"), "{said}");

    let twice = watch(&[2, 4], |sent| sent.extend_from_within(sent.len() - 1..));
    let (rule, said) = broken_rule(twice);
    assert_eq!(rule, Rule::R5);
    assert!(said.contains("expected nothing, got PresenceDiff"), "{said}");
}

#[test]
fn what_only_the_rules_of_single_events_know_is_seen_in_a_late_flush_too() {
    for rule in [Rule::R1, Rule::R2] {
        let mut channel = Channel::single_node(Config::default());
        let mut checker = Checker::beside(&channel).only(&[rule]);
        let [first, second, ..] = events();
        for event in [first, second] {
            checker.observe_event(&event);
            channel.handle(event);
        }
        let mut sent = channel.flush_outbox();
        // The reply to the second join, and its snapshot.
        sent.swap(3, 4);
        assert_eq!(broken_rule(checker.observe_flush(&sent)).0, rule);
    }
}

#[test]
fn a_second_flush_that_gives_something_breaks_r6() {
    let mut last = Vec::new();
    let watched = watch(&[1, 2, 3, 4], |sent| last.clone_from(sent));
    let mut checker = watched.unwrap();
    assert_eq!(checker.observe_flush(&[]), Ok(()));
    let (rule, said) = broken_rule(checker.observe_flush(&last));
    assert_eq!(rule, Rule::R6);
    assert!(said.starts_with("R6: what a flush gives right after another: "), "{said}");

    let mut untouched = Checker::new(&Config::default());
    assert_eq!(untouched.observe_flush(&[]), Ok(()));
    assert_eq!(broken_rule(untouched.observe_flush(&last)).0, Rule::R6);
}

#[test]
fn what_is_never_flushed_breaks_r5_in_the_end() {
    let checker = watch(&[1, 3], |_| {}).unwrap();
    assert_eq!(broken_rule(checker.finish()).0, Rule::R5);
    let of_push = Checker::new(&Config::default()).only(&[Rule::R6]);
    assert_eq!(of_push.finish(), Ok(()));
}

/// A push without a `ref` has no reply, so no rule of single events misses what it says.
#[test]
fn what_is_lost_after_a_flush_of_each_event_breaks_r5_in_the_end() {
    let observed = |driver_loses: bool| {
        let mut channel = Channel::single_node(Config::default());
        let mut checker = Checker::new(channel.config());
        for event in events() {
            channel.handle(event.clone());
            let mut sent = channel.flush_outbox();
            sent.retain(|sent| !(driver_loses && sent.label() == "push_message"));
            checker.observe(&event, &sent)?;
        }
        checker.finish()
    };
    assert_eq!(observed(false), Ok(()));
    let (rule, said) = broken_rule(observed(true));
    assert_eq!(rule, Rule::R5);
    assert!(said.contains("expected PushMessage") && said.ends_with("got nothing"), "{said}");
}

#[test]
fn a_channel_of_a_cluster_is_watched_beside_one_of_its_name() {
    let config = || Config::default().with_hash_key([7, 9]);
    let node = |name: &str| Channel::cluster_ready(name, "chat", config()).unwrap();
    let watched = |mut checker: Checker| {
        let mut channel = node("n1");
        let [join, ..] = events();
        channel.handle(join.clone());
        checker.observe(&join, &channel.flush_outbox())
    };
    assert_eq!(watched(Checker::beside(&node("n1"))), Ok(()));
    assert_eq!(broken_rule(watched(Checker::beside(&node("n2")))).0, Rule::R5);
}
