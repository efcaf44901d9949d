// What Dialogue's items have at hand.

import { CONFIGS } from "../configs.mjs";
import { item } from "../lib/items.mjs";
import { Dialogue } from "../lib/dialogue.mjs";
import { Server } from "../lib/server.mjs";

let shared;

/** An item on a server with Dialogue's rooms: `at(user)` gives a client that is connected. */
export const spoken = (name, says, test, { config, ...options } = {}) => item(name, says, async (t) => {
  const server = config === undefined ? await common(t) : await t.server(config);
  const make = (user, more = {}) => {
    const { auth, url = server.http, ...rest } = more;
    const client = new Dialogue(url, auth ?? { userId: user }, { spoil: t.spoil, ...rest });
    return t.later(client, () => client.disconnect());
  };
  return test({ t, server, make, at: (user, more) => make(user, more).connect() });
}, options);

/** Rooms that tests make are named by them, so that one server does for all of them. */
async function common(t) {
  shared ??= Server.start(t.servers.binary, CONFIGS.dialogue);
  return shared;
}

export async function putAway() {
  if (shared !== undefined) await (await shared).dispose();
}
