//! Whose page is read next: askers take turns, so none waits for all that another has asked for.

use std::{
    collections::{BTreeMap, VecDeque},
    net::IpAddr,
    sync::{Condvar, Mutex, MutexGuard, PoisonError},
};

use parlor::UserId;

use super::Load;

/// Who takes turns with others: an address, or a user where no address is known. Each client of it
/// waits for one page at a time, so its clients take turns too.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Asker {
    Address(IpAddr),
    User(UserId),
}

/// The loads that wait to be read.
#[derive(Debug, Default)]
pub(super) struct Turns {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct State {
    /// Invariant: none is empty, and each has one place in `order`.
    by_asker: BTreeMap<Asker, VecDeque<Load>>,
    order: VecDeque<Asker>,
    has_ended: bool,
}

impl Turns {
    pub(super) fn push(&self, load: Load) {
        let mut state = self.lock();
        if !state.by_asker.contains_key(&load.asker) {
            state.order.push_back(load.asker.clone());
        }
        state.by_asker.entry(load.asker.clone()).or_default().push_back(load);
        drop(state);
        self.changed.notify_one();
    }

    /// Returns the next load that somebody waits for, and waits until there is one. None after
    /// [`Turns::end`].
    pub(super) fn next(&self) -> Option<Load> {
        let mut state = self.lock();
        loop {
            if state.has_ended {
                return None;
            }
            match state.pop() {
                Some(load) if load.is_waited_for() => return Some(load),
                Some(_abandoned) => {}
                None => {
                    state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
                }
            }
        }
    }

    /// Drops what waits. Nothing is read from here on.
    pub(super) fn end(&self) {
        let mut state = self.lock();
        *state = State { has_ended: true, ..State::default() };
        drop(state);
        self.changed.notify_all();
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn pop(&mut self) -> Option<Load> {
        let asker = self.order.pop_front()?;
        let loads = self.by_asker.get_mut(&asker)?;
        let load = loads.pop_front();
        if loads.is_empty() {
            self.by_asker.remove(&asker);
        } else {
            self.order.push_back(asker);
        }
        load
    }
}
