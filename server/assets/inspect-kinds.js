// Which kinds of events and messages are shown.

const KINDS = {
  in: ["join", "rejoin", "leave", "broadcast", "push", "publish", "connect", "disconnect", "track",
    "untrack", "subscribe", "unsubscribe", "open_room", "close_room", "history",
    "query", "kick", "refuse", "add_to_group", "remove_from_group", "crash", "restart", "tick"],
  out: ["reply", "broadcast_message", "presence_state", "presence_diff", "push_message", "history",
    "evicted", "room_opened", "room_closed", "closed", "disconnect", "system"],
};
/** There is one with each batch of events. */
const USUALLY_NOT = "tick";

export class Kinds {
  #boxes = new Map();
  #menu;
  #changed;

  /** `changed` is told when there is something else to show. */
  constructor(menu, changed) {
    this.#menu = menu;
    this.#changed = changed;
    for (const way of ["in", "out"]) {
      const set = menu.querySelector(`fieldset[data-way="${way}"]`);
      for (const kind of KINDS[way]) set.append(this.#boxOf(way, kind));
    }
    menu.addEventListener("change", () => this.#said());
    for (const button of menu.querySelectorAll("[data-kinds]")) {
      button.addEventListener("click", () => {
        for (const box of this.#boxes.values()) box.checked = button.dataset.kinds === "all";
        this.#said();
      });
    }
    this.#count();
  }

  has({ way, kind }) {
    // What is not known here is of a newer server, and shown.
    return this.#boxes.get(`${way}:${kind}`)?.checked ?? true;
  }

  /** What the server is asked for: nothing for what it sends anyway. */
  get asked() {
    const chosen = [...this.#boxes].filter(([, box]) => box.checked);
    const others = [...this.#boxes].filter(([, box]) => !box.checked);
    if (others.length === 1 && others[0][0] === `in:${USUALLY_NOT}`) return "";
    return [...new Set(chosen.map(([name]) => name.split(":")[1]))].join(",");
  }

  #boxOf(way, kind) {
    const label = document.createElement("label");
    const box = document.createElement("input");
    box.type = "checkbox";
    box.checked = kind !== USUALLY_NOT;
    this.#boxes.set(`${way}:${kind}`, box);
    label.append(box, ` ${kind}`);
    return label;
  }

  #said() {
    this.#count();
    this.#changed();
  }

  #count() {
    const chosen = [...this.#boxes.values()].filter((box) => box.checked).length;
    const text = this.asked === "" ? "" : ` ${chosen} of ${this.#boxes.size}`;
    this.#menu.querySelector("summary span").textContent = text;
  }
}
