// The live page: shows what the stream sends, and turns red by its own clock when the
// stream is mute. It computes no figure but ages. Every text from outside is set as
// text, never as markup.
"use strict";

const element = (tag, properties = {}, ...children) => {
  const made = Object.assign(document.createElement(tag), properties);
  made.append(...children);
  return made;
};
const at = (id) => document.getElementById(id);
const meta = (name) => document.querySelector(`meta[name="${name}"]`).content;

// ------------------------------------------------------------------ words and numbers

const UNKNOWN = "unknown";
const number = (text) => (text === null || text === undefined ? null : Number(text));
const money = (text) => {
  const value = number(text);
  if (value === null) return UNKNOWN;
  const whole = Math.round(Math.abs(value));
  return `${value < 0 && whole ? "−" : ""}$${whole.toLocaleString("en-US")}`;
};
const plain = (text, digits = 4) => {
  const value = number(text);
  if (value === null) return UNKNOWN;
  return value.toLocaleString("en-US", { maximumFractionDigits: digits }).replace("-", "−");
};
const percent = (value) => {
  if (value === null || value === undefined) return UNKNOWN;
  return value > 0 && value < 0.005 ? "< 1 %" : `${Math.round(value * 100)} %`;
};
const times = (value) => (value === null || value === undefined ? UNKNOWN : `${value.toFixed(1)}×`);
const age = (seconds) => {
  if (seconds === null) return "";
  const whole = Math.max(0, Math.round(seconds));
  if (whole < 60) return `${whole} s`;
  if (whole < 3600) return `${Math.floor(whole / 60)} min`;
  return `${Math.floor(whole / 3600)} h ${Math.floor((whole % 3600) / 60)} min`;
};
const CLOCK = new Intl.DateTimeFormat("en-US", {
  timeZone: "America/New_York", hour: "2-digit", minute: "2-digit", second: "2-digit", hourCycle: "h23",
});
const clock = (iso) => (iso ? CLOCK.format(new Date(iso)) : "–");
const words = (name) => name.replaceAll("_", " ");
const SCOPES = { trader: "Trader", account: "Account", trader_group: "Group", strategy: "Strategy", desk: "Desk" };
const STATES = {
  green: ["● live", "low"], yellow: ["◆ look", "medium"], red: ["▲ red", "high"],
  dead: ["✕ no word", "high"], waiting: ["? waiting", "unknown"],
};
const SEVERITIES = { info: ["● info", "unknown"], warning: ["◆ warning", "medium"], critical: ["▲ critical", "high"] };

// --------------------------------------------------------------- what the stream sent

const parts = new Map();
let shownKind = "trader";
// Milliseconds that the session's clock, and the server's own, are ahead of ours: a
// simulated session has its own time.
let serverAhead = 0;
let wallAhead = 0;
let heard = { wall: 0, steady: 0 };
let asOf = null;
let lastNumber = null;
let problem = "";

const now = () => Date.now() + serverAhead;
const secondsSince = (iso) => (iso ? (now() - Date.parse(iso)) / 1000 : null);
// The wall clock runs on while a computer sleeps, the other one is never set back.
const silentSeconds = () => {
  const wall = Date.now() - heard.wall;
  return Math.max(wall < -1000 ? Infinity : wall, performance.now() - heard.steady) / 1000;
};

// A look takes a second or two at most; without a word for so long the server is gone.
const SILENT_SECONDS = 5;
const FIRST_PATIENCE = 3000; // Milliseconds; longer each time that it does not help.
let patience = FIRST_PATIENCE;
let stream = null;
let openedAt = 0;

function connect() {
  stream?.close();
  openedAt = performance.now();
  stream = new EventSource("/stream");
  stream.addEventListener("screen", (event) => take(JSON.parse(event.data)));
  stream.addEventListener("problem", (event) => {
    problem = JSON.parse(event.data);
    showLife();
  });
  stream.onerror = () => {
    showLife();
    // A browser does not come again by itself after an answer that is no stream.
    if (stream.readyState === EventSource.CLOSED) askWhy();
  };
}

async function askWhy() {
  try {
    const answer = await fetch("/version", { cache: "no-store" });
    if (answer.status === 401) location.assign("/login");
  } catch {
    // The server is gone; the watch below tries again.
  }
}

