// The list of tasks: sets of models, each with buttons that load it, let it go, and change it.

import { el } from "../page/dom.js";
import { errorText, languageEvents, t, translate } from "../page/i18n.js";
import { requestJson } from "../server/http.js";
import { TaskDialog } from "./task_dialog.js";

export class TaskList {
  #refreshModels;
  #tasks = [];
  #list = el("ul", { class: "tasks" });
  #results = el("ul", { class: "outcomes small", role: "status" });
  #newTask;
  #dialog;

  constructor({ showMessage, refresh }) {
    this.#refreshModels = refresh;
    this.#dialog = new TaskDialog({ showMessage, onChanged: () => this.refresh() });
    const make = { id: "new-task", class: "button for-operators", type: "button", t: "task.new" };
    this.#newTask = el("button", { ...make, onclick: () => this.#dialog.open(null) });
    this.element = el(
      "section",
      {},
      el("h3", { t: "task.title" }),
      el("p", { class: "soft small", t: "task.about" }),
      this.#list,
      this.#results,
      el("div", { class: "buttons" }, this.#newTask),
      this.#dialog.element,
    );
    languageEvents.addEventListener("change", () => this.#show());
  }

  setModels(models) {
    this.#dialog.models = models.map(({ id }) => id);
  }

  setDevices(devices) {
    this.#dialog.devices = devices.map(({ id }) => id);
  }

  async refresh() {
    this.#tasks = (await requestJson("/api/tasks")).tasks;
    this.#show();
  }

  #show() {
    const focused = document.activeElement?.dataset?.task;
    this.#list.replaceChildren(...this.#tasks.map((task) => this.#item(task)));
    translate(this.#list);
    this.#dialog.names = this.#tasks.map(({ name }) => name);
    if (!focused) return;
    const again = this.#list.querySelector(`[data-task="${CSS.escape(focused)}"]`);
    (again ?? this.#newTask).focus(); // a task that is forgotten has no buttons any more
  }

  #item(task) {
    const { name, models } = task;
    return el(
      "li",
      {},
      el(
        "span",
        { class: "what" },
        el("strong", {}, name),
        el("span", { class: "small" }, models.join(", ")),
        el("span", { class: "soft small" }, about(task)),
      ),
      this.#button(name, "preload", () => this.#run(name, "preload")),
      this.#button(name, "cleanup", () => this.#run(name, "cleanup")),
      this.#button(name, "edit", () => this.#dialog.open(task)),
    );
  }

  #button(name, action, onclick) {
    return el(
      "button",
      { class: "button for-operators", type: "button", "data-task": `${name} ${action}`, onclick },
      el("span", { t: `task.${action}` }),
      el("span", { class: "hidden" }, ` ${name}`),
    );
  }

  async #run(name, action) {
    this.#showResults([[name, t("model.loading")]]);
    try {
      const { results } = await requestJson(`/api/tasks/${encodeURIComponent(name)}/${action}`, {});
      this.#showResults(Object.entries(results).map(([id, outcome]) => [id, outcomeText(outcome)]));
      await this.refresh();
    } catch (error) {
      this.#showResults([[name, await errorText(error)]]);
    }
    await this.#refreshModels();
  }

  #showResults(lines) {
    this.#results.replaceChildren(...lines.map(([subject, text]) => el("li", {}, `${subject}: `, text)));
  }
}

function about({ device, priority, memory_limit_mb: limit, cleanup, keeps }) {
  return [
    t("task.limit", { limit }),
    t("task.priorityOf", { priority }),
    device !== "auto" && t("task.deviceOf", { device }),
    !cleanup && t("task.stays"),
    keeps.length > 0 && t("task.keeps", { models: keeps.join(", ") }),
  ]
    .filter(Boolean)
    .join(" · ");
}

// An outcome is one of three words, or the reason in the server's own.
function outcomeText(outcome) {
  const known = { loaded: "model.loaded", unloaded: "model.unloaded", kept: "task.kept" }[outcome];
  return known ? t(known) : el("span", { lang: "en" }, outcome);
}
