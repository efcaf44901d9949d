//! What can be bounded, by how much if nobody says otherwise, and within what.

use core::{fmt, ops::RangeInclusive};

use crate::ids::DEFAULT_EVENT;

/// What can be bounded. Whatever is refused for it names it by its [`label`](Limit::label).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Limit {
    /// Bytes of a client, topic, user, event or group name. 255 by default; a longer one is
    /// `invalid_name`.
    NameBytes,
    /// Bytes of a `ref` or an `id`. 255 by default.
    RefBytes,
    /// Bytes of a payload, of a message's meta, of params, or of data of a client or room. 65,536 by default; a larger
    /// one is `payload_too_large`.
    PayloadBytes,
    /// Nesting of a payload, meta, params or data. 128 by default; a deeper one is
    /// `payload_too_large`.
    PayloadDepth,
    /// Bytes of the meta of one presence, given by a join, rejoin or track, which every member
    /// receives; and of the description of a room, which everyone receives who is connected when
    /// it opens. 4,096 by default; a larger one is `payload_too_large`.
    MetaBytes,
    /// Topics that one client is a member of or present in. 1,000 by default.
    TopicsPerClient,
    /// Members of one topic. 1,000,000 by default.
    MembersPerTopic,
    /// Rooms that clients of one user have opened, and that are there. 20 by default.
    RoomsPerUser,
    /// Topics of the channel. 1,000,000 by default.
    Topics,
    /// Clients of the channel. 1,000,000 by default.
    Clients,
    /// Groups of topics. 10,000 by default.
    Groups,
    /// Topics of one group. 1,000 by default.
    TopicsPerGroup,
    /// Event names that one member is subscribed to, where `*` counts as one. 100 by default.
    SubscriptionsPerMember,
    /// Event names that are defined for one topic, and event names that it keeps messages of. 100
    /// by default.
    EventNamesPerTopic,
    /// Messages of one page of history, and how far a page by index may reach past what memory
    /// holds. 1,000 by default.
    PageLength,
    /// Bytes of the messages of one page of history, and of history on join. 1 MiB by default; a
    /// page that would be larger is shortened to its newest messages, at least one.
    PageBytes,
    /// Message ids that one topic remembers, of all its users together. 10,000 by default; at the
    /// limit the oldest go.
    IdsPerTopic,
    /// Messages that one topic keeps. 10,000 by default; at the limit its oldest go.
    HistoryMessagesPerTopic,
    /// Bytes of the messages that one topic keeps. 16 MiB by default; at the limit its oldest go.
    HistoryBytesPerTopic,
    /// Messages that the channel keeps. 1,000,000 by default; at the limit the oldest of the topic
    /// go that wants to keep one more.
    HistoryMessages,
    /// Bytes of the messages that the channel keeps. 1 GiB by default; at the limit the oldest of
    /// the topic go that wants to keep one more.
    HistoryBytes,
}

/// As long as the name of a broadcast that is given none.
const SHORTEST_NAME: u64 = DEFAULT_EVENT.len() as u64;

/// As many as numbers of 32 bits can count, with some to spare.
const MANY: u64 = (1 << 31) - 1;

/// As many as leave a seat one bit more to spare.
const MANY_SEATS: u64 = (1 << 30) - 1;

/// More than any machine has.
const MANY_BYTES: u64 = 1 << 50;

impl Limit {
    /// Every limit, in the order of declaration.
    pub const ALL: [Self; 21] = [
        Self::NameBytes,
        Self::RefBytes,
        Self::PayloadBytes,
        Self::PayloadDepth,
        Self::MetaBytes,
        Self::TopicsPerClient,
        Self::MembersPerTopic,
        Self::RoomsPerUser,
        Self::Topics,
        Self::Clients,
        Self::Groups,
        Self::TopicsPerGroup,
        Self::SubscriptionsPerMember,
        Self::EventNamesPerTopic,
        Self::PageLength,
        Self::PageBytes,
        Self::IdsPerTopic,
        Self::HistoryMessagesPerTopic,
        Self::HistoryBytesPerTopic,
        Self::HistoryMessages,
        Self::HistoryBytes,
    ];

    /// A stable name in `snake_case`.
    #[must_use]
    pub const fn label(self) -> &'static str {
        self.row().0
    }

    /// What holds unless a configuration says otherwise.
    #[must_use]
    pub const fn default_value(self) -> u64 {
        self.row().1
    }

    /// What it can be set to.
    #[must_use]
    pub const fn range(self) -> RangeInclusive<u64> {
        let (_, _, least, most) = self.row();
        least..=most
    }

    /// Label, default, least and most.
    const fn row(self) -> (&'static str, u64, u64, u64) {
        match self {
            Self::NameBytes => ("name_bytes", 255, SHORTEST_NAME, 65_535),
            Self::RefBytes => ("ref_bytes", 255, 1, 65_535),
            Self::PayloadBytes => ("payload_bytes", 65_536, 1, 1 << 30),
            Self::PayloadDepth => ("payload_depth", 128, 0, MANY),
            Self::MetaBytes => ("meta_bytes", 4_096, 1, 1 << 30),
            Self::TopicsPerClient => ("topics_per_client", 1_000, 1, MANY),
            Self::MembersPerTopic => ("members_per_topic", 1_000_000, 1, MANY_SEATS),
            Self::RoomsPerUser => ("rooms_per_user", 20, 0, MANY),
            Self::Topics => ("topics", 1_000_000, 1, MANY),
            Self::Clients => ("clients", 1_000_000, 1, MANY),
            Self::Groups => ("groups", 10_000, 0, MANY),
            Self::TopicsPerGroup => ("topics_per_group", 1_000, 1, MANY),
            Self::SubscriptionsPerMember => ("subscriptions_per_member", 100, 1, MANY),
            Self::EventNamesPerTopic => ("event_names_per_topic", 100, 1, MANY),
            Self::PageLength => ("page_length", 1_000, 1, MANY),
            Self::PageBytes => ("page_bytes", 1 << 20, 1, MANY_BYTES),
            Self::IdsPerTopic => ("ids_per_topic", 10_000, 1, MANY),
            Self::HistoryMessagesPerTopic => ("history_messages_per_topic", 10_000, 0, MANY),
            Self::HistoryBytesPerTopic => ("history_bytes_per_topic", 16 << 20, 0, MANY_BYTES),
            Self::HistoryMessages => ("history_messages", 1_000_000, 0, MANY),
            Self::HistoryBytes => ("history_bytes", 1 << 30, 0, MANY_BYTES),
        }
    }
}

impl fmt::Display for Limit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.label())
    }
}
