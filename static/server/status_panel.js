// The status panel: figures of the server, its engines, files that are missing, and the last warnings of its log.

import { el } from "../page/dom.js";
import { formatBytes, formatMoment, formatNumber, languageEvents, loadTexts, t, translate } from "../page/i18n.js";
import { EngineList } from "./engine_list.js";
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
  #engines;
  #tiles = el("dl", { class: "tiles" });
  #missing = el("div", { class: "missing" });
  #warnings = el("div", { class: "warnings" });
  #more = el("div", {}); // the panel of memory, which is fetched when somebody looks
  #memory = null;
  #logOut;

  constructor(root, { showMessage }) {
    this.#root = root;
    this.#showMessage = showMessage;
    this.#engines = new EngineList({ showMessage, refresh: () => this.refresh() });
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
      el("h3", { t: "status.engines" }),
      this.#engines.element,
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

  async refresh() {
    if (this.#refreshing) return;
    this.#refreshing = true;
    try {
      this.#status = await requestJson("/api/status");
      this.#show();
    } catch {
      // The head of the page says that there is no connection; here the last figures stay.
    } finally {
      this.#refreshing = false;
      this.#refreshLater();
    }
  }

  // Follows the server while the panel is in sight, and at no other time.
  async #follow() {
    if (!this.#visible || document.hidden) {
      this.#memory?.stop();
      return;
    }
    if (!this.#memory) {
      await loadTexts("later/");
      const { MemoryPanel } = await import("./memory_panel.js");
      this.#memory ??= new MemoryPanel({ showMessage: this.#showMessage, refresh: () => this.refresh() });
      this.#more.replaceChildren(this.#memory.element);
    }
    await this.#memory.start();
  }

  #refreshLater() {
    clearTimeout(this.#timer);
    if (this.#visible && !document.hidden) this.#timer = setTimeout(() => this.refresh(), REFRESH_MS);
  }

  #show() {
    const status = this.#status;
    if (!status) return;
    this.#logOut.hidden = !status.key;
    this.#logOut.textContent = t("status.logout", { key: status.key });
    this.#tiles.replaceChildren(...tileRows(status).map(tile));
    this.#engines.show(status.models);
    showList(this.#missing, "status.missing", missingItems(status), "status.nothingMissing");
    showList(this.#warnings, "status.warnings", warningItems(status), "status.noWarnings");
    translate(this.#root);
  }
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
      t("status.up", { version, time: duration(uptime) }),
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

function duration(seconds) {
  const days = Math.floor(seconds / 86400);
  const hours = Math.floor(seconds / 3600) % 24;
  const minutes = Math.floor(seconds / 60) % 60;
  if (days) return t("unit.days", { days, hours });
  return hours ? t("unit.hours", { hours, minutes }) : t("unit.minutes", { minutes });
}
