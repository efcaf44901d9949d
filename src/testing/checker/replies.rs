//! R1: the reply to an event comes before every other effect of it; and it comes when it is due.

use std::vec::Vec;

use parlor::{Event, Outbound, Reply};

use super::{Findings, Rule, header::Header};

/// Whether an event was refused.
pub(super) fn is_refused(outbox: &[Outbound]) -> bool {
    replies(outbox).any(|reply| reply.result.is_err())
}

pub(super) fn check(event: &Event, outbox: &[Outbound], findings: &mut Findings) {
    let header = Header::of(event);
    let due = match event {
        Event::Join(_)
        | Event::Rejoin(_)
        | Event::Leave(_)
        | Event::Query(_)
        | Event::Refuse(_) => true,
        _ => is_refused(outbox) || header.reference.is_some(),
    };
    let count = replies(outbox).count();
    findings.agree(Rule::R1, format_args!("replies to {event:?}"), count, usize::from(due));

    if let Some(reply) = replies(outbox).next() {
        let first = outbox.first().map(Outbound::label);
        findings.agree(
            Rule::R1,
            format_args!("the first effect of {event:?}"),
            first,
            Some("reply"),
        );
        let Reply { to, client_id, topic, reference, .. } = reply;
        let got = Header {
            kind: *to,
            sender: client_id.as_ref(),
            topic: topic.as_ref(),
            reference: reference.as_ref(),
        };
        findings.agree(Rule::R1, "what a reply repeats of its event", got, header);
    }
    if is_refused(outbox) {
        let what = format_args!("effects of {event:?}, which is refused");
        findings.agree(Rule::R1, what, outbox.len(), 1);
    } else if let Event::History(_) = event {
        let rest: Vec<_> = outbox.iter().skip(count).map(Outbound::label).collect();
        if !matches!(rest[..], ["history"]) {
            findings
                .add(Rule::R1, format_args!("expected a page right after its reply, got {rest:?}"));
        }
    }
}

fn replies(outbox: &[Outbound]) -> impl Iterator<Item = &Reply> {
    outbox.iter().filter_map(
        |outbound| {
            if let Outbound::Reply(reply) = outbound { Some(reply) } else { None }
        },
    )
}
