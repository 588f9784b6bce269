// The picture of a character: its own, or else a drawn mountain that depends on the character's name alone.

import { el, svgEl } from "../page/dom.js";

const SIZE = 64;
// Height, roughness and lightness of each ridge, from the far one to the near one.
const RIDGES = [
  [26, 14, 58],
  [36, 12, 44],
  [47, 8, 29],
];

export function avatar(character) {
  if (character.picture) return el("img", { class: "avatar", src: character.picture, alt: "", loading: "lazy" });
  const random = seededRandom(character.name ?? "");
  const hue = Math.floor(random() * 360);
  const sky = `hsl(${hue} ${35 + random() * 20}% ${74 + random() * 8}%)`;
  const scene = [svgEl("rect", { width: SIZE, height: SIZE, fill: sky }), sun(random, hue)];
  const ridgeHue = (hue + 20 + random() * 40) % 360;
  for (const [height, roughness, lightness] of RIDGES) {
    const d = ridge(random, height, roughness);
    scene.push(svgEl("path", { d, fill: `hsl(${ridgeHue} 32% ${lightness}%)` }));
  }
  return svgEl("svg", { class: "avatar", viewBox: `0 0 ${SIZE} ${SIZE}`, "aria-hidden": "true" }, ...scene);
}

function sun(random, hue) {
  const fill = `hsl(${(hue + 180 + random() * 30) % 360} 75% 92%)`;
  return svgEl("circle", { cx: 12 + random() * 40, cy: 12 + random() * 9, r: 5 + random() * 4, fill });
}

function ridge(random, height, roughness) {
  const points = [];
  for (let x = -6; x <= SIZE + 12; x += 9 + random() * 7) {
    points.push(`${x.toFixed(1)} ${(height + (random() - 0.5) * 2 * roughness).toFixed(1)}`);
  }
  return `M-8 ${SIZE} L${points.join(" L")} L${SIZE + 20} ${SIZE}z`;
}

// Numbers from 0 to 1 that depend on a text alone: FNV-1a of the text, then a multiplicative mix for each number.
function seededRandom(text) {
  let state = 2166136261;
  for (const character of text) state = Math.imul(state ^ character.codePointAt(0), 16777619);
  return () => {
    state = Math.imul(state ^ (state >>> 15), 0x2c1b3c6d);
    state = Math.imul(state ^ (state >>> 12), 0x297a2d39) + 0x6d2b79f5;
    return ((state ^ (state >>> 15)) >>> 0) / 2 ** 32;
  };
}
