// The player: streams of samples go into the playback worklet, and what it reports is told on the page's clock.

const RATE = 24000; // of the context, so of all that is asked for: the browser fits it to the device

const SUSPEND_AFTER_MS = 30000; // of silence: the audio thread costs battery
const MOST_QUEUED = 1024; // messages for a worklet that is being loaded
const MOST_REMEMBERED = 256; // streams that have ended
const MOST_AHEAD_SECONDS = 0.5; // that a position runs on without a report, which comes ten times a second

// Events, with their detail: `heard` {stream, at} (when its first audible sample leaves the loudspeaker, on the clock
// of performance.now()), `ended` {stream} (its last sample was played), `report` (the worklet's, with `at`).
export class Player extends EventTarget {
  #context = null;
  #node = null;
  #starting = null;
  #queue = []; // messages for the worklet
  #streams = new Map(); // stream → {live, askedAt, fed, place, clock, at, playing, ended, dropped}
  #suspendTimer = null;
  #liveGain = null;
  #liveIsHeard = true;

  constructor(rate = RATE) {
    super();
    this.rate = rate;
    this.stats = { firstAudioMs: null, underruns: 0, bufferMs: 0, playedSamples: 0, targetMs: 0, outputMs: 0 };
    // A browser lets a page sound only after the person touched it; the first key or click prepares everything.
    for (const gesture of ["pointerdown", "keydown"]) {
      globalThis.addEventListener?.(gesture, () => this.start().catch(() => {}), { capture: true });
    }
  }

