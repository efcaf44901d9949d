// What a page adds to the npm client `phoenix` to miss nothing while its line is cut.
//
//     import { Serializer, Socket } from "phoenix";
//     const resume = recovery(Serializer);
//     const socket = new Socket("/socket", { params: { session: resume.session }, decode: resume.decode });
//     socket.connect();
//     resume.join(socket.channel("room:1", resume.params("room:1")), (gap) => reload(gap));

/**
 * Keeps how far each topic was heard, so that a rejoin gets what came after it, once and in order.
 *
 * The session says that a new connection is the same page as the old one: each page draws its own,
 * and no two may share one. The server puts the position of a message behind its payload, where the
 * client itself does not look; messages of bytes have no place for it, and are counted.
 */
export function recovery(Serializer, session = crypto.randomUUID()) {
  const heard = {};
  const decode = (raw, done) =>
    Serializer.decode(raw, (message) => {
      const { topic, join_ref: joinRef } = message;
      const position = typeof raw === "string" ? JSON.parse(raw)[5] : joinRef === null && next(heard[topic]);
      if (position) heard[topic] = position;
      done(message);
    });
  const params = (topic, more = {}) => () => ({ ...more, since: heard[topic] });
  const join = (channel, onGap) =>
    channel.join().receive("ok", ({ epoch, offset, recovered }) => {
      const [topic, since] = [channel.topic, heard[channel.topic]];
      if (recovered) return;
      heard[topic] = { epoch, offset };
      if (since) onGap({ topic, since, until: heard[topic] });
    });
  return { session, decode, params, join };
}

const next = (position) => position && { ...position, offset: position.offset + 1 };
