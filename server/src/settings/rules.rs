//! Reads `[[rules]]`.

use parlor::EventName;
use serde_json::Value;

use super::{
    error::Wrong,
    table::{Table, kind},
};
use crate::{
    auth::Authenticator,
    rules::{Action, Allow, Demand, Rule, Rules, Test},
};

/// Reads all rules. Without keys nobody's claims are verified, and a rule by claim is refused.
pub(super) fn read(
    tables: Vec<Table>,
    auth: &Authenticator,
    name_bytes: u64,
) -> Result<Rules, Wrong> {
    let rules = tables.into_iter().map(|table| rule(table, auth, name_bytes));
    Ok(Rules::new(rules.collect::<Result<_, _>>()?))
}

fn rule(mut table: Table, auth: &Authenticator, name_bytes: u64) -> Result<Rule, Wrong> {
    let Some(pattern) = table.text("pattern")? else {
        return Err(table.wrong("pattern", "it is missing, expected a topic or a prefix and \"*\""));
    };
    let pattern = pattern.parse().map_err(|message: String| table.wrong("pattern", message))?;
    let action = action(&mut table, name_bytes)?;
    let allow = allow(&mut table)?;
    if let (Allow::Those(demand), true) = (&allow, auth.is_open()) {
        let key = if demand.claim.is_some() { "claim" } else { "topic" };
        let message = "there is no key in `auth`, expected one, or nobody's claims can be verified";
        return Err(table.wrong(key, message));
    }
    table.finish()?;
    Ok(Rule { pattern, action, allow })
}

fn action(table: &mut Table, name_bytes: u64) -> Result<Action, Wrong> {
    let action = table.text("action")?;
    let event = table.text("event")?;
    match (action.as_deref(), event) {
        (Some("join"), None) => Ok(Action::Join),
        (Some("join"), Some(_)) => {
            Err(table.wrong("event", "expected it beside action \"send\" alone"))
        }
        (Some("send"), None) => Ok(Action::Send(None)),
        (Some("send"), Some(event)) => {
            if event.is_empty() || event == "*" || event.len() as u64 > name_bytes {
                let expected =
                    format!("expected a name of 1 to {name_bytes} bytes that is not \"*\"");
                return Err(table.wrong("event", expected));
            }
            Ok(Action::Send(Some(EventName::from(event))))
        }
        (Some(other), _) => {
            Err(table.wrong("action", format!("expected \"join\" or \"send\", got {other:?}")))
        }
        (None, _) => Err(table.wrong("action", "it is missing, expected \"join\" or \"send\"")),
    }
}

fn allow(table: &mut Table) -> Result<Allow, Wrong> {
    let allow = table.text("allow")?;
    let claim = claim(table)?;
    let topic = table.text("topic")?.map(|topic| topic.parse());
    let topic = topic.transpose().map_err(|message: String| table.wrong("topic", message))?;
    let demand = Demand { claim, topic };
    let is_demand = demand.claim.is_some() || demand.topic.is_some();
    match (allow.as_deref(), is_demand) {
        (None, true) => Ok(Allow::Those(demand)),
        (Some("everyone"), false) => Ok(Allow::Everyone),
        (Some("nobody"), false) => Ok(Allow::Nobody),
        (Some("everyone" | "nobody"), true) => {
            Err(table.wrong("allow", "expected it without `claim` and `topic`"))
        }
        (Some(other), _) => {
            Err(table.wrong("allow", format!("expected \"everyone\" or \"nobody\", got {other:?}")))
        }
        (None, false) => {
            Err(Wrong::new(table.path(), "it allows nothing, expected `claim`, `topic` or `allow`"))
        }
    }
}

fn claim(table: &mut Table) -> Result<Option<(crate::rules::Claim, Test)>, Wrong> {
    let claim = table.text("claim")?;
    let equals = scalar(table, "equals")?.map(Test::Equals);
    let contains = scalar(table, "contains")?.map(Test::Contains);
    match (claim, equals, contains) {
        (None, None, None) => Ok(None),
        (Some(claim), Some(test), None) | (Some(claim), None, Some(test)) => {
            let claim = claim.parse().map_err(|message: String| table.wrong("claim", message))?;
            Ok(Some((claim, test)))
        }
        (Some(_), None, None) => {
            Err(table.wrong("claim", "expected `equals` or `contains` beside it"))
        }
        (Some(_), Some(_), Some(_)) => {
            Err(table.wrong("contains", "expected it or `equals`, got both"))
        }
        (None, Some(_), _) => Err(table.wrong("equals", "expected `claim` beside it")),
        (None, None, Some(_)) => Err(table.wrong("contains", "expected `claim` beside it")),
    }
}

fn scalar(table: &mut Table, key: &'static str) -> Result<Option<Value>, Wrong> {
    let value = table.take(key);
    if let Some(value @ (Value::Null | Value::Array(_) | Value::Object(_))) = &value {
        let message = format!("expected text, a number or a boolean, got {}", kind(value));
        return Err(table.wrong(key, message));
    }
    Ok(value)
}
