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
  time_ms: 1,
};
const STARTED = { type: "started", sample_rate: 24000, character: "a", engine: "tone", cache: null, url: null };
const TIMING = { queue: 0, text: 0, first_audio: 0, total: 0 };

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

  hear(message) {
    this.dispatchEvent(new MessageEvent("message", { data: JSON.stringify(message) }));
  }

  sound(stream, ...samples) {
    const view = new DataView(new ArrayBuffer(4 + 2 * samples.length));
    view.setUint32(0, stream, true);
    samples.forEach((sample, i) => view.setInt16(4 + 2 * i, sample, true));
    this.dispatchEvent(new MessageEvent("message", { data: view.buffer }));
  }

  // What was said, without pings.
  get said() {
    return this.sent.filter(({ type }) => type !== "ping");
  }
}

let status = 200;
const settled = () => new Promise((done) => setImmediate(done));
const socket = () => Socket.all.at(-1);

async function passed(milliseconds) {
  mock.timers.tick(milliseconds);
  await settled();
}

beforeEach(() => {
  Socket.all = [];
  status = 200;
  globalThis.WebSocket = Socket;
  globalThis.fetch = async () => ({ status, ok: status === 200, json: async () => ({ ticket: "t 1" }) });
  mock.timers.enable({ apis: ["setTimeout", "setInterval"] });
});

afterEach(() => mock.timers.reset());

function listened(connection, ...names) {
  const found = [];
  for (const name of names) connection.addEventListener(name, ({ detail }) => found.push([name, detail]));
  return found;
}

function endings() {
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
  await passed(0);
  socket().hear(READY);
  return connection;
}

test("it signs in with a ticket and offers the protocol", async () => {
  const connection = await connected();
  assert.equal(String(socket().url), "ws://here:8000/ws?ticket=t+1");
  assert.equal(socket().protocol, "yamabiko.v1");
  assert.deepEqual(connection.ready, READY);
});

test("what is said before the server is there is said when it is", async () => {
  const connection = new Connection("https://here");
  connection.open();
  const { found, on } = endings();
  const id = connection.say({ text: "Hello.", character: "", speed: 1 }, on);
  await passed(0);
  assert.equal(String(socket().url), "wss://here/ws?ticket=t+1");
  assert.deepEqual(socket().sent, []);
  socket().hear(READY);
  assert.deepEqual(socket().said, [{ type: "say", id, text: "Hello.", speed: 1 }]);
  assert.deepEqual(found, []);
});

test("a key that is missing is told, and after it all goes on", async () => {
  status = 401;
  const connection = new Connection("http://here");
  const told = listened(connection, "login", "offline", "ready");
  connection.open();
  await passed(0);
  await passed(60000);
  assert.deepEqual(
    told.map(([name]) => name),
    ["login"],
  );
  status = 200;
  connection.open();
  await passed(0);
  socket().hear(READY);
  assert.equal(told.at(-1)[0], "ready");
});

test("it comes back, each time later, and at once after a success", async () => {
  const connection = await connected();
  const told = listened(connection, "offline", "ready");
  socket().close();
  assert.deepEqual(
    told.map(([name]) => name),
    ["offline"],
  );
  assert.equal(connection.ready, null);
  await passed(249);
  assert.equal(Socket.all.length, 1);
  await passed(251);
  assert.equal(Socket.all.length, 2);
  status = 503;
  socket().close();
  for (let i = 0; i < 12; i += 1) await passed(30000);
  assert.equal(Socket.all.length, 2);
  assert.ok(told.length <= 14, "it waits");
  status = 200;
  await passed(30000);
  assert.equal(Socket.all.length, 3);
  socket().hear(READY);
  assert.ok(connection.ready);
});

test("every utterance ends once, also when the socket breaks", async () => {
  const connection = await connected();
  const [broken, done] = [endings(), endings()];
  const first = connection.say({ text: "a" }, broken.on);
  const second = connection.say({ text: "b" }, done.on);
  socket().hear({ ...STARTED, id: first, stream: 1 });
  socket().hear({ type: "done", id: second, duration: 0, url: null, timing: TIMING });
  socket().close();
  assert.deepEqual(broken.found, [
    ["onStarted", "started"],
    ["onError", "offline"],
  ]);
  assert.deepEqual(done.found, [["onDone", "done"]]);
});

