// C14, C15, C18, C19 and C33: connections, and how they end.

import net from "node:net";
import WebSocket from "ws";
import { CONFIGS } from "../configs.mjs";
import { item } from "../lib/items.mjs";
import { reply } from "../lib/phoenix.mjs";
import { endings } from "../lib/tap.mjs";
import { assert, eventually, sleep } from "../lib/wait.mjs";
import { isEvent, lose, on } from "./spoils.mjs";

const isReply = isEvent("phx_reply");
const isHeartbeat = (frame) => isReply(frame) && frame[2] === "phoenix";

export const connection = [
  item("C14", "rejoin after the server closes with 1001, 1011, 1012, 4000", async (t) => {
    const topic = t.topic();
    const watcher = await t.client({ user: "zoe" });
    const channel = watcher.socket.channel(topic);
    const watching = watcher.presence(channel);
    await reply(channel.join());

    for (const code of [1001, 1011, 1012, 4000]) {
      const between = await t.between();
      const client = await t.client({ url: between.url, user: `ann-${code}` });
      const joined = await client.join(topic);
      await watching.shows({ [`ann-${code}`]: 1, zoe: 1 });
      const joinRef = joined.joinRef();
      between.closeAll(code);
      await eventually(`joined again after ${code}`, () => joined.state === "joined" && joined.joinRef() !== joinRef);
      assert.equal(client.record.closes[0].code, code);
      await watching.shows({ [`ann-${code}`]: 1, zoe: 1 });
      assert.equal((await reply(joined.push("hello", {}))).status, "ok");
      await reply(joined.leave());
      await watching.shows({ zoe: 1 });
    }
    return "closed by a proxy before the server, which itself never says 1011 unless it fails";
  }, { spoil: lose("got", isEvent("presence_diff")) }),

  item("C14-server", "rejoin after what closes with 1001 and 1012 in earnest: silence, a restart", async (t) => {
    const server = await t.server(CONFIGS.limits);
    const [ann, zoe] = [await t.client({ server, user: "ann" }), await t.client({ server, user: "zoe", heartbeatIntervalMs: 300 })];
    const [channel, watched] = [await ann.join("room:1"), zoe.socket.channel("room:1")];
    const watching = zoe.presence(watched);
    await reply(watched.join());
    await eventually("closed for its silence", () => ann.record.closes.length > 0);
    await eventually("joined again", () => channel.state === "joined" && ann.record.connections.length > 1);
    await watching.shows({ ann: 1, zoe: 1 });

    await server.stop();
    const hasCode = (client, wanted) => client.record.closes.some(({ code }) => code === wanted);
    await eventually("both closed for the restart", () => hasCode(ann, 1012) && hasCode(zoe, 1012));
    await server.again();
    await eventually("both joined again", () => channel.state === "joined" && watched.state === "joined");
    await watching.shows({ ann: 1, zoe: 1 });
    assert.equal(ann.record.closes[0].code, 1001);
    const codes = new Set([...ann.record.closes, ...zoe.record.closes].map(({ code }) => code));
    // 1006 is what a client says of a server that is not there.
    assert.deepEqual([...codes].filter((code) => code !== 1006).sort(), [1001, 1012]);
  }, { spoil: lose("got", isEvent("presence_state")) }),

  item("C14-kick", "who is put out gets phx_close for each channel, then 1001, and is not back by itself", async (t) => {
    const server = await t.server({ admin: true });
    const ann = await t.client({ server, user: "ann" });
    const channels = [];
    for (let n = 0; n < 8; n += 1) channels.push(await ann.join(`room:${n}`));
    const { ann: [id] } = await server.admin({ clients: "room:0" });
    await server.admin({ kick: { client_id: id, reason: "for the test" } });
    await eventually("closed", () => ann.record.closes.length === 1);
    await eventually("connected again", () => ann.socket.isConnected() && ann.record.connections.length === 2);
    await ann.fence();
    assert.equal(ann.record.closes[0].code, 1001);
    assert.equal(ann.record.got(isEvent("phx_close")).length, channels.length, "a phx_close for each topic");
    assert.ok(channels.every(({ state }) => state === "closed"));
  }, { spoil: lose("got", isEvent("phx_close")) }),

  item("C15", "the server never closes with 1000", async (t) => {
    const server = await t.server(CONFIGS.limits);
    const malformed = await t.client({ server, user: "ann" });
    malformed.record.current.send("no json");
    const idle = await t.client({ server, user: "bob" });
    const big = await t.client({ server, user: "carl" });
    big.record.current.send(JSON.stringify([null, "1", "phoenix", "heartbeat", { pad: "x".repeat(2_000_000) }]));
    const codes = {
      malformed: (await eventually("malformed closed", () => malformed.record.closes[0])).code,
      big: (await eventually("big closed", () => big.record.closes[0])).code,
      idle: (await eventually("idle closed", () => idle.record.closes[0])).code,
    };
    const restarted = await t.client({ server, user: "dora" });
    await server.stop();
    codes.stopped = (await eventually("stopped closed", () => restarted.record.closes[0])).code;
    assert.equal(codes.malformed, 1007);
    assert.equal(codes.big, 1009);
    assert.equal(codes.stopped, 1012);
    for (const [what, code] of Object.entries(codes)) {
      assert.notEqual(code, 1000, what);
      assert.notEqual(code, 1005, `${what}: closed without a code`);
    }
    const normal = endings.filter(({ code, byClient }) => code === 1000 && !byClient);
    assert.deepEqual(normal, [], "nor did it in any item until here");
    return Object.entries(codes).map(([what, code]) => `${what} ${code}`).join(", ");
  }),

  item("C18", "heartbeat: three rounds at 50 ms", async (t) => {
    const client = await t.client({ heartbeatIntervalMs: 50 });
    await eventually("three rounds", () => client.record.got(isHeartbeat).length >= 3);
    const beats = client.record.sent(isEvent("heartbeat"));
    const answers = client.record.got(isHeartbeat);
    for (const [i, answer] of answers.entries()) {
      assert.deepEqual(answer, [null, beats[i][1], "phoenix", "phx_reply", { status: "ok", response: {} }]);
    }
    assert.equal(client.record.connections.length, 1, "on one connection");
  }, { spoil: lose("got", isHeartbeat) }),

  item("C19", "a heartbeat that is not answered leads to a reconnect", async (t) => {
    const server = await t.server(CONFIGS.rooms);
    const client = await t.client({ server, heartbeatIntervalMs: 150, user: "ann" });
    const channel = client.socket.channel("open:1");
    const watching = client.presence(channel);
    await reply(channel.join());
    await server.pause();
    await eventually("the client gives up", () => client.socket.connectionState() !== "open" || client.record.connections.length > 1);
    server.resume();
    await eventually("joined again", () => client.record.connections.length > 1 && channel.state === "joined");
    await watching.shows({ ann: 1 });
    assert.equal((await reply(channel.push("hello", {}))).status, "ok");
  }, { spoil: on("got", isEvent("presence_state"), (f) => [...f.slice(0, 4), { ...f[4], ghost: { metas: [{ phx_ref: "g" }] } }]) }),

  item("C33", "malformed frames close the connection with a code, and disturb nobody", async (t) => {
    const server = await t.server();
    const url = `${server.url}/websocket?vsn=2.0.0`;
    const witness = await t.client();
    const channel = await witness.join(t.topic());

    const codes = [];
    for (const [what, frame, options, expected] of malformed()) {
      const code = await ending(url, frame, options);
      codes.push(`${what} ${code}`);
      assert.ok(expected.includes(code), `${what}: expected ${expected.join(" or ")}, got ${code}`);
      assert.equal((await reply(channel.push("hello", {}))).status, "ok", `after ${what}`);
    }
    const long = "x".repeat(256);
    const named = await t.client();
    for (const [topic, event] of [[long, "phx_join"], [long, "hello"]]) {
      const { status } = await named.raw({ topic, event });
      assert.equal(status, "error", "a name of 256 bytes is refused");
    }
    assert.equal(await afterCut(server.port), true, "a frame that breaks off");
    assert.equal((await reply(channel.push("hello", {}))).status, "ok");
    assert.equal(witness.record.connections.length, 1, "the witness is still on its first connection");
    return codes.join(", ");
  }),
];

