// The latency meter: how long a line takes from its request to its first sound, or a live voice from microphone to
// loudspeaker, stage by stage. What it shows was counted and timed; nothing is assumed.

import { Median } from "./median.js";

export const STAGES = ["capture", "network", "queue", "engine", "buffer"];
const PINGS = 5; // of which the median counts

// Event: `change`. `kind` is live, line or none; `stages` has milliseconds, `total` among them; `server` is the
// server's last `meter`. The stages are in the player's stats too, for programs.
export class LatencyMeter extends EventTarget {
  #player;
  #line = null; // {id, stream, totalMs, timing} of the newest one
  #network = new Median(PINGS);

  constructor(connection, player) {
    super();
    this.#player = player;
    this.kind = "none";
    this.stages = null;
    this.server = null;
    connection.addEventListener("network", ({ detail }) => this.#network.add(detail));
    connection.addEventListener("message", ({ detail }) => this.#handle(detail, connection.utterance(detail.id)));
    player.addEventListener("heard", ({ detail }) => {
      if (detail.stream === this.#line?.stream) this.#showLine({ totalMs: player.stats.firstAudioMs });
    });
  }

  // Milliseconds to the server and back.
  get networkMs() {
    return this.#network.value ?? 0;
  }

  show(kind, stages, server = null) {
    this.kind = kind;
    this.stages = stages;
    this.server = server;
    this.#player.stats.delay = stages;
    this.dispatchEvent(new Event("change"));
  }

  #handle({ type, id, stream, timing }, utterance) {
    if (type === "started" && !utterance?.live) this.#line = { id, stream };
    if (type === "done" && id === this.#line?.id) this.#showLine({ timing });
  }

  // A line's total is known when it is heard, its parts when the server is done with it; either may come first.
  #showLine(more) {
    Object.assign(this.#line, more);
    const { timing, totalMs } = this.#line;
    if (totalMs === undefined || this.kind === "live") return;
    this.show("line", timing ? this.#lineStages(timing, totalMs) : { total: totalMs });
  }

  #lineStages({ first_audio: firstAudio, queue }, total) {
    const away = Math.min(total, firstAudio + this.networkMs);
    return {
      network: away - Math.min(away, firstAudio),
      queue,
      engine: Math.max(0, firstAudio - queue),
      buffer: total - away,
      total,
    };
  }
}
