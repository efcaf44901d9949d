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

/** What was missed in other rooms may come before an answer, and a line can be slow. */
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
  // By topic: up to where nothing is missing that no gap has, the last message that was shown, the
  // position of the binary message that comes next, and the gap of which a part may be sent again.
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
        const gap = open[topic];
        if (gap && covers(gap.until, position)) gap.shown.add(position.offset);
        else delete open[topic];
      }
      if (event === "parlor:position") coming[topic] = payload;
      done(message);
    });

  const params = (topic, more = {}) => () => ({ ...more, since: heard[topic] });

  const join = (channel, onGap) =>
    channel.join(PATIENCE_MS).receive("ok", ({ recovered, rejoined: _, name: __, ...until }) => {
      const { topic } = channel;
      const since = heard[topic];
      // What comes after that is sent again to this join, or the gap that it tells has it.
      const earlier = take(open, topic);
      if (earlier && !covers(since, earlier.until)) earlier.until = since;
      if (recovered) return;
      const gap = { topic, since, until, shown: new Set() };
      if (since?.epoch !== until.epoch || covers(since, until)) {
        // Of another room of that name, or before the first join, nothing is sent again.
        heard[topic] = until;
        if (shown[topic]?.epoch !== until.epoch) delete shown[topic];
        if (since && since.epoch !== until.epoch) onGap(gap);
        return;
      }
      // The part that the server still has comes after this answer. Were the position moved now, a
      // connection that is lost before that would miss it: each message of it moves the position.
      open[topic] = gap;
      // Whatever the answer to this is, it comes after that part, which may have no message at all.
      const over = () => {
        if (open[topic] !== gap) return;
        delete open[topic];
        if (!covers(heard[topic], until)) heard[topic] = until;
      };
      channel.push("parlor:history", { end: 1 }, PATIENCE_MS).receive("ok", over).receive("error", over);
      onGap(gap);
    });

  return { socketParams, decode, params, join };
}

/** Gives the messages of a gap as pages of history have them, newest first, as far as they are kept. */
export async function* missed(channel, gap, event) {
  let before;
  do {
    const page = await new Promise((resolve, reject) => {
      channel.push("parlor:history", { event, before }, PATIENCE_MS).receive("ok", resolve).receive("error", reject).receive("timeout", reject);
    });
    for (const message of page.messages) {
      before = { epoch: message.epoch ?? page.epoch, offset: message.offset };
      if (covers(gap.since, before)) return;
      const wasShown = before.epoch === gap.until.epoch && gap.shown.has(before.offset);
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
