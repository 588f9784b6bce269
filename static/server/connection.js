// One socket to the server: signs in with a ticket, connects anew when it breaks, and gives every
// utterance exactly one ending. It plays nothing and draws nothing.

import { decode, decodeAudio, encode, encodeAudio, PROTOCOL } from "./protocol.js";

const FIRST_WAIT_MS = 500; // before connecting anew; twice as long each time, a random part of it
const MOST_WAIT_MS = 30000;
const PING_EVERY_MS = 500; // while a microphone is open; else every fourth time
const CALM_PINGS = 4;
const GIVEN_UP_MS = 20000; // without an answer to a ping
const MOST_HELD = 64; // utterances that wait for the socket
const MOST_REMEMBERED = 256; // ended utterances whose sound may still be played
const MOST_UNSENT_BYTES = 65536; // of a microphone: what waits longer is of no use to anybody
const ERA = 2 ** 32; // stream numbers begin anew with each socket; the page's never do

// Events: `ready`, `offline`, `login` (a key is needed), `network` (detail: ms to the server and back), `message`
// (detail: each JSON message), `audio` (detail: {stream, samples}), `listening` (detail: {id}: a microphone opens),
// `sent` (detail: {samples, captured, at}: some of it), `silence` (detail: {stream}, whose sound nobody wants any
// more), `ended` (detail: {id, stream, how}). Streams have other numbers here than on the wire: those begin anew
// with each socket.
export class Connection extends EventTarget {
  #url;
  #socket = null;
  #eras = 0;
  #wait = FIRST_WAIT_MS;
  #timer = null;
  #pinging = null;
  #ticks = 0;
  #wanted = false;
  #opening = false;
  #numbers = 0;
  #utterances = new Map(); // id → {on, asked, stream}, from being asked for to their ending
  #streams = new Map(); // id → stream, also a while after the ending
  #unwanted = new Set(); // streams whose frames are dropped
  #held = []; // messages for the socket that is being opened
  #pings = new Map(); // t → when it was sent

