// Light or dark: as the system has it, until a person says otherwise.

import { keep, kept } from "./storage.js";

export function theme(select) {
  const show = (name) => {
    if (name) document.documentElement.dataset.theme = name;
    else delete document.documentElement.dataset.theme;
    document.dispatchEvent(new Event("theme"));
  };
  select.value = kept("theme") ?? "";
  show(select.value);
  select.addEventListener("change", () => {
    keep("theme", select.value);
    show(select.value);
  });
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => show(select.value));
}
