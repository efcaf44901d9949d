// A TCP proxy that reads from the server no faster than a line would carry it.

import net from "node:net";

export class SlowLine {
  #server;
  #bytesPerMs;
  #open = new Set();
  port;

  static async before(port, bytesPerSecond) {
    const line = new SlowLine();
    line.#bytesPerMs = bytesPerSecond / 1_000;
    line.#server = net.createServer((down) => line.#join(down, port));
    await new Promise((resolve) => line.#server.listen(0, "127.0.0.1", resolve));
    line.port = line.#server.address().port;
    return line;
  }

  get url() {
    return `ws://127.0.0.1:${this.port}/socket`;
  }

  #join(down, port) {
    const up = net.connect(port, "127.0.0.1");
    const cut = () => {
      this.#open.delete(cut);
      down.destroy();
      up.destroy();
    };
    this.#open.add(cut);
    down.setNoDelay(true);
    up.setNoDelay(true);
    down.pipe(up);
    // The time at which the line has carried all that it was given.
    let free = performance.now();
    up.on("data", (chunk) => {
      down.write(chunk);
      free = Math.max(free, performance.now()) + chunk.length / this.#bytesPerMs;
      up.pause();
      setTimeout(() => up.resume(), free - performance.now());
    });
    for (const socket of [down, up]) socket.on("error", cut).on("close", cut);
  }

  /** Cuts all connections. */
  cut() {
    for (const cut of [...this.#open]) cut();
  }

  async stop() {
    this.cut();
    await new Promise((resolve) => this.#server.close(resolve));
  }
}
