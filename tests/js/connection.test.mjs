// The connection over a socket that the tests play: it signs in, comes back, and ends every utterance once.

import assert from "node:assert/strict";
import { afterEach, beforeEach, mock, test } from "node:test";
import { Connection } from "../../static/server/connection.js";

const READY = {
  type: "ready",
  protocol: "yamabiko.v1",
  session: "s",
  limits: {},
  engines: [],
  characters: [],
  converter_voices: [],
  time_ms: 1,
};
const STARTED = { type: "started", sample_rate: 24000, character: "a", engine: "tone", cache: null, url: null };
const TIMING = { queue: 0, text: 0, first_audio: 0, total: 0 };

// The other end of a WebSocket: what was sent is noted, what comes is given by the test.
class Socket extends EventTarget {
  static all = [];
  bufferedAmount = 0;
  sent = [];

  constructor(url, protocol) {
    super();
    Object.assign(this, { url, protocol });
    Socket.all.push(this);
  }

  send(data) {
    this.sent.push(typeof data === "string" ? JSON.parse(data) : data);
  }

  close() {
    this.dispatchEvent(new Event("close"));
  }

  receive(message) {
    this.dispatchEvent(new MessageEvent("message", { data: JSON.stringify(message) }));
  }

  receiveAudio(stream, ...samples) {
    const view = new DataView(new ArrayBuffer(4 + 2 * samples.length));
    view.setUint32(0, stream, true);
    for (const [i, sample] of samples.entries()) view.setInt16(4 + 2 * i, sample, true);
    this.dispatchEvent(new MessageEvent("message", { data: view.buffer }));
  }

  // The messages that were sent, without pings.
  get requests() {
    return this.sent.filter(({ type }) => type !== "ping");
  }
}

let status = 200;
const settle = () => new Promise((done) => setImmediate(done));
const socket = () => Socket.all.at(-1);

async function pass(milliseconds) {
  mock.timers.tick(milliseconds);
  await settle();
}

beforeEach(() => {
  Socket.all = [];
  status = 200;
  globalThis.WebSocket = Socket;
  globalThis.fetch = async () => ({ status, ok: status === 200, json: async () => ({ ticket: "t 1" }) });
  mock.timers.enable({ apis: ["setTimeout", "setInterval"] });
});

afterEach(() => mock.timers.reset());

function recordEvents(connection, ...names) {
  const found = [];
  for (const name of names) connection.addEventListener(name, ({ detail }) => found.push([name, detail]));
  return found;
}

const names = (events) => events.map(([name]) => name);

function recordEndings() {
  const found = [];
  const on = {};
  for (const name of ["onStarted", "onDone", "onError", "onCancelled"]) {
    on[name] = (message) => found.push([name, message.code ?? message.type]);
  }
  return { found, on };
}

async function connected() {
  const connection = new Connection("http://here:8000");
  connection.open();
  await pass(0);
  socket().receive(READY);
  return connection;
}

test("it signs in with a ticket and offers the protocol", async () => {
  const connection = await connected();
  assert.equal(String(socket().url), "ws://here:8000/ws?ticket=t+1");
  assert.equal(socket().protocol, "yamabiko.v1");
  assert.deepEqual(connection.ready, READY);
});

test("a line that is said before the socket is open is sent when it is", async () => {
  const connection = new Connection("https://here");
  connection.open();
  const { found, on } = recordEndings();
  const id = connection.say({ text: "Hello.", character: "", speed: 1 }, on);
  await pass(0);
  assert.equal(String(socket().url), "wss://here/ws?ticket=t+1");
  assert.deepEqual(socket().sent, []);
  socket().receive(READY);
  assert.deepEqual(socket().requests, [{ type: "say", id, text: "Hello.", speed: 1 }]);
  assert.deepEqual(found, []);
});

test("a missing key is announced, and after a log-in all goes on", async () => {
  status = 401;
  const connection = new Connection("http://here");
  const events = recordEvents(connection, "login", "offline", "ready");
  connection.open();
  await pass(0);
  await pass(60000);
  assert.deepEqual(names(events), ["login"]);
  status = 200;
  connection.open();
  await pass(0);
  socket().receive(READY);
  assert.equal(events.at(-1)[0], "ready");
});

test("it comes back, each time later, and at once after a success", async () => {
  const connection = await connected();
  const events = recordEvents(connection, "offline", "ready");
  socket().close();
  assert.deepEqual(names(events), ["offline"]);
  assert.equal(connection.ready, null);
  await pass(249);
  assert.equal(Socket.all.length, 1);
  await pass(251);
  assert.equal(Socket.all.length, 2);
  status = 503;
  socket().close();
  for (let i = 0; i < 12; i += 1) await pass(30000);
  assert.equal(Socket.all.length, 2);
  assert.ok(events.length <= 14, "it waits");
  status = 200;
  await pass(30000);
  assert.equal(Socket.all.length, 3);
  socket().receive(READY);
  assert.ok(connection.ready);
});

