// Plays what arrives: lines one after the other, a live voice beside them, each through a buffer that grows
// when sound came late and shrinks when all is calm. Imports nothing: Safari's worklets cannot.

const START = 0.07; // seconds that are held before sound begins
const LEAST = 0.06;
const MOST = 0.4;
const GROWTH = 0.04; // after each underrun
const SHRINKAGE = 0.01; // after each calm while
const CALM = 5; // seconds
const WATCH = 1; // seconds in which a live voice is seen to be later than it must be
const SWING = 0.055; // by so much may its buffer fall below the target: sound comes in blocks
const LITTLE = 0.01; // so much too late is not worth a seam
const BEHIND = 0.06; // so much is left out at once
const FADE = 0.005;
const RING = 16384; // samples, a power of two
const AUDIBLE = 300 / 32768;

// How long sound waits so that what comes late is no gap; it outlives the streams it learnt from.
export class Patience {
  constructor() {
    this.seconds = START;
  }

  late() {
    this.seconds = Math.min(MOST, this.seconds + GROWTH);
  }

  calm() {
    this.seconds = Math.max(LEAST, this.seconds - SHRINKAGE);
  }
}

// Samples in their order, in a ring that grows when it must.
class Ring {
  data = new Float32Array(RING);
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

  at(place) {
    return this.data[(this.head + place) & (this.data.length - 1)];
  }

  set(place, sample) {
    this.data[(this.head + place) & (this.data.length - 1)] = sample;
  }

  leave(count) {
    this.head = (this.head + count) & (this.data.length - 1);
    this.size -= count;
  }
}

// One stream. A live one leaves out what makes it later than it must be; one of bursts has pauses of its own.
export class JitterBuffer {
  constructor(rate, patience = new Patience(), live = false, bursts = false) {
    this.rate = rate;
    this.patience = patience;
    this.live = live;
    this.bursts = bursts;
    this.underruns = 0;
    this.played = 0; // samples of sound, without the silence that was made
    this.skipped = 0; // samples that were left out
    this.starved = 0; // samples of silence since sound first began
    this.audible = -1; // the place in the block where the first audible sample went out
    this.heard = false;
    this.ring = new Ring();
    this.ended = false; // nothing more comes: what is left is played however little it is
    this.filling = true;
    this.calm = 0; // samples since sound was late
    this.watched = 0; // samples since the lowest level was looked at
    this.lowest = Infinity; // samples that were held at least, since then
    this.gain = 0; // rises at a beginning, falls at a gap
    this.last = 0; // the sample that a gap fades from
    this.step = 1 / (FADE * rate);
  }

  push(samples) {
    this.chunk = samples.length;
    this.ring.push(samples);
  }

  // Running dry now is no underrun.
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

  // Samples by the loudspeaker's clock: what was left out counts as far as it made up for silence.
  get clock() {
    return this.played + Math.min(this.skipped, this.starved);
  }

  // Adds its sound to a block, or the silence after it; allocates nothing.
  pull(out) {
    this.audible = -1;
    if (this.filling && this.ring.size && (this.ended || this.seconds >= this.patience.seconds)) this.begin();
    for (let i = 0; i < out.length; i += 1) {
      if (!this.filling && !this.ring.size) this.ranDry();
      const sounds = !this.filling;
      this.gain = sounds ? Math.min(1, this.gain + this.step) : Math.max(0, this.gain - this.step);
      if (sounds) this.take();
      const sample = this.last * this.gain;
      if (!this.heard && Math.abs(sample) > AUDIBLE) [this.heard, this.audible] = [true, i];
      out[i] += sample;
    }
    if (!this.filling) this.look(out.length);
    else if (this.played) this.starved += out.length;
  }

  take() {
    this.last = this.ring.at(0);
    this.ring.leave(1);
    this.played += 1;
  }

  begin() {
    // While nothing sounds, leaving out what came too late costs nothing.
    if (this.live && !this.bursts) this.skip(this.seconds - this.patience.seconds - this.chunk / this.rate);
    this.filling = false;
    this.watched = 0;
    this.lowest = Infinity;
  }

  // After each block of sound: a calm while makes the next wait shorter, and a live voice earlier.
  look(count) {
    this.calm += count;
    this.watched += count;
    this.lowest = Math.min(this.lowest, this.ring.size);
    if (this.calm >= CALM * this.rate) {
      this.calm = 0;
      this.patience.calm();
    }
    if (!this.live || this.bursts || this.watched < WATCH * this.rate) return;
    const spare = this.lowest / this.rate - (this.patience.seconds - SWING);
    if (spare > LITTLE) this.skip(spare > BEHIND ? spare : spare / 2);
    this.watched = 0;
    this.lowest = Infinity;
  }

