import assert from "node:assert/strict";
import { test } from "node:test";
import { ClockPair, Journey, Median } from "../../static/talk/latency.js";

const RATE = 24000;
const FRAME = 480; // samples, 20 ms

// A voice of which every sample is heard `total` ms after it was spoken; ten seconds of it.
function journey({ rate = 1, capture = 30, away = 80, buffer = 100, more = {} } = {}) {
  const found = new Journey(RATE);
  for (let i = 0; i < 500; i += 1) {
    const spoken = 1000 + 20 * i;
    found.sent(FRAME, spoken, spoken + capture);
    if (i >= 100) found.received(FRAME * rate, spoken + capture + away - 2000);
    if (i >= 100 && i % 25 === 0) found.through((i - 99) * 0.02);
  }
  // 2000 ms stand between what is sent and what has come back: 100 frames are under way
  const place = 350 * FRAME * rate;
  const at = 1000 + 20 * 350 + capture + away + buffer;
  return found.stages(place, at, { network: 6, queue: 4, ...more });
}

const near = (value, expected, by = 1) => assert.ok(Math.abs(value - expected) <= by, `${value}, not ${expected}`);

test("the stages are what was timed, and their sum is the whole way", () => {
  const stages = journey();
  near(stages.capture, 30);
  near(stages.network, 6);
  near(stages.queue, 4);
  near(stages.engine, 70);
  near(stages.buffer, 100);
  near(stages.total, 210);
  const { total, ...parts } = stages;
  near(
    Object.values(parts).reduce((sum, part) => sum + part, 0),
    total,
    1e-6,
  );
});

test("no stage is longer than the way it is part of", () => {
  const stages = journey({ away: 5, more: { network: 40, queue: 20 } });
  near(stages.network, 5);
  assert.equal(stages.queue, 0);
  assert.equal(stages.engine, 0);
  near(stages.total, 135);
});

test("what is not known is nothing", () => {
  const stages = journey({ more: { network: null, queue: undefined } });
  assert.equal(stages.network, 0);
  near(stages.engine, 80);
});

test("before anything has come back there is nothing to tell", () => {
  const found = new Journey(RATE);
  assert.equal(found.stages(0, 0, {}), null);
  found.sent(FRAME, 0, 20);
  assert.equal(found.stages(FRAME, 100, {}), null);
});

test("a server that gives a little less than came is followed", () => {
  const found = new Journey(RATE);
  for (let i = 0; i < 1000; i += 1) {
    found.sent(FRAME, 20 * i, 20 * i + 30);
    found.received(FRAME * 0.995, 20 * i + 100); // 0.5 % less
    if (i % 25 === 0) found.through((i + 1) * 0.02);
  }
  const seconds = 18; // of input; they are 17.91 s of output
  const stages = found.stages(seconds * 0.995 * RATE, 1000 * seconds + 200, { network: 0, queue: 0 });
  near(stages.total, 200, 15);
});

test("a long talk is remembered for a while only", () => {
  const found = new Journey(RATE);
  for (let i = 0; i < 20000; i += 1) {
    found.sent(FRAME, 20 * i, 20 * i);
    found.received(FRAME, 20 * i);
  }
  assert.ok(found.frames.length <= 1500 && found.chunks.length <= 1500);
  near(found.stages(19990 * FRAME, 19990 * 20 + 50, { network: 0, queue: 0 }).total, 50);
});

test("of two clocks the message that came soonest tells", () => {
  const clocks = new ClockPair();
  const late = [9, 3, 12, 0.5, 7];
  late.forEach((wait, i) => clocks.see(20 * i, 5000 + 20 * i + wait));
  near(clocks.at(200), 5200.5, 1e-9);
});

test("a clock that drifts is believed anew", () => {
  const clocks = new ClockPair();
  for (let i = 0; i < 10000; i += 1) clocks.see(20 * i, 20 * i * 1.001); // 1 ms a second
  near(clocks.at(200000), 200200, 8);
});

test("the middle of the last values", () => {
  const median = new Median(3);
  assert.equal(median.value, null);
  assert.equal(median.add(5), 5);
  for (const value of [1000, 6, 7]) median.add(value);
  assert.equal(median.value, 7);
});
