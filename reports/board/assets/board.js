// Draws the charts in the page's own colours, sorts tables, and goes to a trader's page.
"use strict";

const narrow = () => window.innerWidth < 620;

function draw(place) {
  const { data, layout } = JSON.parse(document.getElementById(place.dataset.figure).textContent);
  const style = getComputedStyle(document.documentElement);
  const colour = (name) => style.getPropertyValue(name).trim();
  const looks = {
    gridcolor: colour("--grid"), zerolinecolor: colour("--muted"), linecolor: colour("--line"),
  };
  const themed = structuredClone(layout);
  for (const key of Object.keys(themed).filter((one) => /^[xy]axis/.test(one))) {
    themed[key] = { ...looks, ...themed[key] };
    themed[key].title = { ...themed[key].title, font: { size: 12 }, standoff: 6 };
  }
  return Plotly.react(place, data, {
    paper_bgcolor: "rgba(0,0,0,0)", plot_bgcolor: "rgba(0,0,0,0)",
    font: { color: colour("--text"), family: getComputedStyle(document.body).fontFamily, size: 12 },
    margin: { l: narrow() ? 48 : 64, r: 12, t: 10, b: 44 },
    legend: { orientation: "h", y: 1.02, yanchor: "bottom", x: 0 },
    hoverlabel: { align: "left" },
    ...themed,
  }, { displaylogo: false, responsive: true, displayModeBar: false });
}

function drawAll() {
  return Promise.all([...document.querySelectorAll(".plot")].map(draw));
}

function value(row, column) {
  const cell = row.cells[column];
  const text = (cell.dataset.sort ?? cell.textContent).trim();
  const number = Number(text.replace(/[$,%×\s]/g, "").replace("−", "-"));
  return text !== "" && Number.isFinite(number) ? number : text;
}

function sortable(table) {
  [...table.tHead.rows[0].cells].forEach((head, column) => {
    const button = document.createElement("button");
    button.type = "button";
    button.append(...head.childNodes);
    head.append(button);
    button.addEventListener("click", () => {
      const up = head.getAttribute("aria-sort") !== "ascending";
      for (const other of table.tHead.rows[0].cells) other.removeAttribute("aria-sort");
      head.setAttribute("aria-sort", up ? "ascending" : "descending");
      const body = table.tBodies[0];
      const rows = [...body.rows].sort((one, two) => {
        const [a, b] = [value(one, column), value(two, column)];
        // Words after numbers, so that what is unknown comes last.
        if (typeof a !== typeof b) return typeof a === "number" ? -1 : 1;
        const order = typeof a === "number" ? a - b : a.localeCompare(b);
        return up ? order : -order;
      });
      body.append(...rows);
    });
  });
}

document.querySelectorAll("table.sortable").forEach(sortable);
document.getElementById("traders")?.addEventListener("change", (event) => {
  if (event.target.value) location.href = event.target.value;
});
drawAll().then(() => { document.documentElement.dataset.drawn = "yes"; });
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", drawAll);
