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
 * The session says that a new connection is the same page as the old one. The server puts the
 * position of each message behind its frame's payload, where the client itself does not look.
 */
export function recovery(Serializer, session = crypto.randomUUID()) {
  const heard = {};
  return {
    session,
    decode(raw, done) {
      const [, , topic, , , position] = typeof raw === "string" ? JSON.parse(raw) : [];
      if (position) heard[topic] = position;
      Serializer.decode(raw, done);
    },
    params: (topic, params = {}) => () => ({ ...params, since: heard[topic] }),
    join(channel, onGap) {
      const { topic } = channel;
      return channel.join().receive("ok", ({ epoch, offset, recovered }) => {
        if (recovered) return;
        if (heard[topic]) onGap({ topic, since: heard[topic], until: { epoch, offset } });
        heard[topic] = { epoch, offset };
      });
    },
  };
}
