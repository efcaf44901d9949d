// A1: a page that missed a lot comes back, over a line that carries 1 MB/s.

import { CONFIGS } from "./configs.mjs";
import { item } from "./lib/items.mjs";
import { Client, load, reply } from "./lib/phoenix.mjs";
import { SlowLine } from "./lib/slow.mjs";
import { assert, eventually } from "./lib/wait.mjs";
import { isEvent, lose } from "./phoenix/spoils.mjs";
import { recovery } from "./recover.mjs";

const BYTES_PER_SECOND = 1_000_000;
const ROOMS = 60;
const QUEUE_BYTES = 4 << 20;
const QUEUE_ITEMS = 4_096;
const PATIENCE_MS = 90_000;

/** What is missed: how many messages in each room, and how long they are. */
const MISSED = {
  "just below the bytes of a queue": { messages: 10, bytes: Math.floor((0.95 * QUEUE_BYTES) / (10 * ROOMS)) },
  "just above the bytes of a queue": { messages: 10, bytes: Math.ceil((1.05 * QUEUE_BYTES) / (10 * ROOMS)) },
  "just below the items of a queue": { messages: Math.floor((0.98 * QUEUE_ITEMS) / ROOMS), bytes: 10 },
  "just above the items of a queue": { messages: Math.ceil((1.02 * QUEUE_ITEMS) / ROOMS), bytes: 10 },
  "far above a queue": { messages: 20, bytes: Math.ceil(24_000_000 / (20 * ROOMS)) },
};

export const pacing = Object.entries(MISSED).map(([how, missed], n) =>
  item(`P${n + 1}`, `A1: a slow line and ${ROOMS} rooms, ${how}: all is recovered`, (t) => comesBack(t, missed),
    { slowMs: 2 * PATIENCE_MS, serial: true, spoil: n === 0 ? lose("got", (frame) => isEvent("n")(frame) && frame[4].n === 3) : undefined }));

async function comesBack(t, { messages, bytes }) {
  const server = await t.server(CONFIGS.patient);
  const line = await SlowLine.before(server.port, BYTES_PER_SECOND);
  t.later(line, () => line.stop());
  const upstream = await t.url({ url: line.url });
  const resume = recovery(load(t.version).Serializer);
  // It stays away until everything has been said.
  let isAway = false;
  const client = new Client(t.version, upstream, {
    user: "ann",
    params: resume.socketParams,
    decode: resume.decode,
    reconnectAfterMs: () => (isAway ? 3_600_000 : 20),
    rejoinAfterMs: undefined,
  });
  t.later(client, () => client.disconnect());
  await client.connect();

  const rooms = Array.from({ length: ROOMS }, (_, n) => ({ topic: `open:${n}`, heard: [], replies: [] }));
  const gaps = [];
  for (const room of rooms) {
    room.channel = client.socket.channel(room.topic, resume.params(room.topic));
    room.channel.on("n", ({ n }) => room.heard.push(n));
    const join = resume.join(room.channel, (gap) => gaps.push(gap));
    join.receive("ok", (response) => room.replies.push(response));
  }
  await eventually("all rooms are joined", () => rooms.every(({ replies }) => replies.length === 1));

  isAway = true;
  line.cut();
  await eventually("the line is cut", () => client.record.closes.length === 1);
  const talker = await t.client({ server, user: "talker" });
  const payload = "x".repeat(bytes);
  for (const { topic } of rooms) {
    const channel = await talker.join(topic);
    const said = Array.from({ length: messages }, (_, n) => reply(channel.push("n", { n: n + 1, payload }), "a message", PATIENCE_MS));
    for (const answer of await Promise.all(said)) assert.equal(answer.status, "ok");
  }

  isAway = false;
  const began = performance.now();
  client.socket.disconnect(() => client.socket.connect());
  await eventually("all is heard", () => rooms.every(({ heard }) => heard.at(-1) === messages), PATIENCE_MS);
  const took = Math.round(performance.now() - began);
  const all = Array.from({ length: messages }, (_, n) => n + 1);
  for (const { topic, heard, replies } of rooms) {
    assert.deepEqual(heard, all, topic);
    assert.ok(replies.slice(1).every(({ recovered }) => recovered), `${topic}: ${JSON.stringify(replies)}`);
  }
  assert.deepEqual(gaps, []);
  const codes = client.record.closes.map(({ code }) => code);
  assert.ok(!codes.includes(4001), `closed with ${codes}`);
  const connections = client.record.connections.length;
  assert.ok(connections <= 3, `${connections} connections`);
  return `${Math.round((messages * bytes * ROOMS) / 1_000)} kB in ${took} ms, ${connections} connections`;
}
