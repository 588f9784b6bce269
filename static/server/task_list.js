// The list of tasks: sets of models, each with buttons that load it and let it go.

import { el } from "../page/dom.js";
import { languageEvents, t, translate } from "../page/i18n.js";
import { requestJson } from "./http.js";

export class TaskList {
  #showMessage;
  #refreshEngines;
  #tasks = [];
  #list = el("ul", { class: "tasks" });
  #results = el("p", { class: "soft small", role: "status" });

  constructor({ showMessage, refresh }) {
    this.#showMessage = showMessage;
    this.#refreshEngines = refresh;
    this.element = el("section", {}, el("h3", { t: "task.title" }), this.#list, this.#results);
    languageEvents.addEventListener("change", () => this.#show());
  }

  async refresh() {
    this.#tasks = (await requestJson("/api/tasks")).tasks;
    this.#show();
  }

  #show() {
    const focused = document.activeElement?.dataset?.task;
    this.#list.replaceChildren(...this.#tasks.map((task) => this.#item(task)));
    translate(this.#list);
    if (focused) this.#list.querySelector(`[data-task="${CSS.escape(focused)}"]`)?.focus();
  }

  #item({ name, models, keeps, memory_limit_mb: limit }) {
    const about = [
      models.join(", "),
      t("task.limit", { limit }),
      keeps.length && t("task.keeps", { models: keeps.join(", ") }),
    ];
    return el(
      "li",
      {},
      el(
        "span",
        { class: "what" },
        el("strong", {}, name),
        el("span", { class: "soft small" }, about.filter(Boolean).join(" · ")),
      ),
      this.#button(name, "preload"),
      this.#button(name, "cleanup"),
    );
  }

  #button(name, action) {
    return el(
      "button",
      { class: "button", type: "button", "data-task": `${name} ${action}`, onclick: () => this.#run(name, action) },
      el("span", { t: `task.${action}` }),
      el("span", { class: "hidden" }, ` ${name}`),
    );
  }

  async #run(name, action) {
    this.#results.textContent = t("engine.loading");
    try {
      const { results } = await requestJson(`/api/tasks/${encodeURIComponent(name)}/${action}`, {});
      this.#results.textContent = Object.entries(results)
        .map(([id, outcome]) => `${id}: ${outcome}`)
        .join(" · ");
      await this.refresh();
    } catch (error) {
      this.#results.textContent = "";
      this.#showMessage("failed", error);
    }
    await this.#refreshEngines();
  }
}
