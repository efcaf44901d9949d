// A client of Phoenix Channels, version 2: frames of text, requests with their answers, a heartbeat,
// and coming back by itself. Knows nothing of rooms.

const HEARTBEAT_MS = 25_000;
const ANSWER_MS = 10_000;
const WAITS_MS = [100, 400, 1_000, 2_000, 4_000, 8_000];
/** A connection that ends earlier was of no use: the next waits for longer. */
const STEADY_MS = 5_000;
const TAKEN_OVER = 4000;
/** How long to wait where the server does not say it. */
const AGAIN_MS = 1_000;

/** No answer will come: the line was lost. What was asked may have been done. */
export class Lost extends Error {}

/** The server has answered, and it was no. */
export class Refused extends Error {
  constructor({ reason, message, ...more }) {
    super(message ?? reason ?? "refused");
    Object.assign(this, { reason: reason ?? "refused", more });
  }
}

/** How long to wait after a refusal for having done too much. */
export const waitOf = ({ more }) => more.retry_after_ms ?? AGAIN_MS;

export class Socket {
  #address;
  #on;
  #line;
  #asked = new Map();
  #last = 0;
  #failures = 0;
  #openedAt;
  #heardAt = 0;
  /** How often it was opened or closed: what was decided about an earlier time holds no more. */
  #turn = 0;
  #retry;
  #heart;
  state = "closed";

  /**
   * `address()` gives `{url, protocols}` of the next connection. `on.state(state)` hears
   * "connecting", "open", "waiting", "taken" and "closed", `on.frame(frame)` what nobody has asked
   * for, and `on.unopened()` decides whether to try again where a connection did not come about.
   */
  constructor(address, on) {
    this.#address = address;
    this.#on = on;
  }

  open() {
    clearTimeout(this.#retry);
    if (this.#line) return;
    this.#turn += 1;
    this.#become("connecting");
    const { url, protocols } = this.#address();
    const line = new WebSocket(url, protocols);
    this.#line = line;
    let isOpen = false;
    // Where nothing answers at all, browsers wait for minutes.
    const patience = setTimeout(() => this.#drop(line, isOpen), ANSWER_MS);
    line.onopen = () => {
      clearTimeout(patience);
      if (line !== this.#line) return;
      isOpen = true;
      this.#openedAt = Date.now();
      this.#heart = setInterval(() => this.#beat(ANSWER_MS), HEARTBEAT_MS);
      this.#become("open");
    };
    line.onmessage = ({ data }) => {
      if (line === this.#line && typeof data === "string") this.#receive(data);
    };
    line.onclose = ({ code }) => {
      clearTimeout(patience);
      this.#drop(line, isOpen, code);
    };
  }

  /** Ends it for good. */
  close() {
    clearTimeout(this.#retry);
    this.#turn += 1;
    const line = this.#line;
    this.#forget();
    line?.close(1000);
    this.#become("closed");
  }

  /** Somebody looks, or the network is back: there is no reason to wait any longer. */
  hurry() {
    if (this.state === "waiting") this.open();
    else if (this.state === "open") this.#beat(ANSWER_MS / 2);
  }

  /** A name for a frame, which no other frame of the page has. */
  ref() {
    this.#last += 1;
    return String(this.#last);
  }

  /** Sends a frame, and settles as it is answered. */
  ask(joinRef, topic, event, payload, ref = this.ref()) {
    return new Promise((resolve, reject) => {
      if (this.state !== "open") {
        reject(new Lost("not connected"));
        return;
      }
      this.#asked.set(ref, { resolve, reject });
      this.#line.send(JSON.stringify([joinRef, ref, topic, event, payload]));
    });
  }

  #receive(data) {
    this.#heardAt = Date.now();
    const frame = JSON.parse(data);
    const [, ref, , event, payload] = frame;
    const asked = event === "phx_reply" && this.#asked.get(ref);
    if (!asked) {
      this.#on.frame(frame);
      return;
    }
    this.#asked.delete(ref);
    if (payload.status === "ok") asked.resolve(payload.response);
    else asked.reject(new Refused(payload.response));
  }

  /**
   * A line can be dead without anybody having said so. While something comes it is not: the answer
   * may wait behind much else on a slow one.
   */
  async #beat(patienceMs) {
    const line = this.#line;
    this.#heardAt = Date.now();
    let timer;
    const look = () => {
      const left = this.#heardAt + patienceMs - Date.now();
      if (left > 0) timer = setTimeout(look, left);
      else this.#drop(line, true);
    };
    look();
    await this.ask(null, "phoenix", "heartbeat", {}).catch(() => {});
    clearTimeout(timer);
  }

  async #drop(line, wasOpen, code) {
    if (line !== this.#line) return;
    this.#forget();
    line.close();
    if (code === TAKEN_OVER) {
      this.#become("taken");
      return;
    }
    if (wasOpen && Date.now() - this.#openedAt >= STEADY_MS) this.#failures = 0;
    const turn = this.#turn;
    this.#become("waiting");
    const goesOn = wasOpen || (await this.#on.unopened());
    if (!goesOn || turn !== this.#turn) return;
    const wait = WAITS_MS[Math.min(this.#failures, WAITS_MS.length - 1)];
    this.#failures += 1;
    // Not all pages of a server that restarts at the same moment.
    this.#retry = setTimeout(() => this.open(), wait * (0.5 + Math.random()));
  }

  #forget() {
    clearInterval(this.#heart);
    this.#line = undefined;
    const asked = [...this.#asked.values()];
    this.#asked.clear();
    for (const { reject } of asked) reject(new Lost("the connection was lost"));
  }

  #become(state) {
    this.state = state;
    this.#on.state(state);
  }
}
