const NS = 'http://www.w3.org/2000/svg';
const clamp = (low, value, high) => Math.max(low, Math.min(high, value));

function make(tag, attributes, parent, text) {
  const node = document.createElementNS(NS, tag);
  for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
  if (text !== undefined) node.textContent = text;
  if (parent) parent.append(node);
  return node;
}

function fit(node, width) {
  const letters = Array.from(node.textContent);
  const isolated = letters.includes('\u2068');
  while (letters.length > 1 && node.getComputedTextLength() > width) {
    letters.pop();
    node.textContent = letters.join('') + '…' + (isolated ? '\u2069' : '');
  }
}

function heights(parts, body) {
  const whole = parts.reduce((sum, part) => sum + part.n, 0);
  const raw = parts.map((part) => Math.max(30, body * part.n / whole));
  const scale = body / raw.reduce((a, b) => a + b, 0);
  return raw.map((height) => height * scale);
}

function column(svg, side, x, width, top, body) {
  let y = top;
  const places = {};
  const tall = heights(side.parts, body);
  side.parts.forEach((part, i) => {
    const h = tall[i];
    places[part.key] = [y, y + h];
    make('rect', { x, y, width, height: h - 2, rx: 4, fill: part.color }, svg);
    const pad = width < 110 ? 5 : 9;
    const style = { x: x + pad, fill: part.ink, 'font-size': width < 110 ? 12 : 13 };
    const one = h < 44;
    const head = one ? `${part.label} ${part.size}` : part.label;
    fit(make('text', { ...style, y: y + (one ? h / 2 + 4 : 20), 'font-weight': 600 }, svg, head), width - 2 * pad);
    if (!one) make('text', { ...style, y: y + 38, 'font-size': 15 }, svg, part.size);
    const room = Math.floor((h - 56) / 18);
    part.samples.slice(0, Math.max(0, room)).forEach((sample, row) => {
      const line = make('text', { ...style, y: y + 62 + 18 * row, 'font-size': 12, opacity: 0.85 }, svg, sample);
      fit(line, width - 2 * pad);
    });
    y += h;
  });
  return places;
}

function titles(svg, data, width, column, look) {
  const half = width / 2 - 8;
  for (const [side, name, x, anchor] of [[data.source, 'Source vocabulary', 0, 'start'],
    [data.target, 'Target vocabulary', width, 'end']]) {
    const place = { x, 'text-anchor': anchor, fill: look.text };
    fit(make('text', { ...place, y: 16, 'font-size': 15, 'font-weight': 600 }, svg, name), half);
    fit(make('text', { ...place, y: 35, 'font-size': 13, fill: look.faint }, svg, `${side.name}, ${side.size}`), half);
  }
}

function ribbon(svg, from, to, left, right, look) {
  const mid = (left + right) / 2;
  make('path', { d: `M${left},${from[0]} C${mid},${from[0]} ${mid},${to[0]} ${right},${to[0]} L${right},${to[1]} `
    + `C${mid},${to[1]} ${mid},${from[1]} ${left},${from[1]} Z`, fill: look.shared,
    opacity: look.dark ? 0.34 : 0.16 }, svg);
  const y = (from[0] + from[1] + to[0] + to[1]) / 4 + 5;
  const words = make('text', { x: mid, y, 'text-anchor': 'middle', 'font-size': 14, 'font-weight': 600,
    fill: look.text }, svg, 'Shared: the embedding is copied');
  fit(words, right - left - 12);
}

function button(group, label, act, hover) {
  group.setAttribute('class', 'act');
  group.setAttribute('tabindex', '0');
  group.setAttribute('role', 'link');
  group.setAttribute('aria-label', label);
  group.onclick = act;
  group.onkeydown = (event) => { if (event.key === 'Enter') act(); };
  group.onmouseenter = () => hover(true);
  group.onmouseleave = () => hover(false);
  group.onfocus = () => hover(true);
  group.onblur = () => hover(false);
}

