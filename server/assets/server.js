// What the page knows of its server beside the socket: who it is for it, and which rooms there are.

import { drawId } from "./messages.js";

const SESSION = "parlor.session";
const TOKEN = "parlor.token";
const NAME = "parlor.name";

export class Server {
  /** Who the page is, where nobody has to prove it. */
  name = recall(localStorage, NAME);
  token = recall(sessionStorage, TOKEN);
  /** By what it is known again: that of this tab alone. */
  session = recall(sessionStorage, SESSION);
  /** Who it is, as far as the server has let it in. */
  user;
  needsToken = false;
  rooms = { rooms: [], more: 0 };

  /** Whether rooms that are not there can be opened from here. */
  get opensRooms() {
    return this.rooms.clients_open_rooms === "on";
  }

  constructor() {
    if (!this.session) this.drawSession();
  }

  drawSession() {
    this.session = drawId();
    keep(sessionStorage, SESSION, this.session);
  }

  setName(name) {
    this.name = name;
    keep(localStorage, NAME, name);
  }

  setToken(token) {
    this.token = token;
    keep(sessionStorage, TOKEN, token);
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
   * "away" if nobody answers.
   */
  async look() {
    const url = `/rooms.json?${new URLSearchParams(this.#claim())}`;
    const headers = this.token ? { authorization: `Bearer ${this.token}` } : {};
    try {
      const answer = await fetch(url, { headers, cache: "no-store" });
      const body = await answer.json();
      if (answer.ok) {
        this.needsToken = body.user !== null;
        this.user = body.user ?? this.name;
        this.rooms = body;
        return { outcome: "in" };
      }
      if (answer.status === 401) {
        this.needsToken = true;
        const isStale = Boolean(this.token);
        return { outcome: "out", why: isStale ? "This token is not taken. It may have run out, or be for another server." : undefined };
      }
      if (answer.status === 403) return { outcome: "out", why: body.detail };
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

function recall(storage, key) {
  try {
    return storage.getItem(key) ?? "";
  } catch {
    return "";
  }
}

function keep(storage, key, text) {
  try {
    storage.setItem(key, text);
  } catch {
    // Then it is known for as long as the page lives.
  }
}