function malformed() {
  const text = { binary: false };
  return [
    ["no JSON", "no json", text, [1007]],
    ["empty", "", text, [1007]],
    ["object", "{}", text, [1008]],
    ["short array", '["1","1","room:1","phx_join"]', text, [1008]],
    ["number", "5", text, [1008]],
    ["deep", "[".repeat(100_000), text, [1007, 1008, 1009]],
    ["bad UTF-8", Buffer.from([0x5b, 0xff, 0xfe, 0x5d]), text, [1007]],
    ["half a surrogate", '["1","1","\\ud800","phx_join",{}]', text, [1007, 1008]],
    ["no bytes", Buffer.alloc(0), { binary: true }, [1008]],
    ["unknown kind", Buffer.from([9, 0, 0, 0, 0]), { binary: true }, [1008]],
    ["sizes past the end", Buffer.from([0, 255, 255, 255, 255, 1]), { binary: true }, [1008]],
    ["bad UTF-8 in bytes", Buffer.from([0, 1, 1, 1, 1, 0xff, 0xff, 0xff, 0xff]), { binary: true }, [1007]],
    ["10 MB", `[null,"1","phoenix","heartbeat",{"pad":"${"x".repeat(10_000_000)}"}]`, text, [1009]],
  ];
}

/** The code with which the server closes a connection that sends that. */
async function ending(url, frame, options) {
  const socket = new WebSocket(url);
  socket.on("error", () => {});
  const closed = new Promise((resolve) => socket.on("close", resolve));
  await new Promise((resolve) => socket.on("open", resolve));
  socket.send(frame, options);
  const late = sleep(5_000).then(() => "nothing");
  const code = await Promise.race([closed, late]);
  socket.terminate();
  return code;
}

/** Sends half a WebSocket frame and cuts the line. */
async function afterCut(port) {
  const socket = net.connect(port, "127.0.0.1");
  const key = Buffer.alloc(16).toString("base64");
  socket.write(
    "GET /socket/websocket?vsn=2.0.0 HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n" +
      `Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: ${key}\r\n\r\n`,
  );
  const answer = await new Promise((resolve) => socket.once("data", (data) => resolve(data.toString())));
  socket.write(Buffer.from([0x81, 0xfe, 0x10]));
  await sleep(20);
  socket.destroy();
  return answer.startsWith("HTTP/1.1 101");
}
