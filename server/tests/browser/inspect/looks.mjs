// How /inspect looks: on a phone, by day and by night, and to those who do not see it.

import { createRequire } from "node:module";
import { readFileSync } from "node:fs";
import { assert, eventually } from "../../clients/lib/wait.mjs";
import { looking, talker, until } from "./scene.mjs";

const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

export const spoils = {
  "b: every list and the stream are in sight at common sizes": { file: "inspect.css", from: "tbody th { width: 100%; max-width: 0;", to: "tbody th { min-width: 24rem;" },
  "b: tables are sorted by their headings": { file: "inspect-table.js", from: "this.#items.toSorted((one, other) => sign * compare(valueOf(one), valueOf(other)))", to: "this.#items" },
  "b: charts show what happens": { file: "inspect.js", from: "  charts.add(counted);\n", to: "" },
  "a phone has room for what is inside": { file: "inspect.css", from: ".stream { grid-area: stream; min-width: 0;", to: ".stream { grid-area: stream; min-width: 40rem;" },
  "nothing is in the way of who looks inside otherwise": { file: "inspect.css", from: "--soft: #5f584c;", to: "--soft: #b5b0a5;" },
};

const VIEWS = ["rooms", "clients", "engine", "stream"];
const LONG = "room:a-topic-that-is-long-without-any-gaps-in-it-0123456789-0123456789";

async function busy(world, server) {
  const ann = await talker(world, server, "somebody-with-a-name-that-is-long-without-any-gaps");
  await ann.join(LONG);
  await ann.join("room:1");
  return ann;
}

