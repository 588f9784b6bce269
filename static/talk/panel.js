// The Talk panel: a microphone, what becomes of its voice, and how it is heard. `#mic` switches the microphone,
// `#convert` and `#revoice` choose between another voice and words spoken anew.

import { el } from "../page/dom.js";
import { keep, kept } from "../page/storage.js";

const KEPT = "talk";
const MOST_LINES = 50; // of the transcript
const SETTLED_MS = 150; // after which a slider is believed
const LEVELS_EVERY_MS = 60;
const QUIETEST_DB = -60; // the left end of the level
const BEGINNING = {
  device: "",
  way: "open",
  mode: "convert",
  character: "",
  pitch: null,
  formant: 1,
  breath: 0,
  effect: "none",
  echo: true,
  noise: true,
  monitor: true,
  bypass: false,
};
const SLIDERS = { pitch: [-12, 12, 0.5], formant: [0.5, 2, 0.05], breath: [0, 1, 0.05] };
const NOTICES = { larger_blocks: "talk.larger_blocks", bypass: "talk.bypassed", recovered: "talk.recovered" };
const TYPED_INTO = "input, textarea, select, button, a, summary, [contenteditable]";

export function talk(root, { connection, player, t }) {
  const panel = new Panel(root, t, () => load(connection, player));
  connection.addEventListener("ready", ({ detail }) => panel.listCharacters(detail.characters));
  if (connection.ready) panel.listCharacters(connection.ready.characters);
}

// What listens is fetched when somebody wants to talk: most who open the page only type.
async function load(connection, player) {
  const { Talker } = await import("./voice.js");
  return new Talker(connection, player);
}

class Panel {
  constructor(root, t, load) {
    this.t = t;
    this.load = load;
    this.talker = null; // before the first word
    this.chosen = { ...BEGINNING, ...kept(KEPT), bypass: false };
    this.names = [];
    this.shownAt = 0;
    this.build(root);
    this.fill();
  }

  join(talker) {
    this.talker = talker;
    talker.addEventListener("state", () => this.showState());
    talker.addEventListener("level", ({ detail }) => this.showLevel(detail));
    talker.addEventListener("heard", ({ detail }) => this.write(detail));
    talker.addEventListener("notice", ({ detail }) => this.notice(detail));
    talker.addEventListener("failed", ({ detail }) =>
      this.remarked(null, [detail.message, detail.hint].filter(Boolean).join(" ")),
    );
    talker.microphone.addEventListener("devices", () => this.listDevices());
    this.apply();
  }

  // ── what there is to see ──

  build(root) {
    this.mic = el("button", {
      id: "mic",
      class: "button first",
      type: "button",
      t: "talk.mic",
      onclick: () => this.toggle(),
    });
    this.push = el("button", { id: "push", class: "button", type: "button", t: "talk.hold" });
    this.hint = el("span", { class: "soft small", t: "talk.hold.hint" });
    this.level = el(
      "div",
      {
        id: "level",
        class: "bar level",
        role: "meter",
        "aria-valuemin": 0,
        "aria-valuemax": 100,
        "t-label": "talk.level",
      },
      el("span", { class: "fill" }),
    );
    this.sentence = el("p", { id: "talk-state", role: "status" });
    this.remark = el("p", { id: "talk-remark", class: "small", role: "status" });
    this.device = this.select("device", []);
    this.character = this.select("character", []);
    this.effect = this.select(
      "effect",
      ["none", "robot", "whisper"].map((name) => el("option", { value: name, t: `talk.effect.${name}` })),
    );
    this.sliders = Object.keys(SLIDERS).map((name) => this.slider(name));
    this.converting = el(
      "div",
      { class: "options" },
      ...this.sliders.map(({ field }) => field),
      field("effect", this.effect),
    );
    this.lines = el("ol", { id: "transcript", class: "transcript", "aria-live": "polite" });
    this.transcript = el("div", {}, el("h3", { t: "talk.transcript" }), this.lines);
    root.append(
      el("h2", { id: "talk-title", t: "talk.title" }),
      el("p", { class: "soft", t: "talk.intro" }),
      el("p", { class: "headphones", role: "note", t: "talk.headphones" }),
      el("div", { class: "row" }, this.mic, this.push, this.hint, this.level),
      this.sentence,
      this.remark,
      el("div", { class: "options" }, field("device", this.device), field("character", this.character)),
      this.radios("mode", ["convert", "revoice"]),
      this.converting,
      this.transcript,
      this.radios("way", ["open", "push"]),
      el("div", { class: "checks" }, ...["echo", "noise", "monitor", "bypass"].map((name) => this.check(name))),
    );
    this.hold();
  }

