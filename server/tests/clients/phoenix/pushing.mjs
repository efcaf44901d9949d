// C5 to C9, C20, C21, C32 and C36: what is said in a topic.

import { CONFIGS } from "../configs.mjs";
import { Differs, item } from "../lib/items.mjs";
import { collected, reply } from "../lib/phoenix.mjs";
import { assert, eventually } from "../lib/wait.mjs";
import { isEvent, lose, on } from "./spoils.mjs";

const isReply = isEvent("phx_reply");
const bytes = (...values) => new Uint8Array(values).buffer;
const listed = (buffer) => [...new Uint8Array(buffer)];

export const pushing = [
  item("C5", "a push is answered ok, with an error, or not at all", async (t) => {
    const server = await t.server(CONFIGS.rooms);
    const client = await t.client({ server });
    const channel = await client.join("open:1");
    const ok = await reply(channel.push("hello", { text: "hi" }));
    assert.equal(ok.status, "ok");
    assert.equal(ok.response.offset, channel.joinedWith.offset + 1);

    const refused = await reply(channel.push("parlor:nonsense", {}));
    assert.deepEqual([refused.status, refused.response.reason], ["error", "event_not_allowed"]);

    await server.pause();
    const late = channel.push("hello", {}, 150);
    const statuses = [];
    for (const status of ["ok", "error", "timeout"]) late.receive(status, () => statuses.push(status));
    await eventually("the time-out", () => statuses.length > 0);
    server.resume();
    await client.fence();
    assert.deepEqual(statuses, ["timeout"], "an answer that comes late is not taken");
    return "parlor answers every push; for none, the process was stopped";
  }, { spoil: lose("got", isReply) }),

  item("C6", "a binary reply", async (t) => {
    const server = await t.server({ admin: true });
    const client = await t.client({ server });
    const channel = await client.join("echo:1");
    const { status, response } = await reply(channel.push("bytes", bytes(1, 2, 3)));
    assert.equal(status, "ok");
    assert.equal(response.offset, 1);
    return new Differs("a binary push is answered by a position, as every push; hosts that answer themselves use phoenix::answer");
  }, { spoil: lose("got", isReply) }),

  item("C7", "binary pushes and broadcasts, both ways", async (t) => {
    const topic = t.topic();
    const [ann, bob] = [await t.client(), await t.client()];
    const [said, heard] = [await ann.join(topic), await bob.join(topic)];
    const [own, others] = [collected(said, "binmsg"), collected(heard, "binmsg")];
    const { status } = await reply(said.push("binmsg", bytes(0, 9, 255)));
    assert.equal(status, "ok");
    await eventually("the bytes at both", () => own.length === 1 && others.length === 1);
    for (const got of [own, others]) {
      assert.ok(got[0] instanceof ArrayBuffer, "bytes arrive as bytes");
      assert.deepEqual(listed(got[0]), [0, 9, 255]);
    }
    const frame = bob.record.got((data) => data instanceof Uint8Array)[0];
    assert.deepEqual([...frame.slice(0, 3)], [2, Buffer.byteLength(topic), 6], "kind 2, a broadcast");

    const empty = await reply(heard.push("binmsg", new ArrayBuffer(0)));
    assert.equal(empty.status, "ok");
    await eventually("no bytes", () => own.length === 2);
    assert.equal(own[1].byteLength, 0);
  }, { spoil: (frame) => (frame instanceof Uint8Array ? frame.with(frame.length - 1, 7) : frame) }),

  item("C7-push", "a binary push from the server", async (t) => {
    const server = await t.server({ admin: true });
    const client = await t.client({ server, user: "ann" });
    const channel = await client.join("room:1");
    const heard = collected(channel, "pushbin");
    const { ann: [id] } = await server.admin({ clients: "room:1" });
    await server.admin({ push: { client_id: id, topic: "room:1", event: "pushbin", payload_base64: "CQg=" } });
    await eventually("the bytes", () => heard.length === 1);
    assert.deepEqual(listed(heard[0]), [9, 8]);
    const [frame] = client.record.got((data) => data instanceof Uint8Array);
    const joinRef = channel.joinRef();
    const text = `${joinRef}room:1pushbin`;
    assert.deepEqual([...frame], [0, joinRef.length, 6, 7, ...Buffer.from(text), 9, 8]);
  }, { spoil: (frame) => (frame instanceof Uint8Array ? frame.with(1, 9) : frame) }),

  item("C8", "a broadcast reaches all, its sender too, each once", async (t) => {
    const topic = t.topic();
    const clients = [await t.client(), await t.client(), await t.client()];
    const channels = [];
    for (const client of clients) channels.push(await client.join(topic));
    const heard = channels.map((channel) => collected(channel, "hello"));
    const elsewhere = collected(await clients[0].join(t.topic()), "hello");
    for (const n of [1, 2, 3]) await reply(channels[0].push("hello", { n }));
    await eventually("all heard", () => heard.every((payloads) => payloads.length >= 3));
    for (const client of clients) await client.fence();
    for (const payloads of heard) assert.deepEqual(payloads, [{ n: 1 }, { n: 2 }, { n: 3 }]);
    assert.deepEqual(elsewhere, []);
  }, { spoil: on("got", isEvent("hello"), (frame) => [frame, frame]) }),

  item("C8-from", "a broadcast that leaves its sender out", async (t) => {
    const server = await t.server({ admin: true });
    const [ann, bob] = [await t.client({ server, user: "ann" }), await t.client({ server, user: "bob" })];
    const [one, other] = [await ann.join("room:1"), await bob.join("room:1")];
    const heard = [collected(one, "news"), collected(other, "news")];
    await server.admin({ publish: { target: { topic: "room:1" }, event: "news", payload: { n: 1 }, except_user: "ann" } });
    await server.admin({ publish: { target: { topic: "room:1" }, event: "news", payload: { n: 2 } } });
    await eventually("both heard the second", () => heard.every((payloads) => payloads.some(({ n }) => n === 2)));
    assert.deepEqual(heard, [[{ n: 2 }], [{ n: 1 }, { n: 2 }]]);
    return "by the server's publish; a client has no word for it in this protocol";
  }, { spoil: lose("got", isEvent("news")) }),

  item("C9", "the order of a broadcast and the reply to its sender", async (t) => {
    const client = await t.client();
    const channel = await client.join(t.topic());
    for (let n = 0; n < 20; n += 1) channel.push("hello", { n });
    await eventually("all came back", () => client.record.got(isEvent("hello")).length === 20);
    const frames = client.record.got((f) => (isReply(f) && "offset" in f[4].response && !("rejoined" in f[4].response)) || f[3] === "hello");
    const kinds = frames.map((f) => (isReply(f) ? "reply" : `hello ${f[4].n}`));
    assert.deepEqual(kinds, Array.from({ length: 20 }, (_, n) => ["reply", `hello ${n}`]).flat());
    return new Differs("the reply comes first, always (R1); Phoenix leaves it to the channel's code");
  }, { spoil: on("got", isReply, (frame) => [frame, frame]) }),

  item("C20", "frames with an old join_ref are ignored, by both sides", async (t) => {
    const topic = t.topic();
    const [ann, bob] = [await t.client(), await t.client()];
    const [channel, heardBy] = [await ann.join(topic), await bob.join(topic)];
    const [own, others] = [collected(channel, "hello"), collected(heardBy, "hello")];
    const stale = ann.socket.makeRef();
    ann.rawLater({ topic, event: "hello", payload: { stale: true }, ref: stale, join_ref: "1" });
    ann.rawLater({ topic, event: "phx_leave", ref: ann.socket.makeRef(), join_ref: "1" });
    assert.equal((await reply(channel.push("hello", { n: 1 }))).status, "ok", "still joined");
    await eventually("the live one", () => others.length > 0 && own.length > 0);
    assert.deepEqual([own, others], [[{ n: 1 }], [{ n: 1 }]]);
    assert.deepEqual(ann.record.got((frame) => frame[1] === stale), [], "no reply");

    ann.record.current.inject(JSON.stringify(["1", null, topic, "hello", { n: 2 }]));
    ann.record.current.inject(JSON.stringify(["1", "1", topic, "phx_close", {}]));
    assert.deepEqual([own.length, channel.state], [1, "joined"], "the client ignores them too");

    // A join behind the first one's back ends it: what it says from then on is old.
    await reply(channel.leave());
    const again = await ann.join(topic);
    await ann.fence();
    assert.equal(again.state, "joined", "the end of the first did not reach the second");
  }, { spoil: on("sent", isEvent("hello"), (frame) => [null, ...frame.slice(1)]) }),

  item("C21", "a join_ref of null is accepted", async (t) => {
    const topic = t.topic();
    const client = await t.client();
    const channel = await client.join(topic);
    const heard = collected(channel, "hello");
    const answer = await client.raw({ topic, event: "hello", payload: { n: 1 }, join_ref: null });
    assert.deepEqual([answer.status, answer.joinRef], ["ok", channel.joinRef()]);
    await eventually("the message", () => heard.length === 1);

    const other = t.topic();
    const joined = await client.raw({ topic: other, event: "phx_join", join_ref: null });
    assert.deepEqual([joined.status, joined.joinRef], ["ok", null]);
    const said = await client.raw({ topic: other, event: "hello", join_ref: null });
    assert.equal(said.status, "ok");
    const left = await client.raw({ topic: other, event: "phx_leave", join_ref: null });
    assert.equal(left.status, "ok");
    await client.fence();
    const [close] = client.record.got((frame) => frame[2] === other && frame[3] === "phx_close");
    assert.deepEqual(close.slice(0, 2), [null, null]);
  }, { spoil: on("got", isReply, (frame) => ["0", ...frame.slice(1)]) }),

  item("C32", "an unknown extra element of a frame is passed over, by both sides", async (t) => {
    const encode = (message, done) => {
      const { join_ref, ref, topic, event, payload } = message;
      done(JSON.stringify([join_ref ?? null, ref, topic, event, payload, { extra: [1] }, "more"]));
    };
    for (const positions of ["off", "on"]) {
      const client = await t.client({ encode, params: { positions } });
      const channel = await client.join(t.topic());
      const heard = collected(channel, "hello");
      assert.equal((await reply(channel.push("hello", { n: 1 }))).status, "ok");
      await eventually("the message", () => heard.length === 1);
      assert.deepEqual(heard, [{ n: 1 }]);
      const [broadcast] = client.record.got(isEvent("hello"));
      assert.equal(broadcast.length, positions === "on" ? 6 : 5, "the sixth element is the position, if asked for");
      if (positions === "on") assert.equal(broadcast[5].offset, channel.joinedWith.offset + 1);
    }
  }, { spoil: on("got", isEvent("hello"), (frame) => frame.slice(0, 5)) }),

  item("C36", "a long session: 10 000 pushes, replies 1:1 by ref", async (t) => {
    const client = await t.client({ server: await t.server(CONFIGS.fast) });
    const channel = await client.join("open:1");
    const heard = collected(channel, "n");
    const total = 10_000;
    const replies = new Map();
    for (let from = 0; from < total; from += 250) {
      const batch = Array.from({ length: 250 }, (_, i) => {
        const answer = reply(channel.push("n", { n: from + i }));
        return answer.then(({ status, response }) => replies.set(from + i, [status, response.offset]));
      });
      await Promise.all(batch);
    }
    await eventually("every message", () => heard.length === total);
    assert.equal(replies.size, total);
    for (const [n, [status, offset]] of replies) {
      assert.deepEqual([status, offset], ["ok", channel.joinedWith.offset + n + 1], `push ${n}`);
    }
    assert.ok(heard.every(({ n }, i) => n === i), "messages come in order");
    const refs = client.record.got(isReply).map((frame) => frame[1]);
    assert.equal(new Set(refs).size, refs.length, "no ref is answered twice");
  }, { slowMs: 120_000, spoil: on("got", (f) => isReply(f) && f[4].response.offset === 9_000, (f) => [...f.slice(0, 1), "0", ...f.slice(2)]) }),
];
