// The sentence for an error: by its code in the reader's language, else as the server says it.

import assert from "node:assert/strict";
import test from "node:test";

globalThis.document = { documentElement: {}, querySelectorAll: () => [] };
globalThis.localStorage = { setItem() {}, getItem: () => null };
const { chooseLanguage, errorText, t } = await import("../../static/page/i18n.js");

const TOO_LONG = {
  code: "text_too_long",
  message: "The text has 6000 characters; the limit is 5000.",
  hint: "With longprompt it is 50000.",
};

test("an error is told in the language of the page, with its values filled in", async () => {
  const error = { ...TOO_LONG, values: { length: 6000, limit: 5000 } };
  await chooseLanguage("zh");
  assert.equal(await errorText(error), "文字有 6,000 个字符，上限是 5,000 个。");
  await chooseLanguage("ja");
  assert.equal(await errorText(error), "テキストは 6,000 文字です。上限は 5,000 文字です。");
  await chooseLanguage("en");
  assert.equal(await errorText(error), "The text has 6,000 characters; the limit is 5,000.");
  assert.equal(await errorText({ code: "too_large", values: { bytes: 2e8 } }), "This is over the limit of 200 MB.");
});

test("without a value, or with an unknown code, the server's words stay", async () => {
  await chooseLanguage("zh");
  assert.equal(await errorText(TOO_LONG), `${TOO_LONG.message} ${TOO_LONG.hint}`);
  assert.equal(await errorText({ code: "from_the_future", message: "Newer." }), "Newer.");
  assert.equal(await errorText(new TypeError("of the browser")), "of the browser");
});

test("the server's words stand in a text where they say what it cannot", async () => {
  await chooseLanguage("ja");
  const error = { code: "bad_audio", message: "The audio is empty.", hint: null };
  assert.equal(await errorText(error), "音声を使えません：The audio is empty.");
});

test("texts that were fetched follow the language, also one chosen while they were fetched", async () => {
  const { loadTexts } = await import("../../static/page/i18n.js");
  const [first] = await Promise.all([chooseLanguage("en"), loadTexts("later/"), chooseLanguage("zh")]);
  assert.equal(first, undefined);
  assert.equal(t("copy"), "复制");
  await chooseLanguage("ja");
  assert.equal(t("copy"), "コピー");
});