async function examined({ page }) {
  await page.evaluate(axe);
  const found = await page.evaluate(async () => {
    const { violations } = await window.axe.run();
    return violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ html, failureSummary }) => `${html} ${failureSummary}`).join("; ")}`);
  });
  assert.deepEqual(found, []);
}

export const cases = {
  async "b: every list and the stream are in sight at common sizes"(world) {
    const toml = `[[rooms]]\npattern = "room:*"\nmax_members = 10_000\nevents = [{name = "*", history = 100}]`;
    const server = await world.server({ toml });
    const ann = await busy(world, server);
    const bob = await talker(world, server, "bob", "a-session-of-its-own");
    for (const topic of [LONG, "room:1"]) await bob.join(topic);
    await bob.page.close();
    for (const topic of [LONG, "room:1"]) for (let times = 0; times < 12; times += 1) await ann.say(topic, "x".repeat(900));
    for (const [width, height] of [[1280, 800], [1440, 900], [390, 844]]) {
      const eve = await looking(world, server, { viewport: { width, height } });
      await eventually("rooms are listed", async () => /1\d · 1\d\.\d KiB/.test(await eve.page.textContent("#rooms tbody")));
      await ann.say("room:1", "seen");
      await until(eve, "broadcast_message", "seen");
      await eventually("somebody is away", async () => /2 of 10,000, 1 away/.test(await eve.page.textContent("#rooms tbody")));
      for (const view of VIEWS.filter((name) => name !== "stream" || width < 900)) {
        await eve.page.click(`#views [data-show=${view}]`);
        assert.equal(await eve.page.getAttribute(`#views [data-show=${view}]`, "aria-pressed"), "true");
        await eve.fitsInWidth();
        const cut = await eve.page.$$eval(".scroll, #log, #charts figure", (all) =>
          all
            .filter((box) => box.checkVisibility())
            .filter((box) => {
              const { left, right, bottom } = box.getBoundingClientRect();
              return left < 0 || right > innerWidth || bottom > innerHeight + 1 || box.scrollWidth > box.clientWidth + 1;
            })
            .map(({ textContent, scrollWidth, clientWidth }) => `${textContent.slice(0, 80)}: ${scrollWidth} in ${clientWidth}`),
        );
        assert.deepEqual(cut, [], `nothing is cut off in ${view} at ${width}x${height}`);
        await eve.page.screenshot({ path: world.shot(`inspect-${view}-${width}.png`) });
      }
      if (width < 900) continue;
      for (const heading of ["#stream-title", ".columns"]) assert.ok(await eve.page.isVisible(heading), `${heading} is over the stream`);
      const lefts = await eve.page.$$eval(".columns, .line:last-of-type > summary", (all) => all.map((row) => [...row.children].map((cell) => Math.round(cell.getBoundingClientRect().left))));
      assert.deepEqual(lefts[0], lefts[1], "headings stand over their columns");
    }
  },

  async "b: tables are sorted by their headings"(world) {
    const server = await world.server();
    const ann = await talker(world, server, "ann");
    const bob = await talker(world, server, "bob");
    for (const room of ["room:10", "room:9", "attic"]) await ann.join(room);
    await bob.join("room:9");
    for (const text of ["one", "two"]) await ann.say("attic", text);
    const eve = await looking(world, server);
    const topics = () => eve.page.$$eval("#rooms tbody bdi", (all) => all.map(({ textContent }) => textContent));
    const sorted = () => eve.page.$$eval("#rooms th[data-sort]", (all) => all.map((heading) => heading.getAttribute("aria-sort")));
    const are = (expected) => eventually(`topics are ${expected}`, async () => String(await topics()) === String(expected) || Promise.reject(new Error(String(await topics()))));
    await are(["room:9", "attic", "room:10"]);
    assert.deepEqual(await sorted(), ["none", "descending", "none", "none"]);
    await eve.page.click("#rooms [data-sort=sent] button");
    await are(["attic", "room:9", "room:10"]);
    assert.deepEqual(await sorted(), ["none", "none", "descending", "none"]);
    // By the keyboard, with numbers in names in their order, and the other way round.
    await eve.page.focus("#rooms [data-sort=topic] button");
    await eve.page.keyboard.press("Enter");
    await are(["attic", "room:9", "room:10"]);
    await eve.page.keyboard.press("Space");
    await are(["room:10", "room:9", "attic"]);
    assert.deepEqual(await sorted(), ["descending", "none", "none", "none"]);
    await eve.reads("#state", "live");
    // A row that moves keeps the focus.
    await eve.page.click("#rooms [data-sort=sent] button");
    await are(["attic", "room:9", "room:10"]);
    await eve.page.focus(`#rooms tbody tr:last-child button`);
    for (const text of ["one", "two", "three"]) await ann.say("room:10", text);
    await are(["room:10", "attic", "room:9"]);
    assert.equal(await eve.page.evaluate(() => document.activeElement.title), "room:10");
    await eve.page.click("#views [data-show=clients]");
    await eve.page.click("#clients [data-sort=user] button");
    await eve.page.click("#clients [data-sort=user] button");
    await eventually("clients too", async () => /bob.*ann/s.test(await eve.page.textContent("#clients tbody")));
    await eve.page.click("#views [data-show=engine]");
    await eve.page.click("#engine [data-sort=events] button");
    assert.equal(await eve.page.getAttribute("#engine [data-sort=events]", "aria-sort"), "descending");
  },

  async "b: charts show what happens"(world) {
    const server = await world.server();
    const ann = await talker(world, server, "ann");
    const eve = await looking(world, server);
    const chart = async (name) => ({
      value: await eve.page.textContent(`[data-chart=${name}] b`),
      label: await eve.page.getAttribute(`[data-chart=${name}] svg`, "aria-label"),
      line: await eve.page.getAttribute(`[data-chart=${name}] .line`, "d"),
    });
    await eventually("ann is counted", async () => (await chart("connections")).value === "1");
    assert.equal((await chart("queued")).value, "0 B");
    const bob = await talker(world, server, "bob");
    for (const who of [ann, bob]) await who.join("room:1");
    await eventually("both are counted", async () => (await chart("connections")).value === "2");
    await eventually("it is in words too", async () => /^Connections: 2, from 1 to 2 in the last five minutes$/.test((await chart("connections")).label));
    for (const name of ["events", "deliveries"]) {
      await eventually(`${name} are counted`, async () => {
        await ann.say("room:1", "hello");
        return Number((await chart(name)).value) > 0;
      });
    }
    const { line } = await chart("deliveries");
    assert.match(line, /^M[\d.]+ [\d.]+(L[\d.]+ [\d.]+)+$/, "and drawn");
  },

  async "a phone has room for what is inside"(world) {
    const server = await world.server();
    const ann = await busy(world, server);
    const eve = await looking(world, server, { viewport: { width: 360, height: 740 }, isMobile: true, hasTouch: true });
    for (const topic of [LONG, "room:1"]) await ann.say(topic, "x".repeat(500));
    await until(eve, "broadcast_message", "xxx");
    await eve.fitsInWidth();
    await eve.page.locator("#log summary").last().tap();
    await eventually("it is open", () => eve.page.isVisible("#log pre"));
    await eve.fitsInWidth();
    await eve.page.tap("#kinds summary");
    // A tap is a click a moment later.
    await eve.page.waitForSelector("#kinds .sheet");
    await eve.fitsInWidth();
    const sheet = await (await eve.page.$("#kinds .sheet")).boundingBox();
    assert.ok(sheet.x >= 0 && sheet.x + sheet.width <= 360, "the kinds are in sight");
    await eve.page.tap("#kinds summary");
    for (const view of VIEWS) {
      await eve.page.tap(`#views [data-show=${view}]`);
      await eve.page.waitForSelector(`#views [data-show=${view}][aria-pressed=true]`);
      for (const other of VIEWS) assert.equal(await eve.page.isVisible(`#${other}`), other === view, `${other} at ${view}`);
      await eve.fitsInWidth();
      const small = await eve.page.$$eval("button, select, summary, input:not([type=checkbox])", (all) =>
        all.filter((one) => one.checkVisibility() && one.getBoundingClientRect().height < 24).map(({ outerHTML }) => outerHTML),
      );
      assert.deepEqual(small, [], "fingers can hit it");
    }
    // With little height all of it can still be reached.
    await eve.page.setViewportSize({ width: 640, height: 320 });
    await eve.fitsInWidth();
    const log = await (await eve.page.$("#log")).boundingBox();
    assert.ok(log.height >= 200, `the stream is ${log.height} high`);
  },

  async "nothing is in the way of who looks inside otherwise"(world) {
    const server = await world.server();
    const ann = await busy(world, server);
    for (const colorScheme of ["light", "dark"]) {
      for (const [name, viewport] of [["desktop", { width: 1280, height: 800 }], ["phone", { width: 390, height: 844 }]]) {
        const eve = await looking(world, server, { colorScheme, viewport });
        for (const number of [1, 2, 3, 4]) await ann.say(number % 2 ? LONG : "room:1", `${name} ${colorScheme} ${number}`);
        await ann.tell("room:nowhere", "message", {});
        await until(eve, "broadcast_message", `${colorScheme} 4`);
        await until(eve, "reply to broadcast", "unknown_topic");
        await examined(eve);
        await eve.page.screenshot({ path: world.shot(`inspect-${name}-${colorScheme}.png`) });
        await eve.page.locator("#log .out summary").nth(1).click();
        await eve.page.click("#kinds summary");
        await examined(eve);
        await eve.page.keyboard.press("Escape");
        await eve.page.click("#pause");
        await eve.reads("#state", "paused");
        if (name === "phone") {
          for (const view of VIEWS) {
            await eve.page.click(`#views [data-show=${view}]`);
            await examined(eve);
          }
        } else {
          for (const view of ["rooms", "clients"]) {
            await eve.page.click(`#views [data-show=${view}]`);
            await eve.page.click(`#${view} tbody button`);
            await examined(eve);
          }
          await eve.page.click("#views [data-show=engine]");
          await examined(eve);
        }
        const refused = await world.window(server, { path: "/inspect", colorScheme, viewport, extraHTTPHeaders: { via: "a proxy" } });
        await refused.reads("#state", "not allowed");
        await examined(refused);
        await refused.page.screenshot({ path: world.shot(`inspect-refused-${name}-${colorScheme}.png`) });
      }
    }
  },
};
