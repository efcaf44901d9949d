//! Who may look inside, and act for the server: operators and back ends, by a key. Without a key,
//! the link that the server prints at its start opens what may be looked at.
//!
//! Users are not known here, nor operators to rooms.

mod key;

use std::{
    borrow::Cow,
    net::{IpAddr, SocketAddr},
};

use axum::{
    extract::ConnectInfo,
    http::{
        HeaderMap, HeaderName, HeaderValue, StatusCode, header, request::Parts, uri::Authority,
    },
    response::Response,
};
use tracing::{debug, info};

pub use self::key::{InvalidOperatorKey, OperatorKey};

use crate::{
    hub::Hub,
    origins, peers,
    problem::Problem,
    random,
    settings::Settings,
    telling::{About, Tell},
};

/// What a request has to show.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Access {
    /// The key.
    Key,
    /// The key, or whatever else lets one look.
    Look,
}

/// How those on the same machine may look inside without the key.
///
/// A proxy on the same machine connects from there too, and so does `ssh -R`: neither has to say
/// whom it passes on. So an address alone lets nobody look, unless the settings say so.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "these are the values of a setting")]
pub enum SameMachine {
    /// By a token, which a server without a key draws at its start: see
    /// [`Server::look_token`](crate::Server::look_token).
    Link,
    /// By a request that seems to come from there, while the server listens on a loopback address
    /// and has no `client_ip_header`. Not for a server behind a proxy, or with users that it does not
    /// trust.
    On,
    /// Not at all.
    Off,
}

/// A token that opens what may be looked at, until the server ends.
pub(crate) struct LookToken {
    text: String,
    key: OperatorKey,
}

impl LookToken {
    /// Draws one, if the settings ask for it: not beside a key, which operators have then.
    pub(crate) fn draw(settings: &Settings) -> Option<Self> {
        if settings.operator_key.is_some() || settings.same_machine != SameMachine::Link {
            return None;
        }
        let text = random::name();
        let key = OperatorKey::new(&text).ok()?;
        Some(Self { text, key })
    }

    pub(crate) fn text(&self) -> &str {
        &self.text
    }
}

/// Whether a request may have what it asks for; if not, what to answer it.
///
/// A key that is shown has to fit, also where none is needed: who shows one means to be known by it.
pub(crate) fn may(hub: &Hub, request: &Parts, access: Access) -> Result<(), Problem> {
    let settings = &hub.settings;
    let (without, token) = match (access, &hub.look_token, settings.same_machine) {
        (Access::Key, ..) => (Without::Nothing, None),
        (Access::Look, Some(token), _) => (Without::Token, Some(&token.key)),
        (Access::Look, None, SameMachine::On) => (here(request, settings), None),
        (Access::Look, None, SameMachine::Link | SameMachine::Off) => (Without::Off, None),
    };
    let keys = [settings.operator_key.as_ref(), token];
    check(keys, &request.headers, without).map_err(|(denied, problem)| {
        hub.metrics.operators.refused(denied);
        let peer = peers::address(settings, &request.headers, &request.extensions);
        let (peer, reason) = (peer.map(tracing::field::display), denied.label());
        match hub.tell(About::Operators(denied)) {
            Tell::Line { untold } => info!(peer, reason, untold, "operators' request refused"),
            Tell::Nothing => debug!(peer, reason, "operators' request refused"),
        }
        problem
    })
}

/// Why a request may not have what it asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Denied {
    /// There is no key that could be shown.
    NoneThere,
    /// None was shown.
    NoneShown,
    /// Another one was shown.
    Wrong,
}

impl Denied {
    pub(crate) const ALL: [Self; 3] = [Self::NoneThere, Self::NoneShown, Self::Wrong];

    /// What it is called, in an answer and in figures.
    pub(crate) const fn label(self) -> &'static str {
        match self {
            Self::NoneThere => "no_operators_key",
            Self::NoneShown => "no_key",
            Self::Wrong => "wrong_key",
        }
    }

    fn because(self, status: StatusCode, detail: impl Into<Cow<'static, str>>) -> (Self, Problem) {
        (self, Problem::new(status, self.label(), detail))
    }
}

