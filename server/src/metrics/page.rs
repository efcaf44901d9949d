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
    engine::{EngineFigures, Sent},
    families::Families,
    process::{Process, TICK_MS},
};
use crate::{engine::Wire, history::Tally};

/// What there is to tell at one moment.
#[derive(Debug)]
pub(super) struct Page {
    pub(super) metrics: Arc<Metrics>,
    pub(super) started_ms: u64,
    /// How many connections there are, with those that are about to be let in.
    pub(super) places: usize,
    pub(super) max_places: usize,
    /// What waits for the engine; None if it has ended.
    pub(super) mailbox: Option<usize>,
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
        self.engine(&mut families)?;
        self.lanes(&mut families)?;
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
        families.gauge(
            "parlor_clients",
            "Clients that there are, with those that may come back.",
            self.metrics.engine.clients(),
        )?;
        let sum = |of: fn(&EngineFigures) -> u64| of(&self.metrics.engine);
        families.gauge("parlor_rooms", "Rooms that there are.", sum(EngineFigures::topics))?;
        families.gauge(
            "parlor_memberships",
            "Pairs of a client and a room that it is a member of.",
            sum(EngineFigures::memberships),
        )?;
        families.gauge(
            "parlor_memberships_detached",
            "Memberships whose connection is lost, and which wait for it.",
            sum(EngineFigures::detached),
        )?;
        families.gauge(
            "parlor_history_messages",
            "Messages that rooms remember in memory.",
            sum(EngineFigures::history_messages),
        )?;
        families.gauge_of(
            ("parlor_history", Unit::Bytes),
            "Payloads and names of the messages that rooms remember in memory.",
            sum(EngineFigures::history_bytes),
        )?;
        families.counter(
            "parlor_rooms_opened",
            "Rooms that were made.",
            sum(EngineFigures::rooms_opened),
        )?;
        families.counter(
            "parlor_presence_joins",
            "Presences that came.",
            sum(EngineFigures::presence_joins),
        )?;
        families.counter(
            "parlor_presence_leaves",
            "Presences that went.",
            sum(EngineFigures::presence_leaves),
        )
    }

    fn traffic(&self, families: &mut Families<'_>) -> fmt::Result {
        let engine = &self.metrics.engine;
        families.counters(
            "parlor_events",
            "What the channel was told, by kind.",
            EventKind::ALL.map(|kind| ([("kind", kind.label())], engine.events(kind))),
        )?;
        families.counters(
            "parlor_refusals",
            "What was refused of that, by reason.",
            Reason::ALL.map(|reason| ([("reason", reason.label())], engine.refusals(reason))),
        )?;
        let deliveries = Wire::ALL.into_iter().flat_map(|wire| {
            Sent::ALL.map(|(sent, label)| {
                let labels = [("protocol", wire.label()), ("kind", label)];
                let lanes = self.metrics.lanes.iter();
                (labels, lanes.map(|lane| lane.deliveries(wire, sent)).sum())
            })
        });
        families.counters(
            "parlor_deliveries",
            "What was put into the queues of connections, by protocol and kind.",
            deliveries,
        )?;
        let recoveries = [([("gap", "no")], engine.recovered()), ([("gap", "yes")], engine.gaps())];
        families.counters(
            "parlor_recoveries",
            "Rejoins that said how far they had got, by whether something was missing after that.",
            recoveries,
        )?;
        families.histogram(
            ("parlor_handle", Unit::Seconds),
            "How long something that a client says takes to be decided, of one in sixteen.",
            engine.handled(),
        )?;
        families.histogram(
            ("parlor_batch", Unit::Seconds),
            "How long the engine takes to handle what waits for it, and to hand over what comes of it.",
            engine.batches(),
        )
    }

    fn engine(&self, families: &mut Families<'_>) -> fmt::Result {
        let engine = &self.metrics.engine;
        let up = u64::from(self.mailbox.is_some());
        families.gauge("parlor_engine_up", "Whether the engine runs.", up)?;
        families.gauge(
            "parlor_engine_mailbox_messages",
            "What waits for the engine to take it.",
            self.mailbox.unwrap_or_default() as u64,
        )?;
        families.counter_of(
            ("parlor_engine_busy", Unit::Seconds),
            "How long the engine has worked: if it grows by a second a second, it does nothing else.",
            engine.busy().as_secs_f64(),
        )?;
        families.gauge_of(
            ("parlor_engine_longest_batch", Unit::Seconds),
            "The longest batch since the start: for so long, the engine may have taken nothing in.",
            engine.longest_batch().as_secs_f64(),
        )?;
        families.gauge(
            "parlor_journal_failed",
            "Whether the journal has ended, as it could not be written.",
            u64::from(engine.has_journal_failed()),
        )
    }

    fn lanes(&self, families: &mut Families<'_>) -> fmt::Result {
        let lanes = &self.metrics.lanes;
        let names: Vec<_> = (0..lanes.len()).map(|number| number.to_string()).collect();
        let labels = || names.iter().map(|name| [("lane", name.as_str())]);
        families.gauges(
            "parlor_lane_waiting_deliveries",
            "Deliveries that wait for a lane; one more for every 128 bytes of a message.",
            labels().zip(lanes.iter().map(|lane| lane.waiting() as u64)),
        )?;
        families.counters(
            "parlor_lane_helped",
            "How often the engine did some of the work of a lane that had fallen behind.",
            labels().zip(lanes.iter().map(|lane| lane.count_helped())),
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
}
