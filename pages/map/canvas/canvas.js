// The map itself: panes of one layout that are hovered, moved, lassoed and read together.
//
// Three layers: points (painted again only when view, colour or filter change), names, and what follows the mouse.
// The server is told of a chosen token, a selection and a brush, each with a number that grows, so that an answer that
// is already old never undoes what was done since.

const HINT = "Scroll to zoom, drag to move, shift-drag to select, double-click to see all; arrow keys step from point " +
  "to point, Enter chooses, Space selects, Escape clears.";
const MAX_SENT = 5000;
const FLY_MS = 700;
const REACH = 11;

function count(number) {
  return String(number).replace(/\B(?=(\d{3})+$)/g, ",");
}

class FocusMap extends MapPainter {
  constructor(root) {
    super();
    this.root = root;
    this.shared = globalThis.focusLabMap ??= { points: new Map(), waiting: new Set(), looks: new Map() };
    this.look = { color: "origin", view: "panes", mode: "move", threshold: null, hidden: [], place: {} };
    this.at = { token: 0, selection: 0, brush: 0 };
    [this.chosen, this.selected, this.brush, this.hovered, this.focused] = [-1, null, null, -1, -1];
    [this.written, this.panes, this.grids, this.frame] = [[], [], new Map(), 0];
    this.build();
    this.listen();
    this.tell = () => this.ready();
    this.shared.waiting.add(this.tell);
    this.watch = new ResizeObserver(() => this.resize());
    this.watch.observe(this.stage);
  }

  destroy() {
    this.shared.waiting.delete(this.tell);
    this.watch.disconnect();
    cancelAnimationFrame(this.frame);
    cancelAnimationFrame(this.flight);
    clearTimeout(this.crisp);
    this.root.replaceChildren();
  }

  // --- what it is made of

  build() {
    this.colors = new Choice("Colour", [["origin", "origin"], ["kept", "neighbour overlap"], ["cosine", "cosine"]], (v) => this.set({ color: v }));
    this.views = new Choice("Members", [["panes", "side by side"], ["overlay", "one over the other"]], (v) => this.set({ view: v }));
    this.modes = new Choice("Drag", [["move", "move"], ["lasso", "lasso"]], (v) => this.set({ mode: v }));
    this.slider = element("input");
    Object.assign(this.slider, { type: "range", min: "0", max: "100", step: "1" });
    this.slider.setAttribute("aria-label", "Trails of tokens whose neighbour overlap is at most");
    this.slider.oninput = () => this.set({ threshold: Number(this.slider.value) / 100 });
    this.trailWords = element("span", "words");
    this.trailBox = element("label", "trails");
    this.trailBox.append(this.slider, this.trailWords);
    const zoom = element("div", "choice");
    zoom.append(
      button("−", "Zoom out", () => this.zoomBy(1 / 1.6)), button("+", "Zoom in", () => this.zoomBy(1.6)),
      button("see all", "See the whole map", () => this.fly({ k: 1, cx: 0.5, cy: 0.5 })),
    );
    const files = element("div", "choice");
    files.append(button("PNG", "Save the picture as PNG", () => savePng(this)), button("SVG", "Save the picture as SVG", () => saveSvg(this)));
    this.bar = element("div", "bar");
    this.bar.append(this.colors.root, this.views.root, element("span", "push"), this.modes.root, zoom, files);
    this.legend = element("div", "legend");
    this.key = element("div", "key");
    this.key.append(this.legend, element("span", "push"), this.trailBox);
    this.stage = element("div", "stage");
    [this.base, this.names, this.top] = ["base", "names", "top"].map((name) => element("canvas", name));
    this.top.tabIndex = 0;
    this.top.setAttribute("role", "application");
    this.top.setAttribute("aria-roledescription", "map");
    this.card = new Card();
    this.chip = button("", "Clear the selection", () => this.select([], true));
    this.chip.className = "chip";
    this.wait = element("div", "wait", "Drawing the map");
    this.stage.append(this.base, this.names, this.top, this.card.root, this.chip, this.wait);
    this.live = element("div", "live");
    this.live.setAttribute("aria-live", "polite");
    this.keptBox = element("div", "kept");
    this.keptTitle = element("div", "title");
    const bars = element("canvas", "bars");
    this.keptBox.append(this.keptTitle, bars);
    this.histogram = new Histogram(this, bars);
    this.root.replaceChildren(this.bar, this.key, this.stage, this.live, element("div", "hint", HINT), this.keptBox);
    this.stage.focusMap = this; // so that a test can ask where a token lies
  }

  // --- what comes from the server

  update({ data, setStateValue }) {
    if (!data || !data.digest) return;
    const first = !this.data;
    const another = first || this.data.digest !== data.digest;
    [this.data, this.send] = [data, setStateValue];
    const kept = this.shared.looks.get(data.run);
    if (first && kept) Object.assign(this.look, kept);
    this.theme = themeOf(this.root, data);
    this.root.style.colorScheme = this.theme.dark ? "dark" : "light";
    if (another) [this.points, this.hovered, this.focused] = [null, -1, -1];
    this.ready(first);
  }