test("without a connection nothing waits for ever", async () => {
  const connection = new Connection("http://here");
  const { found, on } = endings();
  connection.say({ text: "a" }, on);
  await settled();
  assert.equal(found.length, 1);
  assert.equal(found[0][0], "onError");
});

test("what may not be said is refused without a word to the server", async () => {
  const connection = await connected();
  const { found, on } = endings();
  connection.say({ text: "a", speed: 9 }, on);
  await settled();
  assert.deepEqual(found, [["onError", "bad_request"]]);
  assert.deepEqual(socket().said, []);
});

test("streams of another socket are other streams", async () => {
  const connection = await connected();
  const heard = listened(connection, "audio");
  socket().hear({ ...STARTED, id: connection.say({ text: "a" }), stream: 1 });
  socket().sound(1, 5, -6);
  socket().close();
  await passed(500);
  socket().hear(READY);
  socket().hear({ ...STARTED, id: connection.say({ text: "a" }), stream: 1 });
  socket().sound(1, 7);
  const [[, first], [, second]] = heard;
  assert.notEqual(first.stream, second.stream);
  assert.deepEqual([...first.samples], [5, -6]);
  assert.deepEqual([...second.samples], [7]);
});

test("what was cancelled is not heard, also when its sound was under way", async () => {
  const connection = await connected();
  const heard = listened(connection, "audio", "silence");
  const { found, on } = endings();
  const early = connection.say({ text: "a" }, on);
  connection.cancel(early); // before it has a stream
  socket().hear({ ...STARTED, id: early, stream: 1 });
  socket().sound(1, 5);
  socket().hear({ type: "cancelled", id: early });
  assert.deepEqual(heard, []);
  const late = connection.say({ text: "b" });
  socket().hear({ ...STARTED, id: late, stream: 2 });
  socket().sound(2, 5);
  connection.cancel(late);
  socket().sound(2, 6);
  assert.deepEqual(
    heard.map(([name]) => name),
    ["audio", "silence"],
  );
  assert.deepEqual(found.at(-1), ["onCancelled", "cancelled"]);
  assert.deepEqual(
    socket().said.map(({ type }) => type),
    ["say", "cancel", "say", "cancel"],
  );
});

test("clear silences what is said and leaves the microphone open", async () => {
  const connection = await connected();
  const heard = listened(connection, "audio", "silence");
  const mic = connection.listen({ pitch: 3 });
  socket().hear({ ...STARTED, id: mic, stream: 1 });
  socket().hear({ ...STARTED, id: connection.say({ text: "a" }), stream: 2 });
  connection.clear();
  socket().sound(1, 1);
  socket().sound(2, 2);
  assert.deepEqual(
    heard.map(([name]) => name),
    ["silence", "audio"],
  );
  assert.deepEqual([...heard[1][1].samples], [1]);
});

test("a microphone sends samples, and none into a network that is too slow", async () => {
  const connection = await connected();
  const sent = listened(connection, "sent");
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

test("it measures the way to the server, and gives up one that does not answer", async () => {
  const connection = await connected();
  const told = listened(connection, "network");
  const ping = socket().sent.find(({ type }) => type === "ping");
  socket().hear({ type: "pong", t: ping.t, time_ms: 1 });
  assert.equal(told.length, 1);
  assert.ok(connection.roundTripMs >= 0);
});

test("nonsense from a server is not played", async () => {
  const connection = await connected();
  const shown = mock.method(console, "error", () => {});
  const told = listened(connection, "offline", "audio");
  socket().dispatchEvent(new MessageEvent("message", { data: new ArrayBuffer(3) }));
  assert.deepEqual(
    told.map(([name]) => name),
    ["offline"],
  );
  shown.mock.restore();
});

test("what is closed stays closed", async () => {
  const connection = await connected();
  connection.close();
  await passed(60000);
  assert.equal(Socket.all.length, 1);
});
