// What was said before, and what was missed: each message once, whatever is said meanwhile, by
// positions that are given back as they came. And what the server can't read is said to be so.

import { assert, eventually } from "../../clients/lib/wait.mjs";
import { saying } from "./writing.mjs";

export const spoils = {
  "a11: no message comes twice or is skipped while others arrive": { file: "history.js", from: "...(before && { before })", to: "start: this.start = (this.start ?? -PAGE) + PAGE, end: this.start + PAGE" },
  "a position is given back as it came": { file: "room.js", from: "if (place) this.#position = place;", to: "if (place) this.#position = { epoch: place.epoch, offset: place.offset };" },
  "a page that is cut short goes on where it says": { file: "history.js", from: "const next = more ??", to: "const next =" },
  "a13: what the server can't read is said, and can be tried again": { file: "room.js", from: "this.whyNoOlder = { reason: error.reason, message: error.message };", to: "this.isWhole = true;" },
  "a13: a gap that the server can't fill is said, and can be tried again": { file: "room.js", from: "if (!why) this.#behind = undefined;", to: "this.#behind = undefined;" },
  "a1: a page that catches up says so, and can be used": { file: "standing.js", from: "if (room.isCatchingUp)", to: "if (false)" },
  "a1: rooms in which much was missed come back": { file: "room.js", from: "{ meta, since } : { meta }", to: "{ meta } : { meta }" },
  "a8: who leaves and comes back at once sees each message once, in order": { file: "room.js", from: "if (!this.#isIn ||", to: "if (!this.#joinRef ||" },
};

const TOML = `[default_room]\nevents = [{name = "message", history = 1000}]\n[connections]\nevents_per_window = 100_000`;

/**
 * Stands between a page and its server: `sent` has the frames of the page, `heard(frame, sent)` may
 * change or drop those of the server, and while `isHeld` they wait.
 */
async function between(context, heard = (frame) => frame) {
  const wire = { sent: [], isHeld: false, heard, held: [] };
  await context.routeWebSocket(/\/socket\/websocket/, (page) => {
    const server = page.connectToServer();
    page.onMessage((text) => {
      wire.sent.push(JSON.parse(text));
      server.send(text);
    });
    const pass = (text) => {
      const frame = wire.heard(JSON.parse(text), wire.sent);
      if (frame) page.send(JSON.stringify(frame));
    };
    server.onMessage((text) => (wire.isHeld ? wire.held.push(() => pass(text)) : pass(text)));
  });
  wire.release = () => {
    wire.isHeld = false;
    for (const pass of wire.held.splice(0)) pass();
  };
  return wire;
}

const isPage = ([, , , event, payload]) => event === "phx_reply" && payload.response.messages !== undefined;
const asked = ({ sent }) => sent.filter(([, , , event]) => event === "parlor:history").map(([, , , , payload]) => payload);
const lines = (count, from = 0) => Array.from({ length: count }, (_, at) => `line ${from + at}`);
const floods = (server, texts) => ({ port: server.port, user: "bot", room: "lobby", payloads: texts.map((text) => ({ text })) });

const scrollsUp = async (window, first) => {
  await window.page.$eval("#log", (log) => (log.scrollTop = 0));
  await eventually(`${first} is the first`, async () => (await window.texts())[0] === first);
};

/** Answers that refuse pages, as of a server whose file is damaged. */
const refusing = (reason, more = {}) => (frame, sent) => {
  const [joinRef, ref, topic] = frame;
  const isOfPage = sent.some(([, askedRef, , event]) => askedRef === ref && event === "parlor:history");
  return isOfPage ? [joinRef, ref, topic, "phx_reply", { status: "error", response: { reason, message: "no", ...more } }] : frame;
};
const passing = (frame) => frame;

