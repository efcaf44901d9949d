//! Looking inside and acting for the server: without the key, with what is none, and from elsewhere
//! as if from the same machine.

use super::{
    asking::{ACTS, ELSEWHERE, HERE, LOOKS, acted, asked, bearer, looked, request},
    raw::Raw,
    report::Report,
    tokens::{self, KEY, encoded},
};

const NO_KEY: &str = "401 no_key";
const WRONG_KEY: &str = "401 wrong_key";

pub async fn attempts(report: &mut Report) {
    keys_that_are_none(report).await;
    the_key_elsewhere(report).await;
    other_names_for_the_machine(report).await;
    passed_on(report).await;
    other_pages(report).await;
    methods(report).await;
    paths(report).await;
    long_paths(report).await;
    where_there_is_no_key(report).await;
}

/// Both: acting, and looking.
async fn tried(report: &mut Report, attempt: &str, expected: &str, headers: &[&[u8]]) {
    let at = report.arena.at;
    report.tried(format!("acting: {attempt}"), expected, acted(at, headers)).await;
    report.tried(format!("looking: {attempt}"), expected, looked(at, headers)).await;
}

async fn keys_that_are_none(report: &mut Report) {
    let at = report.arena.at;
    let elsewhere = ELSEWHERE.as_bytes();
    tried(report, "no key", NO_KEY, &[elsewhere]).await;
    let (start, _) = KEY.split_at(KEY.len() - 1);
    let admin = tokens::hs256(&tokens::claims_but("ann", &serde_json::json!({"role": "admin"})));
    let shown = |text: String| [b"authorization: ", text.as_bytes()].concat();
    for (attempt, header) in [
        ("no more than its scheme", shown("Bearer".into())),
        ("a key without its last letter", bearer(start)),
        ("a key and one letter more", bearer(&format!("{KEY}x"))),
        ("the key in other letters", bearer(&KEY.to_uppercase())),
        ("the key twice in one header", bearer(&format!("{KEY} {KEY}"))),
        ("two keys with a comma between", bearer(&format!("{KEY}, {KEY}"))),
        ("the key in quotes", bearer(&format!("\"{KEY}\""))),
        ("the key in base64", bearer(&encoded(KEY))),
        ("the key with its first letter escaped", bearer(&format!("%6B{}", &KEY[1..]))),
        ("the key by Basic", shown(format!("Basic {}", encoded(format!(":{KEY}"))))),
        ("the key without a scheme", shown(KEY.into())),
        ("the key and no space", shown(format!("Bearer{KEY}"))),
        ("the key after a tab", shown(format!("Bearer\t{KEY}"))),
        ("the key after two schemes", shown(format!("Bearer Bearer {KEY}"))),
        ("a key that is no text", [&bearer(KEY)[..], b"\xff"].concat()),
        ("a key of 60 kB", bearer(&"x".repeat(60_000))),
        ("a good token of a user", bearer(&tokens::of("ann"))),
        ("a token that says admin", bearer(&admin)),
        ("what tokens are signed by", bearer(tokens::SECRET)),
    ] {
        tried(report, attempt, WRONG_KEY, &[elsewhere, &header]).await;
    }
    let (right, wrong) = (bearer(KEY), bearer("a-key-that-is-not-the-right-one"));
    for (attempt, headers) in [
        ("a wrong key before the right one", [&wrong, &right]),
        ("a wrong key after the right one", [&right, &wrong]),
        ("the right key twice", [&right, &right]),
    ] {
        tried(report, attempt, WRONG_KEY, &[elsewhere, headers[0], headers[1]]).await;
    }
    let here = HERE.as_bytes();
    tried(report, "a wrong key on the same machine", WRONG_KEY, &[here, &wrong]).await;
    let cut = [&bearer(KEY)[..], b"\0"].concat();
    tried(report, "the key and a zero byte", "400", &[elsewhere, &cut]).await;
    // The key itself is one in whatever letters its scheme is, or all of this would show nothing.
    let key = format!("Authorization:  bEARER  {KEY} \t").into_bytes();
    report.tried("looking: with the key", "200", looked(at, &[elsewhere, &key])).await;
    report.tried("looking: from the same machine", "200", looked(at, &[here])).await;
}

