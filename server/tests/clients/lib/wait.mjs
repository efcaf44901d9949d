// Waiting for what has to come, and saying what did not.

import assert from "node:assert/strict";

export { assert };

/** How long a thing that has to happen may take. Generous: machines that test are busy. */
const patienceMs = () => Number(process.env.PARLOR_PATIENCE_MS ?? 10_000);

export const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

/** The first truthy value of `probe`, which may throw until it is ready. */
export async function eventually(what, probe, ms = patienceMs()) {
  const began = performance.now();
  const end = began + ms;
  let last;
  for (;;) {
    try {
      const value = await probe();
      if (value) return value;
      last = value;
    } catch (error) {
      last = error.message;
    }
    if (performance.now() > end) {
      throw new Error(`expected within ${ms} ms: ${what}; got ${shown(last)}`);
    }
    // What takes long is asked less often, so that the asking does not make it longer.
    await sleep(performance.now() - began < 1_000 ? 4 : 40);
  }
}

/** Settles as `promise` does, or fails when it takes too long. */
export async function within(what, promise, ms = patienceMs()) {
  let timer;
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error(`expected within ${ms} ms: ${what}`)), ms);
  });
  return Promise.race([promise, late]).finally(() => clearTimeout(timer));
}

function shown(value) {
  const text = typeof value === "string" ? value : JSON.stringify(value);
  return text === undefined ? "undefined" : text.slice(0, 400);
}
