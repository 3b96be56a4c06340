// What stands around the panes: buttons, legend, the card that follows the mouse. Text only ever goes into textContent.

function element(kind, name, text) {
  const made = document.createElement(kind);
  if (name) made.className = name;
  if (text !== undefined) made.textContent = text;
  return made;
}

function button(text, label, press) {
  const made = element("button", "", text);
  made.type = "button";
  made.title = label;
  made.setAttribute("aria-label", label);
  made.onclick = press;
  return made;
}

/** A row of buttons of which one is pressed. */
class Choice {
  constructor(label, options, pick) {
    this.root = element("div", "choice");
    this.root.setAttribute("role", "group");
    this.root.setAttribute("aria-label", label);
    this.buttons = options.map(([value, text, hint]) => {
      const made = button(text, hint ?? `${label}: ${text}`, () => pick(value));
      made.dataset.value = value;
      this.root.append(made);
      return made;
    });
  }

  show(value) {
    for (const made of this.buttons) made.setAttribute("aria-pressed", String(made.dataset.value === value));
  }
}

/** The words about one token, shown beside the mouse. */
class Card {
  constructor() {
    this.root = element("div", "card");
    this.root.hidden = true;
    this.name = element("div", "name");
    this.name.dir = "auto";
    this.lines = element("div", "lines");
    this.root.append(this.name, this.lines);
  }

  show(facts, x, y, width, height) {
    this.name.textContent = facts[0];
    this.lines.replaceChildren(...facts.slice(1).map((text) => element("div", "", text)));
    this.root.hidden = false;
    const [w, h] = [this.root.offsetWidth, this.root.offsetHeight];
    this.root.style.left = `${Math.max(4, Math.min(x + 16, width - w - 4))}px`;
    this.root.style.top = `${Math.max(4, y + 18 + h > height ? y - h - 14 : y + 18)}px`;
  }

  hide() {
    this.root.hidden = true;
  }
}

/** The colours and fonts of the page, read from its theme; light and dark need nothing else. */
function themeOf(host, data) {
  const style = getComputedStyle(host);
  const read = (name, otherwise) => {
    const value = style.getPropertyValue(`--st-${name}`).trim();
    return value && value !== "unset" ? value : otherwise;
  };
  const ground = read("background-color", "#ffffff");
  const text = read("text-color", "#1b2330");
  const [groundRgb, textRgb] = [rgbOf(ground), rgbOf(text)];
  const css = (rgb) => `rgb(${rgb.join(",")})`;
  const dark = groundRgb[0] + groundRgb[1] + groundRgb[2] < 384;
  const stops = data.scale[dark ? "dark" : "light"].map(rgbOf);
  const family = read("font", "sans-serif");
  const palette = scalePalette(stops, rgbOf(data.neutral));
  return {
    ground, text, groundRgb, panelRgb: mix(groundRgb, textRgb, 0.028), panel: css(mix(groundRgb, textRgb, 0.028)),
    line: css(mix(groundRgb, textRgb, 0.18)), faint: css(mix(groundRgb, textRgb, 0.66)),
    neutral: data.neutral, neutralRgb: rgbOf(data.neutral), mark: data.mark, plate: data.plate,
    way: css(mix(rgbOf(data.way), textRgb, 0.25)), dark,
    fadedRgb: mix(groundRgb, textRgb, 0.3), palette,
    categoryPalette: Uint8Array.from(data.categories.flatMap((c) => rgbOf(c.color))),
    scale: (v) => css([0, 1, 2].map((i) => palette[3 * Math.round(255 * Math.min(1, Math.max(0, v))) + i])),
    font: (size, weight = 400) => `${weight} ${size}px ${family}, "Noto Sans", sans-serif`,
  };
}
