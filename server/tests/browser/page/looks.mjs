// How it looks: on a phone, by day and by night, to those who do not see it, and in pictures.

import { createRequire } from "node:module";
import { readFileSync } from "node:fs";
import { assert, eventually } from "../../clients/lib/wait.mjs";
import { saying } from "./writing.mjs";

const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

export const spoils = {
  "what is new is read out, and what was said before is not": { file: "log.js", from: "if (this.#first === earlier) return false;", to: "if (this.#first !== earlier) return false;" },
  "nothing moves for who does not want it": { file: "page.css", from: "(prefers-reduced-motion: reduce)", to: "(prefers-reduced-motion: no-preference)" },
  "everybody has a colour, and long names are cut where there is no room": { file: "dom.js", from: "(hash >>> 0) % TINTS", to: "0" },
  "a phone has room for it": { file: "page.css", from: ".compose { display: flex;", to: ".compose { display: flex; min-width: 34rem;" },
  "a drawer that is open is all there is": { file: "drawers.js", from: "element !== drawer && element !== veil", to: `element.matches(".talk, .bar")` },
  "nothing is in the way of who sees or hears otherwise": { file: "page.css", from: "--quiet: #665f52;", to: "--quiet: #b5b0a5;" },
};

export const cases = {
  async "everybody has a colour, and long names are cut where there is no room"(world) {
    const server = await world.server();
    const long = "a name that is long enough for any list of people that there may be in it";
    const names = ["ann", "bob", "eve", "gil", long];
    for (const name of names.slice(1)) await (await world.guest(server, name)).say(`I am ${name}`);
    const ann = await world.guest(server, "ann");
    await eventually("all are there", async () => (await ann.people()).length === names.length && (await ann.texts()).length === names.length - 1);
    for (const colorScheme of ["light", "dark"]) {
      await ann.page.emulateMedia({ colorScheme });
      const [people, messages] = await Promise.all(["#people-list", "#messages"].map((list) => ann.page.$$eval(`${list} .avatar`, discs)));
      assert.equal(new Set(people.map(({ disc }) => disc)).size, names.length, "these names have different colours");
      for (const { who, disc, letter, page } of [...people, ...messages]) {
        assert.equal(disc, people.find((person) => who.startsWith(person.who.replace(" (you)", ""))).disc, `${who} has the same colour in both`);
        assert.ok(contrast(disc, letter) >= 4.5, `${who}: ${letter} on ${disc}`);
        assert.ok(contrast(disc, page) >= 3, `${who}: ${disc} on ${page}`);
      }
    }
    const wide = await ann.page.$$eval(".people-list .name", (all) => all.filter((name) => name.getBoundingClientRect().right > name.closest(".side").getBoundingClientRect().right).length);
    assert.equal(wide, 0, "no name is wider than its list");
    const other = await world.guest(server, long);
    const { height } = await (await other.page.$(".me")).boundingBox();
    assert.ok(height < 80, `one's own name takes ${height}, expected one line of it`);
  },

  async "what is new is read out, and what was said before is not"(world) {
    const toml = `[default_room]\nevents = [{name = "message", history = 1000}]\n[connections]\nevents_per_window = 100_000`;
    const server = await world.server({ toml });
    const bob = await world.guest(server, "bob");
    const payloads = Array.from({ length: 80 }, (_, at) => ({ text: `line ${at}` }));
    await bob.page.evaluate(saying, { port: server.port, user: "bot", room: "lobby", payloads });
    const ann = await world.guest(server, "ann");
    // How the list was declared when each row came into it.
    await ann.page.evaluate(() => {
      const log = document.getElementById("log");
      window.read = [];
      new MutationObserver((changes) => {
        for (const { addedNodes } of changes) {
          for (const row of addedNodes) window.read.push([row.querySelector?.(".text")?.textContent, log.ariaLive]);
        }
      }).observe(document.getElementById("messages"), { childList: true });
    });
    const came = async (text) => (await eventually(`${text} came`, () => ann.page.evaluate((wanted) => window.read.find(([said]) => said === wanted), text)))[1];
    await bob.say("news");
    assert.equal(await came("news"), "polite");
    await ann.page.$eval("#log", (log) => (log.scrollTop = 0));
    assert.equal(await came("line 0"), "off");
    await bob.say("more news");
    assert.equal(await came("more news"), "polite");
    // Also where for each that comes one is let go of.
    await ann.page.click("#newest");
    const flood = Array.from({ length: 450 }, (_, at) => ({ text: `flood ${at}` }));
    await bob.page.evaluate(saying, { port: server.port, user: "bot", room: "lobby", payloads: flood });
    await eventually("no more than 400 are held", async () => (await ann.texts()).length === 400);
    await bob.say("the last news");
    assert.equal(await came("the last news"), "polite");
    // It is said whose each is, also where that is not seen.
    assert.match(await ann.page.locator("#messages .follows").last().innerText(), /^bot\s+flood 449$/);
  },

  async "nothing moves for who does not want it"(world) {
    const server = await world.server();
    for (const reducedMotion of ["reduce", "no-preference"]) {
      const ann = await world.guest(server, "ann", "lobby", { reducedMotion, viewport: { width: 390, height: 844 } });
      const moving = await ann.page.evaluate(() => {
        document.getElementById("state").dataset.state = "waiting";
        const drawer = getComputedStyle(document.getElementById("rooms")).transitionDuration;
        const mark = getComputedStyle(document.getElementById("state"), "::before").animationName;
        return [drawer.split(", ").some((duration) => parseFloat(duration) > 0), mark !== "none"];
      });
      assert.deepEqual(moving, Array(2).fill(reducedMotion === "no-preference"));
    }
  },

  async "a phone has room for it"(world) {
    const server = await world.server();
    const options = { viewport: { width: 360, height: 740 }, isMobile: true, hasTouch: true };
    const ann = await world.window(server, options);
    await ann.page.waitForSelector("#name");
    await ann.fitsInWidth();
    await fingers(ann);
    await ann.enter("a name that is rather long for a telephone", "a-room-whose-name-is-long-without-any-gaps-in-it");
    await ann.say("hello");
    await ann.has(["hello"]);
    await ann.fitsInWidth();
    await fingers(ann);
    for (const name of ["rooms", "people"]) {
      await ann.page.tap(`#show-${name}`);
      await ann.page.waitForSelector(`#${name}.shown`);
      await ann.fitsInWidth();
      await fingers(ann);
      const isInside = await ann.page.evaluate((id) => document.getElementById(id).contains(document.activeElement), name);
      assert.ok(isInside, "the focus goes with it");
      if (name === "rooms") await ann.page.keyboard.press("Escape");
      else await ann.page.tap(`#${name} .close`);
      await ann.page.waitForSelector(`#${name}`, { state: "hidden" });
      assert.equal(await ann.page.evaluate(() => document.activeElement.id), `show-${name}`, "and comes back");
    }
    await ann.page.tap("#show-rooms");
    await ann.page.fill("#open-name", "garden");
    await ann.page.tap("#open button");
    await ann.reads("#title", "garden");
    await ann.page.waitForSelector("#rooms", { state: "hidden" });
    // With the keyboard of the phone, half of it is left.
    await ann.page.setViewportSize({ width: 360, height: 360 });
    const box = await (await ann.page.$("#text")).boundingBox();
    assert.ok(box.y + box.height <= 360, "the field stays in sight");
  },

  async "a drawer that is open is all there is"(world) {
    const server = await world.server();
    // The rooms have a place of their own here, the people have none.
    const ann = await world.guest(server, "ann", "lobby", { viewport: { width: 800, height: 700 } });
    await ann.page.click("#show-people");
    await ann.page.waitForSelector("#people.shown");
    const reached = new Set();
    for (let step = 0; step < 12; step += 1) {
      await ann.page.keyboard.press("Tab");
      reached.add(await ann.page.evaluate(() => document.activeElement.closest("#app > *")?.id ?? ""));
    }
    assert.deepEqual([...reached].filter(Boolean), ["people"], "what is behind it is out of reach");
    await ann.page.keyboard.press("Escape");
    await ann.page.setViewportSize({ width: 390, height: 844 });
    // Also to the room that one is in already.
    await ann.page.click("#show-rooms");
    await ann.page.click("#room-list [aria-current]");
    await ann.page.waitForSelector("#rooms", { state: "hidden" });
    await ann.page.click("#text");
  },

  async "nothing is in the way of who sees or hears otherwise"(world) {
    const server = await world.server();
    const line = await world.line(server);
    for (const colorScheme of ["light", "dark"]) {
      for (const viewport of [{ width: 1280, height: 800 }, { width: 390, height: 844 }]) {
        const ann = await world.window(line, { colorScheme, viewport, reducedMotion: "reduce" });
        await ann.page.waitForSelector("#name");
        await ann.page.click("#enter button");
        await ann.reads("#enter-error", "Please say who you are.");
        await examined(ann);
        await ann.enter("ann");
        await ann.say("hello");
        const bob = await world.guest(server, "bob");
        await bob.say("hi");
        await bob.look("hidden");
        await ann.sees([["ann (you)", ""], ["bob", "away"]]);
        await eventually("bob is heard", async () => (await ann.texts()).at(-1) === "hi");
        await examined(ann);
        if (viewport.width < 700) {
          for (const name of ["rooms", "people"]) {
            await ann.page.click(`#show-${name}`);
            await examined(ann);
            await ann.page.keyboard.press("Escape");
          }
        }
        line.cut();
        await ann.is("Reconnecting…");
        await ann.say("later");
        await eventually("it waits", async () => (await ann.unsent()).length === 1);
        await examined(ann);
        line.mend();
        await ann.is("Connected");
        await bob.page.click("#change");
        await ann.page.click(viewport.width < 700 ? "#show-rooms" : "body");
        await ann.page.click("#change");
      }
    }
  },

  async "pictures of it"(world) {
    const toml = `
      [[rooms]]
      pattern = "lobby"
      name = "Lobby"
      description = "where everybody meets"
      events = [{name = "message", history = 100}]
      [[rooms]]
      pattern = "garden"
      name = "Garden"
      [[rooms]]
      pattern = "team:harbour"
      name = "Team Harbour"
    `;
    const server = await world.server({ toml });
    const names = ["Ann", "Bob", "Chloé"];
    const windows = {};
    const dai = await world.guest(server, "Dai", "team:harbour");
    for (const name of names) windows[name] = await world.guest(server, name, name === "Ann" ? "team:harbour" : "lobby");
    await windows.Ann.page.click("#room-list >> text=Lobby");
    await windows.Ann.reads("#title", "Lobby");
    for (const text of ["The crane is free at noon.", "Shall I keep it for you?"]) await dai.say(text);
    await world.guest(server, "Bob", "lobby");
    const talk = [
      ["Bob", "Morning! The new build is on the staging server."],
      ["Ann", "Already looking at it. It came back by itself when the train was in the tunnel, and nothing was missing."],
      ["Chloé", "Same here.\\nTwo minutes without a line, and then it was all there."],
      ["Chloé", "Shall we show it to the others at ten?"],
      ["Ann", "Yes. Here, in this room."],
    ];
    for (const [name, text] of talk) {
      await windows[name].say(text.replace("\\n", "\n"));
      await eventually(`${name} was heard`, async () => (await windows.Ann.texts()).at(-1) === text.replace("\\n", "\n"));
    }
    await windows["Chloé"].look("hidden");
    await windows.Ann.sees([["Ann (you)", ""], ["Bob", "2 devices"], ["Chloé", "away"]]);
    for (const colorScheme of ["light", "dark"]) {
      for (const [width, height] of [[1280, 800], [390, 844]]) {
        await windows.Ann.page.emulateMedia({ colorScheme, reducedMotion: "reduce" });
        await windows.Ann.page.setViewportSize({ width, height });
        await windows.Bob.type("");
        await windows.Bob.type("I will");
        await windows.Ann.reads("#typing", "Bob is typing…");
        await eventually("rooms are counted", async () => /Lobby3.*Harbour22, 2 unread/.test(await windows.Ann.page.textContent("#room-list")));
        await windows.Ann.page.screenshot({ path: world.shot(`room-${colorScheme}-${width}.png`) });
        const door = await world.window(server, { colorScheme, viewport: { width, height } });
        await door.page.waitForSelector("#name");
        await door.page.screenshot({ path: world.shot(`door-${colorScheme}-${width}.png`) });
      }
    }
  },
};

