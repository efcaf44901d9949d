// The address of the page: it names the room, and may bring a token for once.

/** The link to a room, as it stands in the address. */
export const linkTo = (topic) => `#${encodeURIComponent(topic).replaceAll("%3A", ":").replaceAll("%2F", "/")}`;

/** What the address says: `{topic, token}`. A token is taken out of it, so that no link has it. */
export function addressed() {
  const parts = location.hash.slice(1).split("&");
  const isToken = (part) => part.startsWith("token=");
  const topic = decoded(parts.find((part) => !isToken(part)) ?? "");
  const token = decoded(parts.find(isToken)?.slice("token=".length) ?? "");
  if (token) history.replaceState(null, "", topic ? linkTo(topic) : location.pathname);
  return { topic, token };
}

function decoded(text) {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
