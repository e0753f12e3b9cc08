// The filters: which samples they let through, in which order, on which page.
const NODES = 1100;  // what the cards of one page may come to
const CARDS = 24;
const ORDERS = { "": "by category", low: "lowest O first", high: "highest O first", gap: "widest gap" };
// The samples of a comparison come with a `difference` each, in its order.
const MOVED_ORDERS = { "": "most lost first", gained: "most gained first", low: ORDERS.low, high: ORDERS.high };
const form = byId("filters");
const FIELDS = ["t", "c", "l", "f", "x", "o", "q", "w", "v", "min", "max", "a", "b", "d"].filter((name) => form.elements[name]);
let data, byName, shown = [], starts = [0];

// What the filters ask for; a number that is none asks for nothing.
function wishes() {
  const wanted = Object.fromEntries(FIELDS.map((name) => [name, valueOf(name)]));
  for (const name of ["min", "max", "d"]) wanted[name] = wanted[name] && Number.isFinite(Number(wanted[name])) ? Number(wanted[name]) : undefined;
  wanted.table = data.tables.find((table) => table.id === wanted.t);
  wanted.pair = [wanted.a, wanted.b].filter(Boolean);
  wanted.text = (wanted.q || "").trim().toLowerCase();
  return wanted;
}
const valueOf = (name) => { const field = form.elements[name]; return field.type === "checkbox" ? (field.checked ? field.value : "") : field.value; };
function setValue(name, value) {
  const field = form.elements[name];
  if (field.type === "checkbox") field.checked = value === field.value;
  else field.value = value;
  if (field.selectedIndex === -1) field.value = "";
}

function cellsOf(sample, wanted) {
  const table = wanted.table;
  if (table && ((sample.language !== table.language && !wanted.v) || (table.subset === "intersection" && !sample.intersection))) return [];
  const cells = sample.cells.filter(({ e }) => (!table || table.entries.includes(e)) && (!wanted.f || data.entries[e].id === wanted.f)
    && (!wanted.pair.length || wanted.pair.includes(data.entries[e].id)));
  return wanted.pair.every((id) => cells.some(({ e }) => data.entries[e].id === id)) ? cells.sort((x, y) => placeIn(x, wanted) - placeIn(y, wanted)) : [];
}
const placeIn = (cell, wanted) => (wanted.pair.length ? wanted.pair.indexOf(data.entries[cell.e].id) : wanted.table ? wanted.table.entries.indexOf(cell.e) : cell.e);
function fits(cell, { x, min, max }) {
  if ((min !== undefined && !(cell.o >= min)) || (max !== undefined && !(cell.o <= max))) return false;
  if (!x) return true;
  if (x === "ok") return cell.o !== undefined;
  if (x === "not") return cell.o === undefined;
  if (x === "pictures") return cell.thumb !== undefined;
  return x.startsWith("flag ") ? flagsOf(cell).includes(x.slice(5)) : (cell.not || []).includes(x);
}
function holds(sample, cells, { text, w }) {
  if (!text || `${sample.instruction} ${sample.id} ${sample.taskWords}`.toLowerCase().includes(text)) return true;
  return Boolean(w) && cells.some((cell) => [cell.sc, cell.pq].some((aspect) => wordsOf(aspect).toLowerCase().includes(text)));
}
const wordsOf = (aspect) => (aspect ? reasoningOf(aspect) ?? aspect.reply ?? "" : "");

// How far O differs: between the cells of a card, or between the twins of one model.
function spread(scores) {
  const known = scores.filter((o) => o !== undefined);
  return known.length > 1 ? Math.max(...known) - Math.min(...known) : undefined;
}
function differenceOf({ cells, other }) {
  if (!other) return spread(cells.map((cell) => cell.o));
  const gaps = cells.map((cell) => spread([cell.o, twinOf(cell, other)?.o])).filter((gap) => gap !== undefined);
  return gaps.length ? Math.max(...gaps) : undefined;
}
const twinOf = (cell, other) => other.cells.find(({ e }) => e === cell.e);
const everyCell = ({ cells, other }) => (other ? [...cells, ...other.cells] : cells);
function place(item, order) {
  if (order === "gap") return -(differenceOf(item) ?? -1);
  const scores = everyCell(item).map((cell) => cell.o).filter((o) => o !== undefined);
  if (!scores.length) return Infinity;
  return order === "low" ? Math.min(...scores) : -Math.max(...scores);
}

function select() {
  const wanted = wishes();
  const items = wanted.v ? twinItems(wanted) : data.samples.map((sample) => ({ sample, cells: cellsOf(sample, wanted) }));
  const fitting = (one) => (!wanted.l || wanted.v || one.sample.language === wanted.l)
    && one.cells.some((cell) => fits(cell, wanted)) && holds(one.sample, one.cells, wanted);
  shown = items.filter((item) => (!wanted.c || item.sample.task === wanted.c) && (fitting(item) || (item.other && fitting(item.other)))
    && (wanted.d === undefined || differenceOf(item) >= wanted.d));
  if (wanted.o === "gained") shown.reverse();
  else if (wanted.o) shown = shown.map((item) => [place(item, wanted.o), item]).sort((x, y) => x[0] - y[0]).map(([, item]) => item);
  starts = pagesOf(shown);
}
function twinItems(wanted) {
  const side = (sample) => ({ sample, cells: cellsOf(sample, wanted) });
  return data.samples.filter((sample) => sample.twin && sample.language === "en")
    .map((sample) => ({ ...side(sample), other: side(byName.get(sample.twin)) }));
}

// Pages hold as many cards as a bound on the page's nodes allows: with 20 models fewer than with two.
const nodesOf = (item) => 20 + everyCell(item).reduce((sum, cell) => sum + 8 + (cell.not || []).length + flagsOf(cell).length, 0);
function pagesOf(items) {
  const found = [0];
  let nodes = 0;
  items.forEach((item, i) => {
    const more = nodesOf(item);
    if (i > found.at(-1) && (nodes + more > NODES || i - found.at(-1) === CARDS)) { found.push(i); nodes = 0; }
    nodes += more;
  });
  return found;
}
const pageOf = (index) => starts.findLastIndex((start) => start <= index);
