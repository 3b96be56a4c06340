// Two tokenizers above each other on the same characters. All text is set as text, never as markup.

const SIDES = ["source", "target"];
const OTHER = { source: "target", target: "source" };

function make(tag, name, text) {
  const element = document.createElement(tag);
  if (name) element.className = name;
  if (text !== undefined) element.textContent = text;
  return element;
}

function dot(color) {
  const mark = make("span", "dot");
  mark.style.setProperty("--c", color);
  return mark;
}

function fillText(parent, text) {
  const opens = /^\u2068?▁./u.exec(text);
  if (!opens) return parent.append(make("span", "", text));
  const isolated = text.startsWith("\u2068");
  const whole = make("bdi");  // the mark stands where the first letter is read: right of Arabic
  whole.append(make("span", "mark", "▁"), make("span", "", isolated ? text.slice(2) : text.slice(1)));
  return parent.append(whole);
}

class Strip {
  constructor(data, root, open) {
    this.data = data;
    this.open = open;
    this.buttons = { source: [], target: [] };
    this.root = make("div", "strip");
    this.words = this.drawWords();
    this.card = make("div", "card hint");
    this.card.setAttribute("aria-live", "polite");
    this.root.append(this.drawLegend(), this.words, this.card, this.drawMeasures());
    root.querySelector(".mount").replaceChildren(this.root);
    this.rest();
    const first = this.buttons.target[0] || this.buttons.source[0];
    if (first) first.tabIndex = 0;
  }

  drawLegend() {
    const legend = make("div", "legend");
    for (const entry of this.data.legend) {
      const item = make("span");
      const mark = dot(entry.color);
      if (entry.framed) mark.className = "swatch";
      item.append(mark, make("span", "", entry.label));
      legend.append(item);
    }
    return legend;
  }

  drawWords() {
    const words = make("div", "row-of-words");
    words.dir = this.data.dir;
    words.setAttribute("role", "group");
    words.setAttribute("aria-label", this.data.alt);
    const tags = make("div", "tags");
    for (const side of SIDES) tags.append(make("span", "", side));
    words.append(tags);
    for (const word of this.data.words) {
      const box = make("div", "word");
      for (const stretch of word) box.append(this.drawStretch(stretch));
      words.append(box);
    }
    words.addEventListener("mouseleave", () => this.rest());
    return words;
  }

  drawStretch(stretch) {
    const grid = make("div", "stretch");
    grid.dir = stretch.dir;
    grid.style.gridTemplateColumns = `repeat(${stretch.columns}, auto)`;
    for (const [row, side] of SIDES.entries()) {
      for (const block of stretch[side]) {
        const box = this.drawBlock(block, side);
        box.style.gridRow = row + 1;
        box.style.gridColumn = `${block.first + 1} / ${block.last + 1}`;
        grid.append(box);
      }
    }
    return grid;
  }

  drawBlock(block, side) {
    const box = make("div", `block ${side === "source" ? "upper" : "lower"}`);
    if (!block.pieces.length) {
      box.classList.add("hole");
      box.textContent = block.text;
      box.title = "The tokenizer leaves these characters out.";
      return box;
    }
    box.style.setProperty("--c", this.data[side][block.pieces[0]].color);
    if (block.pieces.length === 1) {
      const button = this.drawPiece(side, block.pieces[0], box);
      fillText(button, block.text);
      if (this.data[side][block.pieces[0]].unknown) {
        box.classList.add("lost");
        button.append(make("span", "tiny", "?"));
      }
      box.append(button);
      return box;
    }
    box.classList.add("several");
    box.classList.toggle("mixed", new Set(block.pieces.map((i) => this.data[side][i].color)).size > 1);
    const whole = make("div", "whole");
    fillText(whole, block.text);
    const parts = make("div", "parts");
    for (const i of block.pieces) {
      const button = this.drawPiece(side, i, box);
      button.textContent = this.data[side][i].short;
      button.style.setProperty("--own", this.data[side][i].color);
      parts.append(button);
    }
    box.append(whole, parts);
    return box;
  }

