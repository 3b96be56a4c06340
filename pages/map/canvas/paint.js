// How points and names are painted: soft discs straight into pixels, names that never cover one another.

const STEPS = 4; // places of a disc between two pixels, each way

/** How much of every pixel a soft disc covers, from 0 to 256, for each of its places between pixels. */
function discKernels(radius) {
  const size = Math.ceil(2 * radius + 2);
  const kernels = [];
  for (let sy = 0; sy < STEPS; sy++) {
    for (let sx = 0; sx < STEPS; sx++) {
      const kernel = new Uint16Array(size * size);
      const [cx, cy] = [radius + 0.5 + sx / STEPS, radius + 0.5 + sy / STEPS];
      for (let y = 0; y < size; y++) {
        for (let x = 0; x < size; x++) {
          const cover = radius + 0.5 - Math.hypot(x + 0.5 - cx, y + 0.5 - cy);
          kernel[y * size + x] = Math.round(256 * Math.min(1, Math.max(0, cover)));
        }
      }
      kernels.push(kernel);
    }
  }
  return { size, kernels, radius };
}

/** An opaque picture of one pane in device pixels. */
class Raster {
  constructor(width, height) {
    this.image = new ImageData(width, height);
    this.words = new Uint32Array(this.image.data.buffer);
  }

  clear([r, g, b]) {
    this.words.fill((255 << 24) | (b << 16) | (g << 8) | r);
  }

  /** Paint rows as discs; `look(row)` is a place in the palette, below 0 for a row that is left out. */
  discs(rows, plane, t, disc, palette, look, alpha) {
    const { data, width, height } = this.image;
    const { size, kernels, radius } = disc;
    const weight = Math.round(alpha * 256);
    for (let at = 0; at < rows.length; at++) {
      const row = rows[at];
      const left = t.ox + t.ax * plane.x[row] - radius - 0.5;
      const top = t.oy + t.ay * plane.y[row] - radius - 0.5;
      if (!(left > -size && top > -size && left < width && top < height)) continue;
      const color = look[row];
      if (color < 0) continue;
      const [ix, iy] = [Math.floor(left), Math.floor(top)];
      const kernel = kernels[Math.floor((top - iy) * STEPS) * STEPS + Math.floor((left - ix) * STEPS)];
      const [r, g, b] = [palette[3 * color], palette[3 * color + 1], palette[3 * color + 2]];
      const [xa, xb] = [ix < 0 ? -ix : 0, ix + size > width ? width - ix : size];
      const [ya, yb] = [iy < 0 ? -iy : 0, iy + size > height ? height - iy : size];
      for (let y = ya; y < yb; y++) {
        let from = y * size + xa;
        let to = ((iy + y) * width + ix + xa) * 4;
        for (let x = xa; x < xb; x++, from++, to += 4) {
          const a = (kernel[from] * weight) >> 8;
          if (a === 0) continue;
          data[to] += ((r - data[to]) * a) >> 8;
          data[to + 1] += ((g - data[to + 1]) * a) >> 8;
          data[to + 2] += ((b - data[to + 2]) * a) >> 8;
        }
      }
    }
  }
}

function rgbOf(color) {
  const probe = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
  probe.fillStyle = color;
  probe.fillRect(0, 0, 1, 1);
  return [...probe.getImageData(0, 0, 1, 1).data.slice(0, 3)];
}

function mix(a, b, share) {
  return a.map((value, i) => Math.round(value + (b[i] - value) * share));
}

/** 256 colours of a scale given by a few stops, flat; the last place holds the colour of what was not measured. */
function scalePalette(stops, missing) {
  const palette = new Uint8Array(3 * 257);
  for (let i = 0; i < 256; i++) {
    const place = (i / 255) * (stops.length - 1);
    const first = Math.min(stops.length - 2, Math.floor(place));
    palette.set(mix(stops[first], stops[first + 1], place - first), 3 * i);
  }
  palette.set(missing, 3 * 256);
  return palette;
}

/** Choose which names are written and where: by rank, none over another. */
function placeNames(ctx, candidates, plane, t, pane, taken, limit, textOf) {
  const placed = [];
  const rects = taken.slice();
  let tried = 0;
  for (const row of candidates) {
    if (placed.length >= limit || tried >= 1500) break;
    const [x, y] = [t.ox + t.ax * plane.x[row], t.oy + t.ay * plane.y[row]];
    if (x < pane.x + 4 || x > pane.x + pane.w - 4 || y < pane.y + 30 || y > pane.y + pane.h - 8) continue;
    tried++;
    const text = textOf(row);
    const w = ctx.measureText(text).width + 8;
    const left = Math.min(pane.x + pane.w - w - 2, Math.max(pane.x + 2, x - w / 2));
    const rect = { x: left, y: y - 24, w, h: 18 };
    if (rects.some((r) => rect.x < r.x + r.w && r.x < rect.x + rect.w && rect.y < r.y + r.h && r.y < rect.y + rect.h)) continue;
    rects.push(rect);
    placed.push({ row, text, x: left + w / 2, y: y - 11, px: x, py: y });
  }
  return placed;
}

/** Write a name with an outline in the colour of the ground, so that it can be read over points. */
function writeName(ctx, text, x, y, color, ground) {
  ctx.lineJoin = "round";
  ctx.lineWidth = 3.5;
  ctx.strokeStyle = ground;
  ctx.strokeText(text, x, y);
  ctx.fillStyle = color;
  ctx.fillText(text, x, y);
}

/** Write a title on a plate of the ground's colour, so that no point shows through it. */
function writeTitle(ctx, text, x, y, color, ground) {
  const w = ctx.measureText(text).width;
  ctx.globalAlpha = 0.92;
  ctx.fillStyle = ground;
  ctx.beginPath();
  ctx.roundRect(ctx.textAlign === "right" ? x - w - 6 : x - 6, y - 15, w + 12, 21, 4);
  ctx.fill();
  ctx.globalAlpha = 1;
  ctx.fillStyle = color;
  ctx.fillText(text, x, y);
}

/** Write a name on a plate: the chosen token and the marked ones. */
function writePlate(ctx, text, x, y, pane, ground) {
  const w = ctx.measureText(text).width + 12;
  const left = Math.min(pane.x + pane.w - w - 2, Math.max(pane.x + 2, x - w / 2));
  const top = y - 33 < pane.y + 2 ? y + 12 : y - 33;
  ctx.fillStyle = ground;
  ctx.beginPath();
  ctx.roundRect(left, top, w, 21, 5);
  ctx.fill();
  ctx.fillStyle = "#ffffff";
  ctx.fillText(text, left + w / 2, top + 15);
  return { x: left, y: top, w, h: 21 };
}

function niceStep(span, wanted) {
  const rough = span / Math.max(1, wanted);
  const ten = 10 ** Math.floor(Math.log10(rough));
  return [1, 2, 5, 10].map((f) => f * ten).find((step) => step >= rough);
}
