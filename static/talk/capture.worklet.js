// The capture worklet: cuts what a microphone gives into frames of PCM16 at the rate that the server wants. It imports
// nothing, since Safari's worklets cannot.

const FRAME_SECONDS = 0.02;
const CUTOFF = 0.45; // of the wanted rate
const BUTTERWORTH_Q = [0.5412, 1.3066]; // of the two sections of a fourth-order low-pass

export class Framer {
  constructor(rate, wantedRate) {
    this.step = rate / wantedRate; // samples of the source for each wanted one
    this.frame = new Int16Array(Math.round(FRAME_SECONDS * wantedRate));
    this.filled = 0;
    this.position = 0; // of the next wanted sample, in samples of the source after `last`
    this.last = 0;
    this.filter = this.step > 1 ? lowPass(CUTOFF / this.step) : null;
    this.squares = 0; // their sum, for the level of the frame
  }

  // Calls back with each frame as soon as it is full, and with its level (0 to 1). Between two samples of the source
  // it interpolates on a line.
  push(samples, onFrame) {
    for (const raw of samples) {
      const sample = this.filter ? this.filter(raw) : raw;
      while (this.position < 1) {
        this.add(this.last + (sample - this.last) * this.position, onFrame);
        this.position += this.step;
      }
      this.position -= 1;
      this.last = sample;
    }
  }

  add(sample, onFrame) {
    const clipped = Math.max(-1, Math.min(1, sample || 0)); // NaN is silence
    this.frame[this.filled] = Math.round(clipped * (clipped < 0 ? 32768 : 32767));
    this.squares += clipped * clipped;
    this.filled += 1;
    if (this.filled < this.frame.length) return;
    onFrame(this.frame.slice(), Math.sqrt(this.squares / this.frame.length));
    this.filled = 0;
    this.squares = 0;
  }
}

// What is above half the wanted rate would come back as another tone; a Butterworth filter takes it out.
function lowPass(cutoff) {
  const sections = BUTTERWORTH_Q.map((quality) => biquad(cutoff, quality));
  return (sample) => sections.reduce((value, section) => section(value), sample);
}

// A second-order low-pass as in the Audio EQ Cookbook; `cutoff` is a share of the source's rate.
function biquad(cutoff, quality) {
  const angle = 2 * Math.PI * cutoff;
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

// The page gives the wanted rate; each frame leaves with the time of the audio clock when it was full. The class is
// made in a function because node, which runs the tests, has no AudioWorkletProcessor.
function captureProcessor() {
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

if (typeof registerProcessor === "function") registerProcessor("capture", captureProcessor());