function chip(svg, box, text, number, look, color, dashed) {
  const group = make('g', {}, svg);
  make('rect', { ...box, rx: 6, fill: look.background, stroke: color, 'stroke-width': 1.5, class: 'edge',
    'stroke-dasharray': dashed ? '4 3' : 'none' }, group);
  const y = box.y + box.height / 2 + 5;
  const right = make('text', { x: box.x + box.width - 8, y, 'text-anchor': 'end', 'font-size': 13,
    'font-weight': 600, fill: look.text }, group, number);
  const words = make('text', { x: box.x + 8, y, 'font-size': 13.5, fill: look.text }, group, text);
  fit(words, box.width - 22 - right.getComputedTextLength());
  return group;
}

function curve(svg, x0, y0, x1, y1, color, width, cls, opacity) {
  const mid = (x0 + x1) / 2;
  return make('path', { d: `M${x0},${y0} C${mid},${y0} ${mid},${y1} ${x1},${y1}`, fill: 'none', stroke: color,
    'stroke-width': width, opacity, class: cls, pathLength: 1 }, svg);
}

function sum(token) {
  const parts = token.anchors.map((anchor) => `${anchor.weight.toFixed(2)} × ${anchor.text}`);
  if (token.rest.n) parts.push(`${token.rest.weight.toFixed(2)} over ${token.rest.n} more`);
  return `Embedding of ${token.text} = ${parts.join(' + ')}`;
}

function newToken(svg, token, places, box, look, context) {
  const { left, right, top, bottom } = box;
  const inner = right - left;
  const narrow = inner < 420;
  const chipW = narrow ? inner * 0.39 : clamp(130, inner * 0.27, 200);
  const newW = narrow ? inner * 0.33 : clamp(110, inner * 0.24, 200);
  const chipX = left + inner * (narrow ? 0.07 : 0.16);
  const newX = right - newW - inner * (narrow ? 0.04 : 0.06);
  const entries = token.anchors.map((anchor) => ({ ...anchor, dashed: false }));
  if (token.rest.n) entries.push({ text: `${token.rest.n} more`, weight: token.rest.weight, color: look.faint,
    shared: true, dashed: true });
  const step = Math.min(42, (bottom - top) / entries.length);
  const first = (top + bottom - step * entries.length) / 2;
  const whole = entries.reduce((all, entry) => all + Math.abs(entry.weight), 0) || 1;
  const newY = (top + bottom) / 2 - 23;
  const shared = places.shared || places.only;
  let fill = newY + 2;
  entries.forEach((entry, i) => {
    const y = first + step * i + step / 2;
    const flow = make('g', { class: 'flow' }, svg);
    const from = entry.shared ? shared[0] + (shared[1] - shared[0]) * (i + 1) / (entries.length + 1) : y;
    curve(flow, left, from, chipX, y, entry.color, 1.5, '', 0.7);
    const thick = Math.max(1.5, 42 * Math.abs(entry.weight) / whole);
    curve(flow, chipX + chipW, y, newX, fill + thick / 2, token.color, thick, 'grow', 0.75);
    fill += 42 * Math.abs(entry.weight) / whole;
    const place = { x: chipX, y: y - Math.min(15, step / 2 - 2), width: chipW, height: Math.min(30, step - 4) };
    const group = chip(flow, place, entry.text, entry.weight.toFixed(2), look, entry.color, entry.dashed);
    if (entry.dashed) return;
    const near = entry.similarity === null ? '' : `, similarity ${entry.similarity.toFixed(3)} in the auxiliary space`;
    const told = `${entry.text}${near}: weight ${entry.weight.toFixed(3)}`;
    button(group, `Source token ${told}`, () => context.send('source', entry.id), (on) => {
      svg.classList.toggle('dim', on);
      flow.classList.toggle('on', on);
      context.say(on ? told : sum(token));
    });
  });
  const target = places.combined || [top, bottom];
  const y = newY + 23;
  const mark = clamp(target[0] + 8, y, target[1] - 12);
  curve(svg, newX + newW, y, right, mark, token.color, 4, 'grow', 1);
  const group = make('g', {}, svg);
  make('rect', { x: newX, y: newY, width: newW, height: 46, rx: 8, fill: token.color, stroke: look.text,
    'stroke-width': 1, class: 'edge' }, group);
  const words = make('text', { x: newX + newW / 2, y: y + 6, 'text-anchor': 'middle', 'font-size': narrow ? 14 : 16,
    'font-weight': 600, fill: token.ink }, group, token.text);
  fit(words, newW - 10);
  button(group, `New token ${token.text}: open its page`, () => context.send('open', token.id), () => {});
  const head = make('text', { x: (left + right) / 2, y: top - 12, 'text-anchor': 'middle', 'font-size': 14,
    'font-weight': 600, fill: look.text }, svg,
    narrow ? 'New: a mean of shared embeddings' : 'New: a weighted mean of a few shared embeddings');
  fit(head, inner - 8);
}

