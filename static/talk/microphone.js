// The microphone: frames of samples with the moment when they were heard. It comes back by itself when a device is
// unplugged and plugged in again.

import { ClockPair } from "./latency.js";

const RETRY_MS = 2000; // where a browser does not tell that a device is there again
const FADE_SECONDS = 0.005; // time constant of opening and closing

// Events, with their detail: `frame` {samples, level, captured}, `state` (off, opening, on, lost or refused),
// `devices` (the list may have changed).
export class Microphone extends EventTarget {
  #context = null;
  #source = null;
  #capture = null; // the worklet
  #openGain = null;
  #bypassGain = null;
  #stream = null;
  #clocks = null;
  #hardwareMs = 0; // from the air to the page's first sight of a sample, as far as the browser knows
  #attempt = 0; // counts starts and stops: what an older one asked for is thrown away
  #retryTimer = null;

  constructor(rate = 24000) {
    super();
    this.rate = rate;
    this.state = "off";
    this.settings = { deviceId: "", echoCancellation: true, noiseSuppression: true };
    this.open = true; // false: silence is sent, as between two presses of push-to-talk
    this.bypass = false; // true: one's own voice, straight to the loudspeaker
    navigator.mediaDevices?.addEventListener("devicechange", () => this.#devicesChanged());
  }

  // The devices to choose from; a browser gives them no names before the page may listen.
  async devices() {
    const found = (await navigator.mediaDevices?.enumerateDevices()) ?? [];
    return found.filter(({ kind }) => kind === "audioinput").map(({ deviceId, label }) => ({ deviceId, label }));
  }

  // Opens it, or opens it anew with other settings. Called from a click or a key.
  async start(settings = {}) {
    Object.assign(this.settings, settings);
    const attempt = this.#begin("opening");
    try {
      const stream = await this.#requestStream();
      if (attempt === this.#attempt) await this.#load();
      if (attempt !== this.#attempt) {
        stopTracks(stream);
        return;
      }
      this.#attach(stream);
      this.#setState("on");
      this.#emit("devices"); // now they have names
    } catch (error) {
      if (attempt === this.#attempt) this.#fail(error);
    }
  }

  stop() {
    this.#begin("off");
    this.#context?.suspend();
  }

  setOpen(open) {
    if (open === this.open) return;
    this.open = open;
    this.#fade(this.#openGain, open);
  }

  setBypass(bypass) {
    if (bypass === this.bypass) return;
    this.bypass = bypass;
    this.#fade(this.#bypassGain, bypass);
  }

  #begin(state) {
    this.#attempt += 1;
    clearTimeout(this.#retryTimer);
    this.#source?.disconnect();
    this.#source = null;
    stopTracks(this.#stream);
    this.#stream = null;
    this.#setState(state);
    return this.#attempt;
  }

  // The device that was chosen; where it is gone, the one that there is.
  async #requestStream() {
    if (!navigator.mediaDevices) {
      throw new DOMException("Pages from elsewhere than https or localhost may not listen.", "NotAllowedError");
    }
    const { deviceId, ...processing } = this.settings;
    const request = (device) => {
      const audio = { ...processing, autoGainControl: true, channelCount: 1, ...device };
      return navigator.mediaDevices.getUserMedia({ audio });
    };
    if (!deviceId) return request({});
    return request({ deviceId: { exact: deviceId } }).catch((error) => {
      if (error.name === "NotAllowedError") throw error;
      return request({});
    });
  }

  async #load() {
    if (!this.#context) {
      const context = new AudioContext({ latencyHint: "interactive" });
      await context.audioWorklet.addModule(new URL("./capture.worklet.js", import.meta.url));
      this.#capture = new AudioWorkletNode(context, "capture", {
        numberOfOutputs: 0,
        channelCount: 1,
        channelCountMode: "explicit",
        processorOptions: { rate: this.rate },
      });
      this.#capture.port.onmessage = ({ data }) => this.#receive(data);
      this.#openGain = new GainNode(context, { gain: this.open ? 1 : 0 });
      this.#bypassGain = new GainNode(context, { gain: this.bypass ? 1 : 0 });
      this.#openGain.connect(this.#capture);
      this.#openGain.connect(this.#bypassGain).connect(context.destination);
      this.#context = context;
    }
    this.#clocks = new ClockPair(); // a context that was suspended has another clock
    await this.#context.resume();
  }

  #attach(stream) {
    const [track] = stream.getAudioTracks();
    track.addEventListener("ended", () => this.#streamEnded(stream));
    this.#stream = stream;
    this.#hardwareMs = 1000 * (track.getSettings().latency ?? 0);
    this.#source = new MediaStreamAudioSourceNode(this.#context, { mediaStream: stream });
    this.#source.connect(this.#openGain);
  }

  #receive({ frame, level, time }) {
    if (!this.#source) return;
    this.#clocks.see(1000 * time, performance.now());
    const lengthMs = (1000 * frame.length) / this.rate;
    const captured = this.#clocks.at(1000 * time) - lengthMs - this.#hardwareMs;
    this.#emit("frame", { samples: frame, level, captured });
  }

  #streamEnded(stream) {
    if (stream !== this.#stream) return;
    this.#begin("lost");
    this.start();
  }

  #devicesChanged() {
    this.#emit("devices");
    if (this.state === "lost") this.start();
  }

  #fail(error) {
    if (error.name === "NotAllowedError") {
      this.#setState("refused");
      return;
    }
    this.#setState("lost");
    this.#retryTimer = setTimeout(() => this.start(), RETRY_MS);
  }

  #fade(gain, on) {
    if (gain) gain.gain.setTargetAtTime(on ? 1 : 0, this.#context.currentTime, FADE_SECONDS);
  }

  #setState(state) {
    this.state = state;
    this.#emit("state", state);
  }

  #emit(name, detail = null) {
    this.dispatchEvent(new CustomEvent(name, { detail }));
  }
}

function stopTracks(stream) {
  for (const track of stream?.getTracks() ?? []) track.stop();
}
