// What is heard: streams of samples into the playback worklet, and what it says of them on the page's
// clock. It knows no socket; `follow` lets it hear one.

export const RATE = 24000; // of the context, so of all that is asked for: the browser fits it to the device

const IDLE_MS = 30000; // of silence, then the audio thread rests
const MOST_WAITING = 1024; // messages for a worklet that is being loaded
const MOST_REMEMBERED = 256; // streams that have ended

// Events: `heard` (detail: {stream, at}: its first audible sample leaves the loudspeaker at that moment of
// performance.now()), `ended` (detail: {stream}: its last sample was played), `report` (detail: the worklet's).
export class Player extends EventTarget {
  #context = null;
  #node = null;
  #starting = null;
  #waiting = [];
  #streams = new Map(); // stream → what is known of it
  #idle = null;

  constructor(rate = RATE) {
    super();
    this.rate = rate;
    this.stats = {
      firstAudioMs: null,
      underruns: 0,
      bufferMs: 0,
      playedSamples: 0,
      targetMs: 0,
      outputMs: 0,
    };
    // A browser lets a page sound only after the person touched it; the first key or click prepares everything.
    for (const touch of ["pointerdown", "keydown"]) {
      globalThis.addEventListener?.(touch, () => this.start().catch(() => {}), { capture: true });
    }
  }

  // The context, for those who measure or record; null before `start`.
  get context() {
    return this.#context;
  }

