// A trader's days: the calendar, and the details of the day that is opened.
"use strict";

const read = JSON.parse(document.getElementById("days").textContent);
const { kept } = read;
const named = (names, values) => Object.fromEntries(names.map((name, at) => [name, values[at]]));
const all = ({ names, rows }) => Object.fromEntries(Object.entries(rows).map(([date, values]) => [date, named(names, values)]));
const days = all(read.days);
const forecasts = all(read.forecasts);
for (const [date, day] of Object.entries(days)) {
  day.forecast = forecasts[date];
  day.breaches = read.breaches.rows.filter((row) => row[0] === date).map((row) => named(read.breaches.names, row.slice(1)));
}
const dates = Object.keys(days).sort();
const place = document.getElementById("day");
const { element, money } = board;
const WEEKDAYS = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"];
const weekday = (date) => new Date(`${date}T12:00:00Z`).getUTCDay();

function calendar() {
  const into = document.getElementById("calendar");
  if (!into) return;
  const sizes = dates.map((date) => days[date].net_pnl).filter((net) => net !== null)
    .map(Math.abs).sort((a, b) => a - b);
  // A single day far out would leave all others pale.
  const full = sizes[Math.floor(0.95 * (sizes.length - 1))] || 1;
  const weekends = dates.some((date) => [0, 6].includes(weekday(date)));
  into.style.setProperty("--columns", weekends ? 7 : 5);
  for (const month of [...new Set(dates.map((date) => date.slice(0, 7)))].reverse()) {
    const cells = [];
    const count = new Date(Date.UTC(Number(month.slice(0, 4)), Number(month.slice(5)), 0)).getUTCDate();
    for (let number = 1; number <= count; number += 1) {
      const date = `${month}-${String(number).padStart(2, "0")}`;
      const column = (weekday(date) + 6) % 7;
      if (!weekends && column > 4) continue;
      const day = days[date];
      const cell = day ? element("a", { href: `#${date}`, textContent: day.net_pnl === null ? "?" : number })
        : element("span", { textContent: number });
      if (!cells.length) cell.style.gridColumn = column + 1;
      if (day) {
        cell.title = `${WEEKDAYS[weekday(date)]} ${date}: ${day.net_pnl === null ? "not known" : money(day.net_pnl)}`;
        cell.dataset.date = date;
        if (day.net_pnl !== null) {
          cell.classList.add(day.net_pnl < 0 ? "lost" : "won");
          cell.style.setProperty("--part", Math.min(1, Math.abs(day.net_pnl) / full).toFixed(2));
          if (day.net_pnl < -day.limit_amount) cell.classList.add("beyond");
        }
      }
      cells.push(cell);
    }
    into.append(element("div", { className: "month" }, element("b", { textContent: month }), ...cells));
  }
}

function tile(name, value, small) {
  return element("div", { className: "tile" }, element("span", { textContent: name }),
    element("b", { textContent: value }), element("small", { textContent: board.unbroken(small ?? "") }));
}

const percent = (value) => (value === null || value === undefined ? "–" : `${Math.round(100 * value)}%`);

function summed(date, day) {
  const { forecast } = day;
  const tiles = [
    tile("Net, realized", day.net_pnl === null ? "not known" : money(day.net_pnl),
      day.total_pnl === null ? (day.unknown_parts ?? "total not known")
        : `total ${money(day.total_pnl)}, with adjustments and unrealized`),
    tile("Highest", money(day.peak_net_pnl), day.peak_at_et ? `at ${day.peak_at_et} ET` : ""),
    tile("Lowest", money(day.trough_net_pnl), day.trough_at_et ? `at ${day.trough_at_et} ET` : ""),
    tile(day.is_limit_set ? "Daily loss limit" : "Limit (default, not set)", money(day.limit_amount),
      day.trough_net_pnl === null || day.trough_net_pnl === undefined ? ""
        : `${percent(Math.max(0, -day.trough_net_pnl) / day.limit_amount)} used at the lowest`),
    tile("Largest exposure", money(day.peak_gross_exposure),
      `${day.largest_symbol ? `largest in ${day.largest_symbol}; ` : ""}overnight ${money(day.overnight_gross_exposure)}`),
  ];
  if (forecast) {
    tiles.push(tile(forecast.is_replayed ? "Simulated forecast" : "Forecast that morning",
      `${forecast.limit_risk ?? forecast.risk_level}`,
      `chance of a breach ${percent(forecast.limit_loss_probability)}, P(loss) ${percent(forecast.loss_probability)}, `
      + `1-in-20 ${money(forecast.predicted_pnl_p05)}`));
  }
  return element("div", { className: "tiles" }, ...tiles);
}

