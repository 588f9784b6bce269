// Texts of the page in the reader's language, by key; numbers and times as that language writes them.
// An element names its texts: `data-t` its own, `data-t-label` its aria-label, `data-t-placeholder` its placeholder,
// `data-t-title` its title, `data-t-group` the label of a group of options. Only the texts of the language that is shown are fetched, so that the first load is light;
// `words/errors/` has those of errors, `words/later/` those of modules that are fetched later, `words/docs/` those of the
// page of the API.

import { readStorage, writeStorage } from "./storage.js";

export const LANGUAGES = ["en", "zh", "ja"];
const LOCALES = { en: "en", zh: "zh-CN", ja: "ja" };
const ATTRIBUTES = { "t-label": "aria-label", "t-placeholder": "placeholder", "t-title": "title", "t-group": "label" };
const BYTE_UNITS = ["B", "kB", "MB", "GB", "TB"];

const folders = new Set([""]); // of `words`, whose texts are there

let wanted = "en"; // the language that is shown as soon as its texts are there
let shown = "en";
let texts = {};

export const languageEvents = new EventTarget(); // `change`: the page shows another language

export const shownLanguage = () => shown;

// A text with its {values} filled in.
export function t(key, values = {}) {
  return (texts[key] ?? key).replace(/\{(\w+)\}/g, (whole, name) => values[name] ?? whole);
}

// A text, or else what the server says: a newer server has codes that this page does not have.
export const textOr = (key, message) => (key in texts ? t(key) : message);

// Fetches the texts of one more folder of `words`, such as `later/`.
export async function loadTexts(folder) {
  folders.add(folder);
  try {
    await readTexts();
  } catch (error) {
    folders.delete(folder);
    throw error;
  }
}

async function readTexts() {
  const asked = () => [...folders].map((folder) => `../words/${folder}${wanted}.js`);
  let paths;
  let files;
  do {
    paths = asked();
    files = await Promise.all(paths.map((path) => import(path)));
  } while (`${paths}` !== `${asked()}`); // another language or folder was asked for meanwhile
  shown = wanted;
  texts = Object.assign({}, ...files.map(({ words }) => words));
}

// The sentence for an error. Its texts are fetched with the first one; where that fails, the server's words stay.
export async function errorText(error) {
  try {
    return await (await import("./error_text.js")).localErrorText(error);
  } catch {
    return [error.message, error.hint].filter(Boolean).join(" ");
  }
}

export function translate(root = document) {
  for (const each of root.querySelectorAll("[data-t]")) each.textContent = t(each.dataset.t);
  for (const [name, attribute] of Object.entries(ATTRIBUTES)) {
    for (const each of root.querySelectorAll(`[data-${name}]`)) {
      each.setAttribute(attribute, t(each.getAttribute(`data-${name}`)));
    }
  }
}

// Gives an element a text by its key. A text that is there already is left alone: a screen reader would say it again.
export function setText(element, key) {
  if (element.dataset.t === key && element.textContent) return;
  element.dataset.t = key;
  element.textContent = t(key);
}

export async function chooseLanguage(language) {
  await showLanguage(language);
  writeStorage("language", language);
}

// Shows the language that was chosen here before, else the first of the browser's languages that the page has.
export async function showFirstLanguage() {
  const tags = [readStorage("language"), ...(navigator.languages ?? [])];
  const languages = tags.map((tag) => String(tag ?? "").slice(0, 2));
  await showLanguage(languages.find((language) => LANGUAGES.includes(language)) ?? "en");
}

async function showLanguage(language) {
  wanted = language;
  await readTexts();
  document.documentElement.lang = shown;
  translate();
  languageEvents.dispatchEvent(new Event("change"));
}

export const formatNumber = (value, maximumFractionDigits = 0) =>
  new Intl.NumberFormat(LOCALES[shown], { maximumFractionDigits }).format(value);

export function formatBytes(count) {
  let value = count;
  let unit = 0;
  while (value >= 1000 && unit < BYTE_UNITS.length - 1) {
    value /= 1000;
    unit += 1;
  }
  return `${formatNumber(value, value < 10 && unit > 0 ? 1 : 0)} ${BYTE_UNITS[unit]}`;
}

export const formatMoment = (milliseconds) =>
  new Intl.DateTimeFormat(LOCALES[shown], { dateStyle: "short", timeStyle: "short" }).format(milliseconds);

// A time in minutes, hours or days.
export function formatDuration(seconds) {
  const days = Math.floor(seconds / 86400);
  const hours = Math.floor(seconds / 3600) % 24;
  const minutes = Math.floor(seconds / 60) % 60;
  if (days) return t("unit.days", { days, hours });
  return hours ? t("unit.hours", { hours, minutes }) : t("unit.minutes", { minutes });
}

export const formatSeconds = (value) => t("unit.seconds", { value: formatNumber(value, 1) });
export const formatMilliseconds = (value) => t("unit.milliseconds", { value: formatNumber(value) });