  ready(first = false) {
    const points = this.data && this.shared.points.get(this.data.digest);
    this.wait.hidden = Boolean(points);
    if (!points) return;
    const fresh = this.points !== points;
    if (fresh) this.take(points);
    this.adopt(first || fresh);
    this.filter();
    this.resize();
  }

  take(points) {
    this.points = points;
    this.grids = new Map();
    this.histogram.setPoints(points);
    this.measured = points.kept.some((v) => v === v);
    const cosines = points.cosine.filter((v) => v === v).sort();
    this.lowest = cosines.length ? Math.min(0.9, Math.floor(10 * cosines[Math.floor(cosines.length / 100)]) / 10) : 0;
    this.sizes = this.data.categories.map(() => 0);
    for (const c of points.category) this.sizes[c]++;
    const was = this.look.place[this.data.key];
    this.view = was ? { ...was } : { k: 1, cx: 0.5, cy: 0.5 };
    if (!this.measured && this.look.color !== "origin") this.look.color = "origin";
    this.ordered = null;
  }

  /** Take over what the server says, where it is not older than what was done here. */
  adopt(first) {
    const { token, selection, brush } = this.data;
    if (token.at >= this.at.token) {
      const row = this.points.rowOf.get(token.id) ?? -1;
      const elsewhere = !first && token.at === this.at.token && row >= 0 && row !== this.chosen;
      [this.at.token, this.chosen] = [token.at, row];
      if (elsewhere) this.flyTo(row);
    }
    if (first || selection.at > this.at.selection) {
      this.at.selection = selection.at;
      const rows = selection.ids.map((id) => this.points.rowOf.get(id)).filter((row) => row !== undefined);
      this.selected = rows.length ? Uint32Array.from(rows) : null;
    }
    if (first || brush.at > this.at.brush) [this.at.brush, this.brush] = [brush.at, this.measured ? brush.range : null];
    this.marked = this.data.marked.map((id) => this.points.rowOf.get(id)).filter((row) => row !== undefined);
  }

  report(name, value) {
    this.at[name] = Math.max(Date.now(), this.at[name] + 1);
    this.send?.(name, { ...value, at: this.at[name] });
  }

  // --- what is shown

  set(change) {
    Object.assign(this.look, change);
    if (change.color || change.hidden) this.ordered = null;
    this.filter();
    this.resize();
  }

  isOverlay() {
    return this.look.view === "overlay" && this.points.members.length > 1;
  }

  titleOf(pane) {
    const titles = this.points.members;
    return this.isOverlay() ? `${titles[0]} (grey) and ${titles[1]} (coloured)` : titles[pane.member];
  }

  alt() {
    const chosen = this.chosen >= 0 ? `; chosen: ${this.points.shown[this.chosen]}` : "";
    const selected = this.selected ? `; ${count(this.selected.length)} selected` : "";
    return `${this.data.alt}, coloured by ${this.look.color === "kept" ? this.data.keptName : this.look.color}${chosen}${selected}`;
  }

  /** Which rows are shown in full: of a category that is switched on, in the brush, in the selection; null: all. */
  filter() {
    if (!this.points) return;
    const { points, look, brush, selected } = this;
    const hidden = look.hidden.filter((c) => this.sizes[c]);
    this.passing = null;
    if (hidden.length || brush) {
      this.passing = new Uint8Array(points.n);
      const off = new Set(hidden);
      for (let row = 0; row < points.n; row++) {
        const inside = !brush || (points.kept[row] >= brush[0] - 0.003 && points.kept[row] <= brush[1] + 0.003);
        this.passing[row] = inside && !off.has(points.category[row]) ? 1 : 0;
      }
    }
    this.active = this.passing;
    if (selected) {
      this.active = new Uint8Array(points.n);
      for (const row of selected) this.active[row] = this.passing ? this.passing[row] : 1;
    }
    this.sort();
  }

  /** The order of painting: what is rare or changed lies on top; and the colour of every row. */
  sort() {
    if (this.ordered === this.look.color) return;
    const { points, look } = this;
    const values = { kept: points.kept, cosine: points.cosine }[look.color];
    const low = look.color === "cosine" ? this.lowest : 0;
    const key = new Float32Array(points.n);
    this.shade = new Int16Array(points.n);
    for (let row = 0; row < points.n; row++) {
      if (values) {
        const v = values[row];
        this.shade[row] = v === v ? Math.round(255 * Math.min(1, Math.max(0, (v - low) / (1 - low)))) : 256;
        key[row] = v === v ? -v : -9;
      } else {
        this.shade[row] = points.category[row];
        key[row] = (row * 7919) % points.n; // mixed, so that no origin covers the others
      }
    }
    this.order = new Uint32Array(points.n).map((_, row) => row).sort((a, b) => key[a] - key[b] || a - b);
    this.ordered = look.color;
  }

