//! Keeps what rooms say in a file, so that pages go on where memory ends.
//!
//! # What is kept, and when
//!
//! All that rooms have a history of is written into one SQLite file by a thread of its own, and what
//! a page wants beyond memory is read by another, so the engine never waits for a disk. It hands
//! over messages as they are said, in their order, and again those that it could not and that memory
//! lets go; a page is read when everything that was handed over before it has been committed. So
//! what is in memory is in the file too, and `kill -9` costs what was said in the last moments, not
//! what rooms remember.
//!
//! What has been handed over is written in batches, each one transaction: the file has a batch or
//! does not have it, whenever the process ends. A message has its place by topic, event name, epoch
//! and offset, and the file has each place once, so nothing doubles, however often it is handed over.
//!
//! # Earlier rooms
//!
//! A room is made anew when the server starts, and where it had gone because nobody was there; then
//! it has a new epoch, its offsets begin with 1, and memory is empty. Pages go on with what was said
//! under the topic before: newest first, the room's own, then that of the room before it, and so on.
//! Messages of earlier rooms say their `epoch`, as their offsets are not the room's own. Recovery
//! (`since`) is within one room, as ever.
//!
//! A room that was opened (by `open_room`) is a thing of its own: nothing from before is shown in it,
//! and nothing of it after it. What was said before a room was closed (by `close_room`) is not shown
//! after that either. It stays in the file as long as the settings say. With
//! [`HistoryReach::Room`], no room shows anything but its own.
//!
//! # When it can't keep up
//!
//! Up to [`max_waiting_bytes`](HistorySettings::max_waiting_bytes) may wait to be written. What
//! comes when that is full has another chance when memory lets it go, and if it is still full then,
//! it is lost, which is counted, and said in the log as it begins and when it is over. While nothing
//! can be written, because the disk is full or fails or the file has been deleted, what waits is
//! tried again each second. A page that needs the file is then refused, or is what memory has of it
//! and says where to go on.
//!
//! # Pages
//!
//! A page goes on from a position by an index of the file, so it costs what it returns, whatever is
//! asked. Each client has one page read at a time, and addresses take turns. A page that no client
//! waits for any more is not read.
//!
//! # How long
//!
//! By age ([`max_age_s`](HistorySettings::max_age_s)), looked at every ten seconds, and by count of
//! each event name of a topic ([`max_messages`](HistorySettings::max_messages)), looked at with each
//! batch. Without either the file grows for ever. What is deleted makes room inside the file, which
//! does not become smaller. What is still in memory is there as long as its room says.

mod cursor;
mod cuts;
mod file;
mod keeper;
mod layout;
mod load;
mod reader;
mod table;
#[cfg(test)]
mod tests;
mod trouble;
mod turns;
mod watch;
mod writer;

use std::{
    fmt, io,
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
        mpsc,
    },
    thread::{self, JoinHandle},
};

use parlor::{StoredMessage, Topic};
use tokio::sync::mpsc::WeakSender;

pub(crate) use self::{
    cursor::{Found, Wanted},
    keeper::Keeper,
    load::Ticket,
    reader::Stop,
    turns::Asker,
};

use self::{
    cuts::Cuts,
    file::Opened,
    load::{Answers, Load},
    reader::Reader,
    trouble::Trouble,
    turns::Turns,
    writer::Writer,
};
use crate::{clock::Clock, engine::Message};

/// Where messages are kept that memory has no room for, and for how long.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "made by a struct update of `HistorySettings::new`")]
pub struct HistorySettings {
    /// The file, which is made if there is none. Beside it SQLite makes `FILE-wal` and `FILE-shm`.
    /// The server locks it, so that no other one uses it by whatever path.
    pub file: PathBuf,
    /// How old messages may become, in seconds; any age if none is given.
    pub max_age_s: Option<u64>,
    /// How many messages are kept of each event name of a topic, the newest; any number if none is
    /// given.
    pub max_messages: Option<u64>,
    /// How far back pages go.
    pub reach: HistoryReach,
    /// What has to have happened before a batch counts as written.
    pub sync: HistorySync,
    /// How many bytes may wait to be written.
    pub max_waiting_bytes: u64,
}

/// How far back pages go.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[expect(clippy::exhaustive_enums, reason = "there is nothing between the two")]
pub enum HistoryReach {
    /// To what was said under the topic in earlier rooms, such as before a restart, but for rooms
    /// that were opened.
    #[default]
    Topic,
    /// To where the room was made.
    Room,
}

/// What has to have happened before a batch of messages counts as written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[expect(clippy::exhaustive_enums, reason = "they are the two that SQLite has for a log")]
pub enum HistorySync {
    /// The machine has it: it survives the end of the process, however that comes. A machine that
    /// loses its power may lose the last batches, but never has half of one.
    #[default]
    Normal,
    /// The disk has it: it survives the end of the machine too. Each batch costs a sync.
    Full,
}

/// What became of what was to be kept, since the start.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct HistoryStats {
    /// Messages that were written.
    pub written: u64,
    /// Messages that were lost, as too much waited to be written.
    pub lost: u64,
    /// Bytes that wait to be written.
    pub waiting_bytes: u64,
    /// Pages that were read.
    pub pages: u64,
    /// Pages that could not be read.
    pub failed_pages: u64,
}

/// What the threads count.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    written: AtomicU64,
    lost: AtomicU64,
    waiting_bytes: AtomicU64,
    pages: AtomicU64,
    failed_pages: AtomicU64,
    /// Pages on their way.
    loads: AtomicU64,
    /// Why what is handed over can't be written.
    writing: Trouble,
    /// Why pages can't be read.
    reading: Trouble,
    /// What is wrong with the file, whatever else can be read from it.
    damage: Trouble,
}

