// The distribution of neighbours kept, which can be brushed: a range of it fades every other point at once.

const MANY_VALUES = 40;

/** Bars of a measure from 0 to 1: one a value where there are few, else 24 of equal width. */
function barsOf(values) {
  const distinct = [...new Set(values)].filter((v) => v === v).sort((a, b) => a - b);
  let edges = Array.from({ length: 25 }, (_, i) => i / 24);
  if (distinct.length && distinct.length <= MANY_VALUES) {
    edges = [0, ...distinct.slice(1).map((v, i) => (v + distinct[i]) / 2), 1.0001];
  }
  const barAt = (v) => {
    let [low, high] = [0, edges.length - 2];
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if (edges[middle] <= v) low = middle; else high = middle - 1;
    }
    return low;
  };
  const bar = Int16Array.from(values, (v) => (v === v ? barAt(v) : -1));
  const counts = new Uint32Array(edges.length - 1);
  for (const b of bar) if (b >= 0) counts[b]++;
  return { edges, bar, barAt, counts };
}

class Histogram {
  /** `owner` has points, theme, brush and active rows; it is told of a new brush while it is drawn and at its end. */
  constructor(owner, element) {
    this.owner = owner;
    this.canvas = element;
    this.canvas.tabIndex = 0;
    this.canvas.setAttribute("role", "slider");
    this.canvas.setAttribute("aria-valuemin", "0");
    this.canvas.setAttribute("aria-valuemax", "1");
    this.from = null;
    element.onpointerdown = (event) => {
      if (event.button !== 0) return;
      element.setPointerCapture(event.pointerId);
      this.from = this.valueAt(event);
      this.moved = false;
    };
    element.onpointermove = (event) => {
      if (this.from === null) return;
      const to = this.valueAt(event);
      if (Math.abs(to - this.from) * this.width < 4 && !this.moved) return;
      this.moved = true;
      this.owner.brushTo(this.snap(Math.min(this.from, to), Math.max(this.from, to)), false);
    };
    element.onpointerup = () => {
      if (this.from === null) return;
      this.from = null;
      this.owner.brushTo(this.moved ? this.owner.brush : null, true);
    };
    element.ondblclick = () => this.owner.brushTo(null, true);
    element.onkeydown = (event) => this.key(event);
  }

  valueAt(event) {
    const box = this.canvas.getBoundingClientRect();
    return Math.min(1, Math.max(0, (event.clientX - box.left - 8) / (box.width - 16)));
  }

  /** Every bar that a stretch touches, whole, from 0 or to 1 where it is the first or the last. */
  snap(from, to) {
    const { edges, barAt } = this.bars;
    const slack = 2 / this.width; // pixels over an edge that do not yet touch the next bar
    const low = barAt(from + slack);
    const high = Math.max(low, barAt(to - slack));
    return [edges[low], Math.min(1, edges[high + 1])];
  }

  /** Arrows move the upper end by a twentieth, with shift the lower one; escape takes the brush away. */
  key(event) {
    if (event.key === "Escape") {
      this.owner.brushTo(null, true);
    } else if (event.key === "ArrowLeft" || event.key === "ArrowRight") {
      const step = event.key === "ArrowLeft" ? -0.05 : 0.05;
      let [low, high] = this.owner.brush ?? [0, event.key === "ArrowLeft" ? 1 : 0];
      if (event.shiftKey) low = Math.min(high, Math.max(0, low + step)); else high = Math.max(low, Math.min(1, high + step));
      this.owner.brushTo([Math.round(low * 100) / 100, Math.round(high * 100) / 100], true);
    } else return;
    event.preventDefault();
    event.stopPropagation();
  }

  setPoints(points) {
    this.bars = barsOf(points.kept);
  }

  draw(active, hovered) {
    const { theme, brush, points } = this.owner;
    const ratio = window.devicePixelRatio || 1;
    const [w, h] = [this.canvas.clientWidth, this.canvas.clientHeight];
    if (!w) return;
    this.width = w - 16;
    if (this.canvas.width !== Math.round(w * ratio)) this.canvas.width = Math.round(w * ratio);
    if (this.canvas.height !== Math.round(h * ratio)) this.canvas.height = Math.round(h * ratio);
    const ctx = this.canvas.getContext("2d");
    ctx.setTransform(ratio, 0, 0, ratio, 0, 0);
    ctx.clearRect(0, 0, w, h);
    const { edges, bar, counts } = this.bars;
    const shown = new Uint32Array(counts.length);
    if (active) for (let row = 0; row < bar.length; row++) { if (active[row] && bar[row] >= 0) shown[bar[row]]++; }
    const top = Math.max(1, ...counts);
    const place = (v) => 8 + Math.min(1, v) * this.width;
    const floor = h - 18;
    counts.forEach((count, i) => {
      const [x0, x1] = [place(edges[i]), place(edges[i + 1])];
      const color = theme.scale((Math.min(1, edges[i + 1]) + edges[i]) / 2);
      const bars = [[count, active ? 0.28 : 1], ...(active ? [[shown[i], 1]] : [])];
      for (const [size, alpha] of bars) {
        const high = size ? Math.max(1, ((floor - 6) * size) / top) : 0;
        ctx.globalAlpha = alpha;
        ctx.fillStyle = color;
        ctx.fillRect(x0 + 0.5, floor - high, Math.max(1, x1 - x0 - 1), high);
      }
    });
    ctx.globalAlpha = 1;
    this.drawFrame(ctx, place, floor, w, h);
    if (hovered >= 0 && points.kept[hovered] === points.kept[hovered]) {
      ctx.fillStyle = theme.mark;
      ctx.fillRect(place(points.kept[hovered]) - 1, 2, 2, floor - 2);
    }
    const words = brush ? `${brush[0].toFixed(2)} to ${brush[1].toFixed(2)}` : "all";
    this.canvas.setAttribute("aria-valuenow", String(brush ? brush[1] : 1));
    this.canvas.setAttribute("aria-valuetext", words);
  }

  drawFrame(ctx, place, floor, w, h) {
    const { theme, brush } = this.owner;
    ctx.fillStyle = theme.line;
    ctx.fillRect(8, floor, this.width, 1);
    ctx.fillStyle = theme.faint;
    ctx.font = theme.font(11);
    for (const v of [0, 0.25, 0.5, 0.75, 1]) {
      ctx.textAlign = v === 0 ? "left" : v === 1 ? "right" : "center";
      ctx.fillText(v === 0 ? "0 all exchanged" : v === 1 ? "all kept 1" : String(v), place(v), h - 4);
    }
    if (!brush) return;
    ctx.fillStyle = theme.text;
    ctx.globalAlpha = 0.1;
    ctx.fillRect(place(brush[0]), 1, Math.max(2, place(brush[1]) - place(brush[0])), floor - 1);
    ctx.globalAlpha = 0.8;
    for (const v of brush) ctx.fillRect(place(v) - 1, 1, 2, floor - 1);
    ctx.globalAlpha = 1;
  }
}