/// What is answered to who may is kept by nobody in between, and is what it says it is.
pub(crate) async fn for_nobody_else(mut response: Response) -> Response {
    let headers = response.headers_mut();
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    response
}

/// What a request without a key may have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Without {
    /// What it asks for, as it comes from the same machine.
    Here,
    /// Nothing, as it does not, or as the server can't tell.
    Elsewhere,
    /// Nothing but with the token of the link.
    Token,
    /// Nothing.
    Nothing,
    /// Nothing, by the settings.
    Off,
}

/// Decides by the keys that there are, which are none if neither is given.
fn check(
    keys: [Option<&OperatorKey>; 2],
    headers: &HeaderMap,
    without: Without,
) -> Result<(), (Denied, Problem)> {
    if keys.iter().all(Option::is_none) {
        let expected =
            "expected an `operators.key_file` in the settings, or `--operators-key-file`";
        let detail = match without {
            Without::Here => return Ok(()),
            Without::Elsewhere => {
                format!("there is no key, and the request is not from the same machine, {expected}")
            }
            Without::Nothing | Without::Token => format!("there is no key for this, {expected}"),
            Without::Off => {
                format!("there is no key, and `operators.same_machine` is not on, {expected}")
            }
        };
        return Err(Denied::NoneThere.because(StatusCode::FORBIDDEN, detail));
    }
    let mut shown = headers.get_all(header::AUTHORIZATION).iter();
    let expected = if without == Without::Token {
        "expected the token of the link in the server's log: `Authorization: Bearer TOKEN`"
    } else {
        "expected the key of operators: `Authorization: Bearer KEY`"
    };
    let fits = |shown| keys.iter().flatten().any(|key| key.is(shown));
    match (shown.next(), shown.next()) {
        (None, _) if without == Without::Here => Ok(()),
        (None, _) => {
            let (denied, problem) = Denied::NoneShown.because(StatusCode::UNAUTHORIZED, expected);
            Err((denied, problem.with_header(header::WWW_AUTHENTICATE, CHALLENGE)))
        }
        (Some(only), None) if bearer(only).is_some_and(fits) => Ok(()),
        (Some(_), _) => {
            let detail = format!("the key is not the right one, {expected}");
            let (denied, problem) = Denied::Wrong.because(StatusCode::UNAUTHORIZED, detail);
            Err((denied, problem.with_header(header::WWW_AUTHENTICATE, WRONG_KEY)))
        }
    }
}

const CHALLENGE: HeaderValue = HeaderValue::from_static("Bearer realm=\"parlor\"");
const WRONG_KEY: HeaderValue =
    HeaderValue::from_static("Bearer realm=\"parlor\", error=\"invalid_token\"");

/// What stands behind the scheme, the case of which does not matter.
pub(crate) fn bearer(authorization: &HeaderValue) -> Option<&[u8]> {
    let (scheme, rest) = authorization.as_bytes().split_at_checked(b"bearer ".len())?;
    scheme.eq_ignore_ascii_case(b"bearer ").then(|| rest.trim_ascii())
}

/// Whether a request is of this machine: the server can be reached from there alone, the other end is
/// there, nothing says that it was passed on, it names the machine by a name that only the machine
/// has, and if it is a browser's, its page is of here too. So neither a proxy that says what it does
/// nor a page from elsewhere, under whatever name it leads here, is let in.
fn here(request: &Parts, settings: &Settings) -> Without {
    let headers = &request.headers;
    let peer = request.extensions.get::<ConnectInfo<SocketAddr>>().map(|info| info.0.ip());
    let is_here = settings.is_for_this_machine()
        && peer.as_ref().is_some_and(is_loopback)
        && !headers.keys().any(is_of_a_proxy)
        && is_named_here(request)
        && is_of_no_other_page(headers);
    if is_here { Without::Here } else { Without::Elsewhere }
}

pub(crate) fn is_loopback(address: &IpAddr) -> bool {
    address.to_canonical().is_loopback()
}

