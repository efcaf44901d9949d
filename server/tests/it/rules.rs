//! What the guard refuses that settings make: by claims of who asks, and by schema of what is said.

use parlor::{
    Broadcast, Channel, Connect, Event, History, Join, Json, Leave, OpenRoom, Payload, Query,
    Question, Rejoin, Track,
};
use parlor_server::Settings;

/// A server of these settings, with keys, in which clients have connected: `c` with these claims,
/// and `nobody` with none.
struct Server {
    settings: Settings,
    channel: Channel,
}

impl Server {
    fn new(toml: &str, claims: &str) -> Self {
        let keys = "[auth]\nhs256_secret = 'thirty-two bytes of a test secret'\n";
        let settings = Settings::from_toml(&format!("{keys}{toml}")).unwrap();
        let mut channel = Channel::single_node(settings.channel.clone());
        let claims = Json::parse(claims).unwrap();
        channel.handle(Connect::new("c", "ann", 0).with_data(claims).into());
        channel.handle(Connect::new("nobody", "bob", 0).into());
        Self { settings, channel }
    }

    /// Why an event is refused, or none.
    fn refusal(&self, event: impl Into<Event>) -> Option<String> {
        let passed = (self.settings.guard)().check(event.into(), &self.channel);
        let Event::Refuse(refuse) = passed else { return None };
        Some(format!("{}: {}", refuse.reason.label(), refuse.message.unwrap_or_default()))
    }

    fn joins(&self, topic: &str) -> bool {
        self.refusal(Join::new("c", topic, "ann", 0)).is_none()
    }

    fn sends(&self, topic: &str, event: &str) -> bool {
        self.refusal(said(topic, event, "1")).is_none()
    }
}

fn said(topic: &str, event: &str, payload: &str) -> Broadcast {
    Broadcast::new("c", topic, Payload::json(payload).unwrap()).with_event(event).with_ref("1")
}

/// Whether the rule holds for these claims.
fn check(rule: &str, topic: &str, claims: &str, expected: bool) {
    let server = Server::new(&format!("[[rules]]\n{rule}"), claims);
    assert_eq!(server.joins(topic), expected, "{rule} for {claims} in {topic}");
}

