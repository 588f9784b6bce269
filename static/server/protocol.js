// The messages of the live protocol `yamabiko.v1`: written, read and checked.
// docs/protocol.md says what they mean, docs/protocol-examples.json holds one of each.

export const PROTOCOL = "yamabiko.v1";
const RATES = [8000, 16000, 22050, 24000, 44100, 48000];

const STREAM_BYTES = 4;
const MOST_SEED = 2n ** 63n - 1n;

// A message that breaks the protocol; `field` names the field that does, where it is one.
export class ProtocolError extends Error {
  constructor(message, field = null) {
    super(message);
    this.name = "ProtocolError";
    this.field = field;
  }
}

// A field's type: what is expected, in words, and whether a value is it.
const fieldType = (expected, accepts) => ({ expected, accepts });
const oneOf = (...values) => fieldType(`one of ${values.join(", ")}`, (value) => values.includes(value));
const numberFrom = (least, most) =>
  fieldType(`a number from ${least} to ${most}`, (value) => isNumber(value) && value >= least && value <= most);
const listOf = (type) => fieldType("a list", (value) => Array.isArray(value) && value.every(type.accepts));
const orNull = (type) => fieldType(`${type.expected}, or null`, (value) => value === null || type.accepts(value));

const isNumber = (value) => typeof value === "number" && Number.isFinite(value);
const TEXT = fieldType("a text", (value) => typeof value === "string");
const FLAG = fieldType("true or false", (value) => typeof value === "boolean");
const COUNT = fieldType("a whole number", (value) => Number.isInteger(value) && value >= 0);
const NUMBER = fieldType("a number", isNumber);
const ID = fieldType("a text of 1 to 64 characters", (value) => TEXT.accepts(value) && isId(value));
const SEED = fieldType(
  "a whole number from 0 to 2^63 - 1",
  (value) => COUNT.accepts(value) && BigInt(value) <= MOST_SEED, // as a Number 2^63 - 1 is 2^63
);
const RATE = oneOf(...RATES);
const LANGUAGE = oneOf("en", "zh", "ja", "mix", "auto");
const MARK = fieldType(
  "a number, or a text of up to 64 characters",
  (value) => isNumber(value) || (TEXT.accepts(value) && [...value].length <= 64),
);
const OPTIONS = fieldType("an object with at most 32 options: numbers, flags, texts", (value) => isOptions(value));
const OBJECT = fieldType("an object", (value) => value !== null && typeof value === "object" && !Array.isArray(value));

// As the server counts: code points, of which NUL and halves of surrogate pairs are not allowed.
function isId(text) {
  const length = [...text].length;
  return length >= 1 && length <= 64 && !/\0|\p{Surrogate}/u.test(text);
}

// Options of an engine, by name; the server asks the engine for their bounds.
function isOptions(value) {
  if (!OBJECT.accepts(value)) return false;
  const entries = Object.entries(value);
  return entries.length <= 32 && entries.every(([name, each]) => /^[a-z][a-z0-9_]{0,39}$/.test(name) && isOption(each));
}

function isOption(value) {
  if (typeof value === "string") return [...value].length <= 100;
  return value === null || typeof value === "boolean" || (isNumber(value) && Math.abs(value) <= 1e15);
}

// The fields of each message; one with "!" must be there.
const CLIENT = {
  say: {
    "id!": ID,
    text: TEXT,
    more: FLAG,
    character: TEXT,
    language: LANGUAGE,
    noaccent: FLAG,
    longprompt: FLAG,
    speed: numberFrom(0.25, 4),
    seed: SEED,
    engine: TEXT,
    options: OPTIONS,
    then: TEXT,
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
    mode: oneOf("convert", "revoice"),
    engine: TEXT,
    model: TEXT,
    character: TEXT,
    language: LANGUAGE,
    sample_rate: RATE,
    output_sample_rate: RATE,
    pitch: numberFrom(-24, 24),
    formant: numberFrom(0.5, 2),
    breath: numberFrom(0, 1),
    effect: oneOf("none", "robot", "whisper"),
    gate: numberFrom(-90, 0),
    denoise: oneOf("off", "light", "full"),
    options: OPTIONS,
    meter: FLAG,
  },
  "listen.end": { "id!": ID },
  played: { "id!": ID, "seconds!": numberFrom(0, 1e9) },
};

