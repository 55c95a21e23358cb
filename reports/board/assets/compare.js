// Two to four traders over a period, or one trader over two; the address keeps the choice.
"use strict";

const { sessions, traders } = board.files["data/desk.js"];
const byTrader = new Map(traders.map((one) => [one.id, one]));
const form = document.getElementById("choice");

function part(name, trader, from, to) {
  const dates = [], nets = [];
  let unknown = 0;
  for (const [at, net] of Object.entries(trader.net)) {
    const date = sessions[at];
    if ((from && date < from) || (to && date > to)) continue;
    if (net === null) { unknown += 1; continue; }
    dates.push(date);
    nets.push(net);
  }
  const beyond = trader.beyond.filter((at) => (!from || sessions[at] >= from) && (!to || sessions[at] <= to));
  return { name, page: trader.page, dates, nets, unknown, beyond: beyond.length };
}

const sum = (values) => values.reduce((a, b) => a + b, 0);
const mean = (values) => (values.length ? sum(values) / values.length : null);
const share = (value) => (value === null ? "–" : `${Math.round(100 * value)} %`);

// How each is described: the name of the line, and its words.
const LINES = [
  ["Net P&L", (one) => board.money(one.nets.length ? sum(one.nets) : null)],
  ["Days", (one) => String(one.nets.length) + (one.unknown ? `, ${one.unknown} more not known` : "")],
  ["Mean day", (one) => board.money(mean(one.nets))],
  ["Lost on", (one) => share(one.nets.length ? mean(one.nets.map((net) => Number(net < 0))) : null)],
  ["Average win", (one) => board.money(mean(one.nets.filter((net) => net > 0)))],
  ["Average loss", (one) => board.money(mean(one.nets.filter((net) => net < 0)))],
  ["Average win / average loss", (one) => {
    const [won, lost] = [mean(one.nets.filter((net) => net > 0)), mean(one.nets.filter((net) => net < 0))];
    return won === null || lost === null ? "–" : (won / -lost).toFixed(2);
  }],
  ["Worst day", (one) => board.money(one.nets.length ? Math.min(...one.nets) : null)],
  ["on", (one) => (one.nets.length ? one.dates[one.nets.indexOf(Math.min(...one.nets))] : "–")],
  ["Best day", (one) => board.money(one.nets.length ? Math.max(...one.nets) : null)],
  ["Largest fall from a peak", (one) => board.money(one.nets.length ? -board.fall(one.nets) : null)],
  ["Days closed beyond the limit", (one) => String(one.beyond)],
];

// Of two traders, on the days that both traded.
function together(one, other) {
  const at = new Map(other.dates.map((date, place) => [date, other.nets[place]]));
  const pairs = one.dates.flatMap((date, place) => (at.has(date) ? [[one.nets[place], at.get(date)]] : []));
  if (pairs.length < 3) return "fewer than three days in common";
  const [a, b] = [mean(pairs.map((pair) => pair[0])), mean(pairs.map((pair) => pair[1]))];
  const across = sum(pairs.map(([x, y]) => (x - a) * (y - b)));
  const spread = Math.sqrt(sum(pairs.map(([x]) => (x - a) ** 2)) * sum(pairs.map(([, y]) => (y - b) ** 2)));
  const both = pairs.filter(([x, y]) => x < 0 && y < 0).length;
  const correlation = spread ? (across / spread).toFixed(2).replace("-", "−") : "–";
  return `${one.name} and ${other.name}: correlation ${correlation} on ${pairs.length} days in common; both lost on ${both}`;
}

function parts() {
  const values = (name) => [...form.elements].filter((one) => one.name === name).map((one) => one.value);
  const chosen = values("trader").map((id) => byTrader.get(id)).filter(Boolean);
  const [from] = values("from"), [to] = values("to"), [otherFrom] = values("other-from"), [otherTo] = values("other-to");
  if (chosen.length === 1 && (otherFrom || otherTo)) {
    const words = (a, b) => `${chosen[0].name}, ${a || "the first day"} to ${b || "the last"}`;
    return [part(words(from, to), chosen[0], from, to), part(words(otherFrom, otherTo), chosen[0], otherFrom, otherTo)];
  }
  return chosen.map((one) => part(one.name, one, from, to));
}

function show() {
  const found = parts();
  const table = document.getElementById("figures");
  const { element } = board;
  table.replaceChildren();
  if (found.length) {
    table.append(
      element("thead", {}, element("tr", {}, element("th"), ...found.map((one) => element(
        "th", { className: "n" }, element("a", { href: one.page, textContent: one.name }))))),
      element("tbody", {}, ...LINES.map(([name, words]) => element("tr", {}, element("th", { textContent: name }),
        ...found.map((one) => element("td", { className: "n", textContent: words(one) }))))),
    );
  }
  const pairs = found.length > 1 && found[0].page !== found[1].page
    ? found.flatMap((one, at) => found.slice(at + 1).map((other) => together(one, other))) : [];
  document.getElementById("said").textContent = pairs.length ? `${pairs.join(". ")}.`
    : found.length > 1 ? "" : "Choose two to four traders, or one trader and two periods. The address keeps the choice.";
  document.getElementById("cumulative-told").textContent = board.unbroken(found
    .map((one) => `${one.name}: ${LINES[0][1](one)}`).join("; "));
  const now = new URLSearchParams();
  const chosen = [...form.elements].filter((one) => one.name === "trader" && one.value).map((one) => encodeURIComponent(one.value));
  if (chosen.length) now.set("t", chosen.join(","));
  for (const name of ["from", "to", "other-from", "other-to"]) {
    if (form.elements[name].value) now.set(name, form.elements[name].value);
  }
  board.keep(now);
  return board.cumulative(document.getElementById("cumulative"), found.map((one) => (
    // Two periods begin at the same place.
    pairs.length || found.length < 2 ? one : { ...one, dates: one.nets.map((_, at) => at + 1) })));
}

function choose() {
  const state = board.state();
  const chosen = (state.get("t") ?? "").split(",").map(decodeURIComponent);
  [...form.elements].filter((one) => one.name === "trader").forEach((one, at) => {
    one.value = byTrader.has(chosen[at]) ? chosen[at] : "";
  });
  for (const name of ["from", "to", "other-from", "other-to"]) form.elements[name].value = state.get(name) ?? "";
  return show();
}

form.addEventListener("change", show);
window.addEventListener("hashchange", choose);
board.opened = choose();
