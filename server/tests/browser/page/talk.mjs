// Two windows: they talk, and see each other come, go, type and go away.

import { assert, eventually } from "../../clients/lib/wait.mjs";

export const spoils = {
  "two windows talk": { file: "log.js", from: `make("bdi", { class: "from" }, from)`, to: `make("bdi", { class: "from" }, "somebody")` },
  "they see each other come, go, type and go away": { file: "presence.js", from: "devices?.delete(meta.phx_ref);", to: "devices?.delete(meta.phx);" },
  "what is not seen is counted": { file: "rooms.js", from: "room.unread += 1;", to: "room.unread += 0;" },
  "rooms are listed and opened": { file: "rooms.js", from: "before?.show({ away: true", to: "before?.show({ away: false" },
};

export const cases = {
  async "two windows talk"(world) {
    const server = await world.server();
    const ann = await world.guest(server, "ann");
    const bob = await world.guest(server, "bob");
    await ann.say("hello");
    await bob.has(["hello"]);
    await bob.say("hi\nann");
    for (const window of [ann, bob]) {
      await window.has(["hello", "hi\nann"]);
      assert.deepEqual(await window.messages(), [["ann", "hello"], ["bob", "hi\nann"]]);
      assert.deepEqual(await window.unsent(), []);
    }
    const own = await ann.page.$$eval(".message.own .text", (all) => all.map(({ textContent }) => textContent));
    assert.deepEqual(own, ["hello"], "own messages are marked");
    const times = await ann.page.$$eval(".message time", (all) => all.map(({ dateTime }) => Date.parse(dateTime)));
    for (const time of times) assert.ok(Math.abs(Date.now() - time) < 60_000, "messages have their times");
    // Who comes later sees what was said.
    const eve = await world.guest(server, "eve");
    await eve.has(["hello", "hi\nann"]);
  },

  async "they see each other come, go, type and go away"(world) {
    const server = await world.server({ flags: ["--grace-ms", "300"] });
    const ann = await world.guest(server, "ann");
    await ann.sees([["ann (you)", ""]]);
    const bob = await world.guest(server, "bob");
    await ann.sees([["ann (you)", ""], ["bob", ""]]);
    await bob.sees([["ann", ""], ["bob (you)", ""]]);

    await bob.type("I am about to");
    await ann.sees([["ann (you)", ""], ["bob", "typing…"]]);
    await ann.reads("#typing", "bob is typing…");
    await bob.type("");
    await ann.sees([["ann (you)", ""], ["bob", ""]]);
    await ann.reads("#typing", "");
    await bob.type("now");
    await ann.reads("#typing", "bob is typing…");
    await bob.page.press("#text", "Enter");
    await ann.reads("#typing", "");

    await bob.look("hidden");
    await ann.sees([["ann (you)", ""], ["bob", "away"]]);
    const phone = await world.guest(server, "bob", undefined, { viewport: { width: 390, height: 844 } });
    await ann.sees([["ann (you)", ""], ["bob", "2 devices"]]);
    await phone.look("hidden");
    await ann.sees([["ann (you)", ""], ["bob", "away, 2 devices"]]);
    await bob.look("visible");
    await ann.sees([["ann (you)", ""], ["bob", "2 devices"]]);

    // One goes without a word, the other says that it goes.
    await phone.page.close();
    await ann.sees([["ann (you)", ""], ["bob", ""]]);
    await bob.page.click("#change");
    await ann.sees([["ann (you)", ""]]);
  },

  async "what is not seen is counted"(world) {
    const server = await world.server();
    const ann = await world.guest(server, "ann");
    const bob = await world.guest(server, "bob");
    assert.equal(await ann.page.title(), "lobby – parlor");
    await ann.look("hidden");
    for (const text of ["one", "two"]) await bob.say(text);
    await eventually("the title counts", async () => (await ann.page.title()) === "(2) lobby – parlor");
    await ann.look("visible");
    await eventually("nothing is unread", async () => (await ann.page.title()) === "lobby – parlor");

    // Who reads what was said before is told, and stays where it is.
    for (let line = 0; line < 60; line += 1) await bob.say(`line ${line}`);
    await eventually("all has come", async () => (await ann.texts()).at(-1) === "line 59");
    await eventually("nothing is unread", async () => (await ann.page.title()) === "lobby – parlor");
    await ann.page.$eval("#log", (log) => (log.scrollTop = log.scrollHeight / 2));
    await ann.page.waitForSelector("#newest:not([hidden])");
    const inSight = () => ann.page.$$eval(".message", (all) => all.find((row) => row.querySelector(".text").textContent === "line 30").getBoundingClientRect().top);
    const before = await inSight();
    await bob.say("news");
    await ann.reads("#newest", "↓ 1 new message");
    const after = await inSight();
    assert.ok(Math.abs(after - before) < 2, `what is in sight stays at ${before}, got ${after}`);
    assert.equal(await ann.page.title(), "(1) lobby – parlor");
    await ann.page.click("#newest");
    await ann.page.waitForSelector("#newest", { state: "hidden" });
    await eventually("it is read", async () => (await ann.page.title()) === "lobby – parlor");
    const rest = await ann.page.$eval("#log", (log) => log.scrollHeight - log.scrollTop - log.clientHeight);
    assert.ok(rest < 2, `the newest is in sight, expected nothing below it, got ${rest}`);
  },

  async "rooms are listed and opened"(world) {
    const toml = `
      [[rooms]]
      pattern = "lobby"
      name = "The lobby"
      description = "where everybody meets"
      events = [{name = "message", history = 10}]
      [[rooms]]
      pattern = "garden"
    `;
    const server = await world.server({ toml });
    const ann = await world.guest(server, "ann");
    const bob = await world.guest(server, "bob");
    await ann.reads("#title", "The lobby");
    await ann.reads("#room-about", "where everybody meets");
    const rooms = () => ann.page.$$eval("#room-list a", (all) => all.map((a) => [a.querySelector(".name").textContent, a.querySelector(".size").textContent]));
    await eventually("both are counted", async () => assert.deepEqual(await rooms(), [["The lobby", "2"], ["garden", ""]]) ?? true);

    await ann.page.click("#room-list >> text=garden");
    await ann.reads("#title", "garden");
    await ann.is("Connected");
    await bob.sees([["bob (you)", ""], ["ann", "away"]]);
    await ann.page.fill("#open-name", "attic: büro");
    await ann.page.click("#open button");
    await ann.reads("#title", "attic: büro");
    await ann.is("Connected");
    assert.ok(ann.page.url().endsWith("/#attic:%20b%C3%BCro"), ann.page.url());
    await ann.say("alone");
    await ann.has(["alone"]);
    await ann.page.goBack();
    await ann.reads("#title", "garden");
    assert.deepEqual(await bob.texts(), []);
  },
};
