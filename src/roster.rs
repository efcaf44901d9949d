//! A roster: who is in a list, in the order of arrival, with some of them away and to come back.
//!
//! A stamped log whose takers may leave their place and keep it: no view shows them meanwhile. One
//! who comes back takes the place as it was, unless a view is held that would show it; then it
//! takes a new place at the end and *stands* at its old one, until the next rebuild puts it there.
//! Costs: those of the log; who is away costs a factor log n of those away, and a view with some
//! who stand elsewhere is sorted when it is read.

use alloc::{boxed::Box, collections::BTreeSet, sync::Arc, vec, vec::Vec};
use core::fmt;

use crate::log::{Log, Moved, View};

/// So few who stand elsewhere are not worth a rebuild.
const FEW: usize = 8;

/// A list of members, present and away.
#[derive(Clone)]
pub(crate) struct Roster {
    log: Log<0>,
    // None where nobody is away and all stand at their places, which is nearly everywhere.
    rare: Option<Box<Rare>>,
}

#[derive(Clone, Default)]
struct Rare {
    // Invariant: places that were left, by those who are away.
    away: BTreeSet<u32>,
    stands: Stands,
}

/// Where those stand who do not stand at their place: place and standing, by place.
type Stands = Option<Arc<Vec<(u32, u32)>>>;

fn stand(stands: &Stands, place: u32) -> u32 {
    let Some(stands) = stands else { return place };
    match stands.binary_search_by_key(&place, |(at, _)| *at) {
        Ok(at) => stands.get(at).map_or(place, |(_, stand)| *stand),
        Err(_) => place,
    }
}

impl Roster {
    pub(crate) fn new() -> Self {
        Self { log: Log::new(), rare: None }
    }

    /// How many are present.
    pub(crate) const fn present(&self) -> u32 {
        self.log.live()
    }

    /// How many are away.
    #[expect(clippy::cast_possible_truncation, reason = "a log has fewer than 2^32 places")]
    pub(crate) fn away(&self) -> u32 {
        self.rare.as_ref().map_or(0, |rare| rare.away.len() as u32)
    }

    /// How many there are.
    pub(crate) fn len(&self) -> u32 {
        self.present() + self.away()
    }

    /// Whether there is no place for one more.
    pub(crate) fn is_full(&self) -> bool {
        self.log.is_full()
    }

    /// Makes a place for one more if there is none.
    pub(crate) fn make_room(&mut self) -> Option<Moved> {
        if self.log.is_full() && !self.log.has_gaps() {
            self.log.grow();
        }
        self.log.is_full().then(|| self.rebuild())
    }

    /// Whether there are many gaps between the places, or many stand elsewhere.
    #[inline]
    pub(crate) fn is_sparse(&self) -> bool {
        match &self.rare {
            None => self.log.is_sparse(0),
            Some(rare) => {
                let elsewhere = rare.stands.as_ref().map_or(0, |stands| stands.len());
                self.log.is_sparse(self.away()) || elsewhere > FEW + self.len() as usize / 8
            }
        }
    }

    /// Closes the gaps between the places, and puts everyone at his place, if that is due.
    pub(crate) fn close_gaps(&mut self) -> Option<Moved> {
        self.is_sparse().then(|| self.rebuild())
    }

    /// Takes the next place, of which there must be one.
    pub(crate) fn push(&mut self, who: u32) -> u32 {
        self.log.push(who, [])
    }

    /// Leaves a place for good, be its taker present or away.
    pub(crate) fn remove(&mut self, place: u32) {
        if self.rare.is_none() {
            self.log.remove(place);
            return;
        }
        if !self.no_more_away(place) {
            self.log.remove(place);
        }
        self.forget_stand(place);
    }

    /// Leaves a place to come back to.
    pub(crate) fn leave(&mut self, place: u32) {
        self.log.remove(place);
        self.rare.get_or_insert_default().away.insert(place);
    }

    /// Comes back to a place that was left so; there must be room for one more. Returns the place
    /// from here on.
    pub(crate) fn come_back(&mut self, place: u32) -> u32 {
        let was_away = self.no_more_away(place);
        debug_assert!(was_away, "who comes back was away");
        if self.log.retake(place) {
            return place;
        }
        let (who, []) = self.log.get(place);
        let standing = self.standing(place);
        self.forget_stand(place);
        let new = self.log.push(who, []);
        // The new place is the last of all.
        let rare = self.rare.get_or_insert_default();
        Arc::make_mut(rare.stands.get_or_insert_default()).push((new, standing));
        new
    }

