// The list of the models: the state of each, what it takes, who uses it, and a button that loads or unloads it.

import { el } from "../page/dom.js";
import { errorText, formatBytes, formatMilliseconds, formatNumber, loadTexts, t, translate } from "../page/i18n.js";
import { requestJson } from "./http.js";

export class EngineList {
  #showMessage;
  #refresh;
  #models = [];
  #changing = new Set(); // ids of models that are being loaded or unloaded from here

  // `showMessage` says a sentence to the reader, `refresh` asks the server for its status anew.
  constructor({ showMessage, refresh }) {
    this.#showMessage = showMessage;
    this.#refresh = refresh;
    this.element = el("ul", { class: "engines" });
  }

  show(models) {
    this.#models = models;
    const focused = document.activeElement?.dataset?.engine;
    this.element.replaceChildren(...models.map((model) => this.#item(model)));
    translate(this.element);
    if (focused) this.element.querySelector(`[data-engine="${CSS.escape(focused)}"]`)?.focus();
  }

  #item(model) {
    const isWorking = this.#changing.has(model.id) || model.state === "unloading";
    const state = isWorking ? "loading" : model.state;
    const shown = state === "unloaded" && !model.can_run ? "unable" : state;
    const about = [t(`engine.${model.kind}`), model.languages.join(" "), ...figures(model)];
    return el(
      "li",
      { "data-state": state },
      el("span", { class: "dot", "aria-hidden": "true" }),
      el(
        "span",
        { class: "what" },
        el("strong", {}, model.id),
        " ",
        el("span", { class: "tag", t: `engine.${warmUpTag(model) ?? shown}` }),
        el("span", { class: "soft small" }, about.filter(Boolean).join(" · ")),
        model.error && wrong(model),
        isLeftOut(model) && leftOut(model.warm_up.reason),
      ),
      this.#button(model, state === "loading"),
    );
  }

  // While it works the button is not `disabled`, since that would take the keyboard's focus from it.
  #button({ id, state }, isWorking) {
    const action = state === "loaded" ? "unload" : "load";
    return el(
      "button",
      {
        class: "button",
        type: "button",
        "data-engine": id,
        "aria-disabled": isWorking && "true",
        onclick: () => this.#change(id, action),
      },
      el("span", { t: `engine.${action}` }),
      el("span", { class: "hidden" }, ` ${id}`),
    );
  }

  async #change(id, action) {
    if (this.#changing.has(id)) return;
    this.#changing.add(id);
    this.show(this.#models);
    try {
      await loadTexts("later/");
      await requestJson(`/api/models/${encodeURIComponent(id)}/${action}`, {});
      this.#showMessage(action === "load" ? "engine.wasLoaded" : "engine.wasUnloaded");
    } catch (error) {
      this.#showMessage("failed", error);
    } finally {
      this.#changing.delete(id);
      await this.#refresh();
    }
  }
}

// The server makes some engines ready in the background: their tag says so in place of their state.
function warmUpTag({ state, warm_up: warmUp }) {
  if (state === "failed" || !warmUp) return null;
  return { waiting: "warming", warming: "warming", ready: "ready" }[warmUp.state];
}

function isLeftOut({ state, warm_up: warmUp }) {
  return state === "unloaded" && warmUp?.state === "left_out";
}

function leftOut(reason) {
  return el(
    "span",
    { class: "soft small" },
    el("span", { t: "engine.leftOut" }),
    " ",
    el("span", { lang: "en" }, reason),
  );
}

function wrong({ error: message, error_code: code, hint }) {
  const element = el("span", { class: "wrong small" });
  errorText({ code, message, hint }).then((text) => element.append(text));
  return element;
}

function figures({ files, device, memory_bytes: memory, load_ms: took, jobs, users }) {
  const size = files.reduce((sum, file) => sum + (file.bytes ?? 0), 0);
  return [
    size > 0 && t("engine.files", { size: formatBytes(size) }),
    device !== "cpu" && t("engine.device", { device }),
    memory !== null && t("engine.memory", { size: formatBytes(memory) }),
    took !== null && t("engine.took", { time: formatMilliseconds(took) }),
    jobs > 0 && t("engine.jobs", { count: formatNumber(jobs) }),
    users.length > 0 && t("engine.users", { users: users.join(", ") }),
  ];
}
