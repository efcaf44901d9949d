//! The text at `/metrics`: which families there are, what each is called and what it says.

use std::{
    fmt::{self, Error},
    sync::Arc,
    time::Duration,
};

use parlor::{EventKind, Reason};
use prometheus_client::{
    collector::Collector,
    encoding::{DescriptorEncoder, text},
    registry::{Registry, Unit},
};

use super::{
    Metrics, Queues,
    doors::{NotAccepted, Why},
    families::Families,
    process::{Process, TICK_MS},
    shard::{Sent, ShardFigures},
};
use crate::{history::Tally, shard::Wire};

/// What there is to tell at one moment.
#[derive(Debug)]
pub(super) struct Page {
    pub(super) metrics: Arc<Metrics>,
    pub(super) started_ms: u64,
    /// How many connections there are, with those that are about to be let in.
    pub(super) places: usize,
    pub(super) max_places: usize,
    /// What waits for each shard; None for one that has ended.
    pub(super) mailboxes: Vec<Option<usize>>,
    pub(super) queues: Queues,
    /// What became of what was to be kept, if there is a file for it.
    pub(super) history: Option<Arc<Tally>>,
    pub(super) process: Process,
    /// Lines that the log has dropped, if it can.
    pub(super) log_drops: Option<u64>,
}

impl Page {
    pub(super) fn text(self) -> Result<String, Error> {
        let mut registry = Registry::default();
        registry.register_collector(Box::new(self));
        let mut page = String::new();
        text::encode(&mut page, &registry)?;
        Ok(page)
    }
}

impl Collector for Page {
    fn encode(&self, encoder: DescriptorEncoder<'_>) -> Result<(), Error> {
        let mut families = Families::new(encoder);
        self.connections(&mut families)?;
        self.queues(&mut families)?;
        self.channels(&mut families)?;
        self.traffic(&mut families)?;
        self.shards(&mut families)?;
        self.store(&mut families)?;
        self.process(&mut families)
    }
}

impl Page {
    fn connections(&self, families: &mut Families<'_>) -> fmt::Result {
        let doors = &self.metrics.doors;
        families.gauges(
            "parlor_connections",
            "Connections that are open, by protocol.",
            Wire::ALL.map(|wire| ([("protocol", wire.label())], doors.count_open(wire))),
        )?;
        families.gauge(
            "parlor_connection_places",
            "Connections that count against the limit: the open ones, and those that come or go.",
            self.places as u64,
        )?;
        families.gauge(
            "parlor_connection_places_limit",
            "How many connections there may be.",
            self.max_places as u64,
        )?;
        families.counters(
            "parlor_connections_opened",
            "Connections that were let in, by protocol.",
            Wire::ALL.map(|wire| ([("protocol", wire.label())], doors.count_opened(wire))),
        )?;
        let ended = Wire::ALL.into_iter().flat_map(|wire| {
            let ended = doors.count_ended(wire);
            ended.map(move |(code, count)| ([("protocol", wire.label()), ("code", code)], count))
        });
        families.counters(
            "parlor_connections_closed",
            "Connections that ended, by protocol and by the code with which they were closed.",
            ended,
        )?;
        let refused = Wire::ALL.into_iter().flat_map(|wire| {
            Why::ALL.map(|(why, label)| {
                let labels = [("protocol", wire.label()), ("reason", label)];
                (labels, doors.count_refused(wire, why))
            })
        });
        families.counters(
            "parlor_connections_refused",
            "Connections that were not let in, by protocol and reason.",
            refused,
        )?;
        families.counters(
            "parlor_accept_failures",
            "Connections that ended before they could say what they want, by reason.",
            NotAccepted::ALL
                .map(|(why, label)| ([("reason", label)], doors.count_not_accepted(why))),
        )?;
        let denied = self.metrics.operators.count_refused();
        families.counters(
            "parlor_operators_refused",
            "Requests for what is for operators that were refused, by reason.",
            denied.map(|(reason, count)| ([("reason", reason)], count)),
        )
    }

