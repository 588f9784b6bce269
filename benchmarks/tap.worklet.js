// Notes what is played and what a microphone gives, sample beside sample.

const AUDIBLE = 300 / 32768;
const PART = 2400;

class Tap extends AudioWorkletProcessor {
  constructor() {
    super();
    this.armed = false;
    this.recording = false;
    this.rest();
    this.port.onmessage = ({ data }) => this.obey(data);
  }

  obey(wish) {
    if (wish === "arm") this.armed = true;
    else this.recording = wish === "record";
    this.rest();
  }

  rest() {
    this.out = new Float32Array(PART);
    this.mic = new Float32Array(PART);
    this.filled = 0;
  }

  process([[out], [mic]]) {
    const first = this.armed && out ? out.findIndex((sample) => Math.abs(sample) > AUDIBLE) : -1;
    if (first >= 0) {
      this.armed = false;
      this.port.postMessage({ heard: currentFrame + first });
    }
    if (this.recording) this.note(out, mic);
    return true;
  }

  note(out, mic) {
    for (let i = 0; i < 128; i += 1) {
      this.out[this.filled] = out?.[i] ?? 0;
      this.mic[this.filled] = mic?.[i] ?? 0;
      this.filled += 1;
      if (this.filled < PART) continue;
      this.port.postMessage({ out: this.out, mic: this.mic });
      this.rest();
    }
  }
}

registerProcessor("tap", Tap);