function take(event) {
  if (event.is_full) parts.clear();
  else if (event.number !== lastNumber + 1) {
    connect();
    return;
  }
  lastNumber = event.number;
  // Old is a screen from before, which is all that a server has whose look is stuck, and
  // what lay in a socket while the computer slept.
  if (event.is_full) wallAhead = event.sent + event.age - Date.now();
  const old = event.is_full ? event.age : Math.max(0, Date.now() + wallAhead - event.sent);
  heard = { wall: Date.now() - old, steady: performance.now() - old };
  problem = "";
  asOf = event.at;
  serverAhead = Date.parse(event.at) - heard.wall;
  if (old < SILENT_SECONDS * 1000) patience = FIRST_PATIENCE;
  for (const name of event.gone) parts.delete(name);
  const names = Object.keys(event.parts);
  for (const name of names) parts.set(name, event.parts[name]);
  for (const [name, fields] of Object.entries(event.fields)) {
    parts.set(name, { ...parts.get(name), ...fields });
    names.push(name);
  }
  if (event.is_full) {
    rows.clear();
    at("rows").tBodies[0].replaceChildren();
    seeVersion();
  }
  changed(event.is_full ? [...parts.keys()] : names, event.gone);
  showLife();
}

// A page of an older version than its server is loaded anew.
async function seeVersion() {
  const answer = await fetch("/version", { cache: "no-store" }).catch(() => null);
  if (answer?.ok && (await answer.text()) !== meta("version")) location.reload();
}

// ------------------------------------------------------------------------ alive or not

function showLife() {
  const head = parts.get("head");
  const silent = silentSeconds();
  const isDead = silent > SILENT_SECONDS || problem || !head;
  const state = !head && !problem && performance.now() < SILENT_SECONDS * 1000 ? "waiting" : isDead ? "dead" : head.state;
  document.body.dataset.state = state;
  const [said, level] = STATES[state];
  at("state").textContent = said;
  at("state").className = `level ${level}`;
  at("as-of").textContent = clock(asOf);
  if (state === "dead") {
    const since = asOf ? ` Nothing here knows what has happened since ${clock(asOf)} ET.` : "";
    at("dead").textContent = problem
      ? `✕ ${problem}${since}`
      : `✕ NO WORD FROM THE LIVE DESK${asOf ? ` for ${age(silent)}` : ""}.${since}`;
  }
  const open = openAlerts().length;
  document.title = `${state === "dead" ? "✕ NO WORD" : said.slice(0, 1)}${open ? ` (${open})` : ""} · Live desk`;
}

function watchOver() {
  showLife();
  // One that could not connect tries again by itself; one that ended or is mute does not.
  const isGone = stream.readyState === EventSource.CLOSED
    || (stream.readyState === EventSource.OPEN && silentSeconds() > SILENT_SECONDS);
  if (isGone && performance.now() - openedAt > patience) {
    patience = Math.min(2 * patience, 30_000);
    connect();
  }
  for (const show of ageing) show();
}
setInterval(watchOver, 1000);
const wake = () => {
  patience = FIRST_PATIENCE;
  watchOver();
};
for (const name of ["online", "pageshow"]) window.addEventListener(name, wake);
for (const name of ["visibilitychange", "resume"]) document.addEventListener(name, wake);

// --------------------------------------------------------------------- what is to show

const ageing = new Set(); // Functions that show what ages with the clock.
let waiting = null; // What changed and is not shown yet.

function changed(names, gone) {
  waiting ??= new Set();
  for (const name of [...names, ...gone]) waiting.add(name);
  // A page that nobody sees has no frames.
  if (document.hidden) setTimeout(draw, 1000);
  else requestAnimationFrame(draw);
}

function draw() {
  if (!waiting) return;
  const names = waiting;
  waiting = null;
  let hasAlerts = false;
  for (const name of names) {
    const value = parts.get(name);
    if (name === "head") showHead(value);
    else if (name === "sources") showSources(value);
    else if (name === "flags") showFlags(value);
    else if (name.startsWith("alert/")) hasAlerts = true;
    else if (name === "row/desk/desk") showDesk(value);
    else showPart(name, value);
  }
  if ([...names].some((one) => one.startsWith("row/") && !parts.has(one))) fill();
  if (hasAlerts || names.has("head")) showAlerts();
  if ([...names].some((one) => one.startsWith("row/"))) arrange();
}

