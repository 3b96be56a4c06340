// Contributors of one token under every method. All text is set as text, never as markup.

function make(tag, name, text) {
  const element = document.createElement(tag);
  if (name) element.className = name;
  if (text !== undefined) element.textContent = text;
  return element;
}

function drawPart(part, most) {
  const item = make("li");
  const row = make("div", "part");
  row.tabIndex = 0;
  row.dataset.source = String(part.id);
  row.style.setProperty("--c", part.color);
  row.style.setProperty("--w", `${(100 * Math.abs(part.weight)) / most}%`);
  row.classList.toggle("negative", part.weight < 0);
  row.append(make("span", "label", part.label), make("span", "weight", part.weight.toFixed(2)));
  row.title = `${part.label} #${part.id}: ${part.weight.toFixed(4)}`;
  item.append(row);
  return item;
}

function drawMethod(column) {
  const box = make("section", "method");
  box.style.setProperty("--c", column.color);
  const note = make("p", "note", column.note);
  note.title = column.meaning;
  box.append(make("h3", "", column.method), note);
  const list = make("ul", "parts");
  const most = Math.max(...column.parts.map((part) => Math.abs(part.weight)), 1e-9);
  for (const part of column.parts) list.append(drawPart(part, most));
  box.append(list);
  if (column.words) box.append(make("p", "more", column.words));
  if (column.more) box.append(make("p", "more", column.more));
  return box;
}

function link(root, id) {
  root.classList.toggle("linking", id !== null);
  for (const part of root.querySelectorAll(".part")) part.classList.toggle("on", part.dataset.source === id);
}

export default function ({ data, parentElement }) {
  const root = make("div");
  const methods = make("div", "methods");
  methods.setAttribute("role", "group");
  methods.setAttribute("aria-label", data.alt);
  for (const column of data.columns) methods.append(drawMethod(column));
  root.append(make("p", "hint", data.hint), methods);
  for (const part of root.querySelectorAll(".part")) {
    part.addEventListener("mouseenter", () => link(methods, part.dataset.source));
    part.addEventListener("focus", () => link(methods, part.dataset.source));
    part.addEventListener("blur", () => link(methods, null));
  }
  methods.addEventListener("mouseleave", () => link(methods, null));
  parentElement.querySelector(".mount").replaceChildren(root);
}
