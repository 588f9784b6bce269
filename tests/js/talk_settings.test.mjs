// The settings of the talk panel, with a browser's storage that the tests play.

import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";
import { forgetOwn, setOption, setOwn } from "../../static/talk/own_settings.js";
import { DEFAULTS, OF_MICROPHONE, OF_VOICE, TalkSettings } from "../../static/talk/settings.js";

let stored = {};

beforeEach(() => {
  stored = {};
  globalThis.localStorage = {
    getItem: (name) => stored[name] ?? null,
    setItem: (name, value) => {
      stored[name] = value;
    },
  };
});

test("a setting is announced, stored, and there again", () => {
  const settings = new TalkSettings();
  const names = [];
  settings.addEventListener("change", ({ name }) => names.push(name));
  settings.set("breath", 0.5);
  settings.set("way", "push");
  assert.deepEqual(names, ["breath", "way"]);
  assert.ok(new TalkSettings().isPushToTalk);
  assert.equal(new TalkSettings().values.breath, 0.5);
});

test("a page that stored only whether noise is taken out begins with off", () => {
  stored["yamabiko.talk"] = JSON.stringify({ denoise: true, breath: 0.5 });
  const { values } = new TalkSettings();
  assert.deepEqual([values.denoise, values.breath], ["off", 0.5]);
});

test("bypass is off whatever was stored", () => {
  new TalkSettings().set("bypass", true);
  assert.equal(new TalkSettings().values.bypass, false);
});

test("a browser that stores nothing has the defaults", () => {
  globalThis.localStorage = undefined;
  const settings = new TalkSettings();
  assert.deepEqual(settings.values, DEFAULTS);
  settings.set("formant", 1.5);
  assert.equal(settings.values.formant, 1.5);
});

test("a character brings a pitch of its own", () => {
  const settings = new TalkSettings();
  settings.set("pitch", 4);
  assert.equal(settings.voice.pitch, 4);
  settings.set("character", "af_heart");
  assert.deepEqual([settings.voice.pitch, settings.voice.character], [null, "af_heart"]);
});

test("words that are spoken anew have no settings of sound, but a clean microphone", () => {
  const settings = new TalkSettings();
  settings.set("mode", "revoice");
  assert.deepEqual(settings.voice, { mode: "revoice", character: null, denoise: "off" });
  settings.set("denoise", "full");
  assert.equal(settings.voice.denoise, "full");
});

test("what the server and the microphone need are settings", () => {
  const { voice, microphone, values } = new TalkSettings();
  assert.deepEqual([...Object.keys(voice), "voices"].sort(), [...OF_VOICE].sort());
  assert.equal(Object.keys(microphone).length, OF_MICROPHONE.length);
  assert.ok([...OF_VOICE, ...OF_MICROPHONE].every((name) => name in values));
});

const NANA = { name: "nana", asked: { character: "nana" } };
const KYO = { name: "rvc:kyo", asked: { engine: "rvc:kyo" } };

function withVoices() {
  const settings = new TalkSettings();
  settings.listVoices([NANA, KYO]);
  return settings;
}

test("a converter's voice is asked for with what was chosen for it, and none of WORLD's settings", () => {
  const settings = withVoices();
  settings.set("breath", 0.5);
  settings.set("character", "nana");
  const own = { pitch: null, formant: null, options: {} };
  assert.deepEqual(settings.voice, { mode: "convert", denoise: "off", character: "nana", ...own });
  setOwn(settings, { pitch: 5 });
  setOption(settings, "index_share", 0.3);
  setOption(settings, "speaker", 2);
  assert.deepEqual(settings.voice, {
    ...{ mode: "convert", denoise: "off", character: "nana" },
    ...{ pitch: 5, formant: null, options: { index_share: 0.3, speaker: 2 } },
  });
  settings.set("character", "rvc:kyo");
  assert.deepEqual(settings.voice, { mode: "convert", denoise: "off", engine: "rvc:kyo", ...own });
});

test("each voice has its settings, stored and there again, until they are forgotten", () => {
  const settings = withVoices();
  const names = [];
  settings.addEventListener("change", ({ name }) => names.push(name));
  settings.set("character", "nana");
  setOwn(settings, { pitch: 5 });
  settings.set("character", "rvc:kyo");
  setOwn(settings, { formant: 1.2 });
  assert.deepEqual(names, ["character", "voices", "character", "voices"]);
  const again = withVoices();
  assert.equal(again.own.formant, 1.2);
  again.set("character", "nana");
  assert.deepEqual(again.own, { pitch: 5, formant: null, options: {} });
  forgetOwn(again);
  assert.deepEqual(withVoices().own, { pitch: null, formant: null, options: {} });
});

test("of many voices the last that were changed are remembered", () => {
  const settings = withVoices();
  for (let i = 0; i < 150; i += 1) {
    settings.set("character", `voice ${i}`);
    setOwn(settings, { pitch: i % 12 });
  }
  settings.set("character", "__proto__");
  assert.deepEqual(settings.own.options, {});
  setOwn(settings, { pitch: 3 });
  assert.equal(settings.own.pitch, 3);
  const names = Object.keys(new TalkSettings().values.voices);
  assert.equal(names.length, 100);
  assert.ok(names.includes("voice 149") && !names.includes("voice 50"));
});

test("words that are spoken anew have no voice that does not speak", () => {
  const settings = withVoices();
  settings.set("character", "nana");
  settings.set("mode", "revoice");
  assert.equal(settings.converterVoice, null);
  assert.deepEqual(settings.voice, { mode: "revoice", denoise: "off", character: null });
  settings.set("mode", "convert");
  assert.equal(settings.voice.character, "nana");
});
