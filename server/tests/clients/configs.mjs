// The configurations that items start servers with.

import { createHmac } from "node:crypto";

const SECRET = "a secret of at least thirty-two bytes, for tests";

const MANY = `
[connections]
events_per_window = 1_000_000
window_ms = 1_000
`;

export const CONFIGS = {
  /** What tests share: as by default, but as fast as they like, and with Phoenix's 100 channels. */
  shared: { toml: `${MANY}\nmax_topics = 100\n` },

  /** Only rooms that are listed, or that clients open. */
  rooms: {
    toml: `
unlisted_topics = "refuse"
clients_open_rooms = "on"

[[rooms]]
pattern = "open:*"

[[rooms]]
pattern = "full:*"
max_members = 1
`,
  },

  /** Little of everything. */
  limits: {
    toml: `
[connections]
max_topics = 3
idle_ms = 1_500
max_message_bytes = 65_536
`,
  },

  tokens: { toml: `[auth]\nhs256_secret = "${SECRET}"\n` },

  /** No limit on what tests say, and enough history for all of it. */
  fast: {
    toml: `
grace_ms = 30_000

[[rooms]]
pattern = "open:*"
events = [{ name = "*", history = 5_000 }]

${MANY}`,
  },

  /** The same, where a client may take minutes until it has all that it missed. */
  patient: {
    toml: `
grace_ms = 300_000

[[rooms]]
pattern = "open:*"
events = [{ name = "*", history = 5_000 }]

${MANY}`,
  },

  graceful: { toml: "grace_ms = 800\n" },

  /** History of five messages. */
  forgetful: {
    toml: `
[[rooms]]
pattern = "open:*"
events = [{ name = "*", history = 5 }]

${MANY}`,
  },

  dialogue: {
    toml: `
unlisted_topics = "refuse"
clients_open_rooms = "on"

[[rooms]]
pattern = "general"
name = "General Chat"
description = "For everyone"
client_events = "listed"
default_subscriptions = ["message"]
history_on_join = { total = 3 }
presence = "off"

[[rooms.events]]
name = "message"
history = 100
schema = { type = "object", required = ["text"], properties = { text = { type = "string", minLength = 1 } } }

[[rooms.events]]
name = "typing"

[[rooms]]
pattern = "small"
max_members = 1

[[rooms]]
pattern = "quiet"
default_subscriptions = []

[[rooms]]
pattern = "staff"

[[rooms]]
pattern = "any"
events = [{ name = "*", history = 200 }]

[[rules]]
pattern = "staff"
action = "join"
allow = "nobody"

${MANY}`,
  },
};

/** A JSON Web Token as an application would issue it. */
export function token(claims) {
  const encoded = [{ alg: "HS256", typ: "JWT" }, claims].map((part) => Buffer.from(JSON.stringify(part)).toString("base64url"));
  const signed = encoded.join(".");
  return `${signed}.${createHmac("sha256", SECRET).update(signed).digest("base64url")}`;
}
