// C35: what happens to many when the server restarts.

import { CONFIGS } from "../configs.mjs";
import { item } from "../lib/items.mjs";
import { reply } from "../lib/phoenix.mjs";
import { assert, eventually } from "../lib/wait.mjs";
import { isEvent, lose } from "./spoils.mjs";

const CLIENTS = 100;

const restarted = (name, says, signal) => item(name, says, async (t) => {
  const server = await t.server(CONFIGS.fast);
  const url = await t.url(server);
  const all = await Promise.all(Array.from({ length: CLIENTS }, async (_, n) => {
    // Spread, as the client's own delays do, over the time that a restart takes.
    const client = await t.client({ url, user: `user-${n}`, reconnectAfterMs: (tries) => Math.min(50 * tries, 500) });
    const channel = client.socket.channel("room:1");
    const watching = client.presence(channel);
    await reply(channel.join());
    return { client, channel, watching };
  }));
  const everyone = Object.fromEntries(all.map((_, n) => [`user-${n}`, 1]).sort(([a], [b]) => (a < b ? -1 : 1)));
  for (const { watching } of all) await watching.shows(everyone);
  const joinRefs = all.map(({ channel }) => channel.joinRef());

  await server.stop(signal);
  await eventually("all closed", () => all.every(({ client }) => client.record.closes.length > 0));
  const codes = new Set(all.map(({ client }) => client.record.closes[0].code));
  const began = performance.now();
  await server.again();
  await eventually("all joined again", () => all.every(({ channel }, n) => channel.state === "joined" && channel.joinRef() !== joinRefs[n]));
  for (const { watching } of all) await watching.shows(everyone);
  const took = Math.round(performance.now() - began);

  const [first, ...others] = all.map(({ watching }) => watching.refs);
  assert.equal(new Set(first).size, CLIENTS, "no duplicate");
  for (const refs of others) assert.deepEqual(refs, first, "all lists are equal");
  assert.equal((await reply(all[0].channel.push("hello", {}))).status, "ok");
  for (const { client } of all) {
    await eventually("everyone hears", () => client.record.got(isEvent("hello")).length === 1);
  }
  assert.deepEqual([...codes], [signal === "SIGKILL" ? 1006 : 1012]);
  return `${CLIENTS} clients, ${took} ms from the start to the last equal list`;
}, { slowMs: 120_000, serial: true, spoil: lose("got", (frame) => isEvent("presence_diff")(frame) && "user-7" in frame[4].joins) });

export const restart = [
  restarted("C35", "a restart: 100 clients join again, presence converges, no duplicate", "SIGTERM"),
  restarted("C35-kill", "the same after the server was killed", "SIGKILL"),
];
