//! The page at `/`, and how a browser is given it and what belongs to it.
//!
//! Files of `assets/` are in the program as they are: there is no build step, and nothing is loaded
//! from elsewhere. What a page may do is said with each of them.

mod listening;
mod rooms;

use std::sync::Arc;

use axum::{
    Router,
    http::{HeaderMap, HeaderName, StatusCode, header},
    response::{IntoResponse, Response},
    routing::get,
};

use crate::hub::Hub;

/// What pages may do: run and look as their own files say, and talk to the server that they are of.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; \
     connect-src 'self'; img-src 'self' data:; base-uri 'none'; form-action 'none'; \
     frame-ancestors 'none'";

/// Whether a server has a page at `/`. What is at `/inspect` is there either way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "there is a page or there is none")]
pub enum ServedPage {
    /// It has.
    On,
    /// It has not, and no list of rooms for one either.
    Off,
}

/// What is said with all that a browser is given.
const HEADERS: [(HeaderName, &str); 4] = [
    (header::CONTENT_SECURITY_POLICY, POLICY),
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (header::REFERRER_POLICY, "no-referrer"),
    // It is asked each time whether it is still the same, so a page is never of two versions.
    (header::CACHE_CONTROL, "no-cache"),
];

/// A file that a browser is given.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Asset {
    media_type: &'static str,
    text: &'static str,
    hash: u64,
}

macro_rules! assets {
    ($($path:literal $kind:ident $file:literal,)*) => {
        [$(($path, Asset::$kind(include_str!(concat!("../assets/", $file))))),*]
    };
}

/// What the page is made of, beside what it has of the other one: see [`crate::inspect`].
const ASSETS: [(&str, Asset); 25] = assets! {
    "/" html "index.html",
    "/assets/icon.svg" svg "icon.svg",
    "/assets/page.css" css "page.css",
    "/assets/address.js" script "address.js",
    "/assets/attention.js" script "attention.js",
    "/assets/composer.js" script "composer.js",
    "/assets/dom.js" script "dom.js",
    "/assets/door.js" script "door.js",
    "/assets/drawers.js" script "drawers.js",
    "/assets/history.js" script "history.js",
    "/assets/links.js" script "links.js",
    "/assets/lists.js" script "lists.js",
    "/assets/log.js" script "log.js",
    "/assets/messages.js" script "messages.js",
    "/assets/outbox.js" script "outbox.js",
    "/assets/page.js" script "page.js",
    "/assets/presence.js" script "presence.js",
    "/assets/room.js" script "room.js",
    "/assets/rooms.js" script "rooms.js",
    "/assets/server.js" script "server.js",
    "/assets/socket.js" script "socket.js",
    "/assets/soonest.js" script "soonest.js",
    "/assets/standing.js" script "standing.js",
    "/assets/trouble.js" script "trouble.js",
    "/assets/words.js" script "words.js",
};

/// The page and what belongs to it, if there is to be one.
pub(crate) fn routes(page: ServedPage) -> Router<Arc<Hub>> {
    match page {
        ServedPage::On => all(),
        ServedPage::Off => Router::new(),
    }
}

fn all() -> Router<Arc<Hub>> {
    let mut router = Router::new().route("/rooms.json", rooms::route());
    for (path, asset) in ASSETS {
        router = router.route(path, get(async move |headers: HeaderMap| asset.answer(&headers)));
    }
    router
}

impl Asset {
    /// A page.
    pub(crate) const fn html(text: &'static str) -> Self {
        Self::new("text/html; charset=utf-8", text)
    }

    /// How pages look.
    pub(crate) const fn css(text: &'static str) -> Self {
        Self::new("text/css; charset=utf-8", text)
    }

    /// A picture.
    pub(crate) const fn svg(text: &'static str) -> Self {
        Self::new("image/svg+xml", text)
    }

    /// A module of what pages do.
    pub(crate) const fn script(text: &'static str) -> Self {
        Self::new("text/javascript; charset=utf-8", text)
    }

    const fn new(media_type: &'static str, text: &'static str) -> Self {
        Self { media_type, text, hash: fnv(text.as_bytes()) }
    }

    /// Answers a request for it, which may say that the browser has it.
    pub(crate) fn answer(&self, request: &HeaderMap) -> Response {
        let tag = format!("\"{:016x}\"", self.hash);
        let named = request.get_all(header::IF_NONE_MATCH).iter();
        let named = named.filter_map(|value| value.to_str().ok()).flat_map(|all| all.split(','));
        let is_known = named
            .map(|name| name.trim().trim_start_matches("W/"))
            .any(|name| name == tag || name == "*");
        if is_known {
            return (StatusCode::NOT_MODIFIED, HEADERS, [(header::ETAG, tag)]).into_response();
        }
        let own = [(header::ETAG, tag), (header::CONTENT_TYPE, self.media_type.to_owned())];
        (HEADERS, own, self.text).into_response()
    }
}

/// FNV-1a: whether a file has changed, which is nobody's secret.
const fn fnv(bytes: &[u8]) -> u64 {
    let mut hash = 0xcbf2_9ce4_8422_2325_u64;
    let mut rest = bytes;
    while let Some((first, others)) = rest.split_first() {
        hash = (hash ^ *first as u64).wrapping_mul(0x0000_0100_0000_01b3);
        rest = others;
    }
    hash
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(if_none_match: Option<&str>, expected: StatusCode) {
        let asset = Asset::css("a {}");
        let mut request = HeaderMap::new();
        if let Some(tags) = if_none_match {
            let own = format!("\"{:016x}\"", asset.hash);
            request.insert(header::IF_NONE_MATCH, tags.replace("OWN", &own).parse().unwrap());
        }
        let answer = asset.answer(&request);
        assert_eq!(answer.status(), expected, "{if_none_match:?}");
        assert!(answer.headers().contains_key(header::ETAG));
        assert_eq!(answer.headers()[header::CONTENT_SECURITY_POLICY], POLICY);
    }

    #[test]
    fn what_a_browser_has_is_not_sent_again() {
        check(None, StatusCode::OK);
        check(Some("\"other\""), StatusCode::OK);
        check(Some("OWN"), StatusCode::NOT_MODIFIED);
        check(Some("\"other\", W/OWN"), StatusCode::NOT_MODIFIED);
        check(Some("*"), StatusCode::NOT_MODIFIED);
    }
}
