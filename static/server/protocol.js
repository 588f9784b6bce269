// The messages of the live protocol `yamabiko.v1`, read and written; it knows no socket.
// docs/protocol.md says what they mean, docs/protocol-examples.json holds one of each.

export const PROTOCOL = "yamabiko.v1";
export const RATES = [8000, 16000, 22050, 24000, 44100, 48000];

const STREAM_BYTES = 4;
const MOST_SEED = 2n ** 63n - 1n;

// What is no message: `field` names what is wrong with it, where one can tell.
export class ProtocolError extends Error {
  constructor(message, field = null) {
    super(message);
    this.name = "ProtocolError";
    this.field = field;
  }
}

const kind = (expected, holds) => ({ expected, holds });
const either = (...values) => kind(`one of ${values.join(", ")}`, (value) => values.includes(value));
const number = (least, most) =>
  kind(`a number from ${least} to ${most}`, (value) => isNumber(value) && value >= least && value <= most);
const list = (of) => kind("a list", (value) => Array.isArray(value) && value.every(of.holds));
const orNull = (of) => kind(`${of.expected}, or null`, (value) => value === null || of.holds(value));

const isNumber = (value) => typeof value === "number" && Number.isFinite(value);
const TEXT = kind("a text", (value) => typeof value === "string");
const FLAG = kind("true or false", (value) => typeof value === "boolean");
const COUNT = kind("a whole number", (value) => Number.isInteger(value) && value >= 0);
const NUMBER = kind("a number", isNumber);
const ID = kind("a text of 1 to 64 characters", (value) => TEXT.holds(value) && isName(value));
const SEED = kind("a whole number from 0 to 2^63 - 1", (value) => COUNT.holds(value) && BigInt(value) <= MOST_SEED);
const RATE = either(...RATES);
const LANGUAGE = either("en", "zh", "ja", "mix", "auto");
const MARK = kind(
  "a number, or a text of up to 64 characters",
  (value) => isNumber(value) || (TEXT.holds(value) && [...value].length <= 64),
);
const RECORD = kind("an object", (value) => value !== null && typeof value === "object" && !Array.isArray(value));

function isName(text) {
  const length = [...text].length; // as the server counts: half characters and NUL are no names
  return length >= 1 && length <= 64 && !/\0|\p{Surrogate}/u.test(text);
}

// A field with "!" must be there.
const CLIENT = {
  say: {
    "id!": ID,
    text: TEXT,
    more: FLAG,
    character: TEXT,
    language: LANGUAGE,
    noaccent: FLAG,
    longprompt: FLAG,
    speed: number(0.25, 4),
    seed: SEED,
    engine: TEXT,
    sample_rate: RATE,
    timestamps: FLAG,
    pace: FLAG,
  },
  text: { "id!": ID, "text!": TEXT },
  flush: { "id!": ID },
  end: { "id!": ID },
  cancel: { "id!": ID },
  clear: {},
  ping: { t: MARK },
  listen: {
    "id!": ID,
    mode: either("convert", "revoice"),
    engine: TEXT,
    model: TEXT,
    character: TEXT,
    language: LANGUAGE,
    sample_rate: RATE,
    output_sample_rate: RATE,
    pitch: number(-24, 24),
    formant: number(0.5, 2),
    breath: number(0, 1),
    effect: either("none", "robot", "whisper"),
    gate: number(-90, 0),
    meter: FLAG,
  },
  "listen.end": { "id!": ID },
  played: { "id!": ID, "seconds!": number(0, 1e9) },
};

const SERVER = {
  ready: {
    "protocol!": TEXT,
    "session!": TEXT,
    "limits!": RECORD,
    "engines!": list(TEXT),
    "characters!": list(TEXT),
    "time_ms!": NUMBER,
  },
  started: {
    "id!": ID,
    "stream!": COUNT,
    "sample_rate!": COUNT,
    character: orNull(TEXT),
    "engine!": TEXT,
    cache: orNull(TEXT),
    url: orNull(TEXT),
  },
  timestamps: { "id!": ID, "words!": list(RECORD) },
  heard: { "id!": ID, "event!": TEXT, text: orNull(TEXT) },
  done: { "id!": ID, "duration!": NUMBER, url: orNull(TEXT), "timing!": RECORD },
  cancelled: { "id!": ID },
  error: { "code!": TEXT, "message!": TEXT, hint: orNull(TEXT), id: ID },
  notice: { "id!": ID, "code!": TEXT, "message!": TEXT },
  meter: {
    "id!": ID,
    "seconds!": NUMBER,
    "queue!": NUMBER,
    "engine!": NUMBER,
    "block!": NUMBER,
    "latency!": NUMBER,
    "factor!": NUMBER,
  },
  pong: { t: orNull(MARK), "time_ms!": NUMBER },
};

// What a client sends, as the text of a frame. What is undefined or null is left out.
export function encode(message) {
  const { type, ...values } = message;
  if (!Object.hasOwn(CLIENT, type)) throw new ProtocolError(`There is no message ${shown(type)}.`, "type");
  const told = Object.entries(values).filter(([, value]) => value !== undefined && value !== null);
  for (const [name] of told) {
    if (!known(CLIENT[type], name)) throw new ProtocolError(`${type} has no field ${shown(name)}.`, name);
  }
  const whole = { type, ...Object.fromEntries(told) };
  check(CLIENT[type], whole);
  if (type === "say" && !whole.more && whole.text === undefined) {
    throw new ProtocolError("text is missing.", "text");
  }
  return JSON.stringify(whole);
}

// What a server says; null for what this version does not know, which is ignored.
export function decode(text) {
  let message;
  try {
    message = JSON.parse(text);
  } catch {
    throw new ProtocolError("The message is not valid JSON.");
  }
  if (!RECORD.holds(message)) throw new ProtocolError("The message is no JSON object.");
  if (!TEXT.holds(message.type)) throw new ProtocolError("type is missing.", "type");
  if (!Object.hasOwn(SERVER, message.type)) return null;
  check(SERVER[message.type], message);
  return message;
}

function check(fields, message) {
  for (const [marked, field] of Object.entries(fields)) {
    const name = marked.replace("!", "");
    const value = message[name];
    if (value === undefined && marked === name) continue;
    if (value === undefined) throw new ProtocolError(`${name} is missing.`, name);
    if (!field.holds(value)) {
      throw new ProtocolError(`${name} is ${shown(value)}; expected is ${field.expected}.`, name);
    }
  }
}

const known = (fields, name) => name in fields || `${name}!` in fields;
const shown = (value) => (JSON.stringify(value) ?? String(value)).slice(0, 60);

// Sound from the server: the number of an utterance and its samples.
export function decodeAudio(buffer) {
  if (buffer.byteLength < STREAM_BYTES || buffer.byteLength % 2) {
    throw new ProtocolError(`${buffer.byteLength} bytes are no stream number and whole samples.`);
  }
  const view = new DataView(buffer);
  const samples = new Int16Array((buffer.byteLength - STREAM_BYTES) / 2);
  for (let i = 0; i < samples.length; i += 1) samples[i] = view.getInt16(STREAM_BYTES + 2 * i, true);
  return { stream: view.getUint32(0, true), samples };
}

// Sound to the server: samples alone, since one microphone is open at a time.
export function encodeAudio(samples) {
  const view = new DataView(new ArrayBuffer(2 * samples.length));
  samples.forEach((sample, i) => view.setInt16(2 * i, sample, true));
  return view.buffer;
}
