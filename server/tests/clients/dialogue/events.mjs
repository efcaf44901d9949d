// Triggering, subscribing, and history.

import { CONFIGS } from "../configs.mjs";
import { assert, eventually } from "../lib/wait.mjs";
import { spoken } from "./scene.mjs";
import { change, lose, otherCode, twice } from "./spoils.mjs";

const heard = (client, roomId, event) => client.all("dialogue:event", (it) => it.roomId === roomId && it.event === event);
const text = (value) => ({ text: value });

export const events = [
  spoken("D-trigger", "trigger: the event to each subscriber, its sender too, with its keys in order", async ({ at }) => {
    const [ann, bob] = [await at("ann"), await at("bob")];
    await ann.join("general");
    await bob.join("general");
    const before = Date.now();
    ann.trigger("general", "message", text("hi"), { trace: 7 });
    ann.trigger("general", "message", text("again"));
    for (const client of [ann, bob]) {
      await eventually("both", () => heard(client, "general", "message").length === 2);
      const [first, second] = heard(client, "general", "message");
      assert.deepEqual(Object.keys(first), ["event", "roomId", "data", "from", "timestamp", "meta"]);
      assert.deepEqual(Object.keys(second), ["event", "roomId", "data", "from", "timestamp"]);
      assert.deepEqual([first.data, first.from, first.meta], [text("hi"), "ann", { trace: 7 }]);
      assert.ok(Number.isInteger(first.timestamp) && Math.abs(first.timestamp - before) < 60_000);
    }
    assert.deepEqual(ann.all("dialogue:error"), []);
  }, { spoil: change("event", ({ roomId, event, ...rest }) => ({ roomId, event, ...rest })), config: CONFIGS.dialogue }),

  spoken("D-trigger-errors", "trigger: ROOM_NOT_FOUND, EVENT_NOT_ALLOWED, VALIDATION_FAILED", async ({ at }) => {
    const [ann, bob] = [await at("ann"), await at("bob")];
    await ann.join("general");
    await bob.join("general");
    await ann.refused("dialogue:trigger", { roomId: "nowhere", event: "message", data: text("x") }, "ROOM_NOT_FOUND");
    await ann.refused("dialogue:trigger", { roomId: "general", event: "shout", data: {} }, "EVENT_NOT_ALLOWED");
    await ann.refused("dialogue:trigger", { roomId: "general", event: "message", data: { text: "" } }, "VALIDATION_FAILED");
    await ann.refused("dialogue:trigger", { roomId: "general", event: "message" }, "VALIDATION_FAILED");
    await bob.fence();
    assert.deepEqual(bob.all("dialogue:event"), []);
    assert.deepEqual(bob.all("dialogue:error"), [], "errors go to who has asked, and nobody else");
  }, { spoil: otherCode, config: CONFIGS.dialogue }),

  spoken("D-no-data", "trigger without data", async ({ at }) => {
    const ann = await at("ann");
    await ann.join("any");
    ann.emit("dialogue:trigger", { roomId: "any", event: "bare" });
    await eventually("the event", () => heard(ann, "any", "bare").length === 1);
    const [it] = heard(ann, "any", "bare");
    assert.ok(it.data === null || it.data === undefined);
  }, { spoil: lose("event") }),

  spoken("D-subscribe", "subscribe, unsubscribe, subscribeAll; no answers to any", async ({ at }) => {
    const [ann, bob] = [await at("ann"), await at("bob")];
    for (const client of [ann, bob]) await client.join("quiet");
    const from = bob.got.length;
    const say = async (...names) => {
      for (const name of names) ann.trigger("quiet", name, {});
      await ann.fence();
      await bob.fence();
    };
    await say("one");
    assert.equal(heard(bob, "quiet", "one").length, 0, "nothing by default");
    bob.emit("dialogue:subscribe", { roomId: "quiet", eventName: "one" });
    await bob.fence();
    await say("one", "two");
    assert.deepEqual([heard(bob, "quiet", "one").length, heard(bob, "quiet", "two").length], [1, 0]);
    bob.emit("dialogue:subscribeAll", { roomId: "quiet" });
    await bob.fence();
    await say("two");
    assert.equal(heard(bob, "quiet", "two").length, 1);
    bob.emit("dialogue:unsubscribe", { roomId: "quiet", eventName: "*" });
    await bob.fence();
    await say("one", "two");
    assert.deepEqual([heard(bob, "quiet", "one").length, heard(bob, "quiet", "two").length], [2, 1]);
    bob.emit("dialogue:unsubscribe", { roomId: "quiet", eventName: "one" });
    bob.emit("dialogue:subscribe", { roomId: "general", eventName: "message" });
    bob.emit("dialogue:subscribe", { roomId: "nowhere", eventName: "message" });
    await bob.fence();
    await say("one");
    assert.equal(heard(bob, "quiet", "one").length, 2);
    const names = new Set(bob.got.slice(from).map((it) => it.name));
    assert.deepEqual([...names].sort(), ["dialogue:event", "dialogue:rooms"]);
  }, { spoil: twice("event"), config: CONFIGS.dialogue }),

  spoken("D-history-join", "history after joined, newest first, where there is any", async ({ at }) => {
    const [ann, bob] = [await at("ann"), await at("bob")];
    await ann.join("general");
    for (const n of [1, 2, 3, 4]) ann.trigger("general", "message", text(`m${n}`));
    await eventually("all", () => heard(ann, "general", "message").length === 4);
    assert.deepEqual(ann.all("dialogue:history"), [], "there was none when ann joined");
    await bob.join("general");
    await eventually("history", () => bob.all("dialogue:history").length === 1);
    const names = bob.got.map((it) => it.name).filter((name) => name !== "dialogue:connected");
    assert.deepEqual(names, ["dialogue:joined", "dialogue:history"]);
    const [{ roomId, events: listed }] = bob.all("dialogue:history");
    assert.equal(roomId, "general");
    assert.deepEqual(listed.map(({ data }) => data.text), ["m4", "m3", "m2"]);
    assert.deepEqual(Object.keys(listed[0]), ["event", "roomId", "data", "from", "timestamp"]);
  }, { spoil: change("history", (it) => ({ ...it, events: it.events.toReversed() })), config: CONFIGS.dialogue }),

  spoken("D-history", "getHistory: pages newest first; ROOM_NOT_FOUND; without a name an empty one", async ({ at }) => {
    const ann = await at("ann");
    await ann.join("any");
    for (let n = 0; n < 60; n += 1) ann.trigger("any", "n", { n });
    await eventually("all", () => heard(ann, "any", "n").length === 60);
    const page = await ann.history({ roomId: "any", eventName: "n" });
    assert.deepEqual([page.roomId, page.eventName, page.start, page.end, page.events.length], ["any", "n", 0, 50, 50]);
    assert.deepEqual(page.events.slice(0, 2).map(({ data }) => data.n), [59, 58]);
    const [one, two] = await Promise.all([
      ann.history({ roomId: "any", eventName: "n", start: 50, end: 55 }),
      ann.history({ roomId: "any", eventName: "other" }),
    ]);
    assert.deepEqual(one.events.map(({ data }) => data.n), [9, 8, 7, 6, 5]);
    assert.deepEqual(two.events, []);
    const nameless = await ann.history({ roomId: "any" });
    assert.deepEqual([nameless.eventName, nameless.events], [null, []]);
    await ann.refused("dialogue:getHistory", { roomId: "nowhere", eventName: "n" }, "ROOM_NOT_FOUND");
  }, { spoil: change("historyResponse", (it) => ({ ...it, events: it.events.toReversed() })), config: CONFIGS.dialogue }),

  spoken("D-history-rate", "getHistory: RATE_LIMITED after 20 in a minute", async ({ at }) => {
    const ann = await at("ann");
    await ann.join("any");
    for (let n = 0; n < 20; n += 1) await ann.history({ roomId: "any", eventName: "x" });
    await ann.refused("dialogue:getHistory", { roomId: "any", eventName: "x" }, "RATE_LIMITED");
    const bob = await at("bob");
    await bob.join("any");
    await bob.history({ roomId: "any", eventName: "x" });
  }, { spoil: lose("error") }),

  spoken("D-history-order", "pages of one event come in the order in which they were asked for", async ({ at }) => {
    const ann = await at("ann");
    await ann.join("any");
    for (let n = 0; n < 20; n += 1) ann.trigger("any", "ordered", { n });
    await eventually("all", () => heard(ann, "any", "ordered").length === 20);
    for (let start = 0; start < 10; start += 1) ann.emit("dialogue:getHistory", { roomId: "any", eventName: "ordered", start, end: start + 1 });
    const isIt = (it) => it.eventName === "ordered";
    await eventually("ten pages", () => ann.all("dialogue:historyResponse", isIt).length === 10);
    assert.deepEqual(ann.all("dialogue:historyResponse", isIt).map(({ start }) => start), [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
  }, { spoil: change("historyResponse", (it) => ({ ...it, start: 0 })) }),
];
