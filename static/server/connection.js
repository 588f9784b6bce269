// The connection to the server: one socket that signs in with a ticket and is opened anew when it breaks. Every
// utterance, which is a line or an open microphone, gets exactly one ending.

import { decode, decodeAudio, encode, encodeAudio, PROTOCOL } from "./protocol.js";

const FIRST_WAIT_MS = 500; // before the socket is opened anew; twice as long each time, a random part of it
const MOST_WAIT_MS = 30000;
const TICK_MS = 500; // between pings while a microphone is open
const CALM_TICKS = 4; // between pings else
const NO_ANSWER_MS = 20000; // without an answer to a ping: the socket is given up
const MOST_PINGS = 16; // without an answer: a page that slept and wakes up needs only one
const MOST_QUEUED = 64; // messages that wait for the socket
const MOST_REMEMBERED = 256; // ended utterances whose sound may still be played
const MOST_UNSENT_BYTES = 65536; // of a microphone, 1.4 s: what waits longer is of no use
const STREAMS_PER_SOCKET = 2 ** 32; // a stream number is a uint32 on the wire
const ENDINGS = ["done", "cancelled", "error"];
const HANDLERS = {
  started: "onStarted",
  timestamps: "onWords",
  heard: "onHeard",
  notice: "onNotice",
  done: "onDone",
  cancelled: "onCancelled",
  error: "onError",
};

// Events, with their detail: `ready` (the message), `offline`, `login` (a key is needed), `network` (ms to the server
// and back), `message` (each one), `audio` {stream, samples}, `listening` {id} (a microphone opens), `sent` {samples,
// captured, at} (of a microphone), `silence` {stream} (to be stopped), `ended` {id, stream, how}. Stream numbers begin
// anew with each socket on the wire; here they never do.
export class Connection extends EventTarget {
  #url;
  #socket = null;
  #sockets = 0; // how many there were
  #retryMs = FIRST_WAIT_MS;
  #retryTimer = null;
  #tickTimer = null;
  #ticks = 0;
  #opening = false;
  #lastId = 0;
  #utterances = new Map(); // id → {on, live, bursts, askedAt, stream, unwanted}, until their ending
  #streams = new Map(); // id → stream, also a while after the ending
  #unwanted = new Set(); // streams whose frames are dropped
  #queue = []; // messages for the socket that is being opened
  #pings = new Map(); // t → when it was sent

  constructor(url = globalThis.location?.origin) {
    super();
    this.#url = new URL(url);
    this.ready = null; // the server's `ready`, while there is a connection
  }

