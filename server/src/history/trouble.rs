//! What does not work, for whoever watches the server.

use std::sync::{
    Mutex, PoisonError,
    atomic::{AtomicBool, Ordering},
};

/// Something that does not work, in words.
#[derive(Debug, Default)]
pub(crate) struct Trouble {
    is_set: AtomicBool,
    what: Mutex<String>,
}

impl Trouble {
    pub(super) fn set(&self, what: &str) {
        what.clone_into(&mut self.what.lock().unwrap_or_else(PoisonError::into_inner));
        self.is_set.store(true, Ordering::Release);
    }

    pub(super) fn clear(&self) {
        // Mostly there is nothing to clear.
        if self.is_set.load(Ordering::Relaxed) {
            self.is_set.store(false, Ordering::Release);
        }
    }

    /// What does not work, if anything.
    pub(crate) fn get(&self) -> Option<String> {
        let is_set = self.is_set.load(Ordering::Acquire);
        is_set.then(|| self.what.lock().unwrap_or_else(PoisonError::into_inner).clone())
    }
}