export const cases = {
  async "a11: no message comes twice or is skipped while others arrive"(world) {
    const server = await world.server({ toml: TOML });
    const ann = await world.guest(server, "ann");
    await ann.page.evaluate(saying, floods(server, lines(180)));
    const context = await world.browser();
    const told = [];
    await between(context, (frame) => {
      if (isPage(frame)) told.push(...frame[4].response.messages.map(({ offset }) => offset));
      return frame;
    });
    const bob = await world.guest(server, "bob", "lobby", { context });
    await eventually("the newest are there", async () => (await bob.texts()).length === 50);
    const more = [];
    for (const first of [80, 30, 0]) {
      more.push(`meanwhile ${first}`);
      await ann.say(more.at(-1));
      await eventually("it has come", async () => (await bob.texts()).at(-1) === more.at(-1));
      await scrollsUp(bob, `line ${first}`);
    }
    await bob.has([...lines(180), ...more]);
    assert.deepEqual(told, Array.from({ length: 180 }, (_, at) => 180 - at), "each message is on one page");
  },

  async "a position is given back as it came"(world) {
    const server = await world.server({ toml: TOML });
    const line = await world.line(server);
    const ann = await world.guest(server, "ann");
    await ann.page.evaluate(saying, floods(server, lines(60)));
    const context = await world.browser();
    const wire = await between(context, (frame) => {
      if (frame[5]) frame[5].later = "of a frame";
      if (isPage(frame)) for (const message of frame[4].response.messages) message.later = "of a page";
      return frame;
    });
    const bob = await world.guest(line, "bob", "lobby", { context });
    await scrollsUp(bob, "line 0");
    const befores = asked(wire).filter(({ before }) => before);
    assert.ok(befores.length > 0 && befores.every(({ before }) => before.later === "of a page"), JSON.stringify(befores));
    await ann.say("seen");
    await eventually("it has come", async () => (await bob.texts()).at(-1) === "seen");
    line.cut();
    await bob.is("Reconnecting…");
    await ann.say("missed");
    line.mend();
    await eventually("it was sent again", async () => (await bob.texts()).at(-1) === "missed");
    const { since } = wire.sent.findLast(([, , , event]) => event === "phx_join")[4];
    assert.equal(since.later, "of a frame", JSON.stringify(since));
  },

  async "a page that is cut short goes on where it says"(world) {
    const server = await world.server({ toml: `${TOML}\n[limits]\npage_bytes = 2_000` });
    const ann = await world.guest(server, "ann");
    const texts = lines(40).map((text) => `${text} ${"x".repeat(300)}`);
    await ann.page.evaluate(saying, floods(server, texts));
    const bob = await world.guest(server, "bob");
    // What fits on the screen is asked for by itself, the rest as it is scrolled to.
    await eventually("all of it has come", async () => {
      await bob.page.$eval("#log", (log) => (log.scrollTop = 0));
      return (await bob.texts()).length === texts.length;
    });
    await bob.has(texts);
    await bob.reads("#beginning", "This is the beginning.");
  },

  async "a13: what the server can't read is said, and can be tried again"(world) {
    const server = await world.server({ toml: TOML });
    const ann = await world.guest(server, "ann");
    await ann.page.evaluate(saying, floods(server, lines(90)));
    const context = await world.browser();
    let refusals = 0;
    const wire = await between(context, (frame, sent) => {
      const told = refusing("unavailable")(frame, sent);
      if (told !== frame) refusals += 1;
      return told;
    });
    const bob = await world.guest(server, "bob", "lobby", { context });
    const words = "Earlier messages can't be loaded: the server can't read them at the moment.";
    await bob.reads("#beginning", words);
    await bob.reads("#said", words);
    await ann.say("live");
    await bob.has(["live"]);
    assert.equal(asked(wire).length, 1, "it is not asked again and again by itself");
    // Still so, and then no more.
    await bob.page.click("text=Try again");
    await eventually("it was asked again", () => asked(wire).length === 2);
    // The same words were there before.
    await eventually("it was refused again", () => refusals === 2);
    await bob.isSettled();
    await bob.reads("#beginning", words);
    wire.heard = passing;
    await bob.page.click("text=Try again");
    await bob.has([...lines(50, 40), "live"]);
    // Of earlier pages too.
    wire.heard = refusing("rate_limited", { retry_after_ms: 60_000 });
    await bob.page.$eval("#log", (log) => (log.scrollTop = 0));
    await bob.reads("#beginning", "Earlier messages can't be loaded: that was too often, please wait a little and try again.");
    assert.ok(await bob.page.isVisible("#beginning"));
    wire.heard = passing;
    await bob.page.focus("#earlier");
    await bob.page.keyboard.press("Enter");
    await bob.has([...lines(90), "live"]);
    await bob.reads("#beginning", "This is the beginning.");
  },

  async "a13: a gap that the server can't fill is said, and can be tried again"(world) {
    const toml = `[default_room]\nevents = [{name = "message", history = 100}]\n[connections]\nevents_per_window = 100_000`;
    const server = await world.server({ toml });
    const line = await world.line(server);
    const ann = await world.guest(server, "ann");
    const context = await world.browser();
    const isJoin = ([, , , event, payload]) => event === "phx_reply" && payload.response.recovered !== undefined;
    const wire = await between(context);
    const bob = await world.guest(line, "bob", "lobby", { context });
    await ann.say("before");
    await bob.has(["before"]);
    wire.heard = (frame, sent) => {
      if (isJoin(frame)) frame[4].response.recovered = false;
      if (frame[5] && frame[4].text.startsWith("line ")) return undefined;
      return refusing("unavailable")(frame, sent);
    };
    line.cut();
    await bob.is("Reconnecting…");
    await ann.page.evaluate(saying, floods(server, lines(80)));
    line.mend();
    await bob.is("Connected");
    await bob.reads("#messages .gap span", "Some messages are missing here. They can't be loaded: the server can't read them at the moment.");
    await ann.say("after");
    await eventually("it has come", async () => (await bob.texts()).at(-1) === "after");
    wire.heard = passing;
    await bob.page.focus("#messages .gap button");
    await bob.page.keyboard.press("Enter");
    await bob.has(["before", ...lines(80), "after"]);
    assert.equal(await bob.page.$$eval("#messages .gap", ({ length }) => length), 0);
    assert.equal(await bob.page.evaluate(() => document.activeElement.id), "log", "the focus is not lost with the button");
    assert.ok(asked(wire).every(({ start }) => start === undefined), "by positions alone");
  },

  async "a1: a page that catches up says so, and can be used"(world) {
    const server = await world.server({ toml: TOML });
    const line = await world.line(server);
    const ann = await world.guest(server, "ann");
    const context = await world.browser();
    const wire = await between(context);
    const bob = await world.guest(line, "bob", "lobby", { context });
    await ann.say("before");
    await bob.has(["before"]);
    line.cut();
    await bob.is("Reconnecting…");
    await ann.page.evaluate(saying, floods(server, lines(30)));
    // What was missed comes, and what is asked for behind it takes its time.
    wire.heard = (frame) => {
      if (frame[3] === "phx_reply" && frame[4].response.recovered) wire.isHeld = true;
      return frame;
    };
    line.mend();
    await eventually("what was missed is on its way", () => wire.held.length > 30);
    await bob.is("Catching up…");
    wire.held.splice(0, 11).forEach((pass) => pass());
    await eventually("some of it is shown", async () => (await bob.texts()).length > 5);
    await bob.is("Catching up…");
    await bob.say("said meanwhile");
    await bob.holds([["said meanwhile", "Waiting to be sent"]]);
    await bob.page.click("#room-list [aria-current]");
    await bob.page.$eval("#log", (log) => (log.scrollTop = 0));
    wire.heard = passing;
    wire.release();
    await bob.is("Connected");
    await bob.has(["before", ...lines(30), "said meanwhile"]);
    await ann.has(["before", ...lines(30), "said meanwhile"]);
  },

  async "a1: rooms in which much was missed come back"(world) {
    const toml = TOML.replace("1000", "300");
    const server = await world.server({ toml });
    const line = await world.line(server);
    const bot = await world.window(server, { path: "/healthz" });
    const says = (room, texts) => bot.page.evaluate(saying, { ...floods(server, texts), room });
    const bob = await world.guest(line, "bob");
    const others = lines(2).map((name) => `room ${name}`);
    for (const room of [...others, "lobby"]) {
      await bob.page.fill("#open-name", room);
      await bob.page.press("#open-name", "Enter");
      await bob.reads("#title", room);
      await bob.is("Connected");
    }
    await says("lobby", ["before"]);
    await bob.has(["before"]);
    line.cut();
    await bob.is("Reconnecting…");
    // Much more than the queue of a connection holds, in one room and in all of them.
    const large = (count) => lines(count).map((text) => text.padEnd(30_000, "."));
    await says("lobby", large(300));
    for (const room of others) await says(room, large(60));
    line.mend();
    const starts = () => bob.page.$$eval("#messages .message .text", (all) => all.map(({ textContent }) => textContent.split(".")[0]));
    await eventually("half of it is there", async () => (await starts()).length > 150);
    await bob.is("Connected");
    await eventually("all of it is there", async () => (await starts()).length === 301);
    assert.deepEqual(await starts(), ["before", ...lines(300)]);
    assert.equal(await bob.page.$$eval("#messages .gap", ({ length }) => length), 0, "nothing is missing");
    await eventually("the other rooms too", async () => (await bob.page.title()) === "(120) lobby – parlor" || Promise.reject(new Error(await bob.page.title())));
    await bob.say("here again");
    await eventually("it can be used", async () => (await starts()).at(-1) === "here again");
  },

  async "a8: who leaves and comes back at once sees each message once, in order"(world) {
    const server = await world.server({ toml: TOML });
    const ann = await world.guest(server, "ann");
    const context = await world.browser();
    const wire = await between(context);
    const bob = await world.guest(server, "bob", "lobby", { context });
    for (const text of lines(4)) await ann.say(text);
    await bob.has(lines(4));
    await bob.page.fill("#open-name", "garden");
    await bob.page.press("#open-name", "Enter");
    await bob.reads("#title", "garden");
    await bob.is("Connected");
    // Some is on the wire while the room is left, some is said before it is entered again.
    wire.isHeld = true;
    for (const text of lines(2, 4)) await ann.say(text);
    await ann.has(lines(6));
    await bob.page.hover("#room-list li:has-text('lobby')");
    await bob.page.click("#room-list [title='Leave lobby']");
    await ann.sees([["ann (you)", ""]]);
    for (const text of lines(2, 6)) await ann.say(text);
    await ann.has(lines(8));
    await bob.page.click("#room-list a:has-text('lobby')");
    await bob.reads("#title", "lobby");
    await ann.sees([["ann (you)", ""], ["bob", ""]]);
    wire.release();
    await bob.is("Connected");
    await ann.say("line 8");
    await bob.has(lines(9));
  },
};
