// The gallery: which samples the filters let through, drawn as cards, page by page.
const PER_PAGE = 24;
const ORDERS = { "": "as in the benchmark", low: "lowest O first", high: "highest O first", gap: "widest gap first" };
// The samples of a comparison come with a `difference` each, in its order.
const MOVED_ORDERS = { "": "most lost first", gained: "most gained first", low: ORDERS.low, high: ORDERS.high };
const FIELDS = ["t", "c", "l", "f", "x", "o", "q"];
const form = byId("filters"), cards = byId("cards"), pager = byId("pager");
let data, shown = [], page = 0;

function cellsOf(sample, wanted) {
  const table = wanted.table;
  if (table && (sample.language !== table.language || (table.subset === "intersection" && !sample.intersection))) return [];
  return sample.cells.filter((cell) => (!table || table.entries.includes(cell.e)) && (!wanted.f || data.entries[cell.e].id === wanted.f));
}
function fits(cell, status) {
  if (!status) return true;
  if (status === "ok") return cell.o !== undefined;
  if (status === "not") return cell.o === undefined;
  return status.startsWith("flag ") ? flagsOf(cell).includes(status.slice(5)) : (cell.not || []).includes(status);
}
function gap(cells, order) {
  const scores = cells.map((cell) => cell.o).filter((o) => o !== undefined);
  if (!scores.length) return Infinity;
  const low = Math.min(...scores), high = Math.max(...scores);
  return order === "low" ? low : order === "high" ? -high : low - high;
}
function select() {
  const wanted = Object.fromEntries(FIELDS.map((name) => [name, form.elements[name].value]));
  wanted.table = data.tables.find((table) => table.id === wanted.t);
  const text = wanted.q.trim().toLowerCase();
  shown = data.samples
    .filter((s) => (!wanted.c || s.task === wanted.c) && (!wanted.l || s.language === wanted.l))
    .filter((s) => !text || `${s.instruction} ${s.id} ${s.taskWords}`.toLowerCase().includes(text))
    .map((sample) => ({ sample, cells: cellsOf(sample, wanted) }))
    .filter(({ cells }) => cells.some((cell) => fits(cell, wanted.x)));
  if (wanted.o === "gained") shown.reverse();
  else if (wanted.o) shown.sort((a, b) => gap(a.cells, wanted.o) - gap(b.cells, wanted.o));
}

// Cards
function frame(path, alt, without) {
  const image = path && el("img", { src: path, alt, width: 256, height: 256, loading: "lazy", decoding: "async" });
  return el("span", { class: "frame" }, image || el("span", {}, without));
}
const unmade = (cell) => (cell.imported ? "imported scores, no image" : "not edited");
const without = (cell) => (cell.status === "ok" ? "image not available here" : cell.status ? `edit ${cell.status}` : unmade(cell));
const timing = (cell) => [cell.seed === undefined ? "" : `seed ${cell.seed}`, cell.seconds === undefined ? "" : `${cell.seconds.toFixed(1)} s`].filter(Boolean).join(" · ");
function scores(cell) {
  return el("span", { class: "scores" }, el("b", {}, `O ${two(cell.o)}`), `  SC ${cell.sc?.score ?? "–"} · PQ ${cell.pq?.score ?? "–"}`);
}
function chips(cell) {
  const bad = (cell.not || []).map((word) => el("span", { class: "chip bad" }, word));
  return el("span", {}, ...bad, ...flagsOf(cell).map((flag) => el("span", { class: "chip" }, flag)));
}
function shot(sample, cell) {
  const entry = data.entries[cell.e];
  return el("button", { type: "button", class: "shot", "aria-haspopup": "dialog", onclick: () => show(sample, cell) },
    frame(cell.thumb, `Edit by ${entry.label}`, without(cell)), el("strong", {}, el("bdi", {}, entry.label)),
    entry.judgeShort && el("span", { class: "by" }, entry.judgeShort), scores(cell),
    el("span", { class: "facts-line" }, timing(cell)), chips(cell));
}
function card({ sample, cells }) {
  const source = el("div", { class: "shot" }, frame(sample.source, "Source", "source not available here"), el("strong", {}, "Source"));
  return el("article", { class: "card", "data-moved": sample.difference && (sample.difference < 0 ? "lost" : "gained") },
    el("header", {}, el("span", {}, sample.taskWords), el("span", {}, LANGUAGES[sample.language] || sample.language),
      el("a", { href: link({ s: sample.id }), title: "Link to this sample" }, sample.key), data.moved && difference(sample)),
    el("h3", { dir: "auto", lang: sample.language === "cn" ? "zh" : "en" }, sample.instruction),
    el("div", { class: "row" }, source, ...cells.map((cell) => shot(sample, cell))), data.moved && words(cells));
}
function draw() {
  const pages = Math.max(1, Math.ceil(shown.length / PER_PAGE));
  page = Math.min(Math.max(page, 0), pages - 1);
  cards.replaceChildren(...shown.slice(page * PER_PAGE, (page + 1) * PER_PAGE).map(card));
  byId("count").textContent = shown.length ? `${shown.length} of ${data.samples.length} sample${data.samples.length === 1 ? "" : "s"}` : "No sample fits these filters.";
  pager.hidden = pages === 1;
  pager.querySelector("span").textContent = `Page ${page + 1} of ${pages}`;
  pager.querySelectorAll("button").forEach((button) => { button.disabled = button.dataset.step === "-1" ? page === 0 : page === pages - 1; });
}
function update() { page = 0; select(); draw(); }
function filterAddress() { return link(FIELDS.map((name) => [name, form.elements[name].value]).filter(([, value]) => value)); }

