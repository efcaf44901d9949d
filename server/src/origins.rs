//! Which web pages may connect, by the `Origin` that browsers send.
//!
//! Knows nothing of tokens: a page that may connect still has to say who it is.

use std::{fmt, str::FromStr};

use axum::http::{HeaderMap, HeaderValue, header};

use crate::{metrics::Why, refused::Refused};

/// Which web pages may connect.
///
/// What sends no `Origin` is no browser and may always connect: it could send any. By default
/// ([`Origins::default`]) so may pages from the host that the server is reached by, whatever their
/// port; `localhost`, `127.0.0.1` and `[::1]` are one host. That is a name that the browser gives, and whoever owns a name can let it lead to this
/// server; a list of origins is not open to that.
///
/// ```
/// use parlor_server::Origins;
///
/// let origins = Origins::default();
/// assert!(origins.allows(None, Some("chat.example")));
/// assert!(origins.allows(Some("https://chat.example"), Some("chat.example:4000")));
/// assert!(!origins.allows(Some("https://evil.example"), Some("chat.example:4000")));
/// assert!(origins.allows(Some("http://localhost:5173"), Some("127.0.0.1:4000")));
///
/// let origins = Origins::new(["https://*.example.org".parse()?]);
/// assert!(origins.allows(Some("https://app.example.org"), Some("chat.example")));
/// assert!(!origins.allows(Some("http://app.example.org"), Some("chat.example")));
/// # Ok::<(), parlor_server::InvalidOrigin>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Origins(Vec<AllowedOrigin>);

/// One entry of [`Origins`], made of a text.
///
/// - `same_host`: the host of the request's `Host`, with any scheme and port, where this machine's names for
///   itself, `localhost`, `127.0.0.1` and `[::1]`, are one host;
/// - `https://app.example`, `http://localhost:5173`: that origin; a port that is the scheme's own
///   may be left out;
/// - `https://*.example`: all hosts that end in `.example`, but not `example` itself;
/// - `null`: pages without an origin of their own, such as files;
/// - `*`: all.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AllowedOrigin(Allowed);

#[derive(Debug, Clone, PartialEq, Eq)]
enum Allowed {
    Any,
    SameHost,
    Null,
    Exact(Origin),
    /// The host is the end of the hosts that it allows, from the dot on.
    Below(Origin),
}

/// Scheme, host and port, in lower case.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Origin {
    scheme: String,
    host: String,
    port: Option<u16>,
}

impl Origins {
    /// Allows these, and no other page.
    pub fn new(allowed: impl IntoIterator<Item = AllowedOrigin>) -> Self {
        Self(allowed.into_iter().collect())
    }

    /// Allows all pages.
    #[must_use]
    pub fn any() -> Self {
        Self(vec![AllowedOrigin(Allowed::Any)])
    }

    /// Whether a request may come from `origin`, for the server that it calls `host`.
    #[must_use]
    pub fn allows(&self, origin: Option<&str>, host: Option<&str>) -> bool {
        let Some(text) = origin else { return true };
        let origin = Origin::parse(text);
        let host = host.map(str::to_ascii_lowercase);
        let host = host.as_deref().and_then(host_and_port).map(|(host, _)| host);
        self.0.iter().any(|AllowedOrigin(allowed)| match (allowed, &origin) {
            (Allowed::Any, _) => true,
            (Allowed::Null, _) => text == "null",
            (Allowed::SameHost, Some(origin)) => {
                host.is_some_and(|host| is_same(host, &origin.host))
            }
            (Allowed::Exact(exact), Some(origin)) => exact == origin,
            (Allowed::Below(end), Some(origin)) => {
                (&end.scheme, end.port) == (&origin.scheme, origin.port)
                    && origin.host.len() > end.host.len()
                    && origin.host.ends_with(&end.host)
            }
            (Allowed::SameHost | Allowed::Exact(_) | Allowed::Below(_), None) => false,
        })
    }
}

