//! Who may look inside, and act for the server: operators and back ends, by a key or, for some of
//! it, from the same machine.
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
    telling::{About, Tell},
};

/// What a request has to show.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Access {
    /// The key.
    Key,
    /// The key, or that it comes from the same machine.
    KeyOrHere,
}

/// Whether those on the same machine may look inside without a key.
///
/// What passes on bytes and knows of no requests, such as `ssh -R`, is on the same machine, and says
/// nothing of who is behind it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "they may or they may not")]
pub enum SameMachine {
    /// They may.
    On,
    /// They need the key as everybody does: where there is none, nobody may look.
    Off,
}

/// Whether a request may have what it asks for; if not, what to answer it.
///
/// A key that is shown has to fit, also where none is needed: who shows one means to be known by it.
pub(crate) fn may(hub: &Hub, request: &Parts, access: Access) -> Result<(), Problem> {
    let settings = &hub.settings;
    let here = match access {
        Access::Key => Here::DoesNotMatter,
        Access::KeyOrHere => match settings.same_machine {
            SameMachine::On => here(request, settings.client_ip_header.as_ref()),
            SameMachine::Off => Here::IsOff,
        },
    };
    check(settings.operator_key.as_ref(), &request.headers, here).map_err(|(denied, problem)| {
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

/// Whether a request comes from the same machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Here {
    Is,
    IsNot,
    DoesNotMatter,
    /// It would matter, but for the settings.
    IsOff,
}

fn check(
    key: Option<&OperatorKey>,
    headers: &HeaderMap,
    here: Here,
) -> Result<(), (Denied, Problem)> {
    let Some(key) = key else {
        let expected =
            "expected an `operators.key_file` in the settings, or `--operators-key-file`";
        let detail = match here {
            Here::Is => return Ok(()),
            Here::IsNot => {
                format!("there is no key, and the request is not from the same machine, {expected}")
            }
            Here::DoesNotMatter => format!("there is no key for this, {expected}"),
            Here::IsOff => {
                format!("there is no key, and `operators.same_machine` is off, {expected}")
            }
        };
        return Err(Denied::NoneThere.because(StatusCode::FORBIDDEN, detail));
    };
    let mut shown = headers.get_all(header::AUTHORIZATION).iter();
    let expected = "expected the key of operators: `Authorization: Bearer KEY`";
    match (shown.next(), shown.next()) {
        (None, _) if here == Here::Is => Ok(()),
        (None, _) => {
            let (denied, problem) = Denied::NoneShown.because(StatusCode::UNAUTHORIZED, expected);
            Err((denied, problem.with_header(header::WWW_AUTHENTICATE, CHALLENGE)))
        }
        (Some(only), None) if bearer(only).is_some_and(|shown| key.is(shown)) => Ok(()),
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

/// Whether a request is of this machine: the other end is, nothing says that it was passed on, it
/// knows the machine by a name that only the machine has, and if it is a browser's, its page is of
/// here too. So neither a proxy on the same machine nor a page from elsewhere, under whatever name
/// it leads here, is let in.
fn here(request: &Parts, client_ip_header: Option<&HeaderName>) -> Here {
    let headers = &request.headers;
    let peer = request.extensions.get::<ConnectInfo<SocketAddr>>().map(|info| info.0.ip());
    let is_passed_on =
        headers.keys().any(|name| is_of_a_proxy(name) || Some(name) == client_ip_header);
    let is_here = peer.as_ref().is_some_and(is_loopback)
        && !is_passed_on
        && is_named_here(request)
        && is_of_no_other_page(headers);
    if is_here { Here::Is } else { Here::IsNot }
}

fn is_loopback(address: &IpAddr) -> bool {
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
    fn check_here(peer: &str, headers: &[(&str, &str)], expected: Here) {
        let request = request(peer, headers);
        assert_eq!(here(&request, None), expected, "{peer} {headers:?}");
    }

    #[test]
    fn what_is_from_the_same_machine_is_here() {
        for (peer, host) in [
            ("127.0.0.1", "127.0.0.1:4000"),
            ("127.0.0.9", "localhost"),
            ("::1", "[::1]:4000"),
            ("::ffff:127.0.0.1", "LocalHost:80"),
        ] {
            check_here(peer, &[("host", host)], Here::Is);
        }
        let host = ("host", "localhost:4000");
        check_here("::1", &[host, ("origin", "http://localhost:4000")], Here::Is);
        check_here("::1", &[host, ("sec-fetch-site", "same-origin")], Here::Is);
        check_here("::1", &[host, ("sec-fetch-site", "none")], Here::Is);
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
            check_here(peer, headers, Here::IsNot);
        }
        let asked = request("::1", &[host, ("x-client", "127.0.0.1")]);
        assert_eq!(here(&asked, Some(&HeaderName::from_static("x-client"))), Here::IsNot);
        let mut asked = request("::1", &[host]);
        asked.uri = "http://evil.example/inspect/data".parse().unwrap();
        assert_eq!(here(&asked, None), Here::IsNot);
        asked.extensions.clear();
        asked.uri = "/".parse().unwrap();
        assert_eq!(here(&asked, None), Here::IsNot, "nobody knows who it is");
    }

    #[track_caller]
    fn check_key(key: Option<&str>, shown: &[&str], here: Here, expected: Option<(u16, &str)>) {
        let key = key.map(|key| OperatorKey::new(key).unwrap());
        let headers = shown.iter().map(|shown| ("authorization", *shown)).collect::<Vec<_>>();
        let request = request("::1", &headers);
        let refused = check(key.as_ref(), &request.headers, here).err();
        let refused = refused.map(|(_, problem)| problem.status_and_reason());
        assert_eq!(refused, expected, "{shown:?}");
    }

    #[test]
    fn a_key_that_is_shown_has_to_fit() {
        for here in [Here::DoesNotMatter, Here::Is, Here::IsNot, Here::IsOff] {
            check_key(Some(KEY), &["Bearer 0123456789abcdef"], here, None);
            check_key(Some(KEY), &["bEARER  0123456789abcdef "], here, None);
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
                check_key(Some(KEY), wrong, here, Some((401, "wrong_key")));
            }
        }
    }

    #[test]
    fn without_one_it_matters_from_where_a_request_is() {
        check_key(Some(KEY), &[], Here::Is, None);
        check_key(Some(KEY), &[], Here::IsNot, Some((401, "no_key")));
        check_key(Some(KEY), &[], Here::DoesNotMatter, Some((401, "no_key")));
        check_key(Some(KEY), &[], Here::IsOff, Some((401, "no_key")));
        check_key(None, &[], Here::Is, None);
        check_key(None, &[], Here::IsOff, Some((403, "no_operators_key")));
        check_key(None, &[], Here::IsNot, Some((403, "no_operators_key")));
        check_key(None, &["Bearer "], Here::DoesNotMatter, Some((403, "no_operators_key")));
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
