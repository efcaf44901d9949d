// Tables whose rows stay the same elements as long as they are about the same thing, so that
// whoever is at one keeps it, and which are sorted by the buttons in their headings.

const byText = new Intl.Collator(undefined, { numeric: true }).compare;

export class Table {
  #section;
  #body;
  #columns;
  #nameOf;
  #make;
  #fill;
  #rows = new Map();
  #items = [];
  /** The heading that the rows are sorted by, and 1 or -1. */
  #sorted;

  /**
   * `columns` gives, by the `data-sort` of a heading, the text or number of an item that it sorts
   * by. At the beginning that is `by`, as `{name, sign}`: 1 for ascending, -1 for descending.
   * `nameOf(item)` tells items apart, `make(item)` makes a row, `fill(row, item)` writes its cells.
   */
  constructor(section, { columns, by, nameOf, make, fill }) {
    this.#section = section;
    this.#body = section.querySelector("tbody");
    [this.#columns, this.#nameOf, this.#make, this.#fill] = [columns, nameOf, make, fill];
    for (const button of section.querySelectorAll("button.sort")) {
      button.addEventListener("click", () => this.#sortBy(button.closest("th").dataset.sort));
    }
    this.#sorted = by;
    this.#say();
  }

  show(items) {
    this.#items = items;
    this.#render();
  }

  /** By a heading that is pressed: numbers from the largest on, texts from A; pressed again, the other way round. */
  #sortBy(name) {
    const isText = this.#items.some((item) => typeof this.#columns[name](item) === "string");
    const isAgain = this.#sorted.name === name;
    this.#sorted = { name, sign: isAgain ? -this.#sorted.sign : isText ? 1 : -1 };
    this.#say();
    this.#render();
  }

  #say() {
    for (const heading of this.#section.querySelectorAll("th[data-sort]")) {
      const isSorted = heading.dataset.sort === this.#sorted.name;
      heading.ariaSort = isSorted ? (this.#sorted.sign > 0 ? "ascending" : "descending") : "none";
    }
  }

  #render() {
    const { name, sign } = this.#sorted;
    const valueOf = this.#columns[name];
    const sorted = this.#items.toSorted((one, other) => sign * compare(valueOf(one), valueOf(other)));
    const focused = this.#body.contains(document.activeElement) ? document.activeElement : undefined;
    const rows = new Map();
    for (const item of sorted) {
      const key = this.#nameOf(item);
      const row = this.#rows.get(key) ?? this.#make(item);
      this.#fill(row, item);
      rows.set(key, row);
    }
    this.#rows = rows;
    const shown = [...rows.values()];
    const kept = new Set(shown);
    for (const row of [...this.#body.children]) {
      if (!kept.has(row)) row.remove();
    }
    shown.forEach((row, at) => {
      if (this.#body.children[at] !== row) this.#body.insertBefore(row, this.#body.children[at]);
    });
    // An element that is moved loses the focus.
    if (focused?.isConnected && document.activeElement !== focused) focused.focus({ preventScroll: true });
    this.#section.querySelector("table").hidden = shown.length === 0;
    this.#section.querySelector(".empty").hidden = shown.length > 0;
  }
}

/** What is not known comes after what is, from the largest on. */
function compare(one, other) {
  if (typeof one === "string" || typeof other === "string") return byText(String(one), String(other));
  return (one ?? -1) - (other ?? -1);
}
