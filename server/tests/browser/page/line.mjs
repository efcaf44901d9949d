// The line is lost, and nobody notices afterwards, unless something is missing: then it is said.

import { assert, eventually, sleep } from "../../clients/lib/wait.mjs";

export const spoils = {
  "b: a tab that was closed is gone within seconds, and stays while it reloads": { file: "page.js", from: "rooms.show({ closed: true, typing: 0 });", to: "" },
  "a9: away stays away when the line comes back": { file: "room.js", from: "if (joined.rejoined || meta !== this.meta) this.#track();", to: "this.show({ away: false });" },
  "a page that is loaded anew does not flap": { file: "server.js", from: "session = inTab.text(SESSION)", to: "session" },
  "two seconds without a line lose nothing": { file: "outbox.js", from: "if (sent) this.discard(sent);", to: "" },
  "what was not answered outlives a page that is loaded anew": { file: "outbox.js", from: "inTab.value(place, [])", to: "[]" },
  "a line that is dead without a word is noticed": { file: "socket.js", from: `this.#beat(ANSWER_MS / 2)`, to: `undefined` },
  "what is missing is said to be": { file: "messages.js", from: "const between = gap ?", to: "const between = gap && false ?" },
  "a tab that was duplicated takes over, and both can be there": { file: "socket.js", from: "const TAKEN_OVER = 4000", to: "const TAKEN_OVER = 4999" },
};