function draw(root, data, token, context) {
  const stage = root.querySelector('.stage');
  const width = Math.max(360, stage.clientWidth);
  const style = getComputedStyle(root);
  const read = (name) => style.getPropertyValue(name).trim();
  const background = read('--st-background-color');
  const dark = parseInt(background.slice(1, 3), 16) < 128;
  const look = { text: read('--st-text-color'), faint: read('--st-gray-text-color') || read('--st-text-color'),
    background, dark, shared: data.source.parts[0].color };
  const columnW = width < 620 ? width * 0.185 : clamp(120, width * 0.17, 210);
  const top = 48;
  const body = 380;
  const svg = make('svg', { viewBox: `0 0 ${width} ${top + body}`, height: top + body, role: 'group',
    'aria-label': data.alt });
  stage.replaceChildren(svg);
  titles(svg, data, width, columnW, look);
  const left = column(svg, data.source, 0, columnW, top, body);
  const right = column(svg, data.target, width - columnW, columnW, top, body);
  const copied = data.target.parts.map((part) => part.key).filter((key) => !['combined', 'fallback'].includes(key));
  let below = top + 30;
  if (left.shared && copied.length) {
    const to = [right[copied[0]][0], right[copied[copied.length - 1]][1] - 2];
    ribbon(svg, [left.shared[0], left.shared[1] - 2], to, columnW, width - columnW, look);
    below = (left.shared[1] + to[1]) / 2 + 30;
  }
  if (token) {
    below = Math.min(below, top + body - 180);
    const box = { left: columnW, right: width - columnW, top: below + 14, bottom: top + body };
    newToken(svg, token, { ...left, combined: right.combined }, box, look, context);
  }
  context.say(token ? sum(token) : '');
}

function save(root, look) {
  const svg = root.querySelector('svg').cloneNode(true);
  svg.setAttribute('xmlns', NS);
  svg.setAttribute('style', `background:${look};font-family:sans-serif`);
  const url = URL.createObjectURL(new Blob([new XMLSerializer().serializeToString(svg)], { type: 'image/svg+xml' }));
  const link = document.createElement('a');
  link.href = url;
  link.download = 'focus-lab.svg';
  link.click();
  setTimeout(() => URL.revokeObjectURL(url), 1000);
}

function pick(picks, label, act, pressed) {
  const node = document.createElement('button');
  node.type = 'button';
  node.textContent = label;
  node.onclick = act;
  if (pressed !== undefined) node.setAttribute('aria-pressed', String(pressed));
  picks.append(node);
  return node;
}

export default function ({ data, parentElement, setStateValue, setTriggerValue }) {
  const root = parentElement.querySelector('.picture');
  const words = root.querySelector('.words');
  const picks = root.querySelector('.picks');
  const context = { send: setTriggerValue, say: (text) => { words.textContent = text; } };
  const show = (chosen) => {
    const token = data.tokens.find((one) => one.id === chosen) || data.tokens[0];
    root.focusDraw = () => draw(root, data, token, context);
    root.focusDraw();
    picks.replaceChildren();
    if (data.tokens.length > 1) {
      const head = document.createElement('span');
      head.textContent = 'Another new token:';
      picks.append(head);
      for (const one of data.tokens) {
        pick(picks, one.text, () => { show(one.id); setStateValue('token', one.id); }, one.id === token.id);
      }
    }
    pick(picks, 'Save as SVG', () => save(root, getComputedStyle(root).getPropertyValue('--st-background-color')))
      .className = 'save';
  };
  show(data.chosen);
  if (root.focusObserver) root.focusObserver.disconnect();
  let last = root.clientWidth;
  root.focusObserver = new ResizeObserver(() => {
    if (Math.abs(root.clientWidth - last) < 2) return;
    last = root.clientWidth;
    root.focusDraw();
  });
  root.focusObserver.observe(root);
  return () => root.focusObserver.disconnect();
}
