// The picture for a document: what is on the screen, with its legend and the words one needs to read it.

const XML = { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&#39;" };

function xml(text) {
  return String(text).replace(/[&<>"']/g, (c) => XML[c]).replace(/[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]/g, "");
}

function save(blob, name) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(blob);
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
}

/** Break words into lines no wider than `width`. */
function linesOf(ctx, text, width) {
  const lines = [""];
  for (const word of text.split(" ")) {
    const longer = lines.at(-1) ? `${lines.at(-1)} ${word}` : word;
    if (lines.at(-1) && ctx.measureText(longer).width > width) lines.push(word); else lines[lines.length - 1] = longer;
  }
  return lines;
}

/** Rows of the legend below a picture: [colour, words]; a scale of colours is told by its two ends. */
function legendOf(map) {
  if (map.look.color === "origin") return map.data.categories.filter((c, i) => map.sizes[i]).map((c) => [c.color, c.label]);
  const [name, low] = map.look.color === "kept" ? [map.data.keptName, 0] : ["cosine before and after", map.lowest];
  const said = (share) => String(Number((low + share * (1 - low)).toFixed(2)));
  return [[map.theme.scale(0), `${name}: ${said(0)}`], [map.theme.scale(0.5), said(0.5)], [map.theme.scale(1), said(1)]];
}

function savePng(map) {
  if (!map.points) return;
  const { ratio, width, height, theme } = map;
  const canvas = document.createElement("canvas");
  const ctx = canvas.getContext("2d");
  ctx.font = theme.font(11);
  const words = linesOf(ctx, map.data.words, width - 16);
  canvas.width = width * ratio;
  canvas.height = (height + 34 + 16 * words.length) * ratio;
  ctx.scale(ratio, ratio);
  ctx.fillStyle = theme.ground;
  ctx.fillRect(0, 0, width, canvas.height);
  for (const layer of [map.base, map.names]) ctx.drawImage(layer, 0, 0, width, height);
  ctx.font = theme.font(12);
  let x = 8;
  for (const [color, label] of legendOf(map)) {
    ctx.fillStyle = color;
    ctx.fillRect(x, height + 9, 11, 11);
    ctx.fillStyle = theme.text;
    ctx.fillText(label, x + 15, height + 19);
    x += ctx.measureText(label).width + 32;
  }
  ctx.font = theme.font(11);
  ctx.fillStyle = theme.faint;
  words.forEach((line, i) => ctx.fillText(line, 8, height + 40 + 16 * i));
  canvas.toBlob((blob) => save(blob, `${map.data.file}.png`), "image/png");
}

/** Circles of one pane, grouped by colour; those that nothing selects are fainter. */
function svgPoints(map, pane) {
  const t = transformOf(pane, map.points, map.view);
  const plane = map.points.planes[pane.member];
  const groups = new Map();
  const radius = map.radius().toFixed(1);
  for (const row of map.order) {
    const [x, y] = [t.ox + t.ax * plane.x[row], t.oy + t.ay * plane.y[row]];
    if (x < pane.x || x > pane.x + pane.w || y < pane.y || y > pane.y + pane.h) continue;
    const faded = map.active && !map.active[row];
    const color = faded ? map.theme.neutral : map.colorOf(row);
    const key = `fill="${color}" fill-opacity="${faded ? 0.15 : map.alpha().toFixed(2)}"`;
    if (!groups.has(key)) groups.set(key, []);
    groups.get(key).push(`<circle cx="${x.toFixed(1)}" cy="${y.toFixed(1)}" r="${radius}"/>`);
  }
  return [...groups].map(([key, circles]) => `<g ${key}>${circles.join("")}</g>`).join("\n");
}

function svgTrails(map, pane) {
  const lines = map.trails(pane).map(([x0, y0, x1, y1]) =>
    `<path d="M${x0.toFixed(1)} ${y0.toFixed(1)}L${x1.toFixed(1)} ${y1.toFixed(1)}"/>`);
  return `<g stroke="${map.theme.way}" stroke-opacity="0.5" fill="none">${lines.join("")}</g>`;
}

function svgText(x, y, text, color, size, anchor) {
  return `<text x="${x.toFixed(1)}" y="${y.toFixed(1)}" fill="${color}" font-size="${size}" text-anchor="${anchor}">${xml(text)}</text>`;
}

function svgAxes(map, pane) {
  const { theme, points } = map;
  const marks = map.ticks(pane).map(({ v, at, upright }) => {
    const [x, y] = upright ? [at, pane.y + pane.h - 22] : [pane.x + 5, at - 3];
    const [w, h] = upright ? [1, pane.h] : [pane.w, 1];
    return `<rect x="${upright ? at.toFixed(1) : pane.x}" y="${upright ? pane.y : at.toFixed(1)}" width="${w}" height="${h}" ` +
      `fill="${theme.line}" fill-opacity="0.5"/>` +
      svgText(x, y, String(Number(v.toFixed(6))), theme.faint, 11, upright ? "middle" : "start");
  });
  return marks.join("") + svgText(pane.x + pane.w - 8, pane.y + pane.h - 7, `${points.axes[0]} →`, theme.text, 12, "end") +
    svgText(pane.x + 8, pane.y + 38, `↑ ${points.axes[1]}`, theme.text, 12, "start");
}

/** What a title stands on, so that no point shows through it. */
function svgPlate(map, x, y, text) {
  const ctx = map.names.getContext("2d");
  ctx.font = map.theme.font(13, 600);
  const w = ctx.measureText(text).width + 12;
  return `<rect x="${(x - 6).toFixed(1)}" y="${(y - 15).toFixed(1)}" width="${w.toFixed(1)}" height="21" fill="${map.theme.panel}"/>`;
}

function svgPane(map, pane, number) {
  const clip = `<clipPath id="p${number}"><rect x="${pane.x}" y="${pane.y}" width="${pane.w}" height="${pane.h}"/></clipPath>`;
  const names = map.written.filter((name) => name.pane === pane).map((name) =>
    svgText(name.x, name.y, name.text, name.strong ? map.theme.mark : map.theme.text, name.strong ? 13 : 12, "middle"));
  const overlay = (map.points.axes ? svgAxes(map, pane) : "") + (map.isOverlay() ? svgTrails(map, pane) : "");
  const frame = `<rect x="${pane.x}" y="${pane.y}" width="${pane.w}" height="${pane.h}" fill="${map.theme.panel}"/>`;
  const title = svgPlate(map, pane.x + 10, pane.y + 20, map.titleOf(pane)) +
    svgText(pane.x + 10, pane.y + 20, map.titleOf(pane), map.theme.text, 13, "start");
  return `${clip}<g clip-path="url(#p${number})">${frame}${overlay}${svgPoints(map, pane)}${names.join("")}${title}</g>`;
}

function svgOf(map) {
  const { width, height, theme } = map;
  const lines = linesOf(map.names.getContext("2d"), map.data.words, width - 16);
  const high = height + 40 + 16 * lines.length;
  let x = 8;
  const legend = legendOf(map).map(([color, label]) => {
    const item = `<rect x="${x}" y="${height + 9}" width="11" height="11" fill="${color}"/>` +
      svgText(x + 15, height + 19, label, theme.text, 12, "start");
    x += 7.2 * label.length + 34;
    return item;
  });
  const words = lines.map((line, i) => svgText(8, height + 40 + 16 * i, line, theme.faint, 11, "start"));
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${high}" viewBox="0 0 ${width} ${high}" ` +
    `font-family="sans-serif"><title>${xml(map.alt())}</title><rect width="${width}" height="${high}" fill="${theme.ground}"/>` +
    `${map.panes.map((pane, i) => svgPane(map, pane, i)).join("\n")}${legend.join("")}${words.join("")}</svg>`;
}

function saveSvg(map) {
  if (!map.points) return;
  save(new Blob([svgOf(map)], { type: "image/svg+xml" }), `${map.data.file}.svg`);
}
