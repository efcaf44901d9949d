// Small charts of the last minutes, from what the server answers each time it is asked.

import { bytes, eventsOf, number } from "./inspect-lists.js";

const SPAN_MS = 300_000;
/** Between answers that are further apart nothing is known, and nothing is drawn. */
const GAP_MS = 30_000;
const [WIDTH, HEIGHT] = [300, 40];
const SVG = "http://www.w3.org/2000/svg";

/** The charts: label and number format of each. */
const CHARTS = {
  events: ["Events/s", number],
  deliveries: ["Deliveries/s", number],
  connections: ["Connections", number],
  queued: ["In queues", bytes],
};

export class Charts {
  #charts;
  #samples = [];
  #last;

  constructor(section) {
    this.#charts = Object.entries(CHARTS).map(([name, [label, write]]) => new Chart(section, { name, label, write }));
  }

  /** Takes an answer of `/inspect/engine`. */
  add(answer) {
    const sample = { at: answer.now_ms, connections: answer.connections, queued: answer.queues.bytes, ...this.#rates(answer) };
    this.#samples = [...this.#samples.filter(({ at }) => at > sample.at - SPAN_MS && at < sample.at), sample];
    for (const chart of this.#charts) chart.draw(this.#samples);
  }

  /** Rates since the last answer; none after a restart of the server, or while the engine does not answer. */
  #rates({ now_ms: at, started_at_ms: started, stats }) {
    const last = this.#last;
    this.#last = stats && { at, started, events: eventsOf(stats), deliveries: stats.deliveries };
    if (!last || !this.#last || last.started !== started || at <= last.at) return {};
    const rate = (name) => Math.max(0, Math.round(((this.#last[name] - last[name]) * 1000) / (at - last.at)));
    return { events: rate("events"), deliveries: rate("deliveries") };
  }
}

class Chart {
  #name;
  #label;
  #write;
  #value;
  #most;
  #picture;
  #line;
  #area;

  constructor(section, { name, label, write }) {
    [this.#name, this.#label, this.#write] = [name, label, write];
    const figure = document.createElement("figure");
    figure.dataset.chart = name;
    const caption = document.createElement("figcaption");
    this.#value = element("b", "–");
    this.#most = element("small", "");
    caption.append(element("span", label), this.#value, this.#most);
    this.#picture = shape("svg", { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, preserveAspectRatio: "none", role: "img", "aria-label": label });
    [this.#area, this.#line] = ["area", "line"].map((kind) => shape("path", { class: kind }));
    this.#picture.append(this.#area, this.#line);
    figure.append(caption, this.#picture);
    section.append(figure);
  }

  draw(samples) {
    const end = samples.at(-1).at;
    const known = samples.filter((sample) => sample[this.#name] !== undefined).map((sample) => ({ at: sample.at, value: sample[this.#name] }));
    const values = known.map(({ value }) => value);
    const [least, most] = [Math.min(...values), Math.max(...values)];
    const now = samples.at(-1)[this.#name];
    this.#value.textContent = now === undefined ? "–" : this.#write(now);
    this.#most.textContent = values.length > 1 ? `most in 5 min: ${this.#write(most)}` : "";
    const range = values.length > 1 ? `, from ${this.#write(least)} to ${this.#write(most)} in the last five minutes` : "";
    this.#picture.setAttribute("aria-label", `${this.#label}: ${this.#value.textContent}${range}`);
    const place = ({ at, value }) => [
      (WIDTH * (1 - (end - at) / SPAN_MS)).toFixed(1),
      (HEIGHT - 1 - ((HEIGHT - 4) * value) / Math.max(most, 1)).toFixed(1),
    ];
    const runs = runsOf(known).map((run) => run.map(place));
    this.#line.setAttribute("d", runs.map((run) => `M${run.map((point) => point.join(" ")).join("L")}`).join(""));
    this.#area.setAttribute("d", runs.map((run) => `M${run[0][0]} ${HEIGHT}L${run.map((point) => point.join(" ")).join("L")}L${run.at(-1)[0]} ${HEIGHT}Z`).join(""));
  }
}

/** Points in runs, between which nothing is known. */
function runsOf(points) {
  const runs = [];
  for (const [place, point] of points.entries()) {
    if (place === 0 || point.at - points[place - 1].at > GAP_MS) runs.push([]);
    runs.at(-1).push(point);
  }
  // A point alone is a line to itself, which is drawn as a dot.
  return runs.map((run) => (run.length === 1 ? [run[0], run[0]] : run));
}

function element(tag, text) {
  const made = document.createElement(tag);
  made.textContent = text;
  return made;
}

function shape(tag, attributes) {
  const made = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  return made;
}
