// The latency meter: how long a voice is under way from microphone to loudspeaker, or a line from its request to
// its first sound, stage by stage. What it shows was counted and timed; nothing is assumed.

import { Journey, Median } from "./latency.js";
import { el } from "../page/dom.js";

const STAGES = ["capture", "network", "queue", "engine", "buffer"];
const SHOWN_EVERY_MS = 250;
const WINDOW = 20; // values, so two seconds
const PINGS = 5;

export function meter(root, { connection, player, t }) {
  const gauge = new Gauge(connection, player);
  const dial = new Dial(root, t);
  let shown = 0;
  gauge.addEventListener("change", () => {
    const now = performance.now();
    if (gauge.kind === "live" && now - shown < SHOWN_EVERY_MS) return;
    shown = now;
    dial.show(gauge, player.stats);
  });
  dial.show(gauge, player.stats);
  return gauge;
}

// The figures. `kind` is live, line or none; `stages` has milliseconds, `total` among them.
export class Gauge extends EventTarget {
  #player;
  #journey = null;
  #live = { id: null, stream: null };
  #network = new Median(PINGS);
  #windows = {};
  #line = null; // {id, stream, totalMs, timing}: the newest one

  constructor(connection, player) {
    super();
    this.#player = player;
    this.kind = "none";
    this.stages = null;
    this.server = null; // its last `meter`
    connection.addEventListener("network", ({ detail }) => this.#network.add(detail));
    connection.addEventListener("listening", ({ detail }) => this.#listen(detail.id));
    connection.addEventListener("sent", ({ detail }) =>
      this.#journey?.sent(detail.samples, detail.captured, detail.at),
    );
    connection.addEventListener("audio", ({ detail }) => this.#receive(detail));
    connection.addEventListener("message", ({ detail }) => this.#hear(detail, connection.about(detail.id)));
    player.addEventListener("heard", ({ detail }) => this.#first(detail));
    player.addEventListener("report", ({ detail }) => this.#report(detail));
  }

  #listen(id) {
    this.#live = { id, stream: null };
    this.#journey = new Journey(this.#player.rate);
    this.#windows = Object.fromEntries([...STAGES, "total"].map((name) => [name, new Median(WINDOW)]));
    this.server = null;
  }

  #receive({ stream, samples }) {
    if (stream === this.#live.stream) this.#journey.received(samples.length, performance.now());
  }

  #hear(message, about) {
    // What is spoken anew has no sample of what was said.
    if (message.type === "started" && message.id === this.#live.id)
      this.#live.stream = about?.bursts ? null : message.stream;
    else if (message.type === "started" && !about?.live) this.#line = { id: message.id, stream: message.stream };
    if (message.type === "meter" && message.id === this.#live.id) this.#measure(message);
    if (message.type === "done" && message.id === this.#line?.id) this.#tellLine({ timing: message.timing });
  }

  #measure(message) {
    this.server = message;
    this.#journey.through(message.seconds);
  }

  #first({ stream }) {
    if (stream === this.#line?.stream) this.#tellLine({ totalMs: this.#player.stats.firstAudioMs });
  }

  // Of a line both are known: when it was heard here, and what the server needed for it.
  #tellLine(more) {
    Object.assign(this.#line, more);
    const { timing, totalMs } = this.#line;
    if (totalMs === undefined || this.kind === "live") return;
    if (!timing) return this.#show("line", { total: totalMs }); // its parts are told when it is done
    const away = Math.min(totalMs, timing.first_audio + (this.#network.value ?? 0));
    const stages = { network: away - Math.min(away, timing.first_audio), queue: timing.queue };
    stages.engine = Math.max(0, timing.first_audio - timing.queue);
    stages.buffer = totalMs - away;
    this.#show("line", { ...stages, total: totalMs });
    return undefined;
  }

  #report({ streams, at }) {
    const state = streams.find(({ stream }) => stream === this.#live.stream);
    if (!state) {
      if (this.kind === "live") this.#show("none", null);
      return;
    }
    if (!state.playing) return;
    const found = this.#journey.stages(state.place, at, { network: this.#network.value, queue: this.server?.queue });
    if (!found) return;
    for (const [name, value] of Object.entries(found)) this.#windows[name].add(value);
    const stages = Object.entries(this.#windows).map(([name, window]) => [name, window.value]);
    this.#show("live", Object.fromEntries(stages));
  }

  #show(kind, stages) {
    this.kind = kind;
    this.stages = stages;
    this.#player.stats.delay = stages;
    this.dispatchEvent(new Event("change"));
  }
}

// The drawing of it.
class Dial {
  constructor(root, t) {
    this.t = t;
    this.root = root;
    this.total = el("output", { id: "latency-total", class: "total" });
    this.what = el("span", { class: "soft", t: "latency.none" });
    this.rows = new Map(STAGES.map((name) => [name, stageRow(name)]));
    this.facts = new Map(
      ["underruns", "depth", "factor", "block"].map((name) => [name, el("dd", { "data-fact": name })]),
    );
    root.append(
      el("h2", { id: "latency-title", t: "latency.title" }),
      el("p", { class: "latency-total" }, this.total, " ", this.what),
      el("ul", { class: "stages" }, ...Array.from(this.rows.values(), ({ row }) => row)),
      el(
        "dl",
        { class: "facts" },
        ...Array.from(this.facts, ([name, dd]) => el("div", {}, el("dt", { class: "soft", t: `latency.${name}` }), dd)),
      ),
    );
  }

  show(gauge, stats) {
    const { kind, stages, server } = gauge;
    this.root.dataset.kind = kind;
    this.say(this.what, { live: "latency.total", line: "latency.line", none: "latency.none" }[kind]);
    this.total.textContent = stages ? this.ms(stages.total) : "";
    for (const [name, { row, value, bar }] of this.rows) {
      const has = stages?.[name] !== undefined;
      row.toggleAttribute("data-empty", !has);
      value.textContent = has ? this.ms(stages[name]) : "–";
      bar.style.setProperty("--share", has ? Math.max(0, stages[name] / stages.total).toFixed(3) : "0");
    }
    const live = kind === "live" ? server : null;
    this.fact("underruns", String(stats.underruns));
    this.fact("depth", this.ms(stats.bufferMs));
    this.fact("factor", live ? live.factor.toFixed(2) : "–");
    this.fact("block", live ? this.ms(live.block) : "–");
  }

  fact(name, text) {
    this.facts.get(name).textContent = text;
  }

  ms(value) {
    return this.t("latency.ms", { value: Math.round(value) });
  }

  say(element, key) {
    element.dataset.t = key;
    element.textContent = this.t(key);
  }
}

function stageRow(name) {
  const value = el("span", { class: "value" });
  const bar = el("span", { class: "bar", "aria-hidden": "true" }, el("span", { class: "fill" }));
  const row = el(
    "li",
    { "data-stage": name, "data-empty": true },
    el("span", { class: "soft", t: `latency.${name}` }),
    bar,
    value,
  );
  return { row, value, bar };
}
