// Who is in a room, by what Phoenix's presence says. Each user once, with the devices it is there by.

const TYPING_MS = 8_000;
/** How long a page that was closed may take to come back, as it does after a reload. */
const RELOAD_MS = 4_000;
/** There may be thousands, and each who comes or goes puts them in order anew. */
const byName = new Intl.Collator().compare;

export class Presence {
  #users = new Map();

  /** Takes the list as it stands. */
  set(state) {
    const earlier = this.#users;
    this.#users = new Map();
    for (const [user, { metas }] of Object.entries(state)) {
      for (const meta of metas) this.#put(user, meta, earlier.get(user)?.get(meta.phx_ref));
    }
  }

  /** Takes what has changed: what takes the place of another first, so that nobody seems to go. */
  change({ joins, leaves }) {
    for (const [user, { metas }] of Object.entries(joins)) {
      for (const meta of metas) {
        const previous = this.#users.get(user)?.get(meta.phx_ref_prev);
        this.#put(user, meta, previous);
        if (previous) this.#users.get(user).delete(meta.phx_ref_prev);
      }
    }
    for (const [user, { metas }] of Object.entries(leaves)) {
      const devices = this.#users.get(user);
      for (const meta of metas) devices?.delete(meta.phx_ref);
      if (devices?.size === 0) this.#users.delete(user);
    }
  }

  /** When somebody's typing was seen last, a moment ago means that it goes on. */
  #put(user, meta, previous) {
    if (!this.#users.has(user)) this.#users.set(user, new Map());
    const isNews = meta.typing && meta.typing !== previous?.typing;
    const typedAt = isNews ? Date.now() : meta.typing ? previous.typedAt : 0;
    // Of a page that this one has never seen open, nobody waits for the reload.
    const goneAt = meta.closed === true ? (previous ? (previous.goneAt ?? Date.now()) : 0) : undefined;
    this.#users.get(user).set(meta.phx_ref, { away: meta.away === true, typing: meta.typing, typedAt, goneAt });
  }

  clear() {
    this.#users.clear();
  }

  /**
   * Everybody by name, and when that changes by itself: somebody who types will seem to have
   * stopped, or a page that was closed has not come back.
   */
  list() {
    const now = Date.now();
    let until = Infinity;
    const people = [];
    for (const [user, devices] of this.#users) {
      const metas = [...devices.values()].filter(({ goneAt }) => goneAt === undefined || goneAt + RELOAD_MS > now);
      if (metas.length === 0) continue;
      for (const { goneAt } of metas) until = Math.min(until, (goneAt ?? Infinity) + RELOAD_MS);
      const typing = metas.filter(({ typedAt }) => typedAt + TYPING_MS > now);
      for (const { typedAt } of typing) until = Math.min(until, typedAt + TYPING_MS);
      people.push({ user, devices: metas.length, away: metas.every(({ away }) => away), typing: typing.length > 0 });
    }
    people.sort((a, b) => a.away - b.away || byName(a.user, b.user));
    return { people, untilMs: until - now };
  }
}