function options(name, values) {
  form.elements[name].replaceChildren(...values.map(([value, label]) => el("option", { value }, label)));
}
function fill() {
  const unique = (values) => [...new Set(values)];
  const cells = data.samples.flatMap((sample) => sample.cells);
  const bad = unique(cells.flatMap((cell) => cell.not || [])).sort(), flags = unique(cells.flatMap(flagsOf)).sort();
  options("t", [["", "all tables"], ...data.tables.map((table) => [table.id, table.label])]);
  options("c", [["", "all"], ...new Map(data.samples.map((sample) => [sample.task, sample.taskWords]))]);
  options("l", [["", "all"], ...unique(data.samples.map((s) => s.language)).map((l) => [l, LANGUAGES[l] || l])]);
  options("f", [["", "all"], ...data.entries.map((e) => [e.id, e.judgeShort ? `${e.label} (${e.judgeShort})` : e.label])]);
  options("x", [["", "any"], ["ok", "scored"], ["not", "not scored"], ...bad.map((word) => [word, word]), ...flags.map((f) => [`flag ${f}`, `flag ${f}`])]);
  options("o", Object.entries(data.moved ? MOVED_ORDERS : ORDERS));
}

// The address after `#`: filters as `t=…&c=…`, a sample as `s=…`, one of its edits with `m=…`.
function followAddress() {
  if (!data || !location.hash.includes("=")) return;
  const wanted = new URLSearchParams(location.hash.slice(1));
  FIELDS.forEach((name) => { form.elements[name].value = wanted.get(name) ?? ""; });
  FIELDS.forEach((name) => { if (form.elements[name].selectedIndex === -1) form.elements[name].value = ""; });
  update();
  const at = shown.findIndex(({ sample }) => sample.id === wanted.get("s"));
  if (at < 0) return;
  page = Math.floor(at / PER_PAGE);
  draw();
  const { sample, cells } = shown[at];
  const cell = wanted.has("m") ? cells.find((one) => data.entries[one.e].id === wanted.get("m")) : null;
  cards.children[at % PER_PAGE].scrollIntoView();
  if (cell) show(sample, cell);
}

async function startGallery() {
  data = await load();
  fill();
  form.hidden = false;
  update();
  followAddress();
  form.addEventListener("input", () => { update(); remember(filterAddress()); });
  form.addEventListener("submit", (event) => event.preventDefault());
  form.addEventListener("reset", () => setTimeout(() => { update(); remember(filterAddress()); }));
  pager.addEventListener("click", (event) => {
    const by = Number(event.target.dataset?.step || 0);
    if (by) { page += by; draw(); byId("gallery").scrollIntoView(); }
  });
}
