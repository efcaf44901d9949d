// Ways in: by a link, with a token, by the keyboard alone.

import { assert, eventually } from "../../clients/lib/wait.mjs";
import { file, tokenOf } from "./tokens.mjs";

export const spoils = {
  "a link leads to its room": { file: "page.js", from: "topic: topic || FIRST_ROOM,", to: "topic: FIRST_ROOM," },
  "who has no token is let in nowhere": { file: "server.js", from: "base64url.bearer.phx.${base64url(this.token)}", to: "base64url.bearer.phx.none" },
  "who was put out comes back when it wants to": { file: "rooms.js", from: `room.state === "joining") room.join()`, to: `true) room.join()` },
  "the keyboard is enough": { file: "composer.js", from: `event.key !== "Enter"`, to: `event.key !== "F9"` },
  "a room that is not there can be opened": { file: "page.js", from: `"parlor:open_room"`, to: `"parlor:close_room"` },
  "where nobody may open rooms it is not offered": { file: "standing.js", from: "openRoom && {", to: "{" },
  "who changes comes back to the same room": { file: "page.js", from: "welcome(topic);", to: "welcome();" },
  "one's own entry says whose it is, and not that one types": { file: "page.css", from: ".people-list .name bdi { min-width: 0;", to: ".people-list .name bdi { min-width: max-content;" },
  "people are counted in the room that is open, devices in others": { file: "lists.js", from: "String(people ?? size)", to: "String(size)" },
  "names of the server's own are no rooms": { file: "room.js", from: `OWN_NAMES.includes(this.topic)`, to: `false` },
};

