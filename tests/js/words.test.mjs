// The texts of the page: each is there in three languages, with the same places to fill in, and each is used.

import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import test from "node:test";

const STATIC = new URL("../../static/", import.meta.url);
const LANGUAGES = ["en", "zh", "ja"];
const files = readdirSync(STATIC, { recursive: true })
  .filter((name) => /\.(js|html)$/.test(name) && !name.startsWith("words/"))
  .map((name) => ({ name, text: readFileSync(new URL(name, STATIC), "utf8") }));
const code = files.map(({ text }) => text).join("\n");
const FOLDERS = ["", "later/", "docs/", "errors/"]; // of `words`: the first load fetches those of the first one
const known = {};
const counts = {}; // keys of the files of a language, each counted by itself
for (const language of LANGUAGES) {
  const sets = await Promise.all(FOLDERS.map((folder) => import(new URL(`words/${folder}${language}.js`, STATIC))));
  known[language] = Object.assign({}, ...sets.map(({ words }) => words));
  counts[language] = sets.map(({ words }) => Object.keys(words).length);
}
const families = new Set(Object.keys(known.en).flatMap((key) => (key.includes(".") ? [key.split(".")[0]] : [])));
const places = (text) => [...text.matchAll(/\{(\w+)\}/g)].map(([, name]) => name).sort();

// The keys in a file: what an element names (`data-t="…"`, `t: "…"`), and every text in quotes that looks like one.
function keysIn({ name, text }) {
  const named = /data-t(?:-\w+)?="([^"]+)"|\b"?t(?:-label|-placeholder|-title)?"?: "([^"]+)"|\bt\("([^"]+)"/g;
  const dotted = [...text.matchAll(/"(\w+)((?:\.\w+)+)"/g)].filter(([, family]) => families.has(family));
  // In i18n.js what stands behind `t-label` is an attribute.
  const marked = name === "page/i18n.js" ? [] : [...text.matchAll(named)];
  return [...marked.map(([, html, attribute, call]) => html ?? attribute ?? call), ...dotted.map(([, a, b]) => a + b)];
}

// The keys that code makes of parts, as patterns: `engine.${state}` is any key of two parts that begins so.
const patterns = [...code.matchAll(/`(\w+)((?:\.\w+)*(?:\.\$\{[^}]+\})+)`/g)].map(
  ([, family, rest]) => new RegExp(`^${family}${rest.replace(/\$\{[^}]+\}/g, "\\w+").replaceAll(".", "\\.")}$`),
);

test("three languages have the same texts", () => {
  const keys = Object.keys(known.en).sort();
  assert.ok(keys.length > 80);
  for (const language of ["zh", "ja"]) assert.deepEqual(Object.keys(known[language]).sort(), keys);
  for (const language of LANGUAGES) {
    assert.deepEqual(counts[language], counts.en, "a key lies in the same folder in each language");
    const sum = counts[language].reduce((a, b) => a + b);
    assert.equal(sum, keys.length, "a key lies in one folder only");
  }
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
      const letters = text.replace(/\{\w+\}|id:secret|GPU|Hz|dB|ms|JSON|hosts|sockets\.origins|Content-Type/g, "");
      if (/[a-z]{3}/i.test(letters)) assert.match(letters, /[\u0080-\uffff]/, `${language} ${key}`);
    }
  }
});

test("every key that is named has a text", () => {
  let count = 0;
  for (const file of files) {
    for (const key of keysIn(file)) {
      count += 1;
      assert.ok(key in known.en, `${file.name} names ${key}`);
    }
  }
  assert.ok(count > 150, `${count} were found`);
});

test("every text is named", () => {
  const named = new Set(files.flatMap(keysIn));
  for (const key of Object.keys(known.en)) {
    const isNamed = named.has(key) || code.includes(`"${key}"`) || patterns.some((pattern) => pattern.test(key));
    assert.ok(isNamed, key);
  }
});
