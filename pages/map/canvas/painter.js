// What a map paints: points, names, axes, trails, what follows the mouse.
//
// The map itself (`canvas.js`) builds on this; nothing here changes what is shown, chosen or selected.

const SLOW_MS = 24;

/** A way from where a token began, thin, to where it ended. */
function comet(ctx, [x0, y0, x1, y1], width) {
  const length = Math.hypot(x1 - x0, y1 - y0);
  if (!(length > 1)) return;
  const [nx, ny] = [((y0 - y1) / length) * width, ((x1 - x0) / length) * width];
  ctx.beginPath();
  ctx.moveTo(x0, y0);
  ctx.lineTo(x1 + nx, y1 + ny);
  ctx.lineTo(x1 - nx, y1 - ny);
  ctx.closePath();
  ctx.fill();
}

class MapPainter {
  later() {
    this.frame ||= requestAnimationFrame(() => {
      this.frame = 0;
      if (this.points) this.paint(true);
    });
  }

  /** Paint everything; while moving, where that takes long, a shifted copy of the last picture stands in. */
  paint(moving = false) {
    clearTimeout(this.crisp);
    if (moving && this.took > SLOW_MS && this.painted) {
      this.paintCopy();
      this.crisp = setTimeout(() => this.points && this.paint(), 90);
    } else {
      const begin = performance.now();
      this.paintPoints();
      this.took = performance.now() - begin;
    }
    this.paintNames();
    this.paintTop();
  }

  paintPoints() {
    const ctx = this.base.getContext("2d");
    ctx.setTransform(1, 0, 0, 1, 0, 0);
    ctx.clearRect(0, 0, this.base.width, this.base.height);
    const disc = discKernels(this.radius() * this.ratio);
    const palette = this.look.color === "origin" ? this.theme.categoryPalette : this.theme.palette;
    this.panes.forEach((pane, i) => {
      const raster = this.rasters[i];
      const t = this.inDevice(pane);
      const planes = this.points.planes;
      if (this.isOverlay() || this.points.axes) this.paintGround(raster, pane);
      else raster.clear(this.theme.panelRgb);
      if (this.isOverlay()) this.discs(raster, planes[0], t, disc, this.theme.neutralRgb, null, 0.22 * this.alpha());
      this.discs(raster, planes[pane.member], t, disc, palette, this.shade, this.alpha());
      ctx.putImageData(raster.image, Math.round(pane.x * this.ratio), Math.round(pane.y * this.ratio));
    });
    this.painted = { ...this.view };
    this.copy = null;
  }

  /** Paint one member: what is not active first and faint, then what is. */
  discs(raster, plane, t, disc, palette, shade, alpha) {
    const { order, active } = this;
    const one = this.blank ??= new Int16Array(0);
    const flat = one.length === order.length ? one : (this.blank = new Int16Array(order.length));
    if (!active) return raster.discs(order, plane, t, disc, palette, shade ?? flat, alpha);
    const [off, on] = [new Int16Array(order.length), new Int16Array(order.length)];
    for (let row = 0; row < off.length; row++) {
      off[row] = active[row] ? -1 : 0;
      on[row] = active[row] ? (shade ? shade[row] : 0) : -1;
    }
    raster.discs(order, plane, t, disc, this.theme.fadedRgb, off, shade ? 0.16 : 0.06);
    raster.discs(order, plane, t, disc, palette, on, shade ? Math.min(0.95, alpha + 0.2) : alpha);
  }

  inDevice(pane) {
    const t = transformOf(pane, this.points, this.view);
    const r = this.ratio;
    return { ax: t.ax * r, ay: t.ay * r, ox: (t.ox - pane.x) * r, oy: (t.oy - pane.y) * r };
  }

  paintCopy() {
    if (!this.copy) {
      this.copy = document.createElement("canvas");
      [this.copy.width, this.copy.height] = [this.base.width, this.base.height];
      this.copy.getContext("2d").drawImage(this.base, 0, 0);
    }
    const ctx = this.base.getContext("2d");
    ctx.setTransform(this.ratio, 0, 0, this.ratio, 0, 0);
    for (const pane of this.panes) {
      const [was, is] = [transformOf(pane, this.points, this.painted), transformOf(pane, this.points, this.view)];
      const s = is.ax / was.ax;
      ctx.save();
      ctx.beginPath();
      ctx.rect(pane.x, pane.y, pane.w, pane.h);
      ctx.clip();
      ctx.fillStyle = this.theme.panel;
      ctx.fillRect(pane.x, pane.y, pane.w, pane.h);
      const r = this.ratio;
      ctx.drawImage(this.copy, pane.x * r, pane.y * r, pane.w * r, pane.h * r,
        is.ox + (pane.x - was.ox) * s, is.oy + (pane.y - was.oy) * s, pane.w * s, pane.h * s);
      ctx.restore();
    }
  }

