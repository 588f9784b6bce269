// Cuts what a microphone gives into frames of PCM16 at the rate that the server wants.
// Imports nothing: Safari's worklets cannot.

const FRAME = 0.02; // seconds

export class Framer {
  constructor(rate, wanted) {
    this.step = rate / wanted;
    this.frame = new Int16Array(Math.round(FRAME * wanted));
    this.filled = 0;
    this.place = 0; // of the next wanted sample, in samples of the source after `last`
    this.last = 0;
    this.smooth = this.step > 1 ? lowPass(0.45 / this.step) : null;
    this.sum = 0; // of squares, for the level of the frame
  }

  // Calls back with each frame as soon as it is full, and with its level (0 to 1).
  push(samples, taken) {
    for (const raw of samples) {
      const sample = this.smooth ? this.smooth(raw) : raw;
      while (this.place < 1) {
        this.add(this.last + (sample - this.last) * this.place, taken);
        this.place += this.step;
      }
      this.place -= 1;
      this.last = sample;
    }
  }

  add(sample, taken) {
    const held = Math.max(-1, Math.min(1, sample || 0)); // what is no number is silence
    this.frame[this.filled] = Math.round(held * (held < 0 ? 32768 : 32767));
    this.sum += held * held;
    this.filled += 1;
    if (this.filled < this.frame.length) return;
    taken(this.frame.slice(), Math.sqrt(this.sum / this.frame.length));
    this.filled = 0;
    this.sum = 0;
  }
}

// Two poles twice: what is above half the wanted rate would come back as another tone.
function lowPass(share) {
  const sections = [0.5412, 1.3066].map((quality) => biquad(share, quality));
  return (sample) => sections.reduce((value, section) => section(value), sample);
}

function biquad(share, quality) {
  const angle = 2 * Math.PI * share;
  const alpha = Math.sin(angle) / (2 * quality);
  const scale = 1 + alpha;
  const b = (1 - Math.cos(angle)) / 2 / scale;
  const a1 = (-2 * Math.cos(angle)) / scale;
  const a2 = (1 - alpha) / scale;
  let [x1, x2, y1, y2] = [0, 0, 0, 0];
  return (x) => {
    const y = b * (x + 2 * x1 + x2) - a1 * y1 - a2 * y2;
    [x1, x2, y1, y2] = [x, x1, y, y1];
    return y;
  };
}

// The page gives the wanted rate; each frame leaves with the time of the audio clock when it was full.
function processor() {
  return class extends AudioWorkletProcessor {
    constructor({ processorOptions }) {
      super();
      this.framer = new Framer(sampleRate, processorOptions.rate);
    }

    process([input]) {
      if (input[0]) {
        this.framer.push(input[0], (frame, level) => {
          this.port.postMessage({ frame, level, time: currentTime }, [frame.buffer]);
        });
      }
      return true;
    }
  };
}

if (typeof registerProcessor === "function") registerProcessor("capture", processor());
