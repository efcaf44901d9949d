//! The verbs of the server: who is put out, groups, and refusals.

use parlor::{AddToGroup, EventKind, Kick, Reason, Refuse, RemoveFromGroup};

use super::super::line::Line;

/// `kick <client> <reason> [topic=TOPIC] [ref=REF]`
pub(super) fn kick(line: &mut Line<'_>) -> Result<Kick, String> {
    let (client, reason): (String, String) = (line.name("a client")?, line.name("a reason")?);
    let mut kick = Kick::new(client, reason);
    kick.topic = line.text("topic")?.map(Into::into);
    kick.reference = line.text("ref")?.map(Into::into);
    Ok(kick)
}

/// `add_to_group <group> <topic>… [ref=REF]`
pub(super) fn add_to_group(line: &mut Line<'_>) -> Result<AddToGroup, String> {
    let group: String = line.name("a group")?;
    let mut add = AddToGroup::new(group, line.names()?);
    add.reference = line.text("ref")?.map(Into::into);
    Ok(add)
}

/// `remove_from_group <group> <topic>… [ref=REF]`
pub(super) fn remove_from_group(line: &mut Line<'_>) -> Result<RemoveFromGroup, String> {
    let group: String = line.name("a group")?;
    let mut remove = RemoveFromGroup::new(group, line.names()?);
    remove.reference = line.text("ref")?.map(Into::into);
    Ok(remove)
}

/// `refuse <client> <to> <reason> [topic=TOPIC] [message=TEXT] [ref=REF]`
pub(super) fn refuse(line: &mut Line<'_>) -> Result<Refuse, String> {
    let client: String = line.name("a client")?;
    let to = line.word("the label of an event")?;
    let kind = EventKind::ALL.into_iter().find(|kind| kind.label() == to);
    let kind = kind.ok_or_else(|| format!("unknown event {to:?}, expected its label"))?;
    let why = line.word("the label of a reason")?;
    let reason = Reason::ALL.into_iter().find(|reason| reason.label() == why);
    let reason = reason.ok_or_else(|| format!("unknown reason {why:?}, expected its label"))?;
    let mut refuse = Refuse::new(client, kind, reason);
    refuse.topic = line.text("topic")?.map(Into::into);
    refuse.message = line.text("message")?;
    refuse.reference = line.text("ref")?.map(Into::into);
    Ok(refuse)
}
