// The tap's worklet: notes what is played and what a microphone gives, sample beside sample.

const AUDIBLE = 300 / 32768; // as in the page's player
const CHUNK_SAMPLES = 2400;

class Tap extends AudioWorkletProcessor {
  constructor() {
    super();
    this.isArmed = false;
    this.wanted = 0; // samples of a recording that are still to come
    this.reset();
    this.port.onmessage = ({ data }) => this.handle(data);
  }

  handle({ arm, record }) {
    if (arm) this.isArmed = true;
    if (record) this.wanted = record;
    this.reset();
  }

  reset() {
    this.out = new Float32Array(CHUNK_SAMPLES);
    this.mic = new Float32Array(CHUNK_SAMPLES);
    this.filled = 0;
  }

  process([[out], [mic]]) {
    const first = this.isArmed && out ? out.findIndex((sample) => Math.abs(sample) > AUDIBLE) : -1;
    if (first >= 0) {
      this.isArmed = false;
      this.port.postMessage({ heard: currentFrame + first });
    }
    if (this.wanted > 0) this.record(out, mic);
    return true;
  }

  // An input that nothing is connected to counts as silence.
  record(out, mic) {
    for (let i = 0; i < 128; i += 1) {
      this.out[this.filled] = out?.[i] ?? 0;
      this.mic[this.filled] = mic?.[i] ?? 0;
      this.filled += 1;
      if (this.filled < CHUNK_SAMPLES) continue;
      this.port.postMessage({ out: this.out, mic: this.mic });
      this.wanted -= CHUNK_SAMPLES;
      this.reset();
    }
  }
}

registerProcessor("tap", Tap);
