// Runs all cases in one browser, each with servers and windows of its own.
//
//     node run.mjs --server BINARY --chromium BINARY --shots DIRECTORY [--only TEXT] [--spoilt]
//
// With `PARLOR_ASSETS`, the page's files are those of that directory, so nothing has to be built.
//
// Prints `result CASE ok|failed` a case, and `failed: …` for each that is not as it has to be. With
// `--spoilt` each gets a page in which something is broken, and has to fail.

import { mkdirSync } from "node:fs";
import { parseArgs } from "node:util";
import { chromium } from "playwright-core";
import { suites } from "./suites.mjs";
import { World } from "./lib/world.mjs";

const { values } = parseArgs({
  options: {
    server: { type: "string" },
    chromium: { type: "string" },
    shots: { type: "string" },
    only: { type: "string", default: "" },
    spoilt: { type: "boolean", default: false },
  },
});

// What is spoilt does not come, however long one waits for it.
if (values.spoilt) process.env.PARLOR_PATIENCE_MS ??= "4000";

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
const browser = await chromium.launch({ executablePath: values.chromium, args });
console.log(`Chromium ${browser.version()}`);

let failures = 0;
for (const { suite, cases, spoils } of suites) {
  for (const [title, run] of Object.entries(cases)) {
    if (!`${suite} ${title}`.includes(values.only)) continue;
    const spoil = values.spoilt ? spoils[title] : undefined;
    if (values.spoilt && !spoil) continue;
    const world = new World({ browser, binary: values.server, shots: values.shots, spoil });
    const began = performance.now();
    let error;
    try {
      await run(world);
      world.check();
    } catch (thrown) {
      error = thrown;
    }
    await world.dispose();
    const ms = Math.round(performance.now() - began);
    const outcome = values.spoilt && error ? `noticed, as ${first(error)}` : error ? "failed" : "ok";
    console.log(`result ${suite}: ${title}: ${outcome} (${ms} ms)`);
    if (values.spoilt && !world.wasSpoilt) {
      failures += 1;
      console.log(`failed: ${suite}: ${title}: nothing was spoilt, ${spoil.file} has no ${spoil.from}`);
    } else if (values.spoilt && !error) {
      failures += 1;
      console.log(`failed: ${suite}: ${title}: it does not notice that ${spoil.file} is spoilt`);
    } else if (!values.spoilt && error) {
      failures += 1;
      console.log(`failed: ${suite}: ${title}: ${error.stack ?? error}`);
    }
  }
}
function first(error) {
  return String(error.message).split("\n")[0].slice(0, 160);
}

await browser.close();
process.exit(failures > 0 ? 1 : 0);
