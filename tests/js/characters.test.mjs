// The characters and the voices of converters, as the page lists them.

import assert from "node:assert/strict";
import { test } from "node:test";
import { CharacterList } from "../../static/speak/characters.js";

const SHARE = { name: "index_share", type: "number", minimum: 0, maximum: 1, default: 0.75, value: 0.5 };
const ANSWER = {
  characters: [{ name: "af_heart", display_name: "Heart", language: "en", aliases: ["nova"] }],
  converter_voices: [
    { name: "nana", display_name: "Nana", model: "rvc:nana", key: 5, formant: null, options: [SHARE] },
  ],
  converter_models: [
    { engine: "rvc", options: [SHARE], models: [{ id: "rvc:kyo", formant: { minimum: 0.5, maximum: 2 } }] },
  ],
};

async function loaded() {
  globalThis.fetch = async () =>
    new Response(JSON.stringify(ANSWER), { headers: { "Content-Type": "application/json" } });
  const characters = new CharacterList();
  await characters.load();
  return characters;
}

test("a voice of a card is asked for by its character", async () => {
  const [nana] = (await loaded()).converterVoices;
  assert.deepEqual([nana.name, nana.shown, nana.key, nana.asked], ["nana", "Nana", 5, { character: "nana" }]);
});

test("a model without a card is asked for by its id", async () => {
  const [, kyo] = (await loaded()).converterVoices;
  assert.deepEqual([kyo.name, kyo.asked, kyo.formant.maximum], ["rvc:kyo", { engine: "rvc:kyo" }, 2]);
});

test("models of one engine have its options", async () => {
  const [, kyo] = (await loaded()).converterVoices;
  assert.deepEqual(kyo.options, [SHARE]);
});

test("a voice has a name for people, also one that is gone", async () => {
  const characters = await loaded();
  assert.deepEqual([characters.voiceName("nana"), characters.voiceName("gone")], ["Nana", "gone"]);
});

test("a voice of a converter is no character that speaks", async () => {
  assert.equal((await loaded()).get("nana"), null);
});