const afterwards = (count, net) => `${count} fills came after it and ${net < 0 ? "lost" : "made"} ${money(Math.abs(net))}.`;

function breached(day) {
  return day.breaches.map((one) => {
    const amount = (value) => (one.limit_unit === "dollars" ? money(value) : Math.round(value).toLocaleString("en-US"));
    const at = one.breached_at_et ? `at ${one.breached_at_et} ET` : one.is_past_at_open ? "from the open" : "at the close";
    const after = one.fills_after_breach_count === null ? ""
      : ` ${afterwards(one.fills_after_breach_count, one.net_pnl_after_breach)}`;
    return element("p", { className: "warning" }, board.unbroken(
      `! ${one.rule.replaceAll("_", " ")}: ${amount(one.most_value)} against a limit of ${amount(one.limit_value)}, `
      + `breached ${at}, holding ${(one.positions || "nothing").replace(/(^|, )-/g, "$1−")}.${after} `
      + (one.note ? `Status ${one.status}: ${one.note} (${one.noted_by}).` : `Status ${one.status}.`)));
  });
}

// Of who has no limit: when the day was beyond the default, what was held, what came after.
function beyond(date, day, fills) {
  const past = fills.findIndex((fill) => fill[1] < -day.limit_amount);
  if (day.is_limit_set || past < 0) return [];
  const held = new Map((day.opening ?? []).map(([symbol, quantity]) => [symbol, Number(quantity)]));
  for (const [, , symbol, quantity] of fills.slice(0, past + 1)) held.set(symbol, (held.get(symbol) ?? 0) + quantity);
  const positions = [...held].filter(([, quantity]) => Math.abs(quantity) > 1e-9)
    .map(([symbol, quantity]) => `${plain(quantity, 6)} ${symbol}`).join(", ");
  const after = fills.length - past - 1;
  return [element("p", { className: "warning" }, board.unbroken(
    `! Beyond the default limit of ${money(day.limit_amount)} at ${moment(date, fills[past][0]).slice(11)} ET, `
    + `holding ${positions || "nothing"}. ${afterwards(after, fills.at(-1)[1] - fills[past][1])}`))];
}

// A moment of the day's path; an evening before has seconds below zero.
const moment = (date, seconds) => new Date(Date.parse(`${date}T00:00:00Z`) + 1000 * seconds).toISOString().slice(0, 19);

function path(into, date, day, fills) {
  // From zero, where every day begins.
  const x = [fills[0], ...fills].map((fill) => moment(date, fill[0]));
  const y = [0, ...fills.map((fill) => fill[1])];
  const words = ["before the first fill", ...fills.map(([, net, symbol, quantity, price]) =>
    `${quantity < 0 ? "sold" : "bought"} ${Math.abs(quantity).toLocaleString("en-US")} ${symbol} at ${price}<br>day so far ${money(net)}`
      .replaceAll("&", "&amp;"))];
  const mark = (at, name, symbol, color) => (at < 0 ? [] : [{
    type: "scatter", mode: "markers", name, x: [x[at]], y: [y[at]], hoverinfo: "skip",
    marker: { symbol, size: 12, color: board.color(color), line: { width: 1, color: board.color("--page") } },
  }]);
  const past = y.findIndex((net) => net < -day.limit_amount);
  return board.plot(into, [
    {
      type: "scatter", mode: fills.length > 400 ? "lines" : "lines+markers", name: "Net P&L", x, y, text: words,
      line: { shape: "hv", color: board.color("--gain"), width: 1.6 }, marker: { size: 4 },
      hovertemplate: "%{x|%H:%M:%S}: %{text}<extra></extra>",
    },
    {
      type: "scatter", mode: "lines", name: "Daily loss limit", x: [x[0], x.at(-1)],
      y: [-day.limit_amount, -day.limit_amount], hoverinfo: "skip",
      line: { color: board.color("--loss"), dash: "dash", width: 1.5 },
    },
    ...mark(y.indexOf(Math.max(...y)), "Highest", "triangle-up", "--gain"),
    ...mark(y.indexOf(Math.min(...y)), "Lowest", "triangle-down", "--loss"),
    ...mark(past, "Beyond the limit", "x", "--loss"),
  ], {
    xaxis: { title: { text: "Time, Eastern" }, type: "date", tickformat: "%H:%M" }, yaxis: board.dollars(),
  });
}

function rows(heads, lines) {
  const table = element("table", {},
    element("thead", {}, element("tr", {}, ...heads.map(([name, isNumber]) => element("th", { scope: "col", className: isNumber ? "n" : "", textContent: name })))),
    element("tbody", {}, ...lines.map((line) => element("tr", {}, ...line.map((value, at) => {
      const [shown, sorted] = Array.isArray(value) ? value : [value, undefined];
      const cell = element("td", { className: heads[at][1] ? "n" : "w", textContent: shown });
      if (sorted !== undefined) cell.dataset.order = sorted;
      return cell;
    })))));
  return table;
}

