// What a case has: servers, networks that can be cut, and browsers' windows that are watched.

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { Server } from "../../clients/lib/server.mjs";
import { Line } from "./line.mjs";
import { Window } from "./window.mjs";

export class World {
  #browser;
  #binary;
  #shots;
  #spoil;
  #all = [];
  #windows = [];
  wasSpoilt = false;

  constructor({ browser, binary, shots, spoil }) {
    this.#browser = browser;
    this.#binary = binary;
    this.#shots = shots;
    this.#spoil = spoil;
  }

  async server(options) {
    const server = await Server.start(this.#binary, options);
    this.#all.push(() => server.dispose());
    return server;
  }

  /** A network before a server, which can be cut. */
  async line(server) {
    const line = await Line.before(server.port);
    line.server = server;
    this.#all.push(() => line.stop());
    return line;
  }

  /** A browser of its own, as of another person or machine. */
  async browser(options = {}) {
    const context = await this.#browser.newContext({ viewport: { width: 1280, height: 800 }, locale: "en-GB", timezoneId: "Europe/London", ...options });
    this.#all.push(() => context.close());
    this.#all.push(() => context.unrouteAll({ behavior: "ignoreErrors" }));
    if (process.env.PARLOR_ASSETS) await context.route(/\/assets\/|\/(#|$)/, (route) => fromFile(route));
    if (this.#spoil) await context.route(`**/${this.#spoil.file}`, (route) => this.#spoilt(route));
    return context;
  }

  /** A window at a server, of a browser of its own unless one is given. */
  async window(at, { path = "/", context, ...options } = {}) {
    const page = await (context ?? (await this.browser(options))).newPage();
    const window = new Window(page);
    this.#windows.push(window);
    await page.goto(`http://127.0.0.1:${at.port}${path}`);
    return window;
  }

  /** A window of somebody who has gone into a room. */
  async guest(at, name, room, options) {
    const window = await this.window(at, options);
    await window.enter(name, room);
    return window;
  }

  shot(name) {
    return join(this.#shots, name);
  }

  /** Nothing went wrong that no case looks at. */
  check() {
    for (const window of this.#windows) window.check();
  }

  async dispose() {
    for (const end of this.#all.reverse()) await end().catch(() => {});
  }

  async #spoilt(route) {
    const response = await route.fetch();
    const text = process.env.PARLOR_ASSETS ? readFileSync(fileOf(route), "utf8") : await response.text();
    const body = text.replace(this.#spoil.from, this.#spoil.to);
    this.wasSpoilt ||= body !== text;
    await route.fulfill({ response, body, headers: { ...response.headers(), etag: "" } });
  }
}

const fileOf = (route) => {
  const { pathname } = new URL(route.request().url());
  return join(process.env.PARLOR_ASSETS, pathname === "/" ? "index.html" : pathname.replace("/assets/", ""));
};

async function fromFile(route) {
  const response = await route.fetch().catch(() => undefined);
  if (!response) {
    await route.abort();
    return;
  }
  await route.fulfill({ response, body: readFileSync(fileOf(route)) });
}
