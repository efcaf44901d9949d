// A TCP proxy that can be cut, or stand still as a network does that nobody says is dead.

import net from "node:net";

export class Line {
  #server;
  #open = new Set();
  #isCut = false;
  port;
  /** The server that it leads to. */
  server;

  static async before(port) {
    const line = new Line();
    line.#server = net.createServer((down) => line.#join(down, port));
    await new Promise((resolve) => line.#server.listen(0, "127.0.0.1", resolve));
    line.port = line.#server.address().port;
    return line;
  }

  /** Ends all connections, and takes no others. */
  cut() {
    this.#isCut = true;
    for (const { end } of [...this.#open]) end();
  }

  mend() {
    this.#isCut = false;
  }

  /** Keeps back what the server says on the sockets that there are. */
  hush() {
    for (const { up } of this.#sockets()) {
      up.unpipe();
      up.pause();
    }
  }

  /** Keeps back what is said to the server on the sockets that there are. */
  gag() {
    for (const { down } of this.#sockets()) {
      down.unpipe();
      down.pause();
    }
  }

  /** Connections that a browser keeps for its next requests go on. */
  #sockets() {
    return [...this.#open].filter(({ isSocket }) => isSocket);
  }

  #join(down, port) {
    if (this.#isCut) {
      down.destroy();
      return;
    }
    const up = net.connect(port, "127.0.0.1");
    down.setNoDelay(true);
    up.setNoDelay(true);
    const end = () => {
      this.#open.delete(joined);
      down.destroy();
      up.destroy();
    };
    const joined = { up, down, end, isSocket: false };
    this.#open.add(joined);
    down.once("data", (data) => (joined.isSocket = data.includes("GET /socket/")));
    down.pipe(up);
    up.pipe(down);
    for (const socket of [down, up]) socket.on("error", end).on("close", end);
  }

  async stop() {
    this.cut();
    await new Promise((resolve) => this.#server.close(resolve));
  }
}