const plain = (value, digits) => value.toLocaleString("en-US", { maximumFractionDigits: digits }).replace("-", "−");

// Fills of a day as [seconds since midnight, net P&L of the day so far, symbol, quantity, price].
function unfolded(fills) {
  let seconds = 0, cents = 0;
  return (fills?.seconds ?? []).map((since, at) => {
    seconds += since;
    cents += fills.cents[at];
    return [seconds, cents / 100, fills.symbols[fills.places[at]], fills.quantities[at], fills.prices[at]];
  });
}

async function open(date) {
  for (const cell of document.querySelectorAll("#calendar a")) {
    if (cell.dataset.date === date) cell.setAttribute("aria-current", "date");
    else cell.removeAttribute("aria-current");
  }
  const day = days[date];
  place.hidden = !/^\d{4}-\d\d-\d\d$/.test(date);
  if (place.hidden) { place.replaceChildren(); return; }
  const at = dates.indexOf(date);
  const near = day ? [dates[at - 1], dates[at + 1]]
    : [dates.filter((one) => one < date).at(-1), dates.find((one) => one > date)];
  const head = element("h2", {}, `${WEEKDAYS[weekday(date)]} ${date}`,
    ...near.flatMap((other, number) => (other ? [element("a", { href: `#${other}`, textContent: number ? `${other} →` : `← ${other}` })] : [])),
    element("a", { href: "#", className: "close", textContent: "Close" }));
  place.replaceChildren(head);
  if (!day) {
    place.append(element("p", { textContent: "No P&L on this date." }));
    return;
  }
  const chart = element("div", { className: "plot" });
  chart.style.height = "340px";
  chart.setAttribute("role", "img");
  chart.setAttribute("aria-label", `Net P&L within ${date}`);
  const trades = element("div", { className: "scroll" });
  place.append(...breached(day), summed(date, day),
    element("figure", { className: "chart" }, element("figcaption", { textContent: "Net P&L within the day, fill by fill" }), chart), trades);
  const month = date.slice(0, 7);
  const file = `${kept}${month}.js`;
  let found;
  try {
    found = (await board.read(file.replace("../", ""), file))[date];
  } catch { found = undefined; }
  if (place.querySelector(".plot") !== chart) return;
  if (!found) {
    chart.closest("figure").remove();
    trades.replaceWith(element("p", { className: "note", textContent: "Its fills are not on the board: it is more than two years back, or none has a time. marts.fct_fills has them." }));
    return;
  }
  const done = unfolded(found.fills);
  head.after(...beyond(date, day, done));
  if (done.length) await path(chart, date, day, done);
  else chart.closest("figure").remove();
  // A number is a time of this day, anything else the day on which it was opened.
  const times = (value) => (typeof value === "number" ? moment(date, value).slice(11) : value ?? "–");
  const closed = rows(
    [["Opened"], ["Closed"], ["Side"], ["Symbol"], ["Quantity", true], ["In", true], ["Out", true], ["Fees", true], ["Net", true]],
    found.trades.map(([opened, shut, isLong, symbol, quantity, into, out, fees, net]) => [
      times(opened), times(shut), isLong ? "long" : "short", symbol, [plain(quantity, 6), quantity], [plain(into, 4), into],
      out === null ? "–" : [plain(out, 4), out], [plain(fees, 2), fees], net === null ? "not known" : [money(net), net],
    ]));
  trades.append(element("h3", { textContent: `${found.trades.length} trades closed` }), closed);
  if (found.trades.length) board.table(closed);
  const fills = element("details", {}, element("summary", { textContent: `${done.length} fills` }));
  fills.addEventListener("toggle", () => {
    if (fills.querySelector("table")) return;
    fills.append(element("div", { className: "scroll" }, rows(
      [["Time"], ["Side"], ["Symbol"], ["Quantity", true], ["Price", true], ["Day so far", true]],
      done.map(([seconds, net, symbol, quantity, price]) => [
        moment(date, seconds).slice(11), quantity < 0 ? "sold" : "bought", symbol,
        plain(Math.abs(quantity), 6), plain(price, 6), money(net)]))));
  });
  place.append(fills);
}

async function follow() {
  const began = performance.now();
  await open(location.hash.slice(1));
  if (!place.hidden) {
    place.dataset.opened = Math.round(performance.now() - began);
    place.scrollIntoView({ block: "nearest" });
  }
}

calendar();
window.addEventListener("hashchange", follow);
board.opened = follow();
