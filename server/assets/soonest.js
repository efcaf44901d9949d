// Something that is asked for often and done once, at the earliest of the times that were asked for.

export class Soonest {
  #act;
  #timer;
  #at = Infinity;

  constructor(act) {
    this.#act = act;
  }

  /** Does it then, unless it is done earlier. */
  in(ms) {
    const at = Date.now() + ms;
    if (at >= this.#at) return;
    clearTimeout(this.#timer);
    this.#at = at;
    this.#timer = setTimeout(() => this.now(), ms);
  }

  now() {
    clearTimeout(this.#timer);
    this.#at = Infinity;
    return this.#act();
  }
}