/// Such as `X-Real-IP` or `CF-Connecting-IP`, of which each proxy has its own.
fn is_of_a_proxy(name: &HeaderName) -> bool {
    let name = name.as_str();
    matches!(name, "forwarded" | "via") || name.starts_with("x-forwarded") || name.ends_with("-ip")
}

/// The only value of a header: none also if there are several, or it is no text.
fn only<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<&'a str> {
    let mut values = headers.get_all(name).iter();
    let value = values.next().filter(|_| values.next().is_none());
    value.and_then(|value| value.to_str().ok())
}

fn is_named_here(request: &Parts) -> bool {
    let host = only(&request.headers, &header::HOST);
    // A request to a proxy has the whole address in its first line.
    let other = request.uri.authority().map(Authority::as_str);
    host.is_some_and(origins::is_here) && other.is_none_or(origins::is_here)
}

fn is_of_no_other_page(headers: &HeaderMap) -> bool {
    let origin = || {
        let origin = only(headers, &header::ORIGIN).and_then(|page| page.strip_prefix("http://"));
        origin.is_some_and(|page| only(headers, &header::HOST) == Some(page))
    };
    let site = || matches!(only(headers, &SEC_FETCH_SITE), Some("same-origin" | "none"));
    (!headers.contains_key(header::ORIGIN) || origin())
        && (!headers.contains_key(&SEC_FETCH_SITE) || site())
}

/// Where the page is from that makes a request, as browsers say it.
const SEC_FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");

#[cfg(test)]
mod tests {
    use axum::http::Request;

    use super::*;

    const KEY: &str = "0123456789abcdef";

    fn request(peer: &str, headers: &[(&str, &str)]) -> Parts {
        let peer = SocketAddr::new(peer.parse().unwrap(), 5);
        let mut request = Request::get("/inspect/data").extension(ConnectInfo(peer));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        request.body(()).unwrap().into_parts().0
    }

    #[track_caller]
    fn check_here(peer: &str, headers: &[(&str, &str)], expected: Without) {
        let request = request(peer, headers);
        assert_eq!(here(&request, &Settings::default()), expected, "{peer} {headers:?}");
    }

    #[test]
    fn what_is_from_the_same_machine_is_here() {
        for (peer, host) in [
            ("127.0.0.1", "127.0.0.1:4000"),
            ("127.0.0.9", "localhost"),
            ("::1", "[::1]:4000"),
            ("::ffff:127.0.0.1", "LocalHost:80"),
        ] {
            check_here(peer, &[("host", host)], Without::Here);
        }
        let host = ("host", "localhost:4000");
        check_here("::1", &[host, ("origin", "http://localhost:4000")], Without::Here);
        check_here("::1", &[host, ("sec-fetch-site", "same-origin")], Without::Here);
        check_here("::1", &[host, ("sec-fetch-site", "none")], Without::Here);
    }

