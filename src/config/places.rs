//! Where something stands in a JSON text: paths such as `rooms[2].max_members`, and bytes.
//!
//! Serde tells where it stopped but not in what, and a check of what was read knows in what but not
//! where. Knows nothing about what the text says. A text that is no JSON gets some answer.

use alloc::{format, string::String, vec::Vec};

/// In what the byte before `end` stands: the value that holds it, or the field that it names.
pub(super) fn path_at(text: &str, end: usize) -> String {
    let mut walk = Walk::new(text.get(..end).unwrap_or(text));
    while let Some((_, token)) = walk.next_token() {
        walk.take(&token);
    }
    walk.path()
}

/// At which byte the value of a path starts, or of what holds it, as far as there is any.
pub(super) fn start_of(text: &str, path: &str) -> usize {
    let mut best = (0, 0);
    let mut walk = Walk::new(text);
    while let Some((start, token)) = walk.next_token() {
        if walk.starts_value(&token) {
            let here = walk.path();
            let is_on_path = path.strip_prefix(&here).is_some_and(|rest| {
                here.is_empty() || rest.is_empty() || rest.starts_with(['.', '['])
            });
            if is_on_path && (here.is_empty() || here.len() > best.0) {
                best = (here.len(), start);
            }
        }
        walk.take(&token);
    }
    best.1
}

/// Line and column of a byte, both from 1.
pub(super) fn line_and_column(text: &str, at: usize) -> (u64, u64) {
    let before = text.get(..at).unwrap_or(text);
    let start = before.rfind('\n').map_or(0, |end| end + 1);
    (before.matches('\n').count() as u64 + 1, (before.len() - start) as u64 + 1)
}

/// How many bytes there are up to a column, counted from 1, and with it.
pub(super) fn offset_of(text: &str, line: usize, column: usize) -> usize {
    let before = text.split_inclusive('\n').take(line.saturating_sub(1));
    before.map(str::len).sum::<usize>() + column
}

/// A walk through a text, a token at a time.
struct Walk<'a> {
    text: &'a str,
    at: usize,
    /// What is open, from the outermost.
    open: Vec<Open<'a>>,
}

enum Open<'a> {
    /// An object, and the field that was named last, until its value has ended.
    Object(Option<&'a str>),
    /// A list, and which of its values this is.
    List(usize),
}

enum Token<'a> {
    /// `{` or `[`.
    Opens(u8),
    /// `}` or `]`.
    Closes,
    Comma,
    Colon,
    /// What is between its quotes; none of one that does not end.
    Text(Option<&'a str>),
    Other,
}

impl<'a> Walk<'a> {
    const fn new(text: &'a str) -> Self {
        Self { text, at: 0, open: Vec::new() }
    }

    /// The next token and where it starts.
    fn next_token(&mut self) -> Option<(usize, Token<'a>)> {
        let rest = self.text.as_bytes().get(self.at..)?;
        let start = self.at + rest.iter().position(|byte| !byte.is_ascii_whitespace())?;
        let rest = self.text.as_bytes().get(start..)?;
        let (token, length) = match rest.first()? {
            byte @ (b'{' | b'[') => (Token::Opens(*byte), 1),
            b'}' | b']' => (Token::Closes, 1),
            b',' => (Token::Comma, 1),
            b':' => (Token::Colon, 1),
            b'"' => match end_of_text(rest) {
                Some(end) => (Token::Text(self.text.get(start + 1..start + end)), end + 1),
                None => (Token::Text(None), rest.len()),
            },
            _ => {
                let ends = |byte: &u8| b"{}[],:\"".contains(byte) || byte.is_ascii_whitespace();
                (Token::Other, rest.iter().position(ends).unwrap_or(rest.len()))
            }
        };
        self.at = start + length;
        Some((start, token))
    }

