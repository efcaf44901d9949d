//! A server that runs: its engine, its connections, and its end.

use std::{
    fmt, io, mem,
    num::NonZeroU64,
    path::{Path, PathBuf},
    sync::{Arc, Weak},
    thread,
    time::Duration,
};

use axum::routing::any;
use parlor::Config;
use tokio::{
    net::TcpListener,
    runtime::Handle,
    sync::{Mutex, mpsc},
    task::{JoinHandle, spawn_blocking},
    time::{sleep, timeout},
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use tracing::{error, info, warn};

use crate::{
    clock::{self, Clock},
    close::Close,
    dialogue::Returns,
    elsewhere,
    engine::{Engine, MAILBOX, Message},
    epoch,
    history::{History, HistorySettings, HistoryStats, Stop},
    hub::Hub,
    inspect,
    journal::Journal,
    listen,
    listing::Listing,
    metrics::Metrics,
    openings::Openings,
    operators::LookToken,
    page, random,
    registry::{Gate, Registry},
    router,
    sessions::Sessions,
    settings::{Settings, check},
    telling::Telling,
};

/// A server that runs. Clones are the same server.
///
/// It runs until [`shutdown`](Server::shutdown), also when all clones are dropped and somebody
/// serves its [`router`](Server::router).
#[derive(Clone)]
pub struct Server {
    hub: Arc<Hub>,
    /// Held by who ends them, so that whoever else shuts the server down waits until that is done.
    parts: Arc<Mutex<Parts>>,
}

/// What runs beside the connections, and ends after them.
#[derive(Debug, Default)]
struct Parts {
    engine: Option<JoinHandle<()>>,
    lanes: Vec<JoinHandle<()>>,
    history: Vec<thread::JoinHandle<()>>,
    /// Ends the reading of pages, which nobody waits for when the engine has ended.
    reading: Option<Stop>,
    /// How many of the threads of the history have panicked, once that is known.
    ending: Option<JoinHandle<usize>>,
    /// How many have panicked, as far as they have ended.
    panicked: usize,
}

/// Why a server does not start.
#[derive(Debug)]
#[non_exhaustive]
pub enum StartError {
    /// The settings can't work together.
    Config(String),
    /// A journal can't be begun at that path.
    Journal(PathBuf, io::Error),
    /// A history can't be kept in the file at that path.
    History(PathBuf, String),
    /// The history has epochs up to that one, and none are left above it.
    Epochs(u64),
    /// A thread can't be started.
    Thread(io::Error),
    /// It is not started from within a runtime of tokio.
    NoRuntime,
}

/// How many handshakes there may be at once, beside the requests of clients that poll.
const HANDSHAKES: usize = 1_024;

/// How many requests a client that polls may have open: one in which it waits, and one in which it
/// says something.
const REQUESTS: usize = 2;

/// How long the engine may take to end when nobody tells it anything more.
const LAST_BATCH: Duration = Duration::from_secs(5);

impl Server {
    /// Starts the engine of a server, as a task of the runtime in which it is called; it then waits
    /// for connections.
    ///
    /// # Errors
    ///
    /// What can't be done without: a runtime, settings that can work together, the journal, the
    /// history, its threads.
    pub fn start(mut settings: Settings) -> Result<Self, StartError> {
        let runtime = Handle::try_current().map_err(|_| StartError::NoRuntime)?;
        settings.lanes = settings.lanes.max(1);
        check(&settings).map_err(|wrong| StartError::Config(wrong.to_string()))?;
        let clock = Clock::start();
        let history = settings.history.as_ref().map(open_history).transpose()?;
        let next_epoch = history.as_ref().map_or(0, History::next_epoch);
        let random = u32::from_le_bytes(random::bytes());
        let first_epoch = epoch::first(clock::unix_s(), random, next_epoch)
            .ok_or(StartError::Epochs(next_epoch))?;
        // Clients compare refs too, also with those of an earlier run.
        let first_ref = NonZeroU64::new(first_epoch).unwrap_or(NonZeroU64::MIN);
        let config =
            settings.channel.clone().with_first_epoch(first_epoch).with_first_ref(first_ref);
        let begin = |path: &Path| {
            Journal::create(path, &config)
                .map_err(|error| StartError::Journal(path.to_owned(), error))
        };
        let journal = settings.journal.as_deref().map(begin).transpose()?;

        let history = history.map(|history| history.start(clock)).transpose();
        let history = history.map_err(StartError::Thread)?;
        let openings = Arc::new(Openings::default());
        let metrics = Arc::new(Metrics::new(settings.lanes));
        let broken = CancellationToken::new();
        let (mailbox, receiver) = mpsc::channel(MAILBOX);
        let config = config.with_hash_key(random::hash_key());
        let keeper = history.as_ref().map(|history| history.keeper(mailbox.downgrade()));
        let keeper = keeper.unwrap_or_default();
        let engine = Engine::new(config, journal, keeper, clock, (&openings, &metrics), &settings);
        let lanes = engine.lanes().map(|lane| runtime.spawn(fused(broken.clone(), lane)));
        let mut parts = Parts { lanes: lanes.collect(), ..Parts::default() };
        parts.engine = Some(runtime.spawn(fused(broken.clone(), engine.run(receiver))));
        // Only the engine can hand anything over, so the history ends after it has.
        let history = history.map(|history| {
            parts.history = history.threads;
            parts.reading = Some(history.stop);
            history.tally
        });
        let limits = &settings.connections;
        let hub = Arc::new(Hub {
            clock,
            engine: mailbox,
            connections: Gate::new(limits.max, limits.max_per_ip),
            handshakes: Gate::new(
                limits.max.saturating_mul(REQUESTS).saturating_add(HANDSHAKES),
                limits.max_per_ip.saturating_mul(REQUESTS),
            ),
            watchers: inspect::watchers(),
            going: CancellationToken::new(),
            broken,
            tasks: TaskTracker::new(),
            registry: Registry::default(),
            sessions: Sessions::new(settings.session_key),
            openings,
            listing: Listing::default(),
            history,
            metrics,
            returns: Returns::new(settings.channel.grace_ms()),
            telling: Telling::default(),
            look_token: LookToken::draw(&settings),
            settings,
        });
        let parts = Arc::new(Mutex::new(parts));
        runtime.spawn(watch_history(Arc::clone(&hub), Arc::downgrade(&parts)));
        Ok(Self { hub, parts })
    }

    /// Waits until the engine, a lane or the history has died of a defect. Clients are served no more:
    /// the program should shut the server down and end with an error, so that its
    /// supervisor starts it again.
    pub async fn broken(&self) {
        self.hub.broken.cancelled().await;
    }

    /// A server of which nobody waits for the engine.
    pub(crate) fn of_hub(hub: &Arc<Hub>) -> Self {
        Self { hub: Arc::clone(hub), parts: Arc::default() }
    }

    /// Its routes, to be mounted beside one's own: see [`router`](crate::router()).
    pub fn router(&self) -> axum::Router {
        router::of_hub(Arc::clone(&self.hub))
    }

    /// The page at `/` and what belongs to it, to be merged with its [`router`](Server::router); nothing
    /// if [`Settings::page`] says so.
    pub fn page(&self) -> axum::Router {
        page::routes(self.hub.settings.page).with_state(Arc::clone(&self.hub))
    }

    /// Serves its routes at `listener`, and the page at `/`, until it is shut down.
    pub async fn serve(&self, listener: TcpListener) {
        let elsewhere = any(elsewhere::answer).with_state(Arc::clone(&self.hub));
        let router = self.router().merge(self.page()).fallback_service(elsewhere);
        listen::serve(&self.hub, listener, router).await;
    }

    /// Ends the server: it takes no more connections, those that it has get what waits for them and
    /// are closed with 1012, and what was recorded is written. That takes no longer than
    /// [`drain_ms`](crate::ConnectionLimits::drain_ms) says, with another second or so for the rest,
    /// and what the disk takes for the history. An engine that does not end, by a defect or for an
    /// [`Observer`](crate::Observer) that does not return, is left behind after some seconds.
    ///
    /// Who calls it again waits for the same end.
    pub async fn shutdown(&self) {
        // The engine answers who has said something before all others are told, who are to hear it too.
        if !self.hub.going.is_cancelled() && !self.hub.answers(Duration::from_secs(1)).await {
            warn!("the engine does not answer");
        }
        self.hub.going.cancel();
        self.hub.registry.close_all(&Close::restarting());
        self.hub.tasks.close();
        let patience = Duration::from_millis(self.hub.settings.connections.drain_ms);
        if timeout(patience, self.hub.tasks.wait()).await.is_err() {
            let left = self.hub.connections.count();
            warn!(left, "connections that would not close are dropped");
        }
        let mut parts = self.parts.lock().await;
        if timeout(LAST_BATCH, parts.end_engine(&self.hub)).await.is_err() {
            // The history ends when the engine has, so that is not waited for either.
            return error!("the engine does not end, and is left behind");
        }
        parts.end_history().await;
        let panicked = parts.panicked;
        drop(parts);
        if panicked == 0 {
            info!("shut down");
        } else {
            warn!("the engine, a lane or the history had panicked");
        }
    }

    /// How its channel is configured.
    #[must_use]
    pub fn config(&self) -> &Config {
        &self.hub.settings.channel
    }

    /// What became of what was to be kept in the history, if there is one.
    #[must_use]
    pub fn history(&self) -> Option<HistoryStats> {
        self.hub.history.as_ref().map(|tally| tally.stats())
    }

    /// What opens `/inspect`, `/metrics` and the description of the API, as
    /// `Authorization: Bearer TOKEN` or by the link `/inspect#token=TOKEN`; drawn at the start if there
    /// is no [key](Settings::operator_key) and [`SameMachine`](crate::SameMachine) is `Link`.
    #[must_use]
    pub fn look_token(&self) -> Option<&str> {
        self.hub.look_token.as_ref().map(LookToken::text)
    }

    /// How many connections there are.
    #[must_use]
    pub fn connections(&self) -> usize {
        self.hub.connections.count()
    }

    pub(crate) const fn hub(&self) -> &Arc<Hub> {
        &self.hub
    }
}

/// Whoever waits for an end may give up, and another one goes on from there.
impl Parts {
    async fn end_engine(&mut self, hub: &Hub) {
        // One that has ended needs no word.
        hub.send(Message::Stop).await.ok();
        if let Some(engine) = &mut self.engine {
            self.panicked += usize::from(engine.await.is_err());
            self.engine = None;
        }
        // Unless it has panicked, it has done what was left to do in its lanes, too.
        while let Some(lane) = self.lanes.last_mut() {
            lane.abort();
            self.panicked += usize::from(lane.await.is_err_and(|error| error.is_panic()));
            self.lanes.pop();
        }
    }

    async fn end_history(&mut self) {
        if let Some(reading) = &self.reading {
            reading.stop();
        }
        let threads = mem::take(&mut self.history);
        if !threads.is_empty() {
            self.ending = Some(spawn_blocking(move || {
                threads.into_iter().filter_map(|thread| thread.join().err()).count()
            }));
        }
        if let Some(ending) = &mut self.ending {
            self.panicked += ending.await.unwrap_or(1);
            self.ending = None;
        }
    }
}

/// Tells of a panic by which it is dropped.
struct Fuse(CancellationToken);

/// Runs a part of the server, without which the server is broken.
async fn fused(broken: CancellationToken, part: impl Future<Output = ()>) {
    let _fuse = Fuse(broken);
    part.await;
}

impl Drop for Fuse {
    fn drop(&mut self) {
        if thread::panicking() {
            self.0.cancel();
        }
    }
}

/// How often the threads of the history are looked at.
const LOOK: Duration = Duration::from_secs(1);

/// Tells when a thread of the history ends before the server does.
async fn watch_history(hub: Arc<Hub>, parts: Weak<Mutex<Parts>>) {
    while hub.going.run_until_cancelled(sleep(LOOK)).await.is_some() {
        let Some(parts) = parts.upgrade() else { return };
        let threads = &parts.lock().await.history;
        if threads.is_empty() {
            return;
        }
        if threads.iter().any(thread::JoinHandle::is_finished) {
            return hub.broken.cancel();
        }
    }
}

fn open_history(settings: &HistorySettings) -> Result<History, StartError> {
    History::open(settings).map_err(|wrong| StartError::History(settings.file.clone(), wrong))
}

impl fmt::Debug for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (lanes, connections) = (self.hub.metrics.lanes.len(), self.connections());
        f.debug_struct("Server")
            .field("lanes", &lanes)
            .field("connections", &connections)
            .finish_non_exhaustive()
    }
}

impl fmt::Display for StartError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Config(error) => write!(f, "the settings can't work together: {error}"),
            Self::Journal(path, error) => {
                write!(f, "the journal {} can't be begun: {error}", path.display())
            }
            Self::History(path, wrong) => {
                write!(f, "no history can be kept in {}: {wrong}", path.display())
            }
            Self::Epochs(next) => {
                write!(f, "the history has epochs up to {next}, expected less than 2^53")
            }
            Self::Thread(error) => write!(f, "a thread can't be started: {error}"),
            Self::NoRuntime => f.write_str("expected to be started within a runtime of tokio"),
        }
    }
}

impl std::error::Error for StartError {}
