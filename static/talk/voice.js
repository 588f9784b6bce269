// A microphone that becomes another voice: what it hears goes to the server, what comes back is played.
// It draws nothing.

import { Microphone } from "./microphone.js";

const PLAYED_EVERY_MS = 300; // the server is told how far its sound was played

// Events: `state` (as the microphone's, or `offline`), `level` (detail: 0 to 1), `heard`, `notice` and `failed`
// (detail: the server's message).
export class Talker extends EventTarget {
  #connection;
  #player;
  #id = null;
  #stream = null;
  #told = 0;

  constructor(connection, player, microphone = new Microphone(player.rate)) {
    super();
    this.#connection = connection;
    this.#player = player;
    this.microphone = microphone;
    this.voice = {}; // settings of `listen`
    microphone.addEventListener("state", () => this.#turn());
    microphone.addEventListener("frame", ({ detail }) => this.#send(detail));
    connection.addEventListener("ready", () => this.#turn());
    connection.addEventListener("offline", () => this.#announce("state"));
    player.addEventListener("report", () => this.#report());
  }

  get state() {
    if (this.microphone.state === "on" && !this.#connection.ready) return "offline";
    return this.microphone.state;
  }

  // Called from a click or a key: a page may only listen and sound then.
  async start(settings) {
    await Promise.all([this.#player.start(), this.microphone.start(settings)]);
  }

  stop() {
    this.microphone.stop();
  }

  // Another voice from now on, also in the middle of a sentence.
  change(voice) {
    this.voice = voice;
    if (this.#id === null) return this.#turn();
    this.#hangUp();
    return this.#listen();
  }

  setBypass(bypass) {
    this.microphone.setBypass(bypass);
    this.#mute();
  }

  setMonitor(monitor) {
    this.monitor = monitor;
    this.#mute();
  }

  monitor = true;

  #mute() {
    this.#player.monitor = this.monitor && !this.microphone.bypass;
  }

  #turn() {
    const wanted = this.microphone.state === "on";
    if (wanted && this.#id === null && this.#connection.ready) this.#listen();
    if (!wanted) this.#hangUp();
    this.#announce("state");
  }

  #listen() {
    const rate = this.microphone.rate;
    const settings = { ...this.voice, sample_rate: rate, output_sample_rate: this.#player.rate };
    const mine = (act) => (message) => id === this.#id && act(message);
    const id = this.#connection.listen(settings, {
      onStarted: mine(({ stream }) => (this.#stream = stream)),
      onHeard: mine((message) => this.#announce("heard", message)),
      onNotice: mine((message) => this.#announce("notice", message)),
      onError: mine((message) => this.#failed(message)),
      onDone: mine(() => this.#forget()), // the server closed it, as when it stops
      onCancelled: mine(() => this.#forget()),
    });
    this.#id = id;
  }

  // What was said until now is still heard.
  #hangUp() {
    if (this.#id === null) return;
    this.#connection.listenEnd(this.#id);
    this.#forget();
  }

  #failed(message) {
    this.#forget();
    if (message.code !== "offline") this.#announce("failed", message);
    this.#announce("state");
  }

  #forget() {
    this.#id = null;
    this.#stream = null;
  }

  #send({ samples, level, captured }) {
    if (this.#id !== null) this.#connection.sound(samples, captured);
    this.#announce("level", level);
  }

  #report() {
    const now = performance.now();
    if (this.#stream === null || now - this.#told < PLAYED_EVERY_MS) return;
    this.#told = now;
    this.#connection.send({ type: "played", id: this.#id, seconds: Math.max(0, this.#player.clock(this.#stream)) });
  }

  #announce(name, detail = null) {
    this.dispatchEvent(new CustomEvent(name, { detail }));
  }
}
