// The status panel: figures of the server, its models, files that are missing, and the last warnings of its log.

import { el } from "../page/dom.js";
import {
  formatBytes,
  formatDuration,
  formatMoment,
  formatNumber,
  languageEvents,
  loadTexts,
  t,
  translate,
} from "../page/i18n.js";
import { requestJson } from "./http.js";

const REFRESH_MS = 4000;
const MOST_WARNINGS = 8;

export class StatusPanel {
  #root;
  #showMessage;
  #status = null; // the server's last answer
  #timer = null;
  #visible = false;
  #refreshing = false;
  #asked = false;
  #tiles = el("dl", { class: "tiles" });
  #missing = el("div", { class: "missing" });
  #warnings = el("div", { class: "warnings" });
  #more = el("div", {}); // the models, whose modules are fetched when somebody looks
  #models = null;
  #logOut;

  constructor(root, { showMessage }) {
    this.#root = root;
    this.#showMessage = showMessage;
    this.#logOut = el("button", {
      id: "logout",
      class: "button quiet",
      type: "button",
      hidden: true,
      onclick: () => logOut().catch((error) => showMessage("failed", error)),
    });
    root.append(
      el("div", { class: "heading" }, el("h2", { id: "status-title", t: "status" }), this.#logOut),
      this.#tiles,
      this.#more,
      this.#missing,
      this.#warnings,
    );
    // A panel that is out of sight asks the server nothing.
    new IntersectionObserver(([{ isIntersecting }]) => {
      this.#visible = isIntersecting;
      if (isIntersecting) this.refresh();
      this.#follow().catch(() => {}); // without it the figures above are there all the same
    }).observe(root);
    document.addEventListener("visibilitychange", () => {
      this.#refreshLater();
      this.#follow().catch(() => {});
    });
    languageEvents.addEventListener("change", () => this.#show());
  }

  // Whether requests to this server need a key.
  get needsKey() {
    return this.#status?.keys ?? false;
  }

  // Asks the server anew; asked while an answer is on its way, once more after it, since that may be old.
  async refresh() {
    this.#asked = true;
    if (this.#refreshing) return;
    this.#refreshing = true;
    while (this.#asked) {
      this.#asked = false;
      await this.#read();
    }
    this.#refreshing = false;
    this.#refreshLater();
  }

  async #read() {
    try {
      // Out of sight it shows none of the models, whose list is long.
      this.#status = await requestJson(this.#visible ? "/api/status" : "/api/status?models=false");
      this.#show();
    } catch {
      // The head of the page says that there is no connection; here the last figures stay.
    }
  }

  // Follows the server while the panel is in sight, and at no other time.
  async #follow() {
    if (!this.#visible || document.hidden) {
      this.#models?.stop();
      return;
    }
    if (!this.#models) {
      await Promise.all([loadTexts("later/"), loadStyle("/static/models/models.css")]);
      const { ModelsPanel } = await import("../models/panel.js");
      this.#models ??= new ModelsPanel({ showMessage: this.#showMessage, refresh: () => this.refresh() });
      this.#more.replaceChildren(this.#models.element);
      this.#show();
    }
    await this.#models.start();
  }

  #refreshLater() {
    clearTimeout(this.#timer);
    if (this.#visible && !document.hidden) this.#timer = setTimeout(() => this.refresh(), REFRESH_MS);
  }

  #show() {
    const status = this.#status;
    if (!status) return;
    document.body.dataset.role = status.role; // what it may not do is hidden by style
    this.#logOut.hidden = !status.key;
    this.#logOut.textContent = t("status.logout", { key: status.key });
    this.#tiles.replaceChildren(...tileRows(status).map(tile));
    this.#models?.show(status);
    showList(this.#missing, "status.missing", missingItems(status), "status.nothingMissing");
    showList(this.#warnings, "status.warnings", warningItems(status), "status.noWarnings");
    translate(this.#root);
  }
}

// A style sheet that only these modules need.
function loadStyle(href) {
  const link = el("link", { rel: "stylesheet", href });
  return new Promise((resolve) => {
    for (const event of ["load", "error"]) link.addEventListener(event, resolve);
    document.head.append(link);
  });
}

async function logOut() {
  await requestJson("/logout", {});
  location.reload();
}

// Title, value and a remark of each tile.
function tileRows({ cache, sockets, memory, uptime_s: uptime, version, gpu, ready }) {
  const lines = cache.hit + cache.join + cache.miss;
  const share = lines ? `${formatNumber((100 * (cache.hit + cache.join)) / lines)} %` : "–";
  return [
    [
      "status.server",
      t(ready ? "status.ready" : "status.notReady"),
      t("status.up", { version, time: formatDuration(uptime) }),
    ],
    ["status.sessions", formatNumber(sockets.open), t("status.most", { count: formatNumber(sockets.most) })],
    [
      "status.cache",
      t("status.recordings", { count: formatNumber(cache.recordings) }),
      `${formatBytes(cache.bytes)} / ${formatBytes(cache.max_bytes)}`,
    ],
    ["status.hits", share, t("status.asked", { count: formatNumber(lines) })],
    ["status.memory", formatBytes(memory.resident), t("status.free", { size: formatBytes(memory.available) })],
    ["status.gpu", gpu ? (gpu.name ?? t("status.yes")) : t("status.none"), gpu?.memory ?? t("status.cpu")],
  ];
}

function tile([title, value, remark]) {
  return el(
    "div",
    {},
    el("dt", { t: title }),
    el("dd", {}, value),
    remark && el("dd", { class: "soft small" }, remark),
  );
}

function showList(parent, title, items, whenEmpty) {
  parent.replaceChildren(
    el("h3", { t: title }),
    items.length ? el("ul", {}, ...items) : el("p", { class: "soft", t: whenEmpty }),
  );
}

// Why engines cannot run here, each reason with what helps, and characters whose file is wrong.
function missingItems({ models, broken_characters: broken }) {
  const engines = models.flatMap(({ id, obstacles }) => obstacles.map(({ what, how }) => [id, `${what}: ${how}`]));
  return [...engines, ...Object.entries(broken)].map(([subject, text]) =>
    el("li", {}, el("strong", {}, subject), ": ", el("span", { lang: "en" }, text)),
  );
}

function warningItems({ troubles }) {
  return troubles
    .slice(0, MOST_WARNINGS)
    .map(({ time_ms: at, level, message, request }) =>
      el(
        "li",
        { "data-level": level },
        el("span", { class: "soft small" }, formatMoment(at)),
        " ",
        el("span", { lang: "en" }, message),
        request && el("span", { class: "soft small" }, ` ${request}`),
      ),
    );
}
