// The npm client `phoenix`, in all the versions that are tried, with promises around its callbacks.

import { createRequire } from "node:module";
import { Record, tapped } from "./tap.mjs";
import { assert, eventually, within } from "./wait.mjs";

const require = createRequire(import.meta.url);

/** With `POSITIONED` behind it, every connection of the version asks for positions. */
const POSITIONED = "+positions";

export const LATEST = "1.8.16";

export const VERSIONS = ["1.5.14", "1.6.16", "1.7.21", LATEST, `${LATEST}${POSITIONED}`];

/** The package as its version has it; the tests change nothing in it. */
export const load = (version) => require(`phoenix-${version.replace(POSITIONED, "")}`);

/** Quick retries, so that tests of them are short. All else is as the client has it. */
const QUICK = { reconnectAfterMs: () => 20, rejoinAfterMs: () => 50 };

export class Client {
  record = new Record();

  constructor(version, url, { user, params, protocols, ...options } = {}) {
    this.version = version;
    this.phoenix = load(version);
    const transport = tapped(this.record, { protocols });
    const named = user === undefined ? params : { user_id: user, ...params };
    const all = version.endsWith(POSITIONED) && typeof named !== "function" ? { positions: "on", ...named } : named;
    this.socket = new this.phoenix.Socket(url, { transport, params: all, ...QUICK, ...options });
    this.socket.onError(() => {});
  }

  /** Connects, and waits until the connection is open. */
  async connect() {
    this.socket.connect();
    await eventually("the client is connected", () => this.socket.isConnected());
    return this;
  }

  /** Joins, and waits for the reply, which has to be ok. */
  async join(topic, params) {
    const channel = this.socket.channel(topic, params);
    const { status, response } = await reply(channel.join(), `join of ${topic}`);
    assert.equal(status, "ok", `join of ${topic}: ${JSON.stringify(response)}`);
    channel.joinedWith = response;
    return channel;
  }

  /** Sends a frame past the channels, as old or odd clients do, and waits for the reply. */
  async raw(frame) {
    const ref = this.socket.makeRef();
    this.rawLater({ ref, ...frame });
    const isReply = (f) => f[1] === ref && f[3] === "phx_reply";
    const answer = await eventually(`a reply to ${frame.event}`, () => this.record.got(isReply)[0]);
    return { joinRef: answer[0], ...answer[4] };
  }

  rawLater(frame) {
    this.socket.push({ join_ref: null, payload: {}, ref: this.socket.makeRef(), ...frame });
  }

  /** Waits until all that the server had to say on this connection before now has arrived. */
  async fence() {
    await this.raw({ topic: "phoenix", event: "heartbeat" });
  }

  /** The code with which the server closes the current connection. */
  async closed() {
    const before = this.record.closes.length;
    return eventually("the connection is closed", () => this.record.closes[before]);
  }

  presence(channel, options) {
    return new Watched(new this.phoenix.Presence(channel, options));
  }

  disconnect() {
    this.socket.disconnect();
  }
}

/** What a push was answered. */
export function reply(push, what = "a push", ms) {
  const answer = new Promise((resolve) => {
    for (const status of ["ok", "error", "timeout"]) {
      push.receive(status, (response) => resolve({ status, response }));
    }
  });
  return within(`an answer to ${what}`, answer, ms);
}

/** A client's presence, and what it called. */
export class Watched {
  joins = [];
  leaves = [];
  syncs = [];

  constructor(presence) {
    this.presence = presence;
    presence.onJoin((key, current, joined) => {
      const known = new Set(current?.metas.map((meta) => meta.phx_ref));
      const fresh = joined.metas.filter((meta) => !known.has(meta.phx_ref)).map((meta) => ({ ...meta }));
      this.joins.push({ key, isNew: !current, fresh, repeated: joined.metas.length - fresh.length });
    });
    presence.onLeave((key, current, left) => {
      this.leaves.push({ key, remaining: current.metas.length, metas: left.metas });
    });
    presence.onSync(() => this.syncs.push(this.keys));
  }

  /** `{ key: how many metas }`, in the order of keys. */
  get counts() {
    const counts = this.presence.list((key, { metas }) => [key, metas.length]);
    return Object.fromEntries(counts.sort(([a], [b]) => (a < b ? -1 : 1)));
  }

  get keys() {
    return Object.keys(this.counts);
  }

  get refs() {
    return this.presence.list((_, { metas }) => metas.map((meta) => meta.phx_ref)).flat().sort();
  }

  /** Waits for exactly those keys with those numbers of metas. */
  async shows(counts) {
    const wanted = JSON.stringify(counts);
    try {
      await eventually("", () => JSON.stringify(this.counts) === wanted);
    } catch {
      throw new Error(`expected the presences ${wanted}, got ${JSON.stringify(this.counts)}`);
    }
  }
}

/** Collects what a channel is told under a name. */
export function collected(channel, event) {
  const payloads = [];
  channel.on(event, (payload) => payloads.push(payload));
  return payloads;
}
