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

test("voices of cards and models without a card are asked for in their own ways", async () => {
  globalThis.fetch = async () =>
    new Response(JSON.stringify(ANSWER), { headers: { "Content-Type": "application/json" } });
  const characters = new CharacterList();
  await characters.load();
  const [nana, kyo] = characters.converterVoices;
  assert.deepEqual([nana.name, nana.shown, nana.key, nana.asked], ["nana", "Nana", 5, { character: "nana" }]);
  assert.deepEqual([kyo.name, kyo.asked, kyo.formant.maximum], ["rvc:kyo", { engine: "rvc:kyo" }, 2]);
  assert.deepEqual(kyo.options, [SHARE]);
  assert.deepEqual([characters.voiceName("nana"), characters.voiceName("gone")], ["Nana", "gone"]);
  assert.equal(characters.get("nana"), null, "it does not speak");
});
