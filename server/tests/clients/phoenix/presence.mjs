// C22 to C28: who is there.

import { Differs, item } from "../lib/items.mjs";
import { reply } from "../lib/phoenix.mjs";
import { assert, eventually } from "../lib/wait.mjs";
import { isEvent, lose, on, twice } from "./spoils.mjs";

const isDiff = isEvent("presence_diff");
const isState = isEvent("presence_state");

/** The oldest client hands `onJoin` what was there before, too; all others only what is new. */
const isOld = (t) => t.version.startsWith("1.5.");
const HANDS_OVER_ALL = "this client hands over the metas that it knew, too";

/** Joins with presence watched from before the first state. */
async function watched(client, topic, meta, options) {
  const channel = client.socket.channel(topic, meta === undefined ? {} : { meta });
  const watching = client.presence(channel, options);
  const { status } = await reply(channel.join());
  assert.equal(status, "ok");
  return { channel, watching, client };
}

async function people(t, topic, ...users) {
  const all = [];
  for (const user of users) all.push(await watched(await t.client({ user }), topic));
  return all;
}

export const presence = [
  item("C22", "three clients, two under one key: all lists are equal", async (t) => {
    const all = await people(t, t.topic(), "ann", "bob", "ann");
    for (const { watching } of all) await watching.shows({ ann: 2, bob: 1 });
    const [first, ...others] = all.map(({ watching }) => watching.refs);
    assert.equal(new Set(first).size, 3, "each meta has a ref of its own");
    for (const refs of others) assert.deepEqual(refs, first);
  }, { spoil: lose("got", isDiff) }),

  item("C23", "an update: the key never disappears, onJoin gets only the new meta", async (t) => {
    const topic = t.topic();
    const watcher = await watched(await t.client({ user: "bob" }), topic);
    const ann = await watched(await t.client({ user: "ann" }), topic, { away: false });
    await watcher.watching.shows({ ann: 1, bob: 1 });
    let prev = watcher.watching.presence.state.ann.metas[0].phx_ref;

    for (const away of [true, false]) {
      const { joins, leaves, syncs } = watcher.watching;
      const before = [joins.length, leaves.length, syncs.length];
      assert.equal((await reply(ann.channel.push("parlor:track", { meta: { away } }))).status, "ok");
      await eventually("the update", () => syncs.length > before[2]);
      const joined = joins.slice(before[0]);
      assert.equal(joined.length, 1);
      const { key, isNew, fresh, repeated } = joined[0];
      assert.deepEqual([key, isNew, fresh.length, fresh[0].away], ["ann", false, 1, away]);
      assert.equal(repeated, isOld(t) ? 1 : 0);
      assert.equal(fresh[0].phx_ref_prev, prev);
      assert.notEqual(fresh[0].phx_ref, prev);
      assert.deepEqual(leaves.slice(before[1]).map(({ remaining }) => remaining), [1]);
      prev = fresh[0].phx_ref;
    }
    assert.ok(watcher.watching.syncs.slice(1).every((keys) => keys.includes("ann")));

    const syncs = watcher.watching.syncs.length;
    await reply(ann.channel.push("parlor:track", { meta: { away: false } }));
    await reply(ann.channel.push("fence", {}));
    await eventually("the fence", () => watcher.client.record.got(isEvent("fence")).length === 1);
    assert.equal(watcher.watching.syncs.length, syncs, "the same meta again is no change");
    return isOld(t) ? HANDS_OVER_ALL : undefined;
  }, { spoil: on("got", isDiff, (f) => [...f.slice(0, 4), { joins: {}, leaves: f[4].leaves }]) }),

  item("C24", "untrack, a TCP reset and a leave give one leave each", async (t) => {
    const topic = t.topic();
    const watcher = await watched(await t.client({ user: "zoe" }), topic);
    const [untracks, , leaves] = await people(t, topic, "untracks", "stays", "leaves");
    const resets = await t.unconnected({ user: "resets", reconnectAfterMs: () => 3_600_000 });
    await resets.connect();
    await watched(resets, topic);
    await watcher.watching.shows({ leaves: 1, resets: 1, stays: 1, untracks: 1, zoe: 1 });

    assert.equal((await reply(untracks.channel.push("parlor:untrack", {}))).status, "ok");
    resets.record.current.reset();
    await reply(leaves.channel.leave());
    await watcher.watching.shows({ stays: 1, zoe: 1 });
    await reply(untracks.channel.leave());
    await watcher.client.fence();
    const left = watcher.watching.leaves.map(({ key, remaining }) => `${key} ${remaining}`).sort();
    assert.deepEqual(left, ["leaves 0", "resets 0", "untracks 0"]);
    const onWire = watcher.client.record.got(isDiff).flatMap((frame) => Object.keys(frame[4].leaves)).sort();
    assert.deepEqual(onWire, ["leaves", "resets", "untracks"]);
  }, { spoil: twice("got", (frame) => isDiff(frame) && "untracks" in frame[4].leaves) }),

  item("C25", "onJoin fires once for each meta, its own included", async (t) => {
    const all = await people(t, t.topic(), "ann", "bob", "ann");
    for (const { watching, client } of all) {
      await watching.shows({ ann: 2, bob: 1 });
      await client.fence();
      const refs = watching.joins.flatMap(({ fresh }) => fresh.map((meta) => meta.phx_ref));
      assert.equal(refs.length, 3);
      assert.deepEqual(refs.sort(), watching.refs);
      if (!isOld(t)) assert.ok(watching.joins.every(({ repeated }) => repeated === 0));
    }
    return isOld(t) ? HANDS_OVER_ALL : undefined;
  }, { spoil: on("got", isDiff, (f) => [f, [...f.slice(0, 4), { leaves: f[4].joins, joins: {} }], f]) }),

  item("C26", "a reconnect replaces the state, and leaves no ghost", async (t) => {
    const topic = t.topic();
    const ann = await watched(await t.client({ user: "ann", reconnectAfterMs: () => 400 }), topic);
    const bob = await watched(await t.client({ user: "bob" }), topic);
    await ann.watching.shows({ ann: 1, bob: 1 });
    const syncs = ann.watching.syncs.length;
    const joinRef = ann.channel.joinRef();

    ann.client.record.current.cut();
    await bob.watching.shows({ bob: 1 });
    const carl = await watched(await t.client({ user: "carl" }), topic);
    await reply(bob.channel.leave());
    await eventually("joined again", () => ann.channel.state === "joined" && ann.channel.joinRef() !== joinRef);
    for (const { watching } of [ann, carl]) await watching.shows({ ann: 1, carl: 1 });
    assert.deepEqual(ann.watching.refs, carl.watching.refs);
    assert.ok(ann.watching.syncs.length > syncs);
    assert.ok(ann.watching.leaves.some(({ key }) => key === "bob"), "who has gone meanwhile has left");
    assert.equal(ann.client.record.got(isState).length, 2, "a state for each join");
  }, { spoil: lose("got", (frame) => isState(frame) && !("bob" in frame[4]) && "carl" in frame[4]) }),

  item("C27", "presence events of other names", async (t) => {
    const topic = t.topic();
    const client = await t.client({ user: "ann" });
    const channel = client.socket.channel(topic);
    for (const name of ["state", "diff"]) {
      channel.on(`presence_${name}`, (payload, ref, joinRef) => channel.trigger(`my_${name}`, payload, ref, joinRef));
    }
    const watching = client.presence(channel, { events: { state: "my_state", diff: "my_diff" } });
    await reply(channel.join());
    const bob = await watched(await t.client({ user: "bob" }), topic);
    await watching.shows({ ann: 1, bob: 1 });
    await reply(bob.channel.leave());
    await watching.shows({ ann: 1 });
    return new Differs("the server's names are fixed; a client that wants others forwards them (shown)");
  }, { spoil: lose("got", isDiff) }),

  item("C28", "keys that are named like what every object has", async (t) => {
    const topic = t.topic();
    const users = ["__proto__", "constructor", "hasOwnProperty", "toString"];
    const watcher = await t.client({ user: "zoe" });
    await watcher.join(topic);
    const clients = [];
    for (const user of users) clients.push(await t.client({ user }));
    const channels = [];
    for (const client of clients) channels.push(await client.join(topic));

    const last = await t.client({ user: "yan" });
    await last.join(topic);
    const [state] = await eventually("a state", () => last.record.got(isState).length > 0 && last.record.got(isState));
    assert.deepEqual(Object.getOwnPropertyNames(state[4]).sort(), [...users, "yan", "zoe"].sort());
    await watcher.fence();
    const joined = watcher.record.got(isDiff).flatMap((frame) => Object.getOwnPropertyNames(frame[4].joins));
    for (const user of users) assert.ok(joined.includes(user), `a diff with ${user}`);
    await reply(channels[0].leave());
    await eventually("the leave of __proto__", () =>
      watcher.record.got(isDiff).some((frame) => Object.hasOwn(frame[4].leaves, "__proto__")));
    const [, minor, patch] = t.version.split(".").map((part) => Number.parseInt(part, 10));
    if (minor < 8 || patch < 16) return "on the wire; this client's own lists are not safe of such keys";

    const other = await watched(await t.client({ user: "xim" }), topic);
    const wanted = ["constructor", "hasOwnProperty", "toString", "xim", "yan", "zoe"];
    await eventually("all keys listed", () => JSON.stringify(other.watching.presence.list((key) => key).sort()) === JSON.stringify(wanted));
    return "in the client's lists too";
  }, { spoil: on("got", isState, (f) => [...f.slice(0, 4), JSON.parse(JSON.stringify(f[4]).replace("__proto__", "proto"))]) }),
];
