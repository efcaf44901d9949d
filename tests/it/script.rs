//! The language of the scenarios: one event, question or stage direction a line.
//!
//! A script begins with a comment that says what it shows. Its transcript is the script with what
//! each line put in the outbox, or the answer to its question, indented below. Lines above a `--`
//! are set-up: what they put in the outbox is not shown.
//!
//! | line | meaning |
//! | --- | --- |
//! | `config …` | how the channel is made, on the first line only: [`setup`] |
//! | the label of an event, or `event` | [`events`] |
//! | `?` and a question | [`questions`] |
//! | `hold` | nothing is flushed from here on but by `flush` |
//! | `flush` | flushes once |
//!
//! Three things are checked in every script: the channel's invariants after each line, that a twin
//! which is flushed only once, at the end, says the same, and so does one that is saved and restored
//! after each event.

mod events;
mod line;
mod questions;
mod receiver;
mod setup;

use parlor::{Channel, Event, Outbound};

use self::line::Line;

/// Plays a script and returns its transcript, or what is wrong with the script and where.
pub(crate) fn play(script: &str) -> Result<String, String> {
    let mut stage = Stage::new(script)?;
    for (number, text) in (1..).zip(script.lines()) {
        stage.play(text).map_err(|wrong| format!("line {number}: {wrong}"))?;
    }
    stage.finish()
}

/// The key of the hash tables of what is restored: nothing that is said depends on it.
const OTHER_HASH_KEY: [u64; 2] = [3, 5];

/// When the outbox is flushed.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Flushing {
    AfterEachEvent,
    OnlyWhenTold,
}

/// Whether what is flushed is shown.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Showing {
    Everything,
    Nothing,
}

struct Stage {
    channel: Channel,
    twin: Channel,
    /// A third, as it was saved.
    saved: String,
    flushing: Flushing,
    showing: Showing,
    said: Vec<Outbound>,
    said_by_saved: Vec<Outbound>,
    transcript: Vec<String>,
}

impl Stage {
    fn new(script: &str) -> Result<Self, String> {
        if !script.starts_with("# ") {
            return Err("line 1: expected a comment that says what the script shows".into());
        }
        let has_setup = script.lines().any(|line| line == "--");
        let channel = setup::channel(script)?;
        Ok(Self {
            twin: channel.clone(),
            saved: channel.save().unwrap(),
            channel,
            flushing: Flushing::AfterEachEvent,
            showing: if has_setup { Showing::Nothing } else { Showing::Everything },
            said: Vec::new(),
            said_by_saved: Vec::new(),
            transcript: Vec::new(),
        })
    }

    fn play(&mut self, text: &str) -> Result<(), String> {
        self.transcript.push(text.into());
        let text = text.trim();
        if text.is_empty() || text.starts_with('#') {
            return Ok(());
        }

        let mut line = Line::read(text)?;
        match line.verb() {
            "--" => {
                self.showing = Showing::Everything;
                line.end()
            }
            "config" => Ok(()),
            "hold" => {
                self.flushing = Flushing::OnlyWhenTold;
                line.end()
            }
            "flush" => {
                self.flush();
                line.end()
            }
            "?" => {
                let answer = questions::answer(&mut line, &self.channel, &self.said)?;
                line.end()?;
                self.show(&answer);
                Ok(())
            }
            _ => {
                let event = events::event(&mut line, self.channel.clock_ms())?;
                line.end()?;
                self.handle(event);
                Ok(())
            }
        }
    }

    fn handle(&mut self, event: Event) {
        let mut restored = Channel::restore(&self.saved, OTHER_HASH_KEY).unwrap();
        restored.check_invariants();
        restored.handle(event.clone());
        self.said_by_saved.extend(restored.flush_outbox());
        self.saved = restored.save().unwrap();

        self.twin.handle(event.clone());
        self.channel.handle(event);
        self.channel.check_invariants();
        if self.flushing == Flushing::AfterEachEvent {
            self.flush();
        }
    }

    fn flush(&mut self) {
        let flushed = self.channel.flush_outbox();
        for outbound in &flushed {
            self.show(&serde_json::to_string(outbound).unwrap());
        }
        if flushed.is_empty() {
            self.show("(nothing)");
        }
        self.said.extend(flushed);
    }

