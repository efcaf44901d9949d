//! Pages of history: spec section 10.

use serde::Deserialize;

use super::{
    Ask, Model, Outcome, RoomConfig,
    config::OnJoin,
    lines::{json, list, object},
    state::Message,
};

/// Section 10: a page goes on before it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
struct Position {
    epoch: u64,
    offset: u64,
}

/// Section 10: what memory has of a page, and where it goes on.
struct Page {
    lines: Vec<String>,
    more: Option<(Position, u64, u64)>,
    is_shortened: bool,
}

impl Model {
    /// Section 10: the reply, then the page.
    pub(super) fn history(&mut self, ask: &Ask) -> Outcome {
        self.check_standing(ask, RoomConfig::clients_may_read)?;
        let (client, topic) = (ask.text("client_id"), ask.text("topic"));
        self.check_rate(&client, &topic)?;
        let (start, end) = (ask.number("start"), ask.number("end"));
        let page = self.page(ask, start, end);
        let skipped = page.more.map_or(0, |(_, _, skip)| skip);
        if end.saturating_sub(start).max(skipped) > self.setup.limits.page_length {
            return Err("limit_reached page_length".into());
        }

        self.count_rate(&client, &topic);
        self.reply_if_asked(ask, "{}".into());
        let before = match ask.raw("before") {
            "" => String::new(),
            raw => serde_json::from_str::<Position>(raw).expect("it is a position").line(),
        };
        let [client, topic, event] = ["client_id", "topic", "event"].map(|name| ask.json(name));
        let range = [before, json(&start), json(&end)];
        self.say_page([client, topic, event], range, &page, ask.json("ref"));
        Ok(())
    }

    /// Section 10: messages older than a position, newest first, and index 0 is the newest. From a
    /// certain offset on, nothing is missing that was kept; what is older than that may be with the
    /// driver.
    fn page(&self, ask: &Ask, start: u64, end: u64) -> Page {
        let (client, topic, event) = (ask.text("client_id"), ask.text("topic"), ask.text("event"));
        let room = self.room(&topic);
        let here = |offset| Position { epoch: room.epoch, offset };
        let mut before = here(room.offset + 1);
        if ask.has("before") {
            let asked = serde_json::from_str(ask.raw("before")).expect("it is a position");
            before = before.min(asked);
        }
        let held: Vec<Message> = self.newest_first(&topic, &event);
        let same = room.gone.iter().filter(|(name, _)| event.is_empty() || *name == event);
        let mut whole_from = same.map(|(_, offset)| offset + 1).max().unwrap_or(0);
        if !event.is_empty() {
            let oldest = held.last().map_or(u64::MAX, |message| message.offset);
            whole_from = whole_from.max(oldest);
        }
        let whole_from = here(whole_from).min(before);

        let user = &self.find_client(&client).expect("it is known").user;
        let mut visible = held;
        visible.retain(|message| here(message.offset) < before && message.is_for(&client, user));
        let of_page = |place: usize| (start..end).contains(&(place as u64));
        let enough = end.try_into().unwrap_or(usize::MAX);
        let sure = visible.iter().take(enough);
        let sure = sure.filter(|message| here(message.offset) >= whole_from).count() as u64;
        let places = visible.iter().enumerate();
        let asked: Vec<&Message> =
            places.filter(|(place, _)| of_page(*place)).map(|(_, message)| message).collect();
        let given = self.fitting(&asked);
        let is_shortened = given < asked.len();

        let last = asked.get(given.saturating_sub(1)).map_or(before, |last| here(last.offset));
        let mut more = None;
        if is_shortened && last >= whole_from {
            more = Some((last, 0, 0));
        } else if end > start && end > sure {
            more = Some((whole_from, end - sure, start.saturating_sub(sure)));
        }
        let lines = asked.iter().take(given).map(|message| message.line()).collect();
        Page { lines, more: more.filter(|_| room.config.keeps(&event)), is_shortened }
    }

    /// Section 10: how many of the newest fit, but for the first, which always does.
    fn fitting(&self, messages: &[&Message]) -> usize {
        let mut bytes = 0;
        for (place, message) in messages.iter().enumerate() {
            bytes += message.size();
            if bytes > self.setup.limits.page_bytes && place > 0 {
                return place;
            }
        }
        messages.len()
    }

    /// Section 10: what the room has for joiners, newest first, whatever they are subscribed to.
    pub(super) fn say_history_on_join(&mut self, client: &str, topic: &str) {
        let user = &self.find_client(client).expect("it is known").user;
        let mut visible = self.newest_first(topic, "");
        visible.retain(|message| message.is_for(client, user));
        let mut given = Vec::new();
        for (place, message) in visible.iter().enumerate() {
            let newer = || visible.iter().take(place).filter(|newer| newer.event == message.event);
            let is_given = match self.room(topic).config.history_on_join {
                None => false,
                Some(OnJoin::All) => true,
                Some(OnJoin::PerEvent(most)) => newer().count() < most,
                Some(OnJoin::Total(most)) => place < most,
            };
            if is_given {
                given.push(message);
            }
        }
        if given.is_empty() {
            return;
        }
        let fitting = self.fitting(&given);
        let is_shortened = fitting < given.len();
        given.truncate(fitting);
        let epoch = self.room(topic).epoch;
        let last = given.last().map_or(0, |last| last.offset);
        let more = is_shortened.then_some((Position { epoch, offset: last }, 0, 0));
        let lines: Vec<String> = given.iter().map(|message| message.line()).collect();
        let range = [String::new(), json(&0), json(&lines.len())];
        let page = Page { lines, more, is_shortened };
        self.say_page([json(client), json(topic), String::new()], range, &page, String::new());
    }

    fn say_page(
        &mut self,
        [client, topic, event]: [String; 3],
        [before, start, end]: [String; 3],
        page: &Page,
        mark: String,
    ) {
        let name: String = serde_json::from_str(&topic).expect("it is a topic");
        let epoch = json(&self.room(&name).epoch);
        let more = page.more.map_or_else(String::new, |(before, wanted, skip)| {
            let skip = if skip == 0 { String::new() } else { json(&skip) };
            object("before wanted skip", &[before.line(), json(&wanted), skip])
        });
        let shortened = if page.is_shortened { json(&true) } else { String::new() };
        let messages = list(&page.lines);
        let values =
            [client, topic, epoch, event, before, start, end, messages, more, shortened, mark];
        let names = "client_id topic epoch event before start end messages more shortened ref";
        self.say("history", names, &values);
    }

    /// Section 10: index 0 is the newest; of one event name, or of all.
    fn newest_first(&self, topic: &str, event: &str) -> Vec<Message> {
        let mut held = self.room(topic).history.clone();
        held.retain(|message| event.is_empty() || message.event == event);
        held.reverse();
        held
    }
}

impl Position {
    fn line(self) -> String {
        object("epoch offset", &[json(&self.epoch), json(&self.offset)])
    }
}
