// A TCP proxy that can be cut, or stand still as a network does that nobody says is dead.

import net from "node:net";

export class Line {
  #server;
  #open = new Set();
  #isCut = false;
  port;

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

  /** Keeps back what the server says on the connections that there are. */
  hush() {
    for (const { up } of this.#open) {
      up.unpipe();
      up.pause();
    }
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
    const joined = { up, end };
    this.#open.add(joined);
    down.pipe(up);
    up.pipe(down);
    for (const socket of [down, up]) socket.on("error", end).on("close", end);
  }

  async stop() {
    this.cut();
    await new Promise((resolve) => this.#server.close(resolve));
  }
}
