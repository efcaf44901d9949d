//! Random ops: channels agree with the model and keep the rules, whatever happens to them.

use std::collections::BTreeMap;

use parlor::{Limit, Outbound, Reason, Refusal, Reply};
use proptest::{array, collection::vec, prelude::*, strategy::ValueTree, test_runner::TestRunner};

use super::{
    harness::{Setup, check},
    ops::{GOOD, MOST, Op},
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
        check(&ops, &Setup::silent(), cuts);
    }

    #[test]
    fn tiny_channels_agree_with_the_model(ops in ops(), cuts: u64) {
        check(&ops, &Setup::tiny(), cuts);
    }

    #[test]
    fn channels_of_a_cluster_agree_with_the_model(ops in ops(), cuts: u64) {
        check(&ops, &Setup::cluster(), cuts);
    }

    #[test]
    fn late_channels_agree_with_the_model(ops in ops(), cuts: u64) {
        check(&ops, &Setup::late(), cuts);
    }
}

/// Random ops would prove little if they were all refused, or none.
#[test]
fn random_ops_meet_every_reason_every_limit_and_every_message() {
    let mut runner = TestRunner::deterministic();
    let mut met = BTreeMap::<_, usize>::new();
    for _ in 0..64 {
        let ops = ops().new_tree(&mut runner).expect("ops are made").current();
        for setup in Setup::all() {
            let [mut channel, _] = setup.channels();
            for op in &ops {
                let event = op.event();
                let label = event.label();
                channel.handle(event);
                for outbound in channel.flush_outbox() {
                    let what = outbound.label();
                    *met.entry(format!("{label}: {what}")).or_default() += 1;
                    let Outbound::Reply(Reply { result: Err(refusal), .. }) = outbound else {
                        continue;
                    };
                    *met.entry(refusal.reason().to_string()).or_default() += 1;
                    if let Refusal::LimitReached { limit, .. }
                    | Refusal::PayloadTooLarge { limit, .. } = refusal
                    {
                        *met.entry(format!("limit {limit}")).or_default() += 1;
                    }
                }
            }
        }
    }

    let reasons = Reason::ALL.into_iter().map(|reason| reason.to_string());
    let limits = Limit::ALL.into_iter().filter(|limit| *limit != Limit::NameBytes);
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
    ];
    let wanted = reasons.chain(limits.map(|limit| format!("limit {limit}")));
    for what in wanted.chain(messages.map(String::from)) {
        let times = met.get(&what).copied().unwrap_or(0);
        assert!(times >= 10, "{what} was met {times} times: {met:#?}");
    }
    let [sent, delivered] =
        ["broadcast: reply", "broadcast: broadcast_message"].map(|what| met[what]);
    assert!(delivered * 4 > sent, "most of what random members say is heard: {met:#?}");
}
