// Push-to-talk: a button under finger, mouse or key, and the space bar where nothing is typed.

import { el } from "../page/dom.js";

const TYPED_INTO = "input, textarea, select, button, a, summary, [contenteditable]";

export class PushToTalk {
  #isChosen;
  #isOn;
  #setOpen;

  // `isChosen` tells whether the microphone is to be open only while something is held, `isOn` whether there is a
  // microphone, `setOpen` opens and closes it.
  constructor({ isChosen, isOn, setOpen }) {
    this.#isChosen = isChosen;
    this.#isOn = isOn;
    this.#setOpen = setOpen;
    this.button = el("button", { id: "push", class: "button", type: "button", t: "talk.hold" });
    this.hint = el("span", { class: "soft small", t: "talk.hold.hint" });
    this.#connectButton();
    document.addEventListener("keydown", (event) => this.#onSpace(event, true));
    document.addEventListener("keyup", (event) => this.#onSpace(event, false));
  }

  show(isOpen) {
    this.button.hidden = !this.#isChosen();
    this.hint.hidden = !this.#isChosen();
    this.button.disabled = !this.#isOn();
    this.button.classList.toggle("held", this.#isChosen() && isOpen);
  }

  #connectButton() {
    const hold = (open) => () => this.#isChosen() && this.#setOpen(open);
    const onKey = (act) => (event) => [" ", "Enter"].includes(event.key) && act();
    this.button.addEventListener("pointerdown", hold(true));
    for (const end of ["pointerup", "pointercancel", "pointerleave", "blur"]) {
      this.button.addEventListener(end, hold(false));
    }
    this.button.addEventListener("keydown", onKey(hold(true)));
    this.button.addEventListener("keyup", onKey(hold(false)));
  }

  #onSpace(event, open) {
    if (event.key !== " " || !this.#isChosen() || event.target.closest?.(TYPED_INTO)) return;
    if (open && !this.#isOn()) return; // but a release counts also when the microphone is gone meanwhile
    event.preventDefault(); // the page would scroll
    this.#setOpen(open);
  }
}
