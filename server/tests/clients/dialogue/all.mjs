// Dialogue's events over Socket.IO.

import { events } from "./events.mjs";
import { rooms } from "./rooms.mjs";
import { server } from "./server.mjs";
import { transport } from "./transport.mjs";

export const DIALOGUE = [...transport, ...rooms, ...events, ...server];
