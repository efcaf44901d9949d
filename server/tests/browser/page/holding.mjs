// What a page holds out: what others say, a browser that keeps nothing, a server that takes nobody,
// and people who change their minds.

import { assert, eventually } from "../../clients/lib/wait.mjs";
import { linkOf } from "../inspect/scene.mjs";
import { file, tokenOf } from "./tokens.mjs";
import { saying } from "./writing.mjs";

export const spoils = {
  "what was not sent is sent for nobody else": { file: "room.js", from: "JSON.stringify([user, topic])", to: "JSON.stringify([topic])" },
  "the rows of one room are not those of another": { file: "log.js", from: "sync(this.#list, []);", to: "" },
  "no text holds a page up": { file: "links.js", from: "return found.slice(0, end);", to: "return isOfText && found.endsWith(')') ? withoutEnd(found.slice(0, -1)) : found;" },
  "who does nothing is away, whatever others say": { file: "attention.js", from: `"wheel", "keydown"`, to: `"scroll", "keydown"` },
  "connections that end at once are tried less and less": { file: "socket.js", from: "- this.#openedAt >= STEADY_MS", to: "- this.#openedAt >= 0" },
  "a browser that keeps nothing will do": { file: "keeping.js", from: `    } catch {\n      return "";`, to: `    } catch (error) {\n      throw error;` },
  "what is said twice is read out twice": { file: "dom.js", from: `line.textContent = "";`, to: "" },
  "who presses what then goes is not lost": { file: "log.js", from: "if (hadFocus &&", to: "if (false &&" },
  "a link with another token is somebody else's": { file: "page.js", from: "if (server.token !== before) start();", to: "if (before === undefined) start();" },
  "what could not be shown at once is shown later": { file: "room.js", from: `if (error.reason !== "rate_limited") return;`, to: "if (error) return;" },
};

const go = async (window, name) => {
  await window.page.click(`#room-list a:has-text("${name}")`);
  await window.reads("#title", name);
};

