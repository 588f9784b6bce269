// Every text of the page is there in three languages, with the same places to fill in.

import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import test from "node:test";

const STATIC = new URL("../../static/", import.meta.url);
const LANGUAGES = ["en", "zh", "ja"];
const files = readdirSync(STATIC, { recursive: true }).filter(
  (name) => /\.(js|html)$/.test(name) && !name.startsWith("words/"),
);
const made = files.filter((name) => name !== "page/i18n.js"); // whose keys are attributes
const known = {};
for (const language of LANGUAGES) known[language] = (await import(new URL(`words/${language}.js`, STATIC))).words;
const places = (text) => [...text.matchAll(/\{(\w+)\}/g)].map(([, name]) => name).sort();

test("three languages have the same texts", () => {
  const keys = Object.keys(known.en).sort();
  assert.ok(keys.length > 80);
  for (const language of ["zh", "ja"]) assert.deepEqual(Object.keys(known[language]).sort(), keys);
});

test("a translation has the places of its original", () => {
  for (const [key, text] of Object.entries(known.en)) {
    for (const language of ["zh", "ja"]) assert.deepEqual(places(known[language][key]), places(text), key);
  }
});

test("no text is empty, and none of Chinese and Japanese is left in English", () => {
  for (const language of ["zh", "ja"]) {
    for (const [key, text] of Object.entries(known[language])) {
      assert.ok(text.trim(), key);
      const letters = text.replace(/\{\w+\}|id:secret|GPU|Hz|dB|ms/g, "");
      if (/[a-z]{3}/i.test(letters)) assert.match(letters, /[^\x00-\x7f]/, `${language} ${key}`);
    }
  }
});

test("every text that is named is known", () => {
  const named =
    /data-t(?:-label|-placeholder|-title)?="([^"]+)"|\b"?t(?:-label|-placeholder|-title)?"?: "([^"]+)"|\bt\("([^"]+)"/g;
  let count = 0;
  for (const file of made) {
    for (const [, html, attribute, call] of readFileSync(new URL(file, STATIC), "utf8").matchAll(named)) {
      const key = html ?? attribute ?? call;
      count += 1;
      assert.ok(key in known.en, `${file} names ${key}`);
    }
  }
  assert.ok(count > 80, `${count} were found`);
});

test("no text is kept that nobody names", () => {
  const code = files.map((name) => readFileSync(new URL(name, STATIC), "utf8")).join("\n");
  for (const key of Object.keys(known.en)) {
    const family = key.split(".")[0];
    assert.ok(
      code.includes(`"${key}"`) || code.includes(`\`${family}.\${`) || code.includes(`.${key.split(".").at(-1)}`),
      key,
    );
  }
});