function showHead(head) {
  if (!head) return;
  at("session").textContent = `, session of ${head.session_date}`;
  at("synthetic").hidden = !head.is_synthetic;
  const list = at("reasons").firstElementChild;
  const late = head.is_late ? ["A source is hours behind by its nature: what it sends is late."] : [];
  const reasons = [...head.reasons, ...late];
  list.replaceChildren(...reasons.map((one) => element("li", { textContent: one })));
  at("reasons").hidden = !reasons.length;
  const counts = Object.entries(head.counts).map(([name, count]) => `${plain(count)} ${words(name)}`);
  at("counts").textContent = counts.length ? `Reports: ${counts.join(", ")}.` : "";
}

function showSources(sources) {
  const body = at("sources");
  body.replaceChildren();
  ageing.delete(body.show);
  const cells = [];
  for (const one of sources ?? []) {
    const level = one.problem || !one.is_connected ? (one.is_finished ? "unknown" : "high") : one.missing.length ? "medium" : "low";
    const said = one.is_finished ? "● finished" : one.is_connected ? (one.missing.length ? "◆ gap" : "● connected") : "▲ not connected";
    const state = element("td", {}, element("span", { className: `level ${level}`, textContent: said }));
    if (one.is_synthetic) state.append(" synthetic");
    if (one.is_late) state.append(" late");
    if (one.problem) state.append(element("div", { textContent: one.problem }));
    const last = element("td", { className: "n" });
    const lastHeard = element("td", { className: "n" });
    cells.push([last, one.last_report_at], [lastHeard, one.last_heard_at]);
    const missing = one.missing.slice(0, 5).map(([first, to]) => (first === to ? first : `${first}–${to}`)).join(", ");
    body.append(element("tr", {},
      element("th", { scope: "row" }, element("bdi", { textContent: one.name }), ` (${one.kind})`),
      state, last, lastHeard,
      element("td", { className: "n", textContent: plain(one.reports_count) }),
      element("td", { textContent: missing ? `${missing}${one.missing.length > 5 ? " …" : ""}` : "none" })));
  }
  if (!cells.length) body.append(element("tr", {}, element("td", { colSpan: 6, textContent: "No source: nothing can come." })));
  body.show = () => {
    for (const [cell, since] of cells) cell.textContent = since ? `${age(secondsSince(since))} ago` : "never";
  };
  body.show();
  ageing.add(body.show);
}

function showFlags(flags) {
  at("flags-count").textContent = flags?.length ? "" : "nothing";
  at("flags").replaceChildren(...(flags ?? []).map((one) => element("li", {},
    element("b", { textContent: words(one.kind) }), " ", element("bdi", { textContent: one.subject }),
    `${one.count > 1 ? ` (${plain(one.count)})` : ""}: ${one.message}`,
    element("small", { textContent: ` since ${clock(one.since)}` }))));
}

// ------------------------------------------------------------------------- the desk

function openNote(row) {
  if (row.open_pnl === null) {
    return row.open_unknown.length ? `no fresh price: ${row.open_unknown.slice(0, 3).join(", ")}${row.open_unknown.length > 3 ? " …" : ""}` : "";
  }
  return row.open_price_at ? `oldest price ${age(secondsSince(row.open_price_at))}` : "";
}

function showDesk(row) {
  const tiles = at("desk");
  ageing.delete(tiles.show);
  if (!row) return;
  for (const place of tiles.querySelectorAll("[data-desk]")) {
    const value = row[place.dataset.desk];
    place.textContent = money(value);
  }
  const note = (key, text) => { tiles.querySelector(`[data-desk-note="${key}"]`).textContent = text; };
  note("net_pnl", row.unknown.length ? `not whole: ${row.unknown[0]}${row.unknown.length > 1 ? " and more" : ""}` : `${plain(row.fills_count)} fills, ${plain(row.trades_count)} trades`);
  note("realized_pnl", "before fees");
  note("estimated_fees", "estimated from past fills");
  note("drawdown", `largest today ${money(row.max_drawdown)}`);
  note("peak_net_pnl", row.give_back_ratio === null ? "" : `${percent(row.give_back_ratio)} given back`);
  note("gross_exposure", `largest position ${plain(row.largest_position)}`);
  tiles.show = () => note("open_pnl", openNote(row));
  tiles.show();
  ageing.add(tiles.show);
  at("desk-limits").replaceChildren(limitsOf(row));
}