  // Leaves out some of what is held; the two ends are blended so that nothing clicks.
  skip(seconds) {
    const count = Math.min(Math.round(seconds * this.rate), this.ring.size);
    const blend = Math.min(Math.round(FADE * this.rate), this.ring.size - count);
    if (count <= 0 || blend <= 0) return;
    for (let i = 0; i < blend; i += 1) {
      const share = (i + 1) / (blend + 1);
      this.ring.set(count + i, this.ring.at(count + i) * share + this.ring.at(i) * (1 - share));
    }
    this.ring.leave(count);
    this.skipped += count;
  }

  ranDry() {
    this.filling = true;
    if (this.ended || this.bursts) return;
    this.underruns += 1;
    this.calm = 0;
    this.patience.late();
  }
}

// Streams in the order in which they were opened; live ones at once.
export class Playlist {
  constructor(rate) {
    this.rate = rate;
    this.patience = { lines: new Patience(), live: new Patience() };
    this.streams = new Map();
    this.past = { underruns: 0, played: 0 }; // of streams that have ended
  }

  open(stream, live, bursts = false) {
    if (this.streams.has(stream)) return;
    const patience = live ? this.patience.live : this.patience.lines;
    this.streams.set(stream, new JitterBuffer(this.rate, patience, live, bursts));
  }

  push(stream, samples) {
    this.open(stream, false);
    this.streams.get(stream).push(samples);
  }

  end(stream) {
    this.streams.get(stream)?.end();
  }

  // Not a sample more of it than its fade.
  drop(stream) {
    this.streams.get(stream)?.clear();
    this.end(stream);
  }

  clear() {
    for (const [stream, buffer] of this.streams) {
      if (buffer.live) buffer.clear();
      else this.drop(stream);
    }
  }

  // Of `underruns` or `played`, all that there ever were.
  sum(name) {
    let found = this.past[name];
    for (const buffer of this.streams.values()) found += buffer[name];
    return found;
  }

  // Fills a block of lines and one of live voices; tells which streams were first heard in it, and which ended.
  pull(lines, live, heard, ended) {
    lines.fill(0);
    live.fill(0);
    let waiting = false; // a line goes before this one
    for (const [stream, buffer] of this.streams) {
      if (waiting && !buffer.live) continue;
      waiting = waiting || !buffer.live;
      buffer.pull(buffer.live ? live : lines);
      if (buffer.audible >= 0) heard(stream, buffer.audible);
      if (buffer.finished) this.remove(stream, buffer, ended);
    }
  }

  remove(stream, buffer, ended) {
    this.streams.delete(stream);
    for (const name of ["underruns", "played"]) this.past[name] += buffer[name];
    ended(stream, buffer);
  }
}

const REPORTS_EVERY = 0.1; // seconds

// The page sends {open, live}, {push, samples}, {end}, {drop}, {clear}; it hears how things stand, and at
// once when a stream is first heard and when it has ended. Two outputs: the lines, and the live voice.
function processor() {
  return class extends AudioWorkletProcessor {
    constructor() {
      super();
      this.playlist = new Playlist(sampleRate);
      this.sinceReport = 0;
      this.heard = (stream, at) => this.port.postMessage({ heard: stream, frame: currentFrame + at });
      this.ended = (stream, buffer) => this.port.postMessage({ ended: stream, state: stateOf(stream, buffer) });
      this.port.onmessage = ({ data }) => this.obey(data);
    }

    obey({ open, live, bursts, push, samples, end, drop, clear }) {
      if (open !== undefined) this.playlist.open(open, live, bursts);
      if (push !== undefined) this.playlist.push(push, samples);
      if (end !== undefined) this.playlist.end(end);
      if (drop !== undefined) this.playlist.drop(drop);
      if (clear) this.playlist.clear();
    }

    process(inputs, [[lines], [live]]) {
      this.playlist.pull(lines, live, this.heard, this.ended);
      this.sinceReport += lines.length;
      if (this.sinceReport >= REPORTS_EVERY * sampleRate) this.report(currentFrame + lines.length);
      return true;
    }

    // How things stand when the sample number `frame` of the context is about to be made.
    report(frame) {
      this.sinceReport = 0;
      const streams = Array.from(this.playlist.streams, ([stream, buffer]) => stateOf(stream, buffer));
      const [underruns, played] = [this.playlist.sum("underruns"), this.playlist.sum("played")];
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
    targetMs: 1000 * buffer.patience.seconds,
    place: buffer.place,
    clock: buffer.clock,
  };
}

if (typeof registerProcessor === "function") registerProcessor("playback", processor());
