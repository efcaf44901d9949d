//! Every way in which a client, or a server on behalf of one, can make a channel hold more.

use parlor::{
    AddToGroup, Address, Audience, Broadcast, CloseRoom, Connect, Disconnect, Event, EventKind,
    History, Join, Json, Kick, Leave, OpenRoom, Payload, Position, Publish, Push, Query, Question,
    Reason, Refuse, Rejoin, RemoveFromGroup, RoomConfig, Subscribe, Tick, Track, Unsubscribe,
    Untrack,
};

use crate::siege::Siege;

/// The limits of names, marks, payloads and presences under siege.
pub(crate) const NAME: usize = 100;
pub(crate) const MARK: usize = 60;
pub(crate) const PAYLOAD: usize = 128;
pub(crate) const META: usize = 96;

/// A text of that many bytes that begins so.
fn long(start: &str, number: usize, bytes: usize) -> String {
    let text = format!("{start}{number}-");
    let rest = bytes.saturating_sub(text.len());
    text + &"x".repeat(rest)
}

/// A JSON text of that many bytes.
fn json(number: usize, bytes: usize) -> Json {
    Json::parse(long("\"", number, bytes - 1) + "\"").unwrap()
}

pub(crate) fn client(number: usize) -> String {
    long("client", number, NAME)
}

/// Three clients a user.
pub(crate) fn user(number: usize) -> String {
    long("user", number / 3, NAME)
}

fn event(number: usize) -> String {
    long("event", number, NAME)
}

/// Of rooms that stay, with history, ids and rates; with windows; and made by joining.
pub(crate) fn topic(number: usize) -> String {
    let kind = ["talk:", "crowd:", "meeting:", "talk:"][number % 4];
    long(kind, number, NAME)
}

/// How many topics are tried: more than there may be.
const TOPICS: usize = 80;

impl Siege {
    /// Somebody new, who goes to as many rooms as may be, with as much as may be.
    pub(crate) fn arrive(&mut self, who: usize) {
        let now_ms = self.now_ms;
        if who.is_multiple_of(2) {
            let data = || json(who, PAYLOAD);
            self.send(|| Connect::new(client(who), user(who), now_ms).with_data(data()));
        }
        let first = self.random(TOPICS);
        for at in first..first + 9 {
            let (topic, meta) = (at % TOPICS, who + at);
            self.send(|| {
                Join::new(client(who), self::topic(topic), user(who), now_ms)
                    .with_meta(json(meta, META))
                    .with_params(json(at, PAYLOAD))
            });
        }
    }

    /// Somebody loses the connection, and is there as long as the grace.
    pub(crate) fn lose(&mut self, who: usize) {
        let now_ms = self.now_ms;
        self.send(|| Disconnect::new(client(who), now_ms));
    }

    /// One of many that are there, or were, does one of all things.
    pub(crate) fn assault(&mut self, who: usize) {
        let [what, topic, number] = [22, TOPICS, 1 << 20].map(|below| self.random(below));
        match what {
            0..=3 => self.speak(who, topic, number),
            4..=5 => self.subscribe(who, topic, number),
            6..=8 => self.be_present(who, topic, number),
            9..=11 => self.go_and_come(who, topic, number),
            12..=13 => self.read(who, topic, number),
            14 => self.open(who, topic, number),
            15..=16 => self.exceed(who, topic, number),
            17 => self.wander(who, number),
            18..=20 => self.serve(who, topic, number),
            _ => self.break_down(number),
        }
    }

    /// Messages that are kept, under many names and ids.
    fn speak(&mut self, who: usize, topic: usize, number: usize) {
        for at in number..number + 3 {
            let audience = [Audience::All, Audience::Others, Audience::OtherUsers][at % 3];
            self.send(|| {
                Broadcast::new(client(who), self::topic(topic), json(at, PAYLOAD))
                    .with_event(event(at % 9))
                    .with_id(long("id", at, MARK))
                    .with_ref(long("ref", at, MARK))
                    .with_meta(json(number, PAYLOAD))
                    .with_audience(audience)
            });
        }
        self.send(|| {
            Publish::new(Address::Topic(self::topic(topic).into()), event(number % 9), bytes())
                .with_from(user(number))
                .with_except_client(client(number))
                .with_except_user(user(number + 5))
                .with_id(long("id", number, MARK))
                .with_meta(json(number, PAYLOAD))
        });
    }

    fn subscribe(&mut self, who: usize, topic: usize, number: usize) {
        for at in number..number + 6 {
            self.send(|| Subscribe::new(client(who), self::topic(topic), event(at)));
        }
        if number.is_multiple_of(4) {
            self.send(|| Unsubscribe::new(client(who), self::topic(topic), event(number)));
        }
    }

    /// Presence that comes, changes and goes within one window, by members and by others.
    fn be_present(&mut self, who: usize, topic: usize, number: usize) {
        for at in number..number + 4 {
            self.send(|| Track::new(client(who), self::topic(topic)).with_meta(json(at, META)));
        }
        if number.is_multiple_of(2) {
            self.send(|| Untrack::new(client(who), self::topic(topic)));
        }
    }

    fn go_and_come(&mut self, who: usize, topic: usize, number: usize) {
        let now_ms = self.now_ms;
        match number % 4 {
            0 => self.send(|| Disconnect::new(client(who), now_ms)),
            1 => self.send(|| Connect::new(client(who), user(who), now_ms)),
            2 => self.send(|| Leave::new(client(who), self::topic(topic))),
            _ => {}
        }
        let since = Position { epoch: u64::try_from(number % 50).unwrap(), offset: 0 };
        self.send(|| {
            Rejoin::new(client(who), self::topic(topic), user(who), now_ms)
                .with_meta(json(number, META))
                .with_since(since)
        });
    }

