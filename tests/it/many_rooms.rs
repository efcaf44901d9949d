//! A few clients in many rooms: what a client has past 32 of them, and seats that move under it.
//!
//! Random ops have a handful of topics, so this has its own: rooms fill up, are churned and empty
//! again, in an order that proptest draws.

use parlor::{Broadcast, Event, Join, Json, Leave, Payload, Rejoin};
use proptest::{collection::vec, prelude::*};

use super::{
    harness::{Pace, Session, Setup, play},
    properties::share_of_cases,
};

const TOPICS: usize = 70;

/// Clients and users: two of one user, and one alone.
const CLIENTS: [(&str, &str); 3] = [("a1", "ann"), ("a2", "ann"), ("b1", "bob")];

/// What most events of a stretch are.
#[derive(Debug, Clone, Copy)]
enum Stretch {
    Fills,
    Churns,
    Empties,
}

const STRETCHES: [(Stretch, usize); 4] =
    [(Stretch::Fills, 500), (Stretch::Churns, 700), (Stretch::Empties, 500), (Stretch::Fills, 300)];

fn event(stretch: Stretch, [kind, client, topic]: [usize; 3]) -> Event {
    let (client, user) = CLIENTS[client % CLIENTS.len()];
    let topic = format!("t{}", topic % TOPICS);
    let joins = match stretch {
        Stretch::Fills => 14,
        Stretch::Churns => 7,
        Stretch::Empties => 1,
    };
    match kind % 16 {
        15 => Broadcast::new(client, topic, Payload::json("1").expect("1 is JSON")).into(),
        14 => {
            let meta = Json::parse(kind.to_string()).expect("a number is JSON");
            Rejoin::new(client, topic, user, 0).with_meta(meta).into()
        }
        kind if kind < joins => Join::new(client, topic, user, 0).into(),
        _ => Leave::new(client, topic).into(),
    }
}

proptest! {
    #![proptest_config(share_of_cases(64))]

    #[test]
    fn clients_in_many_rooms_agree_with_the_model(
        drawn in vec(any::<[usize; 3]>(), 2_000),
        cuts: u64,
    ) {
        let stretches = STRETCHES.iter().flat_map(|(stretch, length)| [*stretch].repeat(*length));
        let events: Vec<_> =
            stretches.zip(drawn).map(|(stretch, drawn)| event(stretch, drawn)).collect();
        let setup = Setup::plain();
        let [channel, twin] = setup.channels();
        let pace = Pace { touched: 16, all: 500 };
        let played = play(&events, Session::new(&setup, channel, twin, cuts, pace));
        prop_assert!(played.is_ok(), "{}", played.unwrap_err());
    }
}
