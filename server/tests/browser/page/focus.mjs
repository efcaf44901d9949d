// Where the keyboard goes (finding A15): what somebody types next is a message for the room that
// they have just chosen, and the focus is never lost to the page's body.

import { assert, eventually } from "../../clients/lib/wait.mjs";
import { file, tokenOf } from "./tokens.mjs";

export const spoils = {
  "a15: the next line is a message for the room": { file: "page.js", from: "  drawers.close();\n  composer.focus();", to: "  drawers.close();" },
  "a15: a line typed before the server answers is a message": { file: "page.js", from: "if (server.takesNames) {", to: "if (false) {" },
  "a15: keys that nothing else takes are a message": { file: "composer.js", from: `const IDLE_PLACES = "body, #log"`, to: `const IDLE_PLACES = "#nowhere"` },
  "a15: a touch opens no keyboard": { file: "composer.js", from: `pointerType === "touch"`, to: "false" },
  "a15: the focus outlives what had it": { file: "lists.js", from: "if (hadFocus &&", to: "if (false &&" },
  "a15: a form that waits takes no second answer": { file: "door.js", from: "if (this.#isKnocking) return;", to: "" },
};

/** Browsers on such machines say that nothing can hover. */
const UNSURE = { hasTouch: true };

const focused = ({ page }) => page.evaluate(() => document.activeElement.id || document.activeElement.tagName);

const types = async ({ page }, ...lines) => {
  for (const line of lines) {
    await page.keyboard.type(line);
    await page.keyboard.press("Enter");
  }
};

