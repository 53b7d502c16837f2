"use strict";

// Tables sort by the buttons in their heads.

const valueOf = (cell) => {
  if (cell.dataset.v !== undefined) return Number(cell.dataset.v);
  const text = cell.textContent.trim().replace("−", "-");
  const number = parseFloat(text);
  if (text === "" || text === "–") return null;
  return /^[+-]?[\d.]+(e[+-]?\d+)?\s*[%×]?$/i.test(text) && !Number.isNaN(number) ? number : text.toLowerCase();
};

const compare = (a, b) => {
  if (a === null || b === null) return a === b ? 0 : a === null ? 1 : -1;
  if (typeof a === "number" && typeof b === "number") return a - b;
  return String(a).localeCompare(String(b), "en", { numeric: true });
};

const sortBy = (head) => {
  const table = head.closest("table");
  const column = head.cellIndex;
  const ascending = head.getAttribute("aria-sort") !== "ascending";
  for (const other of table.tHead.rows[0].cells) other.removeAttribute("aria-sort");
  head.setAttribute("aria-sort", ascending ? "ascending" : "descending");
  const body = table.tBodies[0];
  const rows = [...body.rows].map((row) => [valueOf(row.cells[column]), row]);
  rows.sort(([a], [b]) => (a === null || b === null || ascending ? compare(a, b) : compare(b, a)));
  body.append(...rows.map(([, row]) => row));
  // Lines join neighbours, and neighbours are others now.
  table.querySelectorAll(".lanes > [aria-hidden]").forEach((lines) => { lines.hidden = true; });
};

document.querySelectorAll("table.sortable .sort").forEach((button) => {
  button.addEventListener("click", () => sortBy(button.closest("th")));
});

// A board of a part of the cells: the same means of the same errors, with plain t intervals.

const mean = (values) => values.reduce((sum, value) => sum + value, 0) / values.length;

const ranksOf = (errors) => {
  const order = errors.map((error, place) => [error === null ? Infinity : error, place]);
  order.sort(([a], [b]) => a - b || (a < b ? -1 : a > b ? 1 : 0));
  const ranks = new Array(errors.length);
  for (let from = 0; from < order.length;) {
    let to = from + 1;
    while (to < order.length && !(order[to][0] > order[to - 1][0] * (1 + 1e-12))) to += 1;
    for (let at = from; at < to; at += 1) ranks[order[at][1]] = (from + 1 + to) / 2;
    from = to;
  }
  return ranks;
};

// Values of cells, [cell][entrant], as means over each origin's hosts, and these over their cells.
const byOrigin = (cells, values) => {
  const origins = new Map();
  cells.forEach((cell, at) => {
    const hosts = origins.get(cell.origin) ?? origins.set(cell.origin, new Map()).get(cell.origin);
    (hosts.get(cell.base) ?? hosts.set(cell.base, []).get(cell.base)).push(values[at]);
  });
  const columns = values[0].map((_, at) => at);
  const over = (rows) => columns.map((at) => (rows.some((row) => row[at] === null) ? null : mean(rows.map((row) => row[at]))));
  return [...origins.values()].map((hosts) => over([...hosts.values()].map(over)));
};

const estimate = (values, quantiles) => {
  if (values.some((value) => value === null)) return { mean: null, low: null, high: null };
  const n = values.length;
  const middle = mean(values);
  if (n < 2) return { mean: middle, low: null, high: null };
  const spread = Math.sqrt(values.reduce((sum, value) => sum + (value - middle) ** 2, 0) / (n - 1));
  const half = (quantiles[n - 2] * spread) / Math.sqrt(n);
  return { mean: middle, low: middle - half, high: middle + half };
};

// Effects are shares: no interval of one reaches further.
const within = (found) => (found.low === null ? found
  : { mean: found.mean, low: Math.max(found.low, -1), high: Math.min(found.high, 1) });

const effectOf = (candidate, baseline) => {
  if (candidate === null || baseline === null) return null;
  const larger = Math.max(candidate, baseline);
  return larger === 0 ? 0 : (baseline - candidate) / larger;
};

