//! Getting in: with no token, with one that is not good, from another page, as somebody else.

use serde_json::{Value, json};

use super::{
    arena::MAX_MESSAGE_BYTES,
    honest::{OWNED, ROOM, SESSION},
    page::Page,
    raw::{Raw, upgrade},
    report::Report,
    tokens::{self, OTHER, SECRET, claims_but, encoded, hs256, now_s, of, signed},
    visitor::Visitor,
};

const REFUSED: &str = "403 not authenticated";
const FOREIGN: &str = "403 origin not allowed";

/// The public key by which the server verifies, which an outsider may take for a secret.
const RSA_PUBLIC: &str = include_str!("../it/keys/rs256.public.pem");

pub async fn attempts(report: &mut Report) {
    without_a_good_token(report).await;
    tokens_elsewhere(report).await;
    versions_and_parameters(report).await;
    other_origins(report).await;
    as_somebody_else(report).await;
}

/// What the endpoint answers to a request with those headers.
async fn answer(report: &mut Report, attempt: &str, expected: &str, query: &str, headers: &str) {
    let at = report.arena.at;
    let request = upgrade(query, headers);
    let attack = async move {
        let mut raw = Raw::connect(at).await;
        raw.write(request).await;
        raw.answer().await
    };
    report.tried(attempt, expected, attack).await;
}

/// Tokens of every kind that must not be taken, at both endpoints.
pub fn bad_tokens() -> Vec<(&'static str, String)> {
    let header = |alg: &str| json!({"alg": alg, "typ": "JWT"});
    let ann = tokens::claims("ann");
    let but = |others: Value| hs256(&claims_but("ann", &others));
    let good = of("ann");
    let (said, signature) = good.rsplit_once('.').unwrap();
    let (start, _) = good.split_once('.').unwrap();
    let unsigned =
        |alg: &str| format!("{}.{}.", encoded(header(alg).to_string()), encoded(ann.to_string()));
    let admin = encoded(claims_but("ann", &json!({"circle": "honest"})).to_string());
    let own_key = json!({"kty": "oct", "k": encoded(OTHER)});
    let with = |field: &str, value: Value| {
        let mut header = header("HS256");
        header[field] = value;
        header
    };
    vec![
        ("an empty token", String::new()),
        ("a token that is none", "x.y.z".into()),
        ("a token of one part", "token".into()),
        ("another key", signed(&header("HS256"), &ann, OTHER)),
        ("an empty key", signed(&header("HS256"), &ann, "")),
        ("alg none", unsigned("none")),
        ("alg None", unsigned("None")),
        ("alg none, and signed", signed(&header("none"), &ann, SECRET)),
        ("alg HS512 over the right key", signed(&header("HS512"), &ann, SECRET)),
        ("the public key as the secret", signed(&header("HS256"), &ann, RSA_PUBLIC)),
        ("the public key without its last line break", {
            signed(&header("HS256"), &ann, RSA_PUBLIC.trim_end())
        }),
        ("alg RS256 over the secret", signed(&header("RS256"), &ann, SECRET)),
        ("an alg that is no text", signed(&json!({"alg": ["HS256"]}), &ann, SECRET)),
        ("no alg", signed(&json!({"typ": "JWT"}), &ann, SECRET)),
        ("a key of its own in the header", signed(&with("jwk", own_key), &ann, OTHER)),
        ("a key id that is a path", {
            signed(&with("kid", json!("../../../../dev/null")), &ann, "")
        }),
        ("where to fetch its key", {
            signed(&with("jku", json!("http://127.0.0.1:9/key")), &ann, OTHER)
        }),
        ("a critical header that nobody knows", {
            signed(&with("crit", json!(["exp"])), &ann, SECRET)
        }),
        ("the claims of another token under its signature", {
            format!("{start}.{admin}.{signature}")
        }),
        ("no signature", format!("{said}.")),
        ("no signature and no dot", said.to_owned()),
        ("half a signature", format!("{said}.{}", &signature[..20])),
        ("four parts", format!("{good}.{signature}")),
        ("a token that has expired", but(json!({"exp": now_s() - 1}))),
        ("a token that expires now", but(json!({"exp": now_s()}))),
        ("a token that never expires", but(json!({"exp": null}))),
        ("an expiry that is no number", but(json!({"exp": "4102444800"}))),
        ("an expiry before 1970", but(json!({"exp": -1}))),
        ("a token that is not valid yet", but(json!({"nbf": now_s() + 3_600}))),
        ("a token for somebody else's service", but(json!({"aud": "another"}))),
        ("a token of nobody", but(json!({"sub": null}))),
        ("a user without a name", but(json!({"sub": ""}))),
        ("a user that is a number", but(json!({"sub": 7}))),
        ("a user that is a list", but(json!({"sub": ["ann"]}))),
        ("the server itself as the user", but(json!({"sub": "system"}))),
        ("a user of 256 bytes", but(json!({"sub": "x".repeat(256)}))),
        ("a token of 20 kB", but(json!({"x": "x".repeat(20_000)}))),
    ]
}

