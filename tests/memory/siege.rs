//! A channel under siege: every event is made, handled, flushed and dropped under the counting
//! allocator, so that what is left is what the channel holds.

use parlor::{Channel, Config, Event, Limit, Outbound, Reason};

use crate::counting::tally;

/// What a driver does with what it flushes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Driver {
    /// Drops it at once.
    HoldsNothing,
    /// Keeps that of the last few events, so that the channel has to copy what it changes.
    HoldsSome,
}

/// For how many events a driver that holds some does so.
const SOME: usize = 16;

pub(crate) struct Siege {
    pub(crate) channel: Channel,
    driver: Driver,
    outboxes: Vec<Vec<Outbound>>,
    /// Bytes that are held, and the most that were.
    pub(crate) held: i64,
    pub(crate) peak: i64,
    pub(crate) now_ms: u64,
    random: u64,
    /// What was refused for which limit, how often.
    limits: [u32; Limit::ALL.len()],
    /// What was refused for which reason, how often.
    reasons: [u32; Reason::ALL.len()],
    /// How many messages have left history.
    evicted: usize,
    /// The most messages that history has held.
    history: u64,
}

impl Siege {
    pub(crate) fn new(config: Config, driver: Driver) -> Self {
        // The outboxes are the driver's, and are held before the counting starts.
        let outboxes = Vec::with_capacity(SOME);
        let (channel, counted) = tally(|| Channel::single_node(config));
        Self {
            channel,
            driver,
            outboxes,
            held: counted.live,
            peak: counted.live,
            now_ms: 0,
            random: 1,
            limits: Default::default(),
            reasons: Default::default(),
            evicted: 0,
            history: 0,
        }
    }

    /// Makes an event, lets the channel handle it, and flushes.
    pub(crate) fn send<E: Into<Event>>(&mut self, make: impl FnOnce() -> E) {
        let Self { channel, outboxes, driver, .. } = self;
        let (noted, counted) = tally(|| {
            channel.handle(make().into());
            let outbox = channel.flush_outbox();
            let noted = Noted::of(&outbox);
            match driver {
                Driver::HoldsNothing => {}
                Driver::HoldsSome if outboxes.len() < SOME => outboxes.push(outbox),
                Driver::HoldsSome => outboxes.clear(),
            }
            noted
        });
        self.note(&noted);
        self.held += counted.live;
        if self.outboxes.is_empty() {
            self.peak = self.peak.max(self.held);
        }
    }

    fn note(&mut self, noted: &Noted) {
        let &Noted { refused, evicted } = noted;
        if let Some((reason, limit)) = refused {
            self.reasons[reason as usize] += 1;
            if let Some(limit) = limit {
                self.limits[limit as usize] += 1;
            }
        }
        self.evicted += evicted;
        self.history = self.history.max(self.channel.stats().history_messages);
    }

    /// Drops all that the driver holds.
    pub(crate) fn drop_all(&mut self) {
        let ((), counted) = tally(|| self.outboxes.clear());
        self.held += counted.live;
        self.peak = self.peak.max(self.held);
    }

    /// Whether whatever is bounded was brought to its bound.
    pub(crate) fn check_reached(&self, config: &Config) {
        let reasons = [
            Reason::InvalidName,
            Reason::UnknownTopic,
            Reason::RoomFull,
            Reason::NotMember,
            Reason::RateLimited,
            Reason::UserConflict,
            Reason::UnknownClient,
            Reason::PayloadTooLarge,
        ];
        for reason in reasons {
            assert!(self.reasons[reason as usize] > 20, "few were refused for {reason}");
        }
        let limits = [
            Limit::RefBytes,
            Limit::TopicsPerClient,
            Limit::MembersPerTopic,
            Limit::Topics,
            Limit::Clients,
            Limit::Groups,
            Limit::TopicsPerGroup,
            Limit::SubscriptionsPerMember,
            Limit::EventNamesPerTopic,
            Limit::PageLength,
        ];
        for limit in limits {
            assert!(self.limits[limit as usize] > 20, "few were refused for {limit}");
        }
        let messages = config.limit(Limit::HistoryMessages);
        assert_eq!(self.history, messages, "history was full");
        assert!(self.evicted > 1_000, "{} messages were evicted", self.evicted);
    }

    /// A number below `below`.
    pub(crate) fn random(&mut self, below: usize) -> usize {
        self.random = self.random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        usize::try_from(self.random >> 33).unwrap() % below
    }
}

/// What is read off an outbox.
struct Noted {
    refused: Option<(Reason, Option<Limit>)>,
    evicted: usize,
}

impl Noted {
    fn of(outbox: &[Outbound]) -> Self {
        let mut noted = Self { refused: None, evicted: 0 };
        for outbound in outbox {
            if let Outbound::Reply(reply) = outbound
                && let Err(refusal) = &reply.result
            {
                noted.refused = Some((refusal.reason(), refusal.limit()));
            } else if let Outbound::Evicted(evicted) = outbound {
                noted.evicted += evicted.messages.len();
            }
        }
        noted
    }
}
