// The conformance list of Phoenix Channels V2, run on each version of the client.

import { connection } from "./connection.mjs";
import { joining } from "./joining.mjs";
import { leaving } from "./leaving.mjs";
import { presence } from "./presence.mjs";
import { pushing } from "./pushing.mjs";
import { restart } from "./restart.mjs";
import { sessions } from "./sessions.mjs";

const numbered = ({ name }) => Number(/^C(\d+)/.exec(name)[1]);

// C15 looks at how all connections before it have ended, so it comes last.
const listed = [...joining, ...pushing, ...leaving, ...presence, ...connection, ...restart];
listed.sort((a, b) => (a.name === "C15") - (b.name === "C15") || numbered(a) - numbered(b));
export const PHOENIX = [...sessions, ...listed];
