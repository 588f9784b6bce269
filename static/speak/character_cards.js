// The cards of the characters: one is chosen, and each lets its voice be heard.

import { el } from "../page/dom.js";
import { translate } from "../page/i18n.js";
import { avatar } from "./avatar.js";
import { LANGUAGE_NAMES } from "./characters.js";

const SAMPLES = {
  en: "Hello there, traveller. What brings you here so late?",
  zh: "你好，旅行者。这么晚了，你来做什么？",
  ja: "こんばんは、旅のお方。こんな夜更けに、どうなさいましたか。",
};
const TAGS = { en: "EN", zh: "中文", ja: "日本" };

// Event: `chosen`, with `name`.
export class CharacterCards extends EventTarget {
  #characters;
  #linePlayer;
  #onFailed;
  #language = ""; // that is shown alone; empty: all
  #chosen = "";
  #playing = null; // the name of the character whose sample is heard
  #list = el("ul", { class: "cards" });
  #filters = el("div", { class: "filters", role: "group", "t-label": "voices.filter" });

  constructor(root, { characters, linePlayer, onFailed }) {
    super();
    this.#characters = characters;
    this.#linePlayer = linePlayer;
    this.#onFailed = onFailed;
    root.append(
      el("div", { class: "heading" }, el("h2", { id: "voices-title", t: "voices" }), this.#filters),
      el("div", { class: "shelf", role: "radiogroup", "aria-labelledby": "voices-title" }, this.#list),
    );
    this.#list.addEventListener("change", ({ target }) => this.#choose(target.value));
    characters.addEventListener("changed", () => this.#show());
    linePlayer.addEventListener("state", () => this.#markPlaying());
    this.#show();
  }

  // Shows a character as chosen; an empty name is the card of the language's own.
  select(name) {
    this.#chosen = name;
    for (const radio of this.#list.querySelectorAll("input")) radio.checked = radio.value === name;
  }

  #choose(name) {
    this.#chosen = name;
    this.dispatchEvent(Object.assign(new Event("chosen"), { name }));
  }

  #show() {
    const { all, languages } = this.#characters;
    this.#filters.replaceChildren(...["", ...languages].map((language) => this.#filter(language)));
    const shown = this.#language ? this.#characters.nativeIn(this.#language) : all;
    this.#list.replaceChildren(anyCard(), ...shown.map((each) => this.#card(each)));
    translate(this.#list.closest("section"));
    this.select(this.#chosen);
  }

  #filter(language) {
    const label = language ? { lang: language } : { t: "voices.all" };
    return el(
      "button",
      {
        ...label,
        class: "button quiet",
        type: "button",
        "aria-pressed": String(language === this.#language),
        onclick: () => {
          this.#language = language;
          this.#show();
          this.#filters.querySelector("[aria-pressed=true]").focus();
        },
      },
      LANGUAGE_NAMES[language] ?? language,
    );
  }

  #card(character) {
    const { name, display_name: shown } = character;
    const play = el(
      "button",
      { class: "button round play", type: "button", "data-sample": name, onclick: () => this.#toggleSample(character) },
      el("span", { class: "hidden" }, el("span", { t: "voices.sample" }), ` ${shown}`),
    );
    return card(name, character, about(character), play);
  }

  #toggleSample({ name, language }) {
    if (this.#playing === name) {
      this.#linePlayer.stop();
      return;
    }
    const line = {
      text: SAMPLES[language] ?? SAMPLES.en,
      character: name,
      language: SAMPLES[language] ? language : "auto",
    };
    const leave = () => {
      if (this.#playing === name) this.#playing = null;
      this.#markPlaying();
    };
    this.#linePlayer.say(line, { ended: leave, stopped: leave, failed: this.#onFailed });
    this.#playing = name; // after `say`, which stops the sample before
    this.#markPlaying();
  }

  #markPlaying() {
    for (const button of this.#list.querySelectorAll("[data-sample]")) {
      button.dataset.playing = String(button.dataset.sample === this.#playing);
    }
  }
}

// The card that leaves the choice to the language.
function anyCard() {
  return card("", { name: "yamabiko" }, [
    el("strong", { t: "character.any" }),
    el("span", { class: "soft", t: "voices.any" }),
  ]);
}

function card(value, character, description, ...buttons) {
  return el(
    "li",
    { class: "card" },
    el(
      "label",
      {},
      el("input", { type: "radio", name: "voice", value, class: "hidden" }),
      el("span", { class: "portrait" }, avatar(character)),
      el("span", { class: "who" }, ...description),
    ),
    ...buttons,
  );
}

function about({ display_name: shown, language, languages, description, licence, source }) {
  const spoken = [language, ...languages.filter((each) => each !== language && each !== "mix")];
  const tags = spoken.map((each) =>
    el("span", { class: "tag", lang: each, title: LANGUAGE_NAMES[each] ?? each }, TAGS[each] ?? each),
  );
  return [
    el("strong", {}, shown),
    el("span", { class: "tags" }, ...tags),
    description && el("span", { class: "soft about", lang: "en" }, description),
    licence && el("span", { class: "soft licence", title: source || null, lang: "en" }, licence),
  ];
}
