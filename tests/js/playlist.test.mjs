import assert from "node:assert/strict";
import { test } from "node:test";
import { JitterBuffer, Patience, Playlist } from "../../static/sound/playback.worklet.js";

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

  // What was heard of the lines and of the live voice in so many milliseconds.
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
  assert.equal(listener.playlist.sum("underruns"), 0);
  assert.equal(listener.playlist.sum("played"), ms(200));
});

test("the first audible sample is told where it is", () => {
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

test("clear leaves nothing of any stream but its fade; a live voice goes on with what comes then", () => {
  const listener = new Listener();
  for (const stream of [1, 2]) listener.playlist.push(stream, sound(500));
  listener.playlist.open(3, true);
  listener.playlist.push(3, sound(500));
  listener.pulled(50);
  listener.playlist.clear();
  listener.pulled(10);
  const { lines, live } = listener.pulled(100);
  assert.ok([...lines, ...live].every((sample) => sample === 0));
  assert.deepEqual(listener.ended.sort(), [1, 2]);
  assert.equal(listener.playlist.sum("underruns"), 0);
  listener.playlist.push(3, sound(100));
  assert.equal(listener.playlist.streams.get(3).place, ms(500), "its place counts what was left out");
  assert.ok(listener.pulled(20).live.some((sample) => sample > 0.4));
});

test("what one line learnt of the network the next one knows", () => {
  const listener = new Listener();
  listener.playlist.push(1, sound(80));
  listener.pulled(200);
  assert.equal(listener.playlist.sum("underruns"), 1);
  listener.playlist.end(1);
  listener.pulled(20);
  listener.playlist.push(2, sound(80));
  assert.ok(listener.playlist.streams.get(2).patience.seconds > new Patience().seconds);
  assert.equal(listener.playlist.streams.get(1), undefined);
});

test("what a stream is asked that is not there is nothing", () => {
  const listener = new Listener();
  listener.playlist.end(7);
  listener.playlist.drop(7);
  listener.pulled(10);
  assert.deepEqual(listener.ended, []);
});

function live(feed) {
  const buffer = new JitterBuffer(RATE, new Patience(), true);
  const out = new Float32Array(BLOCK);
  let heldMost = 0;
  let steepest = 0;
  let last = 0;
  return {
    buffer,
    // Sound comes as `feed` says for each 20 ms, and is taken as time passes.
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
  assert.equal(listener.playlist.sum("underruns"), 0);
  assert.equal(listener.playlist.streams.get(1).played, ms(9000));
  assert.equal(listener.playlist.streams.get(1).patience.seconds < 0.08, true);
});

test("a live voice that came in a burst is soon as early as before", () => {
  const { buffer, run } = live((buffer, block) => {
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
  const { buffer, run } = live((buffer) => buffer.push(sound(20)));
  run(1);
  const early = buffer.seconds;
  run(60);
  assert.ok(buffer.seconds < early - 0.02, `${early} then ${buffer.seconds}`);
  assert.equal(buffer.underruns, 0);
  assert.ok(buffer.seconds > 0.01);
});

test("what was left out is counted, so that a place in the stream stays true", () => {
  const { buffer, run } = live((buffer) => buffer.push(sound(20)));
  run(61);
  assert.ok(buffer.skipped > 0);
  assert.equal(buffer.place + buffer.ring.size, ms(20) * 61 * 50);
});