/// Something for the thread that writes.
#[derive(Debug)]
enum Command {
    Write(Kept),
    /// There are cuts to be written.
    Cut,
    Load(Load),
}

/// Messages of one topic, to be written.
#[derive(Debug)]
struct Kept {
    topic: Topic,
    epoch: u64,
    messages: Vec<Arc<StoredMessage>>,
}

/// A file that has been opened, of which the threads are not there yet.
pub(crate) struct History {
    opened: Opened,
    settings: HistorySettings,
}

/// The threads of a history. That which writes ends when all keepers are gone and everything is
/// written, and that which reads when it is stopped or the other has ended.
pub(crate) struct Running {
    pub(crate) threads: Vec<JoinHandle<()>>,
    pub(crate) tally: Arc<Tally>,
    pub(crate) stop: Stop,
    commands: mpsc::Sender<Command>,
    cuts: Arc<Cuts>,
    max_waiting_bytes: u64,
}

impl HistorySettings {
    /// How many bytes may wait to be written, by default.
    pub const MAX_WAITING_BYTES: u64 = 64 << 20;

    /// Keeps everything in that file, for ever.
    pub fn new(file: impl Into<PathBuf>) -> Self {
        Self {
            file: file.into(),
            max_age_s: None,
            max_messages: None,
            reach: HistoryReach::default(),
            sync: HistorySync::default(),
            max_waiting_bytes: Self::MAX_WAITING_BYTES,
        }
    }
}

impl History {
    /// Opens the file, or makes it. What is wrong with it is said with what was expected.
    pub(crate) fn open(settings: &HistorySettings) -> Result<Self, String> {
        let opened = Opened::open(&settings.file, settings.sync)?;
        Ok(Self { opened, settings: settings.clone() })
    }

    /// An epoch that is higher than all that the file knows.
    pub(crate) const fn next_epoch(&self) -> u64 {
        self.opened.last_epoch.saturating_add(1)
    }

    /// Starts its threads.
    pub(crate) fn start(self, clock: Clock) -> io::Result<Running> {
        let Self { opened: Opened { writer, reader, claim, watch, last_epoch: _ }, settings } =
            self;
        let (tally, cuts) = (Arc::<Tally>::default(), Arc::<Cuts>::default());
        let turns = Arc::<Turns>::default();
        let (commands, received) = mpsc::channel();
        let HistorySettings { reach, max_waiting_bytes, .. } = settings;
        let reader =
            Reader::new(reader, Arc::clone(&claim), reach, Arc::clone(&turns), Arc::clone(&tally));
        let stop = reader.stop();
        let writer = Writer {
            connection: writer,
            _claim: claim,
            watch,
            settings,
            clock,
            cuts: Arc::clone(&cuts),
            turns,
            tally: Arc::clone(&tally),
            progress: writer::Progress::default(),
        };
        let threads = vec![
            spawn("history-write", move || writer.run(&received))?,
            spawn("history-read", move || reader.run())?,
        ];
        Ok(Running { threads, tally, stop, commands, cuts, max_waiting_bytes })
    }
}

impl Running {
    /// What the engine has of it, which is answered in its mailbox.
    pub(crate) fn keeper(&self, mailbox: WeakSender<Message>) -> Keeper {
        let (commands, tally) = (self.commands.clone(), Arc::clone(&self.tally));
        let answers = Arc::new(Answers::new(mailbox));
        Keeper::new(commands, tally, Arc::clone(&self.cuts), answers, self.max_waiting_bytes)
    }
}

impl Tally {
    /// What does not work, in words for whoever watches the server.
    pub(crate) fn troubles(&self) -> impl Iterator<Item = String> {
        let said =
            |what: &str, trouble: &Trouble| trouble.get().map(|why| format!("{what}: {why}"));
        let writing = said("the history can't be written, retrying each second", &self.writing);
        let reading = said("pages of the history can't be read", &self.reading);
        let damage =
            said("the history file is damaged, expected a restart with a copy", &self.damage);
        [writing, reading, damage].into_iter().flatten()
    }

    /// What waited does so no longer.
    fn release(&self, bytes: u64) {
        self.waiting_bytes.fetch_sub(bytes, Ordering::Relaxed);
    }

    pub(crate) fn stats(&self) -> HistoryStats {
        let of = |count: &AtomicU64| count.load(Ordering::Relaxed);
        HistoryStats {
            written: of(&self.written),
            lost: of(&self.lost),
            waiting_bytes: of(&self.waiting_bytes),
            pages: of(&self.pages),
            failed_pages: of(&self.failed_pages),
        }
    }
}

impl Kept {
    /// What it takes while it waits.
    fn bytes(&self) -> u64 {
        let sizes = self.messages.iter().map(|message| message.size() + AROUND_MESSAGE);
        sizes.map(|size| size as u64).sum()
    }

    /// How many messages would be lost with it.
    const fn count(&self) -> u64 {
        self.messages.len() as u64
    }
}

/// What a message takes beside what it says, roughly.
const AROUND_MESSAGE: usize = 256;

fn spawn(name: &str, run: impl FnOnce() + Send + 'static) -> io::Result<JoinHandle<()>> {
    thread::Builder::new().name(name.into()).spawn(run)
}

impl fmt::Debug for History {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("History").field("settings", &self.settings).finish_non_exhaustive()
    }
}

/// A path beside that of the history.
fn beside(file: &Path, ending: &str) -> PathBuf {
    let mut name = file.as_os_str().to_owned();
    name.push(ending);
    name.into()
}
