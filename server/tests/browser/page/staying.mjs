// A window stays in the rooms that it was in: what is said there is counted, and found again.

import { assert, eventually } from "../../clients/lib/wait.mjs";

export const spoils = {
  "what is said in other rooms is counted": { file: "rooms.js", from: "return this.all.reduce((sum, { unread }) => sum + unread, 0);", to: "return this.open?.unread ?? 0;" },
  "rooms are kept over a loading anew and a lost line, and left": { file: "rooms.js", from: "{ topic, readTo } of rooms) this", to: "{ topic, readTo } of []) this" },
  "what is written stays in its room": { file: "page.js", from: "composer.put(room.draft);", to: "composer.put('');" },
  "what is written outlives a loading anew, for who has written it": { file: "room.js", from: "inTab.keep(this.#draftPlace, text);", to: "" },
  "rooms are left also by who came in by the door": { file: "page.js", from: "leave: leaveOther", to: "leave: () => {}" },
  "rooms stay where they are in the list": { file: "lists.js", from: "others.sort(", to: "others.map(" },
  "no more than eight rooms are stayed in": { file: "rooms.js", from: "const MAX = 8;", to: "const MAX = 9;" },
};

/** The rooms in the list: names, with what was not read there. */
const rooms = (window) =>
  window.page.$$eval("#room-list li", (all) =>
    all.map((row) => [row.querySelector(".name").textContent, row.querySelector(".pill").hidden ? "" : row.querySelector(".pill").textContent]),
  );

const lists = (window, expected) =>
  eventually(`the rooms: ${JSON.stringify(expected)}`, async () => {
    const listed = await rooms(window);
    return JSON.stringify(listed) === JSON.stringify(expected) || Promise.reject(new Error(JSON.stringify(listed)));
  });

const titled = (window, title) =>
  eventually(`the title: ${title}`, async () => (await window.page.title()) === title || Promise.reject(new Error(await window.page.title())));

const open = async (window, name) => {
  await window.page.fill("#open-name", name);
  await window.page.click("#open button");
  await window.reads("#title", name);
  await window.is("Connected");
};

const TOML = ["attic", "garden"].map((topic) => `[[rooms]]\npattern = "${topic}"\nevents = [{name = "message", history = 200}]\n`).join("");

