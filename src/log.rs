//! A stamped log: who is in a list, in the order of arrival, readable as it was at any moment.
//!
//! A place is taken at the end and never moves; who goes leaves it behind with a stamp. A view
//! notes how long the list was and which stamp was the last, and from that alone it can tell who
//! was there: making one costs a reference count, whatever the length, and views neither see later
//! changes nor stop them. Changes are made in place by atomic stores, so a view can be read on
//! another thread meanwhile: all that a view looks at was written before it was made, but for
//! stamps that are later than its own either way.
//!
//! A log with no place left, or with a third of its places empty, is due for a rebuild, in which
//! later members get lower places; its owner asks for it, since it has to note who has moved.
//! Costs: push and remove O(1), amortised with the rebuilds; view O(1); reading a view is linear in
//! its places.

use alloc::sync::Arc;
use core::{
    fmt, iter,
    ops::Range,
    sync::atomic::{AtomicU32, Ordering::Relaxed},
};

/// The stamp of a place whose taker is still there.
const PRESENT: u32 = u32::MAX;

/// So few empty places are not worth a rebuild.
const FEW: u32 = 8;

/// One place: who took it, when it was left, and what else is written down about the taker.
struct Slot<const WORDS: usize> {
    who: AtomicU32,
    gone: AtomicU32,
    words: [AtomicU32; WORDS],
}

impl<const WORDS: usize> Slot<WORDS> {
    const fn empty() -> Self {
        Self {
            who: AtomicU32::new(0),
            gone: AtomicU32::new(PRESENT),
            words: [const { AtomicU32::new(0) }; WORDS],
        }
    }

    fn take(&self, who: u32, words: [u32; WORDS]) {
        self.who.store(who, Relaxed);
        for (place, word) in self.words.iter().zip(words) {
            place.store(word, Relaxed);
        }
    }

    fn copy(&self) -> Self {
        Self {
            who: AtomicU32::new(self.who()),
            gone: AtomicU32::new(self.gone()),
            words: self.words().map(AtomicU32::new),
        }
    }

    #[inline]
    fn who(&self) -> u32 {
        self.who.load(Relaxed)
    }

    #[inline]
    fn gone(&self) -> u32 {
        self.gone.load(Relaxed)
    }

    fn words(&self) -> [u32; WORDS] {
        self.words.each_ref().map(|word| word.load(Relaxed))
    }
}

/// The list as it is. `WORDS` numbers are kept with each taker.
pub(crate) struct Log<const WORDS: usize> {
    // Invariant: no other log shares these; views may.
    slots: Arc<[Slot<WORDS>]>,
    // Invariant: at most slots.len(); the places taken so far, left ones included.
    len: u32,
    // Invariant: the places in ..len that are PRESENT.
    live: u32,
    // Invariant: the stamp of the last to go.
    clock: u32,
}

/// From which place on a rebuild has moved the takers.
#[must_use = "whoever remembers a place at or past `from` has to look it up again"]
pub(crate) struct Moved {
    pub(crate) from: u32,
}

impl<const WORDS: usize> Log<WORDS> {
    pub(crate) fn new() -> Self {
        Self { slots: Arc::default(), len: 0, live: 0, clock: 0 }
    }

    /// How many are there.
    pub(crate) const fn live(&self) -> u32 {
        self.live
    }

    /// Whether the next push needs a rebuild first.
    pub(crate) fn is_full(&self) -> bool {
        self.len as usize == self.slots.len()
    }

    /// Whether so many places are empty that a rebuild pays; `kept` ones are left and not empty.
    pub(crate) const fn is_sparse(&self, kept: u32) -> bool {
        let taken = self.live + kept;
        let empty = self.len - taken;
        empty > FEW && empty > taken / 2
    }

    /// Takes the next place, of which there must be one: see [`Log::is_full`].
    pub(crate) fn push(&mut self, who: u32, words: [u32; WORDS]) -> u32 {
        let place = self.len;
        self.slot(place).take(who, words);
        self.len += 1;
        self.live += 1;
        place
    }

    /// Leaves `place`, which must be taken.
    pub(crate) fn remove(&mut self, place: u32) {
        self.clock += 1;
        let gone = &self.slot(place).gone;
        debug_assert_eq!(gone.load(Relaxed), PRESENT, "a place is left once");
        gone.store(self.clock, Relaxed);
        self.live -= 1;
    }

