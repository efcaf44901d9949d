//! How often something may happen: fixed windows, opened by the first hit that is accepted.
//!
//! [`RateLimiter`] is for whoever needs one, under keys of any kind; [`Rates`] is the channel's,
//! under clients and rooms. Neither has a clock. What is over is dropped bit by bit by later calls,
//! so that neither grows with keys that came once; a channel's goes at once when time passes. Costs:
//! O(log n) a call.

use alloc::collections::{BTreeMap, BTreeSet};
use core::{error, fmt, ops::RangeInclusive};

use crate::ids::ClientHandle;

/// A limit on how often something may happen for each key: a number of hits in a window of time.
///
/// The first accepted hit opens the window of its key; a hit at its end or later opens another.
/// Denied hits don't count. It is a part of no [`Channel`](crate::Channel), whose rooms have limits
/// of their own: it is for what stands before one, such as a guard or a codec.
///
/// ```
/// use parlor::RateLimiter;
///
/// let mut limiter = RateLimiter::new(2, 1_000);
/// assert!(limiter.allow(&"ann", 100).is_ok());
/// assert!(limiter.allow(&"ann", 200).is_ok());
/// let denied = limiter.allow(&"ann", 300).unwrap_err();
/// assert_eq!(denied.retry_after_ms, 800);
/// assert_eq!(denied.to_string(), "rate limited, retry after 800 ms");
/// assert_eq!(limiter.remaining(&"bob", 300), 2);
/// assert!(limiter.allow(&"ann", 1_100).is_ok());
/// ```
///
/// Time is whatever the caller counts in milliseconds; one that is earlier than another before it
/// counts as that one.
#[derive(Debug, Clone)]
pub struct RateLimiter<K> {
    max_events: u32,
    window_ms: u64,
    // The latest time so far.
    now_ms: u64,
    windows: Windows<K>,
}

/// What a [`RateLimiter`] does not let pass.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct RateLimited {
    /// In how many milliseconds there may be another one.
    pub retry_after_ms: u64,
}

impl fmt::Display for RateLimited {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "rate limited, retry after {} ms", self.retry_after_ms)
    }
}

impl error::Error for RateLimited {}

impl<K: Ord + Clone> RateLimiter<K> {
    /// Lets `max_events` pass in each window of `window_ms`. With `max_events` of 0 nothing passes,
    /// and with `window_ms` of 0 all else does.
    #[must_use]
    pub const fn new(max_events: u32, window_ms: u64) -> Self {
        Self { max_events, window_ms, now_ms: 0, windows: Windows::new() }
    }

    /// Counts a hit for `key`, unless there were too many.
    ///
    /// # Errors
    ///
    /// A hit that is one too many is denied and not counted.
    pub fn allow(&mut self, key: &K, now_ms: u64) -> Result<(), RateLimited> {
        self.now_ms = self.now_ms.max(now_ms);
        for _ in 0..SWEPT {
            self.windows.drop_one_that_is_over(self.now_ms);
        }

        self.windows
            .check(key, self.max_events, self.window_ms, self.now_ms)
            .map_err(|retry_after_ms| RateLimited { retry_after_ms })?;
        self.windows.count(key, self.window_ms, self.now_ms);
        Ok(())
    }

    /// How many more would pass for `key`.
    #[must_use]
    pub fn remaining(&self, key: &K, now_ms: u64) -> u32 {
        let open = self.windows.open(key, self.now_ms.max(now_ms));
        self.max_events - open.map_or(0, |window| window.count.min(self.max_events))
    }

    /// Forgets what `key` has used up.
    pub fn clear(&mut self, key: &K) {
        self.windows.remove(key);
    }
}

/// The rate limits of a channel: a window for each client in each room. The clock must not go back.
#[derive(Debug, Clone, Default)]
pub(crate) struct Rates {
    windows: Windows<(ClientHandle, u32)>,
    // Invariant: the same, by room.
    by_room: BTreeSet<(u32, ClientHandle)>,
}