export const cases = {
  async "what is said in other rooms is counted"(world) {
    const server = await world.server({ toml: TOML });
    const ann = await world.guest(server, "ann", "attic");
    const bob = await world.guest(server, "bob", "attic");
    await bob.say("before");
    await ann.has(["before"]);
    await open(ann, "garden");
    await bob.sees([["bob (you)", ""], ["ann", "away"]]);
    for (let line = 0; line < 30; line += 1) await bob.say(`line ${line}`);
    await lists(ann, [["attic", "30"], ["garden", ""]]);
    await titled(ann, "(30) garden – parlor");
    await ann.reads("#said", "New in attic");
    await eventually("it is said in words", async () => {
      const words = await ann.page.textContent("#room-list li:first-child a");
      return /, 30 unread, 2 devices/.test(words) || Promise.reject(new Error(words));
    });
    assert.deepEqual(await ann.texts(), [], "nothing of it is shown in this room");
    await ann.page.setViewportSize({ width: 390, height: 844 });
    await ann.reads("#show-rooms", "\n      Rooms30 unread\n    ");
    await ann.page.setViewportSize({ width: 1280, height: 800 });

    // It opens where what is new begins, and is read when the end is in sight.
    await ann.page.click("#room-list >> text=attic");
    await ann.has(["before", ...Array.from({ length: 30 }, (_, line) => `line ${line}`)]);
    await bob.sees([["ann", ""], ["bob (you)", ""]]);
    const rows = await ann.page.$$eval("#messages > li:not(.day)", (all) => all.slice(0, 3).map((row) => row.querySelector(".text")?.textContent ?? row.textContent));
    assert.deepEqual(rows, ["before", "New", "line 0"]);
    const [line, log] = await Promise.all(["#messages .news", "#log"].map(async (selector) => (await ann.page.$(selector)).boundingBox()));
    assert.ok(line.y >= log.y && line.y < log.y + log.height / 2, `the line is at ${line.y}, expected in the upper half of ${log.y} to ${log.y + log.height}`);
    await ann.reads("#newest", "↓ 30 new messages");
    await titled(ann, "(30) attic – parlor");
    await ann.page.click("#newest");
    await titled(ann, "attic – parlor");
    await lists(ann, [["attic", ""], ["garden", ""]]);
    // What one says oneself, here or on another device, is no news, and ends what was.
    await ann.say("read");
    await ann.page.waitForSelector("#messages .news", { state: "detached" });
    await open(ann, "garden");
    const other = await world.guest(server, "ann", "attic");
    await other.say("by the other device");
    await bob.say("mark");
    await lists(ann, [["attic", "1"], ["garden", ""]]);
    // By the keyboard, from wherever one is.
    await ann.page.focus("#text");
    await ann.page.keyboard.press("Alt+ArrowUp");
    await ann.reads("#title", "attic");
    assert.equal(await ann.page.evaluate(() => document.activeElement.id), "text");
    await titled(ann, "attic – parlor");
  },

  async "rooms are kept over a loading anew and a lost line, and left"(world) {
    const server = await world.server({ toml: TOML, flags: ["--grace-ms", "300"] });
    const line = await world.line(server);
    const ann = await world.guest(line, "ann", "attic");
    const bob = await world.guest(server, "bob", "attic");
    await bob.say("before");
    await ann.has(["before"]);
    await open(ann, "garden");
    await bob.say("one");
    await titled(ann, "(1) garden – parlor");
    await ann.page.reload();
    await ann.reads("#title", "garden");
    await titled(ann, "(1) garden – parlor");

    line.cut();
    await ann.is("Reconnecting…");
    await bob.sees([["bob (you)", ""]]);
    await bob.say("two");
    line.mend();
    await ann.is("Connected");
    await titled(ann, "(2) garden – parlor");
    await bob.sees([["bob (you)", ""], ["ann", "away"]]);

    await ann.page.hover("#room-list li:first-child");
    await ann.page.click("#room-list [title='Leave attic']");
    await bob.sees([["bob (you)", ""]]);
    await titled(ann, "garden – parlor");
    await bob.say("three");
    await bob.has(["before", "one", "two", "three"]);
    await ann.page.reload();
    await ann.is("Connected");
    await bob.sees([["bob (you)", ""]]);
    await titled(ann, "garden – parlor");

    // Somebody else in the same tab begins with nothing.
    await open(ann, "attic");
    await ann.page.click("#change");
    await bob.sees([["bob (you)", ""]]);
    await ann.enter("eve", "garden");
    await ann.sees([["eve (you)", ""]]);
    await bob.sees([["bob (you)", ""]]);
  },

  async "what is written stays in its room"(world) {
    const server = await world.server({ toml: TOML });
    const bob = await world.guest(server, "bob", "attic");
    const ann = await world.guest(server, "ann", "attic");
    await ann.type("for the attic alone");
    await bob.reads("#typing", "ann is typing…");
    await open(ann, "garden");
    await bob.reads("#typing", "");
    assert.equal(await ann.page.inputValue("#text"), "");
    await ann.type("for the garden");
    await ann.page.click("#room-list >> text=attic");
    await ann.reads("#title", "attic");
    assert.equal(await ann.page.inputValue("#text"), "for the attic alone");
    await ann.page.press("#text", "Enter");
    await bob.has(["for the attic alone"]);
    await ann.page.click("#room-list >> text=garden");
    await ann.reads("#title", "garden");
    assert.equal(await ann.page.inputValue("#text"), "for the garden");
  },

  async "what is written outlives a loading anew, for who has written it"(world) {
    const server = await world.server({ toml: TOML });
    const ann = await world.guest(server, "ann", "attic");
    await ann.type("for the attic\nalone");
    await open(ann, "garden");
    await ann.type("for the garden");
    await ann.page.reload();
    await ann.is("Connected");
    assert.equal(await ann.page.inputValue("#text"), "for the garden");
    await ann.page.click("#room-list >> text=attic");
    await ann.reads("#title", "attic");
    assert.equal(await ann.page.inputValue("#text"), "for the attic\nalone");
    await ann.page.press("#text", "Enter");
    await ann.has(["for the attic\nalone"]);
    await ann.page.reload();
    await ann.is("Connected");
    assert.equal(await ann.page.inputValue("#text"), "", "what was sent is not there again");
    // Somebody else finds nothing of it, and who comes back does.
    await ann.page.click("#change");
    await ann.enter("eve", "garden");
    await ann.reads("#me-name", "eve");
    assert.equal(await ann.page.inputValue("#text"), "");
    await ann.page.click("#change");
    await ann.enter("ann", "garden");
    await ann.reads("#me-name", "ann");
    assert.equal(await ann.page.inputValue("#text"), "for the garden");
  },

  async "rooms are left also by who came in by the door"(world) {
    const server = await world.server({ toml: TOML });
    const bob = await world.guest(server, "bob", "attic");
    const ann = await world.guest(server, "ann", "attic");
    await bob.sees([["ann", ""], ["bob (you)", ""]]);
    await open(ann, "garden");
    await ann.page.hover("#room-list li:first-child");
    await ann.page.click("#room-list [title='Leave attic']");
    await bob.sees([["bob (you)", ""]]);
  },

  async "rooms stay where they are in the list"(world) {
    const toml = ["zoo", "attic"].map((topic) => `[[rooms]]\npattern = "${topic}"\n`).join("");
    const server = await world.server({ toml, flags: ["--lanes", "3"] });
    const names = ["room 10", "room 9", "über", "Zebra", "apple"];
    for (const name of names) await world.guest(server, name.replace(" ", "-"), name);
    const ann = await world.guest(server, "ann", "room 2");
    const sorted = ["zoo", "attic", "apple", "room 2", "room 9", "room 10", "über", "Zebra"];
    await lists(ann, sorted.map((name) => [name, ""]));
    // Neither who comes nor what is opened moves what is there.
    await open(ann, "middle");
    await lists(ann, [...sorted.slice(0, 3), "middle", ...sorted.slice(3)].map((name) => [name, ""]));
  },

  async "no more than eight rooms are stayed in"(world) {
    const server = await world.server();
    const ann = await world.guest(server, "ann", "room 0");
    const bob = await world.guest(server, "bob", "room 0");
    for (let room = 1; room < 8; room += 1) await open(ann, `room ${room}`);
    await bob.sees([["bob (you)", ""], ["ann", "away"]]);
    await open(ann, "room 8");
    await bob.sees([["bob (you)", ""]]);
    const own = await ann.page.$$eval("#room-list .own .name", (all) => all.map(({ textContent }) => textContent).sort());
    assert.deepEqual(own, Array.from({ length: 8 }, (_, room) => `room ${room + 1}`));
  },
};
