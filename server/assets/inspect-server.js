// Asks the server, with the key if there is one. Knows nothing of how things look.

import { inTab } from "./keeping.js";

const KEPT = "parlor.inspect.key";
/** How long an answer may take; an engine that is very busy is waited for by the server too. */
const ANSWER_MS = 30_000;
/** A stream says something every 15 seconds at least: one that does not is dead. */
const QUIET_MS = 40_000;

/** Why the server does not tell. */
export class Refused extends Error {
  constructor(status, { reason, detail }) {
    super(detail ?? `the server answers ${status}`);
    Object.assign(this, { status, reason });
  }

  /** Whether it is for want of the right key. */
  get isOfKey() {
    return this.status === 401 || this.status === 403;
  }
}

/** The token of the link that the server logs at its start, taken out of the address once it is read. */
function tokenOfLink() {
  const token = new URLSearchParams(location.hash.slice(1)).get("token");
  if (token) {
    history.replaceState(null, "", location.pathname + location.search);
    inTab.keep(KEPT, token);
  }
  return token;
}

let shown = tokenOfLink() ?? inTab.text(KEPT);

/** The key that is shown to the server, empty if there is none. */
export const key = {
  get: () => shown,
  set(text) {
    shown = text;
    inTab.keep(KEPT, text);
  },
};

async function request(path, params, signal) {
  const url = new URL(`inspect/${path}`, document.baseURI);
  for (const [name, value] of Object.entries(params)) {
    if (value) url.searchParams.set(name, value);
  }
  const headers = shown ? { authorization: `Bearer ${shown}` } : {};
  const response = await fetch(url, { headers, signal, cache: "no-store" });
  if (response.ok) return response;
  throw new Refused(response.status, await response.json().catch(() => ({})));
}

/** Fetches one list: `rooms`, `clients` or `engine`. */
export async function ask(what, params, signal) {
  const late = AbortSignal.timeout(ANSWER_MS);
  return (await request(what, params, AbortSignal.any([signal, late]))).json();
}

/**
 * What happens from here on, a list of `{event, data}` at a time: `message` is a line, `skipped`
 * tells how many were not sent, `end` that there will be no more.
 */
export async function* watch(params, signal) {
  const dead = new AbortController();
  let quiet;
  const hears = () => {
    clearTimeout(quiet);
    quiet = setTimeout(() => dead.abort(), QUIET_MS);
  };
  try {
    hears();
    const { body } = await request("stream", params, AbortSignal.any([signal, dead.signal]));
    const reader = body.pipeThrough(new TextDecoderStream()).getReader();
    let rest = "";
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      hears();
      const blocks = (rest + value).split("\n\n");
      rest = blocks.pop();
      const some = blocks.map(read).filter(({ data }) => data !== "");
      if (some.length > 0) yield some;
    }
  } finally {
    clearTimeout(quiet);
  }
}

function read(block) {
  const said = { event: "message", data: "" };
  for (const line of block.split("\n")) {
    if (line.startsWith("event: ")) said.event = line.slice(7);
    else if (line.startsWith("data: ")) said.data = line.slice(6);
  }
  return said;
}
