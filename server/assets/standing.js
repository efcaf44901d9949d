// How it stands with the line and the room: in a word, and what can be done about it. Knows no
// elements.

/** A name for how it stands, and the words for it. */
export function standing(socket, room, wasOpen) {
  if (socket.state === "taken") return ["taken", "Taken over"];
  if (room.isOut) return ["closed", "Not in the room"];
  if (room.state === "joined") return ["open", "Connected"];
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
  const { reason, message } = room.why ?? {};
  if (room.state === "refused" && reason === "own name") {
    return { text: "This name is the server's own.", actions: {} };
  }
  if (room.state === "refused" && reason === "unmatched topic") {
    const actions = openRoom ? { "Open it": openRoom } : {};
    return { text: "There is no such room.", actions: { ...actions, "Try again": () => room.join() } };
  }
  if (room.state === "refused") {
    return { text: `You can't go in: ${message}.`, actions: { "Try again": () => room.join() } };
  }
  if (room.state === "closed") {
    const text = reason === "kicked" ? `You were put out of the room${message ? `: ${message}` : ""}.` : "This room was closed.";
    return { text, actions: { "Go in again": () => room.join() } };
  }
  return undefined;
}
