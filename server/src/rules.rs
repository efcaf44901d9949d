//! Rules by claim: who may join which topics, and who may send what there.
//!
//! A rule that holds for a topic makes it one for some. The rules of the narrowest pattern hold, as
//! with rooms, and of these one has to allow it; where there is none, everybody may. Of rules about
//! sending, those that name the event come before those about all events.
//!
//! Rules see the claims of a client where the driver has put them: in the `data` of its connect.

mod demand;
mod pattern;

use std::sync::Arc;

use parlor::{
    Broadcast, Channel, ClientId, Decision, EventName, Guard, History, Json, OpenRoom, Query,
    Reason, Topic, Track,
};
use serde_json::Value;

pub(crate) use self::{
    demand::{Claim, Demand, Test},
    pattern::Pattern,
};

/// Who may do something where.
#[derive(Debug)]
pub(crate) struct Rule {
    pub(crate) pattern: Pattern,
    pub(crate) action: Action,
    pub(crate) allow: Allow,
}

/// What a rule is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Action {
    /// To be in a topic, and whatever those can do with it who are not.
    Join,
    /// To send messages of that name, or of all names.
    Send(Option<EventName>),
}

/// Whom a rule allows it.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Allow {
    Everyone,
    Nobody,
    /// Those whose claims say so.
    Those(Demand),
}

/// Who may join which topics, and send what there, by what their tokens say: `[[rules]]` of the
/// settings. By default there are none.
#[derive(Debug, Clone, Default)]
pub struct Rules(Arc<[Rule]>);

/// Makes the guard of rules.
pub(crate) fn guard(rules: &Rules) -> Guard {
    let mut guard = Guard::new();
    rules.guard(&mut guard);
    guard
}

impl Rules {
    pub(crate) fn new(rules: Vec<Rule>) -> Self {
        Self(rules.into())
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether they let whoever has these claims send messages of that name, once in that topic.
    pub(crate) fn let_send(&self, event: &EventName, topic: &Topic, claims: &Value) -> bool {
        let holding = self.holding(&Action::Send(Some(event.clone())), topic.as_str());
        are_met(&holding, claims, topic)
    }

    fn guard(&self, guard: &mut Guard) {
        if self.is_empty() {
            return;
        }
        let rules = self.clone();

        let these = rules.clone();
        guard.on_join("*", move |join, channel| {
            these.decide(&Action::Join, join.client_id, join.topic, channel)
        });
        let these = rules.clone();
        guard.on("*", move |said: &Broadcast, channel: &Channel| {
            let entered = these.enter(&said.client_id, &said.topic, channel);
            if entered != Decision::Allow {
                return entered;
            }
            let action = Action::Send(Some(said.event.clone()));
            these.decide(&action, &said.client_id, &said.topic, channel)
        });
        let these = rules.clone();
        guard.on("*", move |track: &Track, channel: &Channel| {
            these.enter(&track.client_id, &track.topic, channel)
        });
        let these = rules.clone();
        guard.on("*", move |history: &History, channel: &Channel| {
            these.enter(&history.client_id, &history.topic, channel)
        });
        let these = rules.clone();
        guard.on("*", move |open: &OpenRoom, channel: &Channel| match &open.by {
            Some(client_id) => these.enter(client_id, &open.topic, channel),
            None => Decision::Allow,
        });
        guard.on("*", move |query: &Query, channel: &Channel| {
            match (&query.client_id, &query.topic) {
                (Some(client_id), Some(topic)) => rules.enter(client_id, topic, channel),
                (Some(_) | None, None) | (None, Some(_)) => Decision::Allow,
            }
        });
    }

    /// Decides about what can be done with a topic from outside: a member has been allowed in.
    fn enter<C>(&self, client_id: &ClientId, topic: &Topic, channel: &Channel) -> Decision<C> {
        if channel.is_member(client_id, topic) {
            return Decision::Allow;
        }
        self.decide(&Action::Join, client_id, topic, channel)
    }

    fn decide<C>(
        &self,
        action: &Action,
        client_id: &ClientId,
        topic: &Topic,
        channel: &Channel,
    ) -> Decision<C> {
        let holding = self.holding(action, topic.as_str());
        if holding.is_empty() || are_met(&holding, &claims_of(client_id, channel), topic) {
            return Decision::Allow;
        }
        let (reason, doing) = match action {
            Action::Join => (Reason::JoinDenied, "joining"),
            Action::Send(_) => (Reason::PermissionDenied, "sending"),
        };
        Decision::refuse_for(reason, format!("{doing} is not for all here, {}", expected(&holding)))
    }

    /// The rules that hold, of which one has to allow it.
    fn holding(&self, action: &Action, topic: &str) -> Vec<&Allow> {
        let ranked = self.0.iter().filter_map(|rule| {
            let names_event = rule.action.covers(action)?;
            let matches = rule.pattern.matches(topic);
            matches.then(|| ((names_event, rule.pattern.rank()), &rule.allow))
        });
        let ranked = ranked.collect::<Vec<_>>();
        let narrowest = ranked.iter().map(|(rank, _)| *rank).max();
        let holding = ranked.into_iter().filter(|(rank, _)| Some(*rank) == narrowest);
        holding.map(|(_, allow)| allow).collect()
    }
}

impl Action {
    /// Whether a rule about this holds for what is done, and then whether it names the event.
    fn covers(&self, done: &Self) -> Option<bool> {
        match (self, done) {
            (Self::Join, Self::Join) | (Self::Send(None), Self::Send(_)) => Some(false),
            (Self::Send(Some(event)), Self::Send(Some(sent))) => (event == sent).then_some(true),
            (Self::Join, Self::Send(_))
            | (Self::Send(_), Self::Join)
            | (Self::Send(Some(_)), Self::Send(None)) => None,
        }
    }
}

impl Allow {
    fn allows(&self, claims: &Value, topic: &str) -> bool {
        match self {
            Self::Everyone => true,
            Self::Nobody => false,
            Self::Those(demand) => demand.is_met(claims, topic),
        }
    }
}

/// Whether one of the rules that hold allows it, if there are any.
fn are_met(holding: &[&Allow], claims: &Value, topic: &Topic) -> bool {
    holding.is_empty() || holding.iter().any(|allow| allow.allows(claims, topic.as_str()))
}

/// What a client has shown when it connected; nothing if it has shown nothing.
fn claims_of(client_id: &ClientId, channel: &Channel) -> Value {
    let data = channel.client(client_id).and_then(|client| client.data);
    data.map(|data| claims_in(&data)).unwrap_or_default()
}

/// The claims in what guards see of a client.
pub(crate) fn claims_in(data: &Json) -> Value {
    serde_json::from_str(data.as_str()).unwrap_or_default()
}

/// What would have been enough: names, and no values.
fn expected(holding: &[&Allow]) -> String {
    let demands = holding.iter().filter_map(|allow| match allow {
        Allow::Those(demand) => Some(demand.to_string()),
        Allow::Everyone | Allow::Nobody => None,
    });
    let mut demands = demands.collect::<Vec<_>>();
    demands.dedup();
    if demands.is_empty() {
        return "expected the server to do it".into();
    }
    format!("expected {}", demands.join(" or "))
}
