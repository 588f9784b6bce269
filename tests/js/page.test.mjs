// Parts of the page that need no browser: the waveform's peaks, the history, the copied requests.

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import test from "node:test";

import { fitsGenerate, generateCommand, lineFields, speechCommand } from "../../static/speak/copied_requests.js";
import { searchLines, withLine } from "../../static/speak/history.js";
import { Peaks } from "../../static/speak/waveform.js";

const line = (text, more = {}) => ({
  text,
  character: "",
  language: "auto",
  noaccent: false,
  speed: 1,
  seed: 0,
  engine: "",
  at: 1,
  ...more,
});
// The JSON among the words that a shell makes of a command, which is not run.
const bodyOf = (command) =>
  JSON.parse(
    execFileSync("bash", ["-c", `printf '%s\\0' ${command.replace(/^curl /, "")}`], { encoding: "utf8" })
      .split("\0")
      .find((word) => word.startsWith("{")),
  );

test("peaks are the loudest of each hundredth of a second, however the samples come", () => {
  const samples = Int16Array.from({ length: 2400 }, (_, i) => Math.round(16384 * Math.sin(i / 7) * (i / 2400)));
  const whole = new Peaks(24000);
  whole.add(samples);
  const parts = new Peaks(24000);
  for (let at = 0; at < samples.length; at += 77) parts.add(samples.subarray(at, at + 77));
  assert.deepEqual(parts.values, whole.values);
  assert.equal(whole.values.length, 10);
  assert.equal(whole.seconds, 0.1);
  assert.equal(whole.between(0, 1), Math.max(...samples.map(Math.abs)) / 32768);
  assert.ok(whole.between(0, 0.02) < whole.between(0.08, 0.1));
  assert.equal(whole.between(5, 6), 0);
});

test("the history has a line once, the newest first, and not too many", () => {
  let lines = [];
  for (let i = 0; i < 250; i += 1) lines = withLine(lines, line(`line ${i}`, { at: i }));
  assert.equal(lines.length, 200);
  assert.equal(lines[0].text, "line 249");
  const again = withLine(lines, line("line 100", { at: 999 }));
  assert.equal(again.length, 200);
  assert.equal(again[0].at, 999);
  assert.equal(again.filter(({ text }) => text === "line 100").length, 1);
  assert.equal(withLine(lines, line("line 100", { seed: 2 })).filter(({ text }) => text === "line 100").length, 2);
});

test("the history is not too long altogether, but the newest line stays", () => {
  let lines = [];
  for (let i = 0; i < 30; i += 1) lines = withLine(lines, line(`${i}${"x".repeat(5000)}`));
  assert.ok(lines.reduce((sum, { text }) => sum + text.length, 0) <= 100_000);
  assert.equal(withLine(lines, line("y".repeat(200_000)))[0].text.length, 200_000);
});

test("the history is searched by words of the text and by the speaker", () => {
  const lines = [
    line("The gate is open."),
    line("你好，世界。"),
    line("Open the ＧＡＴＥ now", { character: "jf_alpha" }),
  ];
  assert.deepEqual(searchLines(lines, "gate OPEN"), [lines[0], lines[2]]);
  assert.deepEqual(searchLines(lines, "世界"), [lines[1]]);
  assert.deepEqual(searchLines(lines, "alpha"), [lines[2]]);
  assert.deepEqual(
    searchLines([line("Hi.", { by: "af_heart" })], "heart").length,
    1,
    "also where the line left it open",
  );
  assert.deepEqual(searchLines(lines, "  "), lines);
  assert.deepEqual(searchLines(lines, "nothing"), []);
});

test("defaults are left out of a request", () => {
  assert.deepEqual(lineFields(line("Hi.")), { text: "Hi." });
  assert.deepEqual(
    lineFields(line("Hi.", { character: "a", language: "ja", noaccent: true, speed: 1.5, seed: 7, engine: "tone" })),
    { text: "Hi.", character: "a", language: "ja", noaccent: true, speed: 1.5, seed: 7, engine: "tone" },
  );
});

test("a command has the same text after a shell has read it", () => {
  const text = `It's "quoted", $HOME, \`ls\`, back\\slash,\nanother line, 你好`;
  const spoken = line(text, { character: "af_heart", speaker: "af_heart", speed: 1.25 });
  assert.deepEqual(bodyOf(speechCommand("http://a", spoken, false)), {
    model: "yamabiko",
    input: text,
    response_format: "wav",
    speed: 1.25,
    voice: "af_heart",
  });
  assert.deepEqual(bodyOf(generateCommand("http://a", spoken, false)), {
    textPrompt: text,
    character: "af_heart",
    language: "auto",
  });
});

test("a command shows its key only where one is needed", () => {
  assert.doesNotMatch(speechCommand("http://a", line("a"), false), /Authorization/);
  assert.match(speechCommand("http://a", line("a"), true), /-H "Authorization: Bearer \$YAMABIKO_KEY"/);
});

test("the bots' contract makes lines with the defaults alone", () => {
  assert.ok(fitsGenerate(line("a")));
  for (const more of [{ speed: 2 }, { seed: 1 }, { engine: "tone" }, { then: "nana" }])
    assert.ok(!fitsGenerate(line("a", more)));
});

test("a second voice is part of a line, of its request and of what is searched", () => {
  const second = line("Hi.", { character: "a", then: "rvc:nana" });
  assert.deepEqual(lineFields(second), { text: "Hi.", character: "a", then: "rvc:nana" });
  assert.equal(bodyOf(speechCommand("http://a", second, false)).then, "rvc:nana");
  const lines = withLine([line("Hi.", { character: "a" })], second);
  assert.equal(lines.length, 2);
  assert.deepEqual(searchLines(lines, "nana"), [second]);
  const older = [line("Hi.", { character: "a" })]; // from before there were second voices
  assert.equal(withLine(older, line("Hi.", { character: "a", then: "" })).length, 1);
});