    fn queues(&self, families: &mut Families<'_>) -> fmt::Result {
        let Queues { all, answers, most } = self.queues;
        families.gauge(
            "parlor_queue_messages",
            "Messages that wait for connections to take them, all queues together.",
            all.items as u64,
        )?;
        families.gauge_of(
            ("parlor_queue", Unit::Bytes),
            "What they hold, about; what several queues share is counted in each.",
            all.bytes as u64,
        )?;
        families.gauge(
            "parlor_queue_answers",
            "Answers among these: what clients have asked for, such as messages that they missed.",
            answers.items as u64,
        )?;
        families.gauge_of(
            ("parlor_queue_answer", Unit::Bytes),
            "Bytes of answers queued for connections; payloads may be shared with history.",
            answers.bytes as u64,
        )?;
        families.gauge(
            "parlor_queue_longest_messages",
            "Messages that wait in the queue that has most.",
            most.items as u64,
        )?;
        families.gauge_of(
            ("parlor_queue_largest", Unit::Bytes),
            "Bytes that wait in the queue that has most.",
            most.bytes as u64,
        )
    }

    fn channels(&self, families: &mut Families<'_>) -> fmt::Result {
        let clients = self.metrics.shards.iter().map(|shard| shard.clients()).max();
        families.gauge(
            "parlor_clients",
            "Clients that there are, with those that may come back.",
            clients.unwrap_or_default(),
        )?;
        let sum = |of: fn(&ShardFigures) -> u64| self.sum(of);
        families.gauge("parlor_rooms", "Rooms that there are.", sum(ShardFigures::topics))?;
        families.gauge(
            "parlor_memberships",
            "Pairs of a client and a room that it is a member of.",
            sum(ShardFigures::memberships),
        )?;
        families.gauge(
            "parlor_memberships_detached",
            "Memberships whose connection is lost, and which wait for it.",
            sum(ShardFigures::detached),
        )?;
        families.gauge(
            "parlor_history_messages",
            "Messages that rooms remember in memory.",
            sum(ShardFigures::history_messages),
        )?;
        families.gauge_of(
            ("parlor_history", Unit::Bytes),
            "Payloads and names of the messages that rooms remember in memory.",
            sum(ShardFigures::history_bytes),
        )?;
        families.counter(
            "parlor_rooms_opened",
            "Rooms that were made.",
            sum(ShardFigures::rooms_opened),
        )?;
        families.counter(
            "parlor_presence_joins",
            "Presences that came.",
            sum(ShardFigures::presence_joins),
        )?;
        families.counter(
            "parlor_presence_leaves",
            "Presences that went.",
            sum(ShardFigures::presence_leaves),
        )
    }

    fn traffic(&self, families: &mut Families<'_>) -> fmt::Result {
        families.counters(
            "parlor_events",
            "What the channels were told, by kind; what concerns a client as such, by each shard.",
            EventKind::ALL
                .map(|kind| ([("kind", kind.label())], self.sum(|shard| shard.events(kind)))),
        )?;
        families.counters(
            "parlor_refusals",
            "What was refused of that, by reason.",
            Reason::ALL.map(|reason| {
                ([("reason", reason.label())], self.sum(|shard| shard.refusals(reason)))
            }),
        )?;
        let deliveries = Wire::ALL.into_iter().flat_map(|wire| {
            Sent::ALL.map(|(sent, label)| {
                let labels = [("protocol", wire.label()), ("kind", label)];
                (labels, self.sum(|shard| shard.deliveries(wire, sent)))
            })
        });
        families.counters(
            "parlor_deliveries",
            "What was put into the queues of connections, by protocol and kind.",
            deliveries,
        )?;
        let recoveries = [
            ([("gap", "no")], self.sum(ShardFigures::recovered)),
            ([("gap", "yes")], self.sum(ShardFigures::gaps)),
        ];
        families.counters(
            "parlor_recoveries",
            "Rejoins that said how far they had got, by whether something was missing after that.",
            recoveries,
        )?;
        families.histogram(
            ("parlor_handle", Unit::Seconds),
            "How long something that a client says takes to be decided, of one in sixteen.",
            self.metrics.shards.iter().map(|shard| shard.handled()),
        )?;
        families.histogram(
            ("parlor_batch", Unit::Seconds),
            "How long a shard takes to handle what waits for it, and to deliver what comes of it.",
            self.metrics.shards.iter().map(|shard| shard.batches()),
        )
    }

