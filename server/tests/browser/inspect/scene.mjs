// Somebody who looks inside, and those who are looked at.

import { assert, eventually } from "../../clients/lib/wait.mjs";

/** The path of the link to /inspect that a server logs at its start, with the token in it. */
export async function linkOf(at) {
  const path = () => (at.server ?? at).output.match(/inspect: http:\/\/[^/\s]+(\/inspect(?:#token=[\w-]+)?)/)?.[1];
  return eventually("the link is logged", path);
}

/** A window at /inspect that shows what happens. */
export async function looking(world, at, options = {}) {
  const window = await world.window(at, { path: await linkOf(at), ...options });
  await window.reads("#state", "live");
  return window;
}

/** Somebody who speaks the protocol itself, from a page without a script of its own. */
export async function talker(world, at, user, session = "") {
  const { page } = await world.window(at, { path: "/healthz" });
  await page.evaluate(
    ([user_id, own]) =>
      new Promise((resolve, reject) => {
        const query = new URLSearchParams({ vsn: "2.0.0", user_id, ...(own && { session: own }) });
        const socket = new WebSocket(`ws://${location.host}/socket/websocket?${query}`);
        const waiting = new Map();
        let last = 0;
        window.tell = (topic, event, payload) =>
          new Promise((done) => {
            last += 1;
            waiting.set(String(last), done);
            socket.send(JSON.stringify([event === "phx_join" ? String(last) : null, String(last), topic, event, payload]));
          });
        socket.onmessage = ({ data }) => {
          const [, ref, , event, said] = JSON.parse(data);
          if (event === "phx_reply") waiting.get(ref)?.(said.status);
        };
        socket.onopen = resolve;
        socket.onerror = () => reject(new Error("no connection"));
      }),
    [user, session],
  );
  const tell = (topic, event, payload) => page.evaluate((said) => window.tell(...said), [topic, event, payload]);
  return {
    page,
    tell,
    join: async (topic, meta = {}) => assert.equal(await tell(topic, "phx_join", { meta }), "ok"),
    say: async (topic, text) => assert.equal(await tell(topic, "message", { text }), "ok"),
  };
}

/** The lines that are shown: way, kind and topic. */
export function lines({ page }) {
  return page.$$eval("#log .line > summary", (all) =>
    all.map((line) => [".way", ".kind", ".topic"].map((part) => line.querySelector(part).textContent).join(" ").trim()),
  );
}

/** What the lines of a kind say. */
export function said({ page }, kind) {
  return page.$$eval(
    "#log .line > summary",
    (all, wanted) =>
      all.filter((line) => line.querySelector(".kind").textContent === wanted).map((line) => line.querySelector(".says").textContent),
    kind,
  );
}

/** Waits until the last line of a kind says that. */
export async function until(window, kind, text) {
  await eventually(`a ${kind} that says ${text}`, async () => {
    const last = (await said(window, kind)).at(-1);
    return last?.includes(text) || Promise.reject(new Error(last ?? "there is none"));
  });
}
