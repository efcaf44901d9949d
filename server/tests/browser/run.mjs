// Runs all cases, some at a time, each with servers and windows of its own. Whose turn it is has a
// browser to itself, as there is one clipboard in each.
//
//     node run.mjs --server BINARY --chromium BINARY --shots DIRECTORY [--only TEXT] [--jobs COUNT] [--spoilt]
//
// With `PARLOR_ASSETS`, the page's files are those of that directory, so nothing has to be built.
//
// Prints `result CASE ok|failed` a case, and `failed: …` for each that is not as it has to be. With
// `--spoilt` each gets a page in which something is broken, and has to fail.

import { mkdirSync } from "node:fs";
import { parseArgs } from "node:util";
import { chromium } from "playwright-core";
import { measure } from "./lib/measure.mjs";
import { World } from "./lib/world.mjs";
import { suites } from "./suites.mjs";

const { values } = parseArgs({
  options: {
    server: { type: "string" },
    chromium: { type: "string" },
    shots: { type: "string" },
    only: { type: "string", default: "" },
    // Who waits for what does not come leaves the machine to others, so there are more when spoilt.
    jobs: { type: "string" },
    spoilt: { type: "boolean", default: false },
  },
});

const args = [
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
  // A page whose files come from the test is not one of this machine's for the browser.
  ...(values.spoilt || process.env.PARLOR_ASSETS ? ["--disable-features=LocalNetworkAccessChecks"] : []),
];
mkdirSync(values.shots, { recursive: true });
const count = Number(values.jobs ?? (values.spoilt ? 3 : 2));
const browsers = await Promise.all(Array.from({ length: count }, () => chromium.launch({ executablePath: values.chromium, args })));
console.log(`Chromium ${browsers[0].version()}, ${count} cases at a time`);

let failures = 0;
const cases = suites.flatMap(({ suite, cases, spoils }) =>
  Object.entries(cases).map(([title, run]) => ({ name: `${suite}: ${title}`, run, spoil: values.spoilt ? spoils[title] : undefined })),
);
const wanted = cases.filter(({ name, spoil }) => name.includes(values.only) && (!values.spoilt || spoil));
const world = (browser, spoil) => new World({ browser, binary: values.server, shots: values.shots, spoil });

// What is spoilt does not come, however long one waits for it. What is not spoilt would have: in
// that time, all of a small case is done twice where as many go on at once.
if (values.spoilt && !process.env.PARLOR_PATIENCE_MS) {
  const took = await Promise.all(browsers.map((browser) => measure(world(browser))));
  process.env.PARLOR_PATIENCE_MS = String(Math.round(Math.min(Math.max(4_000, 2 * Math.max(...took)), 12_000)));
  console.log(`nothing is waited for longer than ${process.env.PARLOR_PATIENCE_MS} ms`);
}
// What has to come does, on the busiest machine.
process.env.PARLOR_PATIENCE_MS ??= "30000";

// The longest are at the end, where one would be alone with them.
await Promise.all(
  browsers.map(async (browser) => {
    for (let next = wanted.pop(); next; next = wanted.pop()) await one(next, world(browser, next.spoil));
    await browser.close();
  }),
);
process.exit(failures > 0 ? 1 : 0);

async function one({ name, run, spoil }, its) {
  const began = performance.now();
  let error;
  try {
    await run(its);
    its.check();
  } catch (thrown) {
    error = thrown;
  }
  await its.dispose();
  const ms = Math.round(performance.now() - began);
  const outcome = spoil && error ? `noticed, as ${first(error)}` : error ? "failed" : "ok";
  console.log(`result ${name}: ${outcome} (${ms} ms)`);
  if (spoil && !its.wasSpoilt) fails(`${name}: nothing was spoilt, ${spoil.file} has no ${spoil.from}`);
  else if (spoil && error && isAccident(error)) fails(`${name}: it was not looked at: ${first(error)}`);
  else if (spoil && !error) fails(`${name}: it does not notice that ${spoil.file} is spoilt`);
  else if (!spoil && error) fails(`${name}: ${error.stack ?? error}`);
}

function fails(what) {
  failures += 1;
  console.log(`failed: ${what}`);
}

/** Whether a case has ended for another reason than what it looks at. */
function isAccident({ message }) {
  return /has been closed|crashed|the server ended|the server answers/.test(message);
}

function first(error) {
  return String(error.message).split("\n")[0].slice(0, 160);
}
