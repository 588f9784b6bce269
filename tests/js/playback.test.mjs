// The jitter buffer of one stream: when it begins, what is an underrun, and how its target moves.

import assert from "node:assert/strict";
import { test } from "node:test";
import { JitterBuffer } from "../../static/sound/playback.worklet.js";

const RATE = 48000;
const BLOCK = 128;
const ms = (count) => Math.round((count * RATE) / 1000);
const sound = (count, value = 0.5) => new Float32Array(ms(count)).fill(value);

function pulled(buffer, count) {
  const out = new Float32Array(ms(count));
  for (let start = 0; start < out.length; start += BLOCK) {
    buffer.pull(out.subarray(start, Math.min(start + BLOCK, out.length)));
  }
  return out;
}

test("sound begins when enough is held", () => {
  const buffer = new JitterBuffer(RATE);
  buffer.push(sound(60));
  assert.ok(pulled(buffer, 20).every((sample) => sample === 0));
  buffer.push(sound(20));
  assert.ok(pulled(buffer, 20).some((sample) => sample > 0.4));
  assert.equal(buffer.underruns, 0);
});

test("a short utterance is played however short it is", () => {
  const buffer = new JitterBuffer(RATE);
  buffer.push(sound(30));
  buffer.end();
  pulled(buffer, 100);
  assert.equal(buffer.played, ms(30));
  assert.equal(buffer.underruns, 0);
});

test("running dry is an underrun, and more is held after it", () => {
  const buffer = new JitterBuffer(RATE);
  buffer.push(sound(80));
  const before = buffer.target.seconds;
  pulled(buffer, 200);
  assert.equal(buffer.underruns, 1);
  assert.ok(buffer.target.seconds > before);
  buffer.push(sound(80));
  pulled(buffer, 10);
  assert.ok(buffer.filling, "the larger target is not reached yet");
  buffer.push(sound(80));
  pulled(buffer, 10);
  assert.ok(!buffer.filling);
});

test("the target has its bounds, whatever happens", () => {
  const buffer = new JitterBuffer(RATE);
  for (let i = 0; i < 100; i += 1) {
    buffer.push(sound(500));
    pulled(buffer, 600);
  }
  assert.ok(buffer.target.seconds <= 0.4 + 1e-9);
  for (let i = 0; i < 2000; i += 1) {
    buffer.push(sound(500));
    pulled(buffer, 500);
    buffer.end();
  }
  assert.ok(buffer.target.seconds >= 0.06 - 1e-9);
});

test("a calm while makes the target smaller again", () => {
  const buffer = new JitterBuffer(RATE);
  buffer.push(sound(80));
  pulled(buffer, 200);
  const late = buffer.target.seconds;
  for (let i = 0; i < 25; i += 1) {
    buffer.push(sound(1000));
    buffer.end();
    pulled(buffer, 1000);
  }
  assert.ok(buffer.target.seconds < late);
  assert.equal(buffer.underruns, 1);
});

test("silence in the sound is no gap", () => {
  const buffer = new JitterBuffer(RATE);
  buffer.push(sound(80, 0));
  buffer.end();
  pulled(buffer, 200);
  assert.equal(buffer.underruns, 0);
});

test("cleared it is empty at once, and fades instead of clicking", () => {
  const buffer = new JitterBuffer(RATE);
  buffer.push(sound(500));
  pulled(buffer, 100);
  buffer.clear();
  assert.equal(buffer.seconds, 0);
  const after = pulled(buffer, 20);
  for (let i = 1; i < after.length; i += 1) {
    assert.ok(Math.abs(after[i] - after[i - 1]) < 0.01);
  }
  assert.equal(after.at(-1), 0);
  assert.equal(buffer.underruns, 0);
});

test("beginnings and gaps have no steps", () => {
  const buffer = new JitterBuffer(RATE);
  buffer.push(sound(100));
  const out = pulled(buffer, 200);
  for (let i = 1; i < out.length; i += 1) assert.ok(Math.abs(out[i] - out[i - 1]) < 0.01);
});

test("chunks of any size come out in order and whole", () => {
  let seed = 7;
  const random = (most) => {
    seed = (seed * 1103515245 + 12345) % 2147483648;
    return seed % most;
  };
  const buffer = new JitterBuffer(RATE);
  const out = [];
  let number = 0;
  const next = () => {
    number += 1;
    return number / 1e7;
  };
  buffer.push(Float32Array.from({ length: 5000 }, next)); // so that it never runs dry
  for (let i = 0; i < 300; i += 1) {
    const chunk = Float32Array.from({ length: random(900) }, next);
    buffer.push(chunk);
    buffer.end();
    const block = new Float32Array(random(500));
    const before = buffer.played;
    buffer.pull(block);
    out.push(...block.subarray(0, buffer.played - before));
  }
  const late = out.slice(ms(5)); // after the first fade the samples are as they came
  const first = Math.round(late[0] * 1e7);
  for (const [i, sample] of late.slice(0, 5000).entries()) assert.ok(Math.abs(sample * 1e7 - (first + i)) < 20);
  assert.equal(buffer.ring.size + buffer.played, number);
});
