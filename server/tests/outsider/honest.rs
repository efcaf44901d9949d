//! Two honest clients, who talk for as long as the attacks go on. Each of them has to get exactly
//! what the two have said: one frame too few, too many or of anybody else ends the talk.

use std::{net::SocketAddr, time::Duration};

use serde_json::{Value, json};
use tokio::{
    sync::{mpsc, oneshot},
    task::JoinHandle,
    time::timeout,
};

use super::{PATIENCE, page::Page, tokens, visitor::Visitor};

/// Where they talk.
pub const ROOM: &str = "room:honest";

/// A room that belongs to one of them.
pub const OWNED: &str = "open:bobs";

/// What no outsider knows, but may guess.
pub const SESSION: &str = "the session of ann";

/// What they say beside a number, which nobody else may read.
pub const SECRET: &str = "between ann and bob";

/// How long they rest between two rounds that nobody asks for, as there is a limit to what a client
/// may say.
const PAUSE: Duration = Duration::from_millis(20);

pub struct Honest {
    asks: mpsc::Sender<oneshot::Sender<u64>>,
    rounds: u64,
    talk: JoinHandle<String>,
    /// The client ids of both, as everybody may know them.
    pub client_ids: Vec<String>,
}

impl Honest {
    pub async fn start(at: SocketAddr) -> Self {
        let circle = |user| tokens::claims_but(user, &json!({"circle": "honest"}));
        let mut bob = Visitor::with(&circle("bob"), at).await;
        let owned = json!({"id": OWNED, "name": "Bob's"});
        let opened = bob.ask("dialogue:createRoom", &owned).await;
        assert_eq!(opened, "dialogue:roomCreated");
        let token = tokens::hs256(&circle("ann"));
        let session = SESSION.replace(' ', "+");
        let mut ann = Page::open(at, &format!("token={token}&session={session}")).await.unwrap();
        assert_eq!(ann.ask(ROOM, "phx_join", json!({"meta": {}})).await, "ok");
        assert_eq!(ann.next().await.unwrap()[3], "presence_state");
        let joined = bob.ask("dialogue:join", &json!({"roomId": ROOM})).await;
        assert_eq!(joined, "dialogue:joined");
        assert_eq!(ann.next().await.unwrap()[3], "presence_diff");
        let client_ids = vec![bob.client_id.clone()];
        let (asks, mut asked) = mpsc::channel::<oneshot::Sender<u64>>(1);
        let talk = tokio::spawn(async move {
            let mut number = 0;
            loop {
                let ask = match timeout(PAUSE, asked.recv()).await {
                    Ok(Some(ask)) => Some(ask),
                    Ok(None) => return "nobody asks any more".to_owned(),
                    Err(_elapsed) => None,
                };
                number += 1;
                if let Err(flaw) = round(&mut ann, &mut bob, number).await {
                    return format!("round {number}: {flaw}");
                }
                // Who does not wait any more has given up before.
                ask.map(|ask| ask.send(number).ok());
            }
        });
        Self { asks, rounds: 0, talk, client_ids }
    }

    /// Waits until both have heard each other again, in a round that begins after this.
    pub async fn talk_on(&mut self) -> Result<(), String> {
        let (ask, answer) = oneshot::channel();
        let heard = async {
            self.asks.send(ask).await.ok()?;
            answer.await.ok()
        };
        match timeout(PATIENCE, heard).await {
            Ok(Some(round)) => {
                self.rounds = round;
                Ok(())
            }
            Ok(None) => match (&mut self.talk).await {
                Ok(flaw) => Err(flaw),
                Err(error) => Err(error.to_string()),
            },
            Err(_elapsed) => Err(format!("no round in {PATIENCE:?}")),
        }
    }

    /// How many rounds there were.
    pub const fn rounds(&self) -> u64 {
        self.rounds
    }
}

/// One says something and both hear it, then the other one.
async fn round(ann: &mut Page, bob: &mut Visitor, number: u64) -> Result<(), String> {
    let says = |who: &str| json!({"who": who, "number": number, "what": SECRET});
    let reference = ann.send(ROOM, "say", says("ann")).await;
    let reply = ann.next().await?;
    same(&json!([reply[1], reply[3], reply[4]["status"]]), &json!([reference, "phx_reply", "ok"]))?;
    hears_page(ann, &says("ann")).await?;
    hears_visitor(bob, "ann", &says("ann")).await?;

    let trigger = json!({"roomId": ROOM, "event": "say", "data": says("bob")});
    bob.emit("dialogue:trigger", &trigger).await;
    hears_visitor(bob, "bob", &says("bob")).await?;
    hears_page(ann, &says("bob")).await
}

async fn hears_page(ann: &mut Page, said: &Value) -> Result<(), String> {
    let frame = ann.next().await.map_err(|end| format!("ann: {end}"))?;
    same(&json!([frame[2], frame[3], frame[4]]), &json!([ROOM, "say", said]))
}

async fn hears_visitor(bob: &mut Visitor, from: &str, said: &Value) -> Result<(), String> {
    let (name, mut message) = bob.next().await.map_err(|end| format!("bob: {end}"))?;
    let expected = json!({"event": "say", "roomId": ROOM, "data": said, "from": from});
    if let Some(message) = message.as_object_mut() {
        message.remove("timestamp");
    }
    same(&json!([name, message]), &json!(["dialogue:event", expected]))
}

fn same(got: &Value, expected: &Value) -> Result<(), String> {
    if got == expected { Ok(()) } else { Err(format!("got {got}, expected {expected}")) }
}
