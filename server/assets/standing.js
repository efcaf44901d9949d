// How it stands with the line and the room: in a word, and what can be done about it. Knows no
// elements.

import { whyNot } from "./words.js";

/** A name for how it stands, and the words for it. */
export function standing(socket, room, wasOpen) {
  if (socket.state === "taken") return ["taken", "Taken over"];
  if (room.isOut) return ["closed", "Not in the room"];
  if (room.state === "joined") return ["open", "Connected"];
  if (room.isCatchingUp) return ["connecting", "Catching up…"];
  return wasOpen && socket.state !== "open" ? ["waiting", "Reconnecting…"] : ["connecting", "Connecting…"];
}

/**
 * What is wrong, `{text, actions}`, that does not get right by itself. There is no `openRoom` where
 * nobody may open rooms.
 */
export function troubleOf(socket, room, { takeOwn, openRoom }) {
  if (socket.state === "taken") {
    const text = "Another tab has taken this one's place, as a duplicate of it does. Both can be there at once.";
    return { text, actions: { "Use this tab too": takeOwn } };
  }
  if (room.state === "refused") return refusalOf(room, openRoom);
  if (room.state === "closed") {
    const { reason, message } = room.why;
    const text = reason === "kicked" ? `You were put out of the room${message ? `: ${message}` : ""}.` : "This room was closed.";
    return { text, actions: { "Go in again": () => room.join() } };
  }
  return undefined;
}

function refusalOf(room, openRoom) {
  const { why } = room;
  if (why.reason === "own name") return { text: "This name is the server's own.", actions: {} };
  const again = { "Try again": () => room.join() };
  if (why.reason === "unmatched topic") {
    return { text: "There is no such room.", actions: { ...(openRoom && { "Open it": openRoom }), ...again } };
  }
  return { text: `You can't go in: ${whyNot("enter", why)}.`, actions: again };
}
