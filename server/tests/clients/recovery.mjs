// The two-second-drop test: what clients get while their connections are cut again and again.

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { CONFIGS } from "./configs.mjs";
import { Between } from "./lib/between.mjs";
import { Cutter } from "./lib/cutter.mjs";
import { item } from "./lib/items.mjs";
import { Client, load, reply } from "./lib/phoenix.mjs";
import { assert, eventually, sleep } from "./lib/wait.mjs";
import { isEvent, lose, on } from "./phoenix/spoils.mjs";
import { missed, recovery } from "./recover.mjs";

// A minute of cuts every two seconds is the test as others run it; the short one is the same, faster.
const FULL = process.env.PARLOR_RECOVERY === "full";
const CUT_EVERY_MS = FULL ? 2_000 : 300;
const LENGTH_MS = FULL ? 60_000 : 4_000;
const MESSAGE_EVERY_MS = FULL ? 50 : 10;
const CLIENTS = 10;
const isReply = isEvent("phx_reply");
const withoutPosition = (frame) => [...frame.slice(0, 4), { status: "ok", response: { ...frame[4].response, recovered: true } }];
const TOPIC = "open:recovery";

export const recovering = [
  item("R1", "cut every now and then: with the snippet nothing is missed", async (t) => {
    const server = await t.server(CONFIGS.fast);
    const cutter = await Cutter.before(server.port, CUT_EVERY_MS);
    t.later(cutter, () => cutter.stop());
    const url = `ws://127.0.0.1:${cutter.port}/socket`;
    const [snippet, plain] = [[], []];
    for (let n = 0; n < CLIENTS; n += 1) {
      snippet.push(await listener(t, url, `kept-${n}`, recovery(load(t.version).Serializer)));
      plain.push(await listener(t, url, `plain-${n}`));
    }
    const total = await talk(t, server);

    const isThrough = (it) => it.heard.at(-1) === total - 1 || it.gaps.length > 0;
    await eventually("the last message everywhere", () => snippet.every(isThrough)).catch(() => {});
    const [kept, lost] = [tally(snippet, total), tally(plain, total)];
    const said = `${CLIENTS} clients, ${total} messages, ${cutter.cuts} cuts: with the snippet ${kept.text}; without ${lost.text}`;
    console.log(`figure recovery ${t.version} ${said}`);
    assert.ok(lost.missed > 0, `nothing was cut: ${said}`);
    assert.ok(kept.missedInSilence === 0, said);
    assert.equal(kept.repeated, 0, said);
    assert.equal(kept.disordered, 0, said);
    return said;
  }, { slowMs: LENGTH_MS + 60_000, serial: true }),

  item("R2", "what was forgotten meanwhile is said to be a gap", async (t) => {
    const server = await t.server(CONFIGS.forgetful);
    const { client, gaps, heard } = await page(t, server, { reconnectAfterMs: () => 600 });
    const talker = await t.client({ server });
    const said = await talker.join(TOPIC);
    await reply(said.push("n", { n: 0 }));
    await eventually("the first", () => client.record.got((frame) => frame[3] === "n").length === 1);
    client.record.current.cut();
    for (let n = 1; n <= 20; n += 1) await reply(said.push("n", { n }));
    await eventually("the last", () => heard.at(-1) === 20);
    assert.equal(gaps.length, 1);
    const [{ since, until }] = gaps;
    const missed = Array.from({ length: 21 }, (_, n) => n).filter((n) => !heard.includes(n));
    assert.ok(missed.length > 0, "nothing was forgotten");
    assert.ok(missed.every((n) => n + 1 > since.offset && n + 1 <= until.offset), `${missed} in ${JSON.stringify(gaps[0])}`);
    assert.deepEqual(heard, [...new Set(heard)].sort((a, b) => a - b));
  }),

  item("R3", "a restart is told as a gap, and all goes on from there", async (t) => {
    const server = await t.server(CONFIGS.fast);
    const { client, channel, gaps, heard } = await page(t, server, {});
    await reply(channel.push("n", { n: 0 }));
    await reply(channel.push("n", { n: 1 }));
    const { epoch } = channel.joinedWith;
    await server.stop();
    await server.again();
    await eventually("the gap", () => gaps.length === 1 && channel.state === "joined");
    assert.deepEqual([gaps[0].since, gaps[0].until.offset], [{ epoch, offset: 2 }, 0]);
    assert.notEqual(gaps[0].until.epoch, epoch, "epochs never come again");
    await reply(channel.push("n", { n: 2 }));
    await cutAndBack(client, channel);
    await reply(channel.push("n", { n: 3 }));
    await eventually("all", () => heard.length === 4);
    assert.deepEqual([heard, gaps.length], [[0, 1, 2, 3], 1]);
  }, { spoil: on("got", isReply, withoutPosition) }),

  item("R4", "messages of bytes are recovered too, once and in order", async (t) => {
    const server = await t.server(CONFIGS.fast);
    const { client, channel, gaps, heard } = await page(t, server, { reconnectAfterMs: () => 600 });
    const talker = await (await t.client({ server })).join(TOPIC);
    const say = (n) => reply(talker.push("n", n % 2 === 0 ? { n } : new Uint8Array([n]).buffer));
    for (let n = 0; n < 4; n += 1) await say(n);
    await eventually("the first four", () => heard.length === 4);
    client.record.current.cut();
    for (let n = 4; n < 8; n += 1) await say(n);
    await eventually("all", () => heard.length >= 8);
    await cutAndBack(client, channel);
    await client.fence();
    assert.deepEqual([heard, gaps], [[0, 1, 2, 3, 4, 5, 6, 7], []]);
  }, { spoil: (frame) => (frame instanceof Uint8Array && frame.at(-1) === 5 ? null : frame) }),

  item("R7", "what a gap leaves out is loaded from history, each message once", async (t) => {
    const directory = mkdtempSync(join(tmpdir(), "parlor-gap-"));
    t.later(directory, () => rmSync(directory, { recursive: true, force: true }));
    const server = await t.server({ ...CONFIGS.forgetful, flags: ["--history", join(directory, "history.sqlite")] });
    // It stays away until everything has been said.
    const { client, channel, gaps, heard } = await page(t, server, { reconnectAfterMs: () => 3_600_000 });
    const talker = await (await t.client({ server })).join(TOPIC);
    const say = (n) => reply(talker.push("n", { n }));
    await say(0);
    await eventually("the first", () => heard.length === 1);
    client.record.current.cut();
    for (let n = 1; n <= 120; n += 1) await say(n);
    client.socket.disconnect(() => client.socket.connect());
    await eventually("the last", () => heard.at(-1) === 120);
    await say(121);
    assert.equal(gaps.length, 1);
    const loaded = [];
    for await (const { payload } of missed(channel, gaps[0], "n")) loaded.unshift(payload.n);
    const all = Array.from({ length: 122 }, (_, n) => n);
    assert.deepEqual([heard[0], ...loaded, ...heard.slice(1)], all);
    assert.ok(loaded.length > 100, `${loaded.length} were loaded, so it was one page`);
  }),

  item("R8", "a line that is lost again at the gap misses nothing of what is sent again", async (t) => {
    const directory = mkdtempSync(join(tmpdir(), "parlor-gap-"));
    t.later(directory, () => rmSync(directory, { recursive: true, force: true }));
    const server = await t.server({ ...CONFIGS.forgetful, flags: ["--history", join(directory, "history.sqlite")] });
    // The first line that carries an answer with a gap carries nothing after it.
    let state = "alive";
    const lost = [];
    const between = await Between.before(server.url, (frame, way) => {
      if (way !== "got") return frame;
      if (state === "dead") lost.push(frame);
      const passes = state === "dead" ? null : frame;
      const { recovered, offset } = isReply(frame) ? frame[4].response : {};
      if (state === "alive" && recovered === false && offset > 0) state = "dead";
      return passes;
    });
    t.later(between, () => between.stop());
    const { client, channel, gaps, heard } = await page(t, server, { url: between.url, reconnectAfterMs: () => 3_600_000 });
    const talker = await (await t.client({ server })).join(TOPIC);
    const say = (n) => reply(talker.push("n", { n }));
    await say(0);
    await eventually("the first", () => heard.length === 1);
    client.record.current.cut();
    for (let n = 1; n <= 20; n += 1) await say(n);
    client.socket.disconnect(() => client.socket.connect());
    await eventually("all that is sent again is lost", () => gaps.length === 1 && lost.filter(isEvent("n")).length === 5);
    state = "mended";
    assert.deepEqual(heard, [0]);
    client.socket.disconnect(() => client.socket.connect());
    await eventually("the last", () => heard.at(-1) === 20);
    assert.deepEqual(heard, [0, 16, 17, 18, 19, 20]);
    assert.deepEqual(gaps.map(({ since, until }) => [since.offset, until.offset]), [[1, 1], [1, 21]]);
    const loaded = [];
    for (const gap of gaps) {
      for await (const { payload } of missed(channel, gap, "n")) loaded.unshift(payload.n);
    }
    assert.deepEqual([...heard, ...loaded].sort((a, b) => a - b), Array.from({ length: 21 }, (_, n) => n));
  }),

  item("R9", "what a gap leaves out between other messages is loaded too", async (t) => {
    const toml = `[[rooms]]\npattern = "open:*"\nevents = [{ name = "n", history = 1 }, { name = "other", history = 9 }, { name = "gone" }]`;
    const directory = mkdtempSync(join(tmpdir(), "parlor-gap-"));
    t.later(directory, () => rmSync(directory, { recursive: true, force: true }));
    const server = await t.server({ toml, flags: ["--history", join(directory, "history.sqlite")] });
    const { client, channel, gaps, heard } = await page(t, server, { reconnectAfterMs: () => 3_600_000 });
    const talker = await (await t.client({ server })).join(TOPIC);
    const say = (n, event = "n") => reply(talker.push(event, { n }));
    await say(0);
    await eventually("the first", () => heard.length === 1);
    client.record.current.cut();
    await say(1, "other");
    await say(2);
    await say(3);
    client.socket.disconnect(() => client.socket.connect());
    await eventually("the last", () => heard.at(-1) === 3);
    await say(4);
    assert.deepEqual([heard.slice(0, 2), gaps.length], [[0, 3], 1]);
    const loaded = [];
    for await (const { payload } of missed(channel, gaps[0])) loaded.push(payload.n);
    assert.deepEqual(loaded, [2]);
    // Where nothing is sent again, a gap is told once.
    await eventually("it goes on", () => heard.at(-1) === 4);
    client.record.current.cut();
    await say(5, "gone");
    client.socket.disconnect(() => client.socket.connect());
    await eventually("the second gap", () => gaps.length === 2);
    await reply(channel.push("parlor:history", {}));
    const joinRef = channel.joinRef();
    client.socket.disconnect(() => client.socket.connect());
    await eventually("joined again", () => channel.state === "joined" && channel.joinRef() !== joinRef);
    const joins = client.record.got(isReply).map((frame) => frame[4].response.recovered);
    assert.deepEqual(joins.filter((recovered) => recovered !== undefined), [false, false, false, true]);
    assert.deepEqual(gaps.map(({ since, until }) => [since.offset, until.offset]), [[1, 4], [5, 6]]);
  }),

  item("R5", "A8: leaving and joining while messages are on their way shows none of them twice", async (t) => {
    const server = await t.server(CONFIGS.fast);
    const resume = recovery(load(t.version).Serializer);
    const client = await t.client({ server, params: resume.socketParams, decode: resume.decode });
    const talker = await (await t.client({ server })).join(TOPIC);
    const [gaps, heard] = [[], []];
    const enter = async () => {
      const channel = client.socket.channel(TOPIC, resume.params(TOPIC));
      channel.on("n", ({ n }) => heard.push(n));
      await reply(resume.join(channel, (gap) => gaps.push(gap)));
      return channel;
    };
    let channel = await enter();
    let total = 0;
    for (let round = 0; round < 20; round += 1) {
      const said = [];
      const say = (count) => {
        for (let i = 0; i < count; i += 1) said.push(reply(talker.push("n", { n: (total += 1) })));
      };
      say(5);
      await said.at(-1);
      say(10);
      channel.leave();
      channel = await enter();
      await Promise.all(said);
    }
    await client.fence();
    await eventually("the last", () => heard.at(-1) === total);
    const all = Array.from({ length: total }, (_, n) => n + 1);
    assert.deepEqual([heard, gaps], [all, []]);
    const sent = client.record.got(isEvent("n")).length;
    assert.ok(sent > total, "no message was on its way twice, so nothing was shown");
    return `${sent - total} of ${sent} were on their way twice`;
  }, { spoil: on("got", isEvent("n"), (frame) => (frame[5] ? [...frame.slice(0, 5), { ...frame[5], epoch: frame[5].epoch + 1 }] : frame)) }),

  item("R6", "A8: binary messages beside a subscription that leaves names out come once and in order", async (t) => {
    const server = await t.server(CONFIGS.fast);
    const { client, channel, gaps, heard } = await page(t, server, { reconnectAfterMs: () => 600 });
    assert.equal((await reply(channel.push("parlor:subscribe", { event: "n" }))).status, "ok");
    assert.equal((await reply(channel.push("parlor:unsubscribe", { event: "*" }))).status, "ok");
    const talker = await (await t.client({ server })).join(TOPIC);
    const say = (n) => reply(talker.push("n", new Uint8Array([n]).buffer));
    const other = () => reply(talker.push("other", {}));
    for (let n = 1; n <= 3; n += 1) {
      await other();
      await say(n);
    }
    await eventually("the first three", () => heard.length === 3);
    client.record.current.cut();
    for (let n = 4; n <= 6; n += 1) {
      await other();
      await say(n);
    }
    await eventually("all", () => heard.length >= 6);
    await cutAndBack(client, channel);
    await client.fence();
    assert.deepEqual([heard, gaps], [[1, 2, 3, 4, 5, 6], []]);
  }, { spoil: lose("got", isEvent("parlor:position")) }),
];

