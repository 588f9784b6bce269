// The characters that can speak and the voices of converters, as the server lists them.

import { requestJson } from "../server/http.js";

export const LANGUAGE_NAMES = { en: "English", zh: "中文", ja: "日本語" };

// Event: `changed`.
export class CharacterList extends EventTarget {
  #all = [];
  #byName = new Map(); // also by their other names
  #converterVoices = [];

  async load() {
    const { characters, converter_voices: voices, converter_models: groups } = await requestJson("/api/characters");
    this.#all = characters;
    this.#byName = new Map(characters.flatMap((each) => [...each.aliases, each.name].map((name) => [name, each])));
    this.#converterVoices = [...voices.map(voiceOfCard), ...groups.flatMap(voicesOfModels)];
    this.dispatchEvent(new Event("changed"));
  }

  get all() {
    return this.#all;
  }

  // The voices into which others are changed: {name, shown, asked, key, formant, options}. `name` is a character's, or
  // the id of a model without a card; `asked` is what a request says to get it.
  get converterVoices() {
    return this.#converterVoices;
  }

  get(name) {
    return this.#byName.get(name) ?? null;
  }

  // The name of a converter's voice for people.
  voiceName(name) {
    return this.#converterVoices.find((each) => each.name === name)?.shown ?? name;
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

const voiceOfCard = ({ name, display_name: shown, key, formant, options }) => {
  return { name, shown, asked: { character: name }, key, formant, options };
};

const voicesOfModels = ({ options, models }) =>
  models.map(({ id, formant }) => ({ name: id, shown: id, asked: { engine: id }, key: 0, formant, options }));
