// What a server has kept in a file is shown after it was killed.

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { assert, eventually } from "../../clients/lib/wait.mjs";

export const spoils = {
  "a page comes back to a server that was killed, and pages back to before": { file: "history.js", from: "const next = more ??", to: "const next = undefined &&" },
  "a room says where it begins": { file: "room.js", from: `#position?.offset > 0 ? "unkept"`, to: `#position?.offset > 0 ? "new"` },
  "a room that was closed and begins anew misses nothing": { file: "room.js", from: "joined.epoch !== since.epoch", to: "false" },
};

export const cases = {
  async "a page comes back to a server that was killed, and pages back to before"(world) {
    const directory = mkdtempSync(join(tmpdir(), "parlor-browser-"));
    try {
      // Memory has less than was said, and after the restart nothing at all.
      const toml = `[default_room]\nevents = [{name = "message", history = 20}]\n[connections]\nevents_per_window = 100_000`;
      const server = await world.server({ toml, flags: ["--history", join(directory, "history.sqlite")] });
      const ann = await world.guest(server, "ann");
      const before = Array.from({ length: 70 }, (_, line) => `before ${line}`);
      for (const text of before) await ann.say(text);
      await ann.has(before);
      // All of it is in the file when a page from before memory is answered.
      const bob = await world.guest(server, "bob");
      await bob.page.$eval("#log", (log) => (log.scrollTop = 0));
      await bob.has(before);

      await server.stop("SIGKILL");
      for (const window of [ann, bob]) await window.is("Reconnecting…");
      await bob.say("said without a server");
      await server.again();
      for (const window of [ann, bob]) await window.is("Connected");
      const all = [...before, "said without a server"];
      for (const window of [ann, bob]) {
        await window.has(all);
        assert.equal(await window.page.$("#messages .gap"), null, "nothing is missing");
        assert.deepEqual(await window.unsent(), []);
      }
      await ann.sees([["ann (you)", ""], ["bob", ""]]);

      // Who comes later pages back over the restart.
      const eve = await world.guest(server, "eve");
      await eve.has(all.slice(-50));
      await eve.page.$eval("#log", (log) => (log.scrollTop = 0));
      await eve.has(all);
      await eve.reads("#beginning", "Nothing earlier is kept.");
      await eventually("the beginning is in sight", () => eve.page.isVisible("#beginning"));
      await eve.say("and on");
      for (const window of [ann, bob, eve]) await window.has([...all, "and on"]);
    } finally {
      rmSync(directory, { recursive: true, force: true });
    }
  },

  async "a room says where it begins"(world) {
    const toml = `
      [default_room]
      events = [{name = "message", history = 3}]
      [[rooms]]
      pattern = "passing"
      events = [{name = "message"}]
    `;
    const server = await world.server({ toml });
    for (const room of ["lobby", "passing"]) {
      const ann = await world.guest(server, "ann", room);
      await ann.reads("#beginning", "Nothing was said here yet. Say something, or copy the link for others.");
      await ann.say("one");
      await ann.has(["one"]);
      await ann.reads("#beginning", "This is the beginning.");
      await ann.page.reload();
      await ann.is("Connected");
      await ann.has(room === "lobby" ? ["one"] : []);
      await ann.reads("#beginning", room === "lobby" ? "This is the beginning." : "Earlier messages are not kept here.");
      for (const text of ["two", "three", "four"]) await ann.say(text);
      await ann.has([...(room === "lobby" ? ["one"] : []), "two", "three", "four"]);
      await ann.reads("#beginning", room === "lobby" ? "This is the beginning." : "Nothing earlier is kept.");
      await ann.page.reload();
      await ann.is("Connected");
      await ann.reads("#beginning", room === "lobby" ? "Nothing earlier is kept." : "Earlier messages are not kept here.");
    }
  },

  async "a room that was closed and begins anew misses nothing"(world) {
    const key = "a-key-that-operators-have";
    const server = await world.server({ toml: `[operators]\nkey = "${key}"\n[default_room]\nevents = [{name = "message", history = 10}]` });
    const [ann, bob] = [await world.guest(server, "ann"), await world.guest(server, "bob")];
    await ann.say("before");
    await bob.has(["before"]);
    const answer = await fetch(`${server.http}/api/rooms/lobby`, { method: "DELETE", headers: { authorization: `Bearer ${key}` } });
    assert.equal(answer.status, 204);
    for (const window of [ann, bob]) await window.reads("#trouble-text", "This room was closed.");
    await ann.page.click("text=Go in again");
    await ann.is("Connected");
    await ann.say("after");
    await ann.has(["before", "after"]);
    await bob.page.click("text=Go in again");
    await bob.has(["before", "after"]);
    for (const window of [ann, bob]) {
      await window.reads("#messages .gap", "The room was closed here, and opened anew.");
      const rows = await window.page.$$eval("#messages > li:not(.day)", (all) => all.map(({ className }) => className.split(" ")[0]));
      assert.deepEqual(rows, ["message", "gap", "message"]);
    }
  },
};
