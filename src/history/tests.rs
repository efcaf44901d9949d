//! History beside a list that is searched from end to end.

extern crate std;

use alloc::format;
use std::sync::LazyLock;

use super::*;
use crate::{
    config::RoomConfig,
    ids::{ClientId, UserId},
    lost::Others,
    payload::Payload,
};

/// What is held, the oldest first, with names and sizes; and all that is not, in any order.
#[derive(Default)]
struct Dumb {
    held: Vec<(u64, &'static str, u64)>,
    lost: Vec<(u64, &'static str)>,
}

/// `e` has no history, `f` one of 0.
const NAMES: [(&str, Option<u64>); 6] =
    [("a", Some(3)), ("b", Some(40)), ("c", Some(5)), ("d", Some(5)), ("e", None), ("f", Some(0))];

impl Dumb {
    fn bytes(&self) -> u64 {
        self.held.iter().map(|(_, _, size)| size).sum()
    }

    /// Whether one more of `size` fits beside what is held at `from` and later. Others hold what
    /// the channel has room for less `free`.
    fn fits(&self, from: usize, size: u64, caps: Caps) -> bool {
        let (gone, stays) = self.held.split_at(from);
        let gone_bytes: u64 = gone.iter().map(|(_, _, size)| size).sum();
        let bytes: u64 = stays.iter().map(|(_, _, size)| size).sum();
        (stays.len() as u64) < caps.messages
            && bytes + size <= caps.bytes
            && caps.free_messages + gone.len() as u64 > 0
            && caps.free_bytes + gone_bytes >= size
    }

    /// Stores a message as the rules have it, in their order; returns the offsets that go.
    fn store(&mut self, offset: u64, name: usize, size: u64, mut caps: Caps) -> Vec<u64> {
        let (event, last) = NAMES[name];
        let Some(last) = last else {
            self.lost.push((offset, event));
            return vec![];
        };
        if last == 0 || !self.fits(self.held.len(), size, caps) {
            self.lost.push((offset, event));
            return vec![offset];
        }
        let mut goes = vec![];
        let of_name = self.held.iter().filter(|(_, of, _)| *of == event);
        if of_name.clone().count() as u64 == last {
            let (oldest, _, bytes) = *of_name.clone().next().unwrap();
            self.held.retain(|(offset, _, _)| *offset != oldest);
            caps.free_messages += 1;
            caps.free_bytes += bytes;
            self.lost.push((oldest, event));
            goes.push(oldest);
        }
        let more = (0..=self.held.len()).find(|from| self.fits(*from, size, caps)).unwrap();
        for (offset, event, _) in self.held.drain(..more) {
            self.lost.push((offset, event));
            goes.push(offset);
        }
        self.held.push((offset, event, size));
        goes
    }

    fn highest_lost(&self, is_meant: impl Fn(&str) -> bool) -> u64 {
        let meant = self.lost.iter().filter(|(_, event)| is_meant(event));
        meant.map(|(offset, _)| *offset).max().unwrap_or(0)
    }

    /// Offsets, the newest first.
    fn newest(&self, is_meant: impl Fn(&str) -> bool) -> Vec<u64> {
        let meant = self.held.iter().rev().filter(|(_, event, _)| is_meant(event));
        meant.map(|(offset, _, _)| *offset).collect()
    }
}

fn offsets(messages: &[Arc<StoredMessage>]) -> Vec<u64> {
    messages.iter().map(|message| message.offset).collect()
}

/// Compares all that can be asked.
fn compare(history: &History, dumb: &Dumb, offset: u64) {
    history.check_invariants();
    assert_eq!(history.len(), dumb.held.len() as u64);
    assert_eq!(history.bytes(), dumb.bytes());
    assert_eq!(history.lost().highest_of_all(nobody()), dumb.highest_lost(|_| true));
    let later = dumb.held.iter().map(|(held, ..)| *held).filter(|held| *held > offset);
    assert!(history.since(offset).map(|message| message.offset).eq(later));

    let mut rings = 0;
    let mut per_event = vec![];
    for (event, _) in NAMES {
        let name = EventName::from(event);
        let all = dumb.newest(|of| of == event);
        rings += u64::from(!all.is_empty());
        per_event.extend(all.iter().copied().take(2));
        assert_eq!(history.held(&name), all.len() as u64);
        assert_eq!(history.has_ring(&name), !all.is_empty());
        assert_eq!(history.oldest_offset(&name), all.last().copied());
        let lost = history.lost().highest(&name, nobody(), &RoomConfig::default());
        assert_eq!(lost, dumb.highest_lost(|of| of == event));
        for (start, end) in [(0, 2), (1, 4), (2, u64::MAX), (4, 4), (3, 1), (u64::MAX, u64::MAX)] {
            let page = history.page(asked(Some(&name), start, end));
            assert_eq!(offsets(&page.messages), part(&all, start, end));
        }
    }
    assert_eq!(history.ring_count(), rings);

    let all = dumb.newest(|_| true);
    for (start, end) in [(0, 3), (2, 50), (5, u64::MAX), (3, 1)] {
        let page = history.page(asked(None, start, end));
        assert_eq!(offsets(&page.messages), part(&all, start, end));
    }
    assert_eq!(offsets(&latest(history, Latest::All)), all);
    assert_eq!(offsets(&latest(history, Latest::Total(4))), part(&all, 0, 4));
    per_event.sort_unstable_by_key(|offset| Reverse(*offset));
    assert_eq!(offsets(&latest(history, Latest::PerEvent(2))), per_event);
}

fn nobody() -> Reader<'static> {
    static NAMES: LazyLock<(ClientId, UserId)> = LazyLock::new(|| ("".into(), "".into()));
    Reader { client: &NAMES.0, user: &NAMES.1 }
}

fn latest(history: &History, latest: Latest) -> Vec<Arc<StoredMessage>> {
    history.latest(nobody(), latest, u64::MAX).messages
}

/// Asks for a page of one who is excluded from nothing.
fn asked(event: Option<&EventName>, start: u64, end: u64) -> Asked<'_> {
    Asked { reader: nobody(), event, before: u64::MAX, start, end, max_bytes: u64::MAX }
}

