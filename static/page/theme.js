// The switch between light and dark: as the system has it, until the reader chooses.

import { readStorage, writeStorage } from "./storage.js";

// The document gets the event `theme` when colours may have changed, for what is drawn by code.
export function setUpTheme(select) {
  const show = (name) => {
    if (name) document.documentElement.dataset.theme = name;
    else delete document.documentElement.dataset.theme;
    document.dispatchEvent(new Event("theme"));
  };
  select.value = readStorage("theme") ?? "";
  show(select.value);
  select.addEventListener("change", () => {
    writeStorage("theme", select.value);
    show(select.value);
  });
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => show(select.value));
}