#[test]
fn a_claim_equals_a_value() {
    let rule = "pattern = 'admin:*'\naction = 'join'\nclaim = 'role'\nequals = 'admin'";
    for (claims, expected) in [
        (r#"{"role":"admin"}"#, true),
        (r#"{"role":"Admin"}"#, false),
        (r#"{"role":["admin"]}"#, false),
        (r#"{"role":null}"#, false),
        (r#"{"roles":"admin"}"#, false),
        ("{}", false),
        ("[]", false),
    ] {
        check(rule, "admin:1", claims, expected);
        check(rule, "lobby", claims, true);
    }
    let rule = "pattern = '*'\naction = 'join'\nclaim = 'verified'\nequals = true";
    check(rule, "a", r#"{"verified":true}"#, true);
    check(rule, "a", r#"{"verified":"true"}"#, false);
    let rule = "pattern = 'a'\naction = 'join'\nclaim = 'level'\nequals = 3";
    check(rule, "a", r#"{"level":3}"#, true);
    check(rule, "a", r#"{"level":30}"#, false);
}

#[test]
fn a_claim_contains_a_value() {
    let rule = "pattern = 'a'\naction = 'join'\nclaim = 'scope'\ncontains = 'chat'";
    for (claims, expected) in [
        (r#"{"scope":"mail chat"}"#, true),
        (r#"{"scope":"chat"}"#, true),
        (r#"{"scope":["mail","chat"]}"#, true),
        (r#"{"scope":"chats mail"}"#, false),
        (r#"{"scope":["chats"]}"#, false),
        (r#"{"scope":{"chat":true}}"#, false),
        (r#"{"scope":[["chat"]]}"#, false),
    ] {
        check(rule, "a", claims, expected);
    }
    let rule = "pattern = 'a'\naction = 'join'\nclaim = 'orgs'\ncontains = 7";
    check(rule, "a", r#"{"orgs":[1,7]}"#, true);
    check(rule, "a", r#"{"orgs":"7"}"#, false);
}

#[test]
fn a_claim_may_stand_inside_of_others() {
    let rule = "pattern = 'a'\naction = 'join'\nclaim = '/realm/roles'\ncontains = 'mod'";
    check(rule, "a", r#"{"realm":{"roles":["mod"]}}"#, true);
    check(rule, "a", r#"{"/realm/roles":["mod"]}"#, false);
    let rule = "pattern = 'a'\naction = 'join'\nclaim = 'https://x/roles'\ncontains = 'mod'";
    check(rule, "a", r#"{"https://x/roles":["mod"]}"#, true);
}

#[test]
fn a_topic_may_be_ones_own() {
    let rule = "pattern = 'user:*'\naction = 'join'\ntopic = 'user:{sub}'";
    for (topic, claims, expected) in [
        ("user:ann", r#"{"sub":"ann"}"#, true),
        ("user:anna", r#"{"sub":"ann"}"#, false),
        ("user:an", r#"{"sub":"ann"}"#, false),
        ("user:7", r#"{"sub":7}"#, true),
        ("user:", r#"{"sub":""}"#, false),
        ("user:ann", "{}", false),
        ("user:{sub}", "{}", false),
        ("user:*", r#"{"sub":"*"}"#, true),
        ("user:ann", r#"{"sub":"*"}"#, false),
    ] {
        check(rule, topic, claims, expected);
    }
    let rule = "pattern = 'org:*'\naction = 'join'\ntopic = 'org:{/org/id}:*'";
    for (topic, expected) in
        [("org:a:1", true), ("org:a:", true), ("org:a", false), ("org:ab:1", false)]
    {
        check(rule, topic, r#"{"org":{"id":"a"}}"#, expected);
    }
    let both =
        "pattern = 'user:*'\naction = 'join'\ntopic = 'user:{sub}'\nclaim = 'ok'\nequals = true";
    check(both, "user:ann", r#"{"sub":"ann","ok":true}"#, true);
    check(both, "user:ann", r#"{"sub":"ann","ok":false}"#, false);
    check(both, "user:bob", r#"{"sub":"ann","ok":true}"#, false);
}

#[test]
fn the_narrowest_rules_hold_and_one_of_them_has_to_allow_it() {
    let rules = "
        rules = [
            {pattern = '*', action = 'join', claim = 'a', equals = 1},
            {pattern = 'x:*', action = 'join', claim = 'b', equals = 1},
            {pattern = 'x:*', action = 'join', claim = 'c', equals = 1},
            {pattern = 'x:open', action = 'join', allow = 'everyone'},
            {pattern = 'x:shut', action = 'join', allow = 'nobody'},
        ]
    ";
    let toml = |claims| {
        let settings =
            format!("{rules}\n[auth]\nhs256_secret = 'thirty-two bytes of a test secret'");
        let settings = Settings::from_toml(&settings).unwrap();
        let mut channel = Channel::single_node(settings.channel.clone());
        channel.handle(Connect::new("c", "ann", 0).with_data(Json::parse(claims).unwrap()).into());
        Server { settings, channel }
    };
    for (claims, y, x, open) in [
        (r#"{"a":1}"#, true, false, true),
        (r#"{"b":1}"#, false, true, true),
        (r#"{"c":1}"#, false, true, true),
        ("{}", false, false, true),
    ] {
        let server = toml(claims);
        let got = (server.joins("y"), server.joins("x:1"), server.joins("x:open"));
        assert_eq!(got, (y, x, open), "{claims}");
        assert!(!server.joins("x:shut"));
    }
}

#[test]
fn rules_that_name_the_event_come_before_those_about_all() {
    let toml = "
        [[rules]]
        pattern = 'chat:*'
        action = 'send'
        claim = 'writer'
        equals = true
        [[rules]]
        pattern = '*'
        action = 'send'
        event = 'announce'
        claim = 'admin'
        equals = true
    ";
    for (claims, message, announce, elsewhere) in
        [(r#"{"writer":true}"#, true, false, false), (r#"{"admin":true}"#, false, true, true)]
    {
        let server = Server::new(toml, claims);
        assert_eq!(server.sends("chat:1", "message"), message);
        assert_eq!(server.sends("chat:1", "announce"), announce);
        assert_eq!(server.sends("b", "announce"), elsewhere);
        assert!(server.sends("b", "message"));
        assert!(server.joins("chat:1"));
    }
}

#[test]
fn who_may_not_join_may_not_look_either() {
    let toml = "[[rules]]\npattern = 'a'\naction = 'join'\nclaim = 'x'\nequals = 1\n";
    let mut server = Server::new(toml, "{}");
    let refused = "join_denied: joining is not for all here, expected a claim `x` that allows it";
    let events: [Event; 7] = [
        Join::new("c", "a", "ann", 0).into(),
        Rejoin::new("c", "a", "ann", 0).into(),
        said("a", "message", "1").into(),
        Track::new("c", "a").into(),
        History::new("c", "a").into(),
        OpenRoom::new("a").with_by("c").into(),
        Query::new(Question::Presences).with_client("c").with_topic("a").into(),
    ];
    for event in events.clone() {
        assert_eq!(server.refusal(event.clone()).as_deref(), Some(refused), "{event:?}");
    }
    assert_eq!(server.refusal(Leave::new("c", "a")), None);
    assert_eq!(server.refusal(OpenRoom::new("a")), None, "the server may");
    assert_eq!(server.refusal(Query::new(Question::Presences).with_topic("a")), None);
    assert_eq!(server.refusal(Query::new(Question::Rooms).with_client("c")), None);

    // A member has been allowed in, and is asked again only when it joins again.
    server.channel.handle(Join::new("c", "a", "ann", 0).into());
    let refused = events.map(|event| server.refusal(event).is_some());
    assert_eq!(refused, [true, true, false, false, false, false, false]);
}

#[test]
fn who_has_shown_no_claims_has_none() {
    let toml = "[[rules]]\npattern = 'a'\naction = 'join'\ntopic = '{sub}'\n";
    let server = Server::new(toml, r#"{"sub":"a"}"#);
    assert!(server.joins("a"));
    for client in ["nobody", "unknown"] {
        let refused = server.refusal(Join::new(client, "a", "a", 0)).unwrap();
        assert_eq!(
            refused,
            "join_denied: joining is not for all here, expected a topic that is {sub}"
        );
    }
}

#[test]
fn a_refusal_names_what_would_do_and_no_values() {
    let toml = "
        [[rules]]
        pattern = 'a'
        action = 'send'
        claim = 'x'
        equals = 'hidden'
        [[rules]]
        pattern = 'a'
        action = 'send'
        claim = 'y'
        contains = 'hidden'
        topic = 'a{z}'
        [[rules]]
        pattern = 'b'
        action = 'send'
        allow = 'nobody'
    ";
    let server = Server::new(toml, "{}");
    assert_eq!(
        server.refusal(said("a", "message", "1")).unwrap(),
        "permission_denied: sending is not for all here, expected a claim `x` that allows it \
         or a claim `y` that allows it in a topic that is a{z}"
    );
    assert_eq!(
        server.refusal(said("b", "message", "1")).unwrap(),
        "permission_denied: sending is not for all here, expected the server to do it"
    );
}

/// That these rules are refused, each with what is said of it.
fn check_wrong(rules: &[(&str, &str)]) {
    let keys = "[auth]\nhs256_secret = 'thirty-two bytes of a test secret'\n[[rules]]\n";
    for (rule, expected) in rules {
        let refused = Settings::from_toml(&format!("{keys}{rule}")).map(|_| "nothing is wrong");
        let text = refused.unwrap_err().to_string();
        assert_eq!(text.split_once(": ").unwrap().1, *expected);
    }
}

#[test]
fn rules_that_are_wrong_name_their_key() {
    check_wrong(&[
        ("", "rules[0].pattern: it is missing, expected a topic or a prefix and \"*\""),
        (
            "pattern = 'a*b'",
            "rules[0].pattern: pattern \"a*b\" has \"*\" before its end, expected it there alone",
        ),
        (
            "pattern = ''",
            "rules[0].pattern: a pattern is empty, expected a topic or a prefix and \"*\"",
        ),
        ("pattern = 'a'", "rules[0].action: it is missing, expected \"join\" or \"send\""),
        (
            "pattern = 'a'\naction = 'leave'",
            "rules[0].action: expected \"join\" or \"send\", got \"leave\"",
        ),
        (
            "pattern = 'a'\naction = 'join'\nevent = 'x'",
            "rules[0].event: expected it beside action \"send\" alone",
        ),
        (
            "pattern = 'a'\naction = 'send'\nevent = '*'",
            "rules[0].event: expected a name of 1 to 255 bytes that is not \"*\"",
        ),
        (
            "pattern = 'a'\naction = 'join'",
            "rules[0]: it allows nothing, expected `claim`, `topic` or `allow`",
        ),
        (
            "pattern = 'a'\naction = 'join'\nallow = 'all'",
            "rules[0].allow: expected \"everyone\" or \"nobody\", got \"all\"",
        ),
        (
            "pattern = 'a'\naction = 'join'\nallow = 'nobody'\ntopic = '{a}'",
            "rules[0].allow: expected it without `claim` and `topic`",
        ),
    ]);
}

#[test]
fn rules_that_allow_nothing_name_their_key() {
    check_wrong(&[
        (
            "pattern = 'a'\naction = 'join'\nclaim = 'x'",
            "rules[0].claim: expected `equals` or `contains` beside it",
        ),
        (
            "pattern = 'a'\naction = 'join'\nclaim = ''\nequals = 1",
            "rules[0].claim: the name of a claim is empty, expected one such as \"role\"",
        ),
        (
            "pattern = 'a'\naction = 'join'\nequals = 1",
            "rules[0].equals: expected `claim` beside it",
        ),
        (
            "pattern = 'a'\naction = 'join'\ncontains = 1",
            "rules[0].contains: expected `claim` beside it",
        ),
        (
            "pattern = 'a'\naction = 'join'\nclaim = 'x'\nequals = 1\ncontains = 1",
            "rules[0].contains: expected it or `equals`, got both",
        ),
        (
            "pattern = 'a'\naction = 'join'\nclaim = 'x'\nequals = []",
            "rules[0].equals: expected text, a number or a boolean, got a list",
        ),
        (
            "pattern = 'a'\naction = 'join'\ntopic = 'user'",
            "rules[0].topic: \"user\" has no claim in braces, or a brace alone, expected one such as \"user:{sub}\"",
        ),
        (
            "pattern = 'a'\naction = 'join'\ntopic = 'u{sub'",
            "rules[0].topic: \"u{sub\" has \"{\" without \"}\", expected one such as \"user:{sub}\"",
        ),
        (
            "pattern = 'a'\naction = 'join'\ntopic = 'u}{sub}'",
            "rules[0].topic: \"u}{sub}\" has no claim in braces, or a brace alone, expected one such as \"user:{sub}\"",
        ),
        (
            "pattern = 'a'\naction = 'join'\ntopic = 'u{sub}*'",
            "rules[0].topic: \"u{sub}*\" has \"*\" right after a claim, expected one such as \"user:{sub}\"",
        ),
        (
            "pattern = 'a'\naction = 'join'\ntopic = '*{sub}'",
            "rules[0].topic: \"*{sub}\" has \"*\" before its end, expected one such as \"user:{sub}\"",
        ),
    ]);
}

#[test]
fn rules_by_claim_take_a_key() {
    let open = "[[rules]]\npattern = 'a'\naction = 'join'\nclaim = 'x'\nequals = 1";
    let refused = Settings::from_toml(open).map(|_| "nothing is wrong").unwrap_err();
    assert_eq!(
        refused.to_string(),
        "line 4: rules[0].claim: there is no key in `auth`, expected one, or nobody's claims can be verified"
    );
    assert!(
        Settings::from_toml("[[rules]]\npattern = 'a'\naction = 'join'\nallow = 'nobody'").is_ok()
    );
}
