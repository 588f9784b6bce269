// The fields of a converter's voice: its key, its formants, and the options of its engine, which the server describes.

import { el } from "../page/dom.js";
import { setText, textOr, translate } from "../page/i18n.js";
import { withSign } from "./fields.js";
import { forgetOwn, setOption, setOwn } from "./own_settings.js";

const KEY = { minimum: -24, maximum: 24, step: 0.5 }; // semitones
const [FINE_STEP, COARSE_STEP] = [0.01, 0.1]; // of sliders
const WIDE = 2; // a range that is wider has the coarse step

export class ConverterFields {
  #root;
  #settings;
  #voice = null;
  #fields = []; // functions that show what is set

  constructor(root, settings) {
    this.#root = root;
    this.#settings = settings;
  }

  // Shows the voice that is chosen and what was chosen for it.
  show() {
    const voice = this.#settings.converterVoice;
    if (!voice) return;
    if (voice !== this.#voice) this.#build(voice);
    for (const show of this.#fields) show(this.#settings.own);
  }

  #build(voice) {
    this.#voice = voice;
    this.#fields = [];
    const reset = () => forgetOwn(this.#settings);
    const button = el("button", {
      id: "talk-reset",
      class: "button quiet",
      type: "button",
      t: "talk.reset",
      onclick: reset,
    });
    const { formant, options } = voice;
    const fields = [this.#key(voice), formant && this.#formant(formant), ...options.map((each) => this.#option(each))];
    this.#root.replaceChildren(el("div", { class: "options" }, ...fields.filter(Boolean)), button);
    translate(this.#root);
  }

  // Without a key of its own a voice is at its median pitch, which no number of semitones says beforehand.
  #key({ key, asked }) {
    const { element, input, output } = this.#slider("key", { t: "talk.key" }, KEY, (pitch) =>
      setOwn(this.#settings, { pitch }),
    );
    this.#fields.push(({ pitch }) => {
      input.value = pitch ?? key ?? 0;
      if (pitch === null && asked.character) return setText(output, "talk.key.own");
      return showNumber(output, withSign(pitch ?? key));
    });
    return element;
  }

  #formant({ minimum, maximum }) {
    const range = { minimum, maximum, step: FINE_STEP };
    const change = (formant) => setOwn(this.#settings, { formant });
    const { element, input, output } = this.#slider("formant-of-voice", { t: "talk.formant" }, range, change);
    this.#fields.push(({ formant }) => {
      input.value = formant ?? 1;
      showNumber(output, (formant ?? 1).toFixed(2));
    });
    return element;
  }

  #option(option) {
    const { type, choices } = option;
    if (type === "boolean") return this.#flag(option);
    if (type === "number") return this.#number(option);
    return choices ? this.#choice(option) : this.#typed(option);
  }

  #number(option) {
    const { name, minimum, maximum } = option;
    const step = stepOf(maximum - minimum);
    const change = (value) => setOption(this.#settings, name, value);
    const { element, input, output } = this.#slider(name, labelOf(option), { minimum, maximum, step }, change);
    this.#fields.push(({ options }) => {
      const value = optionValue(option, options);
      input.value = value;
      showNumber(output, value.toFixed(step === FINE_STEP ? 2 : 1));
    });
    return element;
  }

  #flag(option) {
    const onchange = ({ target }) => setOption(this.#settings, option.name, target.checked);
    const input = el("input", { id: `talk-${option.name}`, type: "checkbox", role: "switch", onchange });
    this.#fields.push(({ options }) => {
      input.checked = optionValue(option, options);
    });
    return el("label", { class: "check" }, input, label("span", {}, labelOf(option)));
  }

  #choice(option) {
    const onchange = ({ target }) => setOption(this.#settings, option.name, target.value);
    const choices = option.choices.map((value) => el("option", { value }, value));
    return this.#field(option, el("select", { id: `talk-${option.name}`, onchange }, ...choices));
  }

  // A whole number or a text. It is sent when it is entered: half of one may be wrong.
  #typed(option) {
    const { name, type, minimum: min, maximum: max, max_length: maxlength } = option;
    const isNumber = type === "integer";
    const onchange = ({ target }) => {
      if (!target.value && isNumber) target.value = option.value ?? option.default;
      if (target.reportValidity()) setOption(this.#settings, name, isNumber ? target.valueAsNumber : target.value);
    };
    const kind = isNumber ? { type: "number", min, max, step: 1, inputmode: "numeric" } : { type: "text", maxlength };
    return this.#field(option, el("input", { id: `talk-${name}`, autocomplete: "off", ...kind, onchange }));
  }

  #field(option, input) {
    this.#fields.push(({ options }) => {
      if (input !== document.activeElement || input.tagName === "SELECT") input.value = optionValue(option, options);
    });
    return el("div", { class: "field" }, label("label", { for: input.id }, labelOf(option)), input);
  }

  #slider(name, text, { minimum: min, maximum: max, step }, change) {
    const id = `talk-${name}`;
    const oninput = ({ target }) => change(target.valueAsNumber);
    const input = el("input", { id, type: "range", min, max, step, oninput });
    const output = el("output", { for: id });
    const title = el("label", { for: id }, label("span", {}, text), " ", output);
    return { element: el("div", { class: "field" }, title, input), input, output };
  }
}

// The page's own words for an option where it has some, else those of its engine.
function labelOf({ name, about }) {
  const key = `option.${name}`;
  return textOr(key, null) === null ? { text: about } : { t: key };
}

const label = (tag, attributes, { t: key = null, text = null }) => el(tag, { ...attributes, t: key }, text);

const optionValue = ({ name, value, default: usual }, chosen) => chosen[name] ?? value ?? usual;

const stepOf = (range) => (range <= WIDE ? FINE_STEP : COARSE_STEP);

function showNumber(output, text) {
  delete output.dataset.t;
  output.textContent = text;
}
