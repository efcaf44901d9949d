// What happens inside, as it is seen at /inspect.

import { mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { assert, eventually } from "../../clients/lib/wait.mjs";
import { lines, linkOf, looking, said, talker, until } from "./scene.mjs";

export const spoils = {
  "what happens is shown in its order": { file: "inspect-log.js", from: "box.append(...entries.map(rowOf))", to: "box.prepend(...entries.map(rowOf))" },
  "a pause holds back what comes": { file: "inspect-log.js", from: "this.#held.push(...entries);", to: "this.#take(entries);" },
  "one finds what one looks for": { file: "inspect.js", from: "entry.text.includes(text)", to: "true" },
  "a room or a client is watched alone": { file: "inspect.js", from: "  topic: rooms.chosen,", to: "  topic: null," },
  "rooms and clients are listed with what they have": { file: "inspect-lists.js", from: "number(room.members)", to: "number(room.offset)" },
  "what is hostile is shown as text": { file: "inspect-log.js", from: "  made.textContent = text;", to: `  made["inner" + "HTML"] = text;` },
  "numbers keep their digits": { file: "inspect-log.js", from: "pretty(body)", to: "JSON.stringify(JSON.parse(body), null, 2)" },
  "a stream that is lost comes back, and says what is missing": { file: "inspect.js", from: "    await later(wait);\n", to: "    return;\n" },
  "who has no key sees nothing, and with it all": { file: "inspect-server.js", from: "Bearer ${shown}", to: "Basic ${shown}" },
  "a16: the link in the log opens it, also in a window that was not let in": { file: "inspect.js", from: `addEventListener("hashchange"`, to: `addEventListener("nothing"` },
  "where there is no key none is asked for": { file: "inspect.js", from: 'reason === "no_operators_key"', to: "false" },
  "who presses twice sees everything once": { file: "inspect.js", from: "async function run() {\n  stream.abort();", to: "async function run() {" },
  "a stream that is dead without a word is noticed": { file: "inspect-server.js", from: "dead.abort()", to: "undefined" },
};

const KEY = "a-key-of-operators";

export const cases = {
  async "what happens is shown in its order"(world) {
    const server = await world.server({ flags: ["--shards", "1"] });
    const eve = await looking(world, server);
    await eve.reads("#log .empty", "Nothing yet. What goes into rooms and what comes out is shown here as it happens.");
    const ann = await talker(world, server, "ann");
    await ann.join("room:1", { mood: "fine" });
    await ann.say("room:1", "hello");
    assert.equal(await ann.tell("room:2", "message", {}), "error");
    await until(eve, "reply to broadcast", "unknown_topic");
    assert.deepEqual(await lines(eve), [
      "in connect",
      "out reply to connect",
      "in rejoin room:1",
      "out reply to rejoin room:1",
      "out presence_state room:1",
      "out presence_diff room:1",
      "in broadcast room:1",
      "out reply to broadcast room:1",
      "out broadcast_message room:1",
      "in broadcast room:2",
      "out reply to broadcast room:2",
    ]);
    assert.deepEqual(await said(eve, "broadcast_message"), [`message {"text":"hello"}`]);
    const who = await eve.page.$$eval("#log .who", (all) => all.map(({ textContent }) => textContent.split(" ").slice(0, -1).join(" ")));
    assert.deepEqual(who.slice(0, 3), ["ann", "to ann", "ann"], "clients are told by their users");

    // A line opens, is copied as it came, and closes.
    await eve.page.context().grantPermissions(["clipboard-read", "clipboard-write"]);
    const line = eve.page.locator(".line", { hasText: "broadcast_message" });
    await line.locator("summary").click();
    await eventually("it is set out", async () => (await line.locator("pre").textContent()).includes(`    "event": "message",\n`));
    await line.locator("button").click();
    await eve.reads("#state", "copied");
    const copied = JSON.parse(await eve.page.evaluate(() => navigator.clipboard.readText()));
    assert.equal(copied.body.broadcast_message.payload.text, "hello");
    assert.equal(copied.to.count, 1);
    await eve.reads("#state", "live");
    await eve.page.click("#clear");
    assert.deepEqual(await lines(eve), []);
  },

  async "a pause holds back what comes"(world) {
    const server = await world.server({ flags: ["--shards", "1"] });
    const eve = await looking(world, server);
    const ann = await talker(world, server, "ann");
    await ann.join("room:1");
    await until(eve, "rejoin", "{}");
    await eventually("all of it is there", async () => (await lines(eve)).length === 6);
    await eve.page.click("#pause");
    await eve.reads("#state", "paused");
    await ann.say("room:1", "held");
    await eve.reads("#pause", "Go on (3 new)");
    assert.equal((await lines(eve)).length, 6);
    await eve.page.click("#pause");
    await until(eve, "broadcast_message", "held");
    await eve.reads("#pause", "Pause");
    await eve.reads("#state", "live");
    assert.equal((await lines(eve)).length, 9, "each of them once");

    // By the keyboard, and not where one writes.
    await eve.page.focus("#log");
    await eve.page.keyboard.press("Space");
    await eve.reads("#state", "paused");
    await eve.page.keyboard.press("/");
    assert.equal(await eve.page.evaluate(() => document.activeElement.id), "text");
    await eve.page.keyboard.type("a b/");
    assert.equal(await eve.page.inputValue("#text"), "a b/");
    await eve.page.fill("#text", "");
    await eve.reads("#state", "paused");
    await eve.page.focus("#log");
    await eve.page.keyboard.press("Space");
    await eve.reads("#state", "live");
    await eve.page.focus(`#log summary[tabindex="0"]`);
    await eve.page.keyboard.press("End");
    await eve.page.keyboard.press("ArrowUp");
    await eve.page.keyboard.press("Enter");
    await eventually("the last but one is open", () => eve.page.$$eval("#log .line", (all) => all.at(-2).open));
    await eve.page.click("#keys summary");
    await eve.page.uncheck("#shortcuts");
    await eve.page.keyboard.press("Escape");
    await eve.page.focus("#log");
    await eve.page.keyboard.press("Space");
    await eve.reads("#state", "live");
  },

  async "one finds what one looks for"(world) {
    const server = await world.server();
    const eve = await looking(world, server);
    const ann = await talker(world, server, "ann");
    await ann.join("room:1");
    for (const text of ["Apple", "pear"]) await ann.say("room:1", text);
    await until(eve, "broadcast_message", "pear");
    const all = await lines(eve);
    await eve.page.fill("#text", "apple");
    await eventually("it is found", async () => (await lines(eve)).length === 2);
    assert.deepEqual(await lines(eve), ["in broadcast room:1", "out broadcast_message room:1"]);
    await eve.page.fill("#text", "nothing like it");
    await eventually("nothing fits", async () => (await lines(eve)).length === 0);
    await eve.reads("#log .empty", "No line fits what is looked for.");
    await eve.page.fill("#text", "");
    await eventually("all is there again", async () => (await lines(eve)).length === all.length);

    await eve.page.selectOption("#way", "in");
    await eventually("only what goes in", async () => (await lines(eve)).every((line) => line.startsWith("in ")));
    await eve.page.selectOption("#way", "");
    await eve.page.click("#kinds summary");
    await eve.page.click("#kinds [data-kinds=none]");
    await eve.page.check(`#kinds fieldset[data-way="out"] label:has-text("broadcast_message") input`);
    await eventually("only those", async () => (await lines(eve)).length === 2);
    await eve.page.keyboard.press("Escape");
    // The server is asked for nothing else, and what comes is of that kind.
    await eventually("it is asked for", async () => (await eve.page.$$eval(".note", (notes) => notes.length)) > 1);
    await ann.say("room:1", "plum");
    await until(eve, "broadcast_message", "plum");
    assert.deepEqual([...new Set(await lines(eve))], ["out broadcast_message room:1"]);
  },

  async "a room or a client is watched alone"(world) {
    const server = await world.server({ flags: ["--shards", "2"] });
    const ann = await talker(world, server, "ann");
    const bob = await talker(world, server, "bob");
    for (const who of [ann, bob]) for (const room of ["room:1", "room:2"]) await who.join(room);
    const eve = await looking(world, server);
    await eve.page.click(`#rooms button:has-text("room:1")`);
    await eve.reads("#chosen", "topic room:1 ×");
    await eve.reads("#log .note:last-child", "Watching topic room:1 from here.");
    assert.ok(eve.page.url().endsWith("/inspect?topic=room%3A1"), eve.page.url());
    const asked = eve.page.waitForResponse((response) => response.url().includes("/inspect/stream"));
    await eve.page.reload();
    assert.ok((await asked).url().includes("topic=room%3A1"), "a link leads to it");
    await eve.reads("#state", "live");
    await ann.say("room:2", "elsewhere");
    await bob.say("room:1", "here");
    await until(eve, "broadcast_message", "here");
    assert.deepEqual([...new Set((await lines(eve)).map((line) => line.split(" ").at(-1)))], ["room:1"]);

    await eve.page.click("#chosen button");
    await eve.page.click("#views [data-show=clients]");
    await eve.page.click(`#clients button:has-text("ann")`);
    await eventually("it is of a client", async () => (await eve.page.textContent("#log .note:last-child")).startsWith("Watching client "));
    await eve.page.click("#clear");
    await bob.say("room:1", "to ann too");
    await ann.tell("room:1", "phx_leave", {});
    await until(eve, "leave", "");
    const seen = await lines(eve);
    assert.ok(seen.includes("out broadcast_message room:1") && seen.includes("in leave room:1"), seen);
    assert.ok(!seen.includes("in broadcast room:1"), "what bob does is not ann's");
  },

  async "rooms and clients are listed with what they have"(world) {
    const toml = `[[rooms]]\npattern = "kept:*"\nmax_members = 5\nevents = [{name = "*", history = 2}]`;
    const server = await world.server({ toml, flags: ["--shards", "2"] });
    const eve = await looking(world, server);
    const ann = await talker(world, server, "ann", "session");
    const bob = await talker(world, server, "bob");
    for (const who of [ann, bob]) await who.join("kept:1");
    await ann.join("room:1");
    for (const text of ["a", "b", "c"]) await ann.say("kept:1", text);
    const rows = (id) =>
      eve.page.$$eval(`#${id} tbody tr`, (all) => all.map((row) => [...row.querySelectorAll("th bdi:first-child, td")].map(({ textContent }) => textContent)));
    await eventually("rooms", async () => {
      const [first, second] = await rooms();
      assert.deepEqual(first.slice(0, 3), ["kept:1", "2 of 5", "3"]);
      assert.match(first[3], /^2 · \d+ B$/);
      assert.deepEqual(second, ["room:1", "1", "0", "–"]);
      return true;
    });
    await eventually("clients", async () => {
      const clients = (await rows("clients")).map(([user, , ...more]) => [user, ...more]);
      assert.deepEqual(clients, [["ann", "2", "empty"], ["bob", "1", "empty"]]);
      return true;
    });
    await eventually("totals", async () => {
      const totals = await eve.page.$$eval("#totals dd", (all) => all.slice(0, 2).map(({ textContent }) => textContent));
      assert.deepEqual(totals, ["2", "3"]);
      return true;
    });
    assert.equal((await rows("shards")).length, 2);
    await eve.page.fill("#rooms-text", "kept");
    await eventually("one room", async () => (await rooms()).length === 1);
    await ann.page.close();
    await eventually("ann is away", async () => (await rooms())[0][1] === "2 of 5, 1 away");

    function rooms() {
      return rows("rooms");
    }
  },

  async "what is hostile is shown as text"(world) {
    const server = await world.server();
    const eve = await looking(world, server);
    const bad = `<img src=x onerror="alert(1)">`;
    const ann = await talker(world, server, `${bad}\u202Eevil`);
    await ann.join(`room:${bad}`, { [bad]: bad });
    await ann.say(`room:${bad}`, `</script><script>alert(1)</script>\u2066`);
    await until(eve, "broadcast_message", "</script><script>alert(1)</script>");
    const topic = `room:${bad}`;
    assert.equal((await lines(eve)).at(-1), `out broadcast_message ${topic}`);
    for (const summary of await eve.page.$$("#log summary")) await summary.click();
    await eve.page.waitForSelector(`#rooms button:has-text("<img")`);
    await eve.page.click(`#rooms tbody button`);
    await eve.page.click("#views [data-show=clients]");
    await eve.page.waitForSelector(`#clients button:has-text("<img")`);
    await eve.page.click(`#clients tbody button`);
    await eve.reads("#chosen bdi", topic);
    const made = await eve.page.$$eval("main img, main script, header img", (found) => found.length);
    assert.equal(made, 0, "no text has become an element");
  },

  async "numbers keep their digits"(world) {
    const server = await world.server();
    const eve = await looking(world, server);
    const ann = await talker(world, server, "ann");
    await ann.join("room:1");
    // As no script writes it, so it is written by hand.
    await ann.page.evaluate(() => {
      const stringify = JSON.stringify;
      JSON.stringify = (value) => stringify(value).replace(`"DIGITS"`, `{"a": 1.50, "b": 123456789012345678901, "c": [ ]}`);
    });
    await ann.tell("room:1", "message", "DIGITS");
    await until(eve, "broadcast_message", "1.50");
    const line = eve.page.locator(".line", { hasText: "broadcast_message" });
    await line.locator("summary").click();
    const set = await line.locator("pre").textContent();
    assert.ok(set.includes(`      "a": 1.50,\n      "b": 123456789012345678901,\n      "c": []\n`), set);
  },

  async "a stream that is lost comes back, and says what is missing"(world) {
    const server = await world.server();
    const line = await world.line(server);
    const eve = await looking(world, line);
    const ann = await talker(world, server, "ann");
    await ann.join("room:1");
    await until(eve, "rejoin", "{}");
    line.cut();
    await eve.reads("#state", "connection lost, trying again");
    await ann.say("room:1", "missed");
    line.mend();
    await eve.reads("#state", "live");
    await ann.say("room:1", "seen");
    await until(eve, "broadcast_message", "seen");
    assert.equal((await said(eve, "broadcast_message")).length, 1);
    const notes = await eve.page.$$eval(".note", (all) => all.map(({ textContent }) => textContent));
    const ended = "The stream has ended. What happens until there is another is not shown.";
    assert.deepEqual(notes, ["Watching from here.", ended, "Watching from here."]);
  },

  async "who has no key sees nothing, and with it all"(world) {
    const file = join(mkdtempSync(join(tmpdir(), "parlor-browser-")), "key");
    writeFileSync(file, KEY);
    const server = await world.server({ flags: ["--operators-key-file", file] });
    // As behind a proxy, so not of the same machine.
    const eve = await world.window(server, { path: "/inspect", extraHTTPHeaders: { "x-forwarded-for": "192.0.2.1" } });
    await eve.reads("#state", "not allowed");
    assert.ok(await eve.page.isHidden("#main"));
    await eve.page.fill("#key", "not-a-key-of-operators");
    await eve.page.press("#key", "Enter");
    await eventually("it is said why", async () => /not the right one/.test(await eve.page.textContent("#why")));
    await eve.page.fill("#key", KEY);
    await eve.page.click("#access button");
    await eve.reads("#state", "live");
    const ann = await talker(world, server, "ann");
    await ann.join("room:1");
    await until(eve, "rejoin", "{}");
    await eve.page.reload();
    await eve.reads("#state", "live");
    await eve.page.click("#forget");
    await eve.reads("#state", "not allowed");
  },

  async "a16: the link in the log opens it, also in a window that was not let in"(world) {
    const server = await world.server();
    const eve = await world.window(server, { path: "/inspect" });
    await eve.reads("#state", "not allowed");
    assert.match(await eve.page.textContent("#kept"), /link in the server's log/);
    const link = await linkOf(server);
    await eve.page.evaluate((path) => (location.href = path), link);
    await eve.reads("#state", "live");
    assert.ok(eve.page.url().endsWith("/inspect"), `no token stays in the address, got ${eve.page.url()}`);
    await eve.page.reload();
    await eve.reads("#state", "live");
  },

  async "where there is no key none is asked for"(world) {
    const server = await world.server({ toml: `[operators]\nsame_machine = "off"` });
    const eve = await world.window(server, { path: "/inspect", extraHTTPHeaders: { "x-forwarded-for": "192.0.2.1" } });
    await eve.reads("#state", "not allowed");
    assert.equal(await eve.page.isVisible("#key"), false, "no key would do");
    assert.match(await eve.page.textContent("#why"), /has no key for operators.*operators\.key_file/);
    assert.equal(await eve.page.evaluate(() => document.activeElement.id), "access-title");
  },

  async "who presses twice sees everything once"(world) {
    const file = join(mkdtempSync(join(tmpdir(), "parlor-browser-")), "key");
    writeFileSync(file, KEY);
    const server = await world.server({ flags: ["--operators-key-file", file] });
    const eve = await world.window(server, { path: "/inspect", extraHTTPHeaders: { via: "a proxy" } });
    await eve.reads("#state", "not allowed");
    await eve.page.fill("#key", KEY);
    await eve.page.evaluate(() => {
      for (const time of [1, 2]) document.getElementById("enter").requestSubmit();
    });
    await eve.reads("#state", "live");
    const headers = { authorization: `Bearer ${KEY}` };
    await eventually("one watches", async () => (await (await fetch(`${server.http}/inspect/shards`, { headers })).json()).watchers === 1);
    // Another that is chosen takes the place of the one that there is.
    const beginnings = () => eve.page.$$eval(".note", ({ length }) => length);
    const before = await beginnings();
    await eve.page.evaluate((key) => {
      document.getElementById("key").value = key;
      document.getElementById("enter").requestSubmit();
    }, KEY);
    await eventually("the other has begun", async () => (await beginnings()) > before);
    const ann = await talker(world, server, "ann");
    await ann.join("room:1");
    await until(eve, "rejoin", "{}");
    await eventually("one watches still", async () => (await (await fetch(`${server.http}/inspect/shards`, { headers })).json()).watchers === 1);
    assert.equal((await said(eve, "rejoin")).length, 1);
  },

  async "a stream that is dead without a word is noticed"(world) {
    const server = await world.server();
    const context = await world.browser();
    await context.clock.install();
    // What the server says is kept back: no line of it ever comes.
    await context.addInitScript(() => {
      const ask = window.fetch;
      window.asked = 0;
      window.fetch = (url, options) => {
        if (!String(url).includes("/inspect/stream")) return ask(url, options);
        window.asked += 1;
        if (window.asked > 1) return ask(url, options);
        window.since = Date.now();
        const body = new ReadableStream({
          start(stream) {
            stream.enqueue(new TextEncoder().encode("event: watching\ndata: {}\n\n"));
            options.signal.addEventListener("abort", () => stream.error(options.signal.reason));
          },
        });
        return Promise.resolve(new Response(body));
      };
    });
    const eve = await looking(world, server, { context });
    const ann = await talker(world, server, "ann");
    await ann.join("room:1");
    // Whatever the steps so far have taken.
    const gone = await eve.page.evaluate(() => Date.now() - window.since);
    await eve.page.clock.fastForward(39_000 - gone);
    assert.equal(await eve.page.evaluate(() => window.asked), 1);
    await eve.page.clock.fastForward(2_000);
    await eventually("there is another", async () => (await eve.page.evaluate(() => window.asked)) === 2);
    // It shows what happens once the server has answered.
    await eve.reads("#state", "live");
    await ann.say("room:1", "seen");
    await until(eve, "broadcast_message", "seen");
  },
};
