//! The verbs that make rooms and ask for what is in them.

use parlor::{CloseRoom, History, OpenRoom, Query, Question};
use serde::{
    Deserialize,
    de::value::{Error, StrDeserializer},
};

use super::{
    super::line::{Line, number, unquoted},
    since, whom,
};

/// `open_room <topic> [{"max_members":2,…}] [by=CLIENT] [ref=REF]`
pub(super) fn open_room(line: &mut Line<'_>) -> Result<OpenRoom, String> {
    let topic: String = line.name("a topic")?;
    let mut open = OpenRoom::new(topic);
    if let Some(config) = line.word_if(|word| word.starts_with('{')) {
        let config = serde_json::from_str(config).map_err(|wrong| format!("{config}: {wrong}"))?;
        open = open.with_config(config);
    }
    open.by = line.text("by")?.map(Into::into);
    open.reference = line.text("ref")?.map(Into::into);
    Ok(open)
}

/// `close_room <topic> [by=CLIENT] [ref=REF]`
pub(super) fn close_room(line: &mut Line<'_>) -> Result<CloseRoom, String> {
    let topic: String = line.name("a topic")?;
    let mut close = CloseRoom::new(topic);
    close.by = line.text("by")?.map(Into::into);
    close.reference = line.text("ref")?.map(Into::into);
    Ok(close)
}

/// `history <client> <topic> [<event>] [START..END] [before=EPOCH:OFFSET] [ref=REF]`
pub(super) fn history(line: &mut Line<'_>) -> Result<History, String> {
    let (client, topic) = whom(line)?;
    let mut history = History::new(client, topic);
    history.event = line.word_if(|word| !word.contains("..")).map(Into::into);
    if let Some(page) = line.word_if(|_| true) {
        let (start, end) = page
            .split_once("..")
            .ok_or_else(|| format!("{page:?} is no page, expected START..END"))?;
        (history.start, history.end) = (number("the start", start)?, number("the end", end)?);
    }
    if let Some(before) = line.field("before") {
        history.before = Some(since(before)?);
    }
    history.reference = line.text("ref")?.map(Into::into);
    Ok(history)
}

/// `query <what> [<topic>, or for topics_of <client>] [topic=TOPIC] [client=CLIENT] [ref=REF]`
pub(super) fn query(line: &mut Line<'_>) -> Result<Query, String> {
    let what = line.word("a question")?;
    let what = Question::deserialize(StrDeserializer::<Error>::new(what))
        .map_err(|wrong| wrong.to_string())?;
    let mut query = Query::new(what);
    let about = line.word_if(|_| true).map(unquoted).transpose()?;
    if what == Question::TopicsOf {
        query.client_id = about.map(Into::into);
    } else {
        query.topic = about.map(Into::into);
    }
    if let Some(topic) = line.text("topic")? {
        query.topic = Some(topic.into());
    }
    if let Some(client) = line.text("client")? {
        query.client_id = Some(client.into());
    }
    query.reference = line.text("ref")?.map(Into::into);
    Ok(query)
}