  select(name, options) {
    const change = ({ target }) => this.choose(name, target.value);
    return el("select", { id: `talk-${name}`, onchange: change }, ...options);
  }

  radios(name, values) {
    const each = (value) => {
      const id = name === "mode" ? value : `talk-${value}`;
      const input = el("input", {
        id,
        type: "radio",
        name: `talk-${name}`,
        value,
        onchange: () => this.choose(name, value),
      });
      return el("label", { class: "check" }, input, el("span", { t: `talk.${name}.${value}` }));
    };
    return el(
      "fieldset",
      { class: "checks" },
      el("legend", { class: "soft small", t: `talk.${name}` }),
      ...values.map(each),
    );
  }

  check(name) {
    const change = ({ target }) => this.choose(name, target.checked);
    const input = el("input", { id: `talk-${name}`, type: "checkbox", role: "switch", onchange: change });
    return el("label", { class: "check" }, input, el("span", { t: `talk.${name}` }));
  }

  slider(name) {
    const [min, max, step] = SLIDERS[name];
    const output = el("output", { for: `talk-${name}` });
    const input = el("input", { id: `talk-${name}`, type: "range", min, max, step });
    input.addEventListener("input", () => this.choose(name, input.valueAsNumber));
    input.addEventListener("dblclick", () => this.choose(name, BEGINNING[name])); // as in a mixing desk
    const label = el("label", { for: `talk-${name}` }, el("span", { t: `talk.${name}` }), " ", output);
    return { name, input, output, field: el("div", { class: "field" }, label, input) };
  }

  // ── what is chosen ──

  choose(name, value) {
    this.chosen[name] = value;
    if (name === "character") this.chosen.pitch = null; // a character has its own
    keep(KEPT, this.chosen);
    this.fill();
    if (["device", "echo", "noise"].includes(name) && this.wanted) this.start();
    if (!["mode", "character", "pitch", "formant", "breath", "effect"].includes(name)) return;
    clearTimeout(this.settling);
    this.settling = setTimeout(() => this.talker?.change(this.voice()), SETTLED_MS);
  }

  get state() {
    return this.talker?.state ?? "off";
  }

  // Whether the microphone was switched on and not off again.
  get wanted() {
    return this.state !== "off" && this.state !== "refused";
  }

  voice() {
    const { mode, character, pitch, formant, breath, effect } = this.chosen;
    const voice = { mode, character: character || null };
    return mode === "revoice" ? voice : { ...voice, pitch, formant, breath, effect };
  }

  // Shows what is chosen, and lets it hold.
  fill() {
    const { chosen } = this;
    for (const name of ["mode", "way"]) {
      for (const input of document.getElementsByName(`talk-${name}`)) input.checked = input.value === chosen[name];
    }
    for (const name of ["echo", "noise", "monitor", "bypass"]) this.found(name).checked = chosen[name];
    for (const name of ["device", "character", "effect"]) this.found(name).value = chosen[name];
    for (const { name, input, output } of this.sliders) {
      input.value = chosen[name] ?? 0;
      const own = name === "pitch" && chosen.pitch === null && chosen.character !== "";
      delete output.dataset.t;
      if (own) this.say(output, "talk.pitch.own");
      else output.textContent = name === "pitch" ? signed(chosen.pitch ?? 0) : chosen[name].toFixed(2);
    }
    this.converting.hidden = chosen.mode !== "convert";
    this.transcript.hidden = chosen.mode !== "revoice";
    this.push.hidden = this.hint.hidden = chosen.way !== "push";
    this.listNobody();
    this.apply();
    this.showState();
  }

  apply() {
    const { monitor, bypass, way } = this.chosen;
    this.talker?.setMonitor(monitor);
    this.talker?.setBypass(bypass);
    this.talker?.microphone.setOpen(way === "open");
  }

  found(name) {
    return (
      { device: this.device, character: this.character, effect: this.effect }[name] ??
      document.getElementById(`talk-${name}`)
    );
  }

  toggle() {
    if (this.wanted) this.talker.stop();
    else this.start();
  }