function bar(share, level, isLatched, countsNow) {
  const made = element("span", { className: "bar", ariaHidden: "true" }, element("i"));
  if (share === null || share === undefined) made.classList.add("unknown");
  else made.style.setProperty("--share", share);
  if (isLatched || level >= 90 || (countsNow && share >= 0.9)) made.classList.add("hot");
  else if (level >= 50 || (countsNow && share >= 0.5)) made.classList.add("warm");
  return made;
}

function limitsOf(row) {
  const use = element("div", { className: "use" });
  for (const one of row.limits) {
    const isMoney = !["position", "trades", "losing_streak"].includes(one.rule);
    const show = isMoney ? money : plain;
    const more = element("span");
    if (one.latch) more.append(element("b", { textContent: `▲ breached at ${clock(one.latch.since)}, held until released ` }), decideButton("release", one.latch.alert_id));
    if (one.unknown) more.append(one.unknown);
    else if (!one.counts_now) more.append("counts at the close");
    else if (one.command) more.append(element("small", { textContent: one.command }));
    use.append(
      element("span", { textContent: words(one.rule) }),
      element("span", {}, bar(one.used_share, one.level, one.latch, one.counts_now), element("span", { className: "share", textContent: percent(one.used_share) })),
      element("span", { textContent: `${show(one.used)} of ${show(one.limit)}` }),
      more);
  }
  if (!row.limits.length && row.scope_type !== "desk") use.append(element("span", { textContent: "No limit is set." }));
  return use;
}

// ------------------------------------------------------------------------ the table

const levelOf = (row) => (row.latch ? ["▲ breached", "high"]
  : row.alert_level >= 90 ? [`▲ ${row.alert_level} %`, "high"]
    : row.alert_level >= 50 ? [`◆ ${row.alert_level} %`, "medium"]
      : row.tilt ? ["◆ tilt", "medium"]
        : !row.limits.length ? ["– no limit", "unknown"]
          : row.used_share === null ? ["? not known", "unknown"] : ["● within", "low"]);
