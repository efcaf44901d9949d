//! What is remembered beside a list of all that was lost.

use alloc::{format, string::String, vec};

use super::*;
use crate::config::EventDefinition;

/// Everything that was lost, and nothing forgotten.
#[derive(Default)]
struct Dumb(Vec<(String, u64, Option<ClientId>, Option<UserId>)>);

impl Dumb {
    /// The highest offset that is missing for a reader, of the names that `is_meant` is true of.
    fn highest(&self, reader: Reader<'_>, is_meant: impl Fn(&str) -> bool) -> u64 {
        let is_for = |client: &Option<ClientId>, user: &Option<UserId>| {
            client.as_ref() != Some(reader.client) && user.as_ref() != Some(reader.user)
        };
        let lost =
            self.0.iter().filter(|(name, _, client, user)| is_meant(name) && is_for(client, user));
        lost.map(|(_, offset, ..)| *offset).max().unwrap_or(0)
    }
}

struct Random(u64);

impl Random {
    fn below(&mut self, below: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        (self.0 >> 33) % below
    }

    /// One of these, or mostly none.
    fn one<'a, T>(&mut self, all: &'a [T]) -> Option<&'a T> {
        let at = usize::try_from(self.below(12)).unwrap();
        all.get(at)
    }
}

fn clients(count: u64) -> Vec<ClientId> {
    (0..count).map(|number| format!("c{number}").as_str().into()).collect()
}

fn users(count: u64) -> Vec<UserId> {
    (0..count).map(|number| format!("u{number}").as_str().into()).collect()
}

/// Loses messages of so many names, of which the last few offsets come in any order, and compares
/// what every reader would be told of every name.
fn check(names: u64, others: u64, seed: u64, exact: bool) {
    let config = RoomConfig::default()
        .with_event(EventDefinition::new("n0"))
        .with_event(EventDefinition::new("*"))
        .with_default_subscriptions(["n1"]);
    let (clients, users) = (clients(4), users(3));
    let (mut lost, mut dumb) = (Lost::default(), Dumb::default());
    let mut random = Random(seed);
    let mut differ = 0;
    for step in 1..400 {
        let name = format!("n{}", random.below(names));
        let event = EventName::from(name.as_str());
        let client = random.one(&clients);
        let user = random.one(&users);
        // Each once, and not in order.
        let offset = 8 + (step ^ 5);
        let missing = Loss { event: &event, offset, except_client: client, except_user: user };
        lost.note(missing, Naming { config: &config, others: Others::Singly(others) });
        dumb.0.push((name, offset, client.cloned(), user.cloned()));

        lost.check_invariants();
        assert!(lost.unconfigured() as u64 <= others);
        for reader in
            clients.iter().flat_map(|client| users.iter().map(move |user| Reader { client, user }))
        {
            assert_eq!(lost.highest_of_all(reader), dumb.highest(reader, |_| true));
            for name in 0..names {
                let name = format!("n{name}");
                let got = lost.highest(&EventName::from(name.as_str()), reader, &config);
                let expected = dumb.highest(reader, |other| other == name);
                assert!(got >= expected, "{name}: {got} is lower than {expected}");
                if exact || ["n0", "n1"].contains(&name.as_str()) {
                    assert_eq!(got, expected, "{name} for {reader:?}");
                }
                differ += usize::from(got != expected);
            }
        }
        if random.below(40) == 0 {
            let (singly, others) = lost.parts();
            let singly: Vec<_> =
                singly.map(|(event, marks)| (event.clone(), marks.clone())).collect();
            let again = Lost::restored(singly, others.clone(), &config);
            assert!(again.parts().0.eq(lost.parts().0) && again.parts().1 == lost.parts().1);
            lost = again;
        }
    }
    assert_eq!(differ == 0, exact, "{differ} answers were higher than they need be");
}

#[test]
fn a10_what_is_lost_is_told_exactly_of_each_name_and_for_each_reader() {
    for seed in 1..20 {
        check(6, 4, seed, true);
    }
}

#[test]
fn a10_names_that_are_configured_are_exact_however_many_others_there_are() {
    for seed in 1..20 {
        check(9, 2, seed, false);
    }
}

fn together(config: &RoomConfig) -> Naming<'_> {
    Naming { config, others: Others::Together }
}

#[test]
fn a10_where_all_hear_all_names_nothing_is_remembered_singly() {
    let (mut lost, event) = (Lost::default(), EventName::from("e"));
    let config = RoomConfig::default();
    let (client, user) = ("c".into(), "u".into());
    let reader = Reader { client: &client, user: &user };
    for offset in 1..9 {
        let missing = Loss { event: &event, offset, except_client: None, except_user: None };
        lost.note(missing, together(&config));
    }
    assert_eq!(lost.parts().0.count(), 0);
    assert_eq!((lost.highest(&"f".into(), reader, &config), lost.highest_of_all(reader)), (8, 8));

    // From where on somebody hears by name, names are told apart.
    let missing = Loss { event: &event, offset: 9, except_client: None, except_user: None };
    lost.note(missing, Naming { config: &config, others: Others::Singly(1) });
    assert_eq!(
        (lost.highest(&event, reader, &config), lost.highest(&"f".into(), reader, &config)),
        (9, 8)
    );
    // What is remembered singly stays so, or it would be told too little of.
    let missing = Loss { offset: 10, ..missing };
    lost.note(missing, together(&config));
    assert_eq!(
        (lost.highest(&event, reader, &config), lost.highest(&"f".into(), reader, &config)),
        (10, 8)
    );
}

#[test]
fn a10_a_flood_of_one_sender_takes_one_mark() {
    let (mut lost, config) = (Lost::default(), RoomConfig::default());
    let (event, sender, user) = (EventName::from("e"), ClientId::from("c"), UserId::from("u"));
    for offset in 1..1_000 {
        let except_client = Some(&sender);
        lost.note(
            Loss { event: &event, offset, except_client, except_user: None },
            together(&config),
        );
    }
    assert_eq!(lost.parts().1.for_some.len(), 1);
    let other = ClientId::from("d");
    let highest = |client| lost.highest_of_all(Reader { client, user: &user });
    assert_eq!((highest(&sender), highest(&other)), (0, 999));
    assert_eq!(vec![lost.others.newest()], [999]);
}

/// Loses messages in order, nearly all of which exclude somebody, as senders do it.
#[test]
fn a10_what_excludes_a_few_in_turn_is_told_exactly() {
    let (config, event) = (RoomConfig::default(), EventName::from("e"));
    let (clients, users) = (clients(3), users(3));
    for seed in 1..40 {
        let (mut lost, mut dumb, mut random) = (Lost::default(), Dumb::default(), Random(seed));
        for offset in 1..300 {
            let mut any = || (random.below(2) == 0).then(|| random.below(3));
            let at = |place: Option<u64>| place.and_then(|place| usize::try_from(place).ok());
            let (client, user) = (at(any()), at(any()));
            let client = client.and_then(|at| clients.get(at));
            // Both are seldom excluded.
            let user = user
                .and_then(|at| users.get(at))
                .filter(|_| client.is_none() || random.below(5) == 0);
            let missing = Loss { event: &event, offset, except_client: client, except_user: user };
            lost.note(missing, together(&config));
            dumb.0.push(("e".into(), offset, client.cloned(), user.cloned()));
            lost.check_invariants();
            for reader in clients
                .iter()
                .flat_map(|client| users.iter().map(move |user| Reader { client, user }))
            {
                assert_eq!(lost.highest_of_all(reader), dumb.highest(reader, |_| true));
            }
        }
    }
}
