// The form of a line: its text, who speaks it and how, and the keys and buttons that say it and stop it.

import { byId, el } from "../page/dom.js";
import { readStorage, writeStorage } from "../page/storage.js";
import { LANGUAGE_NAMES } from "./characters.js";

const FIELDS = ["text", "character", "language", "accent", "speed", "seed", "engine", "then"];
const MOST_STORED = 5000; // characters of a field

export class LineForm {
  #linePlayer;
  #characters;
  #cards;
  #say;
  #text = byId("text");
  #ownSpeed = true; // the speed is the character's, until the reader moves the slider

  // `say` says a line; the cards and the form show the same character as chosen.
  constructor({ linePlayer, characters, cards, say }) {
    this.#linePlayer = linePlayer;
    this.#characters = characters;
    this.#cards = cards;
    this.#say = say;
    this.#connectText();
    this.#connectStop();
    this.#connectVoice();
    this.#connectCharacters();
    this.#fill(readStored());
  }

  // Puts a line of the history back into the form.
  edit(line) {
    const accent = line.noaccent ? "native" : "own";
    const [speed, seed] = [String(line.speed ?? 1), String(line.seed ?? 0)];
    this.#fill({ ...line, accent, speed, seed, engine: line.engine ?? "", then: line.then ?? "", ownSpeed: false });
    this.#cards.select(byId("character").value);
    this.#text.focus();
  }

  listEngines(names) {
    const select = byId("engine");
    const { value } = select;
    select.replaceChildren(select.options[0], ...names.map((name) => new Option(name, name)));
    this.#fill(value ? { engine: value } : readStored(), ["engine"]);
  }

  #line() {
    return {
      text: this.#text.value,
      character: byId("character").value,
      language: byId("language").value,
      noaccent: byId("accent").value === "native",
      speed: Number(byId("speed").value),
      seed: seedValue(),
      engine: byId("engine").value,
      then: byId("then").value,
    };
  }

  #connectText() {
    byId("say").addEventListener("submit", (event) => {
      event.preventDefault();
      if (this.#text.value.trim()) this.#say(this.#line());
      else this.#text.focus();
    });
    this.#text.addEventListener("keydown", (event) => {
      // While an input method composes, Enter belongs to it.
      if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
      event.preventDefault();
      byId("say").requestSubmit();
    });
    byId("say").addEventListener("change", () => this.#store());
    this.#text.addEventListener("blur", () => this.#store());
  }

  #connectStop() {
    this.#text.addEventListener("input", () => this.#linePlayer.stop());
    document.addEventListener("keydown", (event) => {
      if (event.key === "Escape" && !document.querySelector("dialog[open]")) this.#linePlayer.stop();
    });
    byId("stop").addEventListener("click", () => this.#linePlayer.stop());
  }

  #connectVoice() {
    byId("new-seed").addEventListener("click", () => {
      byId("seed").value = crypto.getRandomValues(new Uint32Array(1))[0];
      this.#store();
    });
    byId("speed").addEventListener("input", () => {
      this.#ownSpeed = false;
      showSpeed();
    });
  }

  #connectCharacters() {
    byId("character").addEventListener("change", ({ target }) => {
      this.#cards.select(target.value);
      this.#followSpeed();
    });
    this.#cards.addEventListener("chosen", ({ name }) => {
      byId("character").value = name;
      this.#followSpeed();
      this.#store();
    });
    this.#characters.addEventListener("changed", () => {
      listCharacters(byId("character"), this.#characters);
      listSecondVoices(byId("then"), this.#characters.converterVoices);
      this.#fill(readStored(), ["character", "then"]);
      this.#cards.select(byId("character").value);
      this.#followSpeed();
    });
  }

  #followSpeed() {
    if (this.#ownSpeed) byId("speed").value = this.#characters.get(byId("character").value)?.speed ?? 1;
    showSpeed();
  }

  #store() {
    const values = Object.fromEntries(FIELDS.map((name) => [name, byId(name).value.slice(0, MOST_STORED)]));
    writeStorage("form", { ...values, ownSpeed: this.#ownSpeed });
  }

  #fill(values, names = FIELDS) {
    for (const name of names) {
      if (typeof values[name] === "string") setField(byId(name), values[name]);
    }
    this.#ownSpeed = values.ownSpeed ?? this.#ownSpeed;
    showSpeed();
  }
}

const readStored = () => readStorage("form") ?? {};

// A select keeps what it shows when it does not have the value, as when a character is gone.
function setField(field, value) {
  const before = field.value;
  field.value = value;
  if (field.tagName === "SELECT" && field.value !== value) field.value = before;
}

function showSpeed() {
  byId("speed-shown").value = Number(byId("speed").value).toFixed(2);
}

function seedValue() {
  const value = Number(byId("seed").value);
  return Number.isSafeInteger(value) && value >= 0 ? value : 0;
}

function listCharacters(select, characters) {
  const { value } = select;
  for (const group of select.querySelectorAll("optgroup")) group.remove();
  for (const language of characters.languages) {
    const options = characters
      .nativeIn(language)
      .map(({ name, display_name: shown }) => el("option", { value: name }, shown));
    select.append(el("optgroup", { label: LANGUAGE_NAMES[language] ?? language }, ...options));
  }
  select.value = characters.get(value)?.name ?? "";
}

// A second voice is offered only where there is one.
function listSecondVoices(select, voices) {
  const { value } = select;
  select.replaceChildren(select.options[0], ...voices.map(({ name, shown }) => el("option", { value: name }, shown)));
  setField(select, value);
  select.closest(".field").hidden = !voices.length;
}