// Head, what sorts (null is unknown and comes last), what is shown, and class.
const COLUMNS = [
  ["Name", (row) => row.scope_name, null, ""],
  ["State", (row) => (row.latch ? 200 : row.alert_level + (row.tilt ? 10 : 0) + (row.limits.length && row.used_share === null ? 1 : 0)), (row, cell) => {
    const [said, level] = levelOf(row);
    cell.replaceChildren(element("span", { className: `level ${level}`, textContent: said, title: row.tilt ?? "" }));
  }, ""],
  ["Limit", (row) => row.used_share, (row, cell) => {
    cell.replaceChildren(bar(row.used_share, row.alert_level, row.latch, row.limit_counts_now), element("span", { className: "share", textContent: row.limit === null ? "none" : percent(row.used_share) }));
    cell.title = row.limit_rule ? `${words(row.limit_rule)}: ${row.used === null ? UNKNOWN : plain(row.used, 0)} of ${plain(row.limit, 0)}` : "";
  }, "n"],
  ["P(breach)", (row) => row.chance.probability, (row, cell) => {
    cell.textContent = `${percent(row.chance.probability)}${row.chance.probability !== null && !row.chance.is_own ? "*" : ""}`;
    cell.title = row.chance.reason ?? (row.chance.base_rate === null ? "" : `${percent(row.chance.base_rate)} of past days`);
  }, "n"],
  // A question mark: something of it is not known, and is not in it.
  ["Net", (row) => number(row.net_pnl), (row) => `${money(row.net_pnl)}${row.unknown.length && row.net_pnl !== null ? " ?" : ""}`, "n"],
  ["Open", (row) => number(row.open_pnl), (row) => money(row.open_pnl), "n"],
  ["Price", (row) => (row.open_price_at ? -Date.parse(row.open_price_at) : null), null, "n wide"],
  ["Realized", (row) => number(row.realized_pnl), (row) => money(row.realized_pnl), "n wide"],
  ["Fees", (row) => number(row.estimated_fees), (row) => money(row.estimated_fees), "n wide"],
  ["Peak", (row) => number(row.peak_net_pnl), (row) => money(row.peak_net_pnl), "n wide"],
  ["Drawdown", (row) => number(row.drawdown), (row) => money(row.drawdown), "n"],
  ["Gross", (row) => number(row.gross_exposure), (row) => money(row.gross_exposure), "n wide"],
  ["Net exp.", (row) => number(row.net_exposure), (row) => money(row.net_exposure), "n wide"],
  ["Trades", (row) => row.trades_count, (row) => plain(row.trades_count), "n wide"],
  ["Tempo", (row) => row.usual.tempo_ratio, (row, cell) => { cell.textContent = times(row.usual.tempo_ratio); cell.title = usualSaid(row); }, "n wide"],
  ["Size", (row) => row.usual.size_ratio, (row, cell) => { cell.textContent = times(row.usual.size_ratio); cell.title = usualSaid(row); }, "n wide"],
  ["Streak", (row) => row.losing_streak, (row) => plain(row.losing_streak), "n wide"],
  ["Loss ago", (row) => (row.last_loss_at ? -Date.parse(row.last_loss_at) : null), null, "n wide"],
  ["Last fill", (row) => (row.last_fill_at ? Date.parse(row.last_fill_at) : null), (row) => clock(row.last_fill_at), "n wide"],
];
const AGES = { 6: (row) => (row.open_price_at ? age(secondsSince(row.open_price_at)) : "–"), 17: (row) => (row.last_loss_at ? age(secondsSince(row.last_loss_at)) : "–") };
const usualSaid = (row) => row.usual.unknown ?? `${plain(row.usual.trades_count, 1)} trades and ${plain(row.usual.quantity, 0)} units by now on ${row.usual.sessions_count} past sessions`;

const rows = new Map(); // Part name -> what is shown of it.
const opened = new Set();
// What needs attention first, unless somebody chose a column.
let order = { column: null, isDown: true };

COLUMNS.forEach(([head, , , kind], column) => {
  const button = element("button", { type: "button", textContent: head });
  const cell = element("th", { scope: "col", className: kind }, button);
  button.addEventListener("click", () => {
    const wantsDown = column !== 0;
    order = order.column !== column ? { column, isDown: wantsDown }
      : order.isDown === wantsDown ? { column, isDown: !wantsDown } : { column: null, isDown: true };
    arrange(true);
  });
  at("rows").tHead.rows[0].append(cell);
});

// An account that is all of a trader has no row of its own: it has the trader's.
function showPart(name, value) {
  if (name.startsWith(`row/${shownKind}/`)) showRow(name, value);
  else if (shownKind === "account" && name.startsWith("row/trader/") && value?.account_ids.length === 1) {
    const [account] = value.account_ids;
    const own = `row/account/${account}`;
    if (!parts.has(own)) showRow(own, { ...value, scope_type: "account", scope_name: account });
  }
}

function showRow(name, row) {
  let shown = rows.get(name);
  if (!row) {
    shown?.line.remove();
    shown?.detail?.remove();
    rows.delete(name);
    return;
  }
  if (!shown) {
    const line = element("tr");
    const button = element("button", { type: "button" }, element("bdi", { textContent: row.scope_name }));
    button.addEventListener("click", () => toggle(name));
    line.append(element("th", { scope: "row" }, button));
    for (const [, , , kind] of COLUMNS.slice(1)) line.append(element("td", { className: kind }));
    shown = { line, button, row, cells: [...line.cells], detail: null };
    rows.set(name, shown);
    at("rows").tBodies[0].append(line);
    if (opened.has(name)) open(name);
  } else if (row.fills_count !== shown.row.fills_count) {
    shown.line.classList.remove("flash");
    requestAnimationFrame(() => shown.line.classList.add("flash"));
  }
  shown.row = row;
  shown.line.classList.toggle("breached", Boolean(row.latch) || row.alert_level >= 100);
  shown.line.classList.toggle("warned", !row.latch && row.alert_level >= 75 && row.alert_level < 100);
  COLUMNS.forEach(([, , show], column) => {
    if (!show) return;
    const cell = shown.cells[column];
    const text = show(row, cell);
    if (text !== undefined && cell.textContent !== text) cell.textContent = text;
    if (show.length === 1) cell.classList.toggle("unknown-cell", text === UNKNOWN);
  });
  showAges(shown);
  if (shown.detail) refresh(name);
}

