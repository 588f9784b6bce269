// The characters as cards: one is chosen, and each lets its voice be heard.

import { avatar } from "./avatar.js";
import { el } from "../page/dom.js";
import { translate } from "../page/i18n.js";

const SAMPLES = {
  en: "Hello there, traveller. What brings you here so late?",
  zh: "你好，旅行者。这么晚了，你来做什么？",
  ja: "こんばんは、旅のお方。こんな夜更けに、どうなさいましたか。",
};
const NAMES = { en: "English", zh: "中文", ja: "日本語" };
const TAGS = { en: "EN", zh: "中文", ja: "日本" };

// Event: `chosen`, with `name`.
export class Cards extends EventTarget {
  #cast;
  #performer;
  #filter = "";
  #list = el("ul", { class: "cards" });
  #filters = el("div", { class: "filters", role: "group", "t-label": "voices.filter" });

  constructor(root, { cast, performer, failed }) {
    super();
    this.#cast = cast;
    this.#performer = performer;
    this.failed = failed;
    this.name = "";
    root.append(
      el("div", { class: "heading" }, el("h2", { id: "voices-title", t: "voices" }), this.#filters),
      el("div", { class: "shelf", role: "radiogroup", "aria-labelledby": "voices-title" }, this.#list),
    );
    this.#list.addEventListener("change", ({ target }) => this.#choose(target.value));
    cast.addEventListener("changed", () => this.#show());
    performer.addEventListener("state", () => this.#mark());
    this.#show();
  }

  // Shows somebody as chosen.
  select(name) {
    this.name = name;
    for (const radio of this.#list.querySelectorAll("input")) radio.checked = radio.value === name;
  }

  #choose(name) {
    this.name = name;
    this.dispatchEvent(Object.assign(new Event("chosen"), { name }));
  }

  #show() {
    const languages = [...new Set(this.#cast.all.map(({ language }) => language))];
    this.#filters.replaceChildren(...["", ...languages].map((language) => this.#chip(language)));
    const shown = this.#cast.all.filter(({ language }) => !this.#filter || language === this.#filter);
    this.#list.replaceChildren(this.#anybody(), ...shown.map((each) => this.#card(each)));
    translate(this.#list.closest("section"));
    this.select(this.name);
  }

  #chip(language) {
    const label = language ? { lang: language } : { t: "voices.all" };
    return el(
      "button",
      {
        ...label,
        class: "button quiet",
        type: "button",
        "aria-pressed": String(language === this.#filter),
        onclick: () => {
          this.#filter = language;
          this.#show();
          this.#filters.querySelector("[aria-pressed=true]").focus();
        },
      },
      NAMES[language] ?? language,
    );
  }

  #anybody() {
    return el(
      "li",
      { class: "card" },
      el(
        "label",
        {},
        el("input", { type: "radio", name: "voice", value: "", class: "hidden" }),
        el("span", { class: "portrait" }, avatar({ name: "yamabiko" })),
        el(
          "span",
          { class: "who" },
          el("strong", { t: "character.any" }),
          el("span", { class: "soft", t: "voices.any" }),
        ),
      ),
    );
  }

  #card(character) {
    const { name, display_name: shown, languages, language, description, licence, source } = character;
    const tags = [language, ...languages.filter((each) => each !== language && each !== "mix")];
    return el(
      "li",
      { class: "card" },
      el(
        "label",
        {},
        el("input", { type: "radio", name: "voice", value: name, class: "hidden" }),
        el("span", { class: "portrait" }, avatar(character)),
        el(
          "span",
          { class: "who" },
          el("strong", {}, shown),
          el(
            "span",
            { class: "tags" },
            ...tags.map((each) =>
              el("span", { class: "tag", lang: each, title: NAMES[each] ?? each }, TAGS[each] ?? each),
            ),
          ),
          description && el("span", { class: "soft about", lang: "en" }, description),
          licence && el("span", { class: "soft licence", title: source || null, lang: "en" }, licence),
        ),
      ),
      el(
        "button",
        {
          class: "button round play",
          type: "button",
          "data-sample": name,
          onclick: () => this.#sample(character),
        },
        el("span", { class: "hidden" }, el("span", { t: "voices.sample" }), ` ${shown}`),
      ),
    );
  }

  #sample({ name, language }) {
    if (this.playing === name) return this.#performer.stop();
    const line = {
      text: SAMPLES[language] ?? SAMPLES.en,
      character: name,
      language: SAMPLES[language] ? language : "auto",
    };
    const over = () => {
      if (this.playing === name) this.playing = null;
      this.#mark();
    };
    this.#performer.say(line, { ended: over, stopped: over, failed: this.failed });
    this.playing = name;
    return this.#mark();
  }

  #mark() {
    for (const button of this.#list.querySelectorAll("[data-sample]")) {
      button.dataset.playing = String(button.dataset.sample === this.playing);
    }
  }
}

// The characters in a select, by the language that they are native in.
export function fillSelect(select, cast) {
  const { value } = select;
  for (const group of select.querySelectorAll("optgroup")) group.remove();
  const languages = [...new Set(cast.all.map(({ language }) => language))];
  for (const language of languages) {
    const ours = cast.all.filter((each) => each.language === language);
    select.append(
      el(
        "optgroup",
        { label: NAMES[language] ?? language },
        ...ours.map((each) => el("option", { value: each.name }, each.display_name)),
      ),
    );
  }
  select.value = cast.get(value)?.name ?? "";
}
