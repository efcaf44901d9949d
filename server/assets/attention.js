// Whether somebody is at the page.

const HIDDEN_MS = 1_000;
const IDLE_MS = 300_000;

export class Attention {
  #on;
  #idle;
  #hidden;

  /** `on.away(isAway)` hears it, `on.shown()` and `on.hidden()` of the page itself, at once. */
  constructor(on) {
    this.#on = on;
    // Not of scrolling itself, which messages that come do too.
    for (const what of ["pointerdown", "pointermove", "wheel", "keydown"]) {
      document.addEventListener(what, () => this.stir(), { passive: true, capture: true });
    }
    document.addEventListener("visibilitychange", () => this.#changed());
  }

  get isShown() {
    return document.visibilityState === "visible";
  }

  /** Somebody is there, until nothing has happened for a while. */
  stir() {
    clearTimeout(this.#idle);
    this.#idle = setTimeout(() => this.#on.away(true), IDLE_MS);
    if (this.isShown) this.#on.away(false);
  }

  #changed() {
    clearTimeout(this.#hidden);
    if (this.isShown) {
      this.stir();
      this.#on.shown();
      return;
    }
    // It is hidden too while it is loaded anew, and then nobody is away.
    this.#hidden = setTimeout(() => this.#on.away(true), HIDDEN_MS);
    this.#on.hidden();
  }
}
