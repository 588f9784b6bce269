// The card of a model: its state, its share of the device's memory, its times, a button, and details on demand.

import { el, setDisabled } from "../page/dom.js";
import { errorText, setText, t } from "../page/i18n.js";
import { aboutText, detailRows, isLeftOut, memoryText, shownState, timesText, warmUpTag } from "./facts.js";

// The elements stay while their texts change, so that the keyboard's focus, what is chosen and what is open stay too.
export class ModelCard {
  #id;
  #model = null;
  #saidError = null; // the one that is shown: its text is fetched
  #choice;
  #tag = el("span", { class: "tag" });
  #about = el("p", { class: "soft small" });
  #bar = el("meter", { min: 0, max: 100, hidden: true });
  #memory = el("p", { class: "small" });
  #times = el("p", { class: "soft small" });
  #leftOut = el("p", { class: "soft small" });
  #wrong = el("p", { class: "wrong small" });
  #action = el("span", {});
  #button;
  #facts = el("dl", {});
  #details;

  // `onChange` gets "load" or "unload"; `onChoose` hears that the box was ticked or not.
  constructor(id, { onChange, onChoose }) {
    this.#id = id;
    this.#choice = el("input", { type: "checkbox", class: "for-operators", "data-choose": id, onchange: onChoose });
    this.#button = el(
      "button",
      {
        class: "button for-operators",
        type: "button",
        "data-model": id,
        onclick: () => this.isChanging || onChange(this.#nextAction),
      },
      this.#action,
      el("span", { class: "hidden" }, ` ${id}`),
    );
    this.#details = el(
      "details",
      { ontoggle: () => this.#showDetails() },
      el("summary", {}, el("span", { t: "detail.title" }), el("span", { class: "hidden" }, ` ${id}`)),
      this.#facts,
    );
    this.element = el(
      "li",
      {},
      el(
        "div",
        { class: "head" },
        this.#choice,
        el("span", { class: "dot", "aria-hidden": "true" }),
        el("span", { class: "name" }, el("strong", {}, id), " ", this.#tag),
        this.#button,
      ),
      this.#about,
      this.#bar,
      this.#memory,
      this.#times,
      this.#leftOut,
      this.#wrong,
      this.#details,
    );
  }

  isChanging = false; // it is being loaded or unloaded from here

  get isChosen() {
    return this.#choice.checked;
  }

  set isChosen(chosen) {
    this.#choice.checked = chosen;
  }

  // `total` is the memory of its device in bytes, or null.
  show(model, { nowMs, total }) {
    this.#model = model;
    const state = shownState(model, this.isChanging);
    this.element.dataset.state = state === "unable" ? "unloaded" : state;
    setText(this.#tag, `model.${(this.isChanging ? null : warmUpTag(model)) ?? state}`);
    setText(this.#action, `model.${this.#nextAction}`);
    setDisabled(this.#button, state === "loading");
    this.#choice.setAttribute("aria-label", t("models.choose", { id: this.#id }));
    this.#about.textContent = aboutText(model);
    this.#times.textContent = timesText(model, nowMs);
    this.#showMemory(model, total);
    this.#showLeftOut(model);
    this.#showError(model);
    this.#showDetails();
  }

  get #nextAction() {
    return this.#model?.state === "loaded" ? "unload" : "load";
  }

  #showMemory(model, total) {
    const text = memoryText(model, total);
    this.#memory.textContent = text;
    this.#bar.hidden = !(total && model.state === "loaded" && model.memory_bytes !== null);
    this.#bar.value = total ? (100 * (model.memory_bytes ?? 0)) / total : 0;
    this.#bar.setAttribute("aria-label", `${this.#id}: ${text}`);
  }

  #showLeftOut(model) {
    this.#leftOut.replaceChildren();
    if (!isLeftOut(model)) return;
    this.#leftOut.append(t("model.leftOut"), " ", el("span", { lang: "en" }, model.warm_up.reason));
  }

  async #showError({ error: message, error_code: code, hint }) {
    const error = message && { code, message, hint };
    this.#saidError = error;
    const text = error ? await errorText(error) : "";
    if (this.#saidError === error && this.#wrong.textContent !== text) this.#wrong.textContent = text;
  }

  #showDetails() {
    if (!this.#details.open || !this.#model) return;
    const rows = detailRows(this.#model).flatMap(([title, values]) => [
      el("dt", {}, t(title)),
      ...values.map((value) => el("dd", {}, value)),
    ]);
    const facts = el("dl", {}, ...rows);
    // What has not changed stays: somebody may be about to copy a path.
    if (facts.textContent !== this.#facts.textContent) this.#facts.replaceChildren(...facts.childNodes);
  }
}
