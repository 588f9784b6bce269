// The dialog that makes, changes or forgets a task.

import { el } from "../page/dom.js";
import { errorText, t, translate } from "../page/i18n.js";
import { requestJson } from "../server/http.js";
import { DeviceChoice } from "./device_choice.js";

const DEFAULTS = { name: "", models: [], device: "auto", priority: 1, memory_limit_mb: 4096, cleanup: true };

export class TaskDialog {
  #showMessage;
  #onChanged;
  #task = null; // that is changed; null: a new one
  #title = el("h2", { id: "task-dialog-title" });
  #name = el("input", { id: "task-name", required: true, pattern: "[A-Za-z0-9_\\-]{1,64}", spellcheck: "false" });
  #choices = el("div", { class: "choices" });
  #device = new DeviceChoice("task-device");
  #priority = el("input", { id: "task-priority", type: "number", min: 0, step: 1, required: true });
  #limit = el("input", { id: "task-limit", type: "number", min: 1, step: 1, required: true });
  #cleanup = el("input", { id: "task-cleanup", type: "checkbox" });
  #error = el("p", { class: "wrong", role: "alert" });
  #forget = el("button", { class: "button", type: "button", t: "task.forget", onclick: () => this.#remove() });

  names = []; // of the tasks that there are
  models = []; // the ids that can be chosen
  devices = [];

  constructor({ showMessage, onChanged }) {
    this.#showMessage = showMessage;
    this.#onChanged = onChanged;
    this.element = el(
      "dialog",
      { id: "task-dialog", "aria-labelledby": "task-dialog-title" },
      el(
        "form",
        { onsubmit: (event) => this.#save(event) },
        this.#title,
        field("task-name", "task.name", this.#name),
        el("fieldset", { class: "checks" }, el("legend", { t: "task.models" }), this.#choices),
        field("task-device", "task.device", this.#device.element),
        field("task-priority", "task.priority", this.#priority),
        field("task-limit", "task.limitField", this.#limit),
        el(
          "label",
          { class: "check", for: "task-cleanup" },
          this.#cleanup,
          " ",
          el("span", { t: "task.cleanupField" }),
        ),
        this.#error,
        this.#buttons(),
      ),
    );
  }

  // Opens it for a task, or with null for a new one.
  open(task) {
    this.#task = task;
    const { name, models, device, priority, memory_limit_mb: limit, cleanup } = task ?? DEFAULTS;
    this.#title.dataset.t = task ? "task.change" : "task.new";
    this.#name.value = name;
    this.#name.readOnly = task !== null;
    this.#showChoices(models);
    this.#device.show(this.devices, device);
    this.#priority.value = priority;
    this.#limit.value = limit;
    this.#cleanup.checked = cleanup;
    this.#error.textContent = "";
    this.#forget.hidden = task === null;
    translate(this.element);
    this.element.showModal();
  }

  #buttons() {
    const close = { class: "button", type: "button", t: "task.cancel", onclick: () => this.element.close() };
    return el(
      "div",
      { class: "go" },
      el("button", { class: "button first", type: "submit", t: "task.save" }),
      el("button", close),
      this.#forget,
    );
  }

  // The models of the task come first, in its order, which is that of loading.
  #showChoices(chosen) {
    const others = this.models.filter((id) => !chosen.includes(id));
    this.#choices.replaceChildren(
      ...[...chosen, ...others].map((id) =>
        el(
          "label",
          { class: "check" },
          el("input", { type: "checkbox", value: id, checked: chosen.includes(id) }),
          ` ${id}`,
        ),
      ),
    );
  }

  get #path() {
    return `/api/tasks/${encodeURIComponent(this.#name.value)}`;
  }

  get #profile() {
    return {
      models: [...this.#choices.querySelectorAll(":checked")].map(({ value }) => value),
      device: this.#device.value,
      priority: +this.#priority.value,
      memory_limit_mb: +this.#limit.value,
      cleanup: this.#cleanup.checked,
    };
  }

  #save(event) {
    event.preventDefault();
    if (!this.#task && this.names.includes(this.#name.value)) {
      this.#error.textContent = t("task.exists");
      return;
    }
    this.#finish(() => requestJson(this.#path, this.#profile, "PUT"), "task.saved");
  }

  #remove() {
    this.#finish(() => requestJson(this.#path, undefined, "DELETE"), "task.forgotten");
  }

  // Closed before the list is made anew: the focus goes back to the button that opened it.
  async #finish(request, message) {
    try {
      await request();
    } catch (error) {
      this.#error.textContent = await errorText(error);
      return;
    }
    this.element.close();
    this.#showMessage(message);
    await this.#onChanged();
  }
}

const field = (id, text, input) => el("div", { class: "field" }, el("label", { for: id, t: text }), input);
