// Server processes: started with a configuration of their own, stopped, killed, paused, restarted.

import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import net from "node:net";
import { platform, tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { eventually, sleep, within } from "./wait.mjs";

const running = new Set();
process.on("exit", () => running.forEach((server) => server.kill()));

export class Server {
  #process;
  #binary;
  #arguments;
  #directory;
  #answers = [];
  output = "";
  port;

  /** Starts `binary` with the text of a configuration file, and waits until it answers. */
  static async start(binary, { toml = "", flags = [] } = {}) {
    const server = new Server();
    server.#binary = binary;
    server.#directory = mkdtempSync(join(tmpdir(), "parlor-clients-"));
    const config = join(server.#directory, "parlor.toml");
    writeFileSync(config, toml);
    server.port = await freePort();
    server.#arguments = ["--listen", `127.0.0.1:${server.port}`, ...(toml ? ["--config", config] : []), ...flags];
    await server.#spawn();
    return server;
  }

  async #spawn() {
    const child = spawn(this.#binary, this.#arguments, { stdio: ["pipe", "pipe", "pipe"] });
    this.#process = child;
    running.add(this);
    createInterface({ input: child.stdout }).on("line", (line) => this.#line(line));
    child.stderr.on("data", (chunk) => (this.output += chunk));
    child.stdin.on("error", () => {});
    const ended = once(child, "exit").then(([code, signal]) => {
      running.delete(this);
      throw new Error(`the server ended at once with ${code ?? signal}:\n${this.output}`);
    });
    ended.catch(() => {});
    await Promise.race([ended, eventually("the server answers", () => answers(this.port))]);
  }

  #line(line) {
    this.output += `${line}\n`;
    if (line.startsWith("admin: ")) this.#answers.shift()?.(line.slice("admin: ".length));
  }

  get url() {
    return `ws://127.0.0.1:${this.port}/socket`;
  }

  get http() {
    return `http://127.0.0.1:${this.port}`;
  }

  /** A line to the admin's side of the example `conformance`, and the line that answers it. */
  async admin(command) {
    const answer = new Promise((resolve) => this.#answers.push(resolve));
    this.#process.stdin.write(`${JSON.stringify(command)}\n`);
    const text = await within(`an answer to ${JSON.stringify(command)}`, answer);
    const value = JSON.parse(text);
    if (value?.error) throw new Error(`admin: ${value.error}`);
    return value;
  }

  get pid() {
    return this.#process.pid;
  }

  get isRunning() {
    return this.#process.exitCode === null && this.#process.signalCode === null;
  }

  /** Asks it to go, and waits until it has gone. */
  async stop(signal = "SIGTERM") {
    if (!this.isRunning) return;
    const gone = once(this.#process, "exit");
    this.#process.kill(signal);
    await within("the server ends", gone, 20_000);
  }

  /** Starts it again on the same port. */
  async again() {
    this.output = "";
    await this.#spawn();
  }

  /** Stops all that it does, and waits until it has stopped. */
  async pause() {
    this.#process.kill("SIGSTOP");
    await eventually("the server stands still", () => stands(this.pid));
  }

  resume() {
    this.#process.kill("SIGCONT");
  }

  kill() {
    this.#process.kill("SIGKILL");
  }

  async dispose() {
    this.resume();
    await this.stop("SIGKILL");
    rmSync(this.#directory, { recursive: true, force: true });
  }
}

export async function freePort() {
  const server = net.createServer();
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address();
  await new Promise((resolve) => server.close(resolve));
  return port;
}

/** Whether no thread of a process runs; where that can't be seen, some time has to do. */
async function stands(pid) {
  if (platform() !== "linux") {
    await sleep(100);
    return true;
  }
  const threads = readdirSync(`/proc/${pid}/task`);
  return threads.every((thread) => /^State:\s+T/m.test(readFileSync(`/proc/${pid}/task/${thread}/status`, "utf8")));
}

function answers(port) {
  return new Promise((resolve) => {
    const socket = net.connect(port, "127.0.0.1", () => {
      socket.destroy();
      resolve(true);
    });
    socket.on("error", () => resolve(false));
  });
}
