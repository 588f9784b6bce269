// The playback worklet: plays lines one after the other and a live voice beside them, each through a buffer that
// grows when sound came late and shrinks while all is calm. It imports nothing, since Safari's worklets cannot.

const START_SECONDS = 0.07; // that are held before sound begins
const LEAST_SECONDS = 0.06;
const MOST_SECONDS = 0.4;
const GROWTH_SECONDS = 0.04; // after each underrun
const SHRINKAGE_SECONDS = 0.01; // after each calm while
const CALM_SECONDS = 5; // without an underrun
const WATCH_SECONDS = 1; // in which the lowest level of a live voice's buffer is looked for
const SWING_SECONDS = 0.055; // by so much may that level be below the target: sound comes in blocks
const LITTLE_SECONDS = 0.01; // so much too late is not worth a seam
const BEHIND_SECONDS = 0.06; // so much is left out at once
const FADE_SECONDS = 0.005;
const REPORT_SECONDS = 0.1; // between reports
const RING_SAMPLES = 16384; // at first; always a power of two, so that an index wraps by a mask
const AUDIBLE = 300 / 32768;

// The seconds that a stream holds before it sounds, so that what comes late makes no gap. Streams share one: the next
// line knows what the one before it learnt of the network.
export class BufferTarget {
  seconds = START_SECONDS;

  grow() {
    this.seconds = Math.min(MOST_SECONDS, this.seconds + GROWTH_SECONDS);
  }

  shrink() {
    this.seconds = Math.max(LEAST_SECONDS, this.seconds - SHRINKAGE_SECONDS);
  }
}

// Samples in their order, in a ring that grows when it must.
class Ring {
  data = new Float32Array(RING_SAMPLES);
  head = 0;
  size = 0;

  push(samples) {
    if (this.size + samples.length > this.data.length) this.grow(this.size + samples.length);
    for (let i = 0; i < samples.length; i += 1) this.set(this.size + i, samples[i]);
    this.size += samples.length;
  }

  grow(least) {
    const larger = new Float32Array(2 ** Math.ceil(Math.log2(least)));
    for (let i = 0; i < this.size; i += 1) larger[i] = this.at(i);
    this.data = larger;
    this.head = 0;
  }

  at(index) {
    return this.data[(this.head + index) & (this.data.length - 1)];
  }

  set(index, sample) {
    this.data[(this.head + index) & (this.data.length - 1)] = sample;
  }

  drop(count) {
    this.head = (this.head + count) & (this.data.length - 1);
    this.size -= count;
  }
}

// The buffer of one stream. A `live` one leaves out what makes it later than it must be. One of `bursts` comes
// sentence by sentence: it is played whole, and its pauses are no underruns.
export class JitterBuffer {
  constructor(rate, target = new BufferTarget(), live = false, bursts = false) {
    this.rate = rate;
    this.target = target;
    this.live = live;
    this.bursts = bursts;
    this.ring = new Ring();
    this.filling = true; // no sound before the target is reached
    this.ended = false; // nothing more comes: what is left is played however little it is
    this.underruns = 0;
    this.played = 0; // samples of sound, without the silence that was made
    this.skipped = 0; // samples that were left out
    this.silent = 0; // samples of silence since sound first began
    this.heard = false; // whether an audible sample went out
    this.audible = -1; // the place in the block where the first audible sample went out
    this.calm = 0; // samples since an underrun, or since the target shrank
    this.watched = 0; // samples since the lowest level was looked at
    this.lowest = Infinity; // samples that were held at least, since then
    this.chunk = 0; // samples of the newest chunk
    this.gain = 0; // rises at a beginning, falls at a gap
    this.last = 0; // the sample that a gap fades from
    this.step = 1 / (FADE_SECONDS * rate);
  }

  push(samples) {
    this.chunk = samples.length;
    this.ring.push(samples);
  }

  // Running dry is no underrun from now on.
  end() {
    this.ended = true;
  }

  clear() {
    this.skipped += this.ring.size;
    this.ring = new Ring();
    this.filling = true;
  }

  get seconds() {
    return this.ring.size / this.rate;
  }

  get finished() {
    return this.ended && !this.ring.size && this.gain === 0;
  }

  // The sample of the stream that comes next, counted from its first.
  get place() {
    return this.played + this.skipped;
  }

  // Samples by the loudspeaker's clock. What was left out counts only as far as it made up for silence: a buffer that
  // is made smaller on purpose must not look to the server like a clock that runs fast.
  get clock() {
    return this.played + Math.min(this.skipped, this.silent);
  }

  // Adds its sound to a block, or the silence after it. Allocates nothing, as the audio thread must not wait for a
  // garbage collection.
  pull(out) {
    this.audible = -1;
    if (this.filling && this.ring.size && (this.ended || this.seconds >= this.target.seconds)) this.begin();
    for (let i = 0; i < out.length; i += 1) {
      const sample = this.next();
      if (!this.heard && Math.abs(sample) > AUDIBLE) {
        this.heard = true;
        this.audible = i;
      }
      out[i] += sample;
    }
    if (!this.filling) this.adjust(out.length);
    else if (this.played) this.silent += out.length;
  }

  next() {
    if (!this.filling && !this.ring.size) this.ranDry();
    if (this.filling) {
      this.gain = Math.max(0, this.gain - this.step);
    } else {
      this.gain = Math.min(1, this.gain + this.step);
      this.last = this.ring.at(0);
      this.ring.drop(1);
      this.played += 1;
    }
    return this.last * this.gain;
  }

