// A TCP proxy that cuts every connection again and again, as a bad network does.

import net from "node:net";

export class Cutter {
  #server;
  #open = new Set();
  #everyMs;
  port;
  cuts = 0;

  /** Cuts each connection about `everyMs` after it was made, each at a moment of its own. */
  static async before(port, everyMs) {
    const cutter = new Cutter();
    cutter.#server = net.createServer((down) => cutter.#join(down, port, cutter.#everyMs));
    cutter.#everyMs = everyMs;
    await new Promise((resolve) => cutter.#server.listen(0, "127.0.0.1", resolve));
    cutter.port = cutter.#server.address().port;
    return cutter;
  }

  /** Cuts nothing from here on. */
  relent() {
    this.#everyMs = 3_600_000;
    for (const cut of [...this.#open]) cut();
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
