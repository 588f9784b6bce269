// The settings of the talk panel, stored in this browser, and what the server and the microphone need of them.

import { readStorage, writeStorage } from "../page/storage.js";

export const OF_VOICE = ["mode", "character", "pitch", "formant", "breath", "effect", "denoise", "voices"];
export const OF_MICROPHONE = ["device", "echo", "noise"];

export const DENOISING = ["off", "light", "full"];
export const UNTOUCHED = { pitch: null, formant: null, options: {} }; // the voice's own

export const DEFAULTS = {
  device: "",
  way: "open", // or push: while a button is held
  mode: "convert", // or revoice
  character: "",
  pitch: null, // in semitones; null: the character's own
  formant: 1,
  breath: 0,
  effect: "none",
  echo: true, // is cancelled
  noise: true, // is suppressed by the browser
  denoise: "off", // light, full: noise is taken out by the server
  monitor: true, // the new voice is heard here
  bypass: false, // one's own voice is heard instead
  voices: {}, // of converters, by name: what was chosen for each
};

// Event: `change`, with `name` of the setting.
export class TalkSettings extends EventTarget {
  #voices = new Map(); // of converters

  constructor() {
    super();
    // Bypass begins off: a page that is opened anew would seem to change nothing.
    this.values = { ...DEFAULTS, ...readStorage("talk"), bypass: false };
    // Older pages stored whether, not how.
    if (!DENOISING.includes(this.values.denoise)) this.values.denoise = DEFAULTS.denoise;
  }

  set(name, value) {
    this.values[name] = value;
    if (name === "character") this.values.pitch = null; // a character has its own
    writeStorage("talk", this.values);
    this.dispatchEvent(Object.assign(new Event("change"), { name }));
  }

  listVoices(voices) {
    this.#voices = new Map(voices.map((voice) => [voice.name, voice]));
  }

  // The voice of a converter that is chosen; null where it is none.
  get converterVoice() {
    return this.values.mode === "convert" ? (this.#voices.get(this.values.character) ?? null) : null;
  }

  // What was chosen for this voice: {pitch, formant, options}; null, and an option that is missing, is the voice's own.
  get own() {
    const { voices, character } = this.values;
    return Object.hasOwn(voices, character) ? voices[character] : UNTOUCHED;
  }

  get isPushToTalk() {
    return this.values.way === "push";
  }

  // The fields of `listen`; revoice takes none of those that change a sound, and no voice that does not speak.
  get voice() {
    const { mode, character, pitch, formant, breath, effect, denoise } = this.values;
    const common = { mode, denoise };
    const speaker = { ...common, character: character || null };
    if (mode === "revoice") return this.#voices.has(character) ? { ...common, character: null } : speaker;
    if (this.converterVoice) return { ...common, ...this.converterVoice.asked, ...this.own };
    return { ...speaker, pitch, formant, breath, effect };
  }

  get microphone() {
    const { device, echo, noise } = this.values;
    return { deviceId: device, echoCancellation: echo, noiseSuppression: noise };
  }
}