function showAges({ row, cells }) {
  for (const [column, show] of Object.entries(AGES)) {
    const text = show(row);
    if (cells[column].textContent !== text) cells[column].textContent = text;
  }
}
ageing.add(() => { if (!document.hidden) for (const shown of rows.values()) showAges(shown); });

// Order and filter. A row is not moved from under a pointer or a finger.
let isPointed = false;
let isAsked = false;
const body = at("rows").tBodies[0];
body.addEventListener("pointerenter", () => { isPointed = true; });
body.addEventListener("pointerleave", () => { isPointed = false; if (isAsked) arrange(); });
let arrangedAt = 0;

function arrange(isNow = false) {
  isAsked = true;
  if (!isNow && rows.size && (isPointed || body.contains(document.activeElement) || performance.now() - arrangedAt < 1000) && arrangedAt && !isFresh()) return;
  isAsked = false;
  arrangedAt = performance.now();
  const attention = [COLUMNS[1][1], COLUMNS[2][1]];
  const keys = order.column === null ? attention : [COLUMNS[order.column][1]];
  const direction = order.isDown ? -1 : 1;
  const sorted = [...rows.entries()].map(([name, shown]) => ({ name, shown, keys: keys.map((key) => key(shown.row)) }));
  sorted.sort((one, other) => {
    for (let place = 0; place < keys.length; place += 1) {
      const a = one.keys[place], b = other.keys[place];
      if (a === b) continue;
      if (a === null) return 1;
      if (b === null) return -1;
      return (a < b ? -1 : 1) * direction;
    }
    return one.shown.row.scope_name < other.shown.row.scope_name ? -1 : 1;
  });
  const wanted = at("find").value.trim().toLowerCase();
  let next = body.firstElementChild, count = 0;
  for (const { shown } of sorted) {
    const isFound = !wanted || shown.row.scope_name.toLowerCase().includes(wanted);
    count += isFound;
    for (const line of [shown.line, shown.detail]) {
      if (!line) continue;
      line.hidden = !isFound;
      if (line === next) next = next.nextElementSibling;
      else body.insertBefore(line, next);
    }
  }
  at("rows-count").textContent = `${plain(count)} of ${plain(rows.size)}${order.column === null ? ", what needs attention first" : ""}`;
  [...at("rows").tHead.rows[0].cells].forEach((cell, column) => {
    if (column === order.column) cell.ariaSort = order.isDown ? "descending" : "ascending";
    else cell.removeAttribute("aria-sort");
    cell.firstElementChild.textContent = COLUMNS[column][0] + (column === order.column ? (order.isDown ? " ↓" : " ↑") : "");
  });
}
const isFresh = () => body.rows.length === 0;
ageing.add(() => { if (isAsked) arrange(); });
at("find").addEventListener("input", () => arrange(true));

for (const chip of document.querySelectorAll(".chip[data-kind]")) {
  chip.addEventListener("click", () => {
    shownKind = chip.dataset.kind;
    for (const one of document.querySelectorAll(".chip[data-kind]")) one.ariaPressed = String(one === chip);
    fill();
    arrange(true);
  });
}

function fill() {
  rows.clear();
  body.replaceChildren();
  for (const [name, value] of parts) showPart(name, value);
}

// --------------------------------------------------------------- what a row opens to

function toggle(name) {
  const shown = rows.get(name);
  if (shown.detail) {
    shown.detail.remove();
    shown.detail = null;
    opened.delete(name);
    shown.button.ariaExpanded = "false";
  } else {
    opened.add(name);
    open(name);
  }
}

function open(name) {
  const shown = rows.get(name);
  shown.detail = element("tr", { className: "detail" }, element("td", { colSpan: COLUMNS.length }));
  shown.line.after(shown.detail);
  shown.button.ariaExpanded = "true";
  refresh(name);
}

