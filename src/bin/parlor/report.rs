//! The counts that `--stats` asks for.

use std::{collections::BTreeMap, fmt, time::Duration};

use parlor::{Counters, EventKind, Outbound, Reason, Stats};

/// How many messages there were, by label.
#[derive(Debug, Default)]
pub(crate) struct OutboundCounts(BTreeMap<&'static str, u64>);

impl OutboundCounts {
    pub(crate) fn count(&mut self, outbound: &Outbound) {
        *self.0.entry(outbound.label()).or_default() += 1;
    }
}

/// What a run has done, for people: a name and a number a line.
#[derive(Debug)]
pub(crate) struct Report<'a> {
    pub(crate) stats: Stats,
    /// What was counted before it: of a channel that was loaded.
    pub(crate) before: &'a Counters,
    pub(crate) outbound: &'a OutboundCounts,
    pub(crate) bad_lines: u64,
    pub(crate) read: u64,
    pub(crate) written: u64,
    pub(crate) elapsed: Duration,
}

impl fmt::Display for Report<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { stats, before, outbound, bad_lines, read, written, elapsed } = self;
        let Counters { events, refusals, .. } = &stats.counters;
        let handled = events.total() - before.events.total();

        row(f, "events", handled)?;
        let of = |kind| events.of(kind) - before.events.of(kind);
        rows(f, EventKind::ALL.map(|kind| (kind.label(), of(kind))))?;
        row(f, "bad lines", *bad_lines)?;
        row(f, "outbound", outbound.0.values().sum())?;
        rows(f, outbound.0.iter().map(|(label, count)| (*label, *count)))?;
        row(f, "refusals", refusals.total() - before.refusals.total())?;
        let of = |reason| refusals.of(reason) - before.refusals.of(reason);
        rows(f, Reason::ALL.map(|reason| (reason.label(), of(reason))))?;
        let since = |count: fn(&Counters) -> u64| count(&stats.counters) - count(before);
        row(f, "deliveries", since(|counters| counters.deliveries))?;
        row(f, "presence joins", since(|counters| counters.presence_joins))?;
        row(f, "presence leaves", since(|counters| counters.presence_leaves))?;
        row(f, "rooms opened", since(|counters| counters.rooms_opened))?;
        row(f, "topics left", stats.topics as u64)?;
        row(f, "clients left", stats.clients as u64)?;
        row(f, "memberships left", stats.memberships as u64)?;
        row(f, "bytes read", *read)?;
        row(f, "bytes written", *written)?;
        row(f, "microseconds", as_u64(elapsed.as_micros()))?;
        let per_second = (u128::from(handled) * 1_000_000_000).checked_div(elapsed.as_nanos());
        row(f, "events a second", per_second.map_or(0, as_u64))
    }
}

fn row(f: &mut fmt::Formatter<'_>, name: &str, number: u64) -> fmt::Result {
    writeln!(f, "{name:<20}{number:>14}")
}

/// What a row consists of, without what there was none of.
fn rows(
    f: &mut fmt::Formatter<'_>,
    parts: impl IntoIterator<Item = (&'static str, u64)>,
) -> fmt::Result {
    let mut parts = parts.into_iter().filter(|(_, number)| *number > 0);
    parts.try_for_each(|(name, number)| row(f, &format!("  {name}"), number))
}

fn as_u64(number: u128) -> u64 {
    u64::try_from(number).unwrap_or(u64::MAX)
}
