// What outlives a page that is loaded anew, as far as the browser keeps anything: where it does not,
// each thing is known for as long as the page lives. Knows no elements.

class Keeping {
  #storage;

  /** `storage()` gives a storage, or throws: even to name one can be forbidden. */
  constructor(storage) {
    this.#storage = storage;
  }

  /** The text that was kept there, if there is one. */
  text(place) {
    try {
      return this.#storage().getItem(place) ?? "";
    } catch {
      return "";
    }
  }

  /** Keeps a text; nothing if it is empty. */
  keep(place, text) {
    try {
      if (text) this.#storage().setItem(place, text);
      else this.#storage().removeItem(place);
    } catch {
      // Then it is not kept.
    }
  }

  /** The value that was kept there, or `otherwise` if there is none that can be read. */
  value(place, otherwise) {
    try {
      return JSON.parse(this.text(place)) ?? otherwise;
    } catch {
      return otherwise;
    }
  }

  keepValue(place, value) {
    this.keep(place, value === undefined ? "" : JSON.stringify(value));
  }
}

/** For as long as the tab is there, and for no other. */
export const inTab = new Keeping(() => sessionStorage);
/** For all tabs, until somebody clears it. */
export const inBrowser = new Keeping(() => localStorage);
