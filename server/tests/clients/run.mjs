// Runs the items, and says how each went: one line per item and version, then a table.
//
//     node run.mjs --server BINARY --conformance BINARY [--only C1,R1] [--versions 1.8.16] [--spoilt]
//
// With --spoilt, each item that can be spoilt is, and has to fail: a test that can't fail is none.
// Nothing is waited for long then, as nothing comes.

import { parseArgs } from "node:util";
import { pool, run } from "./lib/items.mjs";
import { LATEST, VERSIONS } from "./lib/phoenix.mjs";
import { Server } from "./lib/server.mjs";
import { endings } from "./lib/tap.mjs";
import { PHOENIX } from "./phoenix/all.mjs";
import { CONFIGS } from "./configs.mjs";
import { DIALOGUE } from "./dialogue/all.mjs";
import { putAway } from "./dialogue/scene.mjs";
import { pacing } from "./pacing.mjs";
import { recovering } from "./recovery.mjs";

const { values: given } = parseArgs({
  options: {
    server: { type: "string" },
    conformance: { type: "string" },
    only: { type: "string" },
    versions: { type: "string" },
    jobs: { type: "string", default: "4" },
    spoilt: { type: "boolean", default: false },
  },
});

if (given.spoilt) process.env.PARLOR_PATIENCE_MS ??= "3000";
const only = given.only?.split(",");
const versions = given.versions?.split(",") ?? VERSIONS;
const isWanted = ({ name }) => only === undefined || only.includes(name);
const isMeant = (it) => isWanted(it) && (!given.spoilt || it.spoil !== undefined);

const shared = await Server.start(given.server, CONFIGS.shared);
const servers = { shared, binary: given.server, conformance: given.conformance };

const phoenix = [...PHOENIX, ...recovering].filter(isMeant);
const jobs = phoenix.flatMap((it) => versions.map((version) => ({ it, version })));
// They take as long as the line does, and the client's version makes no difference to that.
if (versions.includes(LATEST)) jobs.push(...pacing.filter(isMeant).map((it) => ({ it, version: LATEST })));
jobs.push(...DIALOGUE.filter(isMeant).map((it) => ({ it, version: "socket.io" })));

// Those that measure or use many connections have the machine to themselves, at the end.
const one = ({ it, version }) => async () => {
  const { state, note } = await run(it, version, servers, given.spoilt ? it.spoil : undefined);
  const outcome = given.spoilt ? judged(state) : { state, note };
  console.log(`result ${version} ${it.name} ${outcome.state} ${outcome.note ?? note}`.trimEnd());
  return { it, version, state: outcome.state, note: outcome.note ?? note };
};
const results = await pool(jobs.filter(({ it }) => !it.serial).map(one), Number(given.jobs));
results.push(...(await pool(jobs.filter(({ it }) => it.serial).map(one), 1)));
await shared.dispose();
await putAway();

const normal = endings.filter(({ code, byClient }) => code === 1000 && !byClient);
if (normal.length > 0) {
  const it = { name: "C15-all", says: "no server has closed with 1000 in the whole run" };
  results.push({ it, version: "any", state: "FAILED", note: JSON.stringify(normal[0]) });
}

table(results);
const failed = results.filter(({ state }) => state === "FAILED");
for (const { it, version, note } of failed) console.log(`failed: ${it.name} (${it.says}) on ${version}: ${note}`);
const count = (state) => results.filter((result) => result.state === state).length;
console.log(`summary: ${["ok", "differs", "n/a", "FAILED"].map((state) => `${count(state)} ${state}`).join(", ")}`);
if (results.length === 0) console.log("summary: nothing was run");
process.exit(failed.length === 0 && results.length > 0 ? 0 : 1);

/** Spoilt, an item has to fail. */
function judged(state) {
  return state === "FAILED" ? { state: "ok", note: "fails when spoilt" } : { state: "FAILED", note: `${state} although it was spoilt` };
}

function table(results) {
  const columns = [...new Set(results.map(({ version }) => version))];
  console.log(`\n| item | ${columns.join(" | ")} | |\n| --- | ${columns.map(() => "---").join(" | ")} | --- |`);
  for (const it of new Set(results.map((result) => result.it))) {
    const row = columns.map((version) => results.find((result) => result.it === it && result.version === version));
    const told = row.filter((result) => result?.note);
    const notes = [...new Set(told.map(({ note }) => note))].map((note) => {
      const whose = told.filter((result) => result.note === note).map(({ version }) => version);
      return whose.length === columns.length || columns.length === 1 ? note : `${whose.join(", ")}: ${note}`;
    });
    console.log(`| ${it.name} ${it.says} | ${row.map((result) => result?.state ?? "").join(" | ")} | ${notes.join("; ")} |`);
  }
  console.log("");
}
