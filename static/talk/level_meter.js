// The level of the microphone, as a bar on a scale of decibels.

import { el } from "../page/dom.js";

const SHOW_EVERY_MS = 60;
const QUIETEST_DB = -60; // the left end of the bar

export class LevelMeter {
  #shownAt = 0;

  constructor() {
    this.element = el(
      "div",
      {
        id: "level",
        class: "bar level",
        role: "meter",
        "aria-valuemin": 0,
        "aria-valuemax": 100,
        "t-label": "talk.level",
      },
      el("span", { class: "fill" }),
    );
  }

  // Shows a level from 0 to 1; zero at once, others not more often than an eye sees.
  show(level) {
    const now = performance.now();
    if (level > 0 && now - this.#shownAt < SHOW_EVERY_MS) return;
    this.#shownAt = now;
    const share = level > 0 ? Math.max(0, Math.min(1, 1 - (20 * Math.log10(level)) / QUIETEST_DB)) : 0;
    this.element.style.setProperty("--share", share.toFixed(3));
    this.element.setAttribute("aria-valuenow", String(Math.round(100 * share)));
  }

  // Colours the bar while speech is heard in the sound.
  markSpeech(isSpeech) {
    this.element.classList.toggle("speech", isSpeech);
  }
}
