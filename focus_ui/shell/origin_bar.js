export default function ({ data, parentElement }) {
  const bar = parentElement.querySelector('.bar');
  bar.setAttribute('aria-label', data.alt);
  bar.replaceChildren(...data.parts.map((part) => {
    const piece = document.createElement('span');
    piece.style.flex = `${part.n} 0 0`;
    piece.style.background = part.color;
    piece.title = part.label;
    return piece;
  }));
}