  async start() {
    try {
      if (!this.talker) this.join(await this.load());
      this.talker.voice = this.voice();
      const { device, echo, noise } = this.chosen;
      await this.talker.start({ deviceId: device, echoCancellation: echo, noiseSuppression: noise });
    } catch (error) {
      this.remarked(null, error.message);
    }
  }

  // Push-to-talk: the button under finger, mouse or key, and the space bar where nothing is typed.
  hold() {
    const press = (open) => () => this.chosen.way === "push" && this.pressed(open);
    const keys = (act) => (event) => [" ", "Enter"].includes(event.key) && act(event);
    this.push.addEventListener("pointerdown", press(true));
    for (const end of ["pointerup", "pointercancel", "pointerleave", "blur"])
      this.push.addEventListener(end, press(false));
    this.push.addEventListener("keydown", keys(press(true)));
    this.push.addEventListener("keyup", keys(press(false)));
    const space = (open) => (event) => {
      if (event.key !== " " || this.chosen.way !== "push" || event.target.closest?.(TYPED_INTO)) return;
      if (this.state !== "on") return;
      event.preventDefault();
      this.pressed(open);
    };
    document.addEventListener("keydown", space(true));
    document.addEventListener("keyup", space(false));
  }

  pressed(open) {
    if (!this.talker || this.talker.microphone.open === open) return;
    this.talker.microphone.setOpen(open);
    this.showState();
  }

  // ── what is shown while it runs ──

  showState() {
    const { state, wanted } = this;
    const open = this.talker?.microphone.open ?? false;
    this.mic.toggleAttribute("data-on", wanted);
    this.say(this.mic, wanted ? "talk.mic.off" : "talk.mic");
    this.push.disabled = state !== "on";
    this.push.classList.toggle("held", this.chosen.way === "push" && open);
    this.say(this.sentence, state === "on" && !open ? "talk.quiet" : `talk.${state}`);
    if (state !== "on") this.showLevel(0);
    if (state === "off") this.remarked(null);
  }

  showLevel(level) {
    const now = performance.now();
    if (level > 0 && now - this.shownAt < LEVELS_EVERY_MS) return;
    this.shownAt = now;
    const share = level > 0 ? Math.max(0, Math.min(1, 1 - (20 * Math.log10(level)) / QUIETEST_DB)) : 0;
    this.level.style.setProperty("--share", share.toFixed(3));
    this.level.setAttribute("aria-valuenow", String(Math.round(100 * share)));
  }

  notice({ code, message }) {
    this.remarked(NOTICES[code], message);
  }

  write({ event, text }) {
    this.level.classList.toggle("speech", event === "speech_started");
    if (!text) return;
    this.lines.append(el("li", {}, text));
    while (this.lines.children.length > MOST_LINES) this.lines.firstElementChild.remove();
  }

  async listDevices() {
    const found = await this.talker.microphone.devices();
    const named = found.filter(({ deviceId }) => deviceId && deviceId !== "default");
    const options = named.map(({ deviceId, label }, i) =>
      el("option", { value: deviceId }, label || this.t("talk.device.unnamed", { number: i + 1 })),
    );
    this.device.replaceChildren(el("option", { value: "" }, this.t("talk.device.any")), ...options);
    this.device.value = named.some(({ deviceId }) => deviceId === this.chosen.device) ? this.chosen.device : "";
  }

  listCharacters(names) {
    this.nobody = el("option", { value: "" });
    this.character.replaceChildren(this.nobody, ...names.map((name) => el("option", { value: name }, name)));
    if (!names.includes(this.chosen.character)) this.chosen.character = "";
    this.fill();
  }

  listNobody() {
    if (this.nobody)
      this.say(this.nobody, this.chosen.mode === "convert" ? "talk.character.none" : "talk.character.any");
  }

  // How well it goes: a text of the page, else what the server says.
  remarked(key, text = "") {
    if (key) return this.say(this.remark, key);
    delete this.remark.dataset.t;
    this.remark.textContent = text;
    return undefined;
  }

  say(element, key) {
    if (element.dataset.t === key && element.textContent) return;
    element.dataset.t = key;
    element.textContent = this.t(key);
  }
}

function field(name, input) {
  return el("div", { class: "field" }, el("label", { for: `talk-${name}`, t: `talk.${name}` }), input);
}

const signed = (value) => (value > 0 ? `+${value}` : String(value));