impl Rates {
    /// Whether one more is allowed; if not, in how many milliseconds. Counts nothing.
    pub(crate) fn check(
        &self,
        client: ClientHandle,
        room: u32,
        max: u32,
        window_ms: u64,
        now_ms: u64,
    ) -> Result<(), u64> {
        self.windows.check(&(client, room), max, window_ms, now_ms)
    }

    /// Counts one that is allowed.
    pub(crate) fn count(&mut self, client: ClientHandle, room: u32, window_ms: u64, now_ms: u64) {
        for _ in 0..SWEPT {
            self.drop_one_that_is_over(now_ms);
        }

        self.windows.count(&(client, room), window_ms, now_ms);
        self.by_room.insert((room, client));
    }

    /// Forgets all windows that are over. Costs O(log n) for each.
    pub(crate) fn drop_what_is_over(&mut self, now_ms: u64) {
        while self.drop_one_that_is_over(now_ms) {}
    }

    /// Whether there was one.
    fn drop_one_that_is_over(&mut self, now_ms: u64) -> bool {
        let over = self.windows.drop_one_that_is_over(now_ms);
        over.is_some_and(|(client, room)| self.by_room.remove(&(room, client)))
    }

    /// Forgets the windows of a client. Costs O(log n) for each.
    pub(crate) fn forget_client(&mut self, client: ClientHandle) {
        if self.by_room.is_empty() {
            return;
        }
        while let Some((_, room)) = self.windows.first_in((client, 0)..=(client, u32::MAX)) {
            self.forget(client, room);
        }
    }

    /// Forgets the windows in a room. Costs O(log n) for each.
    pub(crate) fn forget_room(&mut self, room: u32) {
        let all_in_room = (room, ClientHandle::FIRST)..;
        while let Some((first, client)) = self.by_room.range(all_in_room.clone()).next().copied()
            && first == room
        {
            self.forget(client, room);
        }
    }

    fn forget(&mut self, client: ClientHandle, room: u32) {
        self.windows.remove(&(client, room));
        self.by_room.remove(&(room, client));
    }

    /// Every window that is kept, by client and room.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (ClientHandle, u32, Window)> {
        self.windows.by_key.iter().map(|((client, room), window)| (*client, *room, *window))
    }

    /// Puts back a window that [`Rates::iter`] has shown.
    pub(crate) fn restore(&mut self, client: ClientHandle, room: u32, window: Window) {
        self.windows.put((client, room), window);
        self.by_room.insert((room, client));
    }

    /// Panics if an invariant does not hold. Costs n log n in the windows.
    pub(crate) fn check_invariants(&self) {
        self.windows.check_invariants();
        assert_eq!(self.by_room.len(), self.windows.by_key.len(), "each window has its room");
        for (client, room) in self.windows.by_key.keys() {
            assert!(self.by_room.contains(&(*room, *client)), "a window is found by its room");
        }
    }
}

/// How many windows that are over go with a call. More than come with one, so that none stay.
const SWEPT: u32 = 2;

/// The hits that were accepted since a window was opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Window {
    /// At this time it is over.
    pub(crate) ends_at_ms: u64,
    pub(crate) count: u32,
}

/// Windows by key.
#[derive(Debug, Clone)]
struct Windows<K> {
    by_key: BTreeMap<K, Window>,
    // Invariant: the same, by end.
    by_end: BTreeSet<(u64, K)>,
}

impl<K> Default for Windows<K> {
    fn default() -> Self {
        Self::new()
    }
}

impl<K> Windows<K> {
    const fn new() -> Self {
        Self { by_key: BTreeMap::new(), by_end: BTreeSet::new() }
    }
}

impl<K: Ord + Clone> Windows<K> {
    /// The window of `key`, if it is not over.
    fn open(&self, key: &K, now_ms: u64) -> Option<Window> {
        self.by_key.get(key).copied().filter(|window| now_ms < window.ends_at_ms)
    }

    fn check(&self, key: &K, max: u32, window_ms: u64, now_ms: u64) -> Result<(), u64> {
        match self.open(key, now_ms) {
            Some(window) if window.count >= max => Err(window.ends_at_ms - now_ms),
            None if max == 0 => Err(window_ms),
            Some(_) | None => Ok(()),
        }
    }

