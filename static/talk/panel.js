// The talk panel: the microphone's switch and settings, how it goes, and what was understood. `#mic` switches the
// microphone, `#convert` and `#revoice` choose between another voice and words that are spoken anew.

import { el } from "../page/dom.js";
import { errorText, formatNumber, loadTexts, setText, t, translate } from "../page/i18n.js";
import { TalkFields } from "./fields.js";
import { LevelMeter } from "./level_meter.js";
import { OF_MICROPHONE, OF_VOICE, TalkSettings } from "./settings.js";

const MOST_LINES = 50; // of the transcript
const SETTLED_MS = 150; // after which a slider's value is sent
const NOTICES = { larger_blocks: "talk.larger_blocks", bypass: "talk.bypassed", recovered: "talk.recovered" };

export class TalkPanel {
  #connection;
  #player;
  #meter;
  #characters;
  #liveVoice = null; // before it is first switched on
  #settings = new TalkSettings();
  #fields = new TalkFields(this.#settings);
  #level = new LevelMeter();
  #pushToTalk = null; // before it is first chosen
  #mic = el("button", { id: "mic", class: "button first", type: "button", onclick: () => this.#toggle() });
  #sentence = el("p", { id: "talk-state", role: "status" });
  #remark = el("p", { id: "talk-remark", class: "small", role: "status" });
  #lines = el("ol", { id: "transcript", class: "transcript", "aria-live": "polite" });
  #transcript = el("div", {}, el("h3", { t: "talk.transcript" }), this.#lines);
  #changeTimer = null;

  constructor(root, { connection, player, meter, characters }) {
    this.#connection = connection;
    this.#player = player;
    this.#meter = meter;
    this.#characters = characters;
    this.#build(root);
    this.#settings.addEventListener("change", ({ name }) => this.#settingChanged(name));
    characters.addEventListener("changed", () => this.#listCharacters());
    this.#show();
  }

  #build(root) {
    root.append(
      el("h2", { id: "talk-title", t: "talk.title" }),
      el("p", { class: "soft", t: "talk.intro" }),
      el("p", { class: "headphones", role: "note", t: "talk.headphones" }),
      el("div", { class: "row" }, this.#mic, this.#level.element),
      this.#sentence,
      this.#remark,
      this.#fields.sources,
      this.#fields.mode,
      this.#fields.conversion,
      this.#fields.converter,
      this.#transcript,
      this.#fields.way,
      this.#fields.switches,
    );
  }

  get #state() {
    return this.#liveVoice?.state ?? "off";
  }

  // Whether the microphone was switched on and not off again.
  get #isWanted() {
    return !["off", "refused"].includes(this.#state);
  }

  #toggle() {
    if (this.#isWanted) this.#liveVoice.stop();
    else this.#start();
  }

  async #start() {
    try {
      if (!this.#liveVoice) await this.#load();
      this.#liveVoice.settings = this.#settings.voice;
      await this.#liveVoice.start(this.#settings.microphone);
    } catch (error) {
      this.#showRemark(error.message);
    }
  }

  // The modules of the microphone are fetched when they are first needed: most who open the page only type.
  async #load() {
    const [{ LiveVoice }, { LiveLatency }] = await Promise.all([
      import("./live_voice.js"),
      import("./live_latency.js"),
      loadTexts("later/"),
    ]);
    if (this.#liveVoice) return; // a second click came while they were fetched
    new LiveLatency(this.#connection, this.#player, this.#meter);
    const voice = new LiveVoice(this.#connection, this.#player);
    this.#liveVoice = voice;
    voice.addEventListener("state", () => this.#showState());
    voice.addEventListener("level", ({ detail }) => this.#level.show(detail));
    voice.addEventListener("heard", ({ detail }) => this.#showHeard(detail));
    voice.addEventListener("notice", ({ detail }) => this.#showNotice(detail));
    voice.addEventListener("failed", async ({ detail }) => this.#showRemark(await errorText(detail)));
    voice.microphone.addEventListener("devices", () => this.#listDevices());
    this.#apply();
  }

  // The module is fetched when it is first chosen: most microphones stay open.
  async #loadPushToTalk() {
    const { PushToTalk } = await import("./push_to_talk.js");
    this.#pushToTalk ??= new PushToTalk({
      isChosen: () => this.#settings.isPushToTalk,
      isOn: () => this.#state === "on",
      setOpen: (open) => this.#setOpen(open),
    });
    this.#mic.after(this.#pushToTalk.button, this.#pushToTalk.hint);
    translate(this.#mic.parentNode);
    this.#showState();
  }

  #settingChanged(name) {
    this.#show();
    if (OF_MICROPHONE.includes(name) && this.#isWanted) this.#start();
    if (!OF_VOICE.includes(name)) return;
    clearTimeout(this.#changeTimer);
    this.#changeTimer = setTimeout(() => this.#change(), SETTLED_MS);
  }

  #change() {
    this.#showRemark(""); // it was said of the voice before
    this.#liveVoice?.change(this.#settings.voice);
  }

  #apply() {
    const { monitor, bypass } = this.#settings.values;
    this.#liveVoice?.setMonitor(monitor);
    this.#liveVoice?.setBypass(bypass);
    this.#liveVoice?.microphone.setOpen(!this.#settings.isPushToTalk);
  }

  #setOpen(open) {
    if (!this.#liveVoice || this.#liveVoice.microphone.open === open) return;
    this.#liveVoice.microphone.setOpen(open);
    this.#showState();
  }

  async #listDevices() {
    this.#fields.listDevices(await this.#liveVoice.microphone.devices());
  }

  #listCharacters() {
    const { all, converterVoices: voices } = this.#characters;
    const { values } = this.#settings;
    this.#settings.listVoices(voices);
    this.#fields.listCharacters(all, voices);
    const isThere = [...all, ...voices].some(({ name }) => name === values.character);
    if (!isThere) values.character = ""; // not stored: it may come back
    this.#show();
  }

  #show() {
    this.#fields.show();
    this.#transcript.hidden = this.#settings.values.mode !== "revoice";
    this.#apply();
    this.#showState();
  }

  #showState() {
    const state = this.#state;
    const isOpen = this.#liveVoice?.microphone.open ?? false;
    this.#mic.toggleAttribute("data-on", this.#isWanted);
    setText(this.#mic, this.#isWanted ? "talk.mic.off" : "talk.mic");
    if (this.#pushToTalk) this.#pushToTalk.show(isOpen);
    else if (this.#settings.isPushToTalk) this.#loadPushToTalk().catch(() => {}); // to be tried again
    setText(this.#sentence, state === "on" && !isOpen ? "talk.quiet" : `talk.${state}`);
    if (state !== "on") this.#level.show(0);
    if (state === "off") this.#showRemark("");
  }

  #showHeard({ event, text }) {
    this.#level.markSpeech(event === "speech_started");
    if (!text) return;
    this.#lines.append(el("li", {}, text));
    while (this.#lines.children.length > MOST_LINES) this.#lines.firstElementChild.remove();
  }

  // The page's own words for a notice where it has some, else the server's. `load` was measured before anything was
  // said.
  #showNotice({ code, message, load }) {
    if (!NOTICES[code]) return this.#showRemark(message);
    if (load === undefined) return setText(this.#remark, NOTICES[code]);
    return this.#showRemark(`${t(NOTICES[code])} ${t("talk.slow", { seconds: formatNumber(load, 1) })}`);
  }

  #showRemark(text) {
    delete this.#remark.dataset.t;
    this.#remark.textContent = text;
  }
}
