//! History beside a list that is searched from end to end.

use alloc::format;

use super::*;
use crate::payload::Payload;

/// What is held, the oldest first, with names and sizes; and all that is not, in any order.
#[derive(Default)]
struct Dumb {
    held: Vec<(u64, &'static str, u64)>,
    lost: Vec<(u64, &'static str)>,
}

/// `a` and `b` are defined exactly, `c` and `d` come under `*`, `e` has no history, `f` one of 0.
const NAMES: [(&str, Option<u64>, Defined); 6] = [
    ("a", Some(3), Defined::Exactly),
    ("b", Some(40), Defined::Exactly),
    ("c", Some(5), Defined::Otherwise),
    ("d", Some(5), Defined::Otherwise),
    ("e", None, Defined::Exactly),
    ("f", Some(0), Defined::Otherwise),
];

fn defined(event: &str) -> Defined {
    NAMES.into_iter().find(|(name, ..)| *name == event).unwrap().2
}

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
        let (event, last, _) = NAMES[name];
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
    assert_eq!(history.highest_lost_of_all(), dumb.highest_lost(|_| true));
    let (since, _): (Vec<_>, Vec<_>) = history.since(offset).unzip();
    let later = dumb.held.iter().map(|(held, ..)| *held).filter(|held| *held > offset);
    assert!(since.into_iter().map(|message| message.offset).eq(later));

    let mut rings = 0;
    let mut per_event = vec![];
    for (event, _, how) in NAMES {
        let name = EventName::from(event);
        let all = dumb.newest(|of| of == event);
        rings += u64::from(!all.is_empty());
        per_event.extend(all.iter().copied().take(2));
        assert_eq!(history.held(&name), all.len() as u64);
        assert_eq!(history.has_ring(&name), !all.is_empty());
        assert_eq!(history.oldest_offset(&name), all.last().copied());
        let is_meant = |of: &str| match how {
            Defined::Exactly => of == event,
            Defined::Otherwise => defined(of) == Defined::Otherwise,
        };
        assert_eq!(history.highest_lost(&name, how), dumb.highest_lost(is_meant));
        for (start, end) in [(0, 2), (1, 4), (2, u64::MAX), (4, 4), (3, 1), (u64::MAX, u64::MAX)] {
            let page = history.page(Some(&name), start, end);
            assert_eq!(offsets(&page), part(&all, start, end));
        }
    }
    assert_eq!(history.ring_count(), rings);

    let all = dumb.newest(|_| true);
    for (start, end) in [(0, 3), (2, 50), (5, u64::MAX), (3, 1)] {
        assert_eq!(offsets(&history.page(None, start, end)), part(&all, start, end));
    }
    assert_eq!(offsets(&history.latest(Latest::All)), all);
    assert_eq!(offsets(&history.latest(Latest::Total(4))), part(&all, 0, 4));
    per_event.sort_unstable_by_key(|offset| Reverse(*offset));
    assert_eq!(offsets(&history.latest(Latest::PerEvent(2))), per_event);
}

fn part(all: &[u64], start: u64, end: u64) -> Vec<u64> {
    let indexed = (0..).zip(all).filter(|(index, _)| (start..end).contains(index));
    indexed.map(|(_, offset)| *offset).collect()
}

fn restored(history: &History) -> History {
    let held = history.since(0).map(|(message, excluded)| {
        ((**message).clone(), excluded.clone(), defined(message.event.as_str()))
    });
    History::restored(held, history.lost().clone()).expect("what a history shows makes one")
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
        let (event, last, defined) = NAMES[name];
        let evicted = history.store(
            message(event, offset, size),
            Excluded::default(),
            Keeping { last, defined },
            caps,
        );

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
    let mut history = History::default();
    let caps = Caps { messages: 9, bytes: 10, free_messages: 9, free_bytes: 100 };
    let keeping = Keeping { last: Some(1), defined: Defined::Exactly };
    assert_eq!(history.store(message("a", 1, 10), Excluded::default(), keeping, caps), []);
    let evicted = history.store(message("a", 2, 11), Excluded::default(), keeping, caps);
    assert_eq!(offsets(&evicted), [2]);
    assert_eq!(offsets(&history.latest(Latest::All)), [1]);
    let evicted = history.store(message("a", 3, 10), Excluded::default(), keeping, caps);
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
        history.hold(Arc::new(message(event, offset, 5)), Excluded::default(), defined(event));
    }
    assert_eq!(told(history.take_all()), ["d[1, 4]", "a[2, 5]", "c[3]"]);
    history.check_invariants();
    assert_eq!((history.len(), history.bytes(), history.ring_count()), (0, 0, 0));
    assert_eq!(history.highest_lost(&"a".into(), Defined::Exactly), 5);
    assert_eq!(history.highest_lost(&"x".into(), Defined::Otherwise), 4);
}

#[test]
fn who_was_left_out_is_kept_with_the_message() {
    let mut history = History::default();
    let excluded = Excluded { client: Some("c1".into()), user: None };
    history.hold(Arc::new(message("a", 1, 5)), excluded, Defined::Exactly);
    let excluded = Excluded { client: None, user: Some("u2".into()) };
    history.hold(Arc::new(message("a", 2, 5)), excluded, Defined::Exactly);

    let left_out = |client: &str, user: &str| {
        let (client, user) = (client.into(), user.into());
        let kept = history.since(0).map(|(_, excluded)| excluded.has(&client, &user));
        kept.collect::<Vec<_>>()
    };
    assert_eq!(left_out("c1", "u1"), [true, false]);
    assert_eq!(left_out("c2", "u1"), [false, false]);
    assert_eq!(left_out("c2", "u2"), [false, true]);
    let again = restored(&history);
    assert!(again.since(0).eq(history.since(0)));
}

#[test]
fn a_history_whose_offsets_do_not_grow_is_none() {
    for bad in [[1, 1], [2, 1], [0, 1]] {
        let held = bad.map(|at| (message("a", at, 5), Excluded::default(), Defined::Exactly));
        assert!(History::restored(held, Lost::default()).is_none(), "{bad:?}");
    }
}
