// What a page adds to the npm client `phoenix` to miss nothing while its connection is lost.
//
//     import { Serializer, Socket } from "phoenix";
//     const page = recovery(Serializer);
//     const socket = new Socket("/socket", { params: page.socketParams, decode: page.decode });
//     socket.connect();
//     const room = socket.channel("room:1", page.params("room:1"));
//     page.join(room, async (gap) => {
//       for await (const message of missed(room, gap)) showEarlier(message);
//     });

/** What was missed in other rooms may come before the answer to a join, and a line can be slow. */
const PATIENCE_MS = 120_000;

/**
 * Keeps the position of the last message of each topic, so that a rejoin gets what came after it,
 * once and in order.
 *
 * `socketParams` are for the socket, beside others of the page. The session says that a new connection
 * is the same page as the old one: each page draws its own, and no two may share one. With `positions`,
 * the server puts the position of a message behind its payload, where the client does not look; that
 * of a binary message comes right before it, as an event of its own.
 *
 * A position is opaque: it is kept and given back as it came. Only `epoch` and `offset` are compared.
 */
export function recovery(Serializer, session = crypto.randomUUID()) {
  const socketParams = { session, positions: "on" };
  // By topic: up to where nothing is missing or a gap was told, the last message that was shown, the
  // position of the binary message that comes next, and the gap that the next message ends.
  const [heard, shown, coming, open] = [{}, {}, {}, {}];

  const decode = (raw, done) =>
    Serializer.decode(raw, (message) => {
      const { topic, event, payload, join_ref: joinRef } = message;
      const isBroadcast = joinRef === null;
      const position = isBroadcast && (typeof raw === "string" ? JSON.parse(raw)[5] : take(coming, topic));
      if (position) {
        // It was on its way to an earlier join of the topic, and is sent again to this one.
        if (covers(shown[topic], position)) return;
        shown[topic] = position;
        if (!covers(heard[topic], position)) heard[topic] = position;
        const gap = take(open, topic);
        if (gap) gap.resumed = position;
      }
      if (event === "parlor:position") coming[topic] = payload;
      done(message);
    });

  const params = (topic, more = {}) => () => ({ ...more, since: heard[topic] });

  const join = (channel, onGap) =>
    channel.join(PATIENCE_MS).receive("ok", ({ recovered, rejoined: _, name: __, ...until }) => {
      const { topic } = channel;
      const since = heard[topic];
      if (recovered) return;
      heard[topic] = until;
      if (shown[topic]?.epoch !== until.epoch) delete shown[topic];
      if (!since || (since.epoch === until.epoch && covers(since, until))) return;
      open[topic] = { topic, since, until };
      onGap(open[topic]);
    });

  return { socketParams, decode, params, join };
}

/** Gives the messages of a gap as pages of history have them, newest first, as far as they are kept. */
export async function* missed(channel, gap, event) {
  let before;
  do {
    const page = await new Promise((resolve, reject) => {
      channel.push("parlor:history", { event, before }).receive("ok", resolve).receive("error", reject).receive("timeout", reject);
    });
    for (const message of page.messages) {
      before = { epoch: message.epoch ?? page.epoch, offset: message.offset };
      if (covers(gap.since, before)) return;
      const wasShown = gap.resumed !== undefined && covers(before, gap.resumed);
      if (covers(gap.until, before) && !wasShown) yield message;
    }
    const isFull = page.messages.length >= page.end - page.start;
    before = page.more ?? (isFull ? before : undefined);
  } while (before);
}

/** Whether a message at `position` is at or before `last`. */
const covers = (last, position) =>
  last !== undefined && (position.epoch < last.epoch || (position.epoch === last.epoch && position.offset <= last.offset));

function take(from, topic) {
  const it = from[topic];
  delete from[topic];
  return it;
}