export const cases = {
  async "what was not sent is sent for nobody else"(world) {
    const server = await world.server();
    const line = await world.line(server);
    const bob = await world.guest(server, "bob");
    const ann = await world.guest(line, "ann");
    line.cut();
    await ann.is("Reconnecting…");
    await ann.say("as ann");
    await eventually("it waits", async () => (await ann.unsent()).length === 1);
    await ann.page.click("#change");
    line.mend();
    await ann.enter("eve");
    await ann.say("as eve");
    for (const window of [ann, bob]) await window.has(["as eve"]);
    assert.deepEqual(await ann.unsent(), []);
    await ann.page.click("#change");
    await ann.enter("ann");
    await bob.has(["as eve", "as ann"]);
    assert.deepEqual((await bob.messages()).map(([from]) => from), ["eve", "ann"]);
  },

  async "the rows of one room are not those of another"(world) {
    const toml = ["attic", "garden"].map((topic) => `[[rooms]]\npattern = "${topic}"\nevents = [{name = "message", history = 9}]\n`).join("");
    const server = await world.server({ toml });
    const context = await world.browser();
    // Two rooms can hear their first message at the same time.
    await context.addInitScript(() => {
      const { parse } = JSON;
      JSON.parse = (text) => parse(text, (name, value) => (name === "timestamp_ms" ? 1_700_000_000_000 : value));
    });
    const ann = await world.guest(server, "ann", "attic", { context });
    await ann.say("in the attic");
    await ann.has(["in the attic"]);
    await go(ann, "garden");
    await ann.say("in the garden");
    await ann.has(["in the garden"]);
    await go(ann, "attic");
    await ann.has(["in the attic"]);
  },

  async "no text holds a page up"(world) {
    const server = await world.server();
    const ann = await world.guest(server, "ann");
    const texts = [`http://a.example/${")".repeat(30_000)}`, `http://a.example/${"!".repeat(30_000)}b`, "after it"];
    await ann.page.evaluate(saying, { port: server.port, user: "bot", room: "lobby", payloads: texts.map((text) => ({ text })) });
    await ann.has(texts);
    const links = await ann.page.$$eval("#messages a", (all) => all.map(({ textContent }) => textContent.length));
    assert.deepEqual(links, ["http://a.example/".length, texts[1].length]);
  },

  async "who does nothing is away, whatever others say"(world) {
    const server = await world.server();
    const bob = await world.guest(server, "bob");
    const context = await world.browser();
    await context.clock.install();
    const ann = await world.guest(server, "ann", "lobby", { context });
    for (let number = 0; number < 30; number += 1) await bob.say(`line ${number}\nof two`);
    await eventually("all has come", async () => (await ann.texts()).length === 30);
    await bob.sees([["ann", ""], ["bob (you)", ""]]);
    await ann.page.clock.fastForward(290_000);
    await bob.say("is anybody there?");
    await eventually("it has come", async () => (await ann.texts()).at(-1) === "is anybody there?");
    await eventually("it is in sight", () => ann.page.$eval("#log", (log) => log.scrollHeight - log.scrollTop - log.clientHeight < 2));
    await ann.isSettled();
    await ann.page.clock.fastForward(9_900);
    await bob.sees([["bob (you)", ""], ["ann", "away"]]);
    await ann.page.mouse.move(500, 300);
    await bob.sees([["ann", ""], ["bob (you)", ""]]);
  },

  async "connections that end at once are tried less and less"(world) {
    const server = await world.server();
    const context = await world.browser();
    await context.clock.install();
    await context.addInitScript(() => {
      // What is drawn between half and half as long again is in the middle.
      Math.random = () => 0.5;
      window.opened = 0;
      window.ended = 0;
      window.WebSocket = class {
        constructor() {
          window.opened += 1;
          queueMicrotask(() => {
            this.onopen?.();
            this.onclose?.({ code: 1008 });
            window.ended += 1;
          });
        }
        send() {}
        close() {}
      };
    });
    const ann = await world.window(server, { context });
    await ann.page.clock.pauseAt(Date.now() + 60_000);
    await ann.page.fill("#name", "ann");
    await ann.page.click("#enter button");
    const tries = () => ann.page.evaluate(() => [window.opened, window.ended].join());
    await eventually("it has tried", async () => (await tries()) === "1,1");
    for (const [number, wait] of [100, 400, 1_000, 2_000].entries()) {
      await ann.page.clock.runFor(wait - 1);
      assert.equal(await tries(), `${number + 1},${number + 1}`, `it waits for ${wait} ms`);
      await ann.page.clock.runFor(1);
      assert.equal(await tries(), `${number + 2},${number + 2}`, `it tries again after ${wait} ms`);
    }
  },

  async "a browser that keeps nothing will do"(world) {
    const server = await world.server();
    const context = await world.browser();
    await context.addInitScript(() => {
      for (const name of ["localStorage", "sessionStorage"]) {
        Object.defineProperty(window, name, {
          get() {
            throw new DOMException("nothing is kept", "SecurityError");
          },
        });
      }
    });
    const ann = await world.guest(server, "ann", "attic", { context });
    await ann.say("hello");
    await ann.has(["hello"]);
    await ann.type("half a word");
    await ann.page.fill("#open-name", "garden");
    await ann.page.click("#open button");
    await ann.reads("#title", "garden");
    await go(ann, "attic");
    assert.equal(await ann.page.inputValue("#text"), "half a word");
    const eve = await world.window(server, { context, path: await linkOf(server) });
    await eve.reads("#state", "live");
  },

  async "what is said twice is read out twice"(world) {
    const server = await world.server();
    const ann = await world.guest(server, "ann");
    await ann.page.context().grantPermissions(["clipboard-read", "clipboard-write"]);
    await ann.page.$eval("#said", (line) => {
      window.said = [];
      new MutationObserver(() => line.textContent && window.said.push(line.textContent)).observe(line, { childList: true, characterData: true, subtree: true });
    });
    for (const times of [1, 2]) {
      await ann.page.click("#copy");
      await eventually(`it is said ${times} times`, async () => {
        const said = await ann.page.evaluate(() => window.said.filter((text) => text === "Link copied").length);
        return said === times || Promise.reject(new Error(String(said)));
      });
    }
  },

  async "who presses what then goes is not lost"(world) {
    const toml = `[[rooms]]\npattern = "strict"\n[[rooms.events]]\nname = "message"\nschema = {type = "object", properties = {text = {type = "string", maxLength = 9}}}\n[operators]\nkey = "a-key-that-operators-have"`;
    const server = await world.server({ toml });
    const ann = await world.guest(server, "ann", "strict");
    const focused = () => ann.page.evaluate(() => document.activeElement.id);
    await ann.say("longer than that");
    await ann.page.waitForSelector("text=Discard");
    await ann.page.focus("text=Discard");
    await ann.page.keyboard.press("Enter");
    await eventually("it is gone", async () => (await ann.unsent()).length === 0);
    assert.equal(await focused(), "log");
    const headers = { authorization: "Bearer a-key-that-operators-have", "content-type": "application/json" };
    await fetch(`${server.http}/api/kick`, { method: "POST", headers, body: JSON.stringify({ target: { user: "ann" }, topic: "strict", reason: "noise" }) });
    await ann.page.focus("text=Go in again");
    await ann.page.keyboard.press("Enter");
    await ann.is("Connected");
    await eventually("one can write at once", async () => (await focused()) === "text");
  },

  async "a link with another token is somebody else's"(world) {
    const server = await world.server({ flags: ["--hs256-secret-file", file()] });
    const bob = await world.window(server, { path: `/#lobby&token=${tokenOf("bob")}` });
    await bob.is("Connected");
    const ann = await world.window(server, { path: `/#lobby&token=${tokenOf("ann")}` });
    await ann.is("Connected");
    await bob.sees([["ann", ""], ["bob (you)", ""]]);
    await ann.page.evaluate((token) => (location.hash = `#lobby&token=${token}`), tokenOf("eve"));
    await ann.reads("#me-name", "eve");
    await ann.is("Connected");
    await bob.sees([["bob (you)", ""], ["eve", ""]]);
    // A page that is loaded anew while the server is away is still its.
    await ann.page.route("**/rooms.json*", (route) => route.abort());
    await ann.page.reload();
    await ann.is("Connected");
    await ann.sees([["bob", ""], ["eve (you)", ""]]);
  },

  async "what could not be shown at once is shown later"(world) {
    const toml = `[[rooms]]\npattern = "slow"\nrate_limit = {max_events = 3, window_ms = 3_000}\nevents = [{name = "message", history = 9}]`;
    const server = await world.server({ toml });
    const bob = await world.guest(server, "bob", "slow");
    const ann = await world.guest(server, "ann", "slow");
    for (const text of ["one", "two", "three"]) await ann.say(text);
    await bob.has(["one", "two", "three"]);
    await ann.look("hidden");
    await bob.sees([["bob (you)", ""], ["ann", "away"]]);
  },
};
