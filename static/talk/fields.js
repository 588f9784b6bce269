// The fields of the talk panel: they show its settings and change them.

import { el } from "../page/dom.js";
import { loadTexts, setText, t, translate } from "../page/i18n.js";
import { DEFAULTS, DENOISING } from "./settings.js";

const SLIDERS = { pitch: [-12, 12, 0.5], formant: [0.5, 2, 0.05], breath: [0, 1, 0.05] }; // least, most, step
const EFFECTS = ["none", "robot", "whisper"];
const SWITCHES = ["echo", "noise", "monitor", "bypass"];

export class TalkFields {
  #settings;
  #selects = {};
  #sliders = {}; // name → {input, output}
  #radios = []; // {name, input}
  #switches = {};
  #noCharacter = el("option", { value: "" });
  #voices = el("optgroup", { "t-group": "talk.voices" }); // of converters
  #speaking = el("optgroup", { "t-group": "talk.speaking" });
  #converterFields = null; // a promise, before they are first needed

  constructor(settings) {
    this.#settings = settings;
    const optionsOf = (field, names) => names.map((name) => el("option", { value: name, t: `talk.${field}.${name}` }));
    this.sources = el(
      "div",
      { class: "options" },
      this.#select("device"),
      this.#select("character", this.#noCharacter),
      this.#select("denoise", ...optionsOf("denoise", DENOISING)),
    );
    this.mode = this.#radioGroup("mode", { convert: "convert", revoice: "revoice" });
    this.conversion = el(
      "div",
      { class: "options" },
      ...Object.keys(SLIDERS).map((name) => this.#slider(name)),
      this.#select("effect", ...optionsOf("effect", EFFECTS)),
    );
    this.converter = el("div", { class: "converter" });
    this.way = this.#radioGroup("way", { open: "talk-open", push: "talk-push" });
    this.switches = el("div", { class: "checks" }, ...SWITCHES.map((name) => this.#switch(name)));
  }

  // Shows the settings as they are.
  show() {
    const { values } = this.#settings;
    for (const { name, input } of this.#radios) input.checked = input.value === values[name];
    for (const [name, input] of Object.entries(this.#switches)) input.checked = values[name];
    this.#voices.disabled = this.#voices.hidden = values.mode !== "convert" || !this.#voices.children.length;
    for (const [name, select] of Object.entries(this.#selects)) select.value = values[name];
    // A voice that does not speak is not chosen while words are spoken anew.
    if (this.#selects.character.selectedOptions[0]?.parentNode.disabled) this.#selects.character.value = "";
    for (const name of Object.keys(SLIDERS)) this.#showSlider(name);
    setText(this.#noCharacter, values.mode === "convert" ? "talk.character.none" : "talk.character.any");
    this.conversion.hidden = values.mode !== "convert" || this.#settings.converterVoice !== null;
    this.converter.hidden = this.#settings.converterVoice === null;
    if (!this.converter.hidden) this.#showConverter();
  }

  // What a converter can be told is fetched when a voice of one is chosen: most visits have none.
  async #showConverter() {
    const load = async () => {
      const [{ ConverterFields }] = await Promise.all([import("./converter_fields.js"), loadTexts("later/")]);
      return new ConverterFields(this.converter, this.#settings);
    };
    try {
      this.#converterFields ??= load();
      (await this.#converterFields).show();
    } catch {
      this.#converterFields = null; // the server is gone; to be tried again
    }
  }

  listDevices(devices) {
    const named = devices.filter(({ deviceId }) => deviceId && deviceId !== "default");
    const options = named.map(({ deviceId, label }, i) =>
      el("option", { value: deviceId }, label || t("talk.device.unnamed", { number: i + 1 })),
    );
    this.#selects.device.replaceChildren(el("option", { value: "" }, t("talk.device.any")), ...options);
    const { device } = this.#settings.values;
    this.#selects.device.value = named.some(({ deviceId }) => deviceId === device) ? device : "";
  }

  // Lists the characters that speak, whose pitch a voice can get, and the voices of converters.
  listCharacters(characters, voices) {
    const option = (value, shown) => el("option", { value }, shown);
    this.#voices.replaceChildren(...voices.map(({ name, shown }) => option(name, shown)));
    this.#speaking.replaceChildren(...characters.map(({ name }) => option(name, name)));
    this.#selects.character.replaceChildren(this.#noCharacter, this.#voices, this.#speaking);
    translate(this.#selects.character);
  }

  #showSlider(name) {
    const { values } = this.#settings;
    const { input, output } = this.#sliders[name];
    input.value = values[name] ?? 0;
    if (name === "pitch" && values.pitch === null && values.character !== "") {
      setText(output, "talk.pitch.own");
      return;
    }
    delete output.dataset.t;
    output.textContent = name === "pitch" ? withSign(values.pitch ?? 0) : values[name].toFixed(2);
  }

  #select(name, ...options) {
    const onchange = ({ target }) => this.#settings.set(name, target.value);
    this.#selects[name] = el("select", { id: `talk-${name}`, onchange }, ...options);
    const label = el("label", { for: `talk-${name}`, t: `talk.${name}` });
    return el("div", { class: "field" }, label, this.#selects[name]);
  }

  #radioGroup(name, ids) {
    const labels = Object.entries(ids).map(([value, id]) => {
      const onchange = () => this.#settings.set(name, value);
      const input = el("input", { id, type: "radio", name: `talk-${name}`, value, onchange });
      this.#radios.push({ name, input });
      return el("label", { class: "check" }, input, el("span", { t: `talk.${name}.${value}` }));
    });
    return el("fieldset", { class: "checks" }, el("legend", { class: "soft small", t: `talk.${name}` }), ...labels);
  }

  #switch(name) {
    const onchange = ({ target }) => this.#settings.set(name, target.checked);
    this.#switches[name] = el("input", { id: `talk-${name}`, type: "checkbox", role: "switch", onchange });
    return el("label", { class: "check" }, this.#switches[name], el("span", { t: `talk.${name}` }));
  }

  #slider(name) {
    const [min, max, step] = SLIDERS[name];
    const id = `talk-${name}`;
    const oninput = ({ target }) => this.#settings.set(name, target.valueAsNumber);
    const ondblclick = () => this.#settings.set(name, DEFAULTS[name]); // as in a mixing desk
    const input = el("input", { id, type: "range", min, max, step, oninput, ondblclick });
    const output = el("output", { for: id });
    this.#sliders[name] = { input, output };
    const label = el("label", { for: id }, el("span", { t: `talk.${name}` }), " ", output);
    return el("div", { class: "field" }, label, input);
  }
}

export const withSign = (value) => (value > 0 ? `+${value}` : String(value));
