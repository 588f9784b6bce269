// The tap: put before a page's own code, it listens to what the page really plays, at the last node before the
// loudspeaker. It can be the microphone too, and then it knows when each sample was spoken.

(() => {
  const connect = AudioNode.prototype.connect;
  let output = null; // the last node before the loudspeaker
  let voice = null; // what is spoken into the microphone
  let node = null;

  AudioNode.prototype.connect = function tapped(target, ...rest) {
    if (target instanceof AudioDestinationNode) output ??= this;
    return connect.call(this, target, ...rest);
  };

  let parts = []; // of a recording: {out, mic}, two arrays of samples each
  const tap = { pressed: null, heard: null, idle: null, recorded: 0, begin, speak, arm, record, recording };
  window.tap = tap;
  Object.defineProperty(tap, "isOpen", { get: () => output !== null }); // whether the loudspeaker is open
  addEventListener("keydown", notePressed, true);
  document.addEventListener("DOMContentLoaded", () =>
    new MutationObserver(noteIdle).observe(document.body, { attributes: true }),
  );

  function notePressed(event) {
    if (event.key === "Enter") tap.pressed = event.timeStamp;
  }

  function noteIdle() {
    const connection = document.getElementById("connection")?.dataset.t;
    if (connection === "connection.ready" && document.body.dataset.state === "idle") tap.idle ??= performance.now();
  }

  async function begin() {
    const { context } = output;
    const module = URL.createObjectURL(new Blob([window.tapWorklet], { type: "text/javascript" }));
    await context.audioWorklet.addModule(module);
    node = new AudioWorkletNode(context, "tap", { numberOfInputs: 2, numberOfOutputs: 0, channelCount: 1 });
    node.port.onmessage = ({ data }) => receive(data);
    connect.call(output, node, 0, 0);
    if (voice) connect.call(voice, node, 0, 1);
    tap.rate = context.sampleRate;
  }

  // From now on the microphone hears these samples over and over; the loudspeaker must be open.
  function speak(samples, rate) {
    const { context } = output;
    const buffer = new AudioBuffer({ length: samples.length, sampleRate: rate });
    buffer.copyToChannel(
      Float32Array.from(samples, (sample) => sample / 32768),
      0,
    );
    voice = new AudioBufferSourceNode(context, { buffer, loop: true });
    const microphone = new MediaStreamAudioDestinationNode(context, { channelCount: 1 });
    connect.call(voice, microphone);
    voice.start();
    navigator.mediaDevices.getUserMedia = async () => microphone.stream;
  }

  function receive({ heard, out, mic }) {
    if (out) {
      parts.push({ out, mic });
      tap.recorded += out.length;
    }
    if (heard === undefined) return;
    const { contextTime, performanceTime } = output.context.getOutputTimestamp();
    const made = heard / output.context.sampleRate;
    tap.heard = performanceTime + 1000 * (made - contextTime);
  }

  // Notes in `heard` when the next audible sample leaves the loudspeaker.
  function arm() {
    tap.pressed = null;
    tap.heard = null;
    node.port.postMessage({ arm: true });
  }

  // Records so many samples, and no more however late they are fetched.
  function record(samples) {
    parts = [];
    tap.recorded = 0;
    node.port.postMessage({ record: samples });
  }

  // The recorded samples as text: a list of so many numbers would hold up the page for a second.
  function recording(name) {
    return parts.map((part) => textOf(new Uint8Array(part[name].buffer)));
  }

  function textOf(bytes) {
    return btoa(Array.from(bytes, (byte) => String.fromCharCode(byte)).join(""));
  }
})();
