// Put before a page's own code, it listens to what the page really plays: where sound enters the loudspeaker. It can
// be the microphone too, and then knows when each sample was spoken. The page knows nothing of it.

(() => {
  const connect = AudioNode.prototype.connect;
  let mouth = null; // the last node before the loudspeaker
  let voice = null; // what is spoken into the microphone
  let node = null;

  AudioNode.prototype.connect = function tapped(target, ...rest) {
    if (target instanceof AudioDestinationNode) mouth ??= this;
    return connect.call(this, target, ...rest);
  };

  const tap = { pressed: null, heard: null, idle: null, out: [], mic: [], begin, speak, arm, record };
  window.tap = tap;
  Object.defineProperty(tap, "mouth", { get: () => mouth !== null });
  addEventListener("keydown", (event) => event.key === "Enter" && (tap.pressed = event.timeStamp), true);
  document.addEventListener("DOMContentLoaded", () =>
    new MutationObserver(look).observe(document.body, { attributes: true }),
  );

  function look() {
    const words = document.getElementById("wire")?.dataset.t;
    if (words === "wire.ready" && document.body.dataset.state === "idle") tap.idle ??= performance.now();
  }

  async function begin() {
    const { context } = mouth;
    const module = URL.createObjectURL(new Blob([window.tapWorklet], { type: "text/javascript" }));
    await context.audioWorklet.addModule(module);
    node = new AudioWorkletNode(context, "tap", { numberOfInputs: 2, numberOfOutputs: 0, channelCount: 1 });
    node.port.onmessage = ({ data }) => take(data);
    connect.call(mouth, node, 0, 0);
    if (voice) connect.call(voice, node, 0, 1);
    tap.rate = context.sampleRate;
  }

  // From now on the microphone hears these samples over and over; the loudspeaker must be open.
  function speak(samples, rate) {
    const { context } = mouth;
    const buffer = new AudioBuffer({ length: samples.length, sampleRate: rate });
    buffer.copyToChannel(
      Float32Array.from(samples, (sample) => sample / 32768),
      0,
    );
    voice = new AudioBufferSourceNode(context, { buffer, loop: true });
    const air = new MediaStreamAudioDestinationNode(context, { channelCount: 1 });
    connect.call(voice, air);
    voice.start();
    navigator.mediaDevices.getUserMedia = async () => air.stream;
  }

  function take({ heard, out, mic }) {
    if (out) tap.out.push(...out);
    if (mic) tap.mic.push(...mic);
    if (heard === undefined) return;
    const { contextTime, performanceTime } = mouth.context.getOutputTimestamp();
    const made = heard / mouth.context.sampleRate;
    tap.heard = performanceTime + 1000 * (made - contextTime);
  }

  // The next audible sample is told in `heard`, when it leaves the loudspeaker.
  function arm() {
    tap.pressed = tap.heard = null;
    node.port.postMessage("arm");
  }

  function record(on) {
    if (on) [tap.out, tap.mic] = [[], []];
    node.port.postMessage(on ? "record" : "rest");
  }
})();
