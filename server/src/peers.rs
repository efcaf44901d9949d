//! Of which address a request is.

use std::net::{IpAddr, SocketAddr};

use axum::{
    extract::ConnectInfo,
    http::{Extensions, HeaderMap},
};

use crate::settings::Settings;

/// The address of a client: what the proxy in front says, if there is one, or else that of the
/// other end. None if neither is known.
pub(crate) fn address(
    settings: &Settings,
    headers: &HeaderMap,
    extensions: &Extensions,
) -> Option<IpAddr> {
    let Some(name) = &settings.client_ip_header else {
        return extensions.get::<ConnectInfo<SocketAddr>>().map(|info| info.0.ip());
    };
    // What stands before the last entry is what the client has said of itself.
    let last = headers.get_all(name).iter().next_back()?.to_str().ok()?;
    let entry = last.rsplit(',').next()?.trim();
    entry.parse().ok().or_else(|| entry.parse().ok().map(|address: SocketAddr| address.ip()))
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderName;

    use super::*;

    fn check(header: Option<&'static str>, entries: &[&str], expected: Option<&str>) {
        let client_ip_header = header.map(HeaderName::from_static);
        let settings = Settings { client_ip_header, ..Settings::default() };
        let mut headers = HeaderMap::new();
        for entry in entries {
            headers.append("x-forwarded-for", entry.parse().unwrap());
        }
        let mut extensions = Extensions::new();
        extensions.insert(ConnectInfo(SocketAddr::from(([127, 0, 0, 1], 5))));
        let expected = expected.map(|address| address.parse().unwrap());
        assert_eq!(address(&settings, &headers, &extensions), expected, "{entries:?}");
    }

    #[test]
    fn only_what_the_proxy_says_counts() {
        let header = Some("x-forwarded-for");
        check(None, &["1.2.3.4"], Some("127.0.0.1"));
        check(header, &["1.2.3.4"], Some("1.2.3.4"));
        check(header, &["9.9.9.9, 1.2.3.4"], Some("1.2.3.4"));
        check(header, &["9.9.9.9", "8.8.8.8,[2001:db8::1]:80"], Some("2001:db8::1"));
        check(header, &["nonsense"], None);
        check(header, &[], None);
    }
}