  constructor(url = globalThis.location?.origin) {
    super();
    this.#url = new URL(url);
    this.ready = null;
    this.roundTripMs = null;
    globalThis.addEventListener?.("online", () => this.#wanted && this.#again(0));
  }

  // Begins, or tries once more at once, such as after a log-in.
  open() {
    this.#wanted = true;
    this.#pinging ??= setInterval(() => this.#tick(), PING_EVERY_MS);
    this.#again(0);
  }

  // Goes, and does not come back before `open`.
  close() {
    this.#wanted = false;
    clearInterval(this.#pinging);
    this.#pinging = null;
    clearTimeout(this.#timer);
    this.#socket?.close(1000);
  }

  say(line, on = {}) {
    const { character, engine, ...rest } = line;
    return this.#begin({ type: "say", character: character || null, engine: engine || null, ...rest }, on);
  }

  // Opens the microphone's side; then `sound`, then `listenEnd`.
  listen(settings, on = {}) {
    const id = this.#begin({ type: "listen", meter: true, ...settings }, on, true);
    this.#tell("listening", { id });
    return id;
  }

  // Whether they were sent: a network that is too slow for a voice loses some of it, and is not flooded.
  // `captured` is when their first sample was heard, for those who measure.
  sound(samples, captured = null) {
    if (!this.ready || this.#socket.bufferedAmount > MOST_UNSENT_BYTES) return false;
    this.#socket.send(encodeAudio(samples));
    this.#tell("sent", { samples: samples.length, captured, at: performance.now() });
    return true;
  }

  listenEnd(id) {
    this.send({ type: "listen.end", id });
  }

  cancel(id) {
    this.#giveUp(id);
    if (this.#utterances.has(id)) this.send({ type: "cancel", id });
  }

  // Everything that is said; a microphone stays open.
  clear() {
    for (const id of [...this.#utterances.keys(), ...this.#streams.keys()]) {
      if (!this.#utterances.get(id)?.live) this.#giveUp(id);
    }
    this.send({ type: "clear" });
  }

  // Whether it was sent.
  send(message) {
    const text = encode(message);
    if (!this.ready) return false;
    this.#socket.send(text);
    return true;
  }

  // Of an utterance: when it was asked for, and whether it is a microphone's.
  about(id) {
    return this.#utterances.get(id) ?? null;
  }

  #begin(message, on, live = false) {
    this.#numbers += 1;
    const id = `u${this.#numbers}`;
    const bursts = message.mode === "revoice"; // whose sound comes sentence by sentence
    this.#utterances.set(id, { on, live, bursts, asked: performance.now(), stream: null });
    try {
      const text = encode({ ...message, id });
      if (this.ready) this.#socket.send(text);
      else this.#hold(text);
    } catch (error) {
      queueMicrotask(() =>
        this.#end(id, "onError", { type: "error", id, code: "bad_request", message: error.message }),
      );
    }
    return id;
  }

  #hold(text) {
    if (!this.#opening || this.#held.length >= MOST_HELD) throw new Error("There is no connection to the server.");
    this.#held.push(text);
  }

  #giveUp(id) {
    const utterance = this.#utterances.get(id);
    if (utterance) utterance.unwanted = true; // also what has no stream yet
    const stream = this.#streams.get(id);
    if (stream === undefined) return;
    this.#unwanted.add(stream);
    this.#streams.delete(id);
    this.#tell("silence", { stream });
  }

  // ── the socket ──

  #again(wait) {
    clearTimeout(this.#timer);
    if (this.#socket || this.#opening) return;
    this.#opening = wait === 0;
    this.#timer = setTimeout(() => this.#connect(), wait);
  }

  async #connect() {
    this.#opening = true;
    try {
      const answer = await fetch(new URL("/ticket", this.#url), { method: "POST" });
      if (answer.status === 401) return this.#needsKey();
      if (!answer.ok) throw new Error(`The server answered ${answer.status}.`);
      if (!this.#wanted) return this.#broken();
      this.#attach(new WebSocket(this.#address((await answer.json()).ticket), PROTOCOL));
    } catch {
      this.#broken();
    }
    return undefined;
  }

  #needsKey() {
    this.#opening = false;
    this.#fail({ code: "login", message: "A key is needed." });
    this.#tell("login");
  }

  #address(ticket) {
    const address = new URL("/ws", this.#url);
    address.protocol = address.protocol === "https:" ? "wss:" : "ws:";
    address.searchParams.set("ticket", ticket);
    return address;
  }

  #attach(socket) {
    this.#socket = socket;
    this.#eras += 1;
    this.#pings.clear();
    socket.binaryType = "arraybuffer";
    socket.addEventListener("message", ({ data }) => this.#read(socket, data));
    socket.addEventListener("close", () => this.#leave(socket));
  }

  #leave(socket) {
    if (socket !== this.#socket) return; // given up before it closed
    this.#socket = null;
    this.#broken();
  }

  #broken() {
    this.ready = null;
    this.#opening = false;
    this.#fail({ code: "offline", message: "The connection to the server broke." });
    this.#tell("offline");
    if (!this.#wanted) return;
    this.#again(this.#wait * (0.5 + Math.random() / 2));
    this.#wait = Math.min(MOST_WAIT_MS, 2 * this.#wait);
  }

  // Nothing of an old socket goes on over a new one.
  #fail(error) {
    this.#held = [];
    this.#unwanted.clear();
    for (const id of [...this.#utterances.keys()]) this.#end(id, "onError", { type: "error", id, ...error });
  }

  // ── what comes ──

  #read(socket, data) {
    if (socket !== this.#socket) return;
    try {
      if (typeof data === "string") this.#hear(decode(data));
      else this.#sound(decodeAudio(data));
    } catch (error) {
      console.error(error);
      socket.close(4000, "not understood");
    }
  }

  #sound({ stream, samples }) {
    const ours = this.#eras * ERA + stream;
    if (!this.#unwanted.has(ours)) this.#tell("audio", { stream: ours, samples });
  }

  #hear(message) {
    if (message === null) return;
    if (message.type === "started") message.stream += this.#eras * ERA;
    if (message.type === "ready") this.#greet(message);
    if (message.type === "pong") this.#pong(message.t);
    if (message.type === "started") this.#start(message);
    this.#tell("message", message);
    const on = this.#utterances.get(message.id)?.on;
    if (message.type === "started") on?.onStarted?.(message);
    if (message.type === "timestamps") on?.onWords?.(message.words);
    if (message.type === "heard") on?.onHeard?.(message);
    if (message.type === "notice") on?.onNotice?.(message);
    if (message.type === "meter") on?.onMeter?.(message);
    if (message.type === "done") this.#end(message.id, "onDone", message);
    if (message.type === "cancelled") this.#end(message.id, "onCancelled", message);
    if (message.type === "error" && message.id) this.#end(message.id, "onError", message);
  }

  #greet(message) {
    this.ready = message;
    this.#opening = false;
    this.#wait = FIRST_WAIT_MS;
    for (const text of this.#held.splice(0)) this.#socket.send(text);
    this.#tell("ready", message);
    this.#ping();
  }

  #start({ id, stream }) {
    const utterance = this.#utterances.get(id);
    if (utterance) utterance.stream = stream;
    if (utterance?.unwanted) this.#unwanted.add(stream);
    this.#streams.set(id, stream);
    if (this.#streams.size > MOST_REMEMBERED) this.#streams.delete(this.#streams.keys().next().value);
  }

  #end(id, handler, message) {
    const utterance = this.#utterances.get(id);
    if (!utterance) return;
    this.#utterances.delete(id);
    this.#unwanted.delete(utterance.stream);
    this.#tell("ended", { id, stream: utterance.stream, how: message.type });
    utterance.on[handler]?.(message);
  }

  // ── how far away it is ──

  #tick() {
    this.#ticks += 1;
    const live = [...this.#utterances.values()].some(({ live }) => live);
    if (live || this.#ticks % CALM_PINGS === 0) this.#ping();
  }

  #ping() {
    if (!this.ready) return undefined;
    const now = performance.now();
    const [oldest] = this.#pings.values();
    if (oldest !== undefined && now - oldest > GIVEN_UP_MS) return this.#socket.close(4001, "no answer");
    if (this.#pings.size >= 16) return undefined; // a sleeping page wakes up: one answer is enough
    this.#numbers += 1;
    this.#pings.set(this.#numbers, now);
    this.send({ type: "ping", t: this.#numbers });
    return undefined;
  }

  #pong(t) {
    const sent = this.#pings.get(t);
    if (sent === undefined) return;
    this.#pings.delete(t);
    this.roundTripMs = performance.now() - sent;
    this.#tell("network", this.roundTripMs);
  }

  #tell(name, detail = null) {
    this.dispatchEvent(new CustomEvent(name, { detail }));
  }
}
