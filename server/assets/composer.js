// The field for messages, and what it tells of somebody who types. Where nobody listens to them, it
// says so in its place.

import { byId } from "./dom.js";

/** Keys pressed here belong to a message, since nothing else on the page takes them. */
const IDLE_PLACES = "body, #log";
const PAUSE_MS = 5_000;
/** Within the time after which others take it that somebody has stopped. */
const AGAIN_MS = 5_000;

export class Composer {
  #log = byId("log");
  #field = byId("text");
  #form = byId("compose");
  #listen = byId("listen");
  #on;
  #strokes = 0;
  #saidAt = 0;
  #pause;
  /** Whether the last press was a finger's. */
  #isTouched = false;

  /**
   * `on.send(text)` is told what is to be said, `on.draft(text)` what is not yet, `on.typing(number)`
   * of keys: another number each time, 0 if none. `on.tryAgain()` hears who wants to write all the same.
   */
  constructor(on) {
    this.#on = on;
    this.#field.addEventListener("input", () => this.#typed());
    this.#field.addEventListener("keydown", (event) => {
      // Some browsers say that what was composed is complete before they say by which key.
      const isOfWord = event.isComposing || event.keyCode === 229;
      if (event.key !== "Enter" || event.shiftKey || isOfWord) return;
      event.preventDefault();
      this.#form.requestSubmit();
    });
    document.addEventListener("pointerdown", ({ pointerType }) => (this.#isTouched = pointerType === "touch"), { capture: true, passive: true });
    document.addEventListener("keydown", (event) => this.#typedElsewhere(event));
    byId("write").addEventListener("click", () => on.tryAgain());
    this.#form.addEventListener("submit", (event) => {
      event.preventDefault();
      const text = this.#field.value.trim();
      if (!text || this.#field.readOnly) return;
      this.put("");
      this.#stop();
      on.draft("");
      on.send(text);
      this.#field.focus();
    });
  }

  /**
   * Moves the focus to the message field, or after a touch to the messages: a phone would open its
   * keyboard over half of them. What devices there are does not matter, as browsers are often wrong
   * about that.
   */
  focus() {
    if (this.#isTouched) this.#log.focus({ preventScroll: true });
    else this.#place.focus();
  }

  /** The key that moves the focus into the field is typed there. */
  #typedElsewhere({ key, target, altKey, ctrlKey, metaKey }) {
    const isText = [...key].length === 1 && key !== " " && !altKey && !ctrlKey && !metaKey;
    if (isText && target.matches(IDLE_PLACES) && !this.#form.hidden) this.#field.focus();
  }

  /** Where messages are written, or where it says that none can be. */
  get #place() {
    return this.#form.hidden ? byId("listen-text") : this.#field;
  }

  /**
   * What can be done: "write", "wait" to be in the room, only "listen", or "try" to write where
   * nothing was taken so far. What was written stays.
   */
  allow(what) {
    const hadFocus = [this.#form, this.#listen].some((element) => element.contains(document.activeElement));
    this.#form.hidden = what === "listen" || what === "try";
    this.#listen.hidden = !this.#form.hidden;
    byId("write").hidden = what !== "try";
    this.#field.readOnly = what !== "write";
    this.#field.placeholder = what === "wait" ? "You are not in this room" : "Say something";
    this.#form.querySelector("button").setAttribute("aria-disabled", String(what !== "write"));
    if (hadFocus && !this.#place.parentElement.contains(document.activeElement)) this.#place.focus();
  }

  /** Takes out what was written, of which nobody types any more. */
  leave() {
    this.#stop();
    this.put("");
  }

  put(text) {
    this.#field.value = text;
    this.#fit();
  }

  #typed() {
    this.#fit();
    this.#on.draft(this.#field.value);
    if (this.#field.value.trim() === "") {
      this.#stop();
      return;
    }
    clearTimeout(this.#pause);
    this.#pause = setTimeout(() => this.#stop(), PAUSE_MS);
    if (Date.now() - this.#saidAt < AGAIN_MS) return;
    this.#saidAt = Date.now();
    this.#strokes = (this.#strokes % 1_000) + 1;
    this.#on.typing(this.#strokes);
  }

  #stop() {
    clearTimeout(this.#pause);
    this.#saidAt = 0;
    this.#on.typing(0);
  }

  #fit() {
    this.#field.style.height = "auto";
    this.#field.style.height = `${this.#field.scrollHeight + 2}px`;
  }
}
