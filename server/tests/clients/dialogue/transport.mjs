// Connections: polling, the upgrade, refusals, and what survives a lost line.

import { CONFIGS, token } from "../configs.mjs";
import { Cutter } from "../lib/cutter.mjs";
import { assert, eventually, sleep } from "../lib/wait.mjs";
import { spoken } from "./scene.mjs";
import { change, lose, twice } from "./spoils.mjs";

export const transport = [
  spoken("D-open", "the open packet of Engine.IO 4: upgrades, intervals, largest payload", async ({ server }) => {
    const response = await fetch(`${server.http}/socket.io/?EIO=4&transport=polling`);
    assert.equal(response.status, 200);
    const body = await response.text();
    assert.equal(body[0], "0");
    const { sid, ...open } = JSON.parse(body.slice(1));
    assert.equal(typeof sid, "string");
    assert.deepEqual(open, { upgrades: ["websocket"], pingInterval: 25_000, pingTimeout: 20_000, maxPayload: 1_000_000 });
  }),

  spoken("D-connected", "dialogue:connected comes first, with ids; begun by polling, then upgraded", async ({ make }) => {
    const ann = make("ann");
    const first = new Promise((resolve) => ann.socket.io.once("open", () => resolve(ann.transport)));
    await ann.connect();
    assert.equal(await first, "polling");
    assert.deepEqual(ann.got.map((it) => it.name), ["dialogue:connected"]);
    assert.deepEqual(Object.keys(ann.got[0].args[0]), ["clientId", "userId"]);
    assert.equal(ann.userId, "ann");
    assert.ok(ann.clientId.length >= 20 && ann.clientId !== ann.socket.id, "an id of its own");
    await ann.upgraded();
    await ann.join("any");
  }, { spoil: change("connected", (it) => ({ ...it, extra: 1 })) }),

  spoken("D-polling", "polling alone does for everything", async ({ at }) => {
    const [ann, bob] = [await at("ann", { transports: ["polling"] }), await at("bob")];
    await ann.join("any");
    await bob.join("any");
    for (let n = 0; n < 30; n += 1) bob.trigger("any", "polled", { n });
    ann.trigger("any", "pushed", {});
    const isIt = (it) => it.event === "polled";
    await eventually("all by polling", () => ann.all("dialogue:event", isIt).length === 30);
    assert.ok(ann.all("dialogue:event", isIt).every(({ data }, n) => data.n === n));
    await eventually("what was posted", () => bob.all("dialogue:event", (it) => it.event === "pushed").length > 0);
    assert.equal(ann.transport, "polling");
  }, { spoil: lose("event", (it) => it.data.n === 7) }),

  spoken("D-websocket", "WebSocket alone does, too", async ({ at }) => {
    const ann = await at("ann", { transports: ["websocket"] });
    await ann.join("any");
    assert.equal(ann.transport, "websocket");
  }),

  spoken("D-upgrade", "nothing is lost or turned round while the transport is upgraded", async ({ at, make }) => {
    const bob = await at("bob");
    await bob.upgraded();
    await bob.join("any");
    const event = `up-${Math.random().toString(36).slice(2, 8)}`;
    let isOn = true;
    let total = 0;
    const talking = (async () => {
      for (; isOn; total += 1) {
        bob.trigger("any", event, { n: total });
        await sleep(1);
      }
    })();
    const ann = make("ann");
    await ann.connect();
    await ann.join("any");
    await ann.upgraded();
    await sleep(100);
    isOn = false;
    await talking;
    const numbers = () => ann.all("dialogue:event", (it) => it.event === event).map(({ data }) => data.n);
    await eventually("the last", () => numbers().at(-1) === total - 1);
    const all = numbers();
    assert.deepEqual(all, Array.from({ length: all.length }, (_, i) => all[0] + i), "each once, in order, from the join on");
  }, { spoil: lose("event", (it) => it.data.n % 10 === 3) }),

  spoken("D-refused", "a connection without a valid token is refused by connect_error", async ({ make, at }) => {
    const forged = make("ann", { auth: { token: "not.a.token" }, reconnection: false });
    await assert.rejects(forged.connect(), (error) => typeof error.message === "string" && error.message.length > 0);
    assert.ok(!forged.socket.connected && forged.got.length === 0);
    const none = make("ann", { auth: {}, reconnection: false });
    await assert.rejects(none.connect());
    const ann = await at("x", { auth: { token: token({ sub: "ann", exp: Math.floor(Date.now() / 1000) + 600 }) } });
    assert.equal(ann.userId, "ann", "the user is the token's");
    return `refused with: ${forged.refusals[0]}`;
  }, { config: CONFIGS.tokens }),

  spoken("D-resume", "after a lost line the client does not join again, and hears on: memberships are restored", async ({ t, server, at }) => {
    const bob = await at("bob");
    await bob.join("any");
    const cutter = await Cutter.before(server.port, 1_200);
    t.later(cutter, () => cutter.stop());
    const url = `http://127.0.0.1:${cutter.port}`;
    const ann = await at("ann", { url, transports: ["websocket"] });
    await ann.join("any");
    await eventually("a cut and a reconnect", () => cutter.cuts > 0 && ann.all("dialogue:connected").length > 1);
    bob.trigger("any", "after", {});
    await eventually("what was said after", () => ann.all("dialogue:event", (it) => it.event === "after").length > 0);
    assert.equal(ann.all("dialogue:joined").length, 1, "nothing was joined again");
    assert.deepEqual(ann.all("dialogue:error"), []);
    ann.trigger("any", "mine", {});
    await eventually("what it said", () => bob.all("dialogue:event", (it) => it.event === "mine").length === 1);
  }, { spoil: lose("event", (it) => it.event === "after"), config: CONFIGS.dialogue }),

  spoken("D-cuts", "cut every now and then: the unmodified client hears on, in order, nothing twice", async ({ t, server, at }) => {
    const cutter = await Cutter.before(server.port, 600);
    t.later(cutter, () => cutter.stop());
    const url = `http://127.0.0.1:${cutter.port}`;
    const clients = [];
    for (let n = 0; n < 6; n += 1) {
      clients.push(await at(`cut-${n}`, { url, reconnectionAttempts: 1_000, ...(n < 3 ? { transports: ["websocket"] } : {}) }));
      await clients[n].join("any");
    }
    const talker = await at("talker");
    await talker.join("any");
    let total = 0;
    for (const end = performance.now() + 4_000; performance.now() < end; total += 1) {
      talker.trigger("any", "cut", { n: total });
      await sleep(10);
    }
    const numbers = (client) => client.all("dialogue:event", (it) => it.event === "cut").map(({ data }) => data.n);
    cutter.relent();
    const say = () => talker.trigger("any", "cut", { n: total++ });
    await eventually("the last everywhere", async () => {
      if (clients.every((client) => numbers(client).at(-1) >= total - 5)) return true;
      say();
      await sleep(50);
      return false;
    });
    let missed = 0;
    for (const client of clients) {
      const heard = numbers(client);
      assert.deepEqual(heard, [...new Set(heard)].sort((a, b) => a - b), "in order, nothing twice");
      assert.deepEqual(client.all("dialogue:error"), []);
      missed += heard.at(-1) + 1 - heard.length;
    }
    const all = total * clients.length;
    const said = `${clients.length} clients, ${total} messages, ${cutter.cuts} cuts: ${((100 * (all - missed)) / all).toFixed(2)} % (${missed} missed)`;
    console.log(`figure recovery socket.io ${said}`);
    assert.ok(cutter.cuts > 10, said);
    return said;
  }, { config: CONFIGS.dialogue, serial: true, spoil: twice("event") }),

  spoken("D-disconnect", "disconnect leaves each room, and the room is empty then", async ({ at }) => {
    const [ann, bob] = [await at("ann"), await at("bob")];
    await ann.join("any");
    await ann.join("quiet");
    for (const roomId of ["any", "quiet"]) ann.emit("dialogue:leave", { roomId });
    ann.disconnect();
    const sizes = async () => {
      const rooms = await bob.ask("dialogue:listRooms", undefined, "dialogue:rooms");
      return rooms.filter(({ id }) => id === "any" || id === "quiet").every(({ size }) => size === 0);
    };
    await eventually("both empty", sizes);
  }, { spoil: change("rooms", (all) => all.map((it) => ({ ...it, size: it.size + 1 }))), config: CONFIGS.dialogue }),

  spoken("D-origin", "a page of another origin is refused, by polling too", async ({ server }) => {
    const response = await fetch(`${server.http}/socket.io/?EIO=4&transport=polling`, { headers: { Origin: "https://elsewhere.example" } });
    assert.equal(response.status, 403);
  }),
];
