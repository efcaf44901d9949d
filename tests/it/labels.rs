//! Labels, limits and configurations: what is stable, and what is refused.

use parlor::{
    Cause, Channel, Config, ConfigBuilder, DeadlineReason, EventKind, Limit, PresenceMode, Reason,
    RoomConfig,
};

#[test]
fn labels_are_stable() {
    let kinds = EventKind::ALL.map(EventKind::label);
    assert_eq!(
        kinds,
        [
            "join",
            "rejoin",
            "leave",
            "broadcast",
            "push",
            "crash",
            "restart",
            "connect",
            "disconnect",
            "subscribe",
            "unsubscribe",
            "track",
            "untrack",
            "open_room",
            "close_room",
            "history",
            "query",
            "publish",
            "kick",
            "add_to_group",
            "remove_from_group",
            "refuse",
            "tick",
        ]
    );
    let reasons = [
        "crashed",
        "invalid_name",
        "unknown_topic",
        "room_full",
        "join_denied",
        "not_member",
        "event_not_allowed",
        "validation_failed",
        "rate_limited",
        "invalid_request",
        "room_exists",
        "permission_denied",
        "user_conflict",
        "unknown_client",
        "unknown_target",
        "payload_too_large",
        "limit_reached",
        "unavailable",
    ];
    assert_eq!(Reason::ALL.map(Reason::label), reasons);
    assert_eq!(Reason::ALL.map(|reason| reason.to_string()), reasons);
    assert_eq!(DeadlineReason::Grace.label(), "grace");
    assert_eq!(DeadlineReason::PresenceWindow.label(), "presence_window");
    for (cause, label) in [
        (Cause::Crashed, "crashed"),
        (Cause::Kicked, "kicked"),
        (Cause::RoomClosed, "room_closed"),
        (Cause::Disconnected, "disconnected"),
        (Cause::Expired, "expired"),
    ] {
        assert_eq!(cause.label(), label);
        assert_eq!(serde_json::to_string(&cause).unwrap(), format!("\"{label}\""));
    }
}

#[test]
fn limits_have_labels_defaults_and_ranges() {
    const MANY: u64 = (1 << 31) - 1;
    let rows = Limit::ALL.map(|limit| (limit.label(), limit.default_value(), limit.range()));
    assert_eq!(
        rows,
        [
            ("name_bytes", 255, 7..=65_535),
            ("ref_bytes", 255, 1..=65_535),
            ("payload_bytes", 65_536, 1..=1 << 30),
            ("payload_depth", 128, 0..=MANY),
            ("meta_bytes", 4_096, 1..=1 << 30),
            ("topics_per_client", 1_000, 1..=MANY),
            ("members_per_topic", 1_000_000, 1..=(1 << 30) - 1),
            ("rooms_per_user", 20, 0..=MANY),
            ("topics", 1_000_000, 1..=MANY),
            ("clients", 1_000_000, 1..=MANY),
            ("groups", 10_000, 0..=MANY),
            ("topics_per_group", 1_000, 1..=MANY),
            ("subscriptions_per_member", 100, 1..=MANY),
            ("event_names_per_topic", 100, 1..=MANY),
            ("page_length", 1_000, 1..=MANY),
            ("page_bytes", 1 << 20, 1..=1 << 50),
            ("ids_per_topic", 10_000, 1..=MANY),
            ("history_messages_per_topic", 10_000, 0..=MANY),
            ("history_bytes_per_topic", 16_777_216, 0..=1 << 50),
            ("history_messages", 1_000_000, 0..=MANY),
            ("history_bytes", 1_073_741_824, 0..=1 << 50),
        ]
    );
    for limit in Limit::ALL {
        assert_eq!(limit.to_string(), limit.label());
        assert_eq!(Config::default().limit(limit), limit.default_value());
    }
}

#[test]
fn a_configuration_is_checked_when_it_is_built() {
    let check = |config: ConfigBuilder, expected: &str| {
        assert_eq!(config.build().unwrap_err().to_string(), expected);
    };
    check(
        Config::builder().limit(Limit::NameBytes, 0),
        "limit name_bytes is 0, expected 7 to 65535",
    );
    check(
        Config::builder().limit(Limit::Clients, 1 << 31),
        "limit clients is 2147483648, expected 1 to 2147483647",
    );
    check(
        Config::builder().reserved(["sys_", ""]),
        "a reserved prefix is empty, expected at least one character",
    );
    check(
        Config::builder().first_epoch(1 << 63),
        "the first epoch is 9223372036854775808, expected at most 9223372036854775807",
    );
    assert!(Config::builder().first_epoch((1 << 63) - 1).build().is_ok());
    let config = Config::builder()
        .limit(Limit::Topics, 7)
        .reserved(["sys_"])
        .first_epoch(9)
        .incarnation(3)
        .hash_key([1, 2])
        .default_room(RoomConfig::default().with_presence(PresenceMode::Off))
        .build()
        .unwrap();
    assert_eq!((config.limit(Limit::Topics), config.limit(Limit::Clients)), (7, 1_000_000));
    assert_eq!((config.first_epoch(), config.incarnation()), (9, 3));
    assert_eq!(config.default_room().presence, PresenceMode::Off);
    assert_eq!(config.reserved(), ["sys_"]);
    assert_eq!(Channel::single_node(config.clone()).config(), &config);
    assert_eq!(Config::builder().build().unwrap(), Config::default());
}
