//! Many clients in rooms, each of which hears what is said in its own, and says what it is told to.

use std::sync::{
    Arc,
    atomic::{AtomicBool, AtomicUsize, Ordering},
};

use anyhow::{Result, ensure};
use futures_util::future::try_join_all;
use tokio::{
    select,
    sync::mpsc,
    task::JoinHandle,
    time::{Instant, interval_at, timeout},
};

use crate::{
    connection::{Connection, HEARTBEAT, PATIENCE, now_ns},
    dialect::{Heard, Said},
    host::Host,
    ledger::{Board, Ledger},
    progress::Progress,
};

/// How many connect at once.
const AT_ONCE: usize = 64;

/// Clients, each of which is in one room.
#[derive(Debug)]
pub(crate) struct Crowd {
    pub(crate) board: Arc<Board>,
    members: Vec<Member>,
    /// Whether it is noted how long deliveries take.
    samples: Arc<AtomicBool>,
    /// How many each of the first has said.
    said: Vec<Spoken>,
}

#[derive(Debug, Clone, Copy, Default)]
struct Spoken {
    number: u32,
    began_ns: u64,
}

#[derive(Debug)]
struct Member {
    room: String,
    orders: mpsc::UnboundedSender<Said>,
    task: JoinHandle<Record>,
}

/// What a member has heard.
#[derive(Debug)]
struct Record {
    ledger: Ledger,
    /// How long deliveries have taken, in nanoseconds.
    samples: Vec<u64>,
}

impl Crowd {
    /// Connects so many clients, each of which joins the room that is its own.
    pub(crate) async fn gather(
        host: &Host,
        size: usize,
        senders: usize,
        room_of: impl Fn(usize) -> String,
    ) -> Result<Self> {
        let (board, samples) = (Arc::new(Board::default()), Arc::new(AtomicBool::new(false)));
        let joined = Arc::new(AtomicUsize::new(0));
        let progress = Progress::start(format!("{} joining", host.target.name()), {
            let joined = Arc::clone(&joined);
            move || format!("{} of {size}", joined.load(Ordering::Relaxed))
        });
        let mut members = Vec::with_capacity(size);
        while members.len() < size {
            let first = members.len();
            let batch = (first..size.min(first + AT_ONCE)).map(|client| {
                let room = room_of(client);
                async move {
                    let number = u32::try_from(client)?;
                    let mut connection = Connection::open(host.target, host.at, number).await?;
                    connection.join(&room, |_| {}).await?;
                    anyhow::Ok((connection, room))
                }
            });
            for (connection, room) in try_join_all(batch).await? {
                let (orders, ordered) = mpsc::unbounded_channel();
                let (board, samples) = (Arc::clone(&board), Arc::clone(&samples));
                let listening = listen(connection, room.clone(), ordered, board, samples);
                members.push(Member { room, orders, task: tokio::spawn(listening) });
            }
            joined.store(members.len(), Ordering::Relaxed);
        }
        drop(progress);
        Ok(Self { board, members, samples, said: vec![Spoken::default(); senders] })
    }

    pub(crate) fn len(&self) -> usize {
        self.members.len()
    }

    /// How many have been said.
    pub(crate) fn said(&self) -> u64 {
        self.said.iter().map(|spoken| u64::from(spoken.number)).sum()
    }

    /// From here on it is noted how long deliveries take.
    pub(crate) fn sample(&self) {
        self.samples.store(true, Ordering::Relaxed);
    }

    /// One of the senders says something, in turn.
    pub(crate) fn say(&mut self, due_ns: u64) {
        let turn = usize::try_from(self.said()).unwrap_or(0) % self.said.len().max(1);
        let spoken = self.said.get_mut(turn).zip(self.members.get(turn));
        if let (Some((spoken, member)), Ok(by)) = (spoken, u32::try_from(turn)) {
            if spoken.number == 0 {
                spoken.began_ns = due_ns;
            }
            let said = Said { by, number: spoken.number, began_ns: spoken.began_ns, due_ns };
            spoken.number += 1;
            // One that has ended has said why.
            member.orders.send(said).ok();
        }
    }

    /// Waits until everything that was said in the one room of all has been heard by all.
    pub(crate) async fn hear_all(&self) -> Result<()> {
        let wanted = self.said() * u64::try_from(self.len())?;
        let heard = timeout(PATIENCE, self.board.until(wanted)).await;
        self.board.check()?;
        let delivered = self.board.delivered();
        ensure!(heard.is_ok(), "{delivered} deliveries have come, expected {wanted}");
        Ok(())
    }

    /// Ends, and returns how long deliveries have taken, when each member has heard all that was
    /// said in the one room of all.
    pub(crate) async fn end(self) -> Result<Vec<u64>> {
        self.board.check()?;
        let mut samples = Vec::new();
        for Member { orders, task, room: _ } in self.members {
            drop(orders);
            let record = task.await?;
            for (by, spoken) in (0..).zip(&self.said) {
                let (heard, said) = (record.ledger.heard_of(by), spoken.number);
                ensure!(heard == said, "{heard} messages of sender {by} came, expected {said}");
            }
            samples.extend(record.samples);
        }
        self.board.check()?;
        Ok(samples)
    }

    /// Ends clients of many rooms, in which nothing was said.
    pub(crate) async fn dismiss(self) -> Result<()> {
        ensure!(self.members.iter().all(|member| !member.room.is_empty()), "expected rooms");
        self.end().await.map(drop)
    }
}

/// Hears and says until there are no more orders.
async fn listen(
    mut connection: Connection,
    room: String,
    mut orders: mpsc::UnboundedReceiver<Said>,
    board: Arc<Board>,
    sampling: Arc<AtomicBool>,
) -> Record {
    let mut record = Record { ledger: Ledger::new(now_ns()), samples: Vec::new() };
    let mut beats = interval_at(Instant::now() + HEARTBEAT, HEARTBEAT);
    loop {
        let result = select! {
            biased;
            heard = connection.hear() => match heard {
                Ok(Heard::Said(said)) => {
                    if let Err(fault) = record.ledger.enter(&said) {
                        board.fault(|| fault);
                    }
                    board.count_delivery();
                    if sampling.load(Ordering::Relaxed) {
                        record.samples.push(now_ns().saturating_sub(said.due_ns));
                    }
                    Ok(())
                }
                Ok(Heard::Done(_) | Heard::Presence | Heard::Ping | Heard::Other) => Ok(()),
                Err(error) => Err(error),
            },
            said = orders.recv() => match said {
                Some(said) => connection.say(&room, &said).await,
                None => break,
            },
            _ = beats.tick() => connection.keep_alive().await,
        };
        if let Err(error) = result {
            board.fault(|| format!("a connection is lost: {error:#}"));
            return record;
        }
    }
    connection.close().await;
    record
}