    /// Takes `place`, which was left, as if it had never been left; returns whether it did. A view
    /// that is held might see that, so it does so only if there is none.
    pub(crate) fn retake(&mut self, place: u32) -> bool {
        // Without a rebuild now and then, the clock would run out.
        if self.clock > PRESENT / 2 || Arc::get_mut(&mut self.slots).is_none() {
            return false;
        }
        self.slot(place).gone.store(PRESENT, Relaxed);
        self.live += 1;
        true
    }

    /// How many places were taken so far, left ones included.
    pub(crate) const fn len(&self) -> u32 {
        self.len
    }

    /// The list as it stands.
    pub(crate) fn view(&self) -> View<WORDS> {
        View { slots: Arc::clone(&self.slots), len: self.len, live: self.live, at: self.clock }
    }

    /// Those who are there, with their places, from place `from` on.
    pub(crate) fn iter_from(&self, from: u32) -> impl Iterator<Item = (u32, u32)> {
        taken(&self.slots, from..self.len, self.clock).map(|(place, slot)| (place, slot.who()))
    }

    /// Who took `place`, and the numbers kept there.
    pub(crate) fn get(&self, place: u32) -> (u32, [u32; WORDS]) {
        let slot = self.slot(place);
        (slot.who(), slot.words())
    }

    /// Makes room where nobody has left a gap, so that nobody moves. Linear in the members.
    pub(crate) fn grow(&mut self) {
        debug_assert_eq!(self.live, self.len, "where there are gaps, they are closed");
        let empty =
            iter::repeat_with(Slot::empty).take(roomy(self.live as usize) - self.slots.len());
        self.slots = self.slots.iter().map(Slot::copy).chain(empty).collect();
    }

    /// Whether somebody has left a gap.
    pub(crate) const fn has_gaps(&self) -> bool {
        self.live < self.len
    }

    /// Closes the gaps and makes room. Linear in the members.
    pub(crate) fn rebuild(&mut self) -> Moved {
        let (old, len, now) = (Arc::clone(&self.slots), self.len, self.clock);
        self.refill(self.live as usize, taken(&old, 0..len, now))
    }

    /// Makes room like [`Log::rebuild`], with those who took `places` in that order, be they left
    /// or not.
    pub(crate) fn rebuild_as(&mut self, places: &[u32]) -> Moved {
        debug_assert!(places.len() >= self.live as usize, "a rebuild keeps everyone");
        let old = Arc::clone(&self.slots);
        self.refill(places.len(), places.iter().map(|place| (*place, at(&old, *place))))
    }

    /// Starts anew with those who had a place before.
    fn refill<'a>(
        &mut self,
        count: usize,
        old: impl Iterator<Item = (u32, &'a Slot<WORDS>)>,
    ) -> Moved {
        self.slots = iter::repeat_with(Slot::empty).take(roomy(count)).collect();
        (self.len, self.live, self.clock) = (0, 0, 0);
        let mut from = None;
        for (place, slot) in old {
            let moved = self.push(slot.who(), slot.words());
            if moved != place && from.is_none() {
                from = Some(moved);
            }
        }
        Moved { from: from.unwrap_or(self.len) }
    }

    fn slot(&self, place: u32) -> &Slot<WORDS> {
        at(&self.slots, place)
    }

    /// Panics if an invariant does not hold; `kept` places are left and not to be given up. Linear
    /// in the members.
    pub(crate) fn check_invariants(&self, kept: u32) {
        assert!(self.len as usize <= self.slots.len(), "a log has a slot for every place");
        let gaps = self.len - self.live - kept;
        let taken = self.live + kept;
        assert!(gaps <= taken / 2 + 8, "a third of the places may be empty, or a few");
        let live = self.iter_from(0).count();
        assert_eq!(live, self.live as usize, "a log knows how many are there");
    }
}

/// How many places there should be for so many: half more.
const fn roomy(count: usize) -> usize {
    count + count / 2 + 2
}

fn at<const WORDS: usize>(slots: &[Slot<WORDS>], place: u32) -> &Slot<WORDS> {
    slots.get(place as usize).expect("a place that was given out has a slot")
}

/// Those of the places that were taken at stamp `now`.
fn taken<const WORDS: usize>(
    slots: &[Slot<WORDS>],
    places: Range<u32>,
    now: u32,
) -> impl Iterator<Item = (u32, &Slot<WORDS>)> {
    let first = slots.get(places.start as usize..).unwrap_or_default();
    places.zip(first).filter(move |(_, slot)| slot.gone() > now)
}