fn part(all: &[u64], start: u64, end: u64) -> Vec<u64> {
    let indexed = (0..).zip(all).filter(|(index, _)| (start..end).contains(index));
    indexed.map(|(_, offset)| *offset).collect()
}

fn restored(history: &History) -> History {
    let held = history.since(0).map(|message| (**message).clone());
    let again = History::restored(held, history.lost().clone());
    let mut again = again.expect("what a history shows makes one");
    let gaps = history.gaps().map(|(event, offset)| (event.clone(), offset)).collect();
    again.set_gaps(history.whole_from(), gaps);
    again
}

fn message(event: &str, offset: u64, size: u64) -> StoredMessage {
    let payload = vec![0; usize::try_from(size).unwrap() - event.len() - 1];
    StoredMessage::new(event, Payload::bytes(payload), "u", offset, 0)
}

/// Random messages in a room, beside other rooms that take up what is not free.
fn check(max_messages: u64, max_bytes: u64, channel_messages: u64, channel_bytes: u64) {
    let (mut history, mut dumb) = (History::default(), Dumb::default());
    let mut state = 5_u32;
    let mut random = |below: u32| {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 16) % below
    };
    let mut gone = 0;
    let config = RoomConfig::default();
    for offset in 1..600 {
        let (name, size) = (random(6) as usize, u64::from(2 + random(40)));
        let others = u64::from(random(20));
        let caps = Caps {
            messages: max_messages,
            bytes: max_bytes,
            // Other rooms may have filled the channel; they never hold more than it may.
            free_messages: channel_messages.saturating_sub(others + history.len()),
            free_bytes: channel_bytes.saturating_sub(20 * others + history.bytes()),
        };
        let (event, last) = NAMES[name];
        let message = message(event, offset, size);
        let naming = Naming { config: &config, others: Others::Singly(9) };
        let evicted = if let Some(last) = last {
            history.store(message, last, naming, caps)
        } else {
            history.lose((&message).into(), naming);
            Vec::new()
        };

        gone += evicted.len();
        assert_eq!(offsets(&evicted), dumb.store(offset, name, size, caps));
        compare(&history, &dumb, offset.saturating_sub(u64::from(random(30))));
        if random(50) == 0 {
            history = restored(&history);
        }
    }
    assert!(gone > 100, "{gone} were evicted");
}

#[test]
fn rings_keep_the_last_of_their_names() {
    check(u64::MAX, u64::MAX, u64::MAX, u64::MAX);
}

#[test]
fn the_oldest_of_a_room_go_at_its_caps() {
    check(10, u64::MAX, u64::MAX, u64::MAX);
    check(u64::MAX, 100, u64::MAX, u64::MAX);
    check(10, 30, u64::MAX, u64::MAX);
    check(0, u64::MAX, u64::MAX, u64::MAX);
}

