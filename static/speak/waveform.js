// The waveform of a line, drawn as a ridge with its echo below: it grows with the line, and what was heard is coloured.

const PEAK_SECONDS = 0.01;
const LEAST_SECONDS = 3; // that the canvas shows, so that a short word does not fill it at once
const COLUMN_PIXELS = 2; // from point to point
const RIDGE_SHARE = 0.68; // of the height; the echo has the rest
const LOUD = 0.5; // of full scale: fills the height
const EASE = 0.15; // of the way, each frame, to the scale that fits
const ECHO_ALPHA = 0.32;

// The loudest sample of each hundredth of a second.
export class Peaks {
  #rate;
  #count = 0;
  #peak = 0;

  constructor(rate) {
    this.#rate = rate;
    this.values = [];
  }

  add(samples) {
    const samplesPerPeak = Math.round(this.#rate * PEAK_SECONDS);
    for (const sample of samples) {
      this.#peak = Math.max(this.#peak, Math.abs(sample) / 32768);
      this.#count += 1;
      if (this.#count < samplesPerPeak) continue;
      this.values.push(this.#peak);
      this.#count = 0;
      this.#peak = 0;
    }
  }

  get seconds() {
    return this.values.length * PEAK_SECONDS;
  }

  // The loudest sample between two moments, from 0 to 1.
  between(from, to) {
    const first = Math.floor(from / PEAK_SECONDS);
    const last = Math.max(first + 1, Math.ceil(to / PEAK_SECONDS));
    let peak = 0;
    for (let i = first; i < Math.min(last, this.values.length); i += 1) peak = Math.max(peak, this.values[i]);
    return peak;
  }
}

export class Waveform {
  #canvas;
  #peaks = new Peaks(24000);
  #shown = LEAST_SECONDS; // seconds that the width shows

  constructor(canvas) {
    this.#canvas = canvas;
  }

  begin(rate) {
    this.#peaks = new Peaks(rate);
    this.#shown = LEAST_SECONDS;
  }

  add(samples) {
    this.#peaks.add(samples);
  }

  get seconds() {
    return this.#peaks.seconds;
  }

  // The loudness around a moment, from 0 to 1.
  level(at) {
    return Math.min(1, this.#peaks.between(at - 0.04, at + 0.02) / LOUD);
  }

  // Draws it with what was heard until `position` in colour. Returns whether the scale still moves.
  draw(position) {
    const wanted = Math.max(LEAST_SECONDS, this.#peaks.seconds);
    const left = wanted - this.#shown;
    const still = matchMedia("(prefers-reduced-motion: reduce)").matches;
    this.#shown = still || Math.abs(left) < 0.01 ? wanted : this.#shown + EASE * left;
    const { width, height } = this.#fitCanvas();
    const pen = this.#canvas.getContext("2d");
    const { color, outlineColor } = getComputedStyle(this.#canvas);
    pen.clearRect(0, 0, width, height);
    const ridge = this.#ridge(width, height);
    const heard = (position / this.#shown) * width;
    this.#fill(pen, ridge, outlineColor, heard, width, height);
    this.#fill(pen, ridge, color, 0, heard, height);
    return this.#shown !== wanted;
  }

  // Gives the canvas a pixel for each of the screen.
  #fitCanvas() {
    const scale = devicePixelRatio || 1;
    const width = Math.round(this.#canvas.clientWidth * scale);
    const height = Math.round(this.#canvas.clientHeight * scale);
    if (this.#canvas.width !== width || this.#canvas.height !== height) {
      Object.assign(this.#canvas, { width, height });
    }
    return { width, height };
  }

  #ridge(width, height) {
    const step = COLUMN_PIXELS * (devicePixelRatio || 1);
    const perPixel = this.#shown / width;
    const heights = [];
    for (let x = 0; x <= width; x += step) heights.push(this.#peaks.between(x * perPixel, (x + step) * perPixel));
    const base = Math.round(height * RIDGE_SHARE);
    const smooth = heights.map((each, i) => (2 * each + (heights[i - 1] ?? each) + (heights[i + 1] ?? each)) / 4);
    const points = smooth.map((each, i) => [i * step, base * Math.sqrt(Math.min(1, each / LOUD))]);
    return { base, points };
  }

  #fill(pen, { base, points }, colour, from, to, height) {
    pen.save();
    pen.beginPath();
    pen.rect(from, 0, to - from, height);
    pen.clip();
    pen.fillStyle = colour;
    fillOutline(pen, points, base, -1);
    pen.globalAlpha = ECHO_ALPHA;
    fillOutline(pen, points, base + 2, (height - base - 2) / base);
    pen.restore();
  }
}

function fillOutline(pen, points, base, scale) {
  pen.beginPath();
  pen.moveTo(0, base);
  for (const [x, y] of points) pen.lineTo(x, base + scale * Math.max(1, y));
  pen.lineTo(points.at(-1)[0], base);
  pen.fill();
}
