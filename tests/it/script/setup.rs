//! `config`: how the channel of a script is made.

use parlor::{Channel, Config, Limit, PresenceMode, RoomConfig};

use super::line::{Line, number, one_of};

/// The channel that the script's `config` line describes; without one, by default.
pub(super) fn channel(script: &str) -> Result<Channel, String> {
    let mut lines = (1..).zip(script.lines().map(str::trim));
    let mut acting = lines.by_ref().filter(|(_, text)| !text.is_empty() && !text.starts_with('#'));
    let first = acting.next();
    if let Some((number, _)) = acting.find(|(_, text)| text.starts_with("config")) {
        return Err(format!("line {number}: config has to come before everything else"));
    }
    match first {
        Some((number, text)) if text.starts_with("config") => {
            configured(text).map_err(|wrong| format!("line {number}: {wrong}"))
        }
        _ => Ok(Channel::single_node(Config::default())),
    }
}

/// `config [DOCUMENT] [node=ID cluster=NAME]`, where the document is that of [`Config::from_json`],
/// or `config [SETTING]… [node=ID cluster=NAME]`; for the settings see [`settings`].
fn configured(text: &str) -> Result<Channel, String> {
    let mut line = Line::read(text)?;
    let (node, cluster) = (line.text("node")?, line.text("cluster")?);
    let config = match line.word_if(|word| word.starts_with('{')) {
        Some(document) => Config::from_json(document).map_err(|wrong| wrong.to_string())?,
        None => settings(&mut line)?,
    };
    line.end()?;

    match (node, cluster) {
        (None, None) => Ok(Channel::single_node(config)),
        (Some(node), Some(cluster)) => {
            Channel::cluster_ready(node, cluster, config).map_err(|wrong| wrong.to_string())
        }
        _ => Err("expected both node and cluster, or none".into()),
    }
}

/// `[limit.<label>=N]… [presence=on|off] [reserved=PREFIX,…] [first_epoch=N] [incarnation=N]`
fn settings(line: &mut Line<'_>) -> Result<Config, String> {
    let mut config = Config::builder();
    if let Some(presence) = line.field("presence") {
        let mode = match presence {
            "on" => PresenceMode::On,
            "off" => PresenceMode::Off,
            _ => return Err(format!("presence is {presence:?}, expected on or off")),
        };
        config = config.default_room(RoomConfig::default().with_presence(mode));
    }
    if let Some(prefixes) = line.text("reserved")? {
        config = config.reserved(prefixes.split(',').filter(|prefix| !prefix.is_empty()));
    }
    if let Some(epoch) = line.number("first_epoch")? {
        config = config.first_epoch(epoch);
    }
    if let Some(incarnation) = line.number("incarnation")? {
        config = config.incarnation(incarnation);
    }
    for (name, value) in line.other_fields() {
        let label = name.strip_prefix("limit.").ok_or_else(|| {
            let known = "presence, reserved, first_epoch, incarnation, node, cluster or limit.…";
            format!("unknown field {name:?}, expected {known}")
        })?;
        config = config.limit(limit(label)?, number(name, value)?);
    }
    config.build().map_err(|wrong| wrong.to_string())
}

fn limit(label: &str) -> Result<Limit, String> {
    let known = || one_of(&Limit::ALL.map(Limit::label));
    let limit = Limit::ALL.into_iter().find(|limit| limit.label() == label);
    limit.ok_or_else(|| format!("unknown limit {label:?}, expected {}", known()))
}
