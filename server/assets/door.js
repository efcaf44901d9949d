// The door: asks who it is, and where to.

import { byId, make, setText, sync } from "./dom.js";

export class Door {
  #asksToken = false;
  #isKnocking = false;

  /** `knock({name, token, topic})` is told who wants to come in. */
  constructor(knock) {
    byId("enter").addEventListener("submit", async (event) => {
      event.preventDefault();
      if (this.#isKnocking) return;
      const [name, token, topic] = ["name", "token", "room"].map((id) => byId(id).value.trim());
      this.complain();
      if (!this.#asksToken && !name) {
        this.complain("Please say who you are.");
        byId("name").focus();
        return;
      }
      this.#isKnocking = true;
      try {
        await knock({ name, token, topic });
      } finally {
        this.#isKnocking = false;
      }
    });
  }

  /** Asks for a token or a name, with what is known of it, the room, and why one is here. */
  open({ asksToken, name, topic, rooms, why }) {
    this.#asksToken = asksToken;
    byId("welcome").hidden = false;
    byId("name-field").hidden = asksToken;
    byId("token-field").hidden = !asksToken;
    byId("name").value = name;
    byId("room").value = topic;
    sync(byId("room-names"), rooms.map((room) => ({ key: room.topic, make: () => make("option", { value: room.topic }) })));
    this.complain(why);
    byId(asksToken ? "token" : "name").focus();
  }

  close() {
    byId("welcome").hidden = true;
    byId("token").value = "";
  }

  complain(why) {
    byId("enter-error").hidden = !why;
    setText(byId("enter-error"), why ?? "");
  }
}
