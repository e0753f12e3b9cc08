// The gallery: cards page by page, and the address that leads to them.
const cards = byId("cards"), pager = byId("pager");
let page = 0;

function draw() {
  page = Math.min(Math.max(page, 0), starts.length - 1);
  cards.replaceChildren(...shown.slice(starts[page], starts[page + 1]).map(card));
  pager.hidden = starts.length === 1;
  pager.querySelector("span").textContent = `Page ${page + 1} of ${starts.length}`;
  pager.querySelectorAll("button").forEach((button) => { button.disabled = button.dataset.step === "-1" ? page === 0 : page === starts.length - 1; });
}
function told() {
  if (!shown.length) return "No sample fits these filters.";
  const all = valueOf("v") ? data.samples.filter((sample) => sample.twin).length / 2 : data.samples.length;
  const noun = valueOf("v") ? "pair of twins" : "sample", nouns = valueOf("v") ? "pairs of twins" : "samples";
  return `${shown.length} of ${all} ${all === 1 ? noun : nouns}`;
}
function update() {
  page = 0;
  select();
  draw();
  byId("count").textContent = told();
  byId("twins")?.replaceChildren(...(valueOf("v") ? twinTable() : []));
  const folded = form.querySelector(".more");
  if (folded && folded.querySelector(".filters") && ["min", "max", "a", "b", "d"].some((name) => valueOf(name))) folded.open = true;
  const pair = form.querySelector("[data-judges-pair]");
  if (pair) pair.value = `${valueOf("a")} ${valueOf("b")}`;
}
function filterAddress() {
  const set = FIELDS.map((name) => [name, valueOf(name)]).filter(([, value]) => value);
  return set.length ? link(set) : "#gallery";
}

function options(name, values) {
  form.elements[name]?.replaceChildren(...values.map(([value, label]) => el("option", { value }, label)));
}
// Two judges of one run: the same images, so that they differ by their judges alone.
function judgePairs() {
  return data.entries.flatMap((a, i) => data.entries.slice(i + 1).filter((b) => b.run === a.run && b.judge !== a.judge)
    .map((b) => [`${a.id} ${b.id}`, `${a.label}: ${a.judgeShort || a.judge} and ${b.judgeShort || b.judge}`]));
}
function fill() {
  const unique = (values) => [...new Set(values)];
  const cells = data.samples.flatMap((sample) => sample.cells);
  const bad = unique(cells.flatMap((cell) => cell.not || [])).sort(), flags = unique(cells.flatMap(flagsOf)).sort();
  const entries = data.entries.map((e) => [e.id, e.judgeShort ? `${e.label} (${e.judgeShort})` : e.label]);
  options("t", [["", "all tables"], ...data.tables.map((table) => [table.id, table.label])]);
  options("c", [["", "all"], ...new Map(data.samples.map((sample) => [sample.task, sample.taskWords]))]);
  options("l", [["", "all"], ...unique(data.samples.map((s) => s.language)).map((l) => [l, LANGUAGES[l] || l])]);
  options("f", [["", "all"], ...entries]);
  options("x", [["", "any"], ["ok", "scored"], ["not", "not scored"], ...(embedded ? [["pictures", "with pictures"]] : []),
    ...bad.map((word) => [word, word]), ...flags.map((f) => [`flag ${f}`, `flag ${f}`])]);
  options("o", Object.entries(data.moved ? MOVED_ORDERS : ORDERS));
  for (const name of ["a", "b"]) options(name, [["", "–"], ...entries]);
  const pairs = judgePairs(), select = form.querySelector("[data-judges-pair]");
  if (select && pairs.length) {
    select.replaceChildren(...[[" ", "–"], ...pairs].map(([value, label]) => el("option", { value }, label)));
    select.addEventListener("input", () => { [form.elements.a.value, form.elements.b.value] = select.value.split(" "); });
    form.querySelector("[data-judges]").hidden = false;
  }
  if (form.elements.v && !data.samples.some((sample) => sample.twin)) form.elements.v.closest("label").hidden = true;
}

// The address after `#`: filters as `t=…&c=…`, a sample as `s=…`, one of its edits with `m=…`.
function followAddress() {
  if (!data || !location.hash.includes("=")) return;
  const wanted = new URLSearchParams(location.hash.slice(1));
  FIELDS.forEach((name) => setValue(name, wanted.get(name) ?? ""));
  update();
  const at = shown.findIndex(({ sample, other }) => wanted.has("s") && [sample.id, other?.sample.id].includes(wanted.get("s")));
  if (at < 0) return;
  page = pageOf(at);
  draw();
  const { sample, cells, other } = shown[at], side = other?.sample.id === wanted.get("s") ? other : { sample, cells };
  const cell = wanted.has("m") ? side.cells.find((one) => data.entries[one.e].id === wanted.get("m")) : null;
  cards.children[at - starts[page]].scrollIntoView();
  if (cell) show(side.sample, cell);
}

async function startGallery() {
  data = await load();
  byName = new Map(data.samples.map((sample) => [sample.id, sample]));
  fill();
  form.hidden = false;
  update();
  followAddress();
  form.addEventListener("input", () => { update(); remember(filterAddress()); });
  form.addEventListener("submit", (event) => event.preventDefault());
  form.addEventListener("reset", () => setTimeout(() => { update(); remember(filterAddress()); }));
  pager.addEventListener("click", (event) => {
    const by = Number(event.target.dataset?.step || 0);
    if (by) { page += by; draw(); byId("count").scrollIntoView(); }
  });
}
