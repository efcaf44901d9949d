// What a page adds to the npm client `phoenix` to miss nothing while its connection is lost.
//
//     import { Serializer, Socket } from "phoenix";
//     const page = recovery(Serializer);
//     const socket = new Socket("/socket", { params: page.socketParams, decode: page.decode });
//     socket.connect();
//     page.join(socket.channel("room:1", page.params("room:1")), (gap) => reload(gap));

/**
 * Keeps the position of the last message of each topic, so that a rejoin gets what came after it,
 * once and in order.
 *
 * `socketParams` are for the socket, beside others of the page. The session says that a new connection is the same page
 * as the old one: each page draws its own, and no two may share one. With `positions`, the server
 * puts the position of a message behind its payload, where the client does not look; that of a
 * binary message comes right before it, as an event of its own.
 *
 * A position is opaque: it is kept and given back as it came. Only `epoch` and `offset` are compared.
 */
export function recovery(Serializer, session = crypto.randomUUID()) {
  const socketParams = { session, positions: "on" };
  const heard = {};
  const coming = {};

  const decode = (raw, done) =>
    Serializer.decode(raw, (message) => {
      const { topic, event, payload, join_ref: joinRef } = message;
      const isBroadcast = joinRef === null;
      const position = isBroadcast && (typeof raw === "string" ? JSON.parse(raw)[5] : take(coming, topic));
      // A message that was on its way to an earlier join of the topic is sent again to this one.
      if (position && isCovered(position, heard[topic])) return;
      if (position) heard[topic] = position;
      if (event === "parlor:position") coming[topic] = payload;
      done(message);
    });

  const params = (topic, more = {}) => () => ({ ...more, since: heard[topic] });

  const join = (channel, onGap) =>
    channel.join().receive("ok", ({ recovered, rejoined: _, name: __, ...until }) => {
      const { topic } = channel;
      const since = heard[topic];
      if (recovered) return;
      heard[topic] = until;
      if (since && !isCovered(until, since)) onGap({ topic, since, until });
    });

  return { socketParams, decode, params, join };
}

const isCovered = (position, heard) => heard?.epoch === position.epoch && position.offset <= heard.offset;

function take(coming, topic) {
  const position = coming[topic];
  delete coming[topic];
  return position;
}
