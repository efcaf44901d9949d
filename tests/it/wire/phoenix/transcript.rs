//! Reads what was recorded of a real server: what clients sent, and what each then received.

use std::collections::BTreeMap;

use parlor::wire::phoenix::Frame;

/// Something that happens, and what is received upon it.
#[derive(Debug, Clone)]
pub struct Step {
    /// The heading that it stands under.
    pub section: String,
    /// The line by which it begins, or none: it happens by itself.
    pub line: String,
    pub does: Option<Does>,
    /// By client, in order.
    pub received: BTreeMap<String, Vec<Frame>>,
}

#[derive(Debug, Clone)]
pub enum Does {
    Send {
        client: String,
        frame: Frame,
    },
    /// The server closes it, with a code.
    Close {
        client: String,
        code: u16,
    },
}

/// Reads the lines of a transcript.
pub fn steps(text: &str) -> Vec<Step> {
    let mut steps: Vec<Step> = Vec::new();
    let mut section = String::new();
    for line in text.lines().map(str::trim).filter(|line| !line.is_empty()) {
        if let Some(title) = line.strip_prefix("## ") {
            title.clone_into(&mut section);
            continue;
        }
        let begin = |does| Step {
            section: section.clone(),
            line: line.to_owned(),
            does,
            received: BTreeMap::new(),
        };
        if let Some((client, frame)) = line.split_once(" -> ") {
            let does = Does::Send { client: client.into(), frame: read(frame) };
            steps.push(begin(Some(does)));
        } else if let Some((client, frame)) =
            line.split_once(" <- ").or_else(|| line.split_once(" <= BIN "))
        {
            if steps.last().is_none_or(|last| last.section != section) {
                steps.push(begin(None));
            }
            let step = steps.last_mut().expect("one was pushed");
            step.received.entry(client.into()).or_default().push(read(frame));
        } else if let Some((client, how)) = line.split_once(" CLOSE ") {
            let code = how.rsplit(' ').next().unwrap().parse().unwrap();
            steps.push(begin(Some(Does::Close { client: client.into(), code })));
        } else {
            assert!(line.starts_with("died: "), "{line:?} is no line of a transcript");
        }
    }
    steps
}

fn read(frame: &str) -> Frame {
    match frame.strip_prefix("<<").and_then(|bytes| bytes.strip_suffix(">>")) {
        None => Frame::Text(frame.into()),
        Some(bytes) => {
            let bytes: Vec<u8> = bytes.split(", ").map(|byte| byte.parse().unwrap()).collect();
            Frame::Binary(bytes.into())
        }
    }
}
