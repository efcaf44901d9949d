//! Pages of history: spec section 10, `history`, `history_loaded` and what a joiner gets.

use super::{
    Ask, Model, Outcome, RoomConfig,
    config::OnJoin,
    lines::{Fields, json, list, object, on_one_line},
    state::{Message, Page},
};

impl Model {
    /// Section 10: the reply, then the page; or, where a named event is wanted beyond memory, a
    /// request to the driver.
    pub(super) fn history(&mut self, ask: &Ask) -> Outcome {
        self.check_standing(ask, RoomConfig::clients_may_read)?;
        let (client, topic, event) = (ask.text("client_id"), ask.text("topic"), ask.text("event"));
        self.check_rate(&client, &topic)?;
        let (start, end) = (ask.number("start"), ask.number("end"));
        if end.saturating_sub(start) > self.setup.limits.page_length {
            return Err("limit_reached page_length".into());
        }
        let held = self.newest_first(&topic, &event);
        let count = held.len() as u64;
        let is_kept = ask.has("event") && self.room(&topic).config.history_of(&event).is_some();
        let goes_beyond = is_kept && end > count && end > start;
        if goes_beyond && self.pages.len() >= self.setup.limits.open_pages {
            return Err("limit_reached open_pages".into());
        }

        self.count_rate(&client, &topic);
        self.reply_if_asked(ask, "{}".into());
        let mut part = Vec::new();
        for (place, message) in (0_u64..).zip(&held) {
            if start <= place && place < end {
                part.push(message.line());
            }
        }
        if !goes_beyond {
            self.say_page(ask, &part);
            return Ok(());
        }
        let before =
            held.last().map_or_else(|| self.room(&topic).offset + 1, |oldest| oldest.offset);
        let (missing_start, missing_end) = (start.saturating_sub(count), end - count);
        let epoch = self.room(&topic).epoch;
        let values = [
            json(&self.next_request),
            json(&topic),
            json(&epoch),
            json(&event),
            json(&before),
            json(&missing_start),
            json(&missing_end),
        ];
        self.say("load_history", "request topic epoch event before start end", &values);
        self.pages.push(Page {
            request: self.next_request,
            client,
            topic,
            epoch,
            ask: ask.clone(),
            held: part,
            missing: missing_end - missing_start,
        });
        self.next_request += 1;
        Ok(())
    }

    /// Section 10: the page is what memory held, then what was loaded. It is dropped if its room
    /// has gone, or if its client could not ask for it any more.
    pub(super) fn history_loaded(&mut self, ask: &Ask) {
        let request = ask.number("request");
        let Some(place) = self.pages.iter().position(|page| page.request == request) else {
            return;
        };
        let page = self.pages.remove(place);
        let is_there = self.find_room(&page.topic).is_some_and(|room| room.epoch == page.epoch);
        let may = RoomConfig::clients_may_read;
        if !is_there || !self.may_act(&page.client, &page.topic, may) {
            return;
        }
        let mut lines = page.held;
        if ask.has("messages") {
            let messages: Vec<Fields> =
                serde_json::from_str(ask.raw("messages")).expect("it is a list of messages");
            for (message, _) in messages.iter().zip(0..page.missing) {
                lines.push(loaded_line(message));
            }
        }
        self.say_page(&page.ask, &lines);
    }

    /// Section 10: what the room has for joiners, newest first, whatever they are subscribed to.
    pub(super) fn say_history_on_join(&mut self, client: &str, topic: &str) {
        let held = self.newest_first(topic, "");
        let mut lines = Vec::new();
        for (place, message) in held.iter().enumerate() {
            let newer = || held.iter().take(place).filter(|newer| newer.event == message.event);
            let is_given = match self.room(topic).config.history_on_join {
                None => false,
                Some(OnJoin::All) => true,
                Some(OnJoin::PerEvent(most)) => newer().count() < most,
                Some(OnJoin::Total(most)) => place < most,
            };
            if is_given {
                lines.push(message.line());
            }
        }
        if lines.is_empty() {
            return;
        }
        let values = [json(client), json(topic), json(&0), json(&lines.len()), list(&lines)];
        self.say("history", "client_id topic start end messages", &values);
    }

    fn say_page(&mut self, ask: &Ask, lines: &[String]) {
        let [client, topic, event] = ["client_id", "topic", "event"].map(|name| ask.json(name));
        let [start, end] = ["start", "end"].map(|name| json(&ask.number(name)));
        let values = [client, topic, event, start, end, list(lines), ask.json("ref")];
        self.say("history", "client_id topic event start end messages ref", &values);
    }

    /// Section 10: index 0 is the newest; of one event name, or of all.
    fn newest_first(&self, topic: &str, event: &str) -> Vec<Message> {
        let mut held = self.room(topic).history.clone();
        held.retain(|message| event.is_empty() || message.event == event);
        held.reverse();
        held
    }
}

/// Section 10: a message that the driver has kept, written as one from memory.
fn loaded_line(message: &Fields) -> String {
    let raw = |name: &str| {
        let value = message.get(name).map_or("", |value| value.get());
        if value == "null" && name != "payload" { "" } else { value }
    };
    let text = |name: &str| -> String { serde_json::from_str(raw(name)).unwrap_or_default() };
    let number = |name: &str| json(&raw(name).parse::<u64>().expect("it is a whole number"));
    // Nothing of it is checked, so an empty name is one.
    let if_given =
        |name: &str| if raw(name).is_empty() { String::new() } else { json(&text(name)) };
    let values = [
        json(&text("event")),
        on_one_line(raw("payload")),
        if_given("payload_base64"),
        json(&text("from")),
        if_given("client_id"),
        raw("epoch").to_owned(),
        number("offset"),
        number("timestamp_ms"),
        on_one_line(raw("meta")),
    ];
    object("event payload payload_base64 from client_id epoch offset timestamp_ms meta", &values)
}