    #[test]
    fn another_machine_or_name_or_a_proxy_or_a_page_from_elsewhere_is_not() {
        let host = ("host", "localhost:4000");
        for (peer, headers) in [
            ("10.0.0.1", &[host][..]),
            ("::ffff:10.0.0.1", &[host]),
            ("::1", &[]),
            ("::1", &[host, host]),
            ("::1", &[("host", "chat.example:4000")]),
            ("::1", &[("host", "localhost.evil.example")]),
            ("::1", &[("host", "127.0.0.1.evil.example")]),
            ("::1", &[("host", "evil.example:4000@localhost")]),
            ("::1", &[host, ("forwarded", "for=::1")]),
            ("::1", &[host, ("x-forwarded-for", "127.0.0.1")]),
            ("::1", &[host, ("x-forwarded-host", "localhost")]),
            ("::1", &[host, ("x-real-ip", "127.0.0.1")]),
            ("::1", &[host, ("cf-connecting-ip", "127.0.0.1")]),
            ("::1", &[host, ("via", "1.1 proxy")]),
            ("::1", &[host, ("origin", "http://localhost:5173")]),
            ("::1", &[host, ("origin", "https://localhost:4000")]),
            ("::1", &[host, ("origin", "http://evil.example")]),
            ("::1", &[host, ("origin", "null")]),
            ("::1", &[host, ("sec-fetch-site", "cross-site")]),
            ("::1", &[host, ("sec-fetch-site", "same-site")]),
        ] {
            check_here(peer, headers, Without::Elsewhere);
        }
        let mut asked = request("::1", &[host]);
        let header = Some(HeaderName::from_static("x-client"));
        let proxied = Settings { client_ip_header: header, ..Settings::default() };
        assert_eq!(here(&asked, &proxied), Without::Elsewhere, "there is a proxy");
        let exposed = Settings { listen: ([0, 0, 0, 0], 4000).into(), ..Settings::default() };
        assert_eq!(here(&asked, &exposed), Without::Elsewhere, "others can reach it");
        asked.uri = "http://evil.example/inspect/data".parse().unwrap();
        assert_eq!(here(&asked, &Settings::default()), Without::Elsewhere);
        asked.extensions.clear();
        asked.uri = "/".parse().unwrap();
        assert_eq!(
            here(&asked, &Settings::default()),
            Without::Elsewhere,
            "nobody knows who it is"
        );
    }

    #[track_caller]
    fn check_key(
        key: Option<&str>,
        shown: &[&str],
        without: Without,
        expected: Option<(u16, &str)>,
    ) {
        let key = key.map(|key| OperatorKey::new(key).unwrap());
        let headers = shown.iter().map(|shown| ("authorization", *shown)).collect::<Vec<_>>();
        let request = request("::1", &headers);
        let refused = check([key.as_ref(), None], &request.headers, without).err();
        let refused = refused.map(|(_, problem)| problem.status_and_reason());
        assert_eq!(refused, expected, "{shown:?}");
    }

    #[test]
    fn a_key_that_is_shown_has_to_fit() {
        for without in [Without::Nothing, Without::Here, Without::Elsewhere, Without::Off] {
            check_key(Some(KEY), &["Bearer 0123456789abcdef"], without, None);
            check_key(Some(KEY), &["bEARER  0123456789abcdef "], without, None);
            for wrong in [
                &["Bearer 0123456789abcdeF"][..],
                &["Bearer 0123456789abcde"],
                &["Bearer 0123456789abcdef0"],
                &["Bearer "],
                &[""],
                &["0123456789abcdef"],
                &["Basic 0123456789abcdef"],
                &["Bearer 0123456789abcdef", "Bearer 0123456789abcdef"],
            ] {
                check_key(Some(KEY), wrong, without, Some((401, "wrong_key")));
            }
        }
    }

    #[test]
    fn without_one_it_matters_from_where_a_request_is() {
        check_key(Some(KEY), &[], Without::Here, None);
        check_key(Some(KEY), &[], Without::Elsewhere, Some((401, "no_key")));
        check_key(Some(KEY), &[], Without::Nothing, Some((401, "no_key")));
        check_key(Some(KEY), &[], Without::Off, Some((401, "no_key")));
        check_key(None, &[], Without::Here, None);
        check_key(None, &[], Without::Off, Some((403, "no_operators_key")));
        check_key(None, &[], Without::Elsewhere, Some((403, "no_operators_key")));
        check_key(None, &["Bearer "], Without::Nothing, Some((403, "no_operators_key")));
    }

    #[test]
    fn what_is_no_key_is_not_repeated() {
        for (text, expected) in [
            ("0123456789abcde".to_owned(), "it has 15 bytes, expected 16 to 4096"),
            ("x".repeat(4_097), "it has 4097 bytes, expected 16 to 4096"),
            (format!("{KEY} "), "it has other characters, expected ASCII without spaces"),
            (format!("{KEY}é"), "it has other characters, expected ASCII without spaces"),
        ] {
            assert_eq!(OperatorKey::new(&text).unwrap_err().to_string(), expected);
        }
        assert_eq!(format!("{:?}", OperatorKey::new(KEY)), "Ok(OperatorKey(…))");
    }
}
