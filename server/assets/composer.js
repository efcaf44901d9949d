// The field for messages, and what it tells of somebody who types.

import { byId } from "./dom.js";

const PAUSE_MS = 5_000;
/** Within the time after which others take it that somebody has stopped. */
const AGAIN_MS = 5_000;

export class Composer {
  #field = byId("text");
  #typing;
  #strokes = 0;
  #saidAt = 0;
  #pause;

  /** `send(text)` is told what is to be said, `typing(number)` of keys: another number each time, 0 if none. */
  constructor(send, typing) {
    this.#typing = typing;
    this.#field.addEventListener("input", () => this.#typed());
    this.#field.addEventListener("keydown", (event) => {
      if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
      event.preventDefault();
      byId("compose").requestSubmit();
    });
    byId("compose").addEventListener("submit", (event) => {
      event.preventDefault();
      const text = this.#field.value.trim();
      if (!text || this.#field.readOnly) return;
      this.#field.value = "";
      this.#fit();
      this.#stop();
      send(text);
      this.#field.focus();
    });
  }

  /** Where there is a keyboard; on a phone, one would cover half of what was said. */
  focus() {
    if (matchMedia("(hover: hover)").matches) this.#field.focus();
  }

  /** Whether anything can be said. What was written stays. */
  allow(isAllowed) {
    this.#field.readOnly = !isAllowed;
    this.#field.placeholder = isAllowed ? "Say something" : "You are not in this room";
    byId("compose").querySelector("button").setAttribute("aria-disabled", String(!isAllowed));
  }

  /** Takes out what was written, of which nobody types any more. */
  take() {
    const text = this.#field.value;
    this.#stop();
    this.put("");
    return text;
  }

  put(text) {
    this.#field.value = text;
    this.#fit();
  }

  #typed() {
    this.#fit();
    if (this.#field.value.trim() === "") {
      this.#stop();
      return;
    }
    clearTimeout(this.#pause);
    this.#pause = setTimeout(() => this.#stop(), PAUSE_MS);
    if (Date.now() - this.#saidAt < AGAIN_MS) return;
    this.#saidAt = Date.now();
    this.#strokes = (this.#strokes % 1_000) + 1;
    this.#typing(this.#strokes);
  }

  #stop() {
    clearTimeout(this.#pause);
    this.#saidAt = 0;
    this.#typing(0);
  }

  #fit() {
    this.#field.style.height = "auto";
    this.#field.style.height = `${this.#field.scrollHeight + 2}px`;
  }
}