export const cases = {
  async "a15: the next line is a message for the room"(world) {
    const toml = `[[rooms]]\npattern = "lobby"\nname = "The lobby"\nevents = [{name = "message", history = 10}]\n[default_room]\nevents = [{name = "message", history = 10}]`;
    const server = await world.server({ toml });
    for (const options of [{}, UNSURE]) {
      const ann = await world.window(server, options);
      const room = Object.keys(options).join() || "mouse";
      await ann.page.waitForSelector("#name");
      await types(ann, "ann", "first");
      await ann.reads("#title", "The lobby");
      await ann.reads("#said", "Room The lobby");
      await eventually("it was said", async () => (await ann.texts()).at(-1) === "first");
      // By the field for rooms, and once more to the room that is open.
      await ann.page.focus("#open-name");
      await types(ann, room, "second");
      await ann.reads("#title", room);
      await ann.has(["second"]);
      await ann.page.focus("#open-name");
      await types(ann, room, "third");
      await ann.has(["second", "third"]);
      await ann.page.fill("#open-name", room);
      await ann.page.click("#open button");
      await types(ann, "fourth");
      await ann.has(["second", "third", "fourth"]);
      // By links, by the browser's history, and after a reload.
      await ann.page.click("#room-list >> text=The lobby");
      await ann.reads("#title", "The lobby");
      assert.equal(await focused(ann), "text");
      await ann.page.click("#room-list [aria-current]");
      assert.equal(await focused(ann), "text", "after the link to the room that is open");
      await ann.page.goBack();
      await ann.reads("#title", room);
      assert.equal(await focused(ann), "text");
      await ann.page.reload();
      await ann.is("Connected");
      await types(ann, "fifth");
      await ann.has(["second", "third", "fourth", "fifth"]);
      await ann.page.goto(`${server.http}/inspect`);
      await ann.page.goBack();
      await ann.is("Connected");
      await types(ann, "sixth");
      await ann.has(["second", "third", "fourth", "fifth", "sixth"]);
      const rooms = await ann.page.$$eval("#room-list .name", (all) => all.map(({ textContent }) => textContent));
      for (const line of ["first", "second", "third"]) assert.ok(!rooms.includes(line), `no room is called ${line}`);
    }
  },

  async "a15: a line typed before the server answers is a message"(world) {
    const server = await world.server();
    const line = await world.line(server);
    const ann = await world.window(line);
    await ann.page.waitForSelector("#name");
    line.cut();
    await types(ann, "ann", "into the dark");
    await ann.holds([["into the dark", "Waiting to be sent"]]);
    await types(ann, "and on");
    line.mend();
    await ann.has(["into the dark", "and on"]);
    // The focus stays while the connection is lost and comes back.
    line.cut();
    await ann.is("Reconnecting…");
    await ann.page.keyboard.type("half ");
    line.mend();
    await ann.is("Connected");
    await types(ann, "and half");
    await ann.has(["into the dark", "and on", "half and half"]);
    // A name that is refused is asked for again, where it was typed.
    const eve = await world.window(server);
    await eve.page.waitForSelector("#name");
    await types(eve, "system");
    await eventually("the reason is shown", async () => /system/.test(await eve.page.textContent("#enter-error")));
    assert.equal(await focused(eve), "name");
  },

  async "a15: keys that nothing else takes are a message"(world) {
    const server = await world.server();
    const ann = await world.guest(server, "ann");
    await ann.page.evaluate(() => document.activeElement.blur());
    await types(ann, "from nowhere");
    await ann.has(["from nowhere"]);
    await ann.page.focus("#log");
    await ann.page.keyboard.press("Space");
    await ann.page.keyboard.press("ArrowDown");
    await ann.page.keyboard.press("Control+c");
    assert.equal(await focused(ann), "log", "keys that scroll or copy stay with the messages");
    await types(ann, "from the messages");
    await ann.has(["from nowhere", "from the messages"]);
    // Other fields and buttons keep their keys.
    await ann.page.focus("#open-name");
    await ann.page.keyboard.type("gar");
    assert.equal(await ann.page.inputValue("#open-name"), "gar");
    await ann.page.focus("#copy");
    await ann.page.keyboard.type("x");
    assert.equal(await focused(ann), "copy");
  },

  async "a15: a touch opens no keyboard"(world) {
    const server = await world.server();
    const options = { viewport: { width: 390, height: 844 }, isMobile: true, hasTouch: true };
    const ann = await world.window(server, options);
    await ann.page.tap("#name");
    await ann.page.keyboard.type("ann");
    await ann.page.tap("#enter button");
    await ann.is("Connected");
    assert.equal(await focused(ann), "log", "no field that would open the keyboard");
    await ann.page.tap("#show-rooms");
    await ann.page.tap("#open-name");
    await types(ann, "garden");
    await ann.reads("#title", "garden");
    assert.equal(await focused(ann), "log");
    await ann.page.waitForSelector("#rooms", { state: "hidden" });
    // A keyboard that is attached types a message.
    await types(ann, "by hand");
    await ann.has(["by hand"]);
  },

  async "a15: the focus outlives what had it"(world) {
    const server = await world.server({ toml: `[operators]\nkey = "a-key-that-operators-have"` });
    const ann = await world.guest(server, "ann", "attic");
    await ann.page.fill("#open-name", "garden");
    await ann.page.press("#open-name", "Enter");
    await ann.reads("#title", "garden");
    // The row of a room goes when its last member does.
    await ann.page.focus("#room-list [title='Leave attic']");
    await ann.page.keyboard.press("Enter");
    await eventually("the row is gone", async () => (await ann.page.$$("#room-list li")).length === 1);
    assert.equal(await ann.page.evaluate(() => document.activeElement.getAttribute("aria-current")), "page");
    // Whoever is put out can go in again and write at once.
    const headers = { authorization: "Bearer a-key-that-operators-have", "content-type": "application/json" };
    await fetch(`${server.http}/api/kick`, { method: "POST", headers, body: JSON.stringify({ target: { user: "ann" }, topic: "garden", reason: "noise" }) });
    await ann.is("Not in the room");
    await ann.page.focus("#trouble button");
    await ann.page.keyboard.press("Enter");
    await ann.is("Connected");
    await types(ann, "back again");
    await eventually("it was said", async () => (await ann.texts()).at(-1) === "back again");
    // A drawer that is closed by growing wider does not take the focus with it.
    await ann.page.setViewportSize({ width: 390, height: 844 });
    await ann.page.click("#show-rooms");
    await ann.page.setViewportSize({ width: 1280, height: 800 });
    await ann.page.waitForSelector("#rooms:not(.shown)");
    assert.notEqual(await focused(ann), "BODY");
  },

  async "a15: a form that waits takes no second answer"(world) {
    const server = await world.server({ flags: ["--hs256-secret-file", file()] });
    const ann = await world.window(server);
    await ann.page.waitForSelector("#token");
    let asked = 0;
    let answer;
    const answered = new Promise((resolve) => (answer = resolve));
    await ann.page.route("**/rooms.json*", async (route) => {
      asked += 1;
      await answered;
      await route.continue();
    });
    await ann.page.fill("#token", tokenOf("ann"));
    for (let times = 0; times < 3; times += 1) await ann.page.press("#token", "Enter");
    assert.equal(asked, 1);
    answer();
    await ann.is("Connected");
    await types(ann, "once");
    await ann.has(["once"]);
  },
};