    fn count(&mut self, key: &K, window_ms: u64, now_ms: u64) {
        match self.by_key.get_mut(key) {
            Some(window) if now_ms < window.ends_at_ms => {
                window.count = window.count.saturating_add(1);
            }
            Some(_) | None => {
                let ends_at_ms = now_ms.saturating_add(window_ms);
                self.put(key.clone(), Window { ends_at_ms, count: 1 });
            }
        }
    }

    fn put(&mut self, key: K, window: Window) {
        self.remove(&key);
        self.by_end.insert((window.ends_at_ms, key.clone()));
        self.by_key.insert(key, window);
    }

    fn remove(&mut self, key: &K) {
        if let Some((key, window)) = self.by_key.remove_entry(key) {
            self.by_end.remove(&(window.ends_at_ms, key));
        }
    }

    /// The first key in `range`.
    fn first_in(&self, range: RangeInclusive<K>) -> Option<K> {
        self.by_key.range(range).next().map(|(key, _)| key.clone())
    }

    fn drop_one_that_is_over(&mut self, now_ms: u64) -> Option<K> {
        let (ends_at_ms, _) = self.by_end.first()?;
        if now_ms < *ends_at_ms {
            return None;
        }
        let (_, key) = self.by_end.pop_first()?;
        self.by_key.remove(&key);
        Some(key)
    }

    fn check_invariants(&self) {
        assert_eq!(self.by_key.len(), self.by_end.len(), "each window has its end");
        for (key, window) in &self.by_key {
            let end = (window.ends_at_ms, key.clone());
            assert!(self.by_end.contains(&end), "a window is found by its end");
            assert!(window.count > 0, "a hit opens a window");
        }
    }
}

#[cfg(test)]
mod tests {
    use alloc::vec::Vec;

    use super::*;

    /// Accepted hits: in which window, opened when, by whom.
    struct Dumb<K>(Vec<(u64, K)>);

    impl<K: Ord + Clone> Dumb<K> {
        /// When the window was opened that is open, and how many hits it has.
        fn open(&self, key: &K, window_ms: u64, now_ms: u64) -> Option<(u64, u32)> {
            let hits = self.0.iter().filter(|(_, whose)| whose == key);
            let opened = hits.clone().map(|(opened, _)| *opened).max()?;
            let count = hits.filter(|(at, _)| *at == opened).count();
            (now_ms < opened + window_ms).then_some((opened, u32::try_from(count).unwrap()))
        }

        fn count(&mut self, key: K, window_ms: u64, now_ms: u64) {
            let opened = self.open(&key, window_ms, now_ms).map_or(now_ms, |(opened, _)| opened);
            self.0.push((opened, key));
        }
    }

    fn random(state: &mut u32, below: u32) -> u32 {
        *state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (*state >> 16) % below
    }

    #[test]
    fn a_limiter_lets_as_many_pass_as_it_says() {
        const MAX: u32 = 3;
        const WINDOW_MS: u64 = 50;
        let mut limiter = RateLimiter::new(MAX, WINDOW_MS);
        let mut dumb = Dumb(Vec::new());
        let (mut state, mut now_ms, mut denied) = (1, 0, 0);
        for _ in 0..5_000 {
            now_ms += u64::from(random(&mut state, 10));
            let key = random(&mut state, 8);
            if random(&mut state, 20) == 0 {
                limiter.clear(&key);
                dumb.0.retain(|(_, whose)| *whose != key);
            }

            let open = dumb.open(&key, WINDOW_MS, now_ms);
            let used = open.map_or(0, |(_, count)| count);
            assert_eq!(limiter.remaining(&key, now_ms), MAX - used);
            let allowed = limiter.allow(&key, now_ms);
            if used < MAX {
                assert_eq!(allowed, Ok(()));
                dumb.count(key, WINDOW_MS, now_ms);
            } else {
                let retry_after_ms = open.unwrap().0 + WINDOW_MS - now_ms;
                assert_eq!(allowed, Err(RateLimited { retry_after_ms }));
                denied += 1;
            }
            limiter.windows.check_invariants();
        }
        assert!(denied > 100, "{denied} were denied");
    }

