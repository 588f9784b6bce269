// The memory of each device while it changes, its last hour as a line, and what unloads models: by hand and by itself.

import { el, svgEl } from "../page/dom.js";
import { formatBytes, formatNumber, languageEvents, t, translate } from "../page/i18n.js";
import { requestJson } from "./http.js";
import { ModelEventList } from "./model_event_list.js";
import { TaskList } from "./task_list.js";

const HISTORY_MINUTES = 60;
const MOST_POINTS = 240; // of a line: more cannot be seen
const [WIDTH, HEIGHT] = [240, 40];

export class MemoryPanel {
  #showMessage;
  #refresh;
  #source = null; // of events, while the panel is in sight
  #memory = null; // the server's last reading
  #points = new Map(); // device → [time in ms, percent], the oldest first
  #devices = el("ul", { class: "devices" });
  #automatic;
  #events = new ModelEventList();
  #tasks;

  // `refresh` asks for the engines anew, when one of them has changed.
  constructor({ showMessage, refresh }) {
    this.#showMessage = showMessage;
    this.#refresh = refresh;
    this.#tasks = new TaskList({ showMessage, refresh });
    this.#automatic = el("input", { type: "checkbox", id: "automatic", onchange: () => this.#setAutomatic() });
    this.element = el(
      "div",
      { class: "memory" },
      el("h3", { t: "memory.title" }),
      this.#devices,
      el(
        "div",
        { class: "buttons" },
        this.#button("memory.optimise", "/api/memory/optimize"),
        this.#button("memory.unloadAll", "/api/models/unload-all"),
        el("label", { for: "automatic" }, this.#automatic, " ", el("span", { t: "memory.automatic" })),
      ),
      this.#tasks.element,
      this.#events.element,
    );
    translate(this.element);
    languageEvents.addEventListener("change", () => this.#show());
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
      if (!["hit", "miss", "requested"].includes(event.event)) this.#refresh();
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
    const [history, cleanup, events, alerts] = await Promise.all([
      requestJson(`/api/memory/history?minutes=${HISTORY_MINUTES}`),
      requestJson("/api/memory/cleanup"),
      requestJson("/api/models/events?last=20"),
      requestJson("/api/memory/alerts"),
      this.#tasks.refresh(),
    ]);
    this.#points.clear();
    for (const point of history.points) this.#addPoint(point.time_ms, point.devices);
    this.#automatic.checked = cleanup.enabled;
    this.#events.replace(events.events, alerts.alerts);
    this.#show();
  }

  #take(memory) {
    this.#memory = memory;
    this.#addPoint(memory.time_ms, Object.fromEntries(memory.devices.map((device) => [device.id, percentOf(device)])));
    this.#show();
  }

  #addPoint(at, devices) {
    for (const [id, found] of Object.entries(devices)) {
      const percent = typeof found === "number" ? found : found?.percent;
      if (percent === null || percent === undefined) continue;
      const points = this.#points.get(id) ?? [];
      if (points.length && points.at(-1)[0] >= at) continue; // the history has it already
      points.push([at, percent]);
      while (points[0][0] < at - 60000 * HISTORY_MINUTES) points.shift();
      this.#points.set(id, points);
    }
  }

  #show() {
    if (!this.#memory) return;
    this.#devices.replaceChildren(...this.#memory.devices.map((device) => this.#device(device)));
  }

  #device(device) {
    const percent = percentOf(device);
    const label = `${device.id} ${device.name}`;
    return el(
      "li",
      { "data-device": device.id },
      el("strong", {}, device.id),
      el("span", { class: "soft small" }, device.name),
      percent !== null && el("meter", { min: 0, max: 100, high: 80, value: percent, "aria-label": label }),
      el("span", { class: "small figures" }, figures(device, percent).join(" · ")),
      chart(this.#points.get(device.id) ?? [], t("memory.chart", { device: device.id })),
    );
  }

  #button(text, path) {
    return el("button", { class: "button", type: "button", t: text, onclick: () => this.#unload(path) });
  }

  async #unload(path) {
    try {
      await requestJson(path, {});
      this.#showMessage("memory.unloaded");
    } catch (error) {
      this.#showMessage("failed", error);
    }
    await this.#refresh();
  }

  async #setAutomatic() {
    try {
      await requestJson("/api/memory/cleanup", { enabled: this.#automatic.checked }, "PUT");
    } catch (error) {
      this.#automatic.checked = !this.#automatic.checked;
      this.#showMessage("failed", error);
    }
  }
}

const percentOf = ({ total_bytes: total, used_bytes: used }) => (total && used !== null ? (100 * used) / total : null);

function figures({ total_bytes: total, used_bytes: used, utilization, temperature_c, power_w }, percent) {
  const size = percent !== null && t("memory.of", { used: formatBytes(used), total: formatBytes(total) });
  return [
    percent !== null && `${formatNumber(percent, 1)} %`,
    size,
    utilization !== null && t("memory.load", { percent: formatNumber(utilization) }),
    temperature_c !== null && `${formatNumber(temperature_c)} °C`,
    power_w !== null && `${formatNumber(power_w)} W`,
  ].filter(Boolean);
}

// The use of a device as a line from left to right; the whole height is 100 %.
function chart(points, label) {
  if (points.length < 2) return null;
  const step = Math.ceil(points.length / MOST_POINTS);
  const shown = points.filter((_, place) => place % step === 0 || place === points.length - 1);
  const [first, last] = [shown[0][0], shown.at(-1)[0]];
  const place = ([at, percent]) => `${((at - first) / (last - first)) * WIDTH},${HEIGHT - (percent / 100) * HEIGHT}`;
  const line = svgEl("polyline", { points: shown.map(place).join(" ") });
  const size = { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, preserveAspectRatio: "none" };
  return svgEl("svg", { class: "chart", role: "img", "aria-label": label, ...size }, line);
}
