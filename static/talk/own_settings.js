// Choices for one voice of a converter: changed and forgotten, for the voice that is chosen now.

import { UNTOUCHED } from "./settings.js";

const MOST_VOICES = 100; // whose settings are stored

export function setOwn(settings, changes) {
  const { character, voices } = settings.values;
  const { [character]: before, ...others } = voices;
  const kept = Object.fromEntries(Object.entries(others).slice(1 - MOST_VOICES));
  settings.set("voices", { ...kept, [character]: { ...UNTOUCHED, ...before, ...changes } });
}

export function setOption(settings, name, value) {
  setOwn(settings, { options: { ...settings.own.options, [name]: value } });
}

export function forgetOwn(settings) {
  setOwn(settings, UNTOUCHED);
}
