// How long a voice is under way, from what was counted and when: the output's first sample belongs to the
// input's first. It knows no socket, no clock and no page; all times are milliseconds of one clock.

const REMEMBERED = 1500; // frames, so about half a minute
const SHIFTS = 9; // readings of how far input and output have parted
const WHILE_MS = 3000; // in which a clock is compared

// An audio clock beside the page's, by messages that come late now and then, but never early.
export class ClockPair {
  constructor() {
    this.least = [Infinity, Infinity]; // of the while that passes, and of the one before
    this.since = null;
  }

  see(audioMs, nowMs) {
    this.since ??= nowMs;
    if (nowMs - this.since > WHILE_MS) {
      this.least = [Infinity, this.least[0]];
      this.since = nowMs;
    }
    this.least[0] = Math.min(this.least[0], nowMs - audioMs);
  }

  at(audioMs) {
    return audioMs + Math.min(...this.least);
  }
}

// Where each sample of one microphone was, and when.
export class Journey {
  constructor(rate) {
    this.rate = rate;
    this.sentSamples = 0;
    this.receivedSamples = 0;
    this.first = null; // what the server was ahead at the beginning, in samples
    this.shift = new Median(SHIFTS); // by how many samples input and output have parted since
    this.frames = []; // {from, to, captured, at}
    this.chunks = []; // {to, at}
  }

  // `captured`: when the first of these samples was heard by the microphone.
  sent(samples, captured, at) {
    const from = this.sentSamples;
    this.sentSamples += samples;
    remember(this.frames, { from, to: this.sentSamples, captured, at });
  }

  received(samples, at) {
    this.receivedSamples += samples;
    remember(this.chunks, { to: this.receivedSamples, at });
  }

  // So many seconds of the input are through: a server that follows a clock gives a little more or less than came.
  through(seconds) {
    const ahead = seconds * this.rate - this.receivedSamples;
    this.first ??= ahead;
    this.shift.add(ahead - this.first);
  }

  // The stages of the newest frame that was played, when sample number `place` leaves the loudspeaker at `at`;
  // `network` is the time to the server and back, `queue` how long the engine was waited for.
  stages(place, at, { network, queue }) {
    const parted = Math.round(this.shift.value ?? 0);
    const frame = this.frames.findLast(({ to, captured }) => to <= place + parted && captured !== null);
    if (!frame) return null;
    const from = frame.from - parted; // of the output that belongs to it
    const chunk = this.chunks.find(({ to }) => to > from);
    if (!chunk) return null;
    const heard = at - (1000 * (place - from)) / this.rate;
    const away = Math.max(0, chunk.at - frame.at);
    const wire = Math.min(network ?? 0, away);
    const waited = Math.min(queue ?? 0, away - wire);
    const capture = frame.at - frame.captured;
    const buffer = heard - chunk.at;
    return {
      capture,
      network: wire,
      queue: waited,
      engine: away - wire - waited,
      buffer,
      total: capture + away + buffer, // nothing comes back before it is sent
    };
  }
}

function remember(list, one) {
  list.push(one);
  if (list.length > REMEMBERED) list.splice(0, REMEMBERED / 2);
}

// The middle of the last so many values: one late message moves nothing.
export class Median {
  constructor(most) {
    this.most = most;
    this.values = [];
  }

  add(value) {
    this.values.push(value);
    if (this.values.length > this.most) this.values.shift();
    return this.value;
  }

  get value() {
    if (!this.values.length) return null;
    const sorted = [...this.values].sort((a, b) => a - b);
    return sorted[Math.floor(sorted.length / 2)];
  }
}