    #[test]
    fn a_limiter_takes_any_number() {
        let mut none = RateLimiter::new(0, 7);
        assert_eq!(none.allow(&(), 5), Err(RateLimited { retry_after_ms: 7 }));
        assert_eq!(none.remaining(&(), 5), 0);

        let mut all = RateLimiter::new(1, 0);
        assert!((0..100).all(|_| all.allow(&(), 5).is_ok()));

        let mut endless = RateLimiter::new(1, u64::MAX);
        assert_eq!(endless.allow(&(), 5), Ok(()));
        assert_eq!(endless.allow(&(), u64::MAX - 1), Err(RateLimited { retry_after_ms: 1 }));
        assert_eq!(endless.allow(&(), 0), Err(RateLimited { retry_after_ms: 1 }), "time went back");
    }

    #[test]
    fn a_limiter_does_not_grow_with_keys_that_came_once() {
        let mut limiter = RateLimiter::new(1, 10);
        for now_ms in 0..10_000_u64 {
            assert_eq!(limiter.allow(&now_ms, now_ms), Ok(()));
            assert!(limiter.windows.by_key.len() <= 11);
        }
    }

    #[test]
    fn what_is_over_is_over_before_it_is_dropped() {
        let mut limiter = RateLimiter::new(2, 10);
        for key in 0..100 {
            assert_eq!(limiter.allow(&key, 0), Ok(()));
        }
        assert_eq!(limiter.remaining(&99, 9), 1);
        assert_eq!(limiter.remaining(&99, 10), 2);
        for used in [1, 2] {
            assert_eq!(limiter.allow(&99, 10), Ok(()));
            assert_eq!(limiter.remaining(&99, 10), 2 - used);
        }
        assert_eq!(limiter.allow(&99, 10), Err(RateLimited { retry_after_ms: 10 }));
        assert_eq!(limiter.windows.by_key.len(), 94, "two go with each call");
    }

    #[test]
    fn each_client_has_a_window_in_each_room() {
        // A room has its own limit, and always the same.
        let limit = |room: u32| (2 + room, 40 + 10 * u64::from(room));
        let (mut rates, mut dumb) = (Rates::default(), Dumb(Vec::new()));
        let (mut state, mut now_ms, mut denied) = (9, 0, 0);
        for _ in 0..5_000 {
            now_ms += u64::from(random(&mut state, 5));
            let (client, room) = (ClientHandle::new(random(&mut state, 4)), random(&mut state, 4));
            match random(&mut state, 40) {
                0 => {
                    rates.forget_client(client);
                    dumb.0.retain(|(_, (whose, _))| *whose != client);
                }
                1 => {
                    rates.forget_room(room);
                    dumb.0.retain(|(_, (_, at))| *at != room);
                }
                2 => {
                    let mut again = Rates::default();
                    for (client, room, window) in rates.iter() {
                        again.restore(client, room, window);
                    }
                    assert!(again.iter().eq(rates.iter()));
                    rates = again;
                }
                3 => {
                    rates.drop_what_is_over(now_ms);
                    assert!(rates.iter().all(|(_, _, window)| now_ms < window.ends_at_ms));
                }
                _ => {}
            }

            let (max, window_ms) = limit(room);
            let open = dumb.open(&(client, room), window_ms, now_ms);
            let expected = match open {
                Some((opened, count)) if count >= max => Err(opened + window_ms - now_ms),
                Some(_) | None => Ok(()),
            };
            assert_eq!(rates.check(client, room, max, window_ms, now_ms), expected);
            if expected.is_ok() {
                rates.count(client, room, window_ms, now_ms);
                dumb.count((client, room), window_ms, now_ms);
            } else {
                denied += 1;
            }
            rates.check_invariants();
        }
        assert!(denied > 100, "{denied} were denied");
    }
}