// Maximal runs of neighbours in rank that are less than Nemenyi's critical difference apart.
const groupsOf = (ranks, n, nemenyi) => {
  const k = ranks.length;
  if (nemenyi === null || n < 5) return [];
  const distance = nemenyi / Math.sqrt(n);
  const runs = [];
  for (let first = 0; first < k; first += 1) {
    let last = first;
    while (last + 1 < k && ranks[last + 1] - ranks[first] < distance) last += 1;
    if (last > first && (runs.length === 0 || last > runs[runs.length - 1][1])) runs.push([first, last]);
  }
  return runs;
};

const partOf = (board, setting, picked) => {
  const { cells, errors } = board.settings[setting];
  const kept = cells.map((_, at) => at)
    .filter((at) => Object.entries(picked).every(([name, value]) => cells[at][name] === value));
  const some = kept.map((at) => cells[at]);
  if (some.length === 0) return { n: 0, rows: [], groups: [] };
  const values = kept.map((at) => errors[at]);
  const baseline = board.entrants.findIndex((entrant) => entrant.baseline);
  const ranks = byOrigin(some, values.map(ranksOf));
  const effects = byOrigin(some, values.map((row) => row.map((error) => effectOf(error, row[baseline]))));
  const rows = board.entrants.map((entrant, at) => ({
    at,
    entrant,
    rank: estimate(ranks.map((row) => row[at]), board.t),
    effect: at === baseline ? null : within(estimate(effects.map((row) => row[at]), board.t)),
  }));
  rows.sort((a, b) => a.rank.mean - b.rank.mean || compare(a.entrant.name, b.entrant.name));
  return { n: ranks.length, rows, groups: groupsOf(rows.map((row) => row.rank.mean), ranks.length, board.nemenyi) };
};

const total = (board, setting) => new Set(board.settings[setting].cells.map((cell) => cell.origin)).size;

const minus = (text) => text.replace("-", "−");
const percent = (value) => (value === null ? "–" : minus(`${value > 0 ? "+" : ""}${(100 * value).toFixed(1)} %`));
const signed = (value) => minus(`${value > 0 ? "+" : ""}${(100 * value).toFixed(1)}`);

const element = (name, className, text) => {
  const made = document.createElement(name);
  if (className) made.className = className;
  if (text !== undefined) made.textContent = text;
  return made;
};

const showRange = (cell, rank, count) => {
  cell.textContent = "";
  if (rank.low === null) { cell.textContent = "–"; return; }
  const place = (value) => Math.min(100, Math.max(0, (100 * (value - 1)) / Math.max(count - 1, 1)));
  const range = element("span", "range");
  range.setAttribute("aria-hidden", "true");
  const bar = element("i");
  bar.style.left = `${place(rank.low)}%`;
  bar.style.width = `${Math.max(place(rank.high) - place(rank.low), 0.5)}%`;
  const mark = element("b");
  mark.style.left = `${place(rank.mean)}%`;
  range.append(bar, mark);
  cell.append(range, " ", element("span", "small", `${rank.low.toFixed(2)} to ${rank.high.toFixed(2)}`));
};

const showLanes = (cell, place, groups) => {
  cell.textContent = "";
  const columns = [];
  groups.forEach(([first, last]) => {
    const free = columns.find((column) => column[column.length - 1][1] < first);
    if (free) free.push([first, last]); else columns.push([[first, last]]);
  });
  const lines = element("span");
  lines.setAttribute("aria-hidden", "true");
  columns.forEach((column) => {
    const here = column.find(([first, last]) => first <= place && place <= last);
    lines.append(element("i", here ? `on${here[0] === place ? " first" : ""}${here[1] === place ? " last" : ""}` : "none"));
  });
  const numbers = groups.flatMap(([first, last], at) => (first <= place && place <= last ? [at + 1] : []));
  cell.append(lines, element("span", "unseen", numbers.length ? `groups ${numbers.join(", ")}` : "none"));
};

