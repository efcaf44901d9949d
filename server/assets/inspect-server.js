// Asks the server, with the key if there is one. Knows nothing of how things look.

const KEPT = "parlor.inspect.key";

/** Why the server does not tell. */
export class Refused extends Error {
  constructor(status, detail) {
    super(detail);
    this.status = status;
  }
}

export const key = {
  get: () => sessionStorage.getItem(KEPT),
  set: (text) => sessionStorage.setItem(KEPT, text),
  forget: () => sessionStorage.removeItem(KEPT),
};

async function request(path, params, signal) {
  const url = new URL(`inspect/${path}`, document.baseURI);
  for (const [name, value] of Object.entries(params)) {
    if (value !== "" && value !== null) url.searchParams.set(name, value);
  }
  const shown = key.get();
  const headers = shown === null ? {} : { authorization: `Bearer ${shown}` };
  const response = await fetch(url, { headers, signal, cache: "no-store" });
  if (response.ok) return response;
  const problem = await response.json().catch(() => ({}));
  throw new Refused(response.status, problem.detail ?? `the server answers ${response.status}`);
}

/** What there is of something: `rooms`, `clients` or `shards`. */
export async function ask(what, params, signal) {
  return (await request(what, params, signal)).json();
}

/**
 * What happens from here on, a list of `{event, data}` at a time: `message` is a line, `skipped`
 * tells how many were not sent, `end` that there will be no more.
 */
export async function* watch(params, signal) {
  const { body } = await request("stream", params, signal);
  const reader = body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = "";
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return;
    const blocks = (rest + value).split("\n\n");
    rest = blocks.pop();
    const some = blocks.map(read).filter(({ data }) => data !== "");
    if (some.length > 0) yield some;
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