/** A page with the snippet, in the topic: numbers that it heard, and gaps that it was told. */
async function page(t, server, options) {
  const resume = recovery(load(t.version).Serializer);
  const client = await t.client({ server, params: resume.socketParams, decode: resume.decode, ...options });
  const channel = client.socket.channel(TOPIC, resume.params(TOPIC));
  const [gaps, heard] = [[], []];
  channel.on("n", (payload) => heard.push(payload instanceof ArrayBuffer ? new Uint8Array(payload)[0] : payload.n));
  const { response } = await reply(resume.join(channel, (gap) => gaps.push(gap)));
  channel.joinedWith = response;
  return { client, channel, gaps, heard };
}

async function cutAndBack(client, channel) {
  const joinRef = channel.joinRef();
  client.record.current.cut();
  await eventually("joined again", () => channel.state === "joined" && channel.joinRef() !== joinRef);
}

/** A client that counts what it hears. */
async function listener(t, url, user, resume) {
  const usual = { reconnectAfterMs: undefined, rejoinAfterMs: undefined };
  const options = resume === undefined ? usual : { ...usual, params: resume.socketParams, decode: resume.decode };
  const client = new Client(t.version, url, { user, ...options });
  t.later(client, () => client.disconnect());
  const it = { heard: [], gaps: [] };
  client.socket.connect();
  const channel = client.socket.channel(TOPIC, resume?.params(TOPIC));
  channel.on("n", ({ n }) => it.heard.push(n));
  const join = resume === undefined ? channel.join() : resume.join(channel, (gap) => it.gaps.push(gap));
  let isIn = false;
  join.receive("ok", () => (isIn = true));
  await eventually(`${user} is in`, () => isIn);
  return it;
}

