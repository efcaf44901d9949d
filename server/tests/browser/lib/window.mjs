// A window with the page, seen as its user sees it, and watched for what must not happen.

import { assert, eventually } from "../../clients/lib/wait.mjs";

export class Window {
  page;
  /** Frames that the server has sent, as arrays. */
  frames = [];
  #wrongs = [];

  constructor(page) {
    this.page = page;
    page.setDefaultTimeout(Number(process.env.PARLOR_PATIENCE_MS ?? 15_000));
    page.on("pageerror", (error) => this.#wrongs.push(`error: ${error.stack}`));
    page.on("dialog", (dialog) => {
      this.#wrongs.push(`dialog: ${dialog.message()}`);
      dialog.dismiss();
    });
    page.on("console", (message) => {
      const text = message.text();
      // That a line is lost, or that somebody is refused, is said by the browser too.
      const isNetwork = /WebSocket connection|net::ERR_|Failed to load resource/.test(text);
      if (message.type() === "error" && !isNetwork) this.#wrongs.push(`console: ${text}`);
    });
    page.on("websocket", (socket) =>
      socket.on("framereceived", ({ payload }) => typeof payload === "string" && this.frames.push(JSON.parse(payload))),
    );
  }

  check() {
    assert.deepEqual(this.#wrongs, [], "nothing goes wrong that is not seen");
  }

  async enter(name, room) {
    await this.page.fill("#name", name);
    if (room) await this.page.fill("#room", room);
    await this.page.click("#enter button[type=submit]");
    await this.is("Connected");
  }

  /** Waits until the state is said to be so. */
  async is(state) {
    await eventually(`the state is ${state}`, async () => {
      const said = await this.page.textContent("#state-text");
      return said === state || Promise.reject(new Error(said));
    });
  }

  async type(text) {
    await this.page.fill("#text", text);
  }

  async say(text) {
    await this.type(text);
    await this.page.press("#text", "Enter");
  }

  /** The texts of all messages that the server has told, with who has sent them, oldest first. */
  messages() {
    return this.page.$$eval("#messages .message:not(.unsent)", (all) =>
      all.map((message) => [message.querySelector(".from").textContent, message.querySelector(".text").textContent]),
    );
  }

  async texts() {
    return (await this.messages()).map(([, text]) => text);
  }

  /** Waits until these are the texts of all messages. */
  async has(texts) {
    await this.#settles("the messages", () => this.texts(), texts);
  }

  /** The texts of what has not come back, with what is said of it. */
  unsent() {
    return this.page.$$eval("#messages .unsent", (all) =>
      all.map((message) => [message.querySelector(".text").textContent, message.querySelector(".fate span").textContent]),
    );
  }

  /** Waits until this is what has not come back, with what is said of it. */
  async holds(unsent) {
    await this.#settles("what has not come back", () => this.unsent(), unsent);
  }

  /** Everybody in the list with what is noted, as it is shown. */
  people() {
    return this.page.$$eval("#people-list li", (all) =>
      all.map((person) => [person.querySelector(".name").textContent, person.querySelector(".note").textContent]),
    );
  }

  async sees(people) {
    await this.#settles("the people", () => this.people(), people);
  }

  async reads(selector, text) {
    await this.#settles(selector, () => this.page.textContent(selector), text);
  }

  /** How often anybody was said to come, go or change. */
  get diffs() {
    return this.frames.filter(([, , , event]) => event === "presence_diff").length;
  }

  /** The window is hidden behind another, or shown, as far as the page can tell. */
  async look(state) {
    await this.page.evaluate((value) => {
      Object.defineProperty(document, "visibilityState", { value, configurable: true });
      document.dispatchEvent(new Event("visibilitychange"));
    }, state);
  }

  /** Waits until all that the server has said before is shown. */
  async isSettled() {
    const count = await this.page.evaluate(() => new Promise((resolve) => setTimeout(() => setTimeout(resolve))));
    return count;
  }

  async fitsInWidth() {
    const [wide, fits] = await this.page.evaluate(() => [document.scrollingElement.scrollWidth, document.scrollingElement.clientWidth]);
    assert.ok(wide <= fits, `the page is ${wide} wide, expected at most ${fits}`);
  }

  async #settles(what, read, expected) {
    let last;
    const wanted = JSON.stringify(expected);
    await eventually(`${what}: ${wanted.slice(0, 300)}`, async () => {
      last = await read();
      return JSON.stringify(last) === wanted || Promise.reject(new Error(JSON.stringify(last)));
    });
  }
}
