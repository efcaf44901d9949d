// What people write, and are called: shown as it is, as text, and all of it.

import { assert, eventually } from "../../clients/lib/wait.mjs";

const MARKUP = [
  "<script>alert(1)</script>",
  "<img src=x onerror=alert(1)>",
  `"><svg onload=alert(1)>`,
  "&lt;b&gt; {{7*7}} ${alert(1)} </li></ol>",
  "javascript:alert(1)",
  "\u202Egnp.exe\u202C \u2066x\u2069",
  "🏳️‍🌈👩‍👩‍👧‍👦 é é",
  "x".repeat(10_000),
  "مرحبا hello عالم",
  "a\u0000b\u0007c",
  "Z̸͎̈a̵l̶g̷o",
];
const NAMES = ["<img src=x onerror=alert(1)>", "\u202Eevil\u2066", "__proto__", "constructor", "🦊", "n".repeat(80)];

export const spoils = {
  "addresses are links, and nothing else is": { file: "links.js", from: "https?:", to: "[a-z]+:" },
  "what is hostile is shown as text": {
    file: "log.js",
    from: `make("p", { class: "text", dir: "auto" }, ...withLinks(text))`,
    to: `make("p", { class: "text", dir: "auto", ["inner" + "HTML"]: text })`,
  },
  "earlier messages come page by page, each once": { file: "room.js", from: "this.#earlier ?? this.messages.oldest?.place", to: "this.messages.newest?.place" },
  "what is refused is said, and can be sent again": { file: "outbox.js", from: `error.reason === "validation_failed" && !this.#isPlain`, to: "false" },
};

/** Says things in a room by the protocol itself, as whom one likes. */
export function saying({ port, user, room, event = "message", payloads, meta = {} }) {
  return new Promise((resolve, reject) => {
    const query = new URLSearchParams({ vsn: "2.0.0", user_id: user });
    const socket = new WebSocket(`ws://127.0.0.1:${port}/socket/websocket?${query}`);
    const send = (ref, name, payload) => socket.send(JSON.stringify(["1", ref, room, name, payload]));
    let left = payloads.length;
    socket.onerror = () => reject(new Error("no connection"));
    socket.onopen = () => send("1", "phx_join", { meta });
    socket.onmessage = ({ data }) => {
      const [, ref, , name, reply] = JSON.parse(data);
      if (name !== "phx_reply") return;
      const { status } = reply;
      if (status !== "ok") reject(new Error(data));
      if (ref === "1") payloads.forEach((payload, at) => send(String(at + 2), event, payload));
      else left -= 1;
      if (left === 0) {
        if (meta.stays) resolve(true);
        else resolve(socket.close());
      }
    };
  });
}

