// The last events of models and the last alerts about memory, the newest first.

import { el } from "../page/dom.js";
import { formatMoment, languageEvents, t, translate } from "../page/i18n.js";

const MOST = 12;

export class ModelEventList {
  #entries = []; // {event} or {alert}, the newest first
  #list = el("ul", {});

  constructor() {
    this.element = el("section", { class: "model-events" }, el("h3", { t: "memory.events" }), this.#list);
    languageEvents.addEventListener("change", () => this.#show());
  }

  replace(events, alerts) {
    const entries = [...events.map((event) => ({ event })), ...alerts.map((alert) => ({ alert }))];
    this.#entries = entries.sort((one, other) => timeOf(other) - timeOf(one)).slice(0, MOST);
    this.#show();
  }

  add(entry) {
    this.#entries = [entry, ...this.#entries].slice(0, MOST);
    this.#show();
  }

  #show() {
    this.#list.replaceChildren(...this.#entries.map(item));
    translate(this.#list);
  }
}

const timeOf = ({ event, alert }) => (event ?? alert).time_ms;

function item({ event, alert }) {
  const time = el("span", { class: "soft small" }, formatMoment((event ?? alert).time_ms));
  if (alert) return el("li", { "data-level": alert.level }, time, " ", el("span", { lang: "en" }, alert.message));
  return el(
    "li",
    {},
    time,
    " ",
    el("strong", {}, event.id),
    " ",
    el("span", {}, t(`event.${event.event}`)),
    event.reason && el("span", { class: "soft small", lang: "en" }, ` ${event.reason}`),
  );
}
