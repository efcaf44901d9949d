//! Random ops: channels agree with the model and keep the rules, whatever happens to them.

use std::collections::BTreeMap;

use parlor::{Limit, Outbound, Reason, Refusal, Reply, testing::Rule};
use proptest::{array, collection::vec, prelude::*, strategy::ValueTree, test_runner::TestRunner};

use super::{
    harness::{Setup, check, line_of, said},
    ops::{GOOD, MOST, Op},
    rules::{self, Rhythm, record},
};

/// As many ops as fuzzers get; those of a half of the cases begin with many joins.
pub fn ops() -> impl Strategy<Value = Vec<Op>> {
    let settling = prop_oneof![Just(0), 8..32_usize];
    let begin = settling.prop_flat_map(|joins| vec(op(Just(0)), joins));
    (begin, vec(op(any::<u8>()), 1..MOST - 32)).prop_map(|(mut ops, more)| {
        ops.extend(more);
        ops
    })
}

fn op(kind: impl Strategy<Value = u8>) -> impl Strategy<Value = Op> {
    let field = || prop_oneof![40 => 0..GOOD, 1 => GOOD..=u8::MAX];
    (kind, array::uniform8(field())).prop_map(|(kind, fields)| {
        let mut fields = fields.into_iter();
        Op::of_kind(kind, &mut || fields.next().unwrap_or(0))
    })
}

/// A share of the default number of cases, so that `PROPTEST_CASES` scales them all.
pub fn share_of_cases(share: u32) -> ProptestConfig {
    let ProptestConfig { cases, .. } = ProptestConfig::default();
    ProptestConfig { cases: cases.div_ceil(share), ..ProptestConfig::default() }
}

proptest! {
    #![proptest_config(share_of_cases(8))]

    #[test]
    fn plain_channels_agree_with_the_model(ops in ops(), cuts: u64) {
        check(&ops, &Setup::plain(), cuts);
    }

    #[test]
    fn silent_channels_agree_with_the_model(ops in ops(), cuts: u64) {
        check(&ops, &Setup::of("silent"), cuts);
    }

    #[test]
    fn tiny_channels_agree_with_the_model(ops in ops(), cuts: u64) {
        check(&ops, &Setup::tiny(), cuts);
    }

    #[test]
    fn channels_of_a_cluster_agree_with_the_model(ops in ops(), cuts: u64) {
        check(&ops, &Setup::of("cluster"), cuts);
    }

    #[test]
    fn late_channels_agree_with_the_model(ops in ops(), cuts: u64) {
        check(&ops, &Setup::of("late"), cuts);
    }

    #[test]
    fn channels_of_opened_rooms_agree_with_the_model(ops in ops(), cuts: u64) {
        check(&ops, &Setup::of("opened"), cuts);
    }

    #[test]
    fn channels_with_a_grace_agree_with_the_model(ops in ops(), cuts: u64) {
        check(&ops, &Setup::of("grace"), cuts);
    }

    #[test]
    fn channels_with_windows_agree_with_the_model(ops in ops(), cuts: u64) {
        check(&ops, &Setup::of("windows"), cuts);
    }

    #[test]
    fn channels_with_history_agree_with_the_model(ops in ops(), cuts: u64) {
        check(&ops, &Setup::of("history"), cuts);
    }

    #[test]
    fn channels_of_configured_rooms_agree_with_the_model(ops in ops(), cuts: u64) {
        check(&ops, &Setup::of("rooms"), cuts);
    }
}

/// What a rule says of a random recording.
fn check_rule(rule: Rule, ops: &[Op], setup: usize) {
    let [channel, _] = Setup::all()[setup].channels();
    let events = Op::events(ops);
    if let Err(what) = rules::check(rule, &record(&events, channel, Rhythm::Each)) {
        let lines: Vec<_> = events.iter().map(line_of).collect();
        panic!("{what}\nsomewhere in these events:\n{}\n", lines.join("\n"));
    }
}

