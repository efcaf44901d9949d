// What does not get right by itself, and what can be done about it.

import { byId, make, setText, sync } from "./dom.js";

/** Shows it, `{text, actions}`, or that there is none. Gives whether the focus went with it. */
export function showTrouble(trouble) {
  const box = byId("trouble");
  const focused = document.activeElement;
  const hadFocus = box.contains(focused);
  box.hidden = !trouble;
  tellTrouble(trouble?.text ?? "");
  const rows = Object.entries(trouble?.actions ?? {}).map(([name, act]) => ({
    key: name,
    make: () => make("button", { type: "button" }, name),
    update: (button) => (button.onclick = act),
  }));
  // Somebody may be about to press one of them, so those that stay are the same.
  sync(byId("trouble-actions"), rows);
  return hadFocus && (box.hidden || !box.contains(focused));
}

export const tellTrouble = (text) => setText(byId("trouble-text"), text);
