// Who there is to speak, as the server lists them.

import { ask } from "../server/http.js";

// Event: `changed`.
export class Cast extends EventTarget {
  #all = [];
  #named = new Map();

  async load() {
    const { characters } = await ask("/api/characters");
    this.#all = characters;
    this.#named = new Map(characters.flatMap((each) => [...each.aliases, each.name].map((name) => [name, each])));
    this.dispatchEvent(new Event("changed"));
  }

  get all() {
    return this.#all;
  }

  get(name) {
    return this.#named.get(name) ?? null;
  }
}
