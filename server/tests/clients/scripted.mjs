#!/usr/bin/env node
// A small stand-in for the server, so that items can be tried without one: it knows joins, leaves,
// messages, presence and heartbeats, and none of the rules that take more than a line.

import { parseArgs } from "node:util";
import { WebSocketServer } from "ws";

const { values } = parseArgs({ options: { listen: { type: "string" }, config: { type: "string" } } });
const [host, port] = values.listen.split(":");
const topics = new Map();
let refs = 0;

const server = new WebSocketServer({
  host,
  port: Number(port),
  handleProtocols: () => "phoenix",
  verifyClient: ({ req }, done) => done(/vsn=2\.0\.\d+(&|$)/.test(req.url), 403),
});
process.on("SIGTERM", () => {
  for (const socket of server.clients) socket.close(1012);
  setTimeout(() => process.exit(0), 50);
});

server.on("connection", (socket, request) => {
  const query = new URL(request.url, "http://x").searchParams;
  const me = { socket, user: query.get("user_id") ?? `guest-${Math.random()}`, joins: new Map() };
  const send = (...frame) => socket.send(JSON.stringify(frame));
  socket.on("message", (data, isBinary) => {
    if (isBinary) return bytes(me, new Uint8Array(data), send);
    let frame;
    try {
      frame = JSON.parse(data.toString());
    } catch {
      return socket.close(1007);
    }
    if (!Array.isArray(frame) || frame.length < 5) return socket.close(1008);
    return text(me, frame, send);
  });
  socket.on("close", () => [...me.joins.keys()].forEach((topic) => leave(me, topic)));
});

function text(me, [joinRef, ref, topic, event, payload], send) {
  const reply = (status, response, mark = joinRef) => send(mark, ref, topic, "phx_reply", { status, response });
  if (topic === "phoenix" && event === "heartbeat") return reply("ok", {}, null);
  if (topic === "phoenix") return reply("error", { reason: "unmatched topic" }, null);
  const members = topics.get(topic) ?? new Map();
  const current = me.joins.get(topic);
  if (event === "phx_join") {
    if (!current && me.joins.size >= 100) return reply("error", { reason: "too many channels joined" });
    topics.set(topic, members);
    if (current) leave(me, topic);
    const meta = { ...payload.meta, phx_ref: String((refs += 1)) };
    tell(topic, null, "presence_diff", { joins: { [me.user]: { metas: [meta] } }, leaves: {} });
    me.joins.set(topic, { joinRef });
    members.set(me, meta);
    reply("ok", { epoch: 1, offset: members.offset ?? 0, rejoined: false, recovered: false });
    if (current) send(current.joinRef, current.joinRef, topic, "phx_close", {});
    return send(joinRef, null, topic, "presence_state", state(members));
  }
  if (current && joinRef !== null && joinRef !== current.joinRef) return undefined;
  if (event === "phx_leave") {
    if (current) leave(me, topic);
    reply("ok", {});
    return current && send(current.joinRef, current.joinRef, topic, "phx_close", {});
  }
  if (!current) return reply("error", { reason: "unmatched topic" }, null);
  const mark = current.joinRef ?? null;
  if (event === "parlor:track") return track(me, topic, payload.meta, () => reply("ok", {}, mark));
  if (event === "parlor:untrack") {
    reply("ok", {}, mark);
    return untrack(me, topic);
  }
  if (event.startsWith("parlor:")) return reply("error", { reason: "event_not_allowed" }, mark);
  members.offset = (members.offset ?? 0) + 1;
  const position = { epoch: 1, offset: members.offset };
  reply("ok", position, mark);
  return tell(topic, null, event, payload, position);
}

function bytes(me, frame, send) {
  if (frame.length < 5 || frame[0] !== 0) return me.socket.close(1008);
  let at = 5;
  const fields = [...frame.slice(1, 5)].map((size) => Buffer.from(frame.slice(at, (at += size))).toString());
  const [joinRef, ref, topic, event] = fields;
  if (!me.joins.has(topic)) return undefined;
  send(joinRef, ref, topic, "phx_reply", { status: "ok", response: { epoch: 1, offset: 1 } });
  const head = [2, Buffer.byteLength(topic), Buffer.byteLength(event)];
  const out = Buffer.concat([Buffer.from(head), Buffer.from(topic), Buffer.from(event), frame.slice(at)]);
  for (const member of topics.get(topic).keys()) member.socket.send(out);
  return undefined;
}

function state(members) {
  const all = Object.create(null);
  for (const [{ user }, meta] of members) if (meta) (all[user] ??= { metas: [] }).metas.push(meta);
  return all;
}

function track(me, topic, meta, done) {
  const members = topics.get(topic);
  const old = members.get(me);
  done();
  const { phx_ref: _, phx_ref_prev: __, ...data } = old;
  if (JSON.stringify(data) === JSON.stringify(meta)) return;
  const now = { ...meta, phx_ref: String((refs += 1)), phx_ref_prev: old.phx_ref };
  members.set(me, now);
  tell(topic, null, "presence_diff", { joins: { [me.user]: { metas: [now] } }, leaves: { [me.user]: { metas: [old] } } });
}

function untrack(me, topic) {
  const members = topics.get(topic);
  const old = members.get(me);
  if (!old) return;
  members.set(me, undefined);
  tell(topic, null, "presence_diff", { joins: {}, leaves: { [me.user]: { metas: [old] } } });
}

function leave(me, topic) {
  const members = topics.get(topic);
  me.joins.delete(topic);
  const old = members.get(me);
  members.delete(me);
  if (old) tell(topic, null, "presence_diff", { joins: {}, leaves: { [me.user]: { metas: [old] } } });
}

function tell(topic, except, event, payload, position) {
  const frame = JSON.stringify([null, null, topic, event, payload, ...(position ? [position] : [])]);
  for (const member of topics.get(topic).keys()) if (member !== except) member.socket.send(frame);
}
