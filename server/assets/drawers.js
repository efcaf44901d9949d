// The lists beside the messages where there is no room beside them: drawers, one at a time.

import { byId, make } from "./dom.js";

const veil = make("div", { class: "veil", hidden: true });
const behind = (drawer) => [...byId("app").children].filter((element) => element !== drawer && element !== veil);
let open;

function show(drawer, button) {
  drawers.close();
  open = { drawer, button };
  drawer.classList.add("shown");
  button.setAttribute("aria-expanded", "true");
  veil.hidden = false;
  for (const element of behind(drawer)) element.inert = true;
  const heading = drawer.querySelector("h2");
  heading.tabIndex = -1;
  heading.focus();
}

export const drawers = {
  close() {
    if (!open) return;
    const { drawer, button } = open;
    open = undefined;
    drawer.classList.remove("shown");
    button.setAttribute("aria-expanded", "false");
    veil.hidden = true;
    for (const element of behind(drawer)) element.inert = false;
    button.focus();
  },
};

for (const name of ["rooms", "people"]) {
  const button = byId(`show-${name}`);
  button.addEventListener("click", () => show(byId(name), button));
  byId(name).querySelector(".close").addEventListener("click", drawers.close);
}
veil.addEventListener("click", drawers.close);
document.addEventListener("keydown", ({ key }) => key === "Escape" && drawers.close());
// What is a drawer no longer is not one that is open.
for (const width of ["44rem", "62rem"]) matchMedia(`(max-width: ${width})`).addEventListener("change", drawers.close);
byId("app").append(veil);