export const cases = {
  async "a link leads to its room"(world) {
    const server = await world.server();
    const ann = await world.guest(server, "ann", "room: 7/ü & more");
    await ann.page.context().grantPermissions(["clipboard-read", "clipboard-write"]);
    await ann.page.click("#copy");
    await ann.reads("#said", "Link copied");
    const link = await ann.page.evaluate(() => navigator.clipboard.readText());
    assert.equal(link, ann.page.url());
    assert.ok(link.endsWith("/#room:%207/%C3%BC%20%26%20more"), link);

    // Who is not known says who it is, and is there; who is known is there at once.
    const path = new URL(link).pathname + new URL(link).hash;
    const context = await world.browser();
    const bob = await world.window(server, { context, path });
    await bob.page.fill("#name", "bob");
    assert.equal(await bob.page.inputValue("#room"), "room: 7/ü & more");
    await bob.page.press("#name", "Enter");
    await bob.is("Connected");
    const again = await world.window(server, { context, path });
    await again.is("Connected");
    await again.reads("#title", "room: 7/ü & more");
    await ann.sees([["ann (you)", ""], ["bob", "2 devices"]]);
    // A name that can't be is refused with the reason.
    const eve = await world.window(server);
    await eve.page.fill("#name", "system");
    await eve.page.click("#enter button");
    await eventually("it is said why", async () => /system/.test(await eve.page.textContent("#enter-error")));
  },

  async "who has no token is let in nowhere"(world) {
    const toml = `[[rooms]]\npattern = "secret-lair"\n[default_room]\nevents = [{name = "message", history = 10}]`;
    const server = await world.server({ toml, flags: ["--hs256-secret-file", file()] });
    const ann = await world.window(server);
    await ann.page.waitForSelector("#token");
    assert.equal(await ann.page.isVisible("#name"), false);
    assert.ok(!(await ann.page.content()).includes("secret-lair"), "strangers are told no rooms");
    await ann.page.fill("#token", `${tokenOf("ann")}x`);
    await ann.page.click("#enter button");
    await eventually("it is refused", async () => /not taken/.test(await ann.page.textContent("#enter-error")));
    await ann.page.fill("#token", tokenOf("ann"));
    await ann.page.click("#enter button");
    await ann.is("Connected");
    await ann.reads("#me-name", "ann");
    await ann.say("I am who I am");

    // The address may have it, and then has it no more.
    const bob = await world.window(server, { path: `/#lobby&token=${tokenOf("bob", 4)}` });
    await bob.is("Connected");
    assert.equal(new URL(bob.page.url()).hash, "#lobby");
    await bob.has(["I am who I am"]);
    await ann.sees([["ann (you)", ""], ["bob", ""]]);
    // It runs out, within the time that clocks may differ by.
    await ann.page.reload();
    await ann.is("Connected");
  },

  async "who was put out comes back when it wants to"(world) {
    const key = "a-key-that-operators-have";
    const server = await world.server({ toml: `[operators]\nkey = "${key}"` });
    const headers = { authorization: `Bearer ${key}`, "content-type": "application/json" };
    const kick = async (body) => {
      const answer = await fetch(`${server.http}/api/kick`, { method: "POST", headers, body: JSON.stringify(body) });
      assert.equal(answer.status, 200, await answer.text());
    };
    const ann = await world.guest(server, "ann");
    const bob = await world.guest(server, "bob");
    // Out of the room, and out of everything, which ends the connection too.
    for (const more of [{ topic: "lobby" }, {}]) {
      await kick({ target: { user: "bob" }, reason: "<i>spam</i>", ...more });
      await bob.is("Not in the room");
      await bob.reads("#trouble-text", "You were put out of the room: <i>spam</i>.");
      await ann.sees([["ann (you)", ""]]);
      // It has a connection again, and is not in the room by that.
      await eventually("it is there", async () => {
        const answer = await fetch(`${server.http}/api/users/bob/clients`, { headers });
        return (await answer.json()).clients.length === 1;
      });
      await eventually("it can look at rooms", async () => (await bob.page.$$("#room-list a")).length === 1);
      await ann.say("is it gone?");
      await eventually("that was said", async () => (await ann.texts()).at(-1) === "is it gone?");
      await bob.is("Not in the room");
      await bob.page.focus("#text");
      await bob.page.keyboard.type("from outside");
      await bob.page.keyboard.press("Enter");
      assert.equal(await bob.page.inputValue("#text"), "", "nothing can be said from outside");
      await bob.isSettled();
      assert.deepEqual(await bob.unsent(), []);
      await bob.page.click("#trouble button");
      await bob.is("Connected");
      await ann.sees([["ann (you)", ""], ["bob", ""]]);
    }
  },

  async "the keyboard is enough"(world) {
    const server = await world.server();
    await world.guest(server, "bob");
    const ann = await world.window(server);
    const keys = ann.page.keyboard;
    await ann.page.waitForSelector("#name");
    await keys.type("ann");
    await keys.press("Enter");
    await ann.is("Connected");
    await keys.type("by keys alone");
    await keys.press("Enter");
    await ann.has(["by keys alone"]);
    await keys.type("two");
    await keys.press("Shift+Enter");
    await keys.type("lines");
    await keys.press("Enter");
    await ann.has(["by keys alone", "two\nlines"]);

    // Each stop can be seen, and all that can be used is one.
    const stops = new Set();
    for (let step = 0; step < 30; step += 1) {
      await keys.press("Tab");
      const stop = await ann.page.evaluate(() => {
        const { activeElement: element } = document;
        if (element === document.body) return undefined;
        const { outlineStyle, outlineWidth } = getComputedStyle(element);
        const box = element.getBoundingClientRect();
        return { name: element.id || element.textContent, isSeen: outlineStyle !== "none" && outlineWidth !== "0px" && box.width > 0 && box.top >= 0 };
      });
      if (!stop) continue;
      assert.ok(stop.isSeen, `${stop.name} can be seen where it has the focus`);
      stops.add(stop.name);
    }
    const usable = await ann.page.$$eval("#app button, #app a, #app input, #app textarea", (all) =>
      all.filter((element) => element.checkVisibility({ visibilityProperty: true })).map((element) => element.id || element.textContent),
    );
    for (const name of usable) assert.ok(stops.has(name), `${name} is reached by the keyboard, expected among ${[...stops]}`);
    await ann.page.focus("#skip");
    await keys.press("Enter");
    assert.equal(await ann.page.evaluate(() => document.activeElement.id), "text");
    await ann.page.focus("#open-name");
    await keys.type("garden");
    await keys.press("Enter");
    await ann.reads("#title", "garden");
    await ann.page.focus("#room-list a:not([aria-current])");
    await keys.press("Enter");
    await ann.reads("#title", "lobby");
  },

  async "a room that is not there can be opened"(world) {
    const toml = `unlisted_topics = "refuse"\nclients_open_rooms = "on"\n[[rooms]]\npattern = "lobby"`;
    const server = await world.server({ toml });
    const bob = await world.guest(server, "bob");
    const ann = await world.window(server);
    await ann.page.fill("#name", "ann");
    await ann.page.fill("#room", "attic");
    await ann.page.click("#enter button");
    await ann.is("Not in the room");
    await ann.reads("#trouble-text", "There is no such room.");
    await ann.page.click("text=Open it");
    await ann.is("Connected");
    await bob.page.waitForSelector("#room-list >> text=attic");
  },

  async "where nobody may open rooms it is not offered"(world) {
    const server = await world.server({ toml: `unlisted_topics = "refuse"\n[[rooms]]\npattern = "lobby"` });
    const ann = await world.window(server);
    await ann.page.fill("#name", "ann");
    await ann.page.fill("#room", "attic");
    await ann.page.click("#enter button");
    await ann.reads("#trouble-text", "There is no such room.");
    await ann.reads("#trouble-actions", "Try again");
    await ann.reads("#open-label", "Go to a room");
    for (const toml of ["", 'unlisted_topics = "refuse"\nclients_open_rooms = "on"']) {
      const other = await world.server({ toml });
      const bob = await world.window(other);
      await bob.page.fill("#name", "bob");
      await bob.page.click("#enter button");
      await bob.reads("#open-label", "Go to or open a room");
    }
  },

  async "who changes comes back to the same room"(world) {
    const server = await world.server();
    const ann = await world.guest(server, "ann", "garden");
    await ann.page.click("#change");
    await eventually("the room is known", async () => (await ann.page.inputValue("#room")) === "garden");
    await ann.enter("eve");
    await ann.reads("#title", "garden");
  },

  async "one's own entry says whose it is, and not that one types"(world) {
    const server = await world.server();
    const long = "a name that is much longer than its list is wide";
    const [ann, bob] = [await world.guest(server, long), await world.guest(server, "bob")];
    await ann.page.$eval("#people-list", (list) => {
      window.noted = [];
      new MutationObserver(() => window.noted.push(list.textContent)).observe(list, { childList: true, characterData: true, subtree: true });
    });
    await ann.type("a word");
    await bob.sees([[long, "typing…"], ["bob (you)", ""]]);
    // What is shown of bob was told after what is told of oneself.
    await bob.type("another");
    await ann.sees([[`${long} (you)`, ""], ["bob", "typing…"]]);
    for (const list of await ann.page.evaluate(() => window.noted)) assert.ok(!list.includes("(you)typing"), list);
    const [list, you] = await Promise.all(["#people-list", "#people-list .name span"].map(async (selector) => (await ann.page.$(selector)).boundingBox()));
    assert.ok(you.x + you.width <= list.x + list.width, "that it is oneself is not cut off");
  },

  async "people are counted in the room that is open, devices in others"(world) {
    const server = await world.server();
    const ann = await world.guest(server, "ann", "garden");
    for (let device = 0; device < 2; device += 1) await world.guest(server, "bob", "garden");
    const eve = await world.guest(server, "eve", "lobby");
    const number = async (window) => {
      const row = await window.page.$("#room-list li:has-text('garden') .size");
      return [await row?.textContent(), await row?.getAttribute("title")].join();
    };
    await eventually("two people", async () => (await number(ann)) === "2,2 people" || Promise.reject(new Error(await number(ann))));
    await eventually("three devices", async () => (await number(eve)) === "3,3 devices" || Promise.reject(new Error(await number(eve))));
  },

  async "names of the server's own are no rooms"(world) {
    const server = await world.server();
    const ann = await world.guest(server, "ann");
    for (const name of ["parlor", "phoenix"]) {
      await ann.page.fill("#open-name", name);
      await ann.page.press("#open-name", "Enter");
      await ann.reads("#title", name);
      await ann.is("Not in the room");
      await ann.reads("#trouble-text", "This name is the server's own.");
      assert.deepEqual(await ann.page.$$("#trouble button"), [], "there is nothing to be done about it");
      await ann.page.click("#room-list >> text=lobby");
      await ann.is("Connected");
    }
    const bob = await world.window(server, { path: "/#parlor" });
    await bob.page.fill("#name", "bob");
    await bob.page.press("#name", "Enter");
    await bob.is("Not in the room");
    await bob.reads("#trouble-text", "This name is the server's own.");
  },
};
