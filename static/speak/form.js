// The form: what is to be said and how, and what keys and buttons do with it.

import { byId } from "../page/dom.js";
import { fillSelect } from "./character_cards.js";
import { keep, kept } from "../page/storage.js";

const KEPT = ["text", "character", "language", "accent", "speed", "seed", "engine"];
const MOST_KEPT = 5000; // characters of a draft

// `perform` says a line; returns what the page needs of the form.
export function speak({ performer, cast, cards, perform }) {
  const text = byId("text");
  let ownSpeed = true; // the character's, until somebody moves the slider

  const line = () => ({
    text: text.value,
    character: byId("character").value,
    language: byId("language").value,
    noaccent: byId("accent").value === "native",
    speed: Number(byId("speed").value),
    seed: seed(),
    engine: byId("engine").value,
  });
  const showSpeed = () => {
    byId("speed-shown").value = Number(byId("speed").value).toFixed(2);
  };
  const followSpeed = () => {
    if (ownSpeed) byId("speed").value = cast.get(byId("character").value)?.speed ?? 1;
    showSpeed();
  };

  byId("say").addEventListener("submit", (event) => {
    event.preventDefault();
    if (text.value.trim()) perform(line());
    else text.focus();
  });
  text.addEventListener("keydown", (event) => {
    // While an input method composes, Enter belongs to it.
    if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
    event.preventDefault();
    byId("say").requestSubmit();
  });
  text.addEventListener("input", () => performer.stop());
  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape" && !document.querySelector("dialog[open]")) performer.stop();
  });
  byId("stop").addEventListener("click", () => performer.stop());
  byId("dice").addEventListener("click", () => {
    byId("seed").value = crypto.getRandomValues(new Uint32Array(1))[0];
    remember();
  });
  byId("speed").addEventListener("input", () => {
    ownSpeed = false;
    showSpeed();
  });
  byId("character").addEventListener("change", ({ target }) => {
    cards.select(target.value);
    followSpeed();
  });
  cards.addEventListener("chosen", ({ name }) => {
    byId("character").value = name;
    followSpeed();
    remember();
  });
  cast.addEventListener("changed", () => {
    fillSelect(byId("character"), cast);
    show(kept("form") ?? {}, ["character"]);
    cards.select(byId("character").value);
    followSpeed();
  });
  byId("say").addEventListener("change", remember);
  text.addEventListener("blur", remember);

  function remember() {
    const form = Object.fromEntries(KEPT.map((name) => [name, byId(name).value.slice(0, MOST_KEPT)]));
    keep("form", { ...form, ownSpeed });
  }

  function show(form, names = KEPT) {
    for (const name of names) {
      const field = byId(name);
      if (typeof form[name] !== "string") continue;
      const before = field.value;
      field.value = form[name];
      if (field.tagName === "SELECT" && field.value !== form[name]) field.value = before;
    }
    ownSpeed = form.ownSpeed ?? ownSpeed;
    showSpeed();
  }

  show(kept("form") ?? {});

  return {
    // Puts a line of the past back into the form.
    edit(past) {
      const accent = past.noaccent ? "native" : "own";
      const fields = { ...past, accent, speed: String(past.speed ?? 1), seed: String(past.seed ?? 0), ownSpeed: false };
      show({ ...fields, engine: past.engine ?? "" });
      cards.select(byId("character").value);
      text.focus();
    },
    engines(names) {
      const select = byId("engine");
      const { value } = select;
      select.replaceChildren(select.options[0], ...names.map((name) => new Option(name, name)));
      show(value ? { engine: value } : (kept("form") ?? {}), ["engine"]);
    },
  };
}

function seed() {
  const value = Number(byId("seed").value);
  return Number.isSafeInteger(value) && value >= 0 ? value : 0;
}
