// C1 to C4, C13, C29 to C31 and C34: the ways into a topic, and onto a connection.

import { CONFIGS, token } from "../configs.mjs";
import { Differs, NotApplicable, item } from "../lib/items.mjs";
import { reply } from "../lib/phoenix.mjs";
import { assert, eventually } from "../lib/wait.mjs";
import { on } from "./spoils.mjs";

const isReply = (frame) => frame[3] === "phx_reply";
const isJoin = (frame) => frame[3] === "phx_join";

export const joining = [
  item("C1", "join ok, params seen, vsn=2.0.0 in the URL", async (t) => {
    const topic = t.topic();
    const client = await t.client({ user: `ann-${topic}` });
    assert.match(client.socket.endPointURL(), /\/websocket\?.*vsn=2\.0\.0/);

    const channel = await client.join(topic, { meta: { colour: "green" } });
    const [join] = client.record.sent(isJoin);
    const [answer] = client.record.got(isReply);
    assert.equal(join[0], join[1], "a join's refs are the same");
    assert.deepEqual(answer.slice(0, 4), [join[0], join[1], topic, "phx_reply"]);
    assert.equal(answer[4].status, "ok");
    assert.equal(channel.state, "joined");

    const isState = (frame) => frame[3] === "presence_state";
    const [state] = await eventually("the state of presence", () => {
      const states = client.record.got(isState);
      return states.length > 0 && states;
    });
    assert.equal(state[4][`ann-${topic}`].metas[0].colour, "green", "the params were seen");
  }, { spoil: on("got", isReply, (frame) => [null, "999", ...frame.slice(2)]) }),

  item("C2", "the error of a join arrives, and it is tried again", async (t) => {
    const server = await t.server(CONFIGS.rooms);
    const topic = "full:1";
    const first = await t.client({ server, user: "ann" });
    const held = await first.join(topic);
    const second = await t.client({ server, user: "bob" });
    const channel = second.socket.channel(topic);
    const errors = [];
    const joined = new Promise((resolve) => {
      channel.join().receive("error", (response) => errors.push(response)).receive("ok", resolve);
    });
    await eventually("two refusals", () => errors.length >= 2);
    assert.equal(errors[0].reason, "room_full");
    const joins = second.record.sent(isJoin);
    assert.ok(joins.every(([joinRef, ref]) => joinRef === ref));
    assert.equal(new Set(joins.map(([ref]) => ref)).size, joins.length, "each try has a new ref");

    await reply(held.leave());
    await joined;
    assert.equal(channel.state, "joined");
  }, { spoil: on("got", isReply, (frame) => [...frame.slice(0, 4), { ...frame[4], status: "ok" }]) }),

  item("C3", "the reason of a join that crashed", async (t) => {
    const server = await t.server({ admin: true });
    const client = await t.client({ server });
    const channel = client.socket.channel("boom:1");
    const { status, response } = await reply(channel.join());
    assert.equal(status, "error");
    assert.equal(response.reason, "join_denied");
    await client.fence();
    assert.equal(client.record.closes.length, 0, "the connection lives on");
    return new Differs(`a join rule that panics refuses that join: ${JSON.stringify(response)}`);
  }),

  item("C4", "unmatched topic, on a join and on a push", async (t) => {
    const server = await t.server(CONFIGS.rooms);
    const client = await t.client({ server });
    const { status, response } = await reply(client.socket.channel("nowhere:1").join());
    assert.deepEqual([status, response], ["error", { reason: "unmatched topic" }]);
    const [answer] = client.record.got(isReply);
    assert.equal(answer[0], null, "it repeats no join_ref");

    const pushed = await client.raw({ topic: "nowhere:2", event: "hello" });
    assert.deepEqual(pushed, { joinRef: null, status: "error", response: { reason: "unmatched topic" } });
    const notJoined = await client.raw({ topic: "open:1", event: "hello", join_ref: "77" });
    assert.deepEqual(notJoined, { joinRef: null, status: "error", response: { reason: "unmatched topic" } });
    const heartbeats = await client.raw({ topic: "phoenix", event: "phx_join" });
    assert.equal(heartbeats.response.reason, "unmatched topic");
  }, { spoil: on("got", isReply, (frame) => ["1", ...frame.slice(1)]) }),

  item("C13", "two channel objects on one topic", async (t) => {
    const topic = t.topic();
    const [client, other] = [await t.client({ user: "ann" }), await t.client({ user: "bob" })];
    const watching = other.presence(other.socket.channel(topic));
    await reply(watching.presence.channel.join());
    const first = await client.join(topic);
    const second = await client.join(topic);
    assert.deepEqual([first.state, second.state], ["closed", "joined"]);
    assert.ok(!client.socket.channels.includes(first));
    await client.fence();
    assert.equal(second.state, "joined", "the end of the first does not end the second");
    await watching.shows({ ann: 1, bob: 1 });
    assert.equal((await reply(second.push("hello", {}))).status, "ok");
  }, { spoil: on("got", isReply, (frame) => (frame[2] === "phoenix" ? frame : null)) }),

  item("C29", "too many channels: refused with the reason, and the limit is a setting", async (t) => {
    const client = await t.client();
    const topics = Array.from({ length: 100 }, () => t.topic());
    await Promise.all(topics.map((topic) => client.join(topic)));
    const { status, response } = await reply(client.socket.channel(t.topic()).join());
    assert.deepEqual([status, response], ["error", { reason: "too many channels joined" }]);

    const few = await t.client({ server: await t.server(CONFIGS.limits) });
    for (const topic of ["a:1", "a:2", "a:3"]) await few.join(topic);
    const fourth = await reply(few.socket.channel("a:4").join());
    assert.deepEqual([fourth.status, fourth.response], ["error", { reason: "too many channels joined" }]);
  }, { spoil: on("got", isReply, (frame) => [...frame.slice(0, 4), { status: "ok", response: {} }]) }),

  item("C30", "a token in the subprotocol: the server selects `phoenix`", async (t) => {
    const server = await t.server(CONFIGS.tokens);
    const authToken = token({ sub: "ann", exp: Math.floor(Date.now() / 1000) + 600 });
    const params = { token: authToken };

    const [, minor] = t.version.split(".").map(Number);
    if (minor < 8) {
      const client = await t.client({ server, params });
      await client.join("room:1");
      throw new NotApplicable("the client has no authToken before 1.8; as a connect parameter its token is taken");
    }
    const client = await t.client({ server, authToken });
    assert.equal(client.record.current.protocol, "phoenix");
    const channel = client.socket.channel("room:1");
    const watching = client.presence(channel);
    await reply(channel.join());
    await watching.shows({ ann: 1 });

    const forged = await t.unconnected({ server, authToken: `${authToken.slice(0, -4)}AAAA` });
    forged.socket.connect();
    await eventually("the refusal", () => forged.record.errors.some((error) => error.includes("403")));
  }),

  item("C31", "an unsupported vsn is refused with 403", async (t) => {
    for (const vsn of ["3.0.0", "2.1.0", "nonsense"]) await isRefused(t, { vsn });
    const allowed = await t.client({ vsn: "2.0.7" });
    await allowed.join(t.topic());
  }),

  item("C34", "V1 is refused with 403", async (t) => {
    await isRefused(t, { vsn: "1.0.0" });
    const { WebSocket } = await import("ws");
    const server = await t.server();
    const socket = new WebSocket(`${server.url}/websocket`);
    const message = await new Promise((resolve) => {
      socket.on("error", (error) => resolve(error.message));
      socket.on("open", () => resolve("open"));
    });
    socket.terminate();
    assert.match(message, /403/, "no vsn means 1.0.0");
  }),
];

async function isRefused(t, options) {
  const client = await t.unconnected(options);
  client.socket.connect();
  await eventually(`a refusal of ${JSON.stringify(options)}`, () => client.record.errors.length > 0);
  assert.match(client.record.errors[0], /403/);
  assert.equal(client.socket.isConnected(), false);
  client.disconnect();
}
