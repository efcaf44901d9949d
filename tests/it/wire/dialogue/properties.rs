//! Random steps, of what clients say and of anything.

use proptest::{collection::vec, prelude::*};

use super::hostile::{Step, check, run};
use crate::properties::share_of_cases;

/// JSON that looks like an argument, mostly.
fn argument() -> impl Strategy<Value = String> {
    let value = prop_oneof![
        6 => prop_oneof![Just("a"), Just("b"), Just("shown"), Just("e"), Just("*")]
            .prop_map(|name| format!("\"{name}\"")),
        2 => any::<i64>().prop_map(|number| number.to_string()),
        1 => any::<f64>().prop_map(|number| format!("{number:e}")),
        1 => any::<String>().prop_map(|text| serde_json::to_string(&text).unwrap()),
        1 => Just("null".to_owned()),
        1 => Just("{\"a\":[{}]}".to_owned()),
        1 => any::<String>(),
    ];
    let name = prop_oneof![
        8 => Just("roomId"),
        3 => prop_oneof![Just("event"), Just("eventName"), Just("data"), Just("meta")],
        3 => prop_oneof![Just("id"), Just("name"), Just("description"), Just("maxSize")],
        2 => prop_oneof![Just("start"), Just("end")],
    ];
    let field = (name, value).prop_map(|(name, value)| format!("\"{name}\":{value}"));
    vec(field, 0..8).prop_map(|fields| format!("{{{}}}", fields.join(",")))
}

fn step() -> impl Strategy<Value = Step> {
    let argument = prop_oneof![
        4 => any::<u8>().prop_map(Ok),
        4 => argument().prop_map(Err),
        1 => any::<String>().prop_map(Err),
    ];
    (any::<u8>(), any::<u8>(), argument).prop_map(|(client, what, argument)| Step {
        client,
        what,
        argument,
    })
}

proptest! {
    #![proptest_config(share_of_cases(2))]

    #[test]
    fn whatever_clients_say_is_answered_or_ignored(steps in vec(step(), 0..100)) {
        run(&steps);
    }

    #[test]
    fn any_bytes_are_answered_or_ignored(bytes in vec(any::<u8>(), 0..400)) {
        check(&bytes);
    }
}

/// Found by the fuzz target: the second page waits for the first, which is never loaded, and comes
/// with whatever the client is told after five seconds, here a refusal of something else.
#[test]
fn a_page_may_come_with_the_answer_to_something_else() {
    const FOUND: &[u8] =
        b"~?\n\n\x18\n\n~~9\n~?\xad\n\n\n?\n\n\x18\n\n~~9\n~?\xad\n\n\nc\xb2)+\n\n\
        \x94\xf5etaown\n~?\xad\n\n\nc\xb2~~+\n\x94~~+\n\x94\x81\n\n\xff\xff\x1f\n#~~\n<\n\n\
        \xff\xff\x1f\n#|~\x01\0\0\0\n[|\n45\n\xdd02\n02~~\n\x1f\n#|~4\n02\n<cr\n\n\xff\xff)";
    check(FOUND);
}
