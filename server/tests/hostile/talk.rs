//! Two honest clients in a room, who talk for as long as the attacks go on.

use std::{
    net::SocketAddr,
    time::{Duration, Instant},
};

use serde_json::json;
use tokio::{
    sync::{mpsc, oneshot},
    task::JoinHandle,
    time::timeout,
};

use super::super::outsider::{PATIENCE, page::Page};

const ROOM: &str = "honest:1";

/// How long they rest between two rounds.
const PAUSE: Duration = Duration::from_millis(20);

pub struct Talk {
    asks: mpsc::Sender<oneshot::Sender<Rounds>>,
    task: JoinHandle<String>,
    /// How the talk has ended.
    flaw: Option<String>,
}

/// Rounds since somebody has asked last.
#[derive(Clone, Copy, Default)]
pub struct Rounds {
    pub count: u64,
    pub slowest: Duration,
}

impl Talk {
    pub async fn start(at: SocketAddr) -> Self {
        let mut ann = Page::of("ann", at).await;
        let mut bob = Page::of("bob", at).await;
        for page in [&mut ann, &mut bob] {
            assert_eq!(page.ask(ROOM, "phx_join", json!({})).await, "ok");
        }
        let (asks, mut asked) = mpsc::channel::<oneshot::Sender<Rounds>>(1);
        let task = tokio::spawn(async move {
            let (mut rounds, mut number) = (Rounds::default(), 0_u64);
            loop {
                let ask = match timeout(PAUSE, asked.recv()).await {
                    Ok(Some(ask)) => Some(ask),
                    Ok(None) => return "nobody asks any more".to_owned(),
                    Err(_elapsed) => None,
                };
                let began = Instant::now();
                number += 1;
                if let Err(flaw) = round(&mut ann, &mut bob, number).await {
                    return format!("round {number}: {flaw}");
                }
                rounds.count += 1;
                rounds.slowest = rounds.slowest.max(began.elapsed());
                if let Some(ask) = ask {
                    ask.send(std::mem::take(&mut rounds)).ok();
                }
            }
        });
        Self { asks, task, flaw: None }
    }

    /// Waits for a round that begins after this, and tells of all since the last time.
    pub async fn goes_on(&mut self) -> Result<Rounds, String> {
        let (ask, answer) = oneshot::channel();
        let heard = async {
            self.asks.send(ask).await.ok()?;
            answer.await.ok()
        };
        match timeout(PATIENCE, heard).await {
            Ok(Some(rounds)) => Ok(rounds),
            Ok(None) => {
                if self.flaw.is_none() {
                    let end = (&mut self.task).await;
                    self.flaw = Some(end.unwrap_or_else(|error| error.to_string()));
                }
                Err(self.flaw.clone().unwrap_or_default())
            }
            Err(_elapsed) => Err(format!("no round in {PATIENCE:?}")),
        }
    }
}

/// One says something, and the other hears it.
async fn round(ann: &mut Page, bob: &mut Page, number: u64) -> Result<(), String> {
    match &*ann.ask(ROOM, "say", json!(number)).await {
        "ok" => {}
        answer => return Err(format!("ann: {answer}")),
    }
    loop {
        let frame = bob.next().await.map_err(|end| format!("bob: {end}"))?;
        if frame[2] == ROOM && frame[3] == "say" && frame[4] == number {
            ann.heard.clear();
            return Ok(());
        }
    }
}