/// Where no header of its own is. On the same machine only what acts wants it.
async fn the_key_elsewhere(report: &mut Report) {
    let elsewhere = ELSEWHERE.as_bytes();
    for name in [
        "x-api-key",
        "api-key",
        "proxy-authorization",
        "x-authorization",
        "authentication",
        "sec-websocket-protocol",
    ] {
        let header = format!("{name}: Bearer {KEY}").into_bytes();
        tried(report, &format!("the key in {name}"), NO_KEY, &[elsewhere, &header]).await;
    }
    let cookie = format!("cookie: authorization=Bearer {KEY}; key={KEY}").into_bytes();
    tried(report, "the key in a cookie", NO_KEY, &[elsewhere, &cookie]).await;
    let at = report.arena.at;
    let query = format!("?key={KEY}&access_token={KEY}&authorization=Bearer%20{KEY}");
    let attack = async {
        let mut refused = 0;
        for (method, path, body) in ACTS {
            let path = format!("{path}{query}");
            let bytes = request(method, path.as_bytes(), &[elsewhere], body.as_bytes());
            refused += usize::from(asked(at, bytes).await == NO_KEY);
        }
        for path in LOOKS {
            let bytes = request("GET", format!("{path}{query}").as_bytes(), &[elsewhere], b"");
            refused += usize::from(asked(at, bytes).await == NO_KEY);
        }
        format!("{refused} refused")
    };
    let expected = format!("{} refused", ACTS.len() + LOOKS.len());
    report.tried("the key in the query", expected, attack).await;
    let from = report.arena.at;
    report.tried("acting from the same machine", NO_KEY, acted(from, &[HERE.as_bytes()])).await;
}

/// A page that leads here under a name of its own is a browser's request from the same machine.
async fn other_names_for_the_machine(report: &mut Report) {
    for host in [
        "evil.example",
        "evil.example:4000",
        "localhost.evil.example",
        "127.0.0.1.evil.example",
        "evil.example#localhost",
        "evil.example@localhost",
        "localhost@evil.example",
        "localhost evil.example",
        "localhost,evil.example",
        "localhost:evil",
        "localhost:4000:4000",
        "localhost:",
        "localhost.",
        "ip6-localhost",
        "127.1",
        "127.0.0.2",
        "0.0.0.0",
        "0",
        "2130706433",
        "0x7f000001",
        "[::]",
        "[::ffff:127.0.0.1]",
        "[::1].evil.example",
        "::1",
        "",
    ] {
        let at = report.arena.at;
        let header = format!("host: {host}").into_bytes();
        report.tried(format!("looking: host {host:?}"), NO_KEY, looked(at, &[&header])).await;
    }
    let at = report.arena.at;
    let here = HERE.as_bytes();
    report.tried("looking: no host", NO_KEY, looked(at, &[])).await;
    report.tried("looking: two hosts", NO_KEY, looked(at, &[here, here])).await;
    report
        .tried(
            "looking: another host after the first",
            NO_KEY,
            looked(at, &[here, b"host: evil.example"]),
        )
        .await;
    report.tried("looking: a host that is no text", NO_KEY, looked(at, &[b"host: \xff"])).await;
    for (first, host) in [
        ("http://evil.example", "localhost"),
        ("http://localhost", "evil.example"),
        ("http://evil.example@localhost", "localhost"),
    ] {
        let attack = async {
            let path = format!("{first}/inspect/rooms");
            let host = format!("host: {host}");
            asked(at, request("GET", path.as_bytes(), &[host.as_bytes()], b"")).await
        };
        report.tried(format!("looking: {first} of host {host:?}"), NO_KEY, attack).await;
    }
}

/// By a proxy on the same machine, which calls it `localhost`.
async fn passed_on(report: &mut Report) {
    for header in [
        "x-forwarded-for: 127.0.0.1",
        "x-forwarded-for: ::1",
        "x-forwarded-for:",
        "X-Forwarded-For: 203.0.113.9",
        "x-forwarded-host: localhost",
        "x-forwarded-proto: http",
        "x-forwarded-user: admin",
        "x-forwarded: for=127.0.0.1",
        "forwarded: for=127.0.0.1;host=localhost",
        "forwarded:",
        "x-real-ip: 127.0.0.1",
        "cf-connecting-ip: 127.0.0.1",
        "true-client-ip: 127.0.0.1",
        "via: 1.1 localhost",
    ] {
        let at = report.arena.at;
        report
            .tried(
                format!("looking: passed on by {header:?}"),
                NO_KEY,
                looked(at, &[HERE.as_bytes(), header.as_bytes()]),
            )
            .await;
    }
}