// Views share slots with their log, and that is sound because one log alone writes to them: a
// second log gets slots of its own.
impl<const WORDS: usize> Clone for Log<WORDS> {
    fn clone(&self) -> Self {
        Self { slots: self.slots.iter().map(Slot::copy).collect(), ..*self }
    }
}

impl<const WORDS: usize> fmt::Debug for Log<WORDS> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.view(), f)
    }
}

/// A list as it was when the view was made: owned, sendable, cheap to clone.
#[derive(Clone)]
pub(crate) struct View<const WORDS: usize> {
    slots: Arc<[Slot<WORDS>]>,
    len: u32,
    live: u32,
    at: u32,
}

impl<const WORDS: usize> View<WORDS> {
    /// A list of nobody.
    pub(crate) fn empty() -> Self {
        Self { slots: Arc::default(), len: 0, live: 0, at: 0 }
    }

    /// How many were there.
    #[inline]
    pub(crate) const fn live(&self) -> u32 {
        self.live
    }

    /// Those who were there, in order.
    #[inline]
    pub(crate) fn iter(&self) -> impl Iterator<Item = u32> {
        let slots = self.slots.get(..self.len as usize).unwrap_or_default();
        slots.iter().filter(|slot| slot.gone() > self.at).map(Slot::who)
    }

    /// The places that were taken, in order.
    pub(crate) fn places(&self) -> impl Iterator<Item = u32> {
        taken(&self.slots, 0..self.len, self.at).map(|(place, _)| place)
    }

    /// Who took `place`, and the numbers kept there.
    pub(crate) fn get(&self, place: u32) -> (u32, [u32; WORDS]) {
        let slot = at(&self.slots, place);
        (slot.who(), slot.words())
    }
}

impl View<0> {
    /// A list of those, in their order.
    pub(crate) fn of(members: &[u32]) -> Self {
        let mut log = Log::new();
        log.slots = iter::repeat_with(Slot::empty).take(members.len()).collect();
        for member in members {
            log.push(*member, []);
        }
        log.view()
    }
}

impl<const WORDS: usize> fmt::Debug for View<WORDS> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.iter()).finish()
    }
}

#[cfg(test)]
mod tests {
    use alloc::{vec, vec::Vec};

    use super::*;

    fn check<const WORDS: usize>(view: &View<WORDS>, expected: &[u32]) {
        assert_eq!(view.iter().collect::<Vec<_>>(), expected);
        assert_eq!(view.live() as usize, expected.len());
    }

    #[test]
    fn a_view_stays_as_it_was_whatever_follows() {
        let mut log = Log::<1>::new();
        let mut list: Vec<(u32, u32)> = vec![];
        let mut views = vec![];
        for step in 0..2_000_u32 {
            // Grows, shrinks and churns in turns, from places all over the list.
            let grows = step % 400 < 220 || step % 3 == 0;
            if grows || list.is_empty() {
                if log.is_full() && !log.has_gaps() {
                    log.grow();
                } else if log.is_full() {
                    let Moved { from } = log.rebuild();
                    let moved: Vec<_> = log.iter_from(0).map(|(place, who)| (who, place)).collect();
                    let unmoved = moved.iter().zip(&list).take_while(|(new, old)| new == old);
                    assert!(unmoved.count() >= from.min(log.live()) as usize);
                    list = moved;
                }
                list.push((step, log.push(step, [step * 2])));
            } else {
                let (who, place) = list.remove((step as usize * 7919) % list.len());
                assert_eq!(log.get(place), (who, [who * 2]));
                log.remove(place);
                if log.is_sparse(0) {
                    let Moved { .. } = log.rebuild();
                    list = log.iter_from(0).map(|(place, who)| (who, place)).collect();
                }
            }
            log.check_invariants(0);
            let from = step % 50;
            let later = log.iter_from(0).filter(|(place, _)| *place >= from);
            assert!(log.iter_from(from).eq(later), "from place {from} on");
            views.push((log.view(), list.iter().map(|(who, _)| *who).collect::<Vec<_>>()));
        }
        for (view, expected) in &views {
            check(view, expected);
        }
    }

    #[test]
    fn a_clone_goes_its_own_way() {
        let mut log = Log::<0>::new();
        let Moved { .. } = log.rebuild();
        log.push(7, []);
        let mut clone = log.clone();
        clone.push(8, []);
        clone.remove(0);
        check(&log.view(), &[7]);
        check(&clone.view(), &[8]);
    }

    #[test]
    fn a_place_costs_eight_bytes() {
        assert_eq!(size_of::<Slot<0>>(), 8);
    }
}
