//! An engine that stands still until it is let go on, so that whoever asks it waits.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    thread,
    time::Duration,
};

use parlor::{Address, Payload, Publish};
use parlor_server::Settings;
use tokio::task::JoinHandle;

use crate::{Running, start, until};

/// A server whose engine stands still. It holds up its thread, so a test of it has several.
pub struct Held {
    pub running: Running,
    stands_still: Arc<AtomicBool>,
    publishing: Vec<JoinHandle<()>>,
}

impl Held {
    /// Starts a server, and holds up its engine when it says the first thing.
    pub async fn start(settings: Settings) -> Self {
        let (stands_still, seen) = (Arc::new(AtomicBool::new(true)), Arc::new(AtomicUsize::new(0)));
        let (held, calls) = (Arc::clone(&stands_still), Arc::clone(&seen));
        let observer = Arc::new(move |_: &parlor::Outbound| {
            calls.fetch_add(1, Ordering::SeqCst);
            while held.load(Ordering::SeqCst) {
                thread::sleep(Duration::from_millis(1));
            }
        });
        let settings = Settings { lanes: 1, observer: Some(observer), ..settings };
        let running = start(settings).await;
        let mut held = Self { running, stands_still, publishing: Vec::new() };
        held.publish();
        until(|| seen.load(Ordering::SeqCst) > 0).await;
        held
    }

    /// Gives the engine one thing more to do.
    pub fn publish(&mut self) {
        let publish = Publish::new(Address::Everyone, "e", Payload::json("1").unwrap());
        let server = self.running.server.clone();
        self.publishing.push(tokio::spawn(async move {
            _ = server.publish(publish).await.unwrap();
        }));
    }

    /// Lets it go on, until it has done all that it was to do.
    pub async fn go_on(self) -> Running {
        self.stands_still.store(false, Ordering::SeqCst);
        for publishing in self.publishing {
            publishing.await.unwrap();
        }
        self.running
    }
}
