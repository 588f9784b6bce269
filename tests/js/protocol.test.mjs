// The messages of the protocol against the examples of its document.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { decode, decodeAudio, encode, encodeAudio, ProtocolError } from "../../static/server/protocol.js";

const examples = JSON.parse(readFileSync(new URL("../../docs/protocol-examples.json", import.meta.url), "utf8"));
const bytes = (hex) => Uint8Array.from(hex.match(/../g) ?? [], (pair) => Number.parseInt(pair, 16)).buffer;
const hex = (buffer) => Buffer.from(buffer).toString("hex");
const wrong = (field) => (error) => error instanceof ProtocolError && error.field === field;
const named = (message) => JSON.stringify(message).slice(0, 90);

for (const message of examples.client) {
  test(`written: ${named(message)}`, () => assert.deepEqual(JSON.parse(encode(message)), message));
}

for (const { message, field } of examples.refused) {
  test(`not written: ${named(message)}`, () => assert.throws(() => encode(message), wrong(field)));
}

for (const message of examples.server) {
  test(`read: ${named(message)}`, () => assert.deepEqual(decode(JSON.stringify(message)), message));
}

for (const { message, field } of examples.unreadable) {
  test(`not read: ${named(message)}`, () => assert.throws(() => decode(JSON.stringify(message)), wrong(field)));
}

for (const { stream, samples, hex: frame } of examples.sound) {
  test(`sound of stream ${stream}`, () => {
    const found = decodeAudio(bytes(frame));
    assert.equal(found.stream, stream);
    assert.deepEqual([...found.samples], samples);
    assert.equal(hex(encodeAudio(Int16Array.from(samples))), frame.slice(8));
  });
}

test("half a frame is refused", () => {
  for (const part of ["", "010000", "0100000000"]) assert.throws(() => decodeAudio(bytes(part)), ProtocolError);
});

test("fields that are null or undefined are not written", () => {
  const line = { type: "say", id: "a", text: "b", character: null, speed: undefined };
  assert.deepEqual(JSON.parse(encode(line)), { type: "say", id: "a", text: "b" });
});

test("messages and fields of later versions are ignored", () => {
  assert.equal(decode('{"type": "weather", "sky": "blue"}'), null);
  assert.equal(decode('{"type": "toString"}'), null);
  assert.equal(decode('{"type": "cancelled", "id": "a", "why": "rain"}').why, "rain");
});

test("a text that is no JSON object is refused", () => {
  for (const text of ["", "{", "5", "[]", "null", '"ready"']) assert.throws(() => decode(text), ProtocolError);
});