test("every utterance ends once, also when the socket breaks", async () => {
  const connection = await connected();
  const [broken, done] = [recordEndings(), recordEndings()];
  const first = connection.say({ text: "a" }, broken.on);
  const second = connection.say({ text: "b" }, done.on);
  socket().receive({ ...STARTED, id: first, stream: 1 });
  socket().receive({ type: "done", id: second, duration: 0, url: null, timing: TIMING });
  socket().close();
  assert.deepEqual(broken.found, [
    ["onStarted", "started"],
    ["onError", "offline"],
  ]);
  assert.deepEqual(done.found, [["onDone", "done"]]);
});

test("without a connection nothing waits for ever", async () => {
  const connection = new Connection("http://here");
  const { found, on } = recordEndings();
  connection.say({ text: "a" }, on);
  await settle();
  assert.equal(found.length, 1);
  assert.equal(found[0][0], "onError");
});

test("a line that breaks the protocol is refused before it is sent", async () => {
  const connection = await connected();
  const { found, on } = recordEndings();
  connection.say({ text: "a", speed: 9 }, on);
  await settle();
  assert.deepEqual(found, [["onError", "bad_request"]]);
  assert.deepEqual(socket().requests, []);
});

test("streams of another socket are other streams", async () => {
  const connection = await connected();
  const heard = recordEvents(connection, "audio");
  socket().receive({ ...STARTED, id: connection.say({ text: "a" }), stream: 1 });
  socket().receiveAudio(1, 5, -6);
  socket().close();
  await pass(500);
  socket().receive(READY);
  socket().receive({ ...STARTED, id: connection.say({ text: "a" }), stream: 1 });
  socket().receiveAudio(1, 7);
  const [[, first], [, second]] = heard;
  assert.notEqual(first.stream, second.stream);
  assert.deepEqual([...first.samples], [5, -6]);
  assert.deepEqual([...second.samples], [7]);
});

test("a line that was cancelled is not heard, also when its sound was under way", async () => {
  const connection = await connected();
  const heard = recordEvents(connection, "audio", "silence");
  const { found, on } = recordEndings();
  const early = connection.say({ text: "a" }, on);
  connection.cancel(early); // before it has a stream
  socket().receive({ ...STARTED, id: early, stream: 1 });
  socket().receiveAudio(1, 5);
  socket().receive({ type: "cancelled", id: early });
  assert.deepEqual(heard, []);
  const late = connection.say({ text: "b" });
  socket().receive({ ...STARTED, id: late, stream: 2 });
  socket().receiveAudio(2, 5);
  connection.cancel(late);
  socket().receiveAudio(2, 6);
  assert.deepEqual(names(heard), ["audio", "silence"]);
  assert.deepEqual(found.at(-1), ["onCancelled", "cancelled"]);
  assert.deepEqual(
    socket().requests.map(({ type }) => type),
    ["say", "cancel", "say", "cancel"],
  );
});

test("a microphone sends samples, and none into a network that is too slow", async () => {
  const connection = await connected();
  const sent = recordEvents(connection, "sent");
  connection.listen({});
  assert.ok(connection.sound(Int16Array.of(1, -2), 99));
  assert.deepEqual([...new Int16Array(socket().sent.at(-1))], [1, -2]);
  assert.equal(sent[0][1].captured, 99);
  socket().bufferedAmount = 1e6;
  assert.ok(!connection.sound(Int16Array.of(1)));
  socket().close();
  assert.ok(!connection.sound(Int16Array.of(1)));
  assert.equal(sent.length, 1);
});

test("it measures the time to the server and back", async () => {
  const connection = await connected();
  const events = recordEvents(connection, "network");
  const ping = socket().sent.find(({ type }) => type === "ping");
  socket().receive({ type: "pong", t: ping.t, time_ms: 1 });
  const [[, milliseconds]] = events;
  assert.ok(milliseconds >= 0 && milliseconds < 60000);
});

test("a server that does not answer a ping for 20 s is given up", async (context) => {
  const connection = await connected();
  const events = recordEvents(connection, "offline");
  const now = performance.now();
  context.mock.method(performance, "now", () => now + 19000);
  await pass(2000);
  assert.deepEqual(names(events), []);
  context.mock.method(performance, "now", () => now + 21000);
  await pass(2000);
  assert.deepEqual(names(events), ["offline"]);
});

test("a frame that is no sound closes the socket", async () => {
  const connection = await connected();
  const shown = mock.method(console, "error", () => {});
  const events = recordEvents(connection, "offline", "audio");
  socket().dispatchEvent(new MessageEvent("message", { data: new ArrayBuffer(3) }));
  assert.deepEqual(names(events), ["offline"]);
  shown.mock.restore();
});
