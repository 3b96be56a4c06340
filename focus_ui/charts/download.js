export default function ({ data, parentElement }) {
  const status = parentElement.querySelector("p");
  const save = (format) => {
    const box = document.querySelector(".st-key-" + CSS.escape(data.chart));
    const plot = box && box.querySelector(".js-plotly-plot");
    const camera = plot && plot.querySelector('.modebar-btn[data-title^="Download plot"]');
    if (!camera) { status.textContent = "The chart is not on the screen."; return; }
    status.textContent = "";
    const before = plot._context.toImageButtonOptions;
    plot._context.toImageButtonOptions = { ...before, format, filename: data.name, scale: format === "png" ? 2 : 1 };
    camera.click();
    plot._context.toImageButtonOptions = before;
  };
  for (const button of parentElement.querySelectorAll("button")) {
    button.onclick = () => save(button.dataset.format);
  }
}
