// The lines that were said here, newest first, with a search. They are stored in this browser only.

import { el } from "../page/dom.js";
import { formatMoment, languageEvents, loadTexts, t, translate } from "../page/i18n.js";
import { readStorage, writeStorage } from "../page/storage.js";

const MOST_LINES = 200;
const MOST_CHARACTERS = 100_000; // of all lines together: browsers store about 5 MB for a host
const MOST_SHOWN = 40;

// The lines with one more: each once, and of the oldest only so many as there is room for.
export function withLine(lines, line) {
  const all = [line, ...lines.filter((each) => !isSame(each, line))].slice(0, MOST_LINES);
  let left = MOST_CHARACTERS;
  return all.filter((each, i) => {
    left -= each.text.length;
    return left >= 0 || i === 0;
  });
}

// The lines that have every word of a query, in their text or in the names of their voices.
export function searchLines(lines, query) {
  const words = normalized(query).split(/\s+/).filter(Boolean);
  return lines.filter((line) => {
    const text = normalized(`${line.text} ${speakerOf(line)} ${line.then ?? ""}`);
    return words.every((word) => text.includes(word));
  });
}

const normalized = (text) => text.normalize("NFKC").toLowerCase();
const speakerOf = ({ by, character }) => by ?? character; // `by`: who spoke a line that left it open

const identity = ({ text, character, language, noaccent, speed, seed, engine, then }) =>
  JSON.stringify([text, character, language, noaccent, speed, seed, engine, then || ""]);
const isSame = (one, other) => identity(one) === identity(other);

const isLine = (each) => typeof each?.text === "string" && typeof each.at === "number";

export class History {
  #lines;
  #characters;
  #say;
  #edit;
  #list = el("ol", { class: "lines" });
  #search = el("input", {
    id: "search",
    type: "search",
    "t-placeholder": "history.search",
    "t-label": "history.search",
  });
  #clear = el("button", { class: "button quiet", type: "button", t: "history.clear", onclick: () => this.#clearAll() });

  // `say` says a line again, `edit` puts it into the form.
  constructor(root, { characters, say, edit }) {
    const stored = readStorage("history");
    this.#lines = Array.isArray(stored) ? stored.filter(isLine).slice(0, MOST_LINES) : [];
    this.#characters = characters;
    this.#say = say;
    this.#edit = edit;
    root.append(
      el("div", { class: "heading" }, el("h2", { id: "history-title", t: "history" }), this.#clear),
      this.#search,
      this.#list,
      el("p", { class: "soft small", t: "history.note" }),
    );
    this.#search.addEventListener("input", () => this.#show());
    characters.addEventListener("changed", () => this.#show());
    languageEvents.addEventListener("change", () => this.#show());
    translate(root);
    this.#show();
  }

  add(line) {
    this.#store(withLine(this.#lines, { ...line, at: Date.now() }));
  }

  // Notes who spoke a line that left it open.
  setSpeaker(line, by) {
    this.#store(this.#lines.map((each) => (isSame(each, line) ? { ...each, by } : each)));
  }

  #store(lines) {
    this.#lines = lines;
    writeStorage("history", lines);
    this.#show();
  }

  #clearAll() {
    this.#store([]);
    this.#search.value = "";
    this.#search.focus();
  }

  #show() {
    const found = searchLines(this.#lines, this.#search.value);
    const items = found.slice(0, MOST_SHOWN).map((line) => this.#item(line));
    const more = found.length - MOST_SHOWN;
    if (!found.length) items.push(remark({ t: this.#lines.length ? "history.none" : "history.empty" }));
    if (more > 0) items.push(remark({}, t("history.more", { count: more })));
    this.#list.replaceChildren(...items);
    this.#clear.hidden = this.#lines.length === 0;
    translate(this.#list);
    if (this.#lines.length) this.#translateItems().catch(() => {}); // the server is gone: their icons stay
  }

  async #translateItems() {
    await loadTexts("later/");
    translate(this.#list.parentNode);
  }

  #item(line) {
    const name = speakerOf(line);
    const speaker = this.#characters.get(name)?.display_name ?? (name || t("character.any"));
    const voices = line.then ? `${speaker} → ${this.#characters.voiceName(line.then)}` : speaker;
    return el(
      "li",
      {},
      el(
        "button",
        { class: "again", type: "button", onclick: () => this.#say(line) },
        el("span", { class: "hidden", t: "history.again" }),
        " ",
        el("span", { class: "text" }, line.text),
        el("span", { class: "soft small" }, `${voices} · ${formatMoment(line.at)}`),
      ),
      iconButton("✎", "history.edit", () => this.#edit(line)),
      iconButton("✕", "history.forget", () => this.#store(this.#lines.filter((each) => each !== line))),
    );
  }
}

function remark(attributes, ...children) {
  return el("li", { class: "soft none", ...attributes }, ...children);
}

function iconButton(icon, key, onclick) {
  return el("button", { class: "button quiet", type: "button", "t-label": key, "t-title": key, onclick }, icon);
}
