// The order of the streams, and how a live voice becomes no later than it must be.

import assert from "node:assert/strict";
import { test } from "node:test";
import { BufferTarget, JitterBuffer, Playlist } from "../../static/sound/playback.worklet.js";

const RATE = 24000;
const BLOCK = 128;
const ms = (count) => Math.round((count * RATE) / 1000);
const sound = (count, value = 0.5) => new Float32Array(ms(count)).fill(value);

class Listener {
  constructor() {
    this.playlist = new Playlist(RATE);
    this.heard = [];
    this.ended = [];
    this.frame = 0;
  }

  // The sound of the lines and of the live voice in so many milliseconds.
  pulled(count) {
    const found = { lines: [], live: [] };
    for (let left = ms(count); left > 0; left -= BLOCK) {
      const lines = new Float32Array(BLOCK);
      const live = new Float32Array(BLOCK);
      const heard = (stream, at) => this.heard.push([stream, this.frame + at]);
      this.playlist.pull(lines, live, heard, (stream) => this.ended.push(stream));
      this.frame += BLOCK;
      found.lines.push(...lines);
      found.live.push(...live);
    }
    return found;
  }
}

test("lines that come at once are heard one after the other, in the order in which they began", () => {
  const listener = new Listener();
  listener.playlist.open(1, false);
  listener.playlist.open(2, false);
  listener.playlist.push(2, sound(100, -0.5));
  listener.playlist.push(1, sound(100, 0.5));
  listener.playlist.end(2);
  listener.playlist.end(1);
  const { lines } = listener.pulled(400);
  const first = lines.findIndex((sample) => sample > 0.4);
  const second = lines.findIndex((sample) => sample < -0.4);
  assert.ok(first >= 0 && second - first >= ms(95));
  assert.deepEqual(listener.ended, [1, 2]);
  assert.deepEqual(
    listener.heard.map(([stream]) => stream),
    [1, 2],
  );
  assert.equal(listener.playlist.total("underruns"), 0);
  assert.equal(listener.playlist.total("played"), ms(200));
});

test("the place of the first audible sample is reported", () => {
  const listener = new Listener();
  listener.playlist.push(1, sound(100, 0));
  listener.playlist.push(1, sound(100, 0.5));
  const { lines } = listener.pulled(300);
  assert.deepEqual(listener.heard, [[1, lines.findIndex((sample) => Math.abs(sample) > 300 / 32768)]]);
});

test("a live voice does not wait for the lines, nor they for it", () => {
  const listener = new Listener();
  listener.playlist.open(1, false);
  listener.playlist.open(2, true);
  listener.playlist.push(2, sound(200));
  const { lines, live } = listener.pulled(50);
  assert.ok(live.some((sample) => sample > 0.4));
  assert.ok(lines.every((sample) => sample === 0));
});

test("of a stream that is dropped only its fade is heard", () => {
  const listener = new Listener();
  for (const stream of [1, 2]) listener.playlist.push(stream, sound(500));
  listener.playlist.open(3, true);
  listener.playlist.push(3, sound(500));
  const liveBuffer = listener.playlist.streams.get(3);
  listener.pulled(50);
  for (const stream of [1, 2, 3]) listener.playlist.drop(stream);
  listener.pulled(10);
  const { lines, live } = listener.pulled(100);
  assert.ok([...lines, ...live].every((sample) => sample === 0));
  assert.deepEqual(listener.ended.sort(), [1, 2, 3]);
  assert.equal(listener.playlist.total("underruns"), 0);
  assert.equal(liveBuffer.place, ms(500), "its place counts what was left out");
});

test("a line begins with the target of the line before it", () => {
  const listener = new Listener();
  listener.playlist.push(1, sound(80));
  listener.pulled(200);
  assert.equal(listener.playlist.total("underruns"), 1);
  listener.playlist.end(1);
  listener.pulled(20);
  listener.playlist.push(2, sound(80));
  assert.ok(listener.playlist.streams.get(2).target.seconds > new BufferTarget().seconds);
  assert.equal(listener.playlist.streams.get(1), undefined);
});

test("ending or dropping a stream that is not there does nothing", () => {
  const listener = new Listener();
  listener.playlist.end(7);
  listener.playlist.drop(7);
  listener.pulled(10);
  assert.deepEqual(listener.ended, []);
});

// A live voice whose sound comes as `feed` says for each 20 ms, and is taken as time passes.
function liveVoice(feed) {
  const buffer = new JitterBuffer(RATE, new BufferTarget(), true);
  const out = new Float32Array(BLOCK);
  let heldMost = 0;
  let steepest = 0;
  let last = 0;
  return {
    buffer,
    run(seconds) {
      for (let block = 0; block < seconds * 50; block += 1) {
        feed(buffer, block);
        for (let i = 0; i < ms(20); i += BLOCK) {
          const part = out.subarray(0, Math.min(BLOCK, ms(20) - i)).fill(0);
          buffer.pull(part);
          for (const sample of part) {
            steepest = Math.max(steepest, Math.abs(sample - last));
            last = sample;
          }
        }
        heldMost = Math.max(heldMost, buffer.seconds);
      }
      return { heldMost, steepest };
    },
  };
}

test("sentences that come in bursts are played whole, and the pauses between them are no faults", () => {
  const listener = new Listener();
  listener.playlist.open(1, true, true);
  for (let sentence = 0; sentence < 3; sentence += 1) {
    listener.playlist.push(1, sound(3000));
    listener.pulled(4000);
  }
  assert.equal(listener.playlist.total("underruns"), 0);
  assert.equal(listener.playlist.streams.get(1).played, ms(9000));
  assert.ok(listener.playlist.streams.get(1).target.seconds < 0.08);
});

test("a live voice that came in a burst is soon as early as before", () => {
  const { buffer, run } = liveVoice((buffer, block) => {
    if (block < 100 || block > 125) buffer.push(sound(20));
    if (block === 125) buffer.push(sound(520)); // the network slept for half a second
  });
  const { steepest } = run(6);
  assert.equal(buffer.underruns, 1);
  assert.ok(buffer.seconds < 0.2, `${buffer.seconds} s behind`);
  assert.ok(buffer.skipped > 0);
  assert.ok(steepest < 0.02, "without a click");
});

test("a live voice gets earlier while nothing comes late, and does not run dry of it", () => {
  const { buffer, run } = liveVoice((buffer) => buffer.push(sound(20)));
  run(1);
  const early = buffer.seconds;
  run(60);
  assert.ok(buffer.seconds < early - 0.02, `${early} then ${buffer.seconds}`);
  assert.equal(buffer.underruns, 0);
  assert.ok(buffer.seconds > 0.01);
});

test("what was left out is counted, so that a place in the stream stays true", () => {
  const { buffer, run } = liveVoice((buffer) => buffer.push(sound(20)));
  run(61);
  assert.ok(buffer.skipped > 0);
  assert.equal(buffer.place + buffer.ring.size, ms(20) * 61 * 50);
});
