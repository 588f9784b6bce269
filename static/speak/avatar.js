// A face for who has no picture: a mountain of their own, always the same for the same name.

import { draw, el } from "../page/dom.js";

const SIZE = 64;

export function avatar(character) {
  if (character.picture) return el("img", { class: "avatar", src: character.picture, alt: "", loading: "lazy" });
  const chance = seeded(character.name ?? "");
  const hue = Math.floor(chance() * 360);
  const sky = `hsl(${hue} ${35 + chance() * 20}% ${74 + chance() * 8}%)`;
  const scene = [draw("rect", { width: SIZE, height: SIZE, fill: sky }), sun(chance, hue)];
  const dusk = (hue + 20 + chance() * 40) % 360;
  [
    [26, 14, 58],
    [36, 12, 44],
    [47, 8, 29],
  ].forEach(([height, rough, light]) => {
    scene.push(draw("path", { d: ridge(chance, height, rough), fill: `hsl(${dusk} 32% ${light}%)` }));
  });
  return draw("svg", { class: "avatar", viewBox: `0 0 ${SIZE} ${SIZE}`, "aria-hidden": "true" }, ...scene);
}

function sun(chance, hue) {
  const bright = `hsl(${(hue + 180 + chance() * 30) % 360} 75% 92%)`;
  return draw("circle", { cx: 12 + chance() * 40, cy: 12 + chance() * 9, r: 5 + chance() * 4, fill: bright });
}

function ridge(chance, height, rough) {
  const points = [];
  for (let x = -6; x <= SIZE + 12; x += 9 + chance() * 7) {
    points.push(`${x.toFixed(1)} ${(height + (chance() - 0.5) * 2 * rough).toFixed(1)}`);
  }
  return `M-8 ${SIZE} L${points.join(" L")} L${SIZE + 20} ${SIZE}z`;
}

// Numbers from 0 to 1 that depend on a text alone.
function seeded(text) {
  let state = 2166136261;
  for (const sign of text) state = Math.imul(state ^ sign.codePointAt(0), 16777619);
  return () => {
    state = Math.imul(state ^ (state >>> 15), 0x2c1b3c6d);
    state = Math.imul(state ^ (state >>> 12), 0x297a2d39) + 0x6d2b79f5;
    return ((state ^ (state >>> 15)) >>> 0) / 2 ** 32;
  };
}