const startFilter = (form, board) => {
  const table = document.getElementById("standing");
  const body = table.tBodies[0];
  const said = document.getElementById("said");
  const original = [...body.rows];
  const words = said.textContent;
  const settings = Object.keys(board.settings);
  const facets = [...form.elements].filter((field) => field.tagName === "SELECT" && field.name !== "setting");

  const rowOf = ({ at, entrant, rank, effect }, place, part) => {
    const row = original.find((one) => Number(one.dataset.at) === at).cloneNode(true);
    const cells = row.cells;
    cells[0].querySelectorAll(".tag").forEach((tag) => tag.remove());
    cells[1].textContent = "";
    cells[1].append(element("span", "tag", entrant.baseline ? "baseline" : "no verdict"));
    cells[2].textContent = effect ? percent(effect.mean) : "";
    if (effect && effect.mean !== null) cells[2].dataset.v = effect.mean; else delete cells[2].dataset.v;
    cells[3].textContent = effect && effect.low !== null ? `${signed(effect.low)} to ${signed(effect.high)} %` : "";
    cells[4].textContent = "";
    cells[5].textContent = rank.mean.toFixed(2);
    cells[5].dataset.v = rank.mean;
    showRange(cells[6], rank, part.rows.length);
    showLanes(cells[7], place, part.groups);
    for (const cell of [cells[8], cells[9]]) { cell.textContent = ""; delete cell.dataset.v; }
    return row;
  };

  const find = () => {
    const asked = form.elements.find.value.trim().toLowerCase();
    for (const row of body.rows) row.hidden = asked !== "" && !row.dataset.name.toLowerCase().includes(asked);
  };

  const show = () => {
    const setting = form.elements.setting?.value ?? settings[0];
    const picked = Object.fromEntries(facets.filter((field) => field.value).map((field) => [field.name, field.value]));
    for (const head of table.tHead.rows[0].cells) head.removeAttribute("aria-sort");
    if (Object.keys(picked).length === 0 && setting === settings[0]) {
      table.querySelectorAll(".lanes > [aria-hidden]").forEach((lines) => { lines.hidden = false; });
      original.forEach((row) => row.querySelectorAll(".lanes > [aria-hidden]").forEach((lines) => { lines.hidden = false; }));
      body.replaceChildren(...original);
      said.textContent = words;
    } else {
      const part = partOf(board, setting, picked);
      body.replaceChildren(...part.rows.map((row, place) => rowOf(row, place, part)));
      const chosen = Object.entries(picked).map(([name, value]) => `${name} ${value}`).join(", ");
      said.textContent = part.n === 0 ? `No cells: ${chosen}.`
        : `The ${setting} setting${chosen ? `, ${chosen}` : ""}: ${part.n} of ${total(board, setting)} independent data sets, `
          + `effects against ${board.entrants.find((entrant) => entrant.baseline).name}, with plain `
          + `${100 * (1 - board.alpha)} % t intervals for one entrant at a time; lines join entrants less than `
          + "Nemenyi's critical difference apart. Whoever looks at many parts finds something in one: no verdict is given here.";
    }
    find();
    const state = new URLSearchParams({ ...(setting === settings[0] ? {} : { setting }), ...picked }).toString();
    try { history.replaceState(null, "", state ? `#${state}` : location.pathname); } catch { /* some browsers keep files as they are */ }
  };

  form.hidden = false;
  form.addEventListener("change", (event) => { if (event.target.name !== "find") show(); });
  form.addEventListener("reset", () => setTimeout(show));
  form.addEventListener("submit", (event) => event.preventDefault());
  form.elements.find.addEventListener("input", find);
  if (location.hash.includes("=")) {
    for (const [name, value] of new URLSearchParams(location.hash.slice(1))) {
      const field = form.elements[name];
      if (field?.tagName === "SELECT" && [...field.options].some((option) => option.value === value)) field.value = value;
    }
    show();
  }
};

const form = document.getElementById("filter");
if (form && window.BOARD) startFilter(form, window.BOARD);
