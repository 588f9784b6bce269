// The live voice: what the microphone hears goes to the server, and the other voice that comes back is played.

import { Microphone } from "./microphone.js";

const PLAYED_EVERY_MS = 300; // the server is told how far its sound was played, and follows that clock

// Events, with their detail: `state` (as the microphone's, or `offline`), `level` (0 to 1), `heard`, `notice` and
// `failed` (the server's message).
export class LiveVoice extends EventTarget {
  #connection;
  #player;
  #id = null; // of the `listen` that is open
  #stream = null;
  #playedAt = 0; // when `played` was last sent
  #isMonitored = true;

  constructor(connection, player) {
    super();
    this.#connection = connection;
    this.#player = player;
    this.microphone = new Microphone(player.rate);
    this.settings = {}; // of `listen`
    this.microphone.addEventListener("state", () => this.#update());
    this.microphone.addEventListener("frame", ({ detail }) => this.#send(detail));
    connection.addEventListener("ready", () => this.#update());
    connection.addEventListener("offline", () => this.#emit("state"));
    player.addEventListener("report", () => this.#sendPlayed());
  }

  get state() {
    if (this.microphone.state === "on" && !this.#connection.ready) return "offline";
    return this.microphone.state;
  }

  // Called from a click or a key: a page may only listen and sound then.
  async start(microphoneSettings) {
    await Promise.all([this.#player.start(), this.microphone.start(microphoneSettings)]);
  }

  stop() {
    this.microphone.stop();
  }

  // Speaks with other settings from now on, also in the middle of a sentence.
  change(settings) {
    this.settings = settings;
    if (this.#id === null) {
      this.#update();
    } else {
      this.#endListening();
      this.#listen();
    }
  }

  setBypass(isBypassed) {
    this.microphone.setBypass(isBypassed);
    this.#setHeard();
  }

  setMonitor(isMonitored) {
    this.#isMonitored = isMonitored;
    this.#setHeard();
  }

  #setHeard() {
    this.#player.hearLive(this.#isMonitored && !this.microphone.bypass);
  }

  #update() {
    const isOn = this.microphone.state === "on";
    if (isOn && this.#id === null && this.#connection.ready) this.#listen();
    if (!isOn) this.#endListening();
    this.#emit("state");
  }

  #listen() {
    const rate = this.microphone.rate;
    const settings = { ...this.settings, sample_rate: rate, output_sample_rate: this.#player.rate };
    // What comes for an older `listen` is left alone.
    const ifCurrent = (act) => (message) => id === this.#id && act(message);
    const id = this.#connection.listen(settings, {
      onStarted: ifCurrent(({ stream }) => {
        this.#stream = stream;
      }),
      onHeard: ifCurrent((message) => this.#emit("heard", message)),
      onNotice: ifCurrent((message) => this.#emit("notice", message)),
      onError: ifCurrent((message) => this.#fail(message)),
      onDone: ifCurrent(() => this.#forget()), // the server closed it, as when it stops
      onCancelled: ifCurrent(() => this.#forget()),
    });
    this.#id = id;
  }

  // What was said until now is still heard.
  #endListening() {
    if (this.#id === null) return;
    this.#connection.endListening(this.#id);
    this.#forget();
  }

  #fail(message) {
    this.#forget();
    if (message.code !== "offline") this.#emit("failed", message);
    this.#emit("state");
  }

  #forget() {
    this.#id = null;
    this.#stream = null;
  }

  #send({ samples, level, captured }) {
    if (this.#id !== null) this.#connection.sound(samples, captured);
    this.#emit("level", level);
  }

  #sendPlayed() {
    const now = performance.now();
    if (this.#stream === null || now - this.#playedAt < PLAYED_EVERY_MS) return;
    this.#playedAt = now;
    this.#connection.send({ type: "played", id: this.#id, seconds: Math.max(0, this.#player.clock(this.#stream)) });
  }

  #emit(name, detail = null) {
    this.dispatchEvent(new CustomEvent(name, { detail }));
  }
}
