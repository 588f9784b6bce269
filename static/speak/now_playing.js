// Where a line is heard: who speaks, its words, its waveform, and what can be done with it afterwards.

import { avatar } from "./avatar.js";
import { byId, el } from "../page/dom.js";
import { changes, milliseconds, seconds, t, translate } from "../page/i18n.js";
import { botsCan, botsRequest, speechRequest, wish } from "./copied_requests.js";
import { ask } from "../server/http.js";
import { Spoken } from "./lit_words.js";
import { Wave } from "./waveform.js";

const FORMATS = ["wav", "mp3", "flac", "ogg", "opus", "aac"];

export class Stage {
  #stage = byId("stage");
  #spoken = new Spoken(byId("spoken"));
  #wave = new Wave(byId("wave"));
  #performer;
  #player;
  #cast;
  #shown = null; // {line, started, done, firstMs}
  #frame = 0;
  #end = 0;

  // `tell` says a sentence to the reader; `withKey` whether requests need one.
  constructor({ performer, player, cast, tell, withKey }) {
    this.#performer = performer;
    this.#player = player;
    this.#cast = cast;
    this.tell = tell;
    this.withKey = withKey;
    changes.addEventListener("language", () => this.#shown && this.#describe());
    document.addEventListener("theme", () => this.#wave.draw(this.#end));
    new ResizeObserver(() => this.#wave.draw(this.#end)).observe(byId("wave"));
  }

  // Says a line here; saying one that was said before takes it from the cache.
  perform(line, { failed, started } = {}) {
    const shown = { line, started: null, done: null, firstMs: null };
    this.#performer.say(line, {
      started: (message) => {
        this.#started(shown, message);
        started?.(message);
      },
      samples: (samples) => this.#wave.add(samples),
      words: (words) => this.#spoken.add(words),
      heard: (firstMs) => this.#heard(shown, firstMs),
      done: (message) => this.#done(shown, message),
      ended: () => this.#ended(shown),
      stopped: (position) => this.#stopped(shown, position),
      failed,
    });
    this.#shown = shown;
    this.#begin(line);
  }

  #begin(line) {
    delete this.#stage.dataset.empty;
    this.#stage.scrollIntoView({ block: "nearest" });
    this.#end = 0;
    this.#wave.begin(this.#player.rate);
    this.#spoken.begin(line.text, line.language === "auto" ? "" : line.language);
    byId("facts").textContent = "";
    byId("after").hidden = true;
    cancelAnimationFrame(this.#frame);
    this.#frame = requestAnimationFrame(() => this.#move());
  }

  #started(shown, message) {
    shown.started = message;
    byId("face").replaceChildren(avatar(this.#cast.get(message.character) ?? { name: message.character }));
    this.#describe();
  }

  #heard(shown, firstMs) {
    shown.firstMs = firstMs;
    this.#describe();
  }

  #done(shown, message) {
    shown.done = message;
    this.#describe();
    this.#offer(shown);
  }

  #ended(shown) {
    if (shown !== this.#shown) return;
    this.#rest(this.#wave.seconds);
    this.#spoken.finish();
  }

  #stopped(shown, position) {
    if (shown === this.#shown) this.#rest(position);
  }

  #rest(position) {
    this.#end = position;
    cancelAnimationFrame(this.#frame);
    this.#stage.style.setProperty("--level", "0");
    this.#frame = requestAnimationFrame(() => this.#settle());
  }

  #settle() {
    if (this.#wave.draw(this.#end)) this.#frame = requestAnimationFrame(() => this.#settle());
  }

  #move() {
    const { position } = this.#performer;
    this.#wave.draw(position);
    this.#spoken.light(position);
    const level = this.#performer.state === "speaking" ? this.#wave.level(position) : 0;
    this.#stage.style.setProperty("--level", level.toFixed(3));
    if (this.#performer.state !== "idle") this.#frame = requestAnimationFrame(() => this.#move());
  }

  #describe() {
    const { started, done, firstMs } = this.#shown;
    const parts = [];
    if (started) parts.push(this.#cast.get(started.character)?.display_name ?? started.character);
    if (started?.cache) parts.push(t(`fact.${started.cache}`));
    if (firstMs !== null) parts.push(t("fact.first", { time: milliseconds(firstMs) }));
    if (done) parts.push(seconds(done.duration));
    if (started) parts.push(t("fact.engine", { name: started.engine }));
    byId("facts").textContent = parts.join(" · ");
  }

  // ── afterwards ──

  #offer(shown) {
    const said = { ...shown.line, speaker: shown.started?.character ?? shown.line.character };
    const url = shown.done.url ?? shown.started?.url;
    const after = byId("after");
    after.replaceChildren(
      el(
        "div",
        { class: "row" },
        el("button", {
          id: "replay",
          class: "button",
          type: "button",
          t: "after.replay",
          onclick: () => this.perform(shown.line),
        }),
        url &&
          el("button", {
            id: "copy",
            class: "button",
            type: "button",
            t: "after.copy",
            onclick: () => this.#copy(url),
          }),
        el(
          "span",
          { class: "soft downloads", role: "group", "t-label": "after.download" },
          el("span", { t: "after.download" }),
          ...FORMATS.map((format) =>
            el(
              "button",
              {
                class: "button quiet",
                type: "button",
                "data-format": format,
                onclick: () => this.#download(said, format),
              },
              format,
            ),
          ),
        ),
      ),
      this.#recipes(said),
    );
    translate(after);
    after.hidden = false;
  }

  #recipes(said) {
    const withKey = this.withKey();
    const bots = el("div", {}, this.#recipe("after.generate", "generate", botsRequest(location.origin, said, withKey)));
    if (!botsCan(said)) bots.append(el("p", { class: "soft", t: "after.bots" }));
    return el(
      "details",
      { class: "recipes" },
      el("summary", { t: "after.requests" }),
      this.#recipe("after.curl", "curl", speechRequest(location.origin, said, withKey)),
      bots,
    );
  }

  #recipe(key, name, text) {
    return el(
      "div",
      { class: "recipe" },
      el(
        "p",
        { class: "heading" },
        el("span", { t: key }),
        el("button", { class: "button quiet", type: "button", t: "copy", onclick: () => this.#copy(text) }),
      ),
      el("pre", { tabindex: "0", "data-recipe": name, role: "region", "t-label": key }, el("code", {}, text)),
    );
  }

  async #copy(text) {
    try {
      await navigator.clipboard.writeText(text);
      this.tell("copied");
    } catch {
      this.tell("copied.not");
    }
  }

  async #download(line, format) {
    try {
      const { url } = await ask("/lines", { ...wish(line), format });
      const { pathname, search } = new URL(url);
      const link = el("a", { href: pathname + search, download: pathname.split("/").at(-1) });
      document.body.append(link);
      link.click();
      link.remove();
    } catch (error) {
      this.tell("failed", error);
    }
  }
}
