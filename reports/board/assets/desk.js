// The desk's table: filters, period, search and sort, all kept in the address.
"use strict";

const { sessions, traders } = board.files["data/desk.js"];
const byTrader = new Map(traders.map((one) => [one.id, one]));
const heads = document.querySelectorAll("#overview th[data-of-period]");
const chips = [...document.querySelectorAll(".chip[data-kind]")];
const periods = [...document.querySelectorAll(".chip[data-period]")];
const state = board.state();
const table = board.table(document.getElementById("overview"), {
  searching: true, info: true, search: { search: state.get("q") ?? "" },
  order: ordered(state.get("sort")),
  buttons: [{
    extend: "csvHtml5", text: "CSV", filename: "traders",
    exportOptions: { format: {
      header: (text, at, node) => node.textContent.trim(),
      body: (text, row, at, node) => node.dataset.order && node.classList.contains("n")
        ? node.dataset.order : node.textContent.trim(),
    } },
  }],
  layout: { topStart: "buttons", topEnd: "search", bottomStart: "info", bottomEnd: null },
  language: {
    search: "", searchPlaceholder: "Search", info: "_TOTAL_ traders",
    infoFiltered: "of _MAX_", infoEmpty: "no trader",
  },
});

// "3d": the fourth column, largest first.
function ordered(text) {
  const [, column, way] = /^(\d+)([ad])$/.exec(text ?? "") ?? [];
  return column ? [[Number(column), way === "a" ? "asc" : "desc"]] : [];
}

function pressed(kind) {
  return chips.filter((one) => one.dataset.kind === kind && one.ariaPressed === "true")
    .map((one) => one.dataset.value);
}

function first() {
  const chosen = periods.find((one) => one.ariaPressed === "true");
  const count = Number(chosen.dataset.sessions);
  return count ? Math.max(0, sessions.length - count) : 0;
}

table.search.fixed("chips", (text, data, at) => {
  const row = table.row(at).node();
  return ["level", "group", "strategy"].every((kind) => {
    const wanted = pressed(kind);
    return !wanted.length || wanted.includes(row.dataset[kind]);
  });
});

function cell(row, name, value, text) {
  const place = row.querySelector(`.${name}`);
  place.dataset.order = value ?? "";
  place.textContent = text;
}

// Sums of the period, then the charts of whoever is shown.
function show() {
  const from = first();
  const words = periods.find((one) => one.ariaPressed === "true").textContent;
  heads[0].querySelector(".dt-column-title").textContent = words === "all" ? "All" : words;
  for (const row of document.querySelectorAll("#overview tbody tr[data-trader]")) {
    const own = byTrader.get(row.dataset.trader);
    const nets = Object.entries(own.net).filter(([at]) => Number(at) >= from).map(([, net]) => net);
    const sum = nets.includes(null) ? null : nets.reduce((a, b) => a + b, 0);
    cell(row, "period", nets.length ? sum : null,
      !nets.length ? "–" : sum === null ? "not known" : board.money(sum));
    const count = own.beyond.filter((at) => at >= from).length;
    cell(row, "beyond", count, count);
  }
  table.rows().invalidate("dom").draw(false);
}

function charts() {
  const from = first();
  const shown = table.rows({ search: "applied" }).nodes().toArray().map((row) => byTrader.get(row.dataset.trader));
  const nets = sessions.slice(from).map((_, at) => shown
    .reduce((sum, one) => sum + (one.net[from + at] ?? 0), 0));
  const unknown = shown.reduce((count, one) => count
    + Object.entries(one.net).filter(([at, net]) => Number(at) >= from && net === null).length, 0);
  const total = nets.reduce((a, b) => a + b, 0);
  document.getElementById("cumulative-told").textContent = board.unbroken(
    `${shown.length} ${shown.length === 1 ? "trader" : "traders"}, ${nets.length} sessions: ${board.money(total)}; `
    + `the largest fall from a peak is ${board.money(-board.fall(nets))}.`
    + (unknown ? ` ${unknown} trader-days are not known, and not in it.` : ""));
  const ranked = shown.map((one) => ({
    name: one.name,
    net: Object.entries(one.net).reduce((sum, [at, net]) => sum + (Number(at) >= from ? net ?? 0 : 0), 0),
  })).filter((one) => one.net).sort((a, b) => a.net - b.net);
  // The largest losers and winners; whom there is no room for is said.
  const most = narrow() ? 8 : 12;
  const kept = ranked.length > 2 * most ? [...ranked.slice(0, most), ...ranked.slice(-most)] : ranked;
  document.getElementById("ranking-told").textContent = board.unbroken((kept.length ? `Most lost: ${kept[0].name}, ${board.money(kept[0].net)}. Most made: ${kept.at(-1).name}, ${board.money(kept.at(-1).net)}.` : "Nothing yet.")
    + (kept.length < ranked.length ? ` ${ranked.length - kept.length} between them are not shown.` : ""));
  const ranking = document.getElementById("ranking");
  ranking.style.height = `${110 + 17 * kept.length}px`;
  return Promise.all([
    board.cumulative(document.getElementById("cumulative"), [{ name: "Net P&L", dates: sessions.slice(from), nets }]),
    board.plot(ranking, [{
      type: "bar", orientation: "h", y: kept.map((one) => one.name), x: kept.map((one) => one.net),
      marker: { color: kept.map((one) => board.color(one.net < 0 ? "--loss" : "--gain")) },
      hovertemplate: "%{y}: %{x}<extra></extra>",
    }], {
      xaxis: board.dollars(),
      yaxis: { title: { text: "Trader" }, type: "category", autorange: "reversed", automargin: true, dtick: 1 },
    }),
  ]);
}

function kept() {
  const now = new URLSearchParams();
  for (const kind of ["level", "group", "strategy"]) {
    if (pressed(kind).length) now.set(kind, pressed(kind).join(","));
  }
  const period = periods.find((one) => one.ariaPressed === "true").dataset.period;
  if (period !== "1m") now.set("period", period);
  if (table.search()) now.set("q", table.search());
  const [order] = table.order();
  if (order?.length && order[1]) now.set("sort", `${order[0]}${order[1][0]}`);
  board.keep(now);
}

for (const chip of chips) {
  chip.ariaPressed = String((state.get(chip.dataset.kind) ?? "").split(",").includes(chip.dataset.value));
  chip.addEventListener("click", () => {
    chip.ariaPressed = String(chip.ariaPressed !== "true");
    table.draw();
  });
}
const wanted = periods.some((one) => one.dataset.period === state.get("period")) ? state.get("period") : "1m";
for (const chip of periods) {
  chip.ariaPressed = String(chip.dataset.period === wanted);
  chip.addEventListener("click", () => {
    periods.forEach((one) => { one.ariaPressed = String(one === chip); });
    show();
  });
}
show();
board.opened = charts();
kept();
table.on("draw", () => { charts(); kept(); });
