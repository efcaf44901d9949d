// What the page knows of its server beside the socket: who it is for it, and which rooms there are.

import { inBrowser, inTab } from "./keeping.js";
import { drawId } from "./messages.js";
import { whyNot } from "./words.js";

const SESSION = "parlor.session";
const TOKEN = "parlor.token";
const USER = "parlor.user";
const NAME = "parlor.name";
/** Where nothing answers at all, browsers wait for minutes. */
const ANSWER_MS = 10_000;

export class Server {
  /** Who the page is, where nobody has to prove it. */
  name = inBrowser.text(NAME);
  token = inTab.text(TOKEN);
  /** By what it is known again: that of this tab alone. */
  session = inTab.text(SESSION);
  /** Whether one has to prove who one is: who has something for it had to. */
  needsToken = this.token !== "";
  /** Whether the server has said that a name is enough. */
  takesNames = false;
  /** Who it is by its token, as far as the server has said it. */
  #user = inTab.text(USER);
  /** What there is: see `/rooms.json`. */
  rooms = { rooms: [], more: 0, listen_only: [] };

  constructor() {
    if (!this.session) this.drawSession();
  }

  /** Who the page is for the server, if that is known. */
  get user() {
    return this.needsToken ? this.#user : this.name;
  }

  /** Whether rooms that are not there can be opened from here. */
  get opensRooms() {
    return this.rooms.clients_open_rooms === "on";
  }

  /** Whether there may be rooms beyond those that are there. */
  get hasOtherRooms() {
    return this.opensRooms || this.rooms.unlisted_topics !== "refuse";
  }

  /** Whether one can only listen in a room, as far as the server knows beforehand. */
  isForListening(topic) {
    return this.rooms.listen_only.includes(topic);
  }

  /** The name of a room for people. */
  nameOf(topic) {
    return this.rooms.rooms.find((info) => info.topic === topic)?.name ?? topic;
  }

  drawSession() {
    this.session = drawId();
    inTab.keep(SESSION, this.session);
  }

  setName(name) {
    this.name = name;
    inBrowser.keep(NAME, name);
  }

  setToken(token) {
    this.token = token;
    inTab.keep(TOKEN, token);
    this.#setUser("");
    this.needsToken = true;
    this.takesNames = false;
  }

  #setUser(user) {
    this.#user = user;
    inTab.keep(USER, user);
  }

  /** Where to connect to. The token does not stand in the address, which is what gets logged. */
  address() {
    const url = new URL("/socket/websocket", location.href);
    url.protocol = url.protocol.replace("http", "ws");
    url.search = new URLSearchParams({ vsn: "2.0.0", session: this.session, senders: "on", ...this.#claim() });
    return { url, protocols: this.token ? ["phoenix", `base64url.bearer.phx.${base64url(this.token)}`] : [] };
  }

  /**
   * Asks for the rooms, and so whether the page is let in: "in", "out" with the reason in `why`, or
   * "away" if nobody answers, or the page is somebody else by then.
   */
  async look() {
    const { name, token } = this;
    const url = `/rooms.json?${new URLSearchParams(this.#claim())}`;
    const headers = this.token ? { authorization: `Bearer ${this.token}` } : {};
    try {
      const answer = await fetch(url, { headers, cache: "no-store", signal: AbortSignal.timeout(ANSWER_MS) });
      const body = await answer.json();
      if (name !== this.name || token !== this.token) return { outcome: "away" };
      if (answer.ok) {
        this.needsToken = body.user !== null;
        this.takesNames = !this.needsToken;
        if (this.needsToken) this.#setUser(body.user);
        this.rooms = body;
        return { outcome: "in" };
      }
      if (answer.status === 401) {
        this.needsToken = true;
        this.takesNames = false;
        const isStale = Boolean(this.token);
        return { outcome: "out", why: isStale ? "This token is not taken. It may have run out, or be for another server." : undefined };
      }
      if (answer.status === 403) return { outcome: "out", why: sentence(whyNot("come", { reason: body.reason, message: body.detail })) };
    } catch {
      // Whoever is there speaks no JSON, or nobody is.
    }
    return { outcome: "away" };
  }

  #claim() {
    return this.needsToken || !this.name ? {} : { user_id: this.name };
  }
}

const base64url = (text) => {
  const bytes = new TextEncoder().encode(text);
  const base64 = btoa(String.fromCharCode(...bytes));
  return base64.replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
};

const sentence = (words) => `${words[0].toUpperCase()}${words.slice(1)}.`;
