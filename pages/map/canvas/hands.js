// What mouse, wheel and keys do to a map.

Object.assign(FocusMap.prototype, {
  listen() {
    const top = this.top;
    top.addEventListener("wheel", (event) => this.onWheel(event), { passive: false });
    top.onpointerdown = (event) => this.onDown(event);
    top.onpointermove = (event) => this.onMove(event);
    top.onpointerup = (event) => this.onUp(event);
    top.onpointercancel = () => this.letGo();
    top.onpointerleave = () => this.drag || this.lasso || this.hover(-1);
    top.ondblclick = () => this.fly({ k: 1, cx: 0.5, cy: 0.5 });
    top.onkeydown = (event) => this.onKey(event);
    top.onblur = () => { this.focused = -1; this.card.hide(); this.points && this.paintTop(); };
  },

  place(event) {
    const box = this.top.getBoundingClientRect();
    const [x, y] = [event.clientX - box.left, event.clientY - box.top];
    const pane = this.panes.find((p) => x >= p.x && x <= p.x + p.w && y >= p.y && y <= p.y + p.h);
    return { x, y, pane };
  },

  gridOf(member) {
    if (!this.grids.has(member)) this.grids.set(member, new Grid(this.points.planes[member]));
    return this.grids.get(member);
  },

  /** The row under a place: of those that are shown in full, where anything is filtered. */
  rowAt({ x, y, pane }) {
    if (!pane) return -1;
    const t = transformOf(pane, this.points, this.view);
    return this.gridOf(pane.member).nearest(x, y, t, Math.max(REACH, this.radius() + 3), this.active);
  },

  onWheel(event) {
    if (!this.points) return;
    const at = this.place(event);
    if (!at.pane) return;
    event.preventDefault();
    cancelAnimationFrame(this.flight);
    const lines = event.deltaMode === 1 ? 16 : event.deltaMode === 2 ? 400 : 1;
    this.zoomBy(Math.exp(-Math.max(-240, Math.min(240, event.deltaY * lines)) * 0.0022), at);
  },

  zoomBy(factor, at) {
    if (!this.points) return;
    const pane = at?.pane ?? this.panes[0];
    const [px, py] = at ? [at.x, at.y] : [pane.x + pane.w / 2, pane.y + pane.h / 2];
    const before = transformOf(pane, this.points, this.view);
    const [wx, wy] = [(px - before.ox) / before.ax, (py - before.oy) / before.ay];
    const k = clampView({ ...this.view, k: this.view.k * factor }).k;
    const after = transformOf(pane, this.points, { ...this.view, k });
    const [cx, cy] = [this.view.cx + wx - (px - after.ox) / after.ax, this.view.cy + wy - (py - after.oy) / after.ay];
    this.look_at({ k, cx, cy });
  },

  look_at(view) {
    this.view = clampView(view);
    this.look.place[this.data.key] = { ...this.view };
    this.shared.looks.set(this.data.run, { ...this.look, place: { ...this.look.place } });
    this.later();
  },

  /** Move to another view smoothly; at once where the user wants no motion. */
  fly(to) {
    if (!this.points) return;
    cancelAnimationFrame(this.flight);
    const [from, begin] = [{ ...this.view }, performance.now()];
    const still = matchMedia("(prefers-reduced-motion: reduce)").matches;
    const step = (now) => {
      const share = still ? 1 : Math.min(1, Math.max(0, (now - begin) / FLY_MS));
      const eased = share < 0.5 ? 4 * share ** 3 : 1 - (2 - 2 * share) ** 3 / 2;
      const k = from.k * (to.k / from.k) ** eased;
      const travelled = Math.abs(to.k / from.k - 1) < 1e-3 ? eased : (1 / from.k - 1 / k) / (1 / from.k - 1 / to.k);
      this.look_at({ k, cx: from.cx + (to.cx - from.cx) * travelled, cy: from.cy + (to.cy - from.cy) * travelled });
      if (share < 1) this.flight = requestAnimationFrame(step);
    };
    this.flight = requestAnimationFrame(step);
  },

  /** Bring a token to the middle of what is seen: between its two places, near enough to tell it from others. */
  flyTo(row) {
    const planes = this.points.planes;
    const mean = (axis) => planes.reduce((sum, plane) => sum + plane[axis][row], 0) / planes.length;
    const apart = Math.max(...["x", "y"].map((axis) => Math.abs(planes[0][axis][row] - planes.at(-1)[axis][row])));
    const k = Math.max(1, Math.min(Math.max(5, this.view.k), 0.8 / Math.max(apart, 1e-3)));
    this.fly({ k, cx: mean("x"), cy: mean("y") });
  },

  onDown(event) {
    if (!this.points || event.button !== 0) return;
    const at = this.place(event);
    if (!at.pane) return;
    cancelAnimationFrame(this.flight);
    try { this.top.setPointerCapture(event.pointerId); } catch { /* a pointer that is gone already */ }
    this.top.focus({ preventScroll: true });
    if (event.shiftKey || this.look.mode === "lasso") {
      this.lasso = { pane: at.pane, path: [[at.x, at.y]], add: event.ctrlKey || event.metaKey };
    } else {
      this.drag = { x: at.x, y: at.y, view: { ...this.view }, pane: at.pane, moved: false };
    }
  },

  onMove(event) {
    if (!this.points) return;
    const at = this.place(event);
    this.pointer = at;
    if (this.lasso) {
      const [x, y] = this.lasso.path.at(-1);
      if (Math.hypot(at.x - x, at.y - y) < 3) return;
      this.lasso.path.push([at.x, at.y]);
      this.paintTop();
    } else if (this.drag) {
      const [dx, dy] = [at.x - this.drag.x, at.y - this.drag.y];
      if (!this.drag.moved && Math.hypot(dx, dy) < 5) return;
      this.drag.moved = true;
      this.top.style.cursor = "grabbing";
      this.card.hide();
      const t = transformOf(this.drag.pane, this.points, this.drag.view);
      this.look_at({ ...this.view, cx: this.drag.view.cx - dx / t.ax, cy: this.drag.view.cy - dy / t.ay });
    } else {
      this.hover(this.rowAt(at), at);
    }
  },

  onUp(event) {
    const at = this.place(event);
    const [lasso, drag] = [this.lasso, this.drag];
    this.letGo();
    if (lasso) this.endLasso(lasso);
    else if (drag && !drag.moved) {
      const row = this.rowAt(at);
      if (row >= 0) this.choose(row);
    }
  },

  letGo() {
    [this.lasso, this.drag] = [null, null];
    this.top.style.cursor = this.look.mode === "lasso" ? "crosshair" : "grab";
    if (this.points) this.paintTop();
  },

  endLasso({ pane, path, add }) {
    if (path.length < 3) return this.select([], true);
    const t = transformOf(pane, this.points, this.view);
    const world = path.flatMap(([x, y]) => [(x - t.ox) / t.ax, (y - t.oy) / t.ay]);
    let rows = this.gridOf(pane.member).inside(world).filter((row) => !this.passing || this.passing[row]);
    if (add && this.selected) rows = [...new Set([...this.selected, ...rows])];
    this.select(rows, true);
  },

  /** Select rows; the server is sent the most frequent ones where there are very many. */
  select(rows, tell) {
    if (!this.points) return;
    this.selected = rows.length ? Uint32Array.from(rows) : null;
    const { frequency, ids } = this.points;
    const sent = rows.length > MAX_SENT
      ? Array.from(rows).sort((a, b) => frequency[b] - frequency[a] || a - b).slice(0, MAX_SENT) : Array.from(rows);
    if (tell) this.report("selection", { ids: sent.map((row) => ids[row]), total: rows.length });
    this.say(rows.length ? `${count(rows.length)} tokens selected` : "Nothing selected");
    this.filter();
    this.furnish();
    this.paint();
  },

  brushTo(range, done) {
    const was = this.brush;
    this.brush = range;
    if (done && (range || was)) {
      this.report("brush", { range });
      this.say(range ? `Neighbour overlap from ${range[0].toFixed(2)} to ${range[1].toFixed(2)}` : "Any neighbour overlap");
    }
    this.filter();
    if (this.points) this.furnishTrails();
    this.later();
  },

  choose(row) {
    this.chosen = row;
    this.report("token", { id: this.points.ids[row] });
    this.say(`Chosen: ${this.points.shown[row]}`);
    this.furnish();
    this.paint();
  },

  hover(row, at) {
    const changed = row !== this.hovered;
    this.hovered = row;
    if (row >= 0) {
      this.card.show(this.factsOf(row), at.x, at.y, this.width, this.height);
      this.top.style.cursor = this.look.mode === "lasso" ? "crosshair" : "pointer";
    } else if (this.focused < 0) {
      this.card.hide();
      this.top.style.cursor = this.look.mode === "lasso" ? "crosshair" : "grab";
    }
    if (!changed || !this.points) return;
    this.paintTop();
    if (!this.keptBox.hidden) this.histogram.draw(this.active, row);
  },

  factsOf(row) {
    const { points, data } = this;
    const facts = [`${points.shown[row]}`, `#${points.ids[row]} · ${data.categories[points.category[row]].label}`];
    if (points.kept[row] === points.kept[row]) {
      facts.push(`${data.keptName} ${points.kept[row].toFixed(2)} · cosine ${points.cosine[row].toFixed(2)}`);
    }
    if (data.counted) facts.push(`${count(points.frequency[row])} × in the corpus`);
    if (points.axes) facts.push(...this.axisFacts(row));
    return facts;
  },

  axisFacts(row) {
    const { points } = this;
    const [x0, y0, x1, y1] = points.box;
    const at = (plane) => [x0 + plane.x[row] * (x1 - x0), y0 + (1 - plane.y[row]) * (y1 - y0)].map((v) => v.toFixed(2)).join(" | ");
    return points.members.map((title, m) => `${title}: ${at(points.planes[m])}`);
  },

  say(text) {
    this.live.textContent = text;
  },

  onKey(event) {
    if (!this.points) return;
    const step = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[event.key];
    if (step) this.step(step);
    else if (event.key === "Enter" && this.focused >= 0) this.choose(this.focused);
    else if (event.key === " " && this.focused >= 0) this.toggle(this.focused);
    else if (event.key === "Escape") this.escape();
    else if (event.key === "+" || event.key === "=") this.zoomBy(1.4);
    else if (event.key === "-") this.zoomBy(1 / 1.4);
    else if (event.key === "0") this.fly({ k: 1, cx: 0.5, cy: 0.5 });
    else return;
    event.preventDefault();
    event.stopPropagation();
  },

  escape() {
    [this.focused, this.lasso] = [-1, null];
    this.card.hide();
    if (this.selected) this.select([], true);
    if (this.brush) this.brushTo(null, true);
    this.paintTop();
  },

  toggle(row) {
    const rows = new Set(this.selected ?? []);
    if (!rows.delete(row)) rows.add(row);
    this.select([...rows], true);
  },

  /** Go to the nearest point in a direction from the one that has the focus. */
  step([sx, sy]) {
    const pane = this.panes[0];
    const t = transformOf(pane, this.points, this.view);
    const plane = this.points.planes[pane.member];
    const start = this.focused >= 0 ? this.focused : this.chosen;
    const from = start >= 0
      ? [t.ox + t.ax * plane.x[start], t.oy + t.ay * plane.y[start]] : [pane.x + pane.w / 2, pane.y + pane.h / 2];
    let [best, found] = [Infinity, -1];
    for (let row = 0; row < this.points.n; row++) {
      if (row === start || (this.active && !this.active[row])) continue;
      const [dx, dy] = [t.ox + t.ax * plane.x[row] - from[0], t.oy + t.ay * plane.y[row] - from[1]];
      const ahead = dx * sx + dy * sy;
      const aside = Math.abs(dx * sy - dy * sx);
      if (start >= 0 && (ahead <= 0.5 || aside > ahead)) continue;
      const far = ahead + 2 * aside;
      const d = start >= 0 ? far : Math.hypot(dx, dy);
      if (d < best) [best, found] = [d, row];
    }
    if (found < 0) return;
    this.focused = found;
    this.bringIn(found, pane);
    this.paintTop();
    const { x, y } = this.placesOf(found)[0];
    const facts = this.factsOf(found);
    this.card.show(facts, x, y, this.width, this.height);
    this.say(facts.join(", "));
  },

  /** Move the view where a row lies outside of what is seen. */
  bringIn(row, pane) {
    const { x, y } = this.placesOf(row)[0];
    if (x > pane.x + 10 && x < pane.x + pane.w - 10 && y > pane.y + 10 && y < pane.y + pane.h - 10) return;
    const plane = this.points.planes[pane.member];
    this.look_at({ k: this.view.k, cx: plane.x[row], cy: plane.y[row] });
  },
});

const maps = new WeakMap();

export default function (component) {
  const parent = component.parentElement;
  if (!maps.has(parent)) maps.set(parent, new FocusMap(parent.querySelector(".focus-map")));
  maps.get(parent).update(component);
  return () => {
    maps.get(parent)?.destroy();
    maps.delete(parent);
  };
}
