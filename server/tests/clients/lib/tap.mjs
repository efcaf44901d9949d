// The WebSocket under an unmodified client, with a record of what passes through it.
//
// The clients take their transport as an option, so that listening to it changes nothing in them.

import WebSocket from "ws";

/** How every connection of the run has ended: the codes that servers have sent. */
export const endings = [];

/**
 * What passed through the connections of one client, in order.
 *
 * `frames` are `{ way: "sent" | "got", connection, data }`: text parsed as JSON, or bytes.
 */
export class Record {
  frames = [];
  connections = [];
  closes = [];
  errors = [];

  got(predicate = () => true) {
    return this.#of("got", predicate);
  }

  sent(predicate = () => true) {
    return this.#of("sent", predicate);
  }

  #of(way, predicate) {
    return this.frames.filter((f) => f.way === way && predicate(f.data)).map((f) => f.data);
  }

  /** The connection that is in use. */
  get current() {
    return this.connections.at(-1);
  }

  add(way, connection, raw) {
    this.frames.push({ way, connection, data: parsed(raw) });
  }
}

/** A class of transports that keep a record. */
export function tapped(record, { protocols: given } = {}) {
  return class Tapped extends WebSocket {
    #number;
    #closesItself = false;

    constructor(url, protocols) {
      super(url, protocols ?? given ?? []);
      this.#number = record.connections.push(this) - 1;
      this.on("message", (data, isBinary) => {
        record.add("got", this.#number, isBinary ? new Uint8Array(data) : data.toString());
      });
      this.on("close", (code, reason) => {
        const ending = { code, reason: reason.toString(), byClient: this.#closesItself };
        record.closes.push(ending);
        endings.push(ending);
      });
      this.on("error", (error) => record.errors.push(error.message));
    }

    send(data, ...rest) {
      record.add("sent", this.#number, typeof data === "string" ? data : new Uint8Array(data));
      return super.send(data, ...rest);
    }

    close(...rest) {
      this.#closesItself = true;
      return super.close(...rest);
    }

    /** Gives the client a frame that no server has sent. */
    inject(text) {
      this.onmessage({ data: text });
    }

    /** Cuts the line, as a network does that says nothing. */
    cut() {
      this._socket.destroy();
    }

    /** Cuts the line by a TCP reset. */
    reset() {
      this._socket.resetAndDestroy();
    }
  };
}

function parsed(raw) {
  if (typeof raw !== "string") return raw;
  try {
    return JSON.parse(raw);
  } catch {
    return raw;
  }
}
