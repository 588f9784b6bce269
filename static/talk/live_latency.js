// The latency of the live voice, measured: it notes what goes to the server, what comes back and what is played, and
// shows the medians of the stages in the latency meter.

import { VoiceTrace } from "./latency.js";
import { STAGES } from "./latency_meter.js";
import { Median } from "./median.js";

const WINDOW_REPORTS = 20; // of the player, so two seconds

export class LiveLatency {
  #player;
  #meter;
  #trace = null;
  #id = null;
  #stream = null;
  #server = null; // the server's last `meter`
  #windows = {}; // stage → its last values

  constructor(connection, player, meter) {
    this.#player = player;
    this.#meter = meter;
    connection.addEventListener("listening", ({ detail }) => this.#begin(detail.id));
    connection.addEventListener("sent", ({ detail }) => this.#trace?.sent(detail.samples, detail.captured, detail.at));
    connection.addEventListener("message", ({ detail }) => {
      if (detail.id === this.#id && this.#id !== null) this.#handle(detail, connection.utterance(detail.id));
    });
    connection.addEventListener("audio", ({ detail }) => {
      if (detail.stream === this.#stream) this.#trace.received(detail.samples.length, performance.now());
    });
    player.addEventListener("report", ({ detail }) => this.#takeReport(detail));
  }

  #begin(id) {
    this.#id = id;
    this.#stream = null;
    this.#server = null;
    this.#trace = new VoiceTrace(this.#player.rate);
    this.#windows = Object.fromEntries([...STAGES, "total"].map((name) => [name, new Median(WINDOW_REPORTS)]));
  }

  #handle(message, utterance) {
    // Words that are spoken anew have no sample in common with what was said: no stage of theirs is known.
    if (message.type === "started") this.#stream = utterance?.bursts ? null : message.stream;
    if (message.type !== "meter") return;
    this.#server = message;
    this.#trace.processed(message.seconds);
  }

  #takeReport({ streams, at }) {
    const state = streams.find(({ stream }) => stream === this.#stream);
    if (!state) {
      if (this.#meter.kind === "live") this.#meter.show("none", null);
      return;
    }
    if (!state.playing) return;
    const known = { network: this.#meter.networkMs, queue: this.#server?.queue };
    const stages = this.#trace.stages(state.place, at, known);
    if (!stages) return;
    for (const [name, value] of Object.entries(stages)) this.#windows[name].add(value);
    const medians = Object.entries(this.#windows).map(([name, window]) => [name, window.value]);
    this.#meter.show("live", Object.fromEntries(medians), this.#server);
  }
}
