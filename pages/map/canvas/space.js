// Where things are: panes, the view that all panes share, and the grid that finds the point under the mouse.

const MAX_ZOOM = 200;
const MARGIN = 0.05;
const GRID = 160;

/** A rectangle of the stage that shows one member's points, in CSS pixels. */
function panesOf(width, members, overlay) {
  const gap = 12;
  if (members === 1 || overlay) {
    const height = Math.round(Math.min(640, Math.max(360, width * 0.62)));
    return { height, panes: [{ x: 0, y: 0, w: width, h: height, member: members - 1 }] };
  }
  if (width < 500) {
    const h = Math.round(width * 0.8);
    return { height: 2 * h + gap, panes: [0, 1].map((member) => ({ x: 0, y: member * (h + gap), w: width, h, member })) };
  }
  const w = Math.floor((width - gap) / 2);
  const h = Math.round(Math.min(640, Math.max(340, w * 0.96)));
  return { height: h, panes: [0, 1].map((member) => ({ x: member * (w + gap), y: 0, w, h, member })) };
}

/** Pixels per unit of the world (0 to 1 on both axes) where the whole map fits into a pane. */
function fitScale(pane, points) {
  const room = 1 - 2 * MARGIN;
  const below = points.axes ? 22 : 0; // ticks and titles stand there
  const [w, h] = [Math.max(40, (pane.w - below) * room), Math.max(40, (pane.h - below - 20) * room)];
  if (points.axes) return { x: w, y: h };
  const [x0, y0, x1, y1] = points.box;
  const both = Math.min(w / (x1 - x0), h / (y1 - y0));
  return { x: both * (x1 - x0), y: both * (y1 - y0) };
}

/** The map from the world to the stage for one pane: px = ox + ax * x, py = oy + ay * y. */
function transformOf(pane, points, view) {
  const fit = fitScale(pane, points);
  const [ax, ay] = [fit.x * view.k, fit.y * view.k];
  const lift = points.axes ? 8 : 0;
  return { ax, ay, ox: pane.x + pane.w / 2 + lift - view.cx * ax, oy: pane.y + pane.h / 2 + 8 - lift - view.cy * ay };
}

function clampView(view) {
  const k = Math.min(MAX_ZOOM, Math.max(0.5, view.k));
  const hold = (v) => Math.min(1.25, Math.max(-0.25, v));
  return { k, cx: hold(view.cx), cy: hold(view.cy) };
}

/** Rows of one member sorted into square cells, so that a look-up reads few of them. */
class Grid {
  constructor(plane) {
    this.plane = plane;
    const n = plane.x.length;
    const cell = new Uint32Array(n);
    this.start = new Uint32Array(GRID * GRID + 1);
    for (let i = 0; i < n; i++) {
      cell[i] = this.cellOf(plane.y[i]) * GRID + this.cellOf(plane.x[i]);
      this.start[cell[i] + 1]++;
    }
    for (let c = 0; c < GRID * GRID; c++) this.start[c + 1] += this.start[c];
    const next = this.start.slice(0, GRID * GRID);
    this.rows = new Uint32Array(n);
    for (let i = 0; i < n; i++) this.rows[next[cell[i]]++] = i;
  }

  cellOf(value) {
    return Math.min(GRID - 1, Math.max(0, Math.floor(value * GRID)));
  }

  /** Call back with every row in a box of the world. */
  within(x0, y0, x1, y1, call) {
    const [left, right] = [this.cellOf(x0), this.cellOf(x1)];
    for (let cy = this.cellOf(y0); cy <= this.cellOf(y1); cy++) {
      const [from, to] = [this.start[cy * GRID + left], this.start[cy * GRID + right + 1]];
      for (let at = from; at < to; at++) call(this.rows[at]);
    }
  }

  /** The row nearest to a place on the stage, at most `reach` pixels away; -1 where there is none. */
  nearest(px, py, t, reach, active) {
    const [wx, wy] = [(px - t.ox) / t.ax, (py - t.oy) / t.ay];
    const [rx, ry] = [reach / t.ax, reach / t.ay];
    let [best, found] = [reach * reach, -1];
    this.within(wx - rx, wy - ry, wx + rx, wy + ry, (row) => {
      if (active && !active[row]) return;
      const [dx, dy] = [(this.plane.x[row] - wx) * t.ax, (this.plane.y[row] - wy) * t.ay];
      const d = dx * dx + dy * dy;
      if (d < best || (d === best && row < found)) [best, found] = [d, row];
    });
    return found;
  }

  /** Rows inside a polygon of the world, a flat list of x and y. */
  inside(polygon) {
    let [x0, y0, x1, y1] = [Infinity, Infinity, -Infinity, -Infinity];
    for (let i = 0; i < polygon.length; i += 2) {
      x0 = Math.min(x0, polygon[i]); x1 = Math.max(x1, polygon[i]);
      y0 = Math.min(y0, polygon[i + 1]); y1 = Math.max(y1, polygon[i + 1]);
    }
    const found = [];
    this.within(x0, y0, x1, y1, (row) => {
      const [x, y] = [this.plane.x[row], this.plane.y[row]];
      let odd = false;
      for (let i = 0, j = polygon.length - 2; i < polygon.length; j = i, i += 2) {
        const [ya, yb] = [polygon[i + 1], polygon[j + 1]];
        if (ya > y !== yb > y && x < ((polygon[j] - polygon[i]) * (y - ya)) / (yb - ya) + polygon[i]) odd = !odd;
      }
      if (odd) found.push(row);
    });
    return found;
  }
}