/// A page of another origin in a browser on the same machine.
async fn other_pages(report: &mut Report) {
    let at = report.arena.at;
    let port = at.port();
    for origin in [
        "http://evil.example".to_owned(),
        "https://ours.example".to_owned(),
        "null".to_owned(),
        String::new(),
        "localhost".to_owned(),
        format!("http://localhost:{}", port ^ 1),
        format!("https://localhost:{port}"),
        format!("http://127.0.0.1:{port}"),
        format!("http://localhost:{port}/"),
        format!("http://localhost:{port}.evil.example"),
        format!("http://localhost:{port}@evil.example"),
        format!("http://evil.example http://localhost:{port}"),
    ] {
        let host = format!("host: localhost:{port}");
        let header = format!("origin: {origin}");
        report
            .tried(
                format!("looking: a page of {origin:?}"),
                NO_KEY,
                looked(at, &[host.as_bytes(), header.as_bytes()]),
            )
            .await;
    }
    let host = format!("host: localhost:{port}");
    let own = format!("origin: http://localhost:{port}");
    let (host, own) = (host.as_bytes(), own.as_bytes());
    for (attempt, headers) in [
        ("two origins", [own, own]),
        ("its own origin and another", [own, b"origin: http://evil.example"]),
        ("its own origin, from another site", [own, b"sec-fetch-site: cross-site"]),
        ("a page of another port", [own, b"sec-fetch-site: same-site"]),
        ("a site that nobody knows", [own, b"sec-fetch-site: own"]),
        ("a site that is not told", [own, b"sec-fetch-site:"]),
        ("a site that is no text", [own, b"sec-fetch-site: \xff"]),
        ("two sites", [b"sec-fetch-site: none", b"sec-fetch-site: none"]),
        ("a picture of another page", [b"sec-fetch-site: cross-site", b"sec-fetch-dest: image"]),
    ] {
        report
            .tried(
                format!("looking: {attempt}"),
                NO_KEY,
                looked(at, &[host, headers[0], headers[1]]),
            )
            .await;
    }
    // What a browser asks before a page of elsewhere may act, and what a form may send at once.
    let asks = b"access-control-request-headers: authorization,content-type";
    let attack = async {
        let headers = [host, b"origin: http://evil.example", &asks[..]];
        asked(at, request("OPTIONS", b"/api/publish", &headers, b"")).await
    };
    report.tried("acting: a page asks whether it may", NO_KEY, attack).await;
    report
        .tried(
            "looking: the page of the server itself",
            "200",
            looked(at, &[host, own, b"sec-fetch-site: same-origin"]),
        )
        .await;
}

/// With a method that a path does not have, be it one that is known.
async fn methods(report: &mut Report) {
    let at = report.arena.at;
    let key = bearer(KEY);
    let methods = ["PUT", "TRACE", "OPTIONS", "PROPFIND", "get", "G", "GET-AND-DELETE"];
    for (who, headers, refused) in [
        ("without the key", [ELSEWHERE.as_bytes(), b"x: y"], NO_KEY),
        ("with the key", [ELSEWHERE.as_bytes(), &*key], "405 method_not_allowed"),
    ] {
        for method in methods {
            let attack = async {
                let mut outcomes = Vec::new();
                for path in ["/api/publish", "/api/rooms", "/api/rooms/room:honest"] {
                    outcomes.push(asked(at, request(method, path.as_bytes(), &headers, b"")).await);
                }
                outcomes.dedup();
                outcomes.join(", ")
            };
            report.tried(format!("acting: {method} {who}"), refused, attack).await;
        }
    }
    for method in ["POST", "PUT", "DELETE", "TRACE", "OPTIONS"] {
        let attack = async {
            let mut outcomes = Vec::new();
            for path in [&LOOKS[..5], &["/rooms.json", "/inspect", "/"]].concat() {
                let bytes = request(method, path.as_bytes(), &[HERE.as_bytes(), &key], b"{}");
                outcomes.push(asked(at, bytes).await);
            }
            outcomes.dedup();
            outcomes.join(", ")
        };
        report.tried(format!("looking: {method}"), "405", attack).await;
    }
    let attack = async {
        let headers = [HERE.as_bytes(), b"x-http-method-override: DELETE"];
        asked(at, request("POST", b"/api/rooms/open:bobs?_method=DELETE", &headers, b"")).await
    };
    report.tried("acting: DELETE in a header", NO_KEY, attack).await;
}