    /// Notes that the taker of a place is not away, if it was; returns whether it was.
    fn no_more_away(&mut self, place: u32) -> bool {
        let Some(rare) = &mut self.rare else { return false };
        let was_away = rare.away.remove(&place);
        self.give_up_rare();
        was_away
    }

    fn forget_stand(&mut self, place: u32) {
        let Some(Rare { stands: Some(stands), .. }) = self.rare.as_deref_mut() else { return };
        if let Ok(at) = stands.binary_search_by_key(&place, |(at, _)| *at) {
            Arc::make_mut(stands).remove(at);
        }
        self.give_up_rare();
    }

    fn give_up_rare(&mut self) {
        let Some(Rare { away, stands }) = self.rare.as_deref_mut() else { return };
        if stands.as_ref().is_some_and(|stands| stands.is_empty()) {
            *stands = None;
        }
        if away.is_empty() && stands.is_none() {
            self.rare = None;
        }
    }

    fn stands(&self) -> Stands {
        self.rare.as_ref()?.stands.clone()
    }

    fn away_from(&self, place: u32) -> impl Iterator<Item = u32> {
        self.rare.iter().flat_map(move |rare| rare.away.range(place..).copied())
    }

    /// Where the taker of a place stands: in the order of these, the list is in the order of
    /// arrival.
    pub(crate) fn standing(&self, place: u32) -> u32 {
        match &self.rare {
            None => place,
            Some(rare) => stand(&rare.stands, place),
        }
    }

    /// Those who are present, as they are.
    pub(crate) fn view(&self) -> Roll {
        Roll { view: self.log.view(), stands: self.stands() }
    }

    /// Those who are present, in order.
    pub(crate) fn iter(&self) -> impl Iterator<Item = u32> {
        self.ordered(self.log.iter_from(0).map(|(place, _)| place))
    }

    /// All, present and away, in order.
    pub(crate) fn everyone(&self) -> impl Iterator<Item = u32> {
        self.ordered(self.all_places())
    }

    /// Places and their takers from `place` on, away ones too, in no particular order.
    pub(crate) fn places_from(&self, place: u32) -> impl Iterator<Item = (u32, u32)> {
        let away = self.away_from(place).map(|place| (place, self.log.get(place).0));
        self.log.iter_from(place).chain(away)
    }

    fn all_places(&self) -> impl Iterator<Item = u32> {
        self.log.iter_from(0).map(|(place, _)| place).chain(self.away_from(0))
    }

    fn ordered(&self, places: impl Iterator<Item = u32>) -> impl Iterator<Item = u32> {
        let mut places: Vec<_> = places.collect();
        places.sort_by_key(|place| self.standing(*place));
        places.into_iter().map(|place| self.log.get(place).0)
    }

    fn rebuild(&mut self) -> Moved {
        if self.rare.is_none() {
            return self.log.rebuild();
        }
        let mut places: Vec<_> = self.all_places().collect();
        places.sort_by_key(|place| self.standing(*place));
        let moved = self.log.rebuild_as(&places);
        let Some(rare) = self.rare.take() else { return moved };
        for (new, old) in (0..).zip(&places) {
            if rare.away.contains(old) {
                self.leave(new);
            }
        }
        moved
    }

    /// Panics if an invariant does not hold. Linear in the members.
    pub(crate) fn check_invariants(&self) {
        self.log.check_invariants(self.away());
        let present: BTreeSet<_> = self.log.iter_from(0).map(|(place, _)| place).collect();
        let Some(Rare { away, stands }) = self.rare.as_deref() else { return };
        assert!(!away.is_empty() || stands.is_some(), "what nobody needs is given up");
        assert!(away.is_disjoint(&present), "who is away is not present");
        assert!(away.last().is_none_or(|place| *place < self.log.len()), "places are taken");
        for (place, standing) in stands.iter().flat_map(|stands| stands.iter()) {
            assert!(present.contains(place) || away.contains(place), "who stands is there");
            assert!(!present.contains(standing), "where somebody stands, nobody else does");
        }
    }
}