proptest! {
    #![proptest_config(share_of_cases(2))]

    #[test]
    fn r1_the_reply_comes_first(ops in ops(), setup in 0..Setup::COUNT) {
        check_rule(Rule::R1, &ops, setup);
    }

    #[test]
    fn r2_a_snapshot_comes_before_the_diffs_that_continue_it(ops in ops(), setup in 0..Setup::COUNT) {
        check_rule(Rule::R2, &ops, setup);
    }

    #[test]
    fn r3_recipients_are_in_join_order(ops in ops(), setup in 0..Setup::COUNT) {
        check_rule(Rule::R3, &ops, setup);
    }

    #[test]
    fn r4_each_presence_change_is_announced_where_it_happens(
        ops in ops(),
        setup in 0..Setup::COUNT,
    ) {
        check_rule(Rule::R4, &ops, setup);
    }

    #[test]
    fn r5_flushing_at_any_cut_gives_the_same_sequence(
        ops in ops(),
        cuts in vec(any::<bool>(), MOST),
        setup in 0..Setup::COUNT,
    ) {
        let [mut channel, mut twin] = Setup::all()[setup].channels();
        let [mut at_cuts, mut at_the_end] = [Vec::new(), Vec::new()];
        for (event, cut) in Op::events(&ops).into_iter().zip(cuts) {
            channel.handle(event.clone());
            twin.handle(event);
            if cut {
                at_cuts.extend(channel.flush_outbox());
            }
        }
        at_cuts.extend(channel.flush_outbox());
        at_the_end.extend(twin.flush_outbox());
        prop_assert_eq!(&at_cuts, &at_the_end);
        let lines = |outbox: &[Outbound]| outbox.iter().map(said).collect::<Vec<_>>();
        prop_assert_eq!(lines(&at_cuts), lines(&at_the_end));
    }

    #[test]
    fn r6_flushing_twice_gives_nothing_the_second_time(ops in ops(), setup in 0..Setup::COUNT) {
        let [mut channel, _] = Setup::all()[setup].channels();
        for event in Op::events(&ops) {
            channel.handle(event);
            let first = channel.flush_outbox();
            let second = channel.flush_outbox();
            prop_assert!(second.is_empty(), "{second:?} after {first:?}");
        }
    }

    #[test]
    fn r7_broadcasts_are_seen_in_offset_order(ops in ops(), setup in 0..Setup::COUNT) {
        check_rule(Rule::R7, &ops, setup);
    }

    #[test]
    fn r8_replayed_diffs_give_the_presences(ops in ops(), setup in 0..Setup::COUNT) {
        check_rule(Rule::R8, &ops, setup);
    }

    #[test]
    fn r9_an_event_causes_at_most_one_diff_a_topic(ops in ops(), setup in 0..Setup::COUNT) {
        check_rule(Rule::R9, &ops, setup);
    }
}

/// Random ops would prove little if they were all refused, or none.
#[test]
#[expect(clippy::too_many_lines, reason = "most of it is a list")]
fn random_ops_meet_every_reason_every_limit_and_every_message() {
    let mut runner = TestRunner::deterministic();
    let mut met = BTreeMap::<_, usize>::new();
    for _ in 0..128 {
        let ops = ops().new_tree(&mut runner).expect("ops are made").current();
        for setup in Setup::all() {
            let [mut channel, _] = setup.channels();
            for event in Op::events(&ops) {
                let label = event.label();
                channel.handle(event);
                for outbound in channel.flush_outbox() {
                    let what = outbound.label();
                    *met.entry(format!("{label}: {what}")).or_default() += 1;
                    if let Outbound::History(page) = &outbound {
                        let goes_on = page.more.map_or("ends", |_| "goes on");
                        *met.entry(format!("a page {goes_on}")).or_default() += 1;
                        if page.shortened {
                            *met.entry("a page is shortened".into()).or_default() += 1;
                        }
                    }
                    let Outbound::Reply(Reply { result: Err(refusal), .. }) = outbound else {
                        continue;
                    };
                    *met.entry(refusal.reason().to_string()).or_default() += 1;
                    let too_large = if let Refusal::PayloadTooLarge { limit, .. } = &refusal {
                        Some(*limit)
                    } else {
                        refusal.limit()
                    };
                    if let Some(limit) = too_large {
                        *met.entry(format!("limit {limit}")).or_default() += 1;
                    }
                }
            }
        }
    }

    let reasons = Reason::ALL.into_iter().map(|reason| reason.to_string());
    let refusing = |limit: &Limit| {
        !matches!(
            limit,
            Limit::NameBytes
                | Limit::PageBytes
                | Limit::IdsPerTopic
                | Limit::HistoryMessagesPerTopic
                | Limit::HistoryBytesPerTopic
                | Limit::HistoryMessages
                | Limit::HistoryBytes
        )
    };
    let limits = Limit::ALL.into_iter().filter(refusing);
    let messages = [
        "join: presence_state",
        "join: presence_diff",
        "rejoin: presence_diff",
        "leave: presence_diff",
        "broadcast: reply",
        "broadcast: broadcast_message",
        "push: reply",
        "push: push_message",
        "crash: closed",
        "restart: system",
        "join: history",
        "rejoin: broadcast_message",
        "disconnect: closed",
        "tick: closed",
        "tick: presence_diff",
        "track: presence_diff",
        "untrack: presence_diff",
        "open_room: room_opened",
        "close_room: room_closed",
        "broadcast: evicted",
        "close_room: evicted",
        "history: history",
        "a page goes on",
        "a page ends",
        "a page is shortened",
        "publish: broadcast_message",
        "kick: disconnect",
        "kick: closed",
        "query: reply",
        "refuse: reply",
    ];
    let wanted = reasons.chain(limits.map(|limit| format!("limit {limit}")));
    for what in wanted.chain(messages.map(String::from)) {
        let times = met.get(&what).copied().unwrap_or(0);
        assert!(times >= 10, "{what} was met {times} times: {met:#?}");
    }
    // Rare, as it takes the last of an opened room that does not stay.
    assert!(met.contains_key("disconnect: room_closed"), "{met:#?}");
    let [sent, delivered] =
        ["broadcast: reply", "broadcast: broadcast_message"].map(|what| met[what]);
    assert!(delivered * 4 > sent, "most of what random members say is heard: {met:#?}");
}
