// The characters that can speak, as the server lists them.

import { requestJson } from "../server/http.js";

export const LANGUAGE_NAMES = { en: "English", zh: "中文", ja: "日本語" };

// Event: `changed`.
export class CharacterList extends EventTarget {
  #all = [];
  #byName = new Map(); // also by their other names

  async load() {
    const { characters } = await requestJson("/api/characters");
    this.#all = characters;
    this.#byName = new Map(characters.flatMap((each) => [...each.aliases, each.name].map((name) => [name, each])));
    this.dispatchEvent(new Event("changed"));
  }

  get all() {
    return this.#all;
  }

  get(name) {
    return this.#byName.get(name) ?? null;
  }

  // The languages that characters are native in, in the order of the characters.
  get languages() {
    return [...new Set(this.#all.map(({ language }) => language))];
  }

  // The characters that are native in a language.
  nativeIn(language) {
    return this.#all.filter((each) => each.language === language);
  }
}