  drawPiece(side, i, box) {
    const piece = this.data[side][i];
    const button = make("button", "piece");
    button.type = "button";
    button.tabIndex = -1;
    button.dataset.side = side;
    button.dataset.id = piece.id;
    button.setAttribute("aria-label", `${side} token ${piece.label}, id ${piece.id}, ${piece.category}`);
    button.box = box;
    button.addEventListener("mouseenter", () => this.show(side, i));
    button.addEventListener("focus", () => this.show(side, i));
    button.addEventListener("blur", () => this.rest());
    button.addEventListener("click", () => this.open(side, piece.id));
    button.addEventListener("keydown", (event) => this.move(event, side, i));
    this.buttons[side][i] = button;
    return button;
  }

  move(event, side, i) {
    const forward = this.data.dir === "rtl" ? "ArrowLeft" : "ArrowRight";
    const back = this.data.dir === "rtl" ? "ArrowRight" : "ArrowLeft";
    const linked = this.data[side][i].links;
    let next = null;
    if (event.key === forward) next = this.buttons[side][i + 1];
    else if (event.key === back) next = this.buttons[side][i - 1];
    else if (event.key === "Home") next = this.buttons[side][0];
    else if (event.key === "End") next = this.buttons[side].at(-1);
    else if (event.key === (side === "source" ? "ArrowDown" : "ArrowUp")) next = this.buttons[OTHER[side]][linked[0]];
    else if (event.key === "Escape") this.rest();
    else return;
    event.preventDefault();
    if (!next) return;
    for (const button of [...this.buttons.source, ...this.buttons.target]) button.tabIndex = -1;
    next.tabIndex = 0;
    next.focus();
  }

  mark(on) {
    for (const side of SIDES) {
      for (const [i, button] of this.buttons[side].entries()) {
        const lit = on !== null && on[side].has(i);
        button.classList.toggle("on", lit);
        button.classList.toggle("here", on !== null && on.side === side && on.i === i);
      }
    }
    for (const box of this.words.querySelectorAll(".block")) {
      box.classList.toggle("on", box.querySelector(".piece.on") !== null);
    }
    this.words.classList.toggle("linking", on !== null);
  }

  show(side, i) {
    const piece = this.data[side][i];
    const on = { side, i };
    on[side] = new Set([i]);
    on[OTHER[side]] = new Set(piece.links);
    this.mark(on);
    this.card.className = "card";
    const left = make("div");
    const name = make("div", "token");
    name.append(dot(piece.color), make("span", "", piece.label), make("span", "dim", `  #${piece.id}`));
    left.append(make("h3", "", `${side} token`), name, make("div", "", piece.about), make("div", "dim", piece.native));
    const right = make("div");
    right.append(make("h3", "", `the ${OTHER[side]} covers the same characters with`));
    for (const j of piece.links) right.append(this.drawOther(OTHER[side], j));
    if (!piece.links.length) right.append(make("span", "dim", "nothing: its tokenizer leaves them out"));
    this.card.replaceChildren(left, right);
  }

  drawOther(side, j) {
    const piece = this.data[side][j];
    const item = make("span", "other");
    item.append(dot(piece.color), make("span", "token", piece.label), make("span", "dim", `#${piece.id}`));
    return item;
  }

  rest() {
    this.mark(null);
    this.card.className = "card hint";
    this.card.textContent = this.data.hint;
  }

  drawMeasures() {
    const measures = make("div", "measures");
    for (const measure of this.data.measures) {
      const box = make("div", "measure");
      box.append(make("h3", "", measure.title));
      for (const side of SIDES) {
        const line = make("div", "line");
        const track = make("div", "track");
        const fill = make("div", "fill");
        fill.style.width = `${measure[side].share}%`;
        fill.style.setProperty("--c", this.data.colors[side]);
        track.append(fill);
        line.append(make("span", "", side), track, make("b", "", measure[side].text));
        box.append(line);
      }
      box.append(make("p", "", measure.meaning));
      measures.append(box);
    }
    return measures;
  }
}

export default function ({ data, parentElement, setTriggerValue }) {
  const drawn = JSON.stringify(data);
  if (parentElement.focusLabDrawn === drawn && parentElement.querySelector(".strip")) return;
  parentElement.focusLabDrawn = drawn;
  new Strip(data, parentElement, (side, id) => setTriggerValue("opened", { side, id }));
}