#[test]
fn the_oldest_of_a_room_go_at_the_caps_of_the_channel() {
    check(u64::MAX, u64::MAX, 20, u64::MAX);
    check(u64::MAX, u64::MAX, u64::MAX, 400);
    check(15, 200, 30, 300);
}

#[test]
fn what_cannot_fit_goes_alone() {
    let config = RoomConfig::default();
    let together = Naming { config: &config, others: Others::Together };
    let mut history = History::default();
    let caps = Caps { messages: 9, bytes: 10, free_messages: 9, free_bytes: 100 };
    assert_eq!(history.store(message("a", 1, 10), 1, together, caps), []);
    let evicted = history.store(message("a", 2, 11), 1, together, caps);
    assert_eq!(offsets(&evicted), [2]);
    assert_eq!(offsets(&latest(&history, Latest::All)), [1]);
    let evicted = history.store(message("a", 3, 10), 1, together, caps);
    assert_eq!(offsets(&evicted), [1]);
}

#[test]
fn what_goes_is_told_by_name_in_the_order_of_the_oldest() {
    let messages = [("b", 9), ("a", 4), ("b", 2), ("c", 3), ("a", 5)];
    let messages = messages.map(|(event, offset)| Arc::new(message(event, offset, 5)));
    let told = |groups: Vec<(EventName, Vec<_>)>| {
        let groups = groups.iter();
        groups.map(|(event, group)| format!("{event}{:?}", offsets(group))).collect::<Vec<_>>()
    };
    assert_eq!(told(by_event(messages.to_vec())), ["b[2, 9]", "c[3]", "a[4, 5]"]);

    let mut history = History::default();
    for (offset, event) in (1..).zip(["d", "a", "c", "d", "a"]) {
        history.hold(Arc::new(message(event, offset, 5)));
    }
    assert_eq!(told(history.take_all()), ["d[1, 4]", "a[2, 5]", "c[3]"]);
    history.check_invariants();
    assert_eq!((history.len(), history.bytes(), history.ring_count()), (0, 0, 0));
}

/// Offsets of a page, and where it goes on.
fn page(history: &History, asked: Asked<'_>) -> (Vec<u64>, Option<(u64, u64, u64)>) {
    let Page { messages, shortened: _, more } = history.page(asked);
    (offsets(&messages), more.map(|More { before, wanted, skip }| (before, wanted, skip)))
}

#[test]
fn a12_a_page_has_no_message_that_excludes_its_reader() {
    let mut history = History::default();
    let not_for = |offset, client: Option<&str>, user: Option<&str>| {
        let mut message = message("a", offset, 5);
        message.except_client = client.map(Into::into);
        message.except_user = user.map(Into::into);
        Arc::new(message)
    };
    for message in [
        not_for(1, None, None),
        not_for(2, Some("c1"), None),
        not_for(3, None, Some("u2")),
        not_for(4, Some("c1"), Some("u2")),
        not_for(5, None, None),
    ] {
        history.hold(message);
    }
    let check = |client: &str, user: &str, expected: &[u64]| {
        let (client, user) = (ClientId::from(client), UserId::from(user));
        let reader = Reader { client: &client, user: &user };
        for event in [None, Some(&"a".into())] {
            let all = Asked { reader, ..asked(event, 0, 9) };
            assert_eq!(page(&history, all).0, expected, "{reader:?}");
            // What is excluded has no index.
            let (start, end) = (1, 3);
            assert_eq!(page(&history, Asked { start, end, ..all }).0, part(expected, start, end));
        }
        for on_join in [Latest::All, Latest::PerEvent(9), Latest::Total(9)] {
            let latest = history.latest(reader, on_join, u64::MAX);
            assert_eq!(offsets(&latest.messages), expected, "{reader:?}");
        }
    };
    check("c1", "u1", &[5, 3, 1]);
    check("c2", "u1", &[5, 4, 3, 2, 1]);
    check("c2", "u2", &[5, 2, 1]);
    check("c1", "u2", &[5, 1]);
    assert!(restored(&history).since(0).eq(history.since(0)));
}

