// How /inspect looks: on a phone, by day and by night, and to those who do not see it.

import { createRequire } from "node:module";
import { readFileSync } from "node:fs";
import { assert, eventually } from "../../clients/lib/wait.mjs";
import { looking, talker, until } from "./scene.mjs";

const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

export const spoils = {
  "a phone has room for what is inside": { file: "inspect.css", from: ".stream { min-width: 0;", to: ".stream { min-width: 40rem;" },
  "nothing is in the way of who looks inside otherwise": { file: "inspect.css", from: "--soft: #5f584c;", to: "--soft: #b5b0a5;" },
};

const VIEWS = ["rooms", "clients", "shards", "stream"];
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
    await eve.fitsInWidth();
    const sheet = await (await eve.page.$("#kinds .sheet")).boundingBox();
    assert.ok(sheet.x >= 0 && sheet.x + sheet.width <= 360, "the kinds are in sight");
    await eve.page.tap("#kinds summary");
    for (const view of VIEWS) {
      await eve.page.tap(`#views [data-show=${view}]`);
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
          await eve.page.click(`#rooms tbody button`);
          await eve.page.click(`#clients tbody button`);
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
