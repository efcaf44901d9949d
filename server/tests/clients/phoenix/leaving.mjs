// C10 to C12, C16 and C17: the ways out of a topic.

import { CONFIGS } from "../configs.mjs";
import { item } from "../lib/items.mjs";
import { collected, reply } from "../lib/phoenix.mjs";
import { assert, eventually } from "../lib/wait.mjs";
import { isEvent, lose, on } from "./spoils.mjs";

const isReply = isEvent("phx_reply");

export const leaving = [
  item("C10", "leave: ok, then close, and the channel is off the socket", async (t) => {
    const topic = t.topic();
    const client = await t.client();
    const channel = await client.join(topic);
    let closes = 0;
    channel.onClose(() => (closes += 1));
    const joinRef = channel.joinRef();
    assert.equal((await reply(channel.leave())).status, "ok");
    assert.equal(channel.state, "closed");
    assert.deepEqual([closes, client.socket.channels.length], [1, 0]);
    // The client takes itself for gone before the server has said so.
    await eventually("the server says that it is over", () => client.record.got(isEvent("phx_close")).length === 1);
    const frames = client.record.got((frame) => frame[2] === topic).slice(-2);
    assert.deepEqual(frames.map((frame) => frame[3]), ["phx_reply", "phx_close"]);
    assert.deepEqual(frames[1], [joinRef, joinRef, topic, "phx_close", {}]);
    await client.join(topic);
  }, { spoil: lose("got", isEvent("phx_close")) }),

  item("C11", "leave twice", async (t) => {
    const topic = t.topic();
    const client = await t.client();
    const channel = await client.join(topic);
    const joinRef = channel.joinRef();
    await reply(channel.leave());
    assert.equal((await reply(channel.leave())).status, "ok");
    const again = await client.raw({ topic, event: "phx_leave", join_ref: joinRef });
    assert.deepEqual(again, { joinRef, status: "ok", response: {} });
    await client.fence();
    assert.equal(client.record.got(isEvent("phx_close")).length, 1);
  }, { spoil: on("got", isReply, (frame) => [null, ...frame.slice(1)]) }),

  item("C12", "a push after leave is refused", async (t) => {
    const topic = t.topic();
    const [client, other] = [await t.client(), await t.client()];
    const channel = await client.join(topic);
    const heard = collected(await other.join(topic), "hello");
    const joinRef = channel.joinRef();
    await reply(channel.leave());
    for (const join_ref of [joinRef, null]) {
      const answer = await client.raw({ topic, event: "hello", join_ref });
      assert.deepEqual(answer, { joinRef: null, status: "error", response: { reason: "unmatched topic" } });
    }
    await other.fence();
    assert.deepEqual(heard, []);
  }, { spoil: lose("sent", isEvent("phx_leave")) }),

  item("C16", "phx_error: the client joins again", async (t) => {
    const server = await t.server({ admin: true });
    const [ann, bob] = [await t.client({ server, user: "ann" }), await t.client({ server, user: "bob" })];
    const channel = await ann.join("room:1");
    const bobs = bob.socket.channel("room:1");
    const watching = bob.presence(bobs);
    await reply(bobs.join());
    const errors = [];
    channel.onError((reason) => errors.push(reason));

    await server.admin({ crash: { reason: "for the test" } });
    await eventually("phx_error", () => ann.record.got(isEvent("phx_error")).length === 1);
    const [error] = ann.record.got(isEvent("phx_error"));
    assert.equal(error[0], error[1]);
    assert.equal(error[4].reason, "channel_crash");
    assert.ok(errors.length >= 1);
    await eventually("a refused try", () => ann.record.got((f) => isReply(f) && f[4].response.reason === "crashed").length > 0);
    assert.equal(ann.record.closes.length, 0, "the connection lives on");

    await server.admin("restart");
    await eventually("joined again", () => channel.state === "joined" && bobs.state === "joined");
    await watching.shows({ ann: 1, bob: 1 });
    assert.equal((await reply(channel.push("hello", {}))).status, "ok");
  }, { spoil: lose("got", isEvent("phx_error")) }),

  item("C17", "phx_close: the channel stays closed", async (t) => {
    const server = await t.server(CONFIGS.rooms);
    const [ann, bob] = [await t.client({ server, user: "ann" }), await t.client({ server, user: "bob" })];
    const rooms = await ann.join("parlor");
    const opened = await reply(rooms.push("parlor:open_room", { topic: "made:1" }));
    assert.equal(opened.status, "ok", JSON.stringify(opened));
    const channel = await bob.join("made:1");
    const joins = bob.record.sent(isEvent("phx_join")).length;
    let closes = 0;
    channel.onClose(() => (closes += 1));
    assert.equal((await reply(rooms.push("parlor:close_room", { topic: "made:1" }))).status, "ok");
    await eventually("closed", () => channel.state === "closed");
    await new Promise((resolve) => setTimeout(resolve, 200));
    await bob.fence();
    assert.equal(closes, 1);
    assert.equal(channel.state, "closed");
    assert.equal(bob.record.sent(isEvent("phx_join")).length, joins, "it did not try again");
    assert.deepEqual(bob.socket.channels, []);
  }, { spoil: on("got", isEvent("phx_close"), (frame) => [...frame.slice(0, 3), "phx_error", frame[4]]) }),
];
