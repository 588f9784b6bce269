// The line that is heard now: who speaks it, its words, its waveform, and what the server says of it.

import { byId } from "../page/dom.js";
import { formatMilliseconds, formatSeconds, languageEvents, loadTexts, t, textOr } from "../page/i18n.js";
import { avatar } from "./avatar.js";
import { LitWords } from "./lit_words.js";
import { Waveform } from "./waveform.js";

export class NowPlaying {
  #root = byId("now-playing");
  #words = new LitWords(byId("spoken"));
  #waveform = new Waveform(byId("waveform"));
  #linePlayer;
  #player;
  #characters;
  #showMessage;
  #needsKey;
  #current = null; // {line, handlers, started, done, firstMs}
  #frame = 0;
  #position = 0; // seconds that were heard of a line that is over

  // `showMessage` says a sentence to the reader; `needsKey` tells whether requests need a key.
  constructor({ linePlayer, player, characters, showMessage, needsKey }) {
    this.#linePlayer = linePlayer;
    this.#player = player;
    this.#characters = characters;
    this.#showMessage = showMessage;
    this.#needsKey = needsKey;
    languageEvents.addEventListener("change", () => this.#current && this.#showFacts());
    document.addEventListener("theme", () => this.#waveform.draw(this.#position));
    new ResizeObserver(() => this.#waveform.draw(this.#position)).observe(byId("waveform"));
  }

  // Says a line here; a line that was said before comes from the cache.
  say(line, handlers) {
    const { onFailed, onStarted } = handlers;
    const current = { line, handlers, started: null, done: null, firstMs: null };
    this.#linePlayer.say(line, {
      started: (message) => {
        this.#started(current, message);
        onStarted(message);
      },
      samples: (samples) => this.#waveform.add(samples),
      words: (words) => this.#words.add(words),
      heard: (firstMs) => {
        current.firstMs = firstMs;
        this.#showFacts();
      },
      done: (message) => {
        current.done = message;
        this.#showFacts();
        this.#showActions(current).catch(onFailed);
      },
      ended: () => this.#ended(current),
      stopped: (position) => current === this.#current && this.#rest(position),
      failed: onFailed,
    });
    this.#current = current; // after `say`, which stops the line before
    this.#begin(line);
  }

  #begin(line) {
    delete this.#root.dataset.empty;
    this.#root.scrollIntoView({ block: "nearest" });
    this.#position = 0;
    this.#waveform.begin(this.#player.rate);
    this.#words.show(line.text, line.language === "auto" ? "" : line.language);
    byId("facts").textContent = "";
    byId("actions").hidden = true;
    cancelAnimationFrame(this.#frame);
    this.#frame = requestAnimationFrame(() => this.#animate());
  }

  #started(current, message) {
    current.started = message;
    const character = this.#characters.get(message.character) ?? { name: message.character };
    byId("speaker").replaceChildren(avatar(character));
    this.#showFacts();
  }

  #ended(current) {
    if (current !== this.#current) return;
    this.#rest(this.#waveform.seconds);
    this.#words.finish();
  }

  #rest(position) {
    this.#position = position;
    cancelAnimationFrame(this.#frame);
    this.#root.style.setProperty("--level", "0");
    this.#frame = requestAnimationFrame(() => this.#settle());
  }

  // Draws the waveform until its scale fits.
  #settle() {
    if (this.#waveform.draw(this.#position)) this.#frame = requestAnimationFrame(() => this.#settle());
  }

  #animate() {
    const { position, state } = this.#linePlayer;
    this.#waveform.draw(position);
    this.#words.light(position);
    const level = state === "speaking" ? this.#waveform.level(position) : 0;
    this.#root.style.setProperty("--level", level.toFixed(3));
    if (state !== "idle") this.#frame = requestAnimationFrame(() => this.#animate());
  }

  #showFacts() {
    const { line, started, done, firstMs } = this.#current;
    const facts = [];
    if (started) facts.push(this.#characters.get(started.character)?.display_name ?? started.character);
    if (line.then) facts.push(t("fact.then", { name: this.#characters.voiceName(line.then) }));
    if (started?.cache) facts.push(t(`fact.${started.cache}`));
    if (firstMs !== null) facts.push(t("fact.first", { time: formatMilliseconds(firstMs) }));
    if (done) facts.push(formatSeconds(done.duration));
    if (started) facts.push(t("fact.engine", { name: started.engine }));
    for (const { code, message } of done?.notices ?? []) facts.push(textOr(`notice.${code}`, message));
    byId("facts").textContent = facts.join(" · ");
  }

  // The actions are fetched with the first line: the first load of the page goes without them.
  async #showActions(current) {
    const [{ LineActions }] = await Promise.all([import("./line_actions.js"), loadTexts("later/")]);
    if (current !== this.#current) return;
    const { line, handlers, started, done } = current;
    new LineActions(byId("actions"), {
      line,
      speaker: started?.character ?? line.character,
      url: done.url ?? started?.url ?? null,
      replay: () => this.say(line, handlers),
      showMessage: this.#showMessage,
      withKey: this.#needsKey(),
    });
    byId("actions").hidden = false;
  }
}
