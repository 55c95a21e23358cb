// What every page does: charts in its own colors, tables that sort and filter, printing,
// and data files that are read when they are needed.
"use strict";

const narrow = () => window.innerWidth < 620;
const touched = matchMedia("(pointer: coarse)").matches;
const SETTINGS = { displaylogo: false, responsive: true, displayModeBar: false, scrollZoom: false };
// Paper is as wide as A4 across, less its margins.
const PAPER = 1040;

window.board = {
  files: {},
  take(name, value) { this.files[name] = value; },

  // The value of a data file; read once.
  async read(name, path) {
    if (!(name in this.files)) {
      await new Promise((done, failed) => {
        const script = document.createElement("script");
        script.src = path ?? name;
        script.onload = done;
        script.onerror = () => failed(new Error(`${name} is missing`));
        document.head.append(script);
      });
    }
    return this.files[name];
  },

  money(value) {
    if (value === null || value === undefined) return "–";
    const whole = Math.round(Math.abs(value));
    return `${value < 0 && whole ? "−" : ""}$${whole.toLocaleString("en-US")}`;
  },

  // For sentences: no line parts a minus from its amount.
  unbroken: (text) => text.replaceAll("−$", "−\u2060$"),

  element(tag, properties = {}, ...children) {
    const made = Object.assign(document.createElement(tag), properties);
    made.append(...children);
    return made;
  },

  color: (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim(),

  dollars: (more = {}) => ({
    title: { text: "US dollars" }, tickformat: "$,.0f", hoverformat: "$,.0f", ...more,
  }),

  // Draw a chart, in the page's colors.
  plot(place, data, layout, leads = false) {
    place.drawn = { data, layout, leads };
    const looks = {
      gridcolor: this.color("--grid"), zerolinecolor: this.color("--muted"),
      linecolor: this.color("--line"),
    };
    const themed = structuredClone(layout);
    for (const key of Object.keys(themed).filter((one) => /^[xy]axis/.test(one))) {
      themed[key] = { ...looks, automargin: true, ...themed[key] };
      themed[key].title = { ...themed[key].title, font: { size: 12 }, standoff: 6 };
    }
    return Plotly.react(place, data, {
      paper_bgcolor: "rgba(0,0,0,0)", plot_bgcolor: "rgba(0,0,0,0)",
      font: { color: this.color("--text"), family: getComputedStyle(document.body).fontFamily, size: 12 },
      margin: { l: narrow() ? 56 : 70, r: 12, t: 10, b: 44 },
      legend: { orientation: "h", y: 1.02, yanchor: "bottom", x: 0 },
      hoverlabel: { align: "left" },
      hovermode: "closest",
      dragmode: touched ? false : "zoom",
      ...themed,
    }, SETTINGS).then(() => {
      if (!leads || place.leads) return;
      place.leads = true;
      place.on("plotly_click", ({ points }) => { location.hash = String(points[0].x).slice(0, 10); });
    });
  },

  // Cumulative net P&L of several, and how far the first is below its peak.
  cumulative(place, lines) {
    const dashes = ["solid", "dash", "dot", "dashdot"];
    const colors = ["--gain", "--loss", "--text", "--muted"];
    return this.plot(place, lines.map(({ name, dates, nets }, number) => {
      let sum = 0;
      return {
        type: "scatter", mode: "lines", name, x: dates,
        y: nets.map((net) => { sum += net; return sum; }),
        line: { color: this.color(colors[number]), dash: dashes[number], width: 1.8 },
        hovertemplate: `${lines.length > 1 ? "%{fullData.name}, " : ""}%{x}: %{y}<extra></extra>`,
      };
    }), {
      xaxis: { title: { text: "Session" } }, yaxis: this.dollars(), showlegend: lines.length > 1,
    });
  },

  // The largest fall of sums from a peak, as a positive number.
  fall(nets) {
    let sum = 0, peak = 0, deepest = 0;
    for (const net of nets) {
      sum += net;
      peak = Math.max(peak, sum);
      deepest = Math.max(deepest, peak - sum);
    }
    return deepest;
  },

  // The state of a page, kept in its address.
  state: () => new URLSearchParams(location.hash.slice(1)),
  keep(state) {
    const text = state.toString().replaceAll("%2C", ",");
    history.replaceState(null, "", text ? `#${text}` : location.pathname + location.search);
  },

  // A table that sorts by number where a cell has one; unknown comes last both ways.
  table(table, options = {}) {
    const columns = [...table.tHead.rows[0].cells];
    const numbers = columns.flatMap((head, at) => (head.classList.contains("n") ? [at] : []));
    return new DataTable(table, {
      paging: false, info: false, searching: false, order: [], autoWidth: false,
      columnDefs: [{ targets: numbers, type: "board-number", orderSequence: ["desc", "asc", ""] }],
      layout: { topStart: null, topEnd: null, bottomStart: null, bottomEnd: null },
      ...options,
    });
  },

  // Charts that are to be seen; those folded away wait until they are opened.
  draw(within = document) {
    const open = [...within.querySelectorAll(".plot[data-figure]")]
      .filter((place) => !place.drawn && !place.closest("details:not([open])"));
    return Promise.all(open.map((place) => {
      const { data, layout, leads } = JSON.parse(document.getElementById(place.dataset.figure).textContent);
      return this.plot(place, data, layout, leads);
    }));
  },

  redraw() {
    return Promise.all([...document.querySelectorAll(".plot")].filter((place) => place.drawn)
      .map((place) => this.plot(place, place.drawn.data, place.drawn.layout, place.drawn.leads)));
  },
};

function numbered(one) {
  const number = typeof one === "number" ? one
    : Number(String(one).replace(/<[^>]*>/g, "").replace(/[$,%×\s\u2060]/g, "").replace("−", "-"));
  return String(one).trim() === "" || !Number.isFinite(number) ? null : number;
}
DataTable.type("board-number", {
  detect: () => false,
  order: {
    pre: numbered,
    asc: (a, b) => (a === null) - (b === null) || a - b,
    desc: (a, b) => (a === null) - (b === null) || b - a,
  },
});

document.querySelectorAll("table.sortable").forEach((table) => {
  const length = Number(table.dataset.page ?? 0);
  board.table(table, table.dataset.search ? {
    searching: true, paging: length > 0, pageLength: length,
    layout: { topStart: null, topEnd: "search", bottomStart: null, bottomEnd: length ? "paging" : null },
    language: { search: "", searchPlaceholder: "Search" },
  } : {});
});
document.querySelectorAll("details").forEach((one) => one.addEventListener("toggle", () => board.draw(one)));
document.getElementById("traders")?.addEventListener("change", (event) => {
  if (event.target.value) location.href = event.target.value;
});

// On paper nothing is folded, nothing is on another page, and charts are as wide as it is.
window.addEventListener("beforeprint", () => {
  document.querySelectorAll("details:not([open])").forEach((one) => { one.open = true; one.dataset.shut = "1"; });
  DataTable.tables({ api: true }).page.len(-1).draw(false);
  board.draw();
  document.querySelectorAll(".plot").forEach((place) => {
    if (place.drawn) Plotly.relayout(place, { autosize: false, width: PAPER / 2 - 14 });
  });
});
window.addEventListener("afterprint", () => {
  document.querySelectorAll("details[data-shut]").forEach((one) => { one.open = false; delete one.dataset.shut; });
  board.redraw();
});
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => board.redraw());

// Scripts of single pages come after this one, and what they open comes first.
document.addEventListener("DOMContentLoaded", async () => {
  await board.opened;
  await board.draw();
  document.documentElement.dataset.drawn = "yes";
});
