// How the server is: engines and their memory, the cache, who is connected, what went wrong.

import { el } from "../page/dom.js";
import { bytes, changes, milliseconds, moment, number, t, translate } from "../page/i18n.js";
import { logout } from "./login.js";
import { ask } from "./http.js";

const EVERY_MS = 4000;
const MOST_TROUBLES = 8;

export class Status {
  #tell;
  #told = null;
  #busy = new Set(); // engines that are being loaded or unloaded from here
  #timer = null;
  #seen = false;
  #looking = false;
  #tiles = el("dl", { class: "tiles" });
  #engines = el("ul", { class: "engines" });
  #missing = el("div", { class: "missing" });
  #troubles = el("div", { class: "troubles" });
  #leave = el("button", {
    id: "logout",
    class: "button quiet",
    type: "button",
    hidden: true,
    onclick: () => logout().catch((error) => this.#tell("failed", error)),
  });

  constructor(root, { tell }) {
    this.#tell = tell;
    root.append(
      el("div", { class: "heading" }, el("h2", { id: "status-title", t: "status" }), this.#leave),
      this.#tiles,
      el("h3", { t: "status.engines" }),
      this.#engines,
      this.#missing,
      this.#troubles,
    );
    // Only who sees it asks.
    new IntersectionObserver(([{ isIntersecting }]) => {
      this.#seen = isIntersecting;
      if (isIntersecting) this.look();
    }).observe(root);
    document.addEventListener("visibilitychange", () => this.#again());
    changes.addEventListener("language", () => this.#show());
  }

  // Whether requests to this server need a key.
  get keyed() {
    return this.#told?.keys ?? false;
  }

  async look() {
    if (this.#looking) return;
    this.#looking = true;
    try {
      this.#told = await ask("/api/status");
      this.#show();
    } catch {
      // The wire's state is told above; what was known stays.
    } finally {
      this.#looking = false;
      this.#again();
    }
  }

  #again() {
    clearTimeout(this.#timer);
    if (this.#seen && !document.hidden) this.#timer = setTimeout(() => this.look(), EVERY_MS);
  }

  #show() {
    const told = this.#told;
    if (!told) return;
    this.#leave.hidden = !told.key;
    this.#leave.textContent = t("status.logout", { key: told.key });
    this.#tiles.replaceChildren(
      ...this.#facts(told).map(([key, value, more]) =>
        el("div", {}, el("dt", { t: key }), el("dd", {}, value), more && el("dd", { class: "soft small" }, more)),
      ),
    );
    this.#showEngines(told.models);
    this.#showMissing(told);
    this.#showTroubles(told.troubles);
    translate(this.#tiles.parentElement);
  }

  #facts({ cache, sockets, memory, uptime_s: up, version, gpu, ready }) {
    const asked = cache.hit + cache.join + cache.miss;
    const share = asked ? `${number((100 * (cache.hit + cache.join)) / asked)} %` : "–";
    return [
      [
        "status.server",
        ready ? t("status.ready") : t("status.notReady"),
        t("status.up", { version, time: duration(up) }),
      ],
      ["status.sessions", number(sockets.open), t("status.most", { count: number(sockets.most) })],
      [
        "status.cache",
        t("status.recordings", { count: number(cache.recordings) }),
        `${bytes(cache.bytes)} / ${bytes(cache.max_bytes)}`,
      ],
      ["status.hits", share, t("status.asked", { count: number(asked) })],
      ["status.memory", bytes(memory.resident), t("status.free", { size: bytes(memory.available) })],
      ["status.gpu", gpu ? (gpu.name ?? t("status.yes")) : t("status.none"), gpu?.memory ?? t("status.cpu")],
    ];
  }

  // ── engines ──

  #showEngines(models) {
    const focused = document.activeElement?.dataset?.engine;
    this.#engines.replaceChildren(...models.map((model) => this.#engine(model)));
    if (focused) this.#engines.querySelector(`[data-engine="${CSS.escape(focused)}"]`)?.focus();
  }

  #engine(model) {
    const state = this.#busy.has(model.name) ? "loading" : model.state;
    const loaded = model.state === "loaded";
    const about = [t(`engine.${model.kind}`), model.languages.join(" "), ...this.#sizes(model)];
    if (model.users.length) about.push(t("engine.users", { users: model.users.join(", ") }));
    return el(
      "li",
      { "data-state": state },
      el("span", { class: "dot", "aria-hidden": "true" }),
      el(
        "span",
        { class: "what" },
        el("strong", {}, model.name),
        " ",
        el("span", { class: "tag", t: `engine.${state}` }),
        el("span", { class: "soft small" }, about.filter(Boolean).join(" · ")),
        model.error && el("span", { class: "wrong small", lang: "en" }, model.error),
      ),
      el(
        "button",
        {
          class: "button",
          type: "button",
          "data-engine": model.name,
          "aria-disabled": state === "loading" && "true",
          onclick: () => this.#change(model.name, loaded ? "unload" : "load"),
        },
        el("span", { t: loaded ? "engine.unload" : "engine.load" }),
        el("span", { class: "hidden" }, ` ${model.name}`),
      ),
    );
  }

  #sizes({ files, memory_bytes: memory, load_ms: took, jobs }) {
    const size = files.reduce((sum, file) => sum + (file.bytes ?? 0), 0);
    return [
      size && t("engine.files", { size: bytes(size) }),
      memory !== null && t("engine.memory", { size: bytes(memory) }),
      took !== null && t("engine.took", { time: milliseconds(took) }),
      jobs > 0 && t("engine.jobs", { count: number(jobs) }),
    ];
  }

  async #change(name, what) {
    if (this.#busy.has(name)) return; // a button that were disabled would lose the focus
    this.#busy.add(name);
    this.#show();
    try {
      await ask(`/api/models/${encodeURIComponent(name)}/${what}`, {});
      this.#tell(what === "load" ? "engine.wasLoaded" : "engine.wasUnloaded");
    } catch (error) {
      this.#tell("failed", error);
    } finally {
      this.#busy.delete(name);
      await this.look();
    }
  }

  // ── what is wrong ──

  #showMissing({ models, broken_characters: broken }) {
    const files = models.flatMap(({ name, files: all }) =>
      all.filter(({ available }) => !available).map((file) => ({ engine: name, ...file })),
    );
    const lines = [
      ...files.map(({ engine, name, how }) =>
        el("li", {}, el("strong", {}, engine), ` ${name}: `, el("span", { lang: "en" }, how)),
      ),
      ...Object.entries(broken).map(([file, why]) =>
        el("li", {}, el("strong", {}, file), ": ", el("span", { lang: "en" }, why)),
      ),
    ];
    this.#missing.replaceChildren(
      el("h3", { t: "status.missing" }),
      lines.length ? el("ul", {}, ...lines) : el("p", { class: "soft", t: "status.nothingMissing" }),
    );
  }

  #showTroubles(troubles) {
    const lines = troubles
      .slice(0, MOST_TROUBLES)
      .map(({ time_ms: at, level, message }) =>
        el(
          "li",
          { "data-level": level },
          el("span", { class: "soft small" }, moment(at)),
          " ",
          el("span", { lang: "en" }, message),
        ),
      );
    this.#troubles.replaceChildren(
      el("h3", { t: "status.troubles" }),
      lines.length ? el("ul", {}, ...lines) : el("p", { class: "soft", t: "status.noTroubles" }),
    );
  }
}

function duration(seconds) {
  const [days, hours, minutes] = [
    Math.floor(seconds / 86400),
    Math.floor(seconds / 3600) % 24,
    Math.floor(seconds / 60) % 60,
  ];
  if (days) return t("unit.days", { days, hours });
  return hours ? t("unit.hours", { hours, minutes }) : t("unit.minutes", { minutes });
}