  begin(canvas) {
    const ctx = canvas.getContext("2d");
    ctx.setTransform(this.ratio, 0, 0, this.ratio, 0, 0);
    ctx.clearRect(0, 0, this.width, this.height);
    ctx.direction = "ltr";
    return ctx;
  }

  inside(ctx, pane, draw) {
    ctx.save();
    ctx.beginPath();
    ctx.roundRect(pane.x, pane.y, pane.w, pane.h, 6);
    ctx.clip();
    draw();
    ctx.restore();
  }

  /** The ways of tokens on an overlay, each as x0, y0, x1, y1 on the stage. */
  trails(pane) {
    const { points, active, look } = this;
    const threshold = (look.threshold ?? this.data.threshold) + 0.003;
    const t = transformOf(pane, points, this.view);
    const [a, b] = points.planes;
    const lines = [];
    for (let row = 0; row < points.n; row++) {
      if (points.kept[row] <= threshold && (!active || active[row])) {
        lines.push([t.ox + t.ax * a.x[row], t.oy + t.ay * a.y[row], t.ox + t.ax * b.x[row], t.oy + t.ay * b.y[row]]);
      }
    }
    return lines;
  }

  paintNames() {
    const ctx = this.begin(this.names);
    this.written = [];
    for (const pane of this.panes) {
      this.inside(ctx, pane, () => {
        if (this.isOverlay() && this.chosen >= 0) {
          const [a, b] = this.placesOf(this.chosen);
          ctx.fillStyle = this.theme.mark;
          comet(ctx, [a.x, a.y, b.x, b.y], 2.4);
        }
        if (this.points.axes) this.paintAxes(ctx, pane);
        this.paintPane(ctx, pane);
      });
      ctx.strokeStyle = this.theme.line;
      ctx.lineWidth = 1;
      ctx.beginPath();
      ctx.roundRect(pane.x + 0.5, pane.y + 0.5, pane.w - 1, pane.h - 1, 6);
      ctx.stroke();
    }
    if (!this.keptBox.hidden) this.histogram.draw(this.active, this.hovered);
  }

  /** Begin a pane's picture with what no point may be covered by: the lines of a scale, the ways of tokens. */
  paintGround(raster, pane) {
    const { width, height } = raster.image;
    const canvas = this.below ??= document.createElement("canvas");
    [canvas.width, canvas.height] = [width, height];
    const ctx = canvas.getContext("2d", { willReadFrequently: true });
    ctx.fillStyle = this.theme.panel;
    ctx.fillRect(0, 0, width, height);
    ctx.setTransform(this.ratio, 0, 0, this.ratio, -pane.x * this.ratio, -pane.y * this.ratio);
    if (this.points.axes) {
      ctx.fillStyle = this.theme.line;
      for (const { v, at, upright } of this.ticks(pane)) {
        ctx.globalAlpha = Math.abs(v) < 1e-9 ? 1 : 0.5;
        if (upright) ctx.fillRect(at, pane.y, 1, pane.h); else ctx.fillRect(pane.x, at, pane.w, 1);
      }
    }
    if (this.isOverlay()) {
      const lines = this.trails(pane);
      ctx.fillStyle = this.theme.way;
      ctx.globalAlpha = Math.max(0.16, Math.min(0.6, 9 / Math.sqrt(lines.length + 1)));
      for (const line of lines) comet(ctx, line, 1.3);
    }
    raster.image.data.set(ctx.getImageData(0, 0, width, height).data);
  }

