// Why the server refuses something, in words for people. Its own text comes after them where it says
// more; of a reason that is not known here it is all there is. Knows no elements.

/** By what was to be done and by the server's reason: words, and whether its own text says more. */
const WORDS = {
  any: {
    crashed: ["the server is in trouble, please try again later"],
    rate_limited: ["that was too often, please wait a little"],
    limit_reached: ["there is no more place for it", "more"],
    payload_too_large: ["it is too long", "more"],
    unavailable: ["older messages can't be read at the moment, please try again later"],
    no_answer: ["the server is very busy, please try again later"],
  },
  enter: {
    invalid_name: ["no room can have this name", "more"],
    join_denied: ["this room is not for everybody", "more"],
    permission_denied: ["this room is not for everybody", "more"],
    room_full: ["the room is full"],
    unauthorized: ["the server does not let you", "more"],
    user_conflict: ["somebody else is here in the same way, please load the page anew"],
  },
  say: {
    event_not_allowed: ["messages can't be written here"],
    join_denied: ["this room is not for everybody", "more"],
    lost: ["the connection was lost, and whether it was sent can't be told"],
    not_member: ["you are not in this room"],
    permission_denied: ["you are not one of those who can write here", "more"],
    unauthorized: ["the server does not let you", "more"],
    "unmatched topic": ["you are not in this room"],
    validation_failed: ["this room takes other messages", "more"],
  },
  read: {
    limit_reached: ["too much is being read at once, please try again later"],
    permission_denied: ["earlier messages are not for everybody here", "more"],
    rate_limited: ["that was too often, please wait a little and try again"],
    unauthorized: ["the server does not let you", "more"],
    unavailable: ["the server can't read them at the moment"],
  },
  open: {
    invalid_name: ["no room can have this name", "more"],
    join_denied: ["this room is not for everybody", "more"],
    lost: ["there is no connection"],
    permission_denied: ["rooms are opened by others here"],
    room_exists: ["it is there already"],
    unauthorized: ["the server does not let you", "more"],
  },
  come: {
    invalid_user: ["this name can't be taken", "more"],
    origin_not_allowed: ["the server takes nobody from pages at this address"],
  },
};

/** Why `doing` ("enter", "say", "read", "open" or "come") was refused with `{reason, message}`. */
export function whyNot(doing, { reason, message }) {
  const found = wordsFor(WORDS[doing], reason) ?? wordsFor(WORDS.any, reason);
  if (!found) return message || reason || "the server does not say why";
  const [words, more] = found;
  return more && message ? `${words} (${message})` : words;
}

const wordsFor = (words, reason) => (Object.hasOwn(words, reason) ? words[reason] : undefined);
