// A microphone: frames of samples with the moment when they were heard. It comes back by itself when a
// device is unplugged and plugged in again. It knows no server and draws nothing.

import { ClockPair } from "./latency.js";

const TRY_AGAIN_MS = 2000; // where a browser does not tell that a device is there again

// Events: `frame` (detail: {samples, level, captured}), `state` (`state` is one of off, opening, on, lost,
// refused), `devices` (the list may have changed).
export class Microphone extends EventTarget {
  #context = null;
  #source = null;
  #frames = null;
  #gate = null;
  #direct = null;
  #stream = null;
  #clocks = null;
  #attempt = 0;
  #timer = null;

  constructor(rate = 24000) {
    super();
    this.rate = rate;
    this.state = "off";
    this.settings = { deviceId: "", echoCancellation: true, noiseSuppression: true };
    this.open = true; // false: silence is sent, as between two presses of push-to-talk
    this.bypass = false; // one's own voice, straight to the loudspeaker
    navigator.mediaDevices?.addEventListener("devicechange", () => this.#changed());
  }

  // What there is to choose from; without leave to listen a browser names none of them.
  async devices() {
    const found = (await navigator.mediaDevices?.enumerateDevices()) ?? [];
    return found.filter(({ kind }) => kind === "audioinput").map(({ deviceId, label }) => ({ deviceId, label }));
  }

  // Opens it, or opens it anew with other settings. Called from a click or a key.
  async start(settings = {}) {
    Object.assign(this.settings, settings);
    const attempt = this.#begin("opening");
    try {
      const stream = await this.#ask();
      if (attempt !== this.#attempt) return stopped(stream); // switched off, or asked for anew meanwhile
      await this.#load();
      if (attempt !== this.#attempt) return stopped(stream);
      this.#attach(stream);
      this.#become("on");
      this.#announce("devices"); // now they have names
    } catch (error) {
      if (attempt === this.#attempt) this.#failed(error);
    }
    return undefined;
  }

  stop() {
    this.#begin("off");
    this.#context?.suspend();
  }

  setOpen(open) {
    if (open === this.open) return;
    this.open = open;
    this.#turn(this.#gate, open);
  }

  setBypass(bypass) {
    if (bypass === this.bypass) return;
    this.bypass = bypass;
    this.#turn(this.#direct, bypass);
  }

  #begin(state) {
    this.#attempt += 1;
    clearTimeout(this.#timer);
    this.#source?.disconnect();
    this.#source = null;
    stopped(this.#stream);
    this.#stream = null;
    this.#become(state);
    return this.#attempt;
  }

  // The device that was chosen; where it is gone, the one that there is.
  async #ask() {
    const { deviceId, ...wishes } = this.settings;
    const audio = { ...wishes, autoGainControl: true, channelCount: 1 };
    const asked = (more) => navigator.mediaDevices.getUserMedia({ audio: { ...audio, ...more } });
    if (!navigator.mediaDevices)
      throw new DOMException("Pages from elsewhere than https or localhost may not listen.", "NotAllowedError");
    if (!deviceId) return asked({});
    return asked({ deviceId: { exact: deviceId } }).catch((error) => {
      if (error.name === "NotAllowedError") throw error;
      return asked({});
    });
  }

  async #load() {
    if (!this.#context) {
      const context = new AudioContext({ latencyHint: "interactive" });
      await context.audioWorklet.addModule(new URL("./capture.worklet.js", import.meta.url));
      const processorOptions = { rate: this.rate };
      this.#frames = new AudioWorkletNode(context, "capture", {
        numberOfOutputs: 0,
        channelCount: 1,
        channelCountMode: "explicit",
        processorOptions,
      });
      this.#frames.port.onmessage = ({ data }) => this.#heard(data);
      this.#gate = new GainNode(context, { gain: this.open ? 1 : 0 });
      this.#direct = new GainNode(context, { gain: this.bypass ? 1 : 0 });
      this.#gate.connect(this.#frames);
      this.#gate.connect(this.#direct).connect(context.destination);
      this.#context = context;
    }
    this.#clocks = new ClockPair();
    await this.#context.resume();
  }

  #attach(stream) {
    const [track] = stream.getAudioTracks();
    track.addEventListener("ended", () => this.#lost(stream));
    this.#stream = stream;
    // Between the air and the page's first sight of it, as far as the browser knows.
    this.hardwareMs = 1000 * (track.getSettings().latency ?? 0);
    this.#source = new MediaStreamAudioSourceNode(this.#context, { mediaStream: stream });
    this.#source.connect(this.#gate);
  }

  #heard({ frame, level, time }) {
    if (!this.#source) return;
    this.#clocks.see(1000 * time, performance.now());
    const length = (1000 * frame.length) / this.rate;
    const captured = this.#clocks.at(1000 * time) - length - this.hardwareMs;
    this.#announce("frame", { samples: frame, level, captured });
  }

  #lost(stream) {
    if (stream !== this.#stream) return;
    this.#begin("lost");
    this.start();
  }

  #changed() {
    this.#announce("devices");
    if (this.state === "lost") this.start();
  }

  #failed(error) {
    if (error.name === "NotAllowedError") return this.#become("refused");
    this.#become("lost");
    this.#timer = setTimeout(() => this.start(), TRY_AGAIN_MS);
    return undefined;
  }

  #turn(gain, on) {
    if (gain) gain.gain.setTargetAtTime(on ? 1 : 0, this.#context.currentTime, 0.005);
  }

  #become(state) {
    this.state = state;
    this.#announce("state", state);
  }

  #announce(name, detail = null) {
    this.dispatchEvent(new CustomEvent(name, { detail }));
  }
}

function stopped(stream) {
  for (const track of stream?.getTracks() ?? []) track.stop();
}