  begin() {
    // While nothing sounds, leaving out what came too late costs nothing.
    if (this.live && !this.bursts) this.skip(this.seconds - this.target.seconds - this.chunk / this.rate);
    this.filling = false;
    this.watched = 0;
    this.lowest = Infinity;
  }

  // After each block of sound: a calm while makes the target smaller, and a live voice earlier.
  adjust(count) {
    this.calm += count;
    this.watched += count;
    this.lowest = Math.min(this.lowest, this.ring.size);
    if (this.calm >= CALM_SECONDS * this.rate) {
      this.calm = 0;
      this.target.shrink();
    }
    if (!this.live || this.bursts || this.watched < WATCH_SECONDS * this.rate) return;
    const spare = this.lowest / this.rate - (this.target.seconds - SWING_SECONDS);
    if (spare > LITTLE_SECONDS) this.skip(spare > BEHIND_SECONDS ? spare : spare / 2);
    this.watched = 0;
    this.lowest = Infinity;
  }

  // Leaves out some of what is held; the two ends are blended so that nothing clicks.
  skip(seconds) {
    const count = Math.min(Math.round(seconds * this.rate), this.ring.size);
    const blend = Math.min(Math.round(FADE_SECONDS * this.rate), this.ring.size - count);
    if (count <= 0 || blend <= 0) return;
    for (let i = 0; i < blend; i += 1) {
      const share = (i + 1) / (blend + 1);
      this.ring.set(count + i, this.ring.at(count + i) * share + this.ring.at(i) * (1 - share));
    }
    this.ring.drop(count);
    this.skipped += count;
  }

  ranDry() {
    this.filling = true;
    if (this.ended || this.bursts) return;
    this.underruns += 1;
    this.calm = 0;
    this.target.grow();
  }
}

// Streams: lines in the order in which they were opened, live ones at once.
export class Playlist {
  constructor(rate) {
    this.rate = rate;
    this.lineTarget = new BufferTarget();
    this.liveTarget = new BufferTarget();
    this.streams = new Map();
    this.removed = { underruns: 0, played: 0 }; // totals of streams that have ended
  }

  open(stream, live, bursts = false) {
    if (this.streams.has(stream)) return;
    const target = live ? this.liveTarget : this.lineTarget;
    this.streams.set(stream, new JitterBuffer(this.rate, target, live, bursts));
  }

  push(stream, samples) {
    this.open(stream, false);
    this.streams.get(stream).push(samples);
  }

  end(stream) {
    this.streams.get(stream)?.end();
  }

  // Ends a stream now: only its fade is still heard.
  drop(stream) {
    this.streams.get(stream)?.clear();
    this.end(stream);
  }

  // The sum of `underruns` or `played` over all streams that there ever were.
  total(name) {
    let sum = this.removed[name];
    for (const buffer of this.streams.values()) sum += buffer[name];
    return sum;
  }

  // Fills a block of lines and one of live voices. Calls back with each stream that is first heard in it, and with
  // each that has ended.
  pull(lines, live, onHeard, onEnded) {
    lines.fill(0);
    live.fill(0);
    let lineIsPlaying = false;
    for (const [stream, buffer] of this.streams) {
      if (lineIsPlaying && !buffer.live) continue;
      lineIsPlaying = lineIsPlaying || !buffer.live;
      buffer.pull(buffer.live ? live : lines);
      if (buffer.audible >= 0) onHeard(stream, buffer.audible);
      if (!buffer.finished) continue;
      this.streams.delete(stream);
      for (const name of ["underruns", "played"]) this.removed[name] += buffer[name];
      onEnded(stream, buffer);
    }
  }
}

// The page sends {open, live, bursts}, {push, samples}, {end}, {drop}. It gets a report ten times a second, and a
// message at once when a stream is first heard and when it has ended. There are two outputs: lines, and live voices.
// The class is made in a function because node, which runs the tests, has no AudioWorkletProcessor.
function playbackProcessor() {
  return class extends AudioWorkletProcessor {
    constructor() {
      super();
      this.playlist = new Playlist(sampleRate);
      this.sinceReport = 0;
      this.onHeard = (stream, at) => this.port.postMessage({ heard: stream, frame: currentFrame + at });
      this.onEnded = (stream, buffer) => this.port.postMessage({ ended: stream, state: stateOf(stream, buffer) });
      this.port.onmessage = ({ data }) => this.handle(data);
    }

    handle({ open, live, bursts, push, samples, end, drop }) {
      if (open !== undefined) this.playlist.open(open, live, bursts);
      if (push !== undefined) this.playlist.push(push, samples);
      if (end !== undefined) this.playlist.end(end);
      if (drop !== undefined) this.playlist.drop(drop);
    }

    process(_inputs, [[lines], [live]]) {
      this.playlist.pull(lines, live, this.onHeard, this.onEnded);
      this.sinceReport += lines.length;
      if (this.sinceReport >= REPORT_SECONDS * sampleRate) this.report(currentFrame + lines.length);
      return true;
    }

    // The state of all streams when the sample number `frame` of the context is about to be made.
    report(frame) {
      this.sinceReport = 0;
      const streams = Array.from(this.playlist.streams, ([stream, buffer]) => stateOf(stream, buffer));
      const [underruns, played] = [this.playlist.total("underruns"), this.playlist.total("played")];
      this.port.postMessage({ report: { frame, streams, underruns, played } });
    }
  };
}

function stateOf(stream, buffer) {
  return {
    stream,
    live: buffer.live,
    playing: !buffer.filling,
    bufferMs: 1000 * buffer.seconds,
    targetMs: 1000 * buffer.target.seconds,
    place: buffer.place,
    clock: buffer.clock,
  };
}

if (typeof registerProcessor === "function") registerProcessor("playback", playbackProcessor());