// At most once a second for each that is open.
async function refresh(name) {
  const shown = rows.get(name);
  if (shown.isAsking) { shown.isStale = true; return; }
  shown.isAsking = true;
  const { row } = shown;
  let found = null;
  if (row.scope_type === "trader" || row.scope_type === "account") {
    const query = new URLSearchParams({ kind: row.scope_type, name: row.scope_name });
    const answer = await fetch(`/detail?${query}`).catch(() => null);
    found = answer?.ok ? await answer.json() : undefined;
  }
  if (shown.detail && !shown.detail.contains(document.activeElement)) shown.detail.cells[0].replaceChildren(...detailOf(rows.get(name)?.row ?? row, found));
  setTimeout(() => {
    shown.isAsking = false;
    if (shown.isStale && shown.detail) { shown.isStale = false; refresh(name); }
  }, 1000);
}

function detailOf(row, found) {
  const made = [limitsOf(row)];
  const facts = [
    row.tilt, row.usual.unknown ?? `Usual: ${usualSaid(row)}.`, row.chance.reason,
    `Total ${money(row.total_pnl)}, largest drawdown ${money(row.max_drawdown)}, largest position ${plain(row.largest_position)}.`,
    row.unknown.length ? `Not known: ${row.unknown.join(", ")}.` : null,
    row.open_unknown.length ? `No fresh price of ${row.open_unknown.join(", ")}.` : null,
    row.scope_type === "account" ? `Trader: ${row.trader_ids.join(", ")}.` : row.scope_type === "trader" ? `Accounts: ${row.account_ids.join(", ")}.` : `${plain(row.trader_ids.length)} traders, ${plain(row.account_ids.length)} accounts.`,
  ];
  for (const fact of facts) if (fact) made.push(element("p", { className: "note", textContent: fact }));
  if (found === undefined) made.push(element("p", { textContent: "Symbols and fills cannot be read just now." }));
  if (!found) return made;
  made.push(element("h3", { textContent: "Symbols" }), table(
    ["Symbol", "Account", "Position", "Average", "Last price", "at", "Gross", "Net", "Open", "Exposure", "Fills"],
    found.symbols.map((one) => [one.symbol, one.account_id, plain(one.position_quantity), plain(one.average_price), plain(one.mark_price), one.mark_at ? clock(one.mark_at) : "last night", money(one.gross_pnl), money(one.net_pnl), money(one.open_pnl), money(one.exposure), plain(one.fills_count)]), 2));
  made.push(element("h3", { textContent: "Last reports" }), table(
    ["at", "Symbol", "Account", "What", "Side", "Quantity", "Price", "Source"],
    found.reports.toReversed().map((one) => [clock(one.executed_at), one.symbol, one.account, one.kind === "new" ? "fill" : one.kind, { B: "buy", C: "cover", S: "sell", T: "short" }[one.side], plain(one.quantity), plain(one.price), one.source]), 5));
  return made;
}

function table(heads, lines, numbersFrom) {
  const kind = (column) => (column >= numbersFrom && heads[column] !== "Source" ? "n" : "");
  const made = element("table", {}, element("thead", {}, element("tr", {}, ...heads.map((one, column) => element("th", { scope: "col", className: kind(column), textContent: one })))));
  made.append(element("tbody", {}, ...lines.map((line) => element("tr", {}, ...line.map((one, column) => element("td", { className: kind(column) }, element("bdi", { textContent: one })))))));
  if (!lines.length) return element("p", { className: "note", textContent: "None yet." });
  return element("div", { className: "scroll" }, made);
}

// ------------------------------------------------------------------------- alerts

const alerts = () => [...parts].filter(([name]) => name.startsWith("alert/")).map(([, one]) => one)
  .sort((one, other) => other.is_latched - one.is_latched || (one.raised_at < other.raised_at ? 1 : -1));
const isOpen = (one) => one.is_latched || !one.acknowledged_by;
const openAlerts = () => alerts().filter(isOpen);
const MOST_ALERTS = 200;

