// Named items, and the running of them.

import { Between } from "./between.mjs";
import { Client } from "./phoenix.mjs";
import { Server } from "./server.mjs";
import { within } from "./wait.mjs";

/**
 * An item of a list: a name, a sentence, and the test.
 *
 * `spoil` is what has to make it fail: a function from a frame that passes to what passes instead.
 * The test gets a `Scene`; what it returns, if anything, is a note for the table.
 */
export const item = (name, says, test, { spoil, slowMs = 60_000, serial = false } = {}) => ({ name, says, test, spoil, slowMs, serial });

/** Thrown by a test that does not apply; the reason goes to the table. */
export class NotApplicable extends Error {}

/** Returned by a test of what parlor does otherwise than Phoenix, on purpose. */
export class Differs {
  constructor(how) {
    this.how = how;
  }
}

/** What one run of a test has at hand, and puts away after it. */
export class Scene {
  #leftovers = [];
  #names = 0;

  constructor(version, name, { servers, spoil }) {
    this.version = version;
    this.name = name;
    this.servers = servers;
    this.spoil = spoil;
  }

  /** A topic that no other test uses. */
  topic(kind = "room") {
    this.#names += 1;
    return `${kind}:${this.name}-${this.version}-${this.#names}-${Math.random().toString(36).slice(2, 8)}`;
  }

  /** The server that tests share; with settings, one of its own. */
  async server(settings) {
    if (settings === undefined) return this.servers.shared;
    const { admin = false, ...rest } = settings;
    const server = await Server.start(admin ? this.servers.conformance : this.servers.binary, rest);
    return this.later(server, () => server.dispose());
  }

  /** Where clients find a server: through what spoils frames, when they are to be spoilt. */
  async url(server = this.servers.shared) {
    if (this.spoil === undefined) return server.url;
    const between = await Between.before(server.url, this.spoil);
    return this.later(between, () => between.stop()).url;
  }

  /** A proxy that can close connections with any code. */
  async between(server = this.servers.shared) {
    const between = await Between.before(server.url, this.spoil);
    return this.later(between, () => between.stop());
  }

  /** An unmodified client, connected. */
  async client(options = {}) {
    const { server, url, version = this.version, ...rest } = options;
    const client = new Client(version, url ?? (await this.url(server)), rest);
    this.later(client, () => client.disconnect());
    return client.connect();
  }

  /** One that is not connected yet. */
  async unconnected({ server, ...options } = {}) {
    const client = new Client(this.version, await this.url(server), options);
    return this.later(client, () => client.disconnect());
  }

  later(thing, putAway) {
    this.#leftovers.unshift(putAway);
    return thing;
  }

  async putAway() {
    for (const putAway of this.#leftovers) await putAway();
  }
}

/** Runs one item, and says how it went: `{ state, note }`. */
export async function run(it, version, servers, spoil) {
  const scene = new Scene(version, it.name, { servers, spoil });
  try {
    const note = await within(`${it.name} ends`, it.test(scene), it.slowMs);
    if (note instanceof Differs) return { state: "differs", note: note.how };
    return { state: "ok", note: note ?? "" };
  } catch (error) {
    if (error instanceof NotApplicable) return { state: "n/a", note: error.message };
    return { state: "FAILED", note: brief(error) };
  } finally {
    await scene.putAway().catch((error) => console.error(`${it.name}: ${error.stack}`));
  }
}

function brief(error) {
  const lines = String(error?.stack ?? error).split("\n");
  const at = lines.find((line) => /tests\/clients\/(?!lib\/wait)/.test(line) && line.trim().startsWith("at "));
  const text = String(error?.message ?? error).replace(/\s+/g, " ").slice(0, 500);
  return `${text}${at ? ` (${at.trim().replace(/^at .*\/clients\//, "").replace(/\)$/, "")})` : ""}`;
}

/** Runs the jobs, some at a time, and in the order given. */
export async function pool(jobs, atATime) {
  const results = new Array(jobs.length);
  let next = 0;
  const worker = async () => {
    while (next < jobs.length) {
      const mine = next;
      next += 1;
      results[mine] = await jobs[mine]();
    }
  };
  await Promise.all(Array.from({ length: atATime }, worker));
  return results;
}