    fn take(&mut self, token: &Token<'a>) {
        match (token, self.open.last_mut()) {
            (Token::Opens(b'{'), _) => self.open.push(Open::Object(None)),
            (Token::Opens(_), _) => self.open.push(Open::List(0)),
            (Token::Closes, _) => drop(self.open.pop()),
            (Token::Comma, Some(Open::List(at))) => *at += 1,
            (Token::Comma, Some(Open::Object(name))) => *name = None,
            (Token::Text(text), Some(Open::Object(name @ None))) => *name = *text,
            (Token::Comma | Token::Colon | Token::Text(_) | Token::Other, _) => {}
        }
    }

    fn starts_value(&self, token: &Token<'_>) -> bool {
        match token {
            Token::Opens(_) | Token::Other => true,
            Token::Text(_) => !matches!(self.open.last(), Some(Open::Object(None))),
            Token::Closes | Token::Comma | Token::Colon => false,
        }
    }

    fn path(&self) -> String {
        let steps = self.open.iter().enumerate().map(|(depth, open)| match open {
            Open::Object(None) => String::new(),
            Open::Object(Some(name)) if !is_plain(name) => format!("[\"{name}\"]"),
            Open::Object(Some(name)) if depth == 0 => (*name).into(),
            Open::Object(Some(name)) => format!(".{name}"),
            Open::List(at) => format!("[{at}]"),
        });
        steps.collect()
    }
}

/// At which byte the text ends that `bytes` start with.
fn end_of_text(bytes: &[u8]) -> Option<usize> {
    let mut escaped = false;
    let is_end = |byte: &u8| {
        let ends = *byte == b'"' && !escaped;
        escaped = *byte == b'\\' && !escaped;
        ends
    };
    Some(1 + bytes.get(1..)?.iter().position(is_end)?)
}

fn is_plain(name: &str) -> bool {
    !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = r#"{"a": 1, "b": {"c\"": [true, {"d": "x"}], "e": "}"}, "f": [[], [7]]}"#;

    #[test]
    fn a_path_leads_to_what_holds_a_byte() {
        for (last, expected) in [
            ("{", ""),
            ("{\"a", ""),
            ("{\"a\"", "a"),
            ("\"a\": 1", "a"),
            ("\"a\": 1,", ""),
            ("\"b\": ", "b"),
            ("\"b\": {", "b"),
            ("[true", r#"b["c\""][0]"#),
            ("true, ", r#"b["c\""][1]"#),
            ("\"d\": \"x", r#"b["c\""][1].d"#),
            ("\"d\": \"x\"}", r#"b["c\""][1]"#),
            ("\"x\"}]", r#"b["c\""]"#),
            ("\"e\": \"}\"", "b.e"),
            ("\"e\": \"}\"}", "b"),
            ("[[]", "f[0]"),
            ("[7", "f[1][0]"),
            ("[7]]", "f"),
            ("[7]]}", ""),
        ] {
            let end = TEXT.find(last).unwrap() + last.len();
            assert_eq!(path_at(TEXT, end), expected, "{last}");
        }
        assert_eq!(path_at("", 0), "");
        assert_eq!(path_at("]]}:\"", 9), "");
    }

    #[test]
    fn a_value_is_found_by_its_path_or_what_holds_it() {
        for (path, starts_with) in [
            ("", "{\"a\""),
            ("a", "1,"),
            ("b", "{\"c"),
            ("b.e", "\"}\"}"),
            ("b.e.x", "\"}\"}"),
            ("b.ee", "{\"c"),
            ("f[1][0]", "7]"),
            ("f[2]", "[[]"),
            ("g", "{\"a\""),
        ] {
            let start = start_of(TEXT, path);
            assert!(TEXT[start..].starts_with(starts_with), "{path}: {}", &TEXT[start..]);
        }
    }

    #[test]
    fn lines_and_columns_count_from_1() {
        let places = [(0, (1, 1)), (1, (1, 2)), (2, (2, 1)), (4, (2, 3)), (9, (2, 3))];
        for (at, expected) in places {
            assert_eq!(line_and_column("a\nbc", at), expected);
        }
        for (line, column, end) in [(0, 0, 0), (1, 1, 1), (2, 0, 2), (2, 2, 4)] {
            assert_eq!(offset_of("a\nbc", line, column), end);
        }
    }
}