    /// Pages by index and by position.
    fn read(&mut self, who: usize, topic: usize, number: usize) {
        for name in 0..4 {
            self.send(|| {
                History::new(client(who), self::topic(topic))
                    .with_event(event(name))
                    .with_page(0, 20)
                    .with_ref(long("ref", number, MARK))
            });
        }
        let before = Position { epoch: u64::try_from(topic).unwrap(), offset: u64::MAX };
        let length = 19 + u64::try_from(number % 3).unwrap();
        self.send(|| {
            let asked = History::new(client(who), self::topic(topic)).with_page(0, length);
            asked.with_before(before)
        });
    }

    /// Rooms that nobody enters.
    fn open(&mut self, who: usize, topic: usize, number: usize) {
        let config = || {
            RoomConfig::default()
                .with_name(long("name", number, NAME))
                .with_description(long("description", number, PAYLOAD))
                .with_data(json(number, PAYLOAD))
        };
        self.send(|| OpenRoom::new(self::topic(topic)).with_by(client(who)).with_config(config()));
        if number.is_multiple_of(3) {
            self.send(|| CloseRoom::new(self::topic(topic)).with_by(client(who)));
        }
    }

    /// All that is too large, or makes no sense.
    fn exceed(&mut self, who: usize, topic: usize, number: usize) {
        let now_ms = self.now_ms;
        let huge = 50 * NAME;
        match number % 9 {
            0 => {
                self.send(|| {
                    Join::new(long("c", who, huge), self::topic(topic), user(who), now_ms)
                });
            }
            1 => {
                self.send(|| {
                    Join::new(client(who), long("t", number, NAME + 1), user(who), now_ms)
                });
            }
            2 => self.send(|| {
                Broadcast::new(client(who), self::topic(topic), json(number, PAYLOAD + 1))
            }),
            3 => self.send(|| {
                let deep = "[".repeat(100) + &"]".repeat(100);
                Track::new(client(who), self::topic(topic)).with_meta(Json::parse(deep).unwrap())
            }),
            4 => self.send(|| {
                Leave::new(client(who), self::topic(topic)).with_ref(long("ref", who, MARK + 1))
            }),
            5 => self.send(|| Connect::new(client(who), long("other", number, NAME), now_ms)),
            6 => self.send(|| Subscribe::new(client(who), self::topic(topic), long("e", 1, huge))),
            7 => self.send(|| {
                Track::new(client(who), self::topic(topic)).with_meta(json(number, META + 1))
            }),
            _ => self.send(|| History::new(client(who), self::topic(topic)).with_page(0, 1 << 40)),
        }
    }

    /// From room to room, to leave something in each: a window of a rate limit, an id.
    fn wander(&mut self, who: usize, number: usize) {
        let now_ms = self.now_ms;
        for topic in number..number + 12 {
            let topic = topic % TOPICS;
            self.send(|| Join::new(client(who), self::topic(topic), user(who), now_ms));
            self.send(|| {
                Broadcast::new(client(who), self::topic(topic), Payload::bytes(*b"x"))
                    .with_id(long("id", number, MARK))
            });
            self.send(|| Leave::new(client(who), self::topic(topic)));
        }
    }

    /// What only a server does.
    fn serve(&mut self, who: usize, topic: usize, number: usize) {
        let group = || long("group", number % 15, NAME);
        match number % 8 {
            0..=2 => self.send(|| {
                AddToGroup::new(group(), (topic..topic + 7).map(self::topic).collect::<Vec<_>>())
            }),
            3 => self.send(|| RemoveFromGroup::new(group(), [self::topic(topic)])),
            4 => self.send(|| Publish::new(Address::Group(group().into()), event(number), bytes())),
            5 => self.send(|| Kick::new(client(who), long("reason", number, NAME))),
            6 => {
                self.send(|| {
                    Refuse::new(client(who), EventKind::Join, Reason::JoinDenied)
                        .with_message(long("message", number, 50 * NAME))
                });
            }
            _ => {
                self.send(|| Push::new(client(who), self::topic(topic), event(number), bytes()));
                self.send(|| Publish::new(Address::Everyone, event(number), bytes()));
                self.send(|| Query::new(Question::Rooms));
                self.send(|| Query::new(Question::Presences).with_topic(self::topic(topic)));
            }
        }
    }

    fn break_down(&mut self, number: usize) {
        if number.is_multiple_of(200) {
            self.send(|| Event::crash(long("reason", number, NAME)));
            self.send(|| Event::Restart);
        }
    }

    pub(crate) fn tick(&mut self) {
        let now_ms = self.now_ms;
        self.send(|| Tick::new(now_ms));
    }

    /// Everybody goes, every room is closed, every group dissolved, and time goes by.
    pub(crate) fn end(&mut self, arrived: usize, long_ms: u64) {
        for who in 0..arrived {
            self.lose(who);
        }
        self.now_ms += long_ms;
        self.tick();
        for number in 0..TOPICS {
            self.send(|| CloseRoom::new(topic(number)));
        }
        for number in 0..15 {
            let all = || (0..TOPICS + 7).map(topic).collect::<Vec<_>>();
            self.send(|| RemoveFromGroup::new(long("group", number, NAME), all()));
        }
        self.drop_all();
    }
}

fn bytes() -> Payload {
    Payload::bytes(vec![7; PAYLOAD])
}
