// A TCP proxy that cuts every connection again and again, as a bad network does.

import net from "node:net";

export class Cutter {
  #server;
  #open = new Set();
  cuts = 0;

  /** Cuts each connection about `everyMs` after it was made, each at a moment of its own. */
  static async before(port, everyMs) {
    const cutter = new Cutter();
    cutter.#server = net.createServer((down) => cutter.#join(down, port, everyMs));
    await new Promise((resolve) => cutter.#server.listen(0, "127.0.0.1", resolve));
    return cutter;
  }

  get port() {
    return this.#server.address().port;
  }

  #join(down, port, everyMs) {
    const up = net.connect(port, "127.0.0.1");
    down.setNoDelay(true);
    up.setNoDelay(true);
    const cut = () => {
      clearTimeout(timer);
      this.#open.delete(cut);
      down.destroy();
      up.destroy();
    };
    const timer = setTimeout(() => {
      this.cuts += 1;
      cut();
    }, everyMs * (0.75 + Math.random() / 2));
    this.#open.add(cut);
    down.pipe(up);
    up.pipe(down);
    for (const socket of [down, up]) socket.on("error", cut).on("close", cut);
  }

  async stop() {
    for (const cut of [...this.#open]) cut();
    await new Promise((resolve) => this.#server.close(resolve));
  }
}
