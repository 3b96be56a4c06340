// The points of a map: sent once a layout, kept here for every canvas of this browser tab that names their digest.
// Only numbers and display texts come in; nothing of it ever becomes markup.

const KEPT_LAYOUTS = 4;

function sharedMaps() {
  globalThis.focusLabMap ??= { points: new Map(), waiting: new Set(), looks: new Map() };
  return globalThis.focusLabMap;
}

function unpack(bytes) {
  const buffer = bytes.slice().buffer; // its own memory: typed arrays need aligned beginnings
  const length = new DataView(buffer).getUint32(0, true);
  const header = JSON.parse(new TextDecoder().decode(new Uint8Array(buffer, 4, length)));
  const start = Math.ceil((4 + length) / 8) * 8;
  const kinds = { u1: Uint8Array, u2: Uint16Array, u4: Uint32Array };
  const arrays = {};
  for (const [name, kind, offset] of header.arrays) arrays[name] = new kinds[kind](buffer, start + offset, header.n);
  const unit = (raw, low, high) => Float32Array.from(raw, (v) => (v === 65535 ? NaN : low + (v / 65534) * (high - low)));
  const points = {
    ...header, ids: arrays.id, category: arrays.category, frequency: arrays.frequency, level: arrays.level,
    kept: unit(arrays.kept, 0, 1), cosine: unit(arrays.cosine, -1, 1),
    planes: header.members.map((_, m) => ({
      x: Float32Array.from(arrays[`x${m}`], (v) => v / 65535),
      y: Float32Array.from(arrays[`y${m}`], (v) => 1 - v / 65535),
    })),
    rowOf: new Map(),
  };
  points.ids.forEach((id, row) => points.rowOf.set(id, row));
  points.landmarks = Array.from(points.level.keys()).filter((row) => points.level[row] < 255)
    .sort((a, b) => points.level[a] - points.level[b] || points.frequency[b] - points.frequency[a] || a - b);
  return points;
}

export default function ({ data }) {
  if (!(data instanceof Uint8Array)) return;
  const shared = sharedMaps();
  const points = unpack(data);
  shared.points.delete(points.digest);
  shared.points.set(points.digest, points);
  for (const digest of shared.points.keys()) if (shared.points.size > KEPT_LAYOUTS) shared.points.delete(digest);
  for (const tell of [...shared.waiting]) tell();
}