impl Origins {
    /// Whether no page may connect.
    pub(crate) const fn allows_none(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether a request with such headers may be. A header that can't be read is not one that is
    /// absent: no origin is it.
    pub(crate) fn check(&self, headers: &HeaderMap) -> Result<(), Refused> {
        let text_of =
            |name| headers.get(name).map(|value: &HeaderValue| value.to_str().unwrap_or_default());
        if self.allows(text_of(header::ORIGIN), text_of(header::HOST)) {
            return Ok(());
        }
        let origin = headers.get(header::ORIGIN).map_or(&[][..], HeaderValue::as_bytes);
        Err(Refused::forbidden(Why::Origin, "origin not allowed").because(unlisted(origin)))
    }
}

/// How much of an origin is logged, in characters. A host has no more.
const LOGGED: usize = 255;

/// Says which origin it was, of which anybody may have written anything, and what to do about it.
fn unlisted(origin: &[u8]) -> String {
    let origin = String::from_utf8_lossy(origin);
    let start = origin.chars().take(LOGGED).collect::<String>();
    let more = if start.len() < origin.len() { "…" } else { "" };
    let expected = "expected one that `--allow-origin`, or `allowed` in `[origins]`, names";
    format!("the origin is {start:?}{more}, {expected}")
}

impl Default for Origins {
    fn default() -> Self {
        Self(vec![AllowedOrigin(Allowed::SameHost)])
    }
}

impl FromStr for AllowedOrigin {
    type Err = InvalidOrigin;

    fn from_str(text: &str) -> Result<Self, InvalidOrigin> {
        let invalid = || InvalidOrigin { text: text.to_owned() };
        let allowed = match text {
            "*" => Allowed::Any,
            "same_host" => Allowed::SameHost,
            "null" => Allowed::Null,
            _ => {
                let mut origin = Origin::parse(text).ok_or_else(invalid)?;
                match origin.host.strip_prefix('*') {
                    Some(end) if end.starts_with('.') && end.len() > 1 && !end.contains('*') => {
                        origin.host = end.to_owned();
                        Allowed::Below(origin)
                    }
                    None if !origin.host.contains('*') => Allowed::Exact(origin),
                    Some(_) | None => return Err(invalid()),
                }
            }
        };
        Ok(Self(allowed))
    }
}

impl Origin {
    fn parse(text: &str) -> Option<Self> {
        let text = text.to_ascii_lowercase();
        let (scheme, rest) = text.split_once("://")?;
        let (host, port) = host_and_port(rest)?;
        let is_scheme = |byte: u8| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte);
        if scheme.is_empty() || !scheme.bytes().all(is_scheme) {
            return None;
        }
        let usual = match scheme {
            "http" => Some(80),
            "https" => Some(443),
            _ => None,
        };
        let port = port.filter(|port| Some(*port) != usual);
        Some(Self { scheme: scheme.to_owned(), host: host.to_owned(), port })
    }
}

/// What a machine calls itself. A page of one of these can reach the others anyway.
const LOOPBACK: [&str; 3] = ["localhost", "127.0.0.1", "[::1]"];

/// Whether a text of a host and perhaps a port names this machine by itself.
pub(crate) fn is_here(text: &str) -> bool {
    let text = text.to_ascii_lowercase();
    host_and_port(&text).is_some_and(|(host, _)| LOOPBACK.contains(&host))
}

fn is_same(host: &str, other: &str) -> bool {
    host == other || (LOOPBACK.contains(&host) && LOOPBACK.contains(&other))
}

/// Splits `host:port`, where the host may be an address of IPv6 in brackets.
fn host_and_port(text: &str) -> Option<(&str, Option<u16>)> {
    let bracket = text.rfind(']').map_or(0, |at| at + 1);
    let (host, port) = match text.get(bracket..)?.find(':') {
        Some(colon) => {
            let port = text.get(bracket + colon + 1..)?;
            // A sign would be read as part of the number.
            let digits = port.bytes().all(|byte| byte.is_ascii_digit());
            (text.get(..bracket + colon)?, Some(port.parse().ok().filter(|_| digits)?))
        }
        None => (text, None),
    };
    let is_host = |byte: u8| byte.is_ascii_graphic() && !b"/?#@\\\"<>,".contains(&byte);
    (!host.is_empty() && host.bytes().all(is_host)).then_some((host, port))
}

/// A text that says of no page that it may connect.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct InvalidOrigin {
    /// The text.
    pub text: String,
}

impl fmt::Display for InvalidOrigin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{:?} is no origin, expected one such as \"https://app.example\", \
             \"https://*.example\", \"same_host\", \"null\" or \"*\"",
            self.text
        )
    }
}

