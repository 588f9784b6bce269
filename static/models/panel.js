// The models: which are loaded and what they take, the devices' memory, the rules of unloading, tasks, and events.

import { el } from "../page/dom.js";
import { translate } from "../page/i18n.js";
import { requestJson } from "../server/http.js";
import { CleanupForm } from "./cleanup.js";
import { DeviceList, HISTORY_MINUTES } from "./devices.js";
import { ModelEventList } from "./events.js";
import { ModelList } from "./list.js";
import { TaskList } from "./tasks.js";

const PASSING = ["hit", "miss", "requested"]; // events after which a model is as it was

export class ModelsPanel {
  #refresh;
  #source = null; // of events, while the panel is in sight
  #models;
  #devices = new DeviceList();
  #cleanup;
  #tasks;
  #events = new ModelEventList();

  // `showMessage` says a sentence to the reader, `refresh` asks for the models anew when one of them has changed.
  constructor({ showMessage, refresh }) {
    this.#refresh = refresh;
    this.#models = new ModelList({ showMessage, refresh });
    this.#cleanup = new CleanupForm({ showMessage, refresh });
    this.#tasks = new TaskList({ showMessage, refresh });
    this.element = el(
      "div",
      { class: "models-panel" },
      el("p", { class: "soft for-listeners", t: "models.listener" }),
      this.#models.element,
      el("h3", { t: "memory.title" }),
      this.#devices.element,
      this.#cleanup.element,
      this.#tasks.element,
      this.#events.element,
    );
    translate(this.element);
  }

  // Shows the models of the server's status.
  show(status) {
    this.#models.show(status);
    this.#tasks.setModels(status.models);
    this.#cleanup.isReadOnly = status.role === "listener";
  }

  // Follows the server from now on, until `stop`.
  async start() {
    if (this.#source && this.#source.readyState !== EventSource.CLOSED) return;
    this.#source = new EventSource("/api/events");
    this.#source.addEventListener("memory", ({ data }) => this.#take(JSON.parse(data)));
    this.#source.addEventListener("alert", ({ data }) => this.#events.add({ alert: JSON.parse(data) }));
    this.#source.addEventListener("model", ({ data }) => {
      const event = JSON.parse(data);
      this.#events.add({ event });
      if (!PASSING.includes(event.event)) this.#readChanges();
    });
    try {
      await this.#read();
    } catch {
      // The head of the page says that there is no connection; what was shown stays.
    }
  }

  stop() {
    this.#source?.close();
    this.#source = null;
  }

  async #read() {
    const [history, events, alerts] = await Promise.all([
      requestJson(`/api/memory/history?minutes=${HISTORY_MINUTES}`),
      requestJson("/api/models/events?last=20"),
      requestJson("/api/memory/alerts"),
      this.#cleanup.refresh(),
      this.#tasks.refresh(),
    ]);
    this.#devices.setHistory(history.points);
    this.#events.replace(events.events, alerts.alerts);
  }

  // A model has changed, and with it what tasks keep.
  async #readChanges() {
    try {
      await Promise.all([this.#refresh(), this.#tasks.refresh()]);
    } catch {
      // The next event, or the next look, finds it.
    }
  }

  #take(memory) {
    this.#devices.show(memory);
    this.#models.setDevices(memory.devices);
    this.#tasks.setDevices(memory.devices);
  }
}