export const cases = {
  async "what is hostile is shown as text"(world) {
    const server = await world.server();
    const ann = await world.guest(server, "ann", "<b>room</b>");
    const phone = await world.guest(server, "bob", "<b>room</b>", { viewport: { width: 360, height: 740 } });
    for (const text of MARKUP) await ann.say(text);
    await phone.has(MARKUP.map((text) => text.trim()));
    assert.equal(await phone.page.textContent("#title"), "<b>room</b>");

    // What this page would not send, and names that it would not take.
    const odd = [5, null, true, [], ["a"], {}, { text: 7 }, { text: { a: 1 }, id: {} }, { body: "<i>b</i>" }, "plain"];
    const shown = ["5", "null", "true", "[]", `["a"]`, "{}", `{"text":7}`, `{"text":{"a":1},"id":{}}`, "<i>b</i>", "plain"];
    const meta = { away: "<b>", typing: "<script>", metas: [], stays: true };
    for (const user of NAMES) {
      await ann.page.evaluate(saying, { port: server.port, user, room: "<b>room</b>", payloads: [`I am ${user}`], meta });
    }
    await ann.page.evaluate(saying, { port: server.port, user: "odd", room: "<b>room</b>", payloads: odd, meta });
    const all = [...MARKUP.map((text) => text.trim()), ...NAMES.map((user) => `I am ${user}`), ...shown];
    for (const window of [ann, phone]) {
      await window.has(all);
      const from = (await window.messages()).map(([name]) => name);
      assert.deepEqual(from.slice(MARKUP.length, MARKUP.length + NAMES.length), NAMES);
      // The list of people is made a moment after what they say is shown.
      await eventually("all of them are in the list", async () => {
        const people = (await window.people()).map(([name]) => name);
        const missing = [...NAMES, "odd"].filter((user) => !people.includes(user));
        return missing.length === 0 || Promise.reject(new Error(`without ${missing}`));
      });
      const made = await window.page.$$eval("#app img, #app script, #app iframe, #app b, #app i, #app svg[onload]", (found) => found.length);
      assert.equal(made, 0, "no text has become an element");
      const title = await window.page.title();
      assert.ok(title.includes("<b>room</b>"), title);
      await window.fitsInWidth();
    }
    // No name turns the rest of what stands beside it.
    await ann.page.fill("#open-name", "\u202Eroom\u0007");
    await ann.page.click("#open button");
    await eventually("the title stands as it is read", async () => (await ann.page.title()) === "room – parlor");
  },

  async "addresses are links, and nothing else is"(world) {
    const server = await world.server();
    const ann = await world.guest(server, "ann");
    const none = ["javascript://example.com/%0Aalert(1)", "data:text/html,x", "http://", "http:example.com", "xhttps//example.com", "file:///etc/passwd"];
    const one = [
      ["see https://example.com/a?b=c#d.", "https://example.com/a?b=c#d"],
      ["(http://example.com/x)", "http://example.com/x"],
      ["https://example.com/Rose_(colour), and", "https://example.com/Rose_(colour)"],
      ['<a href="https://example.com/">x</a>', "https://example.com/"],
      ["https://example.com/\u202Egnp.exe", "https://example.com/"],
      ["HTTPS://EXAMPLE.COM:8080/ü!", "HTTPS://EXAMPLE.COM:8080/ü"],
    ];
    const two = "http://a.example,\nhttps://b.example";
    const texts = [...none, ...one.map(([text]) => text), two];
    for (const text of texts) await ann.say(text);
    await ann.has(texts);
    const links = await ann.page.$$eval("#messages .text", (all) =>
      all.map((text) => [...text.querySelectorAll("a")].map((link) => [link.textContent, link.getAttribute("href"), link.target, link.rel])),
    );
    const link = (address) => [address, address, "_blank", "noopener noreferrer"];
    const expected = [...none.map(() => []), ...one.map(([, address]) => [link(address)]), [link("http://a.example"), link("https://b.example")]];
    assert.deepEqual(links, expected);
  },

  async "earlier messages come page by page, each once"(world) {
    const toml = `[default_room]\nevents = [{name = "message", history = 1000}]\n[connections]\nevents_per_window = 100_000`;
    const server = await world.server({ toml });
    const ann = await world.guest(server, "ann");
    const payloads = Array.from({ length: 233 }, (_, at) => ({ text: `line ${at}` }));
    await ann.page.evaluate(saying, { port: server.port, user: "bot", room: "lobby", payloads });
    const bob = await world.guest(server, "bob");
    const texts = payloads.map(({ text }) => text);
    await bob.has(texts.slice(-50));

    // By the wheel, by the button and by the keyboard; while more is said.
    const first = () => bob.page.$eval("#messages .message .text", ({ textContent }) => textContent);
    const ways = [() => scrolled(bob, 0), () => scrolled(bob, 200, "click"), () => scrolled(bob, 200, "focus")];
    let more = 0;
    for (let expected = 133; expected > 0; expected -= 50) {
      const seen = await ways[more % ways.length]();
      if (more % ways.length === 2) await bob.page.keyboard.press("Enter");
      await ann.say(`more ${more}`);
      more += 1;
      await eventually(`line ${expected} is the first`, async () => (await first()) === `line ${expected}`);
      const all = [...texts.slice(expected), ...Array.from({ length: more }, (_, at) => `more ${at}`)];
      await bob.has(all);
      const top = await topOf(bob, seen.text);
      assert.ok(Math.abs(top - seen.top) < 3, `what was in sight stays at ${seen.top}, got ${top}`);
    }
    await bob.page.$eval("#log", (log) => (log.scrollTop = 0));
    await eventually("line 0 is the first", async () => (await first()) === "line 0");
    await bob.page.waitForSelector("#beginning:not([hidden])");
    await bob.has([...texts, ...Array.from({ length: more }, (_, at) => `more ${at}`)]);

    // Back at the end, what is far above is let go of, and comes again when it is asked for.
    const flood = Array.from({ length: 450 }, (_, at) => ({ text: `flood ${at}` }));
    await ann.page.evaluate(saying, { port: server.port, user: "bot", room: "lobby", payloads: flood });
    await bob.page.click("#newest");
    await eventually("there are no more than 400", async () => {
      const now = await bob.texts();
      return now.length === 400 && now.at(-1) === "flood 449";
    });
    await bob.page.$eval("#log", (log) => (log.scrollTop = 0));
    await eventually("those before come again", async () => (await first()) === "flood 0");
    assert.deepEqual(await bob.texts(), flood.map(({ text }) => text));
  },

  async "what is refused is said, and can be sent again"(world) {
    const toml = `
      [[rooms]]
      pattern = "strict"
      client_events = "listed"
      rate_limit = {max_events = 12, window_ms = 1_500}
      [[rooms.events]]
      name = "message"
      history = 50
      schema = {type = "object", required = ["text"], additionalProperties = false, properties = {text = {type = "string", maxLength = 20}}}
      [[rooms]]
      pattern = "full"
      max_members = 0
    `;
    const server = await world.server({ toml });
    const ann = await world.guest(server, "ann", "strict");
    const bob = await world.guest(server, "bob", "strict");
    await ann.say("short enough");
    await bob.has(["short enough"]);
    await ann.say("this is a good deal longer than that");
    const [[text, why]] = await eventually("it is said that it was not sent", async () => {
      const unsent = await ann.unsent();
      return unsent.length === 1 && unsent[0][1].startsWith("Not sent: ") && unsent;
    });
    assert.equal(text, "this is a good deal longer than that");
    assert.match(why, /20/, "the reason says what was expected");
    assert.match(why, /^Not sent: this room takes other messages \(.+\)\.$/, "in words for people, and with those of the server");
    await ann.page.click("text=Send again");
    await eventually("it is refused again", async () => (await ann.unsent())[0][1].startsWith("Not sent: "));
    await ann.page.click("text=Discard");
    await eventually("it is gone", async () => (await ann.unsent()).length === 0);
    // Too much at once is sent when it may be.
    const many = Array.from({ length: 15 }, (_, at) => `many ${at}`);
    for (const line of many) await ann.say(line);
    await bob.has(["short enough", ...many]);

    await ann.page.fill("#open-name", "full");
    await ann.page.click("#open button");
    await ann.is("Not in the room");
    await ann.reads("#trouble-text", "You can't go in: the room is full.");
  },
};

/** Scrolls, and perhaps uses the button. Gives a message that is in sight, and where. */
function scrolled(window, to, use) {
  return window.page.evaluate(
    ([top, what]) => {
      const log = document.getElementById("log");
      log.scrollTop = top;
      const seen = [...document.querySelectorAll("#messages .message")].find((row) => row.getBoundingClientRect().top > log.getBoundingClientRect().top);
      const place = { text: seen.querySelector(".text").textContent, top: seen.getBoundingClientRect().top };
      const button = document.getElementById("earlier");
      if (what === "click") button.click();
      if (what === "focus") button.focus({ preventScroll: true });
      return place;
    },
    [to, use],
  );
}

function topOf(window, text) {
  return window.page.evaluate((wanted) => {
    const row = [...document.querySelectorAll("#messages .message")].find((message) => message.querySelector(".text").textContent === wanted);
    return row.getBoundingClientRect().top;
  }, text);
}
