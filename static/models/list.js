// The list of the models: a card for each, and a bar that loads or unloads those that are chosen.

import { el, setDisabled } from "../page/dom.js";
import { errorText, t, translate } from "../page/i18n.js";
import { requestJson } from "../server/http.js";
import { ModelCard } from "./card.js";
import { DeviceChoice } from "./device_choice.js";

export class ModelList {
  #showMessage;
  #refresh;
  #cards = new Map(); // id → card, in the server's order
  #state = { models: [], nowMs: 0 };
  #totals = new Map(); // device → bytes
  #cardList = el("ul", { class: "models" });
  #all;
  #count = el("span", { class: "soft small" });
  #device = new DeviceChoice("load-device");
  #force = el("input", { type: "checkbox", id: "force" });
  #buttons = ["load", "unload"].map((action) => this.#bulkButton(action));
  #outcomes = el("ul", { class: "outcomes small", role: "status" });

  // `showMessage` says a sentence to the reader, `refresh` asks the server for its status anew.
  constructor({ showMessage, refresh }) {
    this.#showMessage = showMessage;
    this.#refresh = refresh;
    this.#all = el("input", { type: "checkbox", id: "choose-all", onchange: () => this.#chooseAll() });
    const bar = el(
      "div",
      { class: "buttons for-operators", role: "group", "t-label": "models.bar" },
      el("label", { class: "check", for: "choose-all" }, this.#all, " ", el("span", { t: "models.all" })),
      this.#count,
      ...this.#buttons,
      el("label", { class: "check", for: "load-device" }, el("span", { t: "models.on" }), " ", this.#device.element),
      el("label", { class: "check", for: "force" }, this.#force, " ", el("span", { t: "models.force" })),
    );
    this.element = el("section", {}, el("h3", { t: "models.title" }), bar, this.#outcomes, this.#cardList);
    this.#showChoice();
  }

  show({ models, now_ms: nowMs }) {
    this.#state = { models, nowMs };
    const ids = models.map(({ id }) => id);
    if (`${ids}` !== `${[...this.#cards.keys()]}`) this.#setCards(ids);
    for (const model of models) this.#showCard(model);
    this.#showChoice();
  }

  // The memory of each device, by which the bars are drawn.
  setDevices(devices) {
    this.#totals = new Map(devices.map(({ id, total_bytes: total }) => [id, total]));
    this.#device.show(devices.map(({ id }) => id));
    for (const model of this.#state.models) this.#showCard(model);
  }

  #setCards(ids) {
    const old = this.#cards;
    this.#cards = new Map(ids.map((id) => [id, old.get(id) ?? this.#newCard(id)]));
    this.#cardList.replaceChildren(...[...this.#cards.values()].map((card) => card.element));
    translate(this.#cardList);
  }

  #newCard(id) {
    return new ModelCard(id, {
      onChange: (action) => this.#changeOne(id, action),
      onChoose: () => this.#showChoice(),
    });
  }

  #showCard(model) {
    const total = this.#totals.get(model.device) ?? null;
    this.#cards.get(model.id)?.show(model, { nowMs: this.#state.nowMs, total });
  }

  #bulkButton(action) {
    const onclick = () => this.#changeChosen(action);
    return el("button", { class: "button", type: "button", t: `models.${action}`, onclick });
  }

  get #chosen() {
    return [...this.#cards].filter(([, card]) => card.isChosen).map(([id]) => id);
  }

  #chooseAll() {
    for (const card of this.#cards.values()) card.isChosen = this.#all.checked;
    this.#showChoice();
  }

  #showChoice() {
    const count = this.#chosen.length;
    this.#all.checked = count > 0 && count === this.#cards.size;
    this.#all.indeterminate = count > 0 && count < this.#cards.size;
    this.#count.textContent = t("models.chosen", { count });
    for (const button of this.#buttons) setDisabled(button, count === 0);
  }

  async #changeOne(id, action) {
    try {
      await this.#change(id, action);
      this.#showMessage(action === "load" ? "model.wasLoaded" : "model.wasUnloaded");
    } catch (error) {
      this.#showMessage("failed", error);
    }
    await this.#refresh();
  }

  // One after the other: a model that has not enough memory would push out another one of these.
  async #changeChosen(action) {
    const lines = this.#chosen.map((id) => [id, el("li", {}, `${id}: …`)]);
    if (!lines.length) return;
    this.#outcomes.replaceChildren(...lines.map(([, line]) => line));
    for (const [id, line] of lines) {
      try {
        await this.#change(id, action);
        line.textContent = `${id}: ${t(action === "load" ? "model.loaded" : "model.unloaded")}`;
      } catch (error) {
        line.classList.add("wrong");
        line.textContent = `${id}: ${await errorText(error)}`;
      }
      await this.#refresh();
    }
  }

  async #change(id, action) {
    const card = this.#cards.get(id);
    if (card.isChanging) return;
    card.isChanging = true;
    this.show({ models: this.#state.models, now_ms: this.#state.nowMs });
    try {
      const options = action === "load" ? { device: this.#device.value } : { force: this.#force.checked };
      await requestJson(`/api/models/${action}`, { id, ...options });
    } finally {
      card.isChanging = false;
    }
  }
}