/** Says something at a steady rate, on a line that is not cut; gives how much. */
async function talk(t, server) {
  const talker = await t.client({ server, user: "talker" });
  const channel = await talker.join(TOPIC);
  const began = performance.now();
  let total = 0;
  let last;
  while (performance.now() - began < LENGTH_MS) {
    last = channel.push("n", { n: total });
    total += 1;
    await sleep(Math.max(0, began + total * MESSAGE_EVERY_MS - performance.now()));
  }
  assert.equal((await reply(last)).status, "ok");
  return total;
}

function tally(listeners, total) {
  let [missed, missedInSilence, repeated, disordered, gaps] = [0, 0, 0, 0, 0];
  for (const { heard, gaps: told } of listeners) {
    const unique = new Set(heard);
    missed += total - unique.size;
    repeated += heard.length - unique.size;
    disordered += heard.filter((n, i) => i > 0 && n < heard[i - 1]).length;
    gaps += told.length;
    if (told.length === 0) missedInSilence += total - unique.size;
  }
  const all = total * listeners.length;
  const percent = ((100 * (all - missed)) / all).toFixed(2);
  const text = `${percent} % (${missed} missed, ${repeated} repeated, ${disordered} out of order, ${gaps} gaps told)`;
  return { missed, missedInSilence, repeated, disordered, text };
}
