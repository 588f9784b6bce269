// The settings of the talk panel, with a browser's storage that the tests play.

import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";
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
  settings.set("denoise", true);
  assert.equal(settings.voice.denoise, "light");
});

test("what the server and the microphone need are settings", () => {
  const { voice, microphone, values } = new TalkSettings();
  assert.deepEqual(Object.keys(voice).sort(), [...OF_VOICE].sort());
  assert.equal(Object.keys(microphone).length, OF_MICROPHONE.length);
  assert.ok([...OF_VOICE, ...OF_MICROPHONE].every((name) => name in values));
});