const SERVER = {
  ready: {
    "protocol!": TEXT,
    "session!": TEXT,
    "limits!": OBJECT,
    "engines!": listOf(TEXT),
    "characters!": listOf(TEXT),
    "converter_voices!": listOf(TEXT),
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
  timestamps: { "id!": ID, "words!": listOf(OBJECT) },
  heard: { "id!": ID, "event!": TEXT, text: orNull(TEXT) },
  done: { "id!": ID, "duration!": NUMBER, url: orNull(TEXT), "timing!": OBJECT, notices: listOf(OBJECT) },
  cancelled: { "id!": ID },
  error: { "code!": TEXT, "message!": TEXT, hint: orNull(TEXT), values: OBJECT, id: ID },
  notice: { "id!": ID, "code!": TEXT, "message!": TEXT, load: NUMBER },
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

// The text of a message to the server. Fields that are undefined or null are left out.
export function encode({ type, ...values }) {
  if (!Object.hasOwn(CLIENT, type)) throw new ProtocolError(`There is no message ${quote(type)}.`, "type");
  const given = Object.entries(values).filter(([, value]) => value !== undefined && value !== null);
  for (const [name] of given) {
    if (!hasField(CLIENT[type], name)) throw new ProtocolError(`${type} has no field ${quote(name)}.`, name);
  }
  const message = { type, ...Object.fromEntries(given) };
  check(CLIENT[type], message);
  if (type === "say" && !message.more && message.text === undefined) {
    throw new ProtocolError("text is missing.", "text");
  }
  return JSON.stringify(message);
}

// The message from the server that a text is. A type that this version does not have gives null: clients ignore it.
export function decode(text) {
  let message;
  try {
    message = JSON.parse(text);
  } catch {
    throw new ProtocolError("The message is not valid JSON.");
  }
  if (!OBJECT.accepts(message)) throw new ProtocolError("The message is no JSON object.");
  if (!TEXT.accepts(message.type)) throw new ProtocolError("type is missing.", "type");
  if (!Object.hasOwn(SERVER, message.type)) return null;
  check(SERVER[message.type], message);
  return message;
}

function check(fields, message) {
  for (const [marked, type] of Object.entries(fields)) {
    const name = marked.replace("!", "");
    const value = message[name];
    if (value === undefined && marked === name) continue;
    if (value === undefined) throw new ProtocolError(`${name} is missing.`, name);
    if (!type.accepts(value)) {
      throw new ProtocolError(`${name} is ${quote(value)}; expected is ${type.expected}.`, name);
    }
  }
}

const hasField = (fields, name) => name in fields || `${name}!` in fields;
const quote = (value) => (JSON.stringify(value) ?? String(value)).slice(0, 60);

// Sound from the server: the number of its stream, then PCM16, all little-endian.
export function decodeAudio(buffer) {
  if (buffer.byteLength < STREAM_BYTES || buffer.byteLength % 2) {
    throw new ProtocolError(`${buffer.byteLength} bytes are no stream number and whole samples.`);
  }
  const view = new DataView(buffer);
  const samples = new Int16Array((buffer.byteLength - STREAM_BYTES) / 2);
  for (let i = 0; i < samples.length; i += 1) samples[i] = view.getInt16(STREAM_BYTES + 2 * i, true);
  return { stream: view.getUint32(0, true), samples };
}

// Sound to the server: samples without a stream number, since one microphone is open at a time.
export function encodeAudio(samples) {
  const view = new DataView(new ArrayBuffer(2 * samples.length));
  for (const [i, sample] of samples.entries()) view.setInt16(2 * i, sample, true);
  return view.buffer;
}