export const cases = {
  async "b: a tab that was closed is gone within seconds, and stays while it reloads"(world) {
    const server = await world.server({ flags: ["--grace-ms", "600000"] });
    const context = await world.browser();
    await context.clock.install();
    const ann = await world.guest(server, "ann", "lobby", { context });
    const bob = await world.guest(server, "bob");
    const eve = await world.guest(server, "eve");
    const all = [["ann (you)", ""], ["bob", ""], ["eve", ""]];
    await ann.sees(all);
    const closed = (who) => ann.frames.some(([, , , event, payload]) => event === "presence_diff" && payload.joins[who]?.metas.some((meta) => meta.closed));
    // As with the other ways to leave a page, nobody knows at first whether it comes back.
    await bob.page.reload();
    await bob.is("Connected");
    await eventually("it was said to be closed", () => closed("bob"));
    await ann.page.clock.fastForward(10_000);
    await ann.sees(all);
    await bob.page.close();
    await eve.page.goto("about:blank");
    for (const who of ["bob", "eve"]) await eventually(`${who} was said to be closed`, () => closed(who));
    await ann.isSettled();
    await ann.sees(all);
    await ann.page.clock.fastForward(5_000);
    await ann.sees([["ann (you)", ""]]);
    await ann.reads("#people-title", "Here · 1");
    // Whoever comes later does not see them either, and who comes back is there again.
    const gil = await world.guest(server, "gil");
    await gil.sees([["ann", ""], ["gil (you)", ""]]);
    await eve.page.goBack();
    await eve.is("Connected");
    for (const [window, me] of [[ann, "ann"], [gil, "gil"]]) {
      await window.sees(["ann", "eve", "gil"].map((user) => [user === me ? `${user} (you)` : user, ""]));
    }
  },

  async "a9: away stays away when the line comes back"(world) {
    const server = await world.server();
    const line = await world.line(server);
    const bob = await world.guest(server, "bob");
    const ann = await world.guest(line, "ann");
    await bob.sees([["ann", ""], ["bob (you)", ""]]);
    await ann.look("hidden");
    await bob.sees([["bob (you)", ""], ["ann", "away"]]);
    line.cut();
    await ann.is("Reconnecting…");
    const frames = bob.frames.length;
    line.mend();
    await ann.is("Connected");
    await ann.say("back");
    await bob.has(["back"]);
    const isBack = ({ joins }) => joins.ann?.metas.some(({ away }) => !away);
    assert.ok(!bob.frames.slice(frames).some(([, , , event, payload]) => event === "presence_diff" && isBack(payload)), "nobody has seen it change");
    await bob.sees([["bob (you)", ""], ["ann", "away"]]);
    // What has changed meanwhile holds, also if it is what the page once joined with.
    line.cut();
    await ann.is("Reconnecting…");
    await ann.look("visible");
    line.mend();
    await ann.is("Connected");
    await bob.sees([["ann", ""], ["bob (you)", ""]]);
    await ann.page.reload();
    await ann.is("Connected");
    await ann.look("hidden");
    await bob.sees([["bob (you)", ""], ["ann", "away"]]);
    await ann.page.reload();
    await ann.is("Connected");
    await bob.sees([["ann", ""], ["bob (you)", ""]]);
  },

  async "a page that is loaded anew does not flap"(world) {
    const server = await world.server();
    const ann = await world.guest(server, "ann");
    const bob = await world.guest(server, "bob");
    await bob.say("before");
    await ann.has(["before"]);
    await ann.sees([["ann (you)", ""], ["bob", ""]]);
    const diffs = ann.diffs;
    await ann.page.evaluate(() => {
      window.changes = [];
      new MutationObserver((all) => window.changes.push(...all.map(({ type }) => type))).observe(document.getElementById("people-list"), {
        childList: true,
        subtree: true,
        characterData: true,
        attributes: true,
      });
    });
    await bob.page.reload();
    await bob.is("Connected");
    await bob.has(["before"]);
    // What was said of it would have come before this.
    await bob.page.press("#text", "a");
    await ann.sees([["ann (you)", ""], ["bob", "typing…"]]);
    const seen = ann.frames.filter(([, , , event]) => event === "presence_diff").slice(diffs).map(([, , , , diff]) => diff);
    assert.equal(seen.length, 3, "it was closed, came back, and types");
    for (const { joins, leaves } of seen) assert.ok(joins.bob.metas[0].phx_ref_prev === leaves.bob.metas[0].phx_ref, "and each takes the place of what was");
    const changes = await ann.page.evaluate(() => window.changes);
    const added = await ann.page.$$eval("#people-list li", (all) => all.length);
    assert.equal(added, 2);
    assert.ok(changes.length <= 2, `the list has changed for the typing alone, got ${changes}`);
  },

  async "two seconds without a line lose nothing"(world) {
    const server = await world.server();
    const line = await world.line(server);
    const ann = await world.guest(server, "ann");
    const bob = await world.guest(line, "bob");
    await ann.say("one");
    await bob.has(["one"]);
    const diffs = ann.diffs;

    // This arrives, but nobody hears that it has.
    line.hush();
    await bob.say("in flight");
    await ann.has(["one", "in flight"]);
    line.cut();
    const cutAt = performance.now();
    await bob.is("Reconnecting…");
    const missed = Array.from({ length: 20 }, (_, at) => `missed ${at}`);
    for (const text of missed) await ann.say(text);
    const queued = ["queued 1", "queued 2", "queued 3"];
    for (const text of queued) await bob.say(text);
    await eventually("they wait", async () => (await bob.unsent()).length === 4);
    assert.ok((await bob.unsent()).slice(1).every(([, said]) => said === "Waiting to be sent"));
    await ann.has(["one", "in flight", ...missed]);
    await sleep(Math.max(0, 2_000 - (performance.now() - cutAt)));
    line.mend();

    await bob.is("Connected");
    const all = ["one", "in flight", ...missed, ...queued];
    await bob.has(all);
    await ann.has(all);
    assert.deepEqual(await bob.unsent(), []);
    assert.equal(await bob.page.$("#messages .gap"), null);
    const gone = ann.frames.filter(([, , , event, payload]) => event === "presence_diff" && payload.leaves.bob && !payload.joins.bob);
    assert.deepEqual(gone, [], "nobody has seen bob go");
    assert.ok(ann.diffs >= diffs);
  },

  async "what was not answered outlives a page that is loaded anew"(world) {
    const server = await world.server();
    const line = await world.line(server);
    const ann = await world.guest(server, "ann");
    const bob = await world.guest(line, "bob");
    line.hush();
    await bob.say("arrived");
    await ann.has(["arrived"]);
    await bob.page.reload();
    await bob.is("Connected");
    for (const window of [ann, bob]) await window.has(["arrived"]);
    line.gag();
    await bob.say("on its way");
    await eventually("it is on its way", async () => (await bob.unsent()).length === 1);
    await bob.page.reload();
    await bob.is("Connected");
    for (const window of [ann, bob]) await window.has(["arrived", "on its way"]);
    assert.deepEqual(await bob.unsent(), []);
  },

  async "a line that is dead without a word is noticed"(world) {
    const server = await world.server();
    const line = await world.line(server);
    const ann = await world.guest(server, "ann");
    const bob = await world.guest(line, "bob");
    line.hush();
    await ann.say("can you hear me?");
    await ann.has(["can you hear me?"]);
    assert.deepEqual(await bob.texts(), []);
    await bob.page.evaluate(() => window.dispatchEvent(new Event("online")));
    await bob.has(["can you hear me?"]);
    await bob.is("Connected");
  },

  async "what is missing is said to be"(world) {
    const toml = `[default_room]\nevents = [{name = "message", history = 3}]`;
    const server = await world.server({ toml });
    const line = await world.line(server);
    const ann = await world.guest(server, "ann");
    const bob = await world.guest(line, "bob");
    await ann.say("before");
    await bob.has(["before"]);
    line.cut();
    await bob.is("Reconnecting…");
    for (let number = 1; number <= 9; number += 1) await ann.say(`said ${number}`);
    await eventually("all was said", async () => (await ann.texts()).length === 10);
    line.mend();
    await bob.has(["before", "said 7", "said 8", "said 9"]);
    // That is known when a page of history has been read.
    await bob.reads("#messages .gap", "Some messages are missing here.");
    const rows = await bob.page.$$eval("#messages > li:not(.day)", (all) => all.map(({ className }) => className.split(" ")[0]));
    assert.deepEqual(rows, ["message", "gap", "message", "message", "message"]);

    // What is not kept does not matter to who has missed nothing of what is.
    line.cut();
    await bob.is("Reconnecting…");
    await ann.page.evaluate(shout, server.port);
    await ann.say("after");
    line.mend();
    await bob.has(["before", "said 7", "said 8", "said 9", "after"]);
    assert.equal((await bob.page.$$("#messages .gap")).length, 1);

    // A server that was started anew knows nothing of before.
    await server.stop();
    await bob.is("Reconnecting…");
    await server.again();
    for (const window of [ann, bob]) await window.is("Connected");
    await ann.say("a new day");
    await bob.has(["before", "said 7", "said 8", "said 9", "after", "a new day"]);
    assert.equal((await bob.page.$$("#messages .gap")).length, 2);
  },

  async "a tab that was duplicated takes over, and both can be there"(world) {
    const server = await world.server();
    const context = await world.browser();
    const first = await world.guest(server, "ann", "lobby", { context });
    const session = await first.page.evaluate(() => sessionStorage.getItem("parlor.session"));
    await context.addInitScript((text) => {
      if (!sessionStorage.getItem("parlor.session")) sessionStorage.setItem("parlor.session", text);
    }, session);
    const second = await world.window(server, { context, path: "/#lobby" });
    await second.is("Connected");
    await first.is("Taken over");
    const trouble = await first.page.textContent("#trouble-text");
    assert.match(trouble, /Another tab/);
    await second.sees([["ann (you)", ""]]);
    await first.page.click("#trouble button");
    await first.is("Connected");
    for (const window of [first, second]) await window.sees([["ann (you)", "2 devices"]]);
    await second.is("Connected");
    await first.say("both of us");
    await second.has(["both of us"]);
  },
};

/** Says something in the room that nothing is kept of. */
function shout(port) {
  return new Promise((resolve) => {
    const socket = new WebSocket(`ws://127.0.0.1:${port}/socket/websocket?vsn=2.0.0&user_id=eve`);
    const send = (frame) => socket.send(JSON.stringify(frame));
    socket.onopen = () => send(["1", "1", "lobby", "phx_join", {}]);
    socket.onmessage = ({ data }) => {
      const [, ref, , event] = JSON.parse(data);
      if (event === "phx_reply" && ref === "1") send(["1", "2", "lobby", "shout", {}]);
      if (event === "phx_reply" && ref === "2") resolve(socket.close());
    };
  });
}