async fn without_a_good_token(report: &mut Report) {
    let user = "vsn=2.0.0&user_id=ann";
    answer(report, "no token", REFUSED, "vsn=2.0.0", "").await;
    answer(report, "no token, and a claim who it is", REFUSED, user, "").await;
    let at = report.arena.at;
    for (what, token) in bad_tokens() {
        let query = format!("vsn=2.0.0&user_id=ann&token={token}");
        answer(report, what, REFUSED, &query, "").await;
        let offer = format!("phoenix, base64url.bearer.phx.{}", encoded(&token));
        let headers = format!("sec-websocket-protocol: {offer}\r\n");
        answer(report, &format!("{what}, offered"), REFUSED, "vsn=2.0.0", &headers).await;
        let auth = json!({"token": token, "userId": "ann"});
        let is_too_long = auth.to_string().len() > MAX_MESSAGE_BYTES;
        let expected = if is_too_long { r#"{"code":1009…"# } else { "not authenticated" };
        let attack = async move { Visitor::transport(at).await.enter(&auth).await };
        report.tried(format!("{what}, to Dialogue"), expected, attack).await;
    }
    for auth in [json!({}), json!({"userId": "ann"}), json!({"token": null}), json!({"token": 7})] {
        let attempt = format!("{auth} to Dialogue");
        let attack = async move { Visitor::transport(at).await.enter(&auth).await };
        report.tried(attempt, "not authenticated", attack).await;
    }
    // A list reads as an object without names.
    let list = json!([{"token": of("ann")}]);
    for (auth, expected) in [
        (json!([]), "not authenticated"),
        (list, "not authenticated"),
        (json!("ann"), "auth is no object"),
        (json!(7), "auth is no object"),
    ] {
        let attempt = format!("auth that is no object, {:.12}", auth.to_string());
        let attack = async move { Visitor::transport(at).await.enter(&auth).await };
        report.tried(attempt, expected, attack).await;
    }
}

async fn tokens_elsewhere(report: &mut Report) {
    let good = of("mallory");
    let bad = signed(&json!({"alg": "HS256"}), &tokens::claims("ann"), OTHER);
    let bearer = format!("authorization: Bearer {good}\r\n");
    answer(report, "a token as Authorization", REFUSED, "vsn=2.0.0", &bearer).await;
    let cookie = format!("cookie: token={good}\r\n");
    answer(report, "a token as a cookie", REFUSED, "vsn=2.0.0", &cookie).await;
    let offer = |tokens: &[&str]| {
        let offers =
            tokens.iter().map(|token| format!(", base64url.bearer.phx.{}", encoded(token)));
        format!("sec-websocket-protocol: phoenix{}\r\n", offers.collect::<String>())
    };
    let both = format!("vsn=2.0.0&token={good}");
    let attempt = "a bad token offered, a good one in the query";
    answer(report, attempt, REFUSED, &both, &offer(&[&bad])).await;
    let attempt = "a bad token offered before a good one";
    answer(report, attempt, REFUSED, "vsn=2.0.0", &offer(&[&bad, &good])).await;
    let broken = "sec-websocket-protocol: phoenix, base64url.bearer.phx.%%%\r\n";
    answer(report, "a token offered that is no base64", REFUSED, "vsn=2.0.0", broken).await;
    let twice = format!("vsn=2.0.0&token={bad}&token={good}");
    answer(report, "two tokens in the query", "400…", &twice, "").await;
    let bytes = "sec-websocket-protocol: phoenix, base64url.bearer.phx.__79\r\n";
    answer(report, "a token offered that is no UTF-8", REFUSED, "vsn=2.0.0", bytes).await;
}

async fn versions_and_parameters(report: &mut Report) {
    let token = of("mallory");
    for vsn in ["", "vsn=", "vsn=1.0.0", "vsn=2.0", "vsn=2.0.00", "vsn=2.0.0%00", "vsn=3.0.0"] {
        let query = format!("{vsn}&token={token}");
        answer(report, &format!("version {vsn:?}"), "403 vsn is a…", &query, "").await;
    }
    let long = "x".repeat(256);
    for (what, parameter, expected) in [
        ("an empty session", "session=", "403 session has 0 bytes…"),
        ("a session of 256 bytes", &*format!("session={long}"), "403 session has 256 bytes…"),
        ("two sessions", "session=a&session=b", "400…"),
        ("half an escape", "user_id=%4", "101"),
        ("an escape that is none", "user_id=%zz", "101"),
        ("an escape that is no UTF-8", "user_id=%ff%fe", "101"),
        ("an overlong escape", "user_id=%c0%ae%c0%ae", "101"),
        ("a name like that of a prototype", "__proto__[token]=x&constructor=y", "101"),
        ("a thousand parameters", &*"a=b&".repeat(1_000), "101"),
    ] {
        let query = format!("vsn=2.0.0&{parameter}&token={token}");
        answer(report, what, expected, &query, "").await;
    }
    for (what, token) in [
        ("half an escape for a token", "%4"),
        ("no UTF-8 for a token", "%ff"),
        ("a line break in a token", "a.b.c%0d%0aset-cookie:%20x"),
        ("a zero byte in a token", "%00"),
    ] {
        answer(report, what, REFUSED, &format!("vsn=2.0.0&token={token}"), "").await;
    }
}

async fn other_origins(report: &mut Report) {
    let query = format!("vsn=2.0.0&token={}", of("mallory"));
    for origin in [
        "https://evil.example",
        "http://ours.example",
        "https://ours.example.evil.example",
        "https://evil.example/https://ours.example",
        "https://ours.example@evil.example",
        "https://ours.example:8443",
        "https://sub.ours.example",
        "https://ours.example evil.example",
        "https://chat.example",
        "ours.example",
        "null",
        "",
    ] {
        let headers = format!("origin: {origin}\r\n");
        answer(report, &format!("origin {origin:?}"), FOREIGN, &query, &headers).await;
        let request = format!(
            "GET /socket.io/?EIO=4&transport=polling HTTP/1.1\r\nhost: chat.example\r\n{headers}\r\n"
        );
        let at = report.arena.at;
        let attack = async move {
            let mut raw = Raw::connect(at).await;
            raw.write(request).await;
            raw.answer().await
        };
        report.tried(format!("origin {origin:?}, polling"), FOREIGN, attack).await;
    }
    let lookalike = "origin: https://ours.exampl\u{0435}\r\n";
    answer(report, "an origin that is no ASCII", FOREIGN, &query, lookalike).await;
    let two = "origin: https://evil.example\r\norigin: https://ours.example\r\n";
    answer(report, "a foreign origin before a good one", FOREIGN, &query, two).await;
    answer(report, "the good origin", "101", &query, "origin: https://ours.example\r\n").await;
}

/// With a good token, of another user.
async fn as_somebody_else(report: &mut Report) {
    let at = report.arena.at;
    let token = of("mallory");
    let session = SESSION.replace(' ', "+");
    let bob = report.honest.client_ids.concat();
    let hijack = async |query: String| {
        let mut page = match Page::open(at, &query).await {
            Ok(page) => page,
            Err(refused) => return refused,
        };
        let join = page.ask(ROOM, "phx_join", json!({})).await;
        let said = page.ask(ROOM, "say", json!("as ann")).await;
        format!("join: {join}, say: {said}, heard: {}", page.heard_in(ROOM).await)
    };
    let outside = "join: join_denied, say: join_denied, heard: 0";
    for (what, query) in [
        ("the session of ann, who is there", format!("session={session}")),
        ("her session and name", format!("user_id=ann&session={session}")),
        ("the client id of bob", format!("client_id={bob}&session={bob}")),
        ("the claims that it takes, as parameters", "circle=honest&sub=ann".to_owned()),
    ] {
        let query = format!("token={token}&{query}");
        report.tried(what, outside, hijack(query)).await;
    }
    let shifted = format!("token={}&session=n{session}", of("an"));
    report.tried("a name and session that read the same", outside, hijack(shifted)).await;
    let guess = async { hijack(format!("user_id=ann&session={session}")).await };
    report.tried("her session without a token", "403", guess).await;

    let attack = async {
        let mut visitor = Visitor::transport(at).await;
        let auth = json!({"token": token, "userId": "bob", "session": SESSION, "clientId": bob});
        let entered = visitor.enter(&auth).await;
        let is_another = visitor.client_id != bob;
        let join = visitor.ask("dialogue:join", &json!({"roomId": ROOM})).await;
        format!("{entered}, another client: {is_another}, join: {join}")
    };
    let expected = "in as mallory, another client: true, join: JOIN_DENIED";
    report.tried("Dialogue, as bob and by his client id", expected, attack).await;
    report.tried("a message from bob, as it says itself", "from: mallory", forged(at)).await;
    report.tried("claims that were taken back", "ok, then permission_denied", revoked(at)).await;
    let expected = "1008 token expired, and 1008";
    report.begins("staying for longer than a token holds", expected, overstayed(at));
}

/// Stays by both endpoints until the token expires.
async fn overstayed(at: std::net::SocketAddr) -> String {
    let claims = claims_but("eve", &json!({"exp": now_s() + 2}));
    let mut visitor = Visitor::with(&claims, at).await;
    let mut page = Page::open(at, &format!("token={}", hs256(&claims))).await.unwrap();
    format!("{}, and {}", page.closed().await, visitor.closed().await)
}

/// Says in a message that it is somebody else's, and looks whose it is to others.
async fn forged(at: std::net::SocketAddr) -> String {
    let mut witness = Visitor::of("witness", at).await;
    witness.ask("dialogue:join", &json!({"roomId": OWNED})).await;
    let mut mallory = Visitor::of("mallory", at).await;
    mallory.ask("dialogue:join", &json!({"roomId": OWNED})).await;
    let trigger = json!({
        "roomId": OWNED, "event": "say", "data": 1, "from": "bob", "userId": "bob",
        "clientId": "x", "timestamp": 0, "__proto__": {"from": "bob"}
    });
    mallory.emit("dialogue:trigger", &trigger).await;
    match witness.next().await {
        Ok((_, message)) => format!("from: {}", message["from"].as_str().unwrap_or("nobody")),
        Err(end) => end,
    }
}

/// Keeps its place by its session, and comes back with a token that says less.
async fn revoked(at: std::net::SocketAddr) -> String {
    let query = |claims: &Value| format!("session=eves&token={}", hs256(claims));
    let granted = claims_but("eve", &json!({"role": "admin"}));
    let mut before = Page::open(at, &query(&granted)).await.unwrap();
    before.ask("open:moderated", "phx_join", json!({})).await;
    let first = before.ask("open:moderated", "say", json!(1)).await;
    drop(before);
    let mut after = Page::open(at, &query(&tokens::claims("eve"))).await.unwrap();
    after.ask("open:moderated", "phx_join", json!({})).await;
    let second = after.ask("open:moderated", "say", json!(2)).await;
    format!("{first}, then {second}")
}