  // Must be called from a click or a key at least once; afterwards it only wakes the context.
  async start() {
    this.#starting ??= this.#load().catch((error) => {
      this.#starting = null;
      throw error;
    });
    this.#rest();
    await this.#starting;
    if (this.#context.state === "suspended") await this.#context.resume();
  }

  // Plays what a connection brings: lines in their order, a live voice as it comes.
  follow(connection) {
    connection.addEventListener("message", ({ detail }) => {
      if (detail.type !== "started") return;
      const about = connection.about(detail.id);
      this.open(detail.stream, { live: about?.live, bursts: about?.bursts, asked: about?.asked });
    });
    connection.addEventListener("audio", ({ detail }) => this.feed(detail.stream, detail.samples));
    connection.addEventListener("ended", ({ detail }) => {
      if (detail.how === "cancelled") this.drop(detail.stream);
      else this.end(detail.stream);
    });
    connection.addEventListener("silence", ({ detail }) => this.drop(detail.stream));
  }

  // `live`: beside the lines; `bursts`: with pauses that mean nothing; `asked`: when somebody began to wait for it.
  open(stream, { live = false, bursts = false, asked = null } = {}) {
    if (this.#streams.has(stream)) return;
    this.#streams.set(stream, { live, asked, fed: 0, place: 0, at: null, playing: false, ended: false });
    this.#tell({ open: stream, live, bursts });
    for (const [old, { ended }] of this.#streams) {
      if (this.#streams.size <= MOST_REMEMBERED) break;
      if (ended) this.#streams.delete(old);
    }
  }

  feed(stream, samples, rate = this.rate) {
    if (rate !== this.rate) throw new RangeError(`The player takes ${this.rate} samples a second, not ${rate}.`);
    if (!this.#streams.has(stream)) this.open(stream);
    const known = this.#streams.get(stream);
    if (known.dropped) return;
    const floats = Float32Array.from(samples, (sample) => sample / 32768);
    known.fed += floats.length;
    this.start().catch(() => {}); // without a gesture it waits for one
    this.#tell({ push: stream, samples: floats }, [floats.buffer]);
  }

  // Nothing more of it comes.
  end(stream) {
    if (this.#streams.has(stream)) this.#tell({ end: stream });
  }

  // Its sound stops at once.
  drop(stream) {
    const known = this.#streams.get(stream);
    if (!known) return;
    known.dropped = true;
    this.#tell({ drop: stream });
  }

  // All sound stops at once; a live voice goes on with what comes next.
  clear() {
    for (const known of this.#streams.values()) known.dropped ||= !known.live;
    this.#tell({ clear: true });
  }

  // Seconds of that stream that have left the loudspeaker.
  position(stream) {
    const known = this.#streams.get(stream);
    if (!known || known.at === null) return 0;
    const since = known.playing ? (performance.now() - known.at) / 1000 : 0;
    const heard = known.place / this.rate + Math.min(since, 0.5);
    return Math.max(0, Math.min(heard, known.fed / this.rate));
  }

  // Seconds that a live stream has run by the loudspeaker's clock, for a server that follows it.
  clock(stream) {
    const known = this.#streams.get(stream);
    return known ? this.position(stream) + ((known.clock ?? 0) - known.place) / this.rate : 0;
  }

  // Whether the live voice is heard.
  set monitor(on) {
    this.#monitored = on;
    if (this.monitorGain) this.monitorGain.gain.value = on ? 1 : 0;
  }

  get monitor() {
    return this.#monitored;
  }

  #monitored = true;

  // The moment of performance.now() when a sample of the context leaves the loudspeaker.
  heardAt(frame) {
    const { contextTime = 0, performanceTime = 0 } = this.#context.getOutputTimestamp?.() ?? {};
    if (performanceTime > 0) return performanceTime + 1000 * (frame / this.rate - contextTime);
    const ahead = frame / this.rate - this.#context.currentTime + this.latency;
    return performance.now() + 1000 * ahead;
  }

  // Seconds from the worklet to the loudspeaker, as the browser says.
  get latency() {
    return (this.#context?.baseLatency ?? 0) + (this.#context?.outputLatency ?? 0);
  }

  async #load() {
    const context = new AudioContext({ sampleRate: this.rate, latencyHint: "interactive" });
    this.#context = context;
    await context.audioWorklet.addModule(new URL("./playback.worklet.js", import.meta.url));
    const outputs = { numberOfInputs: 0, numberOfOutputs: 2, outputChannelCount: [1, 1] };
    const node = new AudioWorkletNode(context, "playback", outputs);
    node.port.onmessage = ({ data }) => this.#hear(data);
    // All that is heard goes through here: for those who measure, record or draw.
    this.master = new GainNode(context);
    this.monitorGain = new GainNode(context, { gain: this.#monitored ? 1 : 0 });
    node.connect(this.master, 0);
    node.connect(this.monitorGain, 1).connect(this.master).connect(context.destination);
    this.#node = node;
    for (const [message, moved] of this.#waiting.splice(0)) node.port.postMessage(message, moved);
  }

  #tell(message, moved = []) {
    if (this.#node) this.#node.port.postMessage(message, moved);
    else if (this.#waiting.length < MOST_WAITING) this.#waiting.push([message, moved]);
  }

  #hear({ heard, frame, ended, state, report }) {
    if (heard !== undefined) this.#heard(heard, frame);
    if (ended !== undefined) this.#ended(ended, state);
    if (report !== undefined) this.#report(report);
  }

  #heard(stream, frame) {
    const at = this.heardAt(frame);
    const known = this.#streams.get(stream);
    if (known && known.asked !== null && !known.live) this.stats.firstAudioMs = at - known.asked;
    this.#announce("heard", { stream, at });
  }

  #ended(stream, state) {
    const known = this.#streams.get(stream);
    if (known) Object.assign(known, { place: state.place, at: performance.now(), playing: false, ended: true });
    this.#announce("ended", { stream });
  }

  #report(report) {
    const at = this.heardAt(report.frame);
    for (const state of report.streams) {
      const known = this.#streams.get(state.stream);
      if (known) Object.assign(known, { place: state.place, clock: state.clock, at, playing: state.playing });
    }
    const first = report.streams.find(({ live }) => live) ?? report.streams[0];
    this.stats.underruns = report.underruns;
    this.stats.playedSamples = report.played;
    this.stats.bufferMs = first?.bufferMs ?? 0;
    this.stats.targetMs = first?.targetMs ?? this.stats.targetMs;
    this.stats.outputMs = 1000 * this.latency;
    if (report.streams.length) this.#rest();
    this.#announce("report", { ...report, at });
  }

  // Whoever is silent for long needs no audio thread.
  #rest() {
    clearTimeout(this.#idle);
    this.#idle = setTimeout(() => this.#context?.suspend(), IDLE_MS);
  }

  #announce(name, detail) {
    this.dispatchEvent(new CustomEvent(name, { detail }));
  }
}
