//! Where to listen, as people write it.

use std::net::{IpAddr, Ipv4Addr, SocketAddr, ToSocketAddrs};

use super::PORT;

/// What is expected of a place to listen, in flags as in the file.
const EXPECTED: &str = "expected an address and a port, such as 127.0.0.1:4000, [::]:4000, \
                        localhost:4000, or a port of this machine alone, such as 4000";

/// Reads an address and a port, an address alone, a port alone, or a name and a port. A port alone is
/// that of the loopback address: what others are to reach has to be named. Of the addresses of a name,
/// the first of IPv4 counts, if there is one.
pub(super) fn place(text: &str) -> Result<SocketAddr, String> {
    if let Ok(place) = text.parse() {
        return Ok(place);
    }
    if let Ok(ip) = text.parse::<IpAddr>() {
        return Ok((ip, PORT).into());
    }
    let (name, port) = text.rsplit_once(':').unwrap_or(("", text));
    // A sign would be read as part of the number.
    let is_port = !port.is_empty() && port.bytes().all(|byte| byte.is_ascii_digit());
    let port = port.parse().ok().filter(|_| is_port);
    let port: u16 = port.ok_or_else(|| format!("is not a place to listen, {EXPECTED}"))?;
    if name.is_empty() {
        return Ok((Ipv4Addr::LOCALHOST, port).into());
    }
    let found = (name, port).to_socket_addrs();
    let found: Vec<_> =
        found.map_err(|error| format!("is not a place to listen ({error}), {EXPECTED}"))?.collect();
    let of_ipv4 = found.iter().find(|place| place.is_ipv4());
    let first = of_ipv4.or_else(|| found.first()).copied();
    first.ok_or_else(|| format!("has no address, {EXPECTED}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_read_as_people_write_it() {
        for (text, expected) in [
            ("127.0.0.1:5000", "127.0.0.1:5000"),
            ("[::]:4000", "[::]:4000"),
            ("0.0.0.0", "0.0.0.0:4000"),
            ("::1", "[::1]:4000"),
            ("4001", "127.0.0.1:4001"),
            (":4001", "127.0.0.1:4001"),
            ("localhost:4001", "127.0.0.1:4001"),
            ("0", "127.0.0.1:0"),
        ] {
            assert_eq!(place(text).map(|place| place.to_string()), Ok(expected.into()), "{text}");
        }
        for text in
            ["", ":", "localhost", "localhost:", "localhost:+1", "65536", "a b:1", "1.2.3:x"]
        {
            let wrong = place(text).unwrap_err();
            assert!(wrong.contains("expected an address and a port"), "{text}: {wrong}");
        }
    }
}