  /** Round values on both axes of a pane and where they stand on the stage. */
  ticks(pane) {
    const t = transformOf(pane, this.points, this.view);
    const [x0, y0, x1, y1] = this.points.box;
    const round = (from, to, wanted) => {
      const step = niceStep(to - from, wanted);
      const first = Math.ceil(from / step);
      return Array.from({ length: Math.max(0, Math.floor(to / step) - first + 1) }, (_, i) => (first + i) * step);
    };
    const fromX = (px) => x0 + ((px - t.ox) / t.ax) * (x1 - x0);
    const fromY = (py) => y0 + (1 - (py - t.oy) / t.ay) * (y1 - y0);
    const along = round(fromX(pane.x + 34), fromX(pane.x + pane.w - 14), pane.w / 90);
    const up = round(fromY(pane.y + pane.h - 36), fromY(pane.y + 54), pane.h / 70);
    return [
      ...along.map((v) => ({ v, upright: true, at: t.ox + (t.ax * (v - x0)) / (x1 - x0) })),
      ...up.map((v) => ({ v, upright: false, at: t.oy + t.ay * (1 - (v - y0) / (y1 - y0)) })),
    ];
  }

  paintAxes(ctx, pane) {
    const { points, theme } = this;
    ctx.font = theme.font(11);
    for (const { v, at, upright } of this.ticks(pane)) {
      ctx.textAlign = upright ? "center" : "left";
      const [x, y] = upright ? [at, pane.y + pane.h - 22] : [pane.x + 5, at - 3];
      writeName(ctx, String(Number(v.toFixed(6))), x, y, theme.faint, theme.panel);
    }
    ctx.font = theme.font(12, 600);
    ctx.textAlign = "right";
    writeTitle(ctx, `${points.axes[0]} →`, pane.x + pane.w - 8, pane.y + pane.h - 7, theme.text, theme.panel);
    ctx.textAlign = "left";
    writeTitle(ctx, `↑ ${points.axes[1]}`, pane.x + 10, pane.y + 42, theme.text, theme.panel);
  }

  paintPane(ctx, pane) {
    const { points, theme, chosen, active } = this;
    const t = transformOf(pane, points, this.view);
    const plane = points.planes[pane.member];
    const text = (row) => (points.shown[row].length > 24 ? `${points.shown[row].slice(0, 23)}…` : points.shown[row]);
    ctx.font = theme.font(13, 600);
    ctx.textAlign = "left";
    const taken = [{ x: pane.x, y: pane.y, w: ctx.measureText(this.titleOf(pane)).width + 20, h: 28 }];
    ctx.textAlign = "center";
    const near = this.paintNear(ctx, pane, t, plane);
    const strong = [...new Set([chosen, ...this.marked])].filter((row) => row >= 0);
    for (const row of strong) {
      const [x, y] = [t.ox + t.ax * plane.x[row], t.oy + t.ay * plane.y[row]];
      ctx.strokeStyle = theme.mark;
      ctx.lineWidth = row === chosen ? 3 : 2;
      ctx.beginPath();
      ctx.arc(x, y, row === chosen ? 8 : 6, 0, 2 * Math.PI);
      ctx.stroke();
      if (x < pane.x || x > pane.x + pane.w || y < pane.y || y > pane.y + pane.h) continue;
      ctx.font = theme.font(row === chosen ? 13 : 12, 600);
      taken.push(writePlate(ctx, text(row), x, y, pane, theme.plate));
      this.written.push({ pane, row, text: text(row), x, y: y - 18, strong: true });
    }
    ctx.font = theme.font(12, 500);
    const rank = Math.max(0, Math.floor(1.2 * Math.log2(this.view.k)));
    const names = active
      ? this.firstActive()
      : points.landmarks.filter((row) => points.level[row] <= rank + 1);
    const limit = Math.round((pane.w * pane.h) / 9_000);
    for (const name of placeNames(ctx, near.concat(names), plane, t, pane, taken, limit + near.length, text)) {
      writeName(ctx, name.text, name.x, name.y, theme.text, theme.panel);
      this.written.push({ pane, ...name });
    }
    ctx.font = theme.font(13, 600);
    ctx.textAlign = "left";
    writeTitle(ctx, this.titleOf(pane), pane.x + 10, pane.y + 20, theme.text, theme.panel);
  }

