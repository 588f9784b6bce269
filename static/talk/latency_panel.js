// The latency panel: draws what the latency meter measured, and how full the player's buffer is.

import { el } from "../page/dom.js";
import { setText, t } from "../page/i18n.js";
import { STAGES } from "./latency_meter.js";

const SHOW_EVERY_MS = 250;
const FACTS = ["underruns", "depth", "factor", "block"];
const TITLES = { live: "latency.total", line: "latency.line", none: "latency.none" };

export class LatencyPanel {
  #root;
  #meter;
  #player;
  #shownAt = 0;
  #total = el("output", { id: "latency-total", class: "total" });
  #title = el("span", { class: "soft", t: "latency.none" });
  #stages = new Map(STAGES.map((name) => [name, stageRow(name)]));
  #facts = new Map(FACTS.map((name) => [name, el("dd", { "data-fact": name })]));

  constructor(root, { meter, player }) {
    this.#root = root;
    this.#meter = meter;
    this.#player = player;
    root.append(
      el("h2", { id: "latency-title", t: "latency.title" }),
      el("p", { class: "latency-total" }, this.#total, " ", this.#title),
      el("ul", { class: "stages" }, ...Array.from(this.#stages.values(), ({ row }) => row)),
      el("dl", { class: "facts" }, ...Array.from(this.#facts, factRow)),
    );
    meter.addEventListener("change", () => this.#changed());
    this.#show();
  }

  #changed() {
    const now = performance.now();
    // Figures that change ten times a second cannot be read.
    if (this.#meter.kind === "live" && now - this.#shownAt < SHOW_EVERY_MS) return;
    this.#shownAt = now;
    this.#show();
  }

  #show() {
    const { kind, stages, server } = this.#meter;
    this.#root.dataset.kind = kind;
    setText(this.#title, TITLES[kind]);
    this.#total.textContent = stages ? milliseconds(stages.total) : "";
    for (const [name, row] of this.#stages) showStage(row, stages?.[name], stages?.total);
    this.#showFacts(server);
  }

  #showFacts(server) {
    const { underruns, bufferMs } = this.#player.stats;
    this.#facts.get("underruns").textContent = String(underruns);
    this.#facts.get("depth").textContent = milliseconds(bufferMs);
    this.#facts.get("factor").textContent = server ? server.factor.toFixed(2) : "–";
    this.#facts.get("block").textContent = server ? milliseconds(server.block) : "–";
  }
}

function showStage({ row, value, bar }, stage, total) {
  const isKnown = stage !== undefined;
  row.toggleAttribute("data-empty", !isKnown);
  value.textContent = isKnown ? milliseconds(stage) : "–";
  bar.style.setProperty("--share", isKnown ? Math.max(0, stage / total).toFixed(3) : "0");
}

function stageRow(name) {
  const value = el("span", { class: "value" });
  const bar = el("span", { class: "bar", "aria-hidden": "true" }, el("span", { class: "fill" }));
  const title = el("span", { class: "soft", t: `latency.${name}` });
  return { row: el("li", { "data-stage": name, "data-empty": true }, title, bar, value), value, bar };
}

function factRow([name, value]) {
  return el("div", {}, el("dt", { class: "soft", t: `latency.${name}` }), value);
}

const milliseconds = (value) => t("latency.ms", { value: Math.round(value) });