function showAlerts() {
  const all = alerts();
  const open = all.filter(isOpen);
  const past = all.filter((one) => !isOpen(one));
  at("alerts-count").textContent = open.length ? `${plain(open.length)} to look at` : "none to look at";
  const isTyped = at("decide").open;
  if (!isTyped) {
    at("alerts").replaceChildren(...open.slice(0, MOST_ALERTS).map(alertLine));
    if (open.length > MOST_ALERTS) at("alerts").append(element("li", { textContent: `… and ${plain(open.length - MOST_ALERTS)} older ones` }));
  }
  at("past-alerts").hidden = !past.length;
  at("past-alerts").firstElementChild.textContent = `${plain(past.length)} acknowledged`;
  at("past-alerts").lastElementChild.replaceChildren(...past.slice(0, MOST_ALERTS).map(alertLine));
}

function alertLine(one) {
  const [said, level] = SEVERITIES[one.severity];
  const line = element("li", { className: one.is_over && !one.is_latched ? "over" : "" },
    element("span", { className: `level ${level}`, textContent: said }),
    element("time", { dateTime: one.raised_at, textContent: clock(one.raised_at) }),
    element("span", {}, element("bdi", { textContent: one.text })));
  line.dataset.alert = one.alert_id;
  const state = [
    one.is_latched ? "▲ breach holds until released" : one.is_over ? "over" : "",
    one.acknowledged_by ? `acknowledged by ${one.acknowledged_by} at ${clock(one.acknowledged_at)}${one.acknowledge_reason ? `: ${one.acknowledge_reason}` : ""}` : "",
    one.released_by ? `released by ${one.released_by} at ${clock(one.released_at)}: ${one.release_reason}` : "",
    one.delivery ?? "",
  ].filter(Boolean).join("; ");
  line.append(element("small", { textContent: state }));
  if (one.has_case) line.append(element("a", { className: "quiet", textContent: "case file", href: `/case/${encodeURIComponent(one.alert_id)}`, target: "_blank", rel: "noopener" }));
  if (!one.acknowledged_by) line.append(decideButton("acknowledge", one.alert_id));
  if (one.is_latched) line.append(decideButton("release", one.alert_id));
  return line;
}

// ------------------------------------------------------- what a person may do: two things

const dialog = at("decide");
let deciding = null;

function decideButton(what, alertId) {
  const made = element("button", { type: "button", className: "chip", textContent: what === "release" ? "Release …" : "Acknowledge …" });
  made.dataset.decide = what;
  made.addEventListener("click", () => decide(what, alertId));
  return made;
}

function decide(what, alertId) {
  deciding = { what, alertId };
  const alert = parts.get(`alert/${alertId}`);
  at("decide-title").textContent = what === "release" ? "Release a breach" : "Acknowledge an alert";
  at("decide-text").textContent = `${alert?.text ?? alertId}${what === "release" ? " The limit is watched anew from here on." : ""}`;
  at("decide-by").hidden = Boolean(meta("person"));
  at("decide-reason").firstChild.textContent = what === "release" ? "Reason " : "Reason (may be left out) ";
  at("decide-problem").hidden = true;
  dialog.querySelector("textarea").value = "";
  dialog.showModal();
}

dialog.querySelector("form").addEventListener("submit", async (event) => {
  event.preventDefault();
  const { what, alertId } = deciding;
  const told = { alert_id: alertId, by: dialog.querySelector("input").value, reason: dialog.querySelector("textarea").value };
  const problem = await send(`/${what}`, told);
  if (problem) {
    at("decide-problem").textContent = problem;
    at("decide-problem").hidden = false;
  } else dialog.close();
});
at("decide-cancel").addEventListener("click", () => dialog.close());
dialog.addEventListener("close", showAlerts);

// Send a change; a sentence of what went wrong, or nothing.
async function send(path, told) {
  const answer = await fetch(path, {
    method: "POST", body: JSON.stringify(told),
    headers: { "content-type": "application/json", "x-csrf-token": meta("token") },
  }).catch(() => null);
  if (!answer) return "The live desk does not answer: nothing was done.";
  return answer.ok ? "" : (await answer.text()) || `Refused (${answer.status}).`;
}

at("logout")?.addEventListener("click", async () => {
  await send("/logout", {});
  location.assign("/login");
});

connect();