/** The colours of discs, and of what they stand on. */
function discs(all) {
  return all.map((avatar) => {
    const { backgroundColor: disc, color: letter } = getComputedStyle(avatar);
    const row = avatar.closest("li");
    const ground = avatar.closest(".side") ?? document.body;
    return { who: row.querySelector(".name, .from").textContent, disc, letter, page: getComputedStyle(ground).backgroundColor };
  });
}

/** By the Web Content Accessibility Guidelines. */
function contrast(...colours) {
  const [dark, light] = colours
    .map((colour) => colour.match(/\d+/g).map((part) => (part <= 10 ? part / 3_294 : ((part / 255 + 0.055) / 1.055) ** 2.4)))
    .map(([red, green, blue]) => 0.2126 * red + 0.7152 * green + 0.0722 * blue)
    .sort((a, b) => a - b);
  return (light + 0.05) / (dark + 0.05);
}

/** What can be touched is large enough for a finger, and no field makes the phone zoom in. */
async function fingers(window) {
  const small = await window.page.evaluate(() => {
    const seen = [...document.querySelectorAll("button, input, textarea, nav a")].filter((element) => element.checkVisibility({ visibilityProperty: true }) && !element.classList.contains("skip"));
    const boxes = seen.map((element) => [element.id || element.textContent, element.getBoundingClientRect(), parseFloat(getComputedStyle(element).fontSize), element.matches("input, textarea")]);
    return boxes.filter(([, { width, height }, size, isField]) => width < 40 || height < 40 || (isField && size < 16)).map(([name, { width, height }]) => `${name} ${width}x${height}`);
  });
  assert.deepEqual(small, []);
}

export async function examined(window) {
  await window.page.evaluate(axe);
  const { violations } = await window.page.evaluate(() => window.axe.run(document, { resultTypes: ["violations"] }));
  const found = violations.map(({ id, help, nodes }) => `${id}: ${help}: ${nodes.map(({ html, any }) => `${html.slice(0, 200)} ${any[0]?.message ?? ""}`).join("; ")}`);
  assert.deepEqual(found, [], "axe finds nothing");
}
