// The devices: the memory of each while it changes, its load, and its last hour as a line.

import { el, svgEl } from "../page/dom.js";
import { formatBytes, formatNumber, languageEvents, t } from "../page/i18n.js";

export const HISTORY_MINUTES = 60;
const MOST_POINTS = 240; // of a line: more cannot be seen
const [WIDTH, HEIGHT] = [240, 40];

export class DeviceList {
  #devices = [];
  #points = new Map(); // device → [time in ms, percent], the oldest first

  constructor() {
    this.element = el("ul", { class: "devices" });
    languageEvents.addEventListener("change", () => this.#show());
  }

  setHistory(points) {
    this.#points.clear();
    for (const { time_ms: at, devices } of points) {
      for (const [id, { percent }] of Object.entries(devices)) this.#addPoint(id, at, percent);
    }
    this.#show();
  }

  // Takes a reading of the memory.
  show({ time_ms: at, devices }) {
    this.#devices = devices;
    for (const device of devices) this.#addPoint(device.id, at, percentOf(device));
    this.#show();
  }

  #addPoint(id, at, percent) {
    if (percent === null || percent === undefined) return;
    const points = this.#points.get(id) ?? [];
    if (points.length && points.at(-1)[0] >= at) return; // the history has it already
    points.push([at, percent]);
    while (points[0][0] < at - 60000 * HISTORY_MINUTES) points.shift();
    this.#points.set(id, points);
  }

  #show() {
    this.element.replaceChildren(...this.#devices.map((device) => this.#item(device)));
  }

  #item(device) {
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
