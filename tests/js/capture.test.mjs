// The framer of the microphone: frames, pitch and level at every pair of rates.

import assert from "node:assert/strict";
import { test } from "node:test";
import { Framer } from "../../static/talk/capture.worklet.js";

function framed(framer, samples, block = 128) {
  const frames = [];
  const levels = [];
  for (let start = 0; start < samples.length; start += block) {
    framer.push(samples.subarray(start, start + block), (frame, level) => {
      frames.push(frame);
      levels.push(level);
    });
  }
  return { frames, levels, all: frames.flatMap((frame) => [...frame]) };
}

const tone = (hertz, rate, seconds) =>
  Float32Array.from({ length: rate * seconds }, (_, i) => 0.5 * Math.sin((2 * Math.PI * hertz * i) / rate));

const energy = (all) => Math.sqrt(all.reduce((sum, x) => sum + (x / 32768) ** 2, 0) / all.length);

for (const [rate, wanted] of [
  [48000, 24000],
  [48000, 16000],
  [44100, 24000],
  [48000, 48000],
  [16000, 24000],
]) {
  test(`${rate} to ${wanted}: frames of 20 ms, as many as there is time`, () => {
    const { frames } = framed(new Framer(rate, wanted), tone(440, rate, 2));
    assert.ok(frames.every((frame) => frame.length === wanted / 50));
    assert.ok(Math.abs(frames.length - 100) <= 1);
  });

  test(`${rate} to ${wanted}: a tone keeps its pitch and its level`, () => {
    const { all, levels } = framed(new Framer(rate, wanted), tone(440, rate, 2));
    let crossings = 0;
    for (let i = wanted / 10; i < all.length; i += 1) {
      if (all[i - 1] < 0 && all[i] >= 0) crossings += 1;
    }
    const seconds = (all.length - wanted / 10) / wanted;
    assert.ok(Math.abs(crossings / seconds - 440) < 2);
    assert.ok(Math.abs(energy(all) - 0.3535) < 0.02);
    assert.ok(Math.abs(levels.at(-1) - 0.3535) < 0.05);
  });
}

test("a tone above half the wanted rate is taken out", () => {
  const { all } = framed(new Framer(48000, 16000), tone(15000, 48000, 1));
  assert.ok(energy(all.slice(1600)) < 0.03);
});

test("blocks of any size give the same frames", () => {
  const samples = tone(300, 48000, 0.5);
  const whole = framed(new Framer(48000, 24000), samples, samples.length).all;
  for (const block of [1, 7, 128, 1000]) {
    assert.deepEqual(framed(new Framer(48000, 24000), samples, block).all, whole);
  }
});

test("a sample that is too loud is clipped, and NaN is silence", () => {
  const { all } = framed(new Framer(48000, 48000), new Float32Array(960).fill(3));
  assert.equal(Math.max(...all), 32767);
  const none = framed(new Framer(48000, 48000), new Float32Array(1920).fill(NaN)).all;
  assert.ok(none.every((sample) => sample === 0));
});
