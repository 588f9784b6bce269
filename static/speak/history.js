// The lines that were said here, newest first, with a search; they are kept in this browser alone.

import { el } from "../page/dom.js";
import { changes, moment, t, translate } from "../page/i18n.js";
import { keep, kept } from "../page/storage.js";

const MOST_LINES = 200;
const MOST_SIGNS = 100_000; // of all lines together
const SHOWN = 40;

// Which lines stay when there is one more: the newest, so many and so long, each once.
export function withLine(lines, line) {
  const found = [line, ...lines.filter((each) => !same(each, line))].slice(0, MOST_LINES);
  let left = MOST_SIGNS;
  return found.filter((each, i) => {
    left -= each.text.length;
    return left >= 0 || i === 0;
  });
}

// Those that hold every word that is looked for, in their text or in the name of who spoke.
export function found(lines, wanted) {
  const words = wanted.normalize("NFKC").toLowerCase().split(/\s+/).filter(Boolean);
  return lines.filter((line) => {
    const text = `${line.text} ${line.by ?? line.character}`.normalize("NFKC").toLowerCase();
    return words.every((word) => text.includes(word));
  });
}

const facts = ({ text, character, language, noaccent, speed, seed, engine }) =>
  JSON.stringify([text, character, language, noaccent, speed, seed, engine]);
const same = (one, other) => facts(one) === facts(other);

const isLine = (each) => typeof each?.text === "string" && typeof each.at === "number";

export class History {
  #lines;
  #cast;
  #list = el("ol", { class: "lines" });
  #search = el("input", {
    id: "search",
    type: "search",
    "t-placeholder": "history.search",
    "t-label": "history.search",
  });
  #forget = el("button", { class: "button quiet", type: "button", t: "history.clear", onclick: () => this.#clear() });

  constructor(root, { cast, perform, edit }) {
    const stored = kept("history");
    this.#lines = Array.isArray(stored) ? stored.filter(isLine).slice(0, MOST_LINES) : [];
    this.#cast = cast;
    this.perform = perform;
    this.edit = edit;
    root.append(
      el("div", { class: "heading" }, el("h2", { id: "history-title", t: "history" }), this.#forget),
      this.#search,
      this.#list,
      el("p", { class: "soft small", t: "history.note" }),
    );
    this.#search.addEventListener("input", () => this.#show());
    cast.addEventListener("changed", () => this.#show());
    changes.addEventListener("language", () => this.#show());
    translate(root);
    this.#show();
  }

  add(line) {
    this.#keep(withLine(this.#lines, { ...line, at: Date.now() }));
  }

  // Who spoke it, where the line left that open.
  spoken(line, by) {
    this.#keep(this.#lines.map((each) => (same(each, line) ? { ...each, by } : each)));
  }

  #keep(lines) {
    this.#lines = lines;
    keep("history", lines);
    this.#show();
  }

  #clear() {
    this.#keep([]);
    this.#search.value = "";
    this.#search.focus();
  }

  #show() {
    const all = found(this.#lines, this.#search.value);
    const shown = all.slice(0, SHOWN).map((line) => this.#item(line));
    if (!all.length)
      shown.push(el("li", { class: "soft none", t: this.#lines.length ? "history.none" : "history.empty" }));
    if (all.length > SHOWN)
      shown.push(el("li", { class: "soft none" }, t("history.more", { count: all.length - SHOWN })));
    this.#list.replaceChildren(...shown);
    this.#forget.hidden = this.#lines.length === 0;
    translate(this.#list);
  }

  #item(line) {
    const name = line.by ?? line.character;
    const who = this.#cast.get(name)?.display_name ?? (name || t("character.any"));
    return el(
      "li",
      {},
      el(
        "button",
        { class: "again", type: "button", onclick: () => this.perform(line) },
        el("span", { class: "hidden", t: "history.again" }),
        " ",
        el("span", { class: "text" }, line.text),
        el("span", { class: "soft small" }, `${who} · ${moment(line.at)}`),
      ),
      el(
        "button",
        {
          class: "button quiet",
          type: "button",
          "t-label": "history.edit",
          "t-title": "history.edit",
          onclick: () => this.edit(line),
        },
        "✎",
      ),
      el(
        "button",
        {
          class: "button quiet",
          type: "button",
          "t-label": "history.forget",
          "t-title": "history.forget",
          onclick: () => this.#keep(this.#lines.filter((each) => each !== line)),
        },
        "✕",
      ),
    );
  }
}