  // Loads the worklet the first time and wakes the context. The first call must come from a click or a key.
  async start() {
    this.#starting ??= this.#load().catch((error) => {
      this.#starting = null;
      throw error;
    });
    this.#suspendLater();
    await this.#starting;
    if (this.#context.state === "suspended") await this.#context.resume();
  }

  // Plays what a connection brings: lines in their order, a live voice as it comes.
  playFrom(connection) {
    connection.addEventListener("message", ({ detail }) => {
      if (detail.type !== "started") return;
      const utterance = connection.utterance(detail.id);
      this.open(detail.stream, { live: utterance?.live, bursts: utterance?.bursts, askedAt: utterance?.askedAt });
    });
    connection.addEventListener("audio", ({ detail }) => this.push(detail.stream, detail.samples));
    connection.addEventListener("ended", ({ detail }) => {
      if (detail.how === "cancelled") this.drop(detail.stream);
      else this.end(detail.stream);
    });
    connection.addEventListener("silence", ({ detail }) => this.drop(detail.stream));
  }

  // `live`: beside the lines; `bursts`: with pauses that are no underruns; `askedAt`: when the wait for it began.
  open(stream, { live = false, bursts = false, askedAt = null } = {}) {
    if (this.#streams.has(stream)) return;
    this.#streams.set(stream, { live, askedAt, fed: 0, place: 0, at: null, playing: false, ended: false });
    this.#post({ open: stream, live, bursts });
    for (const [old, { ended }] of this.#streams) {
      if (this.#streams.size <= MOST_REMEMBERED) break;
      if (ended) this.#streams.delete(old);
    }
  }

  // Adds PCM16 samples of the player's rate to a stream.
  push(stream, samples) {
    if (!this.#streams.has(stream)) this.open(stream);
    const state = this.#streams.get(stream);
    if (state.dropped) return;
    const floats = Float32Array.from(samples, (sample) => sample / 32768);
    state.fed += floats.length;
    this.start().catch(() => {}); // without a gesture it waits for one
    this.#post({ push: stream, samples: floats }, [floats.buffer]);
  }

  // Says that no more of a stream comes.
  end(stream) {
    if (this.#streams.has(stream)) this.#post({ end: stream });
  }

  // Stops a stream's sound at once.
  drop(stream) {
    const state = this.#streams.get(stream);
    if (!state) return;
    state.dropped = true;
    this.#post({ drop: stream });
  }

  // Seconds of a stream that have left the loudspeaker.
  position(stream) {
    const state = this.#streams.get(stream);
    if (!state || state.at === null) return 0;
    const sinceReport = state.playing ? (performance.now() - state.at) / 1000 : 0;
    const heard = state.place / this.rate + Math.min(sinceReport, MOST_AHEAD_SECONDS);
    return Math.max(0, Math.min(heard, state.fed / this.rate));
  }

  // Seconds that a live stream has run by the loudspeaker's clock, for a server that follows it.
  clock(stream) {
    const state = this.#streams.get(stream);
    return state ? this.position(stream) + ((state.clock ?? 0) - state.place) / this.rate : 0;
  }

  // Lets the live voice be heard or not; its clock runs on.
  hearLive(isHeard) {
    this.#liveIsHeard = isHeard;
    if (this.#liveGain) this.#liveGain.gain.value = isHeard ? 1 : 0;
  }

  // The moment of performance.now() when a sample of the context leaves the loudspeaker.
  #playedAt(frame) {
    const { contextTime = 0, performanceTime = 0 } = this.#context.getOutputTimestamp?.() ?? {};
    if (performanceTime > 0) return performanceTime + 1000 * (frame / this.rate - contextTime);
    // Before the first output, and in browsers that do not tell, the stated latency has to do.
    const ahead = frame / this.rate - this.#context.currentTime + this.#latency;
    return performance.now() + 1000 * ahead;
  }

  // Seconds from the worklet to the loudspeaker, as the browser states them.
  get #latency() {
    return (this.#context?.baseLatency ?? 0) + (this.#context?.outputLatency ?? 0);
  }

  async #load() {
    const context = new AudioContext({ sampleRate: this.rate, latencyHint: "interactive" });
    this.#context = context;
    await context.audioWorklet.addModule(new URL("./playback.worklet.js", import.meta.url));
    const outputs = { numberOfInputs: 0, numberOfOutputs: 2, outputChannelCount: [1, 1] };
    const node = new AudioWorkletNode(context, "playback", outputs);
    node.port.onmessage = ({ data }) => this.#receive(data);
    // One node before the loudspeaker has all that is heard, which benchmarks/tap.js listens to.
    const mix = new GainNode(context);
    this.#liveGain = new GainNode(context, { gain: this.#liveIsHeard ? 1 : 0 });
    node.connect(mix, 0);
    node.connect(this.#liveGain, 1).connect(mix).connect(context.destination);
    this.#node = node;
    for (const [message, moved] of this.#queue.splice(0)) node.port.postMessage(message, moved);
  }

  #post(message, moved = []) {
    if (this.#node) this.#node.port.postMessage(message, moved);
    else if (this.#queue.length < MOST_QUEUED) this.#queue.push([message, moved]);
  }

  #receive({ heard, frame, ended, state, report }) {
    if (heard !== undefined) this.#firstHeard(heard, frame);
    if (ended !== undefined) this.#streamEnded(ended, state);
    if (report !== undefined) this.#takeReport(report);
  }

  #firstHeard(stream, frame) {
    const at = this.#playedAt(frame);
    const state = this.#streams.get(stream);
    if (state && state.askedAt !== null && !state.live) this.stats.firstAudioMs = at - state.askedAt;
    this.#emit("heard", { stream, at });
  }

  #streamEnded(stream, { place }) {
    const state = this.#streams.get(stream);
    if (state) Object.assign(state, { place, at: performance.now(), playing: false, ended: true });
    this.#emit("ended", { stream });
  }

  #takeReport(report) {
    const at = this.#playedAt(report.frame);
    for (const { stream, place, clock, playing } of report.streams) {
      const state = this.#streams.get(stream);
      if (state) Object.assign(state, { place, clock, at, playing });
    }
    const shown = report.streams.find(({ live }) => live) ?? report.streams[0];
    this.stats.underruns = report.underruns;
    this.stats.playedSamples = report.played;
    this.stats.bufferMs = shown?.bufferMs ?? 0;
    this.stats.targetMs = shown?.targetMs ?? this.stats.targetMs;
    this.stats.outputMs = 1000 * this.#latency;
    if (report.streams.length) this.#suspendLater();
    this.#emit("report", { ...report, at });
  }

  #suspendLater() {
    clearTimeout(this.#suspendTimer);
    this.#suspendTimer = setTimeout(() => this.#context?.suspend(), SUSPEND_AFTER_MS);
  }

  #emit(name, detail) {
    this.dispatchEvent(new CustomEvent(name, { detail }));
  }
}