impl std::error::Error for InvalidOrigin {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_log_says_which_origin_it_was_and_what_to_do() {
        let expected = "expected one that `--allow-origin`, or `allowed` in `[origins]`, names";
        for (origin, said) in [
            (&b"http://x.example:1"[..], "\"http://x.example:1\"".to_owned()),
            (b"a\"\x1b[31m\n", "\"a\\\"\\u{1b}[31m\\n\"".to_owned()),
            (b"\xff", "\"\u{fffd}\"".to_owned()),
            (&[b'a'; 5_000], format!("\"{}\"…", "a".repeat(255))),
        ] {
            assert_eq!(unlisted(origin), format!("the origin is {said}, {expected}"));
        }
    }

    const HOST: &str = "Chat.example:4000";

    fn check(allowed: &[&str], good: &[&str], bad: &[&str]) {
        let origins = Origins::new(allowed.iter().map(|text| text.parse().unwrap()));
        for origin in good {
            assert!(origins.allows(Some(origin), Some(HOST)), "{allowed:?} has not {origin}");
        }
        for origin in bad {
            assert!(!origins.allows(Some(origin), Some(HOST)), "{allowed:?} has {origin}");
        }
    }

    #[test]
    fn by_default_pages_of_the_same_host_may_connect() {
        assert_eq!(Origins::default(), Origins::new(["same_host".parse().unwrap()]));
        check(
            &["same_host"],
            &["http://chat.example", "https://CHAT.example:5173"],
            &[
                "https://example",
                "https://chat.example.evil",
                "https://evilchat.example",
                "null",
                "",
            ],
        );
        check(
            &["same_host"],
            &[],
            &["https://chat.example@evil", "chat.example", "https://chat.example/", "https:// "],
        );
        let same_host = Origins::default();
        assert!(same_host.allows(Some("http://[::1]:3000"), Some("[::1]:4000")));
        assert!(!same_host.allows(Some("http://[::2]:3000"), Some("[::1]:4000")));
        assert!(!same_host.allows(Some("http://a"), None));
        assert!(!same_host.allows(Some("null"), Some("null")));
    }

    #[test]
    fn what_a_machine_calls_itself_is_one_host() {
        let same_host = Origins::default();
        let names = ["localhost", "127.0.0.1", "[::1]"];
        for (name, other) in names.into_iter().flat_map(|name| names.map(|other| (name, other))) {
            let (origin, host) = (format!("http://{name}:5173"), format!("{other}:4000"));
            assert!(same_host.allows(Some(&origin), Some(&host)), "{origin} at {host}");
        }
        for (origin, host) in [
            ("http://localhost", "chat.example"),
            ("http://chat.example", "localhost:4000"),
            ("http://localhost.evil.example", "127.0.0.1:4000"),
            ("http://127.0.0.2", "127.0.0.1:4000"),
            ("http://::1", "[::1]:4000"),
        ] {
            assert!(!same_host.allows(Some(origin), Some(host)), "{origin} at {host}");
        }
        let listed = Origins::new(["http://localhost:5173".parse().unwrap()]);
        assert!(!listed.allows(Some("http://127.0.0.1:5173"), Some("127.0.0.1:4000")));
    }

    #[test]
    fn what_is_no_browser_may_connect() {
        assert!(Origins::new([]).allows(None, None));
        assert!(!Origins::new([]).allows(Some("http://chat.example"), Some(HOST)));
    }

    #[test]
    fn a_listed_origin_has_that_scheme_host_and_port() {
        check(
            &["https://App.example", "http://localhost:5173"],
            &["https://app.example", "https://app.example:443", "http://localhost:5173"],
            &[
                "http://app.example",
                "https://app.example:8443",
                "http://localhost",
                "http://chat.example",
            ],
        );
    }

    #[test]
    fn a_star_stands_for_what_is_below_a_host() {
        check(
            &["https://*.example.org"],
            &["https://a.example.org", "https://a.b.example.org"],
            &[
                "https://example.org",
                "https://.example.org",
                "https://aexample.org",
                "http://a.example.org",
            ],
        );
        check(&["*"], &["https://a", "null", "anything"], &[]);
        check(&["null"], &["null"], &["https://null"]);
    }

    #[test]
    fn what_is_no_origin_is_named() {
        for text in [
            "",
            "app.example",
            "https://",
            "https://*",
            "https://a.*.b",
            "https://a/b",
            "http://a:+1",
        ] {
            let wrong = text.parse::<AllowedOrigin>().unwrap_err();
            assert!(wrong.to_string().starts_with(&format!("{text:?} is no origin")), "{wrong}");
        }
    }
}