/// Another spelling of a path is another path, or the same with the same guard.
async fn paths(report: &mut Report) {
    let at = report.arena.at;
    for (path, expected) in [
        (&b"//api/rooms"[..], "404"),
        (b"/api//rooms", NO_KEY),
        (b"/./api/rooms", "404"),
        (b"/api/./rooms", NO_KEY),
        (b"/api/..", NO_KEY),
        (b"/x/../api/rooms", "404"),
        (b"/inspect/../api/rooms", "404"),
        (b"/api/openapi.json/../rooms", NO_KEY),
        (b"/api/openapi.json/", NO_KEY),
        (b"/api/openapi.json%2f..%2frooms", NO_KEY),
        (b"/api/%6fpenapi.json", NO_KEY),
        (b"/api/openapi.json%00", NO_KEY),
        (b"/api/openapi.json;/rooms", NO_KEY),
        (b"/api/rooms?/api/openapi.json", NO_KEY),
        (b"/api/rooms#/api/openapi.json", NO_KEY),
        (b"/api/rooms/", NO_KEY),
        (b"/api", NO_KEY),
        (b"/api/", NO_KEY),
        (b"/api/%2e%2e/metrics", NO_KEY),
        (b"/api%2frooms", "404"),
        (b"/%61pi/rooms", "404"),
        (b"/API/rooms", "404"),
        (b"/api;/rooms", "404"),
        (b"/api\\rooms", "404"),
        (b"\\api\\rooms", "400"),
        (b"api/rooms", "400"),
        (b"/api/rooms\0", "400"),
        (b"/api/r\too\0ms", "400"),
        (b"/api/rooms/\xff\xfe", "400"),
        (b"*", "404"),
        (b"//inspect/rooms", "404"),
        (b"/inspect//rooms", "404"),
        (b"/inspect/rooms/", "404"),
        (b"/inspect/%72ooms", "404"),
        (b"/inspect/%2e%2e/metrics", "404"),
        (b"/inspect/rooms%00", "404"),
        (b"/inspect;/rooms", "404"),
        (b"/INSPECT/rooms", "404"),
        (b"//metrics", "404"),
        (b"/metrics/", "404"),
        (b"/metrics/x", "404"),
        (b"/metrics%00", "404"),
        (b"/%6detrics", "404"),
        (b"/rooms.json/", "404"),
        (b"/assets/", "404"),
        (b"/assets/openapi.json", "404"),
        (b"/assets/../Cargo.toml", "404"),
        (b"/assets/%2e%2e%2fCargo.toml", "404"),
        (b"/assets/page.js/../../src/main.rs", "404"),
    ] {
        let attack = async { asked(at, request("GET", path, &[HERE.as_bytes()], b"")).await };
        let path = String::from_utf8_lossy(path).into_owned();
        report.tried(format!("the path {path:?}"), expected, attack).await;
    }
}

async fn long_paths(report: &mut Report) {
    let at = report.arena.at;
    for (what, bytes, expected) in
        [("a path of 50 kB", 50_000, NO_KEY), ("a path that is too long for HTTP", 70_000, "414")]
    {
        let attack = async {
            let path = format!("/api/rooms/{}", "x".repeat(bytes));
            asked(at, request("GET", path.as_bytes(), &[HERE.as_bytes()], b"")).await
        };
        report.tried(what, expected, attack).await;
    }
    let attack = async {
        let segments = "/..".repeat(15_000);
        let path = format!("/api{segments}/api/rooms");
        asked(at, request("GET", path.as_bytes(), &[HERE.as_bytes()], b"")).await
    };
    report.tried("a path of 15000 segments", NO_KEY, attack).await;
    let attack = async {
        let mut raw = Raw::connect(at).await;
        raw.write(request("GET", b"/api/rooms", &[HERE.as_bytes()], b"")).await;
        // Behind the end of the first.
        raw.write(request("GET", b"/api/rooms", &[HERE.as_bytes(), &bearer(KEY)], b"")).await;
        raw.answers().await
    };
    report.tried("a request after the last one", "401", attack).await;
}

/// A server that was given none.
async fn where_there_is_no_key(report: &mut Report) {
    const NONE: &str = "403 no_operators_key";
    let arena = super::arena::Arena::by_default();
    let at = arena.at;
    let (elsewhere, here) = (ELSEWHERE.as_bytes(), HERE.as_bytes());
    for (attempt, header) in
        [("some key", bearer(KEY)), ("an empty key", bearer("")), ("no key", b"x: y".to_vec())]
    {
        report
            .tried(
                format!("acting without a key set: {attempt}"),
                NONE,
                acted(at, &[here, &header]),
            )
            .await;
        report
            .tried(
                format!("looking without a key set: {attempt}"),
                NONE,
                looked(at, &[elsewhere, &header]),
            )
            .await;
    }
}
