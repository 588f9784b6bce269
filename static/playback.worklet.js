// Plays what arrives, through a buffer that grows when sound came late and shrinks when all is calm.
// Imports nothing: Safari's worklets cannot.

const START = 0.07; // seconds that are held before sound begins
const LEAST = 0.06;
const MOST = 0.4;
const GROWTH = 0.04; // after each underrun
const SHRINKAGE = 0.01; // after each calm while
const CALM = 10; // seconds
const FADE = 0.005;

export class JitterBuffer {
  constructor(rate) {
    this.rate = rate;
    this.target = START;
    this.underruns = 0;
    this.played = 0; // samples of sound, without the silence that was made
    this.queued = 0;
    this.chunks = [];
    this.offset = 0; // into the first chunk
    this.ended = false; // nothing more comes: what is left is played however little it is
    this.filling = true;
    this.calm = 0; // samples since sound was late
    this.gain = 0; // rises at a beginning, falls at a gap
    this.last = 0; // the sample that a gap fades from
  }

  push(samples) {
    if (!samples.length) return;
    this.ended = false;
    this.chunks.push(samples);
    this.queued += samples.length;
  }

  // The utterance is over: running dry now is no underrun.
  end() {
    this.ended = true;
  }

  clear() {
    this.chunks = [];
    this.offset = 0;
    this.queued = 0;
    this.ended = false;
    this.filling = true;
  }

  get seconds() {
    return this.queued / this.rate;
  }

  get playing() {
    return !this.filling;
  }

  // Fills a block with sound, or with the silence after it; allocates nothing.
  pull(out) {
    if (this.filling && this.queued && (this.ended || this.seconds >= this.target)) {
      this.filling = false;
    }
    const step = 1 / (FADE * this.rate);
    for (let i = 0; i < out.length; i += 1) {
      const has = !this.filling && this.queued > 0;
      if (!this.filling && !this.queued) this.ranDry();
      if (has) {
        this.gain = Math.min(1, this.gain + step);
        this.last = this.next();
        out[i] = this.last * this.gain;
      } else {
        this.gain = Math.max(0, this.gain - step);
        out[i] = this.last * this.gain;
      }
    }
  }

  next() {
    const first = this.chunks[0];
    const sample = first[this.offset];
    this.offset += 1;
    if (this.offset === first.length) {
      this.chunks.shift();
      this.offset = 0;
    }
    this.queued -= 1;
    this.played += 1;
    this.calm += 1;
    if (this.calm >= CALM * this.rate) {
      this.calm = 0;
      this.target = Math.max(LEAST, this.target - SHRINKAGE);
    }
    return sample;
  }

  ranDry() {
    this.filling = true;
    if (this.ended) return;
    this.underruns += 1;
    this.calm = 0;
    this.target = Math.min(MOST, this.target + GROWTH);
  }
}

const REPORTS_EVERY = 0.1; // seconds

// One buffer in the audio thread. The page sends {push}, {end}, {clear}; it hears how things stand,
// and at once when sound begins and when it has ended.
function processor() {
  return class extends AudioWorkletProcessor {
    constructor() {
      super();
      this.buffer = new JitterBuffer(sampleRate);
      this.sinceReport = 0;
      this.wasPlaying = false;
      this.port.onmessage = ({ data }) => {
        if (data.push) this.buffer.push(data.push);
        if (data.end) this.buffer.end();
        if (data.clear) this.buffer.clear();
      };
    }

    process(inputs, outputs) {
      const [first, ...others] = outputs[0];
      this.buffer.pull(first);
      for (const other of others) other.set(first);
      this.sinceReport += first.length;
      const turned = this.buffer.playing !== this.wasPlaying;
      if (turned || this.sinceReport >= REPORTS_EVERY * sampleRate) this.report();
      return true;
    }

    report() {
      this.sinceReport = 0;
      this.wasPlaying = this.buffer.playing;
      this.port.postMessage({
        playing: this.buffer.playing,
        bufferMs: 1000 * this.buffer.seconds,
        targetMs: 1000 * this.buffer.target,
        underruns: this.buffer.underruns,
        playedSamples: this.buffer.played,
        frame: currentFrame,
      });
    }
  };
}

if (typeof registerProcessor === "function") registerProcessor("playback", processor());