impl fmt::Debug for Roster {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.iter()).finish()
    }
}

/// Who was present when it was made: owned, sendable, cheap to clone.
#[derive(Clone)]
pub(crate) struct Roll {
    view: View<0>,
    stands: Stands,
}

impl Roll {
    /// Nobody.
    pub(crate) fn empty() -> Self {
        Self { view: View::empty(), stands: None }
    }

    /// Those, in their order.
    pub(crate) fn of(members: &[u32]) -> Self {
        Self { view: View::of(members), stands: None }
    }

    /// How many there are.
    #[inline]
    pub(crate) const fn len(&self) -> u32 {
        self.view.live()
    }

    /// Those who are in it, in order.
    #[inline]
    pub(crate) fn iter(&self) -> impl Iterator<Item = u32> {
        match self.stands {
            None => Order::AsTaken(self.view.iter()),
            Some(_) => Order::Sorted(self.sorted().into_iter()),
        }
    }

    #[cold]
    fn sorted(&self) -> Vec<u32> {
        let mut places: Vec<_> = self.view.places().collect();
        places.sort_by_key(|place| stand(&self.stands, *place));
        places.into_iter().map(|place| self.view.get(place).0).collect()
    }
}

/// Members in order: as their places are, or as they had to be sorted.
enum Order<I> {
    AsTaken(I),
    Sorted(vec::IntoIter<u32>),
}

impl<I: Iterator<Item = u32>> Iterator for Order<I> {
    type Item = u32;

    #[inline]
    fn next(&mut self) -> Option<u32> {
        match self {
            Self::AsTaken(members) => members.next(),
            Self::Sorted(members) => members.next(),
        }
    }

    #[inline]
    fn fold<B, F: FnMut(B, u32) -> B>(self, init: B, f: F) -> B {
        match self {
            Self::AsTaken(members) => members.fold(init, f),
            Self::Sorted(members) => members.fold(init, f),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Who is in a dumb list: number, place, and whether it is away.
    type Dumb = Vec<(u32, u32, bool)>;

    fn note(list: &mut Dumb, roster: &Roster, moved: Option<Moved>) {
        let Some(moved) = moved else { return };
        for (place, who) in roster.places_from(moved.from) {
            let known = list.iter_mut().find(|(number, ..)| *number == who).unwrap();
            known.1 = place;
        }
    }

    fn check(list: &Dumb, roll: &Roll) -> Vec<u32> {
        let present: Vec<_> =
            list.iter().filter(|(.., away)| !away).map(|(who, ..)| *who).collect();
        assert_eq!(roll.iter().collect::<Vec<_>>(), present);
        assert_eq!(roll.len() as usize, present.len());
        present
    }

    #[test]
    fn who_comes_back_is_where_it_was_and_held_views_do_not_see_it() {
        let mut roster = Roster::new();
        let mut list = Dumb::new();
        let mut held = Vec::new();
        let mut random = 1_u32;
        for step in 0..4_000_u32 {
            random = random.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            let pick = (random >> 8) as usize;
            match random >> 29 {
                0..3 => {
                    let moved = roster.make_room();
                    note(&mut list, &roster, moved);
                    list.push((step, roster.push(step), false));
                }
                3 | 4 if !list.is_empty() => {
                    let (_, place, _) = list.remove(pick % list.len());
                    roster.remove(place);
                }
                _ if !list.is_empty() => {
                    let at = pick % list.len();
                    if list[at].2 {
                        let moved = roster.make_room();
                        note(&mut list, &roster, moved);
                        list[at].1 = roster.come_back(list[at].1);
                    } else {
                        roster.leave(list[at].1);
                    }
                    list[at].2 = !list[at].2;
                }
                _ => {}
            }
            let moved = roster.close_gaps();
            note(&mut list, &roster, moved);
            roster.check_invariants();
            let everyone: Vec<_> = list.iter().map(|(who, ..)| *who).collect();
            assert!(roster.everyone().eq(everyone));
            let present = check(&list, &roster.view());
            // With and without views that are held.
            if step % 1_000 < 500 {
                held.push((roster.view(), present));
            }
        }
        for (roll, present) in held {
            assert!(roll.iter().eq(present));
        }
    }
}