  colorOf(row) {
    if (this.look.color === "origin") return this.data.categories[this.points.category[row]].color;
    const v = this.shade[row];
    return v === 256 ? this.theme.neutral : this.theme.scale(v / 255);
  }

  radius() {
    const n = this.points.n;
    const small = n < 2000 ? 3.4 : n < 10_000 ? 2.5 : n < 30_000 ? 1.9 : 1.3;
    return small * Math.min(2.4, Math.max(0.8, this.view.k ** 0.33)) * (this.panes[0].w < 400 ? 0.8 : 1);
  }

  alpha() {
    const n = this.points.n;
    return Math.min(0.92, (n < 4000 ? 0.85 : n < 15_000 ? 0.7 : n < 30_000 ? 0.55 : 0.45) * this.view.k ** 0.2);
  }

  resize() {
    if (!this.points) return;
    const width = Math.floor(this.stage.clientWidth);
    if (!width) return;
    this.ratio = Math.min(3, window.devicePixelRatio || 1);
    const { height, panes } = panesOf(width, this.points.members.length, this.isOverlay());
    [this.width, this.height, this.panes] = [width, height, panes];
    this.stage.style.height = `${height}px`;
    for (const canvas of [this.base, this.names, this.top]) {
      const [w, h] = [Math.round(width * this.ratio), Math.round(height * this.ratio)];
      if (canvas.width !== w) canvas.width = w;
      if (canvas.height !== h) canvas.height = h;
    }
    this.rasters = panes.map((pane) => new Raster(Math.round(pane.w * this.ratio), Math.round(pane.h * this.ratio)));
    this.furnish();
    this.paint();
  }

  /** Bring buttons and legend in line with the look. */
  furnish() {
    const { look, points, data } = this;
    this.shared.looks.set(data.run, { ...look, place: { ...look.place } });
    for (const [choice, value] of [[this.colors, look.color], [this.views, look.view], [this.modes, look.mode]]) choice.show(value);
    this.colors.root.hidden = !this.measured;
    this.views.root.hidden = points.members.length < 2;
    this.trailBox.hidden = !(this.isOverlay() && this.measured);
    this.keptBox.hidden = !this.measured;
    this.keptTitle.textContent = data.keptWords;
    const threshold = look.threshold ?? data.threshold;
    this.slider.value = String(Math.round(threshold * 100));
    this.furnishTrails();
    this.chip.hidden = !this.selected;
    this.chip.textContent = this.selected ? `${count(this.selected.length)} selected ✕` : "";
    this.top.setAttribute("aria-label", `${this.alt()}. ${HINT}`);
    this.top.style.cursor = look.mode === "lasso" ? "crosshair" : "grab";
    this.furnishLegend();
  }

  /** How many trails are drawn; where some are not, what hides them. */
  furnishTrails() {
    if (this.trailBox.hidden) return;
    const { look, points, active, passing, brush, selected } = this;
    const threshold = look.threshold ?? this.data.threshold;
    let [all, drawn] = [0, 0];
    for (let row = 0; row < points.n; row++) {
      if (!(points.kept[row] <= threshold + 0.003)) continue;
      all++;
      if (!active || active[row]) drawn++;
    }
    const hides = [brush && "the range below", selected && "the selection",
      passing && look.hidden.some((c) => this.sizes[c]) && "the legend"].filter(Boolean);
    const words = drawn < all ? `${count(drawn)} of ${count(all)}; ${hides.join(" and ")} hide${hides.length > 1 ? "" : "s"} the others` : count(all);
    this.trailWords.textContent = `trails where neighbour overlap ≤ ${threshold.toFixed(2)}: ${words}`;
  }

  furnishLegend() {
    const { look, data } = this;
    if (look.color !== "origin") {
      const strip = element("span", "strip");
      strip.style.background = `linear-gradient(90deg, ${[0, 0.25, 0.5, 0.75, 1].map((v) => this.theme.scale(v)).join(",")})`;
      const ends = look.color === "kept"
        ? ["0 all neighbours exchanged", "1 all kept"] : [`${this.lowest.toFixed(1)} or less`, "1 same direction as before"];
      this.legend.replaceChildren(element("span", "", ends[0]), strip, element("span", "", ends[1]));
      return;
    }
    const focus = this.root.getRootNode().activeElement?.dataset?.category;
    this.legend.replaceChildren(...data.categories.flatMap((category, index) => {
      if (!this.sizes[index]) return [];
      const on = !look.hidden.includes(index);
      const made = button("", `${category.label}: ${count(this.sizes[index])} tokens; press to ${on ? "fade" : "show"} them`, () =>
        this.set({ hidden: on ? [...look.hidden, index] : look.hidden.filter((c) => c !== index) }));
      const dot = element("span", "dot");
      dot.style.background = category.color;
      made.append(dot, element("span", "", `${category.label} ${count(this.sizes[index])}`));
      made.setAttribute("aria-pressed", String(on));
      made.dataset.category = index;
      return [made];
    }));
    if (focus !== undefined) this.legend.querySelector(`[data-category="${Number(focus)}"]`)?.focus();
  }
}