  // Opens the socket, or tries once more at once, such as after a log-in.
  open() {
    if (this.#tickTimer === null) {
      this.#tickTimer = setInterval(() => this.#tick(), TICK_MS);
      globalThis.addEventListener?.("online", () => this.#openIn(0));
    }
    this.#openIn(0);
  }

  // `on` has functions: onStarted, onWords, and at the end one of onDone, onCancelled, onError.
  say(line, on = {}) {
    const { character, engine, then, ...rest } = line;
    const voice = { character: character || null, engine: engine || null, then: then || null };
    return this.#begin({ type: "say", ...voice, ...rest }, on);
  }

  // Opens the microphone's side; then `sound`, then `endListening`. `on` may have onHeard and onNotice too.
  listen(settings, on = {}) {
    const id = this.#begin({ type: "listen", meter: true, ...settings }, on, true);
    this.#emit("listening", { id });
    return id;
  }

  // Whether the microphone's samples were sent: a network that is too slow for a voice loses some of it.
  // `captured` is when the first of them was heard, on the clock of performance.now().
  sound(samples, captured = null) {
    if (!this.ready || this.#socket.bufferedAmount > MOST_UNSENT_BYTES) return false;
    this.#socket.send(encodeAudio(samples));
    this.#emit("sent", { samples: samples.length, captured, at: performance.now() });
    return true;
  }

  endListening(id) {
    this.send({ type: "listen.end", id });
  }

  // Silences an utterance at once, also one that has ended and is still heard.
  cancel(id) {
    const utterance = this.#utterances.get(id);
    if (utterance) utterance.unwanted = true; // it may have no stream yet
    const stream = this.#streams.get(id);
    if (stream !== undefined) {
      this.#unwanted.add(stream);
      this.#streams.delete(id);
      this.#emit("silence", { stream });
    }
    if (utterance) this.send({ type: "cancel", id });
  }

  // Whether the message was sent.
  send(message) {
    const text = encode(message);
    if (!this.ready) return false;
    this.#socket.send(text);
    return true;
  }

  // An utterance that has not ended: {askedAt, live, bursts, …}.
  utterance(id) {
    return this.#utterances.get(id) ?? null;
  }

  #begin(message, on, live = false) {
    this.#lastId += 1;
    const id = `u${this.#lastId}`;
    const bursts = message.mode === "revoice"; // whose sound comes sentence by sentence
    this.#utterances.set(id, { on, live, bursts, askedAt: performance.now(), stream: null, unwanted: false });
    try {
      const text = encode({ ...message, id });
      if (this.ready) this.#socket.send(text);
      else this.#enqueue(text);
    } catch (error) {
      // After the caller has the id.
      queueMicrotask(() => this.#deliver({ type: "error", id, code: "bad_request", message: error.message }));
    }
    return id;
  }

  #enqueue(text) {
    if (!this.#opening || this.#queue.length >= MOST_QUEUED) throw new Error("There is no connection to the server.");
    this.#queue.push(text);
  }

  // ── the socket ──

  #openIn(milliseconds) {
    clearTimeout(this.#retryTimer);
    if (this.#socket || this.#opening) return;
    this.#opening = milliseconds === 0;
    this.#retryTimer = setTimeout(() => this.#open(), milliseconds);
  }

  async #open() {
    this.#opening = true;
    try {
      const answer = await fetch(new URL("/ticket", this.#url), { method: "POST" });
      if (answer.status === 401) return this.#needKey();
      if (!answer.ok) throw new Error(`The server answered ${answer.status}.`);
      this.#attach(new WebSocket(this.#address((await answer.json()).ticket), PROTOCOL));
    } catch {
      this.#reopenLater();
    }
    return undefined;
  }

  #needKey() {
    this.#opening = false;
    this.#endAll({ code: "login", message: "A key is needed." });
    this.#emit("login");
  }

  #address(ticket) {
    const address = new URL("/ws", this.#url);
    address.protocol = address.protocol === "https:" ? "wss:" : "ws:";
    address.searchParams.set("ticket", ticket);
    return address;
  }

  #attach(socket) {
    this.#socket = socket;
    this.#sockets += 1;
    this.#pings.clear();
    socket.binaryType = "arraybuffer";
    socket.addEventListener("message", ({ data }) => this.#read(socket, data));
    socket.addEventListener("close", () => this.#detach(socket));
  }

  #detach(socket) {
    if (socket !== this.#socket) return; // given up before it closed
    this.#socket = null;
    this.#reopenLater();
  }

  #reopenLater() {
    this.ready = null;
    this.#opening = false;
    this.#endAll({ code: "offline", message: "The connection to the server broke." });
    this.#emit("offline");
    this.#openIn(this.#retryMs * (0.5 + Math.random() / 2)); // not all pages at once after a restart
    this.#retryMs = Math.min(MOST_WAIT_MS, 2 * this.#retryMs);
  }

  // Ends every utterance: nothing of an old socket goes on over a new one.
  #endAll(error) {
    this.#queue = [];
    this.#unwanted.clear();
    for (const id of [...this.#utterances.keys()]) this.#deliver({ type: "error", id, ...error });
  }

  // ── messages and sound from the server ──

  #read(socket, data) {
    if (socket !== this.#socket) return;
    try {
      if (typeof data === "string") this.#handle(decode(data));
      else this.#handleAudio(decodeAudio(data));
    } catch (error) {
      console.error(error);
      socket.close(4000, "not understood");
    }
  }

  #uniqueStream(stream) {
    return this.#sockets * STREAMS_PER_SOCKET + stream;
  }

  #handleAudio({ stream, samples }) {
    const unique = this.#uniqueStream(stream);
    if (!this.#unwanted.has(unique)) this.#emit("audio", { stream: unique, samples });
  }

  #handle(message) {
    if (message === null) return;
    if (message.type === "started") message.stream = this.#uniqueStream(message.stream);
    if (message.type === "ready") this.#becomeReady(message);
    if (message.type === "pong") this.#pong(message.t);
    if (message.type === "started") this.#start(message);
    this.#emit("message", message);
    this.#deliver(message);
  }

  // Gives a message to its utterance.
  #deliver(message) {
    const utterance = this.#utterances.get(message.id);
    if (!utterance) return;
    if (ENDINGS.includes(message.type)) {
      this.#utterances.delete(message.id);
      this.#unwanted.delete(utterance.stream);
      this.#emit("ended", { id: message.id, stream: utterance.stream, how: message.type });
    }
    utterance.on[HANDLERS[message.type]]?.(message);
  }

  #becomeReady(message) {
    this.ready = message;
    this.#opening = false;
    this.#retryMs = FIRST_WAIT_MS;
    for (const text of this.#queue.splice(0)) this.#socket.send(text);
    this.#emit("ready", message);
    this.#ping();
  }

  #start({ id, stream }) {
    const utterance = this.#utterances.get(id);
    if (utterance) utterance.stream = stream;
    if (utterance?.unwanted) this.#unwanted.add(stream);
    this.#streams.set(id, stream);
    if (this.#streams.size > MOST_REMEMBERED) this.#streams.delete(this.#streams.keys().next().value);
  }

  // ── the time to the server and back ──

  #tick() {
    this.#ticks += 1;
    const live = [...this.#utterances.values()].some((utterance) => utterance.live);
    if (live || this.#ticks % CALM_TICKS === 0) this.#ping();
  }

  #ping() {
    if (!this.ready) return;
    const now = performance.now();
    const [oldest] = this.#pings.values();
    if (oldest !== undefined && now - oldest > NO_ANSWER_MS) {
      this.#socket.close(4001, "no answer");
      return;
    }
    if (this.#pings.size >= MOST_PINGS) return;
    this.#lastId += 1;
    this.#pings.set(this.#lastId, now);
    this.send({ type: "ping", t: this.#lastId });
  }

  #pong(t) {
    const sent = this.#pings.get(t);
    if (sent === undefined) return;
    this.#pings.delete(t);
    this.#emit("network", performance.now() - sent);
  }

  #emit(name, detail = null) {
    this.dispatchEvent(new CustomEvent(name, { detail }));
  }
}