  /** Lines from the chosen token to its nearest in the original space: whole where they are so in both states. */
  paintNear(ctx, pane, t, plane) {
    const { near } = this.data;
    const { points, theme, chosen } = this;
    if (!near || chosen < 0 || points.ids[chosen] !== near.id) return [];
    const kept = new Set(near.kept);
    const rows = near.members[this.isOverlay() ? 1 : pane.member]
      .map((id) => points.rowOf.get(id)).filter((row) => row !== undefined && row !== chosen);
    const [x, y] = [t.ox + t.ax * plane.x[chosen], t.oy + t.ay * plane.y[chosen]];
    ctx.strokeStyle = theme.mark;
    for (const row of rows) {
      const both = kept.has(points.ids[row]);
      const [px, py] = [t.ox + t.ax * plane.x[row], t.oy + t.ay * plane.y[row]];
      ctx.globalAlpha = both ? 0.85 : 0.5;
      ctx.lineWidth = both ? 1.6 : 1.2;
      ctx.setLineDash(both ? [] : [3, 4]);
      ctx.beginPath();
      ctx.moveTo(x, y);
      ctx.lineTo(px, py);
      ctx.stroke();
      ctx.setLineDash([]);
      ctx.beginPath();
      ctx.arc(px, py, this.radius() + 1.5, 0, 2 * Math.PI);
      ctx.stroke();
    }
    ctx.globalAlpha = 1;
    return rows;
  }

  /** Names to write while some rows are active: landmarks among them, then their most frequent ones. */
  firstActive() {
    const { points, active } = this;
    const found = points.landmarks.filter((row) => active[row]);
    if (found.length >= 40 || !this.selected) return found;
    const more = Array.from(this.selected).filter((row) => active[row] && points.level[row] === 255);
    return found.concat(more.sort((a, b) => points.frequency[b] - points.frequency[a]).slice(0, 40));
  }

  /** What follows the mouse: a ring in every pane, a line between them, the lasso. */
  paintTop() {
    const ctx = this.begin(this.top);
    const { points, theme } = this;
    const row = this.hovered >= 0 ? this.hovered : this.focused;
    if (this.lasso) this.paintLasso(ctx);
    if (row < 0) return;
    const places = this.placesOf(row);
    ctx.strokeStyle = theme.text;
    if (places.length > 1) {
      ctx.globalAlpha = 0.45;
      ctx.setLineDash(this.isOverlay() ? [] : [4, 4]);
      ctx.lineWidth = this.isOverlay() ? 2 : 1;
      ctx.beginPath();
      ctx.moveTo(places[0].x, places[0].y);
      ctx.lineTo(places[1].x, places[1].y);
      ctx.stroke();
      ctx.setLineDash([]);
      ctx.globalAlpha = 1;
    }
    for (const { x, y, pane } of places) {
      this.inside(ctx, pane, () => {
        ctx.fillStyle = this.colorOf(row);
        ctx.lineWidth = 2;
        ctx.beginPath();
        ctx.arc(x, y, this.radius() + 3, 0, 2 * Math.PI);
        ctx.fill();
        ctx.strokeStyle = theme.ground;
        ctx.stroke();
        ctx.strokeStyle = theme.text;
        ctx.beginPath();
        ctx.arc(x, y, this.radius() + 5, 0, 2 * Math.PI);
        ctx.stroke();
        if (row === this.chosen) return;
        ctx.font = theme.font(12, 600);
        ctx.textAlign = "center";
        const name = points.shown[row];
        if (pane !== this.pointer?.pane) writeName(ctx, name.length > 24 ? `${name.slice(0, 23)}…` : name, x, y - 14, theme.text, theme.ground);
      });
    }
  }

  paintLasso(ctx) {
    ctx.beginPath();
    this.lasso.path.forEach(([x, y], i) => (i ? ctx.lineTo(x, y) : ctx.moveTo(x, y)));
    ctx.closePath();
    ctx.fillStyle = this.theme.text;
    ctx.globalAlpha = 0.07;
    ctx.fill();
    ctx.globalAlpha = 1;
    ctx.strokeStyle = this.theme.mark;
    ctx.lineWidth = 1.5;
    ctx.setLineDash([5, 4]);
    ctx.stroke();
    ctx.setLineDash([]);
  }

  /** Where a row lies on the stage: once a pane; on an overlay in both states. */
  placesOf(row) {
    const at = (pane, member) => {
      const t = transformOf(pane, this.points, this.view);
      const plane = this.points.planes[member];
      return { x: t.ox + t.ax * plane.x[row], y: t.oy + t.ay * plane.y[row], pane };
    };
    if (this.isOverlay()) return [0, 1].map((member) => at(this.panes[0], member));
    return this.panes.map((pane) => at(pane, pane.member));
  }
}
