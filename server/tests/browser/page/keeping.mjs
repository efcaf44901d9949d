// What a server has kept in a file is shown after it was killed.

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { assert, eventually } from "../../clients/lib/wait.mjs";

export const spoils = {
  "a page comes back to a server that was killed, and pages back to before": { file: "room.js", from: "const start = this.messages.unbroken;", to: "const start = 10_000;" },
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
};
