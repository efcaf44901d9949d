// Where only others may write: it is said, and there is no field to write in. And why something is
// refused is said in words for people.

import { assert, eventually } from "../../clients/lib/wait.mjs";
import { examined } from "./looks.mjs";

export const spoils = {
  "where only others write there is no field": { file: "server.js", from: "this.rooms.listen_only.includes(topic)", to: "false" },
  "who is refused for itself is offered no field, until it tries again": { file: "room.js", from: "why ? this.isSilenced || NOT_FOR_IT.includes(why.reason) : false", to: "false" },
  "refusals are in words for people": { file: "words.js", from: "if (!found) return", to: "if (found || !found) return" },
};

const go = async (window, name) => {
  await window.page.fill("#open-name", name);
  await window.page.click("#open button");
  await window.reads("#title", name);
};

const sees = async ({ page }) => {
  const [field, words, button] = await Promise.all(["#text", "#listen-text", "#write"].map((selector) => page.isVisible(selector)));
  return { field, words, button };
};

const comes = (window, expected) =>
  eventually(`${JSON.stringify(expected)}`, async () => {
    const seen = await sees(window);
    return JSON.stringify(seen) === JSON.stringify(expected) || Promise.reject(new Error(JSON.stringify(seen)));
  });

const FIELD = { field: true, words: false, button: false };

export const cases = {
  async "where only others write there is no field"(world) {
    const toml = `
      [[rooms]]
      pattern = "lobby"
      [[rooms]]
      pattern = "board"
      client_events = "none"
      [[rooms]]
      pattern = "typing"
      client_events = "listed"
      events = [{name = "typing"}]
      [[rules]]
      pattern = "news:*"
      action = "send"
      event = "message"
      allow = "nobody"
    `;
    const server = await world.server({ toml });
    const ann = await world.guest(server, "ann");
    await comes(ann, FIELD);
    for (const room of ["board", "typing", "news:1"]) {
      await go(ann, room);
      await ann.is("Connected");
      await comes(ann, { field: false, words: true, button: false });
      await ann.reads("#listen-text", "You can read along here, but not write.");
      await ann.reads("#beginning", "Nothing was said here yet.");
      await ann.page.focus("#skip");
      await ann.page.keyboard.press("Enter");
      assert.equal(await ann.page.evaluate(() => document.activeElement.id), "listen-text", "it is read out in place of the field");
      await go(ann, "lobby");
      await ann.is("Connected");
      await comes(ann, FIELD);
    }
  },

  async "who is refused for itself is offered no field, until it tries again"(world) {
    // What is opened by others is known to them.
    const key = "a-key-that-operators-have";
    const server = await world.server({ toml: `[operators]\nkey = "${key}"` });
    const headers = { authorization: `Bearer ${key}`, "content-type": "application/json" };
    const config = { client_events: "none" };
    const answer = await fetch(`${server.http}/api/rooms`, { method: "POST", headers, body: JSON.stringify({ topic: "board", config }) });
    assert.ok(answer.ok, await answer.text());
    const ann = await world.guest(server, "ann", "board");
    await comes(ann, FIELD);
    await ann.say("may I?");
    await comes(ann, { field: false, words: true, button: true });
    for (const colorScheme of ["light", "dark"]) {
      await ann.page.emulateMedia({ colorScheme });
      for (const [width, height] of [[1280, 800], [390, 844]]) {
        await ann.page.setViewportSize({ width, height });
        await ann.fitsInWidth();
        await examined(ann);
        await ann.page.screenshot({ path: world.shot(`listening-${colorScheme}-${width}.png`) });
      }
    }
    await ann.holds([["may I?", "Not sent: messages can't be written here."]]);
    assert.equal(await ann.page.evaluate(() => document.activeElement.id), "listen-text", "the focus does not go with the field");
    // It is known to a page that is loaded anew, which does not try by itself.
    await ann.page.reload();
    await ann.is("Connected");
    await comes(ann, { field: false, words: true, button: true });
    const refused = ann.frames.filter(([, , , event, payload]) => event === "phx_reply" && payload.response?.reason === "event_not_allowed");
    assert.equal(refused.length, 1, "what was refused is not sent again by itself");
    await ann.page.click("#write");
    await comes(ann, FIELD);
    assert.equal(await ann.page.evaluate(() => document.activeElement.id), "text");
    await ann.page.click("text=Send again");
    await comes(ann, { field: false, words: true, button: true });
    // What is taken after all gives the field back.
    const closed = await fetch(`${server.http}/api/rooms/board`, { method: "DELETE", headers });
    assert.equal(closed.status, 204);
    await ann.page.click("text=Go in again");
    await ann.is("Connected");
    await ann.page.click("text=Send again");
    await ann.has(["may I?"]);
    await comes(ann, FIELD);
  },

  async "refusals are in words for people"(world) {
    const toml = `
      unlisted_topics = "create"
      [limits]
      topics_per_client = 2
      [[rooms]]
      pattern = "staff"
      [[rules]]
      pattern = "staff"
      action = "join"
      allow = "nobody"
    `;
    const server = await world.server({ toml });
    const ann = await world.window(server);
    await ann.page.fill("#name", "system");
    await ann.page.click("#enter button");
    await eventually("it is said why", async () => /^This name can't be taken \(.*system.*\)\.$/.test(await ann.page.textContent("#enter-error")));
    await ann.enter("ann");
    for (const [room, words] of [
      ["staff", "this room is not for everybody (joining is not for all here, expected the server to do it)"],
      ["ü".repeat(200), "no room can have this name (topic has 400 bytes, expected at most 255)"],
    ]) {
      await go(ann, room);
      await ann.is("Not in the room");
      await ann.reads("#trouble-text", `You can't go in: ${words}.`);
    }
    // Of a reason that the page does not know, there are the words of the server.
    const words = await ann.page.evaluate(async () => {
      const { whyNot } = await import("/assets/words.js");
      return [{ reason: "too_loud", message: "expected a whisper" }, { reason: "constructor", message: "odd" }, { reason: "too_loud" }, {}].map((why) => whyNot("say", why));
    });
    assert.deepEqual(words, ["expected a whisper", "odd", "too_loud", "the server does not say why"]);
  },
};
