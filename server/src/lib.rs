//! A server of [parlor](https://docs.rs/parlor) channels: what owns sockets, clocks and tasks, and
//! drives channels with them. The rules of rooms are all in `parlor`.
//!
//! `cargo run -p parlor-server` serves a page to talk in at `http://127.0.0.1:4000/`, Phoenix clients at
//! `ws://127.0.0.1:4000/socket` and clients of Dialogue at `http://127.0.0.1:4000`, and says at
//! `/healthz` whether it is well. As a library it is a part of another program, which may mount its
//! routes beside its own, and do what only a server may:
//!
//! ```
//! use parlor::{Address, Json, Publish};
//! use parlor_server::{Server, Settings};
//!
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! let server = Server::start(Settings::default())?;
//! let app = axum::Router::new().route("/", axum::routing::get(async || "hello"));
//! let app: axum::Router = app.merge(server.router());
//!
//! let news = Json::of("hello, all of you")?;
//! server.publish(Publish::new(Address::Everyone, "news", news)).await?;
//! server.shutdown().await;
//! # Ok(())
//! # }
//! # tokio::runtime::Runtime::new().unwrap().block_on(example()).unwrap();
//! ```
//!
//! # The engine and its lanes
//!
//! One task, the engine, has the channel and its guard, so everything happens in one order: what clients
//! say, what back ends and the embedding program do, and what each client hears. A kick, a message to a
//! group and a list of rooms are one event each. With [`Settings::lanes`] above 1, that many tasks put
//! messages into the queues of connections, each for its share of the clients, and the order for each
//! connection is still that of the channel's outbox.
//!
//! # Who is who, and coming back
//!
//! The parameters of a socket are `user_id` (who it acts for, where nobody has to prove it), `token`
//! (who it acts for, where one has to; better offered as `authToken`) and `session`: any text that
//! the page has drawn at random and tells nobody. With a session, a client whose connection is lost
//! keeps its place for the grace (30 seconds, unless something else is set), and a connection with
//! the same user and session is that client again. A page that also asks for positions, by
//! `positions=on`, and gives back the last of each room misses nothing: `docs/wire.md` of the
//! repository has the lines. `senders=on` gives positions with senders and times. Whether the room still held
//! all that was missed, which takes a [history](parlor::EventDefinition::with_history), is in
//! `recovered`. Ids of clients are a keyed hash of user and session: nobody who sees one can tell the
//! session. The key is drawn at the start, unless [`Settings::session_key`] gives one.
//!
//! Without a session nobody could come back as that client, so it leaves everything at once. A client with
//! a session keeps its place also if it says good-bye: a page that will not come back leaves its rooms
//! first. Where no user is given and none has to be proved, one is drawn: `guest-` and something
//! random.
//!
//! A connection with the session of one that lives takes over: the old one is closed (4000), and
//! whatever becomes of it later does not concern the client any more. So a session is not for two
//! tabs, which would take over from each other for ever: past ten times in ten seconds, the newer
//! connection is refused (429), and the log warns of it.
//!
//! # The page
//!
//! At `/` is a page with rooms, messages and who is here, which needs nothing but a browser. It is a
//! Phoenix client of its own with a session a tab, so a tab that is loaded anew, or whose connection
//! was lost, is seen to stay. A tab that was closed says so, and disappears from other pages after a few
//! seconds; the server keeps its place for the grace. What the page sends are events
//! `message` with `{text, id}`, or `{text}` where a schema takes no more; the `id` tells whether a
//! message of which no answer was heard has arrived. Messages it shows are those with a `text`, or
//! whatever they are, as text. Who sent them is what the server says, since its socket asks for
//! `senders`. Presence metadata, `{away, typing, closed}`, shows that a user
//! is away, is typing or has closed the tab. Events would not do: in rooms that do not store them, a
//! returning client would count them as missed messages.
//!
//! A window stays in the last eight rooms that were open in it, as somebody who is away, until it
//! leaves one (×) or its tab is closed: so it counts what is said there, and a room shows among its
//! members and in its size those who have another one open.
//!
//! Which rooms there are it reads at `/rooms.json`: names, sizes and descriptions are for everybody
//! who is let in, as in the lists that clients of Dialogue ask for; with keys for tokens it takes
//! one (`Authorization: Bearer`), which the page asks for, or finds behind `#ROOM&token=`. It has at
//! most 200 rooms, those that the configuration declares, as it does, and the largest of the others, by
//! topic; it is made once a second at most, or more seldom where there are many. `clients_open_rooms`
//! (`"on"` or `"off"`) and `unlisted_topics` (`"create"` or `"refuse"`) in it are those of the
//! configuration, by which the page knows whether there can be other rooms; `listen_only` has the topics
//! in which who asks would be refused a `message` by the configuration or by rules, and has no field to
//! write in there. Elsewhere the field goes when a message was refused for who has sent it.
//!
//! What was said before it shows as far as rooms keep it: by default the last
//! [200](Settings::HISTORY) of `message`. [`Server::serve`] serves the page, unless
//! [`Settings::page`] turns it off; who mounts [`Server::router`] beside routes of its own adds
//! [`Server::page`] if it wants it.
//!
//! # Clients of Dialogue
//!
//! They come by Socket.IO, which begins by polling and goes on by WebSocket, in its one namespace.
//! What they show as `auth` is `token`, or where nobody has to prove it `userId` (or `user_id`), and
//! perhaps `session`. Who is not let in gets a `connect_error`. Clients of all protocols are in the
//! same rooms, and what they say reaches the others byte for byte. Events with attachments are
//! refused by `dialogue:error`.
//!
//! The client does not join again after a lost connection, so the server does: a new connection is
//! taken for the client of the same user that has lost its connection last, is a member of its rooms
//! again, and is sent what it has missed, as far as rooms remember: from what was last handed to the
//! connection that was lost, so what was on its way then is not sent again. With a `session`, it is
//! that of the same session, also where the old connection seems to live; without, a server that has
//! not seen yet that a connection is lost takes the new one for another client. When it finds the old one
//! dead, it closes the newest connection of that user that came meanwhile and has joined nothing (4002),
//! and the client that reconnects is the lost one. Several tabs of one
//! user need sessions of their own to be told from each other. A page that was loaded anew and joins
//! again gets what one gets who was not there. Who says good-bye, as the client's `disconnect()`
//! does, leaves everything at once.
//!
//! A connection that is closed is sent `parlor:closing` with code and reason, which clients that know
//! nothing of it ignore, and comes back by itself; but one that was put out or taken over from is
//! disconnected, and does not. A client that has to be silent for less than 45 seconds, by
//! [`idle_ms`](ConnectionLimits::idle_ms), is asked more often whether it lives. As many events as
//! have [`queue_bytes`](ConnectionLimits::queue_bytes) together, or twice
//! [`max_message_bytes`](ConnectionLimits::max_message_bytes) if that is more, may wait to be read; more is
//! too much.
//!
//! # Settings
//!
//! Flags (`--help`) and a file in TOML, `--config FILE`: rooms by pattern, schemas of events, limits,
//! keys for tokens, allowed origins, rules by claim. `parlor-server.example.toml` has all keys, with
//! what each is for. [`Settings::from_toml`] reads the same for a program of one's own, which may
//! then change what it likes.
//!
//! Without a key, everybody is let in as whom they say they are. With one, a connection takes a JSON
//! Web Token, signed by HS256, RS256 or ES256: its `sub` is the user, and the connection ends when
//! it expires. Rules see its claims.
//!
//! # Why connections are closed
//!
//! | code | why |
//! | --- | --- |
//! | 1001 | the client was put out (the reason is that of the kick), or it said nothing for [`idle_ms`](ConnectionLimits::idle_ms) |
//! | 1002 | what it sent is no frame of WebSocket |
//! | 1007 | what it sent is no JSON or no UTF-8 |
//! | 1008 | what it sent is no frame of its protocol, or too much in a [window](ConnectionLimits::events_per_window), or its token has expired |
//! | 1009 | a message was longer than [`max_message_bytes`](ConnectionLimits::max_message_bytes) |
//! | 1011 | a defect of the server |
//! | 1012 | the server goes, and perhaps comes back |
//! | 1013 | a [`Limit`](parlor::Limit) of channels, such as of clients, is reached, or they have crashed |
//! | 4000 | a newer connection of the same client has taken over |
//! | 4001 | too slow: more live messages waited than [`queue_items`](ConnectionLimits::queue_items) or [`queue_bytes`](ConnectionLimits::queue_bytes), or nothing was taken for [`idle_ms`](ConnectionLimits::idle_ms); the reason says which |
//! | 4002 | Dialogue only: an earlier connection of the user was found dead, and this one seems to be its client. When it reconnects it is that client again, in its rooms |
//!
//! Never 1000: many releases of the npm client stay away for good when they see it. The server
//! rejects a connection with an HTTP status: 403 for a version other than 2.0, an origin that is not
//! allowed or failed authentication; 400 for a Socket.IO 2 client; 429 or 503 for too many connections,
//! and 429 when connections of one session take over from each other too often.
//!
//! Nothing for a connection is dropped in silence. A client that does not keep up with live messages is
//! closed, and comes back by `since`. Answers to its own requests (replies, missed messages, pages,
//! lists, presence states) go out as it reads and never close it, however large they are. It has one join,
//! one page and one list under way at a time; further ones wait, and so they do while much waits for it. If a
//! topic says more than can wait behind the client's own answer, that one membership ends with `phx_error`,
//! and the client joins again with its position.
//! A client whose messages the engine has no room for is not read until it has.
//!
//! # The journal
//!
//! With [`Settings::journal`] `FILE`, the engine records in `FILE` what goes into the channel, and in
//! `FILE.config.json` how it is configured; so all that the server did can be replayed exactly:
//!
//! ```text
//! parlor --config FILE.config.json FILE
//! ```
//!
//! It holds all that clients say, and the user ids and claims of who says it.
//!
//! # History
//!
//! Rooms remember in memory what their events say, such as the last hundred messages. With
//! [`Settings::history`] `FILE`, all of that is written into a file of SQLite as well, by threads of
//! its own, and pages go on there where memory ends. So they reach back over
//! restarts, also after `kill -9`, which costs the messages of the last moments at most.
//!
//! A room that is made anew, as after a restart, begins with an empty memory, a new epoch, and offsets
//! from 1. Messages of earlier rooms of its topic come after its own on its pages, and say their `epoch`.
//! A room that was opened, by a client or by the server, is a thing of its own: nothing from before
//! is shown in it, and nothing of it once it has gone or been closed. What is deleted when, and what
//! becomes of messages when the disk can't keep up, is said at [`HistorySettings`].
//!
//! # Looking inside
//!
//! The page at `/inspect` shows what goes into channels and what comes out, as it happens, rooms with
//! their sizes, clients with their queues, and how the engine does. Anybody may load the page; what it shows is
//! for those who show the key of operators ([`OperatorKey`]) or, where there is none, the token that is
//! drawn at each start ([`Server::look_token`], [`Settings::same_machine`]): the program logs a link with it.
//! It shows what users say, and the claims of their tokens. The same by `curl -N`:
//!
//! | path | what | asked for by |
//! | --- | --- | --- |
//! | `/inspect/stream` | server-sent events, a line of JSON each | `topic`, `client`, `kind` (labels, with commas between them), `way` (`in`, `out`), `payloads=0` (not what is said) |
//! | `/inspect/rooms` | the largest first | `text` (in the topic), `start`, `limit` (up to 500) |
//! | `/inspect/clients` | the fullest queue first | `text` (in the id or user), `limit` (up to 500) |
//! | `/inspect/engine` | what waits for it, its lanes and all connections, and what the channel counts | |
//!
//! A line has the `number` of the event (the line of the journal that has it; of what
//! comes out, that of the event before it), `at_ms`, `way`, `kind`, what it is about, to how many it
//! goes with the first five of them (`to`), and as `body` what a journal or an observer has, without
//! recipients; of what is longer than 2 kB, `body_start`. Behind each event stands what it has brought
//! about. Ticks are shown where `kind` names them.
//!
//! Up to 16 may watch. For each, 2,000 lines or 1 MiB wait; what does not fit is counted, and the
//! count sent where it would stand, as an event named `skipped`. The engine never waits for one who
//! watches, and where nobody does, nothing is written.
//!
//! # For back ends
//!
//! At `/api` a back end does what only the server may do. It shows the [key of operators](OperatorKey) as
//! `Authorization: Bearer KEY`. `/api/openapi.json` describes it all, and `docs/api.md` of the
//! repository has lines to try.
//!
//! | request | does |
//! | --- | --- |
//! | `POST /api/publish` | sends a message to a topic, a group, a user, a client or everyone; an `id` makes it safe to repeat where the room remembers ids |
//! | `POST /api/kick` | puts out a client, or all of a user, of a topic or of everything |
//! | `GET /api/rooms` | the rooms, by `start` and `limit` |
//! | `POST /api/rooms` | opens one |
//! | `GET`, `DELETE /api/rooms/{topic}` | what it is like; closes it |
//! | `GET /api/rooms/{topic}/members`, `…/presences` | who is in it, by `start` and `limit` |
//! | `PATCH /api/groups/{group}` | adds topics to a group, and takes topics out |
//! | `GET /api/users/{user}/clients` | the clients of a user |
//! | `GET /api/clients/{client}/topics` | where a client is a member |
//!
//! Payloads go to clients byte for byte. A refused request is answered by problem JSON (RFC 9457), whose
//! `reason` is stable and often that of a [`Refusal`](parlor::Refusal), and whose `detail` says what
//! was expected. Rules and schemas are about what clients say: a back end may say anything.
//!
//! # Logs
//!
//! By `tracing`: connections that come and go, and why, as `info`; events by client and topic, and
//! what was refused, as `debug`. The log has neither tokens nor messages. Connections that are not
//! let in have a hundred lines in ten seconds at most, for each reason, and the next line says how many
//! were left out (`untold`).
//!
//! # Figures
//!
//! `/metrics` is text of OpenMetrics, for those who may look inside: connections and why they end, rooms,
//! events, deliveries, refusals, what waits, how long things take, and who came back with a gap. No
//! label is what a client has said. `/healthz` is for everybody: 200 if clients are served, 503 if the
//! engine does not answer or the server goes. What each figure is, and how to run a server, is in
//! `docs/operations.md` of the repository.
#![forbid(unsafe_code)]

mod api;
mod auth;
mod claim;
mod clock;
mod close;
mod dialogue;
mod elsewhere;
mod engine;
mod epoch;
mod health;
mod history;
mod hub;
mod inspect;
mod journal;
mod listen;
mod listing;
mod metrics;
mod names;
mod openings;
mod operations;
mod operators;
mod origins;
mod page;
mod parked;
mod patience;
mod peers;
mod phoenix;
mod problem;
mod query;
mod queue;
mod random;
mod refused;
mod registry;
mod router;
mod rules;
mod schema;
mod server;
mod sessions;
mod settings;
mod takeovers;
mod telling;

pub use self::{
    auth::{AuthError, AuthSettings, Authenticator, Identity, KeyError},
    history::{HistoryReach, HistorySettings, HistoryStats, HistorySync},
    operations::{OperationError, Published},
    operators::{InvalidOperatorKey, OperatorKey, SameMachine},
    origins::{AllowedOrigin, InvalidOrigin, Origins},
    page::ServedPage,
    router::router,
    rules::Rules,
    schema::Schemas,
    server::{Server, StartError},
    settings::{
        ConnectionLimits, Flags, GuardFactory, LogDrops, Observer, Settings, SettingsError,
    },
};
