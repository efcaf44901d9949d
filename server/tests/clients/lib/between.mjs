// A WebSocket proxy that can spoil what passes, close with any code, and inject frames.
//
// A test that passes through it while it spoils something is a test that can't fail.

import http from "node:http";
import WebSocket, { WebSocketServer } from "ws";

export class Between {
  #server;
  #upstream;
  #spoil;
  #pairs = new Set();

  static async before(upstream, spoil = (frame) => frame) {
    const between = new Between();
    between.#upstream = new URL(upstream);
    between.#spoil = spoil;
    const sockets = new WebSocketServer({ noServer: true, handleProtocols: (offered) => between.chosen(offered) });
    between.#server = http.createServer((_, response) => response.writeHead(426).end());
    between.#server.on("upgrade", (request, socket, head) => between.#upgrade(sockets, request, socket, head));
    await new Promise((resolve) => between.#server.listen(0, "127.0.0.1", resolve));
    return between;
  }

  get url() {
    return `ws://127.0.0.1:${this.#server.address().port}${this.#upstream.pathname}`;
  }

  chosen(offered) {
    return offered.values().next().value ?? false;
  }

  #upgrade(sockets, request, socket, head) {
    const target = new URL(request.url, this.#upstream);
    const offered = request.headers["sec-websocket-protocol"]?.split(/, */) ?? [];
    const up = new WebSocket(target, offered);
    const early = [];
    up.on("message", (data, isBinary) => early.push([data, isBinary]));
    up.once("unexpected-response", (_, response) => {
      socket.end(`HTTP/1.1 ${response.statusCode} refused\r\nConnection: close\r\n\r\n`);
      up.terminate();
    });
    up.once("error", () => socket.destroy());
    up.once("open", () => {
      up.removeAllListeners("message");
      sockets.handleUpgrade(request, socket, head, (down) => this.#pair(down, up, early));
    });
  }

  #pair(down, up, early) {
    const pair = { down, up };
    this.#pairs.add(pair);
    const pass = (to, way) => (data, isBinary) => {
      for (const frame of spoilt(this.#spoil, data, isBinary, way)) {
        if (to.readyState === WebSocket.OPEN) to.send(frame);
      }
    };
    const end = (other) => (code, reason) => {
      this.#pairs.delete(pair);
      if (code === 1005 || code === 1006) other.terminate();
      else if (other.readyState === WebSocket.OPEN) other.close(code, reason);
    };
    down.on("message", pass(up, "sent"));
    up.on("message", pass(down, "got"));
    for (const [data, isBinary] of early) pass(down, "got")(data, isBinary);
    down.on("close", end(up));
    up.on("close", end(down));
    down.on("error", () => up.terminate());
    up.on("error", () => down.terminate());
  }

  /** Closes every connection towards its client with that code; the server sees its line cut. */
  closeAll(code, reason = "") {
    for (const { down, up } of this.#pairs) {
      down.close(code, reason);
      up.terminate();
    }
  }

  async stop() {
    for (const { down, up } of this.#pairs) {
      down.terminate();
      up.terminate();
    }
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }
}

/** What becomes of a frame: itself, another, several or none. */
function spoilt(spoil, data, isBinary, way) {
  if (isBinary) return list(spoil(new Uint8Array(data), way));
  let frame;
  try {
    frame = JSON.parse(data.toString());
  } catch {
    return [data.toString()];
  }
  return list(spoil(frame, way)).map((it) => (it instanceof Uint8Array ? it : JSON.stringify(it)));
}

function list(what) {
  if (what === null || what === undefined) return [];
  return Array.isArray(what) && Array.isArray(what[0]) ? what : [what];
}
