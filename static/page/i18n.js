// The page in the reader's language: texts by key, and the elements that name one. Only the texts of the
// language that is spoken are fetched.
// `data-t` is an element's text, `data-t-label` its aria-label, `data-t-placeholder` its placeholder.

import { kept, keep } from "./storage.js";

export const LANGUAGES = ["en", "zh", "ja"];
const ATTRIBUTES = { "t-label": "aria-label", "t-placeholder": "placeholder", "t-title": "title" };

let texts = {};
export const changes = new EventTarget(); // `language`, when the page speaks another one
let spoken = "en";

export const language = () => spoken;

// A text with its {values} filled in.
export function t(key, values = {}) {
  return (texts[key] ?? key).replace(/\{(\w+)\}/g, (whole, name) => values[name] ?? whole);
}

export function translate(root = document) {
  for (const each of root.querySelectorAll("[data-t]")) each.textContent = t(each.dataset.t);
  for (const [name, attribute] of Object.entries(ATTRIBUTES)) {
    for (const each of root.querySelectorAll(`[data-${name}]`)) {
      each.setAttribute(attribute, t(each.getAttribute(`data-${name}`)));
    }
  }
}

export async function choose(wanted) {
  await speak(wanted);
  keep("language", spoken);
}

// What was chosen here before, else the first of the browser's languages that the page has.
export async function begin() {
  const wishes = [kept("language"), ...(navigator.languages ?? [])];
  const found = wishes.map((wish) => String(wish ?? "").slice(0, 2)).find((wish) => LANGUAGES.includes(wish));
  await speak(found ?? "en");
}

async function speak(wanted) {
  const { words } = await import(`../words/${wanted}.js`);
  spoken = wanted;
  texts = words;
  document.documentElement.lang = spoken;
  translate();
  changes.dispatchEvent(new Event("language"));
}

const TAGS = { en: "en", zh: "zh-CN", ja: "ja" };

export const number = (value, most = 0) =>
  new Intl.NumberFormat(TAGS[spoken], { maximumFractionDigits: most }).format(value);

const UNITS = ["B", "kB", "MB", "GB", "TB"];

export function bytes(count) {
  let left = count;
  let unit = 0;
  while (left >= 1000 && unit < UNITS.length - 1) {
    left /= 1000;
    unit += 1;
  }
  return `${number(left, left < 10 && unit > 0 ? 1 : 0)} ${UNITS[unit]}`;
}

export const moment = (milliseconds) =>
  new Intl.DateTimeFormat(TAGS[spoken], { dateStyle: "short", timeStyle: "short" }).format(milliseconds);

export const seconds = (value) => t("unit.seconds", { value: number(value, 1) });
export const milliseconds = (value) => t("unit.milliseconds", { value: number(value) });
