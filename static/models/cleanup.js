// The rules by which models are unloaded by themselves, and buttons that unload those that nobody uses, or all.

import { el } from "../page/dom.js";
import { requestJson } from "../server/http.js";

const NUMBERS = ["idle_timeout_minutes", "cleanup_threshold_percent"];

export class CleanupForm {
  #showMessage;
  #refresh;
  #rules = {}; // as the server has them
  #enabled = el("input", { type: "checkbox", id: "automatic" });
  #numbers = NUMBERS.map((name) =>
    el("input", { type: "number", id: name, name, min: 0, step: "any", inputmode: "decimal", required: true }),
  );
  #fields;

  constructor({ showMessage, refresh }) {
    this.#showMessage = showMessage;
    this.#refresh = refresh;
    this.#enabled.addEventListener("change", () => this.#put({ enabled: this.#enabled.checked }));
    for (const input of this.#numbers) {
      input.addEventListener("change", () => input.reportValidity() && this.#put({ [input.name]: +input.value }));
    }
    this.#fields = el(
      "fieldset",
      { "t-label": "cleanup.title" },
      el("label", { class: "check", for: "automatic" }, this.#enabled, " ", el("span", { t: "cleanup.automatic" })),
      ...this.#numbers.map((input) =>
        el("div", { class: "field" }, el("label", { for: input.id, t: `cleanup.${input.name}` }), input),
      ),
    );
    this.element = el(
      "section",
      { class: "cleanup" },
      el("h3", { t: "cleanup.title" }),
      this.#fields,
      el(
        "div",
        { class: "buttons for-operators" },
        this.#button("cleanup.optimise", "/api/memory/optimize"),
        this.#button("cleanup.unloadAll", "/api/models/unload-all"),
      ),
    );
  }

  // A listener sees the rules, and may not change them.
  set isReadOnly(readOnly) {
    this.#fields.disabled = readOnly;
  }

  async refresh() {
    this.#show(await requestJson("/api/memory/cleanup"));
  }

  #show(rules) {
    this.#rules = rules;
    this.#enabled.checked = rules.enabled;
    for (const input of this.#numbers) {
      if (input !== document.activeElement) input.value = rules[input.name];
    }
  }

  async #put(changes) {
    try {
      this.#show(await requestJson("/api/memory/cleanup", changes, "PUT"));
      this.#showMessage("cleanup.changed");
    } catch (error) {
      this.#show(this.#rules);
      this.#showMessage("failed", error);
    }
    await this.#refresh(); // when models are unloaded has changed
  }

  #button(text, path) {
    return el("button", { class: "button", type: "button", t: text, onclick: () => this.#unload(path) });
  }

  async #unload(path) {
    try {
      await requestJson(path, {});
      this.#showMessage("cleanup.done");
    } catch (error) {
      this.#showMessage("failed", error);
    }
    await this.#refresh();
  }
}