/// Pages of a room in which many messages exclude somebody, beside a walk through all of it.
#[test]
fn a5_a_page_by_index_is_found_by_counting() {
    let config = RoomConfig::default();
    let naming = Naming { config: &config, others: Others::Together };
    let caps = Caps { messages: 60, bytes: 9_999, free_messages: 999, free_bytes: 9_999 };
    let (clients, users) = ([ClientId::from("c1"), "c2".into()], [UserId::from("u1"), "u2".into()]);
    let mut history = History::default();
    let mut state = 3_u32;
    let mut random = |below: u32| {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 16) % below
    };
    for offset in 1..500 {
        let mut message = message(["a", "b", "c"][random(3) as usize], 2 * offset, 9);
        message.except_client = clients.get(random(4) as usize).cloned();
        message.except_user = users.get(random(4) as usize).cloned();
        let _evicted = history.store(message, 30, naming, caps);
        history.check_invariants();

        let (client, user) = (&clients[random(2) as usize], &users[random(2) as usize]);
        let reader = Reader { client, user };
        let event =
            [None, Some(EventName::from("a")), Some("b".into())][random(3) as usize].clone();
        let before = u64::from(random(150)) + (2 * offset).saturating_sub(120);
        let (start, length) = (u64::from(random(40)), u64::from(random(9)));
        let asked = Asked { reader, before, start, ..asked(event.as_ref(), 0, start + length) };
        let mut all: Vec<_> = history.since(0).map(Arc::clone).collect();
        all.retain(|message| {
            message.offset < before
                && event.as_ref().is_none_or(|event| message.event == *event)
                && reader.may_see(message)
        });
        all.reverse();
        let expected = part(&offsets(&all), start, start + length);
        assert_eq!(page(&history, asked).0, expected, "{asked:?}");
    }
}

#[test]
fn a_page_says_where_it_goes_on() {
    let config = RoomConfig::default();
    let together = Naming { config: &config, others: Others::Together };
    let mut history = History::default();
    let caps = Caps { messages: 9, bytes: 30, free_messages: 9, free_bytes: 100 };
    for (offset, event) in (1..).zip(["b", "a", "a", "b", "a", "c"]) {
        let last = if event == "a" { 2 } else { 9 };
        let gone = history.store(message(event, offset, 5), last, together, caps);
        assert_eq!(gone.len(), usize::from(offset == 5), "the first `a` goes");
    }
    // Held: c6 a5 b4 a3 b1.
    let a = EventName::from("a");
    let of_a = asked(Some(&a), 0, 9);
    assert_eq!(page(&history, of_a), (vec![5, 3], Some((3, 7, 0))));
    assert_eq!(page(&history, Asked { end: 2, ..of_a }), (vec![5, 3], None), "it is full");
    assert_eq!(page(&history, Asked { before: 4, ..of_a }), (vec![3], Some((3, 8, 0))));
    assert_eq!(page(&history, Asked { before: 3, ..of_a }), (vec![], Some((3, 9, 0))));
    assert_eq!(page(&history, Asked { start: 1, ..of_a }), (vec![3], Some((3, 7, 0))));
    assert_eq!(page(&history, Asked { start: 4, ..of_a }), (vec![], Some((3, 7, 2))));
    assert_eq!(page(&history, Asked { start: 9, ..of_a }), (vec![], None), "nothing is asked for");
    // Of any name, an `a` is missing between what is held.
    let of_any = asked(None, 0, 9);
    assert_eq!(page(&history, of_any), (vec![6, 5, 4, 3, 1], Some((3, 5, 0))));
    assert_eq!(page(&history, Asked { end: 4, ..of_any }), (vec![6, 5, 4, 3], None));
    assert_eq!(page(&history, Asked { end: 5, ..of_any }).1, Some((3, 1, 0)), "full but for it");
    assert_eq!(page(&history, Asked { before: 2, ..of_any }), (vec![1], Some((2, 9, 0))));
    // By bytes: at least one, and where that is before what is missing, the client goes on.
    let short = |max_bytes| page(&history, Asked { max_bytes, ..of_any });
    assert_eq!(short(4), (vec![6], Some((6, 0, 0))));
    assert_eq!(short(14), (vec![6, 5], Some((5, 0, 0))));
    assert_eq!(short(20), (vec![6, 5, 4, 3], Some((3, 0, 0))));
    assert_eq!(short(25).1, Some((3, 5, 0)));
}

#[test]
fn a_history_whose_offsets_do_not_grow_is_none() {
    for bad in [[1, 1], [2, 1], [0, 1]] {
        let held = bad.map(|at| message("a", at, 5));
        assert!(History::restored(held, Lost::default()).is_none(), "{bad:?}");
    }
}
