// socket.io-client as Dialogue's client uses it: what it emits, and what it waits for.

import { io } from "socket.io-client";
import { assert, eventually, within } from "./wait.mjs";

export class Dialogue {
  /** Everything that came, in order: `{ name, args }`. */
  got = [];
  refusals = [];

  constructor(url, auth, { spoil, ...options } = {}) {
    // No transports are named, so that it begins by polling and then upgrades, as Dialogue's does.
    this.socket = io(url, { auth, reconnectionDelay: 20, reconnectionDelayMax: 100, forceNew: true, autoConnect: false, ...options });
    if (spoil !== undefined) spoilt(this.socket, spoil);
    this.socket.onAny((name, ...args) => this.got.push({ name, args }));
    this.socket.on("connect_error", (error) => this.refusals.push(error.message));
  }

  /** Waits for `dialogue:connected`, as the client's `connect()` does, not for the transport. */
  async connect() {
    const connected = new Promise((resolve) => this.socket.once("dialogue:connected", resolve));
    const refused = new Promise((_, reject) => this.socket.once("connect_error", reject));
    this.socket.connect();
    const { clientId, userId } = await within("dialogue:connected", Promise.race([connected, refused]));
    refused.catch(() => {});
    this.clientId = clientId;
    this.userId = userId;
    return this;
  }

  get transport() {
    return this.socket.io.engine.transport.name;
  }

  async upgraded() {
    await eventually("the upgrade to WebSocket", () => this.transport === "websocket");
    return this;
  }

  all(name, matches = () => true) {
    return this.got.filter((it) => it.name === name && matches(...it.args)).map(({ args }) => args[0]);
  }

  emit(name, ...args) {
    this.socket.emit(name, ...args);
  }

  /** Emits, and gives the first answer that `matches`; any error rejects, as it does in the client. */
  async ask(name, argument, answer, matches = () => true) {
    const from = this.got.length;
    this.emit(name, ...(argument === undefined ? [] : [argument]));
    const it = await eventually(`${answer} or an error after ${name}`, () =>
      this.got.slice(from).find((it) => (it.name === answer && matches(...it.args)) || it.name === "dialogue:error"));
    if (it.name === "dialogue:error" && answer !== "dialogue:error") {
      throw new Error(`[${it.args[0].code}] ${it.args[0].message}`);
    }
    return it.args[0];
  }

  join(roomId) {
    return this.ask("dialogue:join", { roomId }, "dialogue:joined", (it) => it.roomId === roomId);
  }

  async refused(name, argument, code) {
    const error = await this.ask(name, argument, "dialogue:error");
    assert.deepEqual(Object.keys(error).sort(), ["code", "message"]);
    assert.deepEqual([error.code, typeof error.message], [code, "string"], JSON.stringify(error));
  }

  trigger(roomId, event, data, meta) {
    this.emit("dialogue:trigger", { roomId, event, data, ...(meta === undefined ? {} : { meta }) });
  }

  history(argument) {
    const matches = (it) => it.roomId === argument.roomId && (it.eventName ?? undefined) === argument.eventName;
    return this.ask("dialogue:getHistory", argument, "dialogue:historyResponse", matches);
  }

  /** Waits until all that the server had to say to this client before now has arrived. */
  async fence() {
    await this.ask("dialogue:listRooms", undefined, "dialogue:rooms");
  }

  disconnect() {
    this.socket.disconnect();
  }
}

/** Lets a client get what `spoil` makes of what has come: some packets in place of one. */
function spoilt(socket, spoil) {
  const take = socket.onevent;
  socket.onevent = (packet) => {
    for (const data of spoil(packet.data)) take.call(socket, { ...packet, data });
  };
}