    fn shards(&self, families: &mut Families<'_>) -> fmt::Result {
        let names: Vec<_> = (0..self.mailboxes.len()).map(|number| number.to_string()).collect();
        let labels = || names.iter().map(|name| [("shard", name.as_str())]);
        families.gauges(
            "parlor_shard_up",
            "Whether a shard runs.",
            labels().zip(self.mailboxes.iter().map(|mailbox| u64::from(mailbox.is_some()))),
        )?;
        families.gauges(
            "parlor_shard_mailbox_messages",
            "What waits for a shard to take it.",
            labels().zip(self.mailboxes.iter().map(|mailbox| mailbox.unwrap_or_default() as u64)),
        )?;
        families.counters_of(
            ("parlor_shard_busy", Unit::Seconds),
            "How long a shard has worked: what grows by a second a second does nothing else.",
            labels().zip(self.metrics.shards.iter().map(|shard| shard.busy().as_secs_f64())),
        )?;
        let failed = self.metrics.shards.iter().map(|shard| shard.has_journal_failed());
        families.gauges(
            "parlor_journal_failed",
            "Whether the journal of a shard has ended, as it could not be written.",
            labels().zip(failed.map(u64::from)),
        )
    }

    /// The file of the history, if there is one.
    fn store(&self, families: &mut Families<'_>) -> fmt::Result {
        let Some(tally) = &self.history else { return Ok(()) };
        let stats = tally.stats();
        families.counters(
            "parlor_store_messages",
            "Messages of rooms with a history, by whether they were written to its file or lost.",
            [("written", stats.written), ("lost", stats.lost)]
                .map(|(result, count)| ([("result", result)], count)),
        )?;
        families.gauge_of(
            ("parlor_store_waiting", Unit::Bytes),
            "What waits to be written to the history.",
            stats.waiting_bytes,
        )?;
        families.counters(
            "parlor_store_pages",
            "Pages that were asked of the history, by whether they could be read.",
            [("read", stats.pages), ("failed", stats.failed_pages)]
                .map(|(result, count)| ([("result", result)], count)),
        )?;
        families.gauge(
            "parlor_store_failed",
            "Whether the history can't be written or read, or is damaged.",
            u64::from(tally.troubles().next().is_some()),
        )
    }

    fn process(&self, families: &mut Families<'_>) -> fmt::Result {
        families.info("parlor_build", "What runs.", &[("version", env!("CARGO_PKG_VERSION"))])?;
        if let Some(drops) = self.log_drops {
            families.counter(
                "parlor_log_lines_dropped",
                "Log lines that were dropped, as standard output did not take them.",
                drops,
            )?;
        }
        families.gauge_of(
            ("process_start_time", Unit::Seconds),
            "When the server was started, since 1970.",
            Duration::from_millis(self.started_ms).as_secs_f64(),
        )?;
        let Process { resident_bytes, open_descriptors, max_descriptors, cpu_ticks } =
            &self.process;
        if let Some(bytes) = resident_bytes {
            let help = "Memory that the process has.";
            families.gauge_of(("process_resident_memory", Unit::Bytes), help, *bytes)?;
        }
        if let Some(open) = open_descriptors {
            families.gauge("process_open_fds", "Descriptors that are open.", *open)?;
        }
        if let Some(max) = max_descriptors {
            families.gauge("process_max_fds", "How many may be.", *max)?;
        }
        if let Some(ticks) = cpu_ticks {
            let help = "Time on processors.";
            let spent = Duration::from_millis(ticks.saturating_mul(TICK_MS));
            families.counter_of(("process_cpu", Unit::Seconds), help, spent.as_secs_f64())?;
        }
        Ok(())
    }

    fn sum(&self, of: impl Fn(&ShardFigures) -> u64) -> u64 {
        self.metrics.shards.iter().map(|shard| of(shard)).sum()
    }
}
