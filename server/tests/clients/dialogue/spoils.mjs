// How what the server says is spoilt, to see that an item fails when it has to.

const meant = (name) => (packet) => packet[0] === `dialogue:${name}`;

/** Changes the argument of events of a name. */
export const change = (name, how) => (packet) => [meant(name)(packet) ? [packet[0], how(packet[1])] : packet];

/** Lets events of a name come twice. */
export const twice = (name) => (packet) => (meant(name)(packet) ? [packet, packet] : [packet]);

/** Loses events of a name, or those of them that `which` picks. */
export const lose = (name, which = () => true) => (packet) => (meant(name)(packet) && which(packet[1]) ? [] : [packet]);

export const otherCode = change("error", (error) => ({ ...error, code: "OTHER" }));
