// The latency of a live voice, computed from what was counted and when: the output's first sample belongs to the
// input's first. All times are milliseconds of one clock.

import { Median } from "./median.js";

const MOST_REMEMBERED = 1500; // frames, so about half a minute
const OFFSETS = 9; // readings of how far input and output have parted, of which the median counts
const WINDOW_MS = 3000; // in which two clocks are compared

// Two clocks, the audio's and the page's, compared by messages that come late now and then, but never early: the one
// that came soonest is the truest. Clocks drift, so only the newest two windows count.
export class ClockPair {
  constructor() {
    this.least = [Infinity, Infinity]; // differences: of the window that passes, and of the one before
    this.since = null;
  }

  // Compares them by a message that was stamped at `audioMs` and came at `nowMs`.
  see(audioMs, nowMs) {
    this.since ??= nowMs;
    if (nowMs - this.since > WINDOW_MS) {
      this.least = [Infinity, this.least[0]];
      this.since = nowMs;
    }
    this.least[0] = Math.min(this.least[0], nowMs - audioMs);
  }

  // The page's time at a moment of the audio clock.
  at(audioMs) {
    return audioMs + Math.min(...this.least);
  }
}

// The trace of one live voice: when each of its samples was captured, sent, and came back.
export class VoiceTrace {
  constructor(rate) {
    this.rate = rate;
    this.sentSamples = 0;
    this.receivedSamples = 0;
    this.firstAhead = null; // samples by which the server was ahead at the beginning
    this.parted = new Median(OFFSETS); // samples by which input and output have parted since
    this.frames = []; // {from, to, captured, at}: samples sent
    this.chunks = []; // {to, at}: samples received
  }

  // Notes a frame that was sent `at` a moment; `captured` is when the microphone heard its first sample.
  sent(samples, captured, at) {
    const from = this.sentSamples;
    this.sentSamples += samples;
    remember(this.frames, { from, to: this.sentSamples, captured, at });
  }

  received(samples, at) {
    this.receivedSamples += samples;
    remember(this.chunks, { to: this.receivedSamples, at });
  }

  // Notes the seconds of input that the server is through with: one that follows a clock gives a little more or less
  // than came.
  processed(seconds) {
    const ahead = seconds * this.rate - this.receivedSamples;
    this.firstAhead ??= ahead;
    this.parted.add(ahead - this.firstAhead);
  }

  // The stages of the newest frame that was played, when sample number `place` leaves the loudspeaker at `at`; null
  // where nothing has come back. `network` is the time to the server and back, `queue` the wait for the engine.
  stages(place, at, { network, queue }) {
    const parted = Math.round(this.parted.value ?? 0);
    const frame = this.frames.findLast(({ to, captured }) => to <= place + parted && captured !== null);
    if (!frame) return null;
    const from = frame.from - parted; // its first sample in the output
    const chunk = this.chunks.find(({ to }) => to > from);
    if (!chunk) return null;
    const heard = at - (1000 * (place - from)) / this.rate;
    const away = Math.max(0, chunk.at - frame.at); // nothing comes back before it is sent
    const networkMs = Math.min(network ?? 0, away);
    const queueMs = Math.min(queue ?? 0, away - networkMs);
    const capture = frame.at - frame.captured;
    const buffer = heard - chunk.at;
    return {
      capture,
      network: networkMs,
      queue: queueMs,
      engine: away - networkMs - queueMs,
      buffer,
      total: capture + away + buffer,
    };
  }
}

function remember(list, entry) {
  list.push(entry);
  if (list.length > MOST_REMEMBERED) list.splice(0, MOST_REMEMBERED / 2);
}
