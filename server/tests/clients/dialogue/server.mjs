// What the server itself says to Dialogue's clients, and what those of Phoenix do.

import { CONFIGS } from "../configs.mjs";
import { VERSIONS, collected, reply } from "../lib/phoenix.mjs";
import { assert, eventually } from "../lib/wait.mjs";
import { spoken } from "./scene.mjs";
import { lose } from "./spoils.mjs";

const eventsOf = (client, event) => client.all("dialogue:event", (it) => it.event === event);

export const server = [
  spoken("D-server", "what the server says: events from system, any other name, left for who is put out", async ({ server: it, at }) => {
    const [ann, bob] = [await at("ann"), await at("bob")];
    for (const client of [ann, bob]) await client.join("any");
    await it.admin({ publish: { target: { topic: "any" }, event: "news", payload: { n: 1 } } });
    await eventually("news", () => [ann, bob].every((client) => eventsOf(client, "news").length === 1));
    const { from, data } = eventsOf(ann, "news")[0];
    assert.deepEqual([from, data], ["system", { n: 1 }]);

    await it.admin({ publish: { target: { user: "ann" }, event: "greeting", payload: { text: "hi" } } });
    await it.admin({ publish: { target: { topic: "any" }, event: "fence", payload: {} } });
    await eventually("the fence", () => [ann, bob].every((client) => eventsOf(client, "fence").length === 1));
    const greetings = (client) => client.got.filter(({ name }) => name === "greeting").map(({ args }) => args);
    assert.deepEqual([greetings(ann), greetings(bob)], [[[{ text: "hi" }]], []]);

    await it.admin({ kick: { client_id: ann.clientId, topic: "any", reason: "for the test" } });
    await eventually("left", () => ann.all("dialogue:left").length === 1);
    assert.deepEqual(ann.all("dialogue:left"), [{ roomId: "any" }]);
    assert.deepEqual([...ann.all("dialogue:error"), ...bob.all("dialogue:error")], []);
    assert.equal(ann.socket.connected, true);
  }, { config: { ...CONFIGS.dialogue, admin: true }, spoil: lose("event") }),

  ...VERSIONS.map((version) =>
    spoken(`D-phoenix-${version}`, "clients of Phoenix and of Dialogue in one room hear each other", async ({ t, server: it, at }) => {
      const ann = await at("ann");
      await ann.join("any");
      const bob = await t.client({ server: it, version, user: "bob" });
      const channel = await bob.join("any");
      const heard = collected(channel, "hello");
      ann.trigger("any", "hello", { n: 1 });
      await eventually("Phoenix hears Dialogue", () => heard.length === 1);
      assert.equal((await reply(channel.push("hello", { n: 2 }))).status, "ok");
      await eventually("Dialogue hears Phoenix", () => eventsOf(ann, "hello").length === 2);
      assert.deepEqual(eventsOf(ann, "hello").map(({ data, from }) => [data.n, from]), [[1, "ann"], [2, "bob"]]);
      await eventually("both", () => heard.length === 2);

      await reply(channel.push("bytes", new Uint8Array([1, 2, 3]).buffer));
      await eventually("bytes as text", () => eventsOf(ann, "bytes").length === 1);
      assert.deepEqual(eventsOf(ann, "bytes")[0].data, { base64: "AQID" });
    }, { config: CONFIGS.dialogue, spoil: lose("event", (it) => it.from === "bob") })),
];
