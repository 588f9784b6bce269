// The settings of the talk panel, stored in this browser, and what the server and the microphone need of them.

import { readStorage, writeStorage } from "../page/storage.js";

export const OF_VOICE = ["mode", "character", "pitch", "formant", "breath", "effect", "denoise"];
export const OF_MICROPHONE = ["device", "echo", "noise"];

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
  denoise: false, // is taken out by the server
  monitor: true, // the new voice is heard here
  bypass: false, // one's own voice is heard instead
};

// Event: `change`, with `name` of the setting.
export class TalkSettings extends EventTarget {
  constructor() {
    super();
    // Bypass begins off: a page that is opened anew would seem to change nothing.
    this.values = { ...DEFAULTS, ...readStorage("talk"), bypass: false };
  }

  set(name, value) {
    this.values[name] = value;
    if (name === "character") this.values.pitch = null; // a character has its own
    writeStorage("talk", this.values);
    this.dispatchEvent(Object.assign(new Event("change"), { name }));
  }

  get isPushToTalk() {
    return this.values.way === "push";
  }

  // The fields of `listen`; revoice takes none of those that change a sound.
  get voice() {
    const { mode, character, pitch, formant, breath, effect, denoise } = this.values;
    const voice = { mode, character: character || null, denoise: denoise ? "light" : "off" };
    return mode === "revoice" ? voice : { ...voice, pitch, formant, breath, effect };
  }

  get microphone() {
    const { device, echo, noise } = this.values;
    return { deviceId: device, echoCancellation: echo, noiseSuppression: noise };
  }
}