    fn show(&mut self, text: &str) {
        if self.showing == Showing::Everything {
            self.transcript.push(format!("  {text}"));
        }
    }

    /// Compares all that was said with what the twin says, which was never asked before, and with
    /// what was said by the one that was saved.
    fn finish(mut self) -> Result<String, String> {
        self.said.extend(self.channel.flush_outbox());
        let (said, twin, saved) = (self.said, self.twin.flush_outbox(), self.said_by_saved);
        if said != twin {
            return Err(format!("flushed once at the end, it says {twin:#?}, expected {said:#?}"));
        }
        if said != saved {
            return Err(format!("saved after each event, it says {saved:#?}, expected {said:#?}"));
        }
        Ok(self.transcript.join("\n"))
    }
}

#[cfg(test)]
mod tests {
    use parlor::Limit;

    use super::play;

    fn check(lines: &str, expected: &str) {
        assert_eq!(play(&format!("# a title\n{lines}")).unwrap_err(), expected);
    }

    #[test]
    fn what_is_wrong_with_a_script_is_said_with_its_line() {
        let untitled = play("restart").unwrap_err();
        assert_eq!(untitled, "line 1: expected a comment that says what the script shows");
        check(
            "\njump c1",
            "line 3: unknown verb \"jump\", expected join, rejoin, leave, broadcast, push, crash, \
             restart, connect, disconnect, subscribe, unsubscribe, track, untrack, open_room, \
             close_room, history, query, publish, kick, add_to_group, remove_from_group, \
             refuse, tick, event, config, hold, flush, ? or --",
        );
        check("join c1 room:1", "line 2: expected a user");
        check(
            "join c1 room:1 ann met={}",
            "line 2: unknown field \"met\", expected at, meta, params or ref",
        );
        check("leave c1 room:1 ann", "line 2: unexpected \"ann\", expected the end or ref");
        check("join c1 room:1 ann at=soon", "line 2: at is \"soon\", expected a number");
        check(
            "broadcast c1 room:1 {} audience=none",
            "line 2: audience is \"none\", expected all, others or other_users",
        );
        check("restart now", "line 2: unexpected \"now\", expected the end");
        check("leave c1 room:1 ref=1 ref=2", "line 2: field \"ref\" is given twice");
        check(
            "publish room:1 e 1",
            "line 2: unknown target \"room:1\", expected topic, group, user, client or everyone",
        );
        check("history c1 room:1 message 5", "line 2: \"5\" is no page, expected START..END");
        check("tick soon", "line 2: the time is \"soon\", expected a number");
        check("refuse c1 jump no", "line 2: unknown event \"jump\", expected its label");
        check("refuse c1 join no", "line 2: unknown reason \"no\", expected its label");
    }

    #[test]
    fn json_that_is_none_is_refused_with_its_line() {
        for line in ["broadcast c1 room:1 hi", "broadcast c1 room:1 {", "join c1 t u meta={]"] {
            let wrong = play(&format!("# a title\n{line}")).unwrap_err();
            assert!(wrong.starts_with("line 2: "), "{wrong}");
            assert!(wrong.contains(" at line 1 column "), "{wrong}");
        }
    }

    #[test]
    fn questions_and_settings_that_are_none_are_refused() {
        check(
            "? weather",
            "line 2: unknown question \"weather\", expected one of script/questions.rs",
        );
        let limits = Limit::ALL.map(Limit::label);
        let known =
            format!("{} or {}", limits[..limits.len() - 1].join(", "), limits[limits.len() - 1]);
        let unknown = format!("line 2: unknown limit \"rooms\", expected {known}");
        check("config limit.rooms=1", &unknown);
        check("restart\nconfig presence=off", "line 3: config has to come before everything else");
        check("config limit.topics=0", "line 2: limit topics is 0, expected 1 to 2147483647");
        check(
            "config {} presence=off",
            "line 2: unknown field \"presence\", expected cluster or node",
        );
        check(
            "config {\"limits\":{\"topics\":0}}",
            "line 2: line 1, column 21: limits.topics: limit topics is 0, expected 1 to 2147483647",
        );
    }
}
