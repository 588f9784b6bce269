// Put before a page's own code, it listens to what the page really plays: where sound enters the loudspeaker, and
// beside it what the microphone gives. The page knows nothing of it.

(() => {
  const connect = AudioNode.prototype.connect;
  let mouth = null; // the last node before the loudspeaker
  let ear = null; // the microphone's stream
  let node = null;

  AudioNode.prototype.connect = function tapped(target, ...rest) {
    if (target instanceof AudioDestinationNode) mouth ??= this;
    if (this instanceof MediaStreamAudioSourceNode) ear = this.mediaStream;
    return connect.call(this, target, ...rest);
  };

  const tap = { pressed: null, heard: null, idle: null, out: [], mic: [], begin, arm, record };
  window.tap = tap;
  addEventListener("keydown", (event) => event.key === "Enter" && (tap.pressed = event.timeStamp), true);
  document.addEventListener("DOMContentLoaded", () => new MutationObserver(look).observe(document.body, { attributes: true }));

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
    if (ear) connect.call(new MediaStreamAudioSourceNode(context, { mediaStream: ear }), node, 0, 1);
    tap.rate = context.sampleRate;
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
