// The stages of a voice's latency, computed from times and counts; two clocks; medians.

import assert from "node:assert/strict";
import { test } from "node:test";
import { ClockPair, VoiceTrace } from "../../static/talk/latency.js";
import { Median } from "../../static/talk/median.js";

const RATE = 24000;
const FRAME = 480; // samples, 20 ms

// The stages of ten seconds of a voice, each sample of which is heard the sum of these times after it was spoken.
function stagesOf({ capture = 30, away = 80, buffer = 100, network = 6, queue = 4 } = {}) {
  const trace = new VoiceTrace(RATE);
  for (let i = 0; i < 500; i += 1) {
    const spoken = 1000 + 20 * i;
    trace.sent(FRAME, spoken, spoken + capture);
    // 100 frames, so 2000 ms, lie between what is sent and what has come back.
    if (i >= 100) trace.received(FRAME, spoken + capture + away - 2000);
    if (i >= 100 && i % 25 === 0) trace.processed((i - 99) * 0.02);
  }
  const place = 350 * FRAME;
  const at = 1000 + 20 * 350 + capture + away + buffer;
  return trace.stages(place, at, { network, queue });
}

const near = (value, expected, by = 1) => assert.ok(Math.abs(value - expected) <= by, `${value}, not ${expected}`);

test("the stages are what was timed, and their sum is the whole way", () => {
  const stages = stagesOf();
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
  const stages = stagesOf({ away: 5, network: 40, queue: 20 });
  near(stages.network, 5);
  assert.equal(stages.queue, 0);
  assert.equal(stages.engine, 0);
  near(stages.total, 135);
});

test("a stage that is not known counts as nothing", () => {
  const stages = stagesOf({ network: null, queue: null });
  assert.equal(stages.network, 0);
  near(stages.engine, 80);
});

test("before anything has come back there are no stages", () => {
  const trace = new VoiceTrace(RATE);
  assert.equal(trace.stages(0, 0, {}), null);
  trace.sent(FRAME, 0, 20);
  assert.equal(trace.stages(FRAME, 100, {}), null);
});

test("a server that gives a little less than came is followed", () => {
  const trace = new VoiceTrace(RATE);
  for (let i = 0; i < 1000; i += 1) {
    trace.sent(FRAME, 20 * i, 20 * i + 30);
    trace.received(FRAME * 0.995, 20 * i + 100); // 0.5 % less
    if (i % 25 === 0) trace.processed((i + 1) * 0.02);
  }
  const seconds = 18; // of input; they are 17.91 s of output
  const stages = trace.stages(seconds * 0.995 * RATE, 1000 * seconds + 200, { network: 0, queue: 0 });
  near(stages.total, 200, 15);
});

test("a long talk is remembered for a while only", () => {
  const trace = new VoiceTrace(RATE);
  for (let i = 0; i < 20000; i += 1) {
    trace.sent(FRAME, 20 * i, 20 * i);
    trace.received(FRAME, 20 * i);
  }
  assert.ok(trace.frames.length <= 1500 && trace.chunks.length <= 1500);
  near(trace.stages(19990 * FRAME, 19990 * 20 + 50, { network: 0, queue: 0 }).total, 50);
});

test("two clocks are compared by the message that came soonest", () => {
  const clocks = new ClockPair();
  const late = [9, 3, 12, 0.5, 7];
  for (const [i, wait] of late.entries()) clocks.see(20 * i, 5000 + 20 * i + wait);
  near(clocks.at(200), 5200.5, 1e-9);
});

test("a clock that drifts is followed", () => {
  const clocks = new ClockPair();
  for (let i = 0; i < 10000; i += 1) clocks.see(20 * i, 20 * i * 1.001); // 1 ms a second
  near(clocks.at(200000), 200200, 8);
});

test("the median of the last values", () => {
  const median = new Median(3);
  assert.equal(median.value, null);
  median.add(5);
  assert.equal(median.value, 5);
  for (const value of [1000, 6, 7]) median.add(value);
  assert.equal(median.value, 7);
});
