// S1 to S4: clients that say which page they are, and so come back as themselves.

import { CONFIGS, token } from "../configs.mjs";
import { item } from "../lib/items.mjs";
import { collected, reply } from "../lib/phoenix.mjs";
import { assert, eventually } from "../lib/wait.mjs";
import { isEvent, lose } from "./spoils.mjs";

const isDiff = isEvent("presence_diff");
const NEVER = { reconnectAfterMs: () => 3_600_000 };

/** Somebody who sees who comes and goes. */
async function watcher(t, server, topic) {
  const client = await t.client({ server, user: "zoe" });
  const channel = client.socket.channel(topic);
  const watching = client.presence(channel);
  await reply(channel.join());
  return { client, channel, watching };
}

export const sessions = [
  item("S1", "with a session, who loses the line and is back has never left for others", async (t) => {
    const topic = t.topic();
    const { client, channel, watching } = await watcher(t, undefined, topic);
    const ann = await t.client({ user: "ann", params: { session: crypto.randomUUID() } });
    const joined = await ann.join(topic);
    await watching.shows({ ann: 1, zoe: 1 });
    const refs = watching.refs;
    const diffs = client.record.got(isDiff).length;
    for (const way of ["cut", "reset"]) {
      const joinRef = joined.joinRef();
      ann.record.current[way]();
      await eventually("joined again", () => joined.state === "joined" && joined.joinRef() !== joinRef);
    }
    await reply(channel.push("fence", {}));
    assert.deepEqual(watching.refs, refs);
    assert.equal(client.record.got(isDiff).length, diffs, "nothing was announced");
    const heard = collected(channel, "hello");
    await reply(joined.push("hello", {}));
    await eventually("it is heard", () => heard.length === 1);
  }, { spoil: lose("got", isDiff) }),

  item("S2", "who does not come back leaves when the grace is over, once", async (t) => {
    const server = await t.server(CONFIGS.graceful);
    const { client, watching } = await watcher(t, server, "room:1");
    const ann = await t.client({ server, user: "ann", params: { session: "one" }, ...NEVER });
    await ann.join("room:1");
    await watching.shows({ ann: 1, zoe: 1 });
    const began = performance.now();
    ann.record.current.cut();
    await watching.shows({ zoe: 1 });
    const took = performance.now() - began;
    assert.ok(took > 700, `after ${Math.round(took)} ms, expected 800 or more`);
    assert.equal(client.record.got((frame) => isDiff(frame) && "ann" in frame[4].leaves).length, 1);
  }, { spoil: lose("got", isDiff) }),

  item("S3", "a newer connection of a session takes over: the older is closed with 4000", async (t) => {
    const topic = t.topic();
    const { watching } = await watcher(t, undefined, topic);
    const session = crypto.randomUUID();
    const older = await t.client({ user: "ann", params: { session }, ...NEVER });
    await older.join(topic);
    const newer = await t.client({ user: "ann", params: { session } });
    const channel = await newer.join(topic);
    await eventually("closed", () => older.record.closes.length === 1);
    assert.equal(older.record.closes[0].code, 4000);
    assert.equal(channel.joinedWith.rejoined, true);
    await watching.shows({ ann: 1, zoe: 1 });
    assert.equal((await reply(channel.push("hello", {}))).status, "ok");
  }),

  item("S4", "the session of another user is of no use", async (t) => {
    const server = await t.server(CONFIGS.tokens);
    const session = "guessed";
    const exp = Math.floor(Date.now() / 1000) + 600;
    const params = (sub) => ({ session, token: token({ sub, exp }) });
    const ann = await t.client({ server, params: params("ann") });
    await ann.join("room:1");
    const mallory = await t.client({ server, params: params("mallory") });
    const channel = await mallory.join("room:1");
    assert.equal(channel.joinedWith.rejoined, false);
    await ann.fence();
    assert.equal(ann.record.closes.length, 0);
  }),
];
