// One edit in full: both images, laid over each other in several ways, and all that is known of it.
const viewer = byId("viewer");
const MODES = { side: "Side by side", slider: "Slider", flicker: "Flicker", difference: "Difference", models: "All models" };
let mode = "side", opened = null, showing = {};

function show(sample, cell) {
  const first = !viewer.open;
  opened = { sample, cell, item: shown.find((one) => one.sample === sample || one.other?.sample === sample) };
  drawEdit();
  if (first) { viewer.showModal(); showing.close.focus(); }
  viewer.scrollTop = 0;
  remember(link({ s: sample.id, m: data.entries[cell.e].id }));
}

// What the arrows go through: all edits that the filters leave, card by card.
const sequence = () => shown.flatMap(({ sample, cells, other }) =>
  [...cells.map((cell) => [sample, cell]), ...(other ? other.cells.map((cell) => [other.sample, cell]) : [])]);
const placeOf = (all) => all.findIndex(([sample, cell]) => sample === opened.sample && cell === opened.cell);
function step(by) {
  const all = sequence(), next = all[placeOf(all) + by];
  if (next) show(...next);
}

function drawEdit() {
  const { sample, cell } = opened, entry = data.entries[cell.e], all = sequence(), at = placeOf(all);
  const twin = sample.twin && byName.get(sample.twin), twinCell = twin?.cells.find((one) => one.e === cell.e);
  showing.link.href = link({ s: sample.id, m: entry.id });
  showing.place.textContent = at < 0 ? "" : `${at + 1} of ${all.length}`;
  [showing.back.disabled, showing.on.disabled] = [at <= 0, at < 0 || at === all.length - 1];
  showing.head.replaceChildren(
    el("h2", { id: "viewer-title" }, el("bdi", {}, entry.label)),
    el("span", { class: "sub" }, `${entry.about} · judged by ${entry.judge}`), entry.notes ? el("span", { class: "remark" }, entry.notes) : "",
    instruction(sample, "p"));
  drawStage();
  showing.words.replaceChildren(
    ...judged(cell),
    ...otherJudges(sample, cell),
    el("section", { class: "aspect" }, el("h3", {}, "Edit"),
      pairs([["status", cell.status || unmade(cell)], ["message", cell.message], ["instruction sent", cell.sent], ["sample", sample.id], ["category", sample.taskWords],
        ["language", languageOf(sample)], ["seed", cell.seed], ["seconds", cell.seconds?.toFixed(2)], ["size", cell.size],
        ["flags", (cell.flags || []).join(", ")], ["file", fileOf(sample, cell)], ...Object.entries(entry.settings || {})]),
      twinCell && el("button", { type: "button", onclick: () => show(twin, twinCell) }, `${languageOf(twin)} twin: O ${two(twinCell.o)}`)));
}

// The pictures, in the way chosen.
function drawStage() {
  const { sample, cell } = opened, entry = data.entries[cell.e];
  const laid = mode === "side" || mode === "models" || (sample.source && cell.thumb);
  for (const button of showing.modes.children) button.setAttribute("aria-pressed", String(button.value === mode));
  if (mode === "models") {
    const cells = (opened.item?.sample === sample ? opened.item : opened.item?.other)?.cells || sample.cells;
    const shots = cells.map((one) => shot(sample, one));
    shots[cells.indexOf(cell)]?.setAttribute("aria-current", "true");
    showing.stage.replaceChildren(el("div", { class: "row" }, sourceShot(sample), shots));
  } else if (mode === "side" || !laid) {
    showing.stage.replaceChildren(laid ? "" : el("p", { class: "note" }, "There are no two pictures here to lay over each other."),
      el("div", { class: "pair" },
        el("figure", {}, frame(sample.source, "Source", withoutSource()), el("figcaption", {}, "Source")),
        el("figure", {}, fullImage(sample, cell, entry), el("figcaption", {}, scores(cell), " ", chips(cell)))));
  } else showing.stage.replaceChildren(...{ slider, flicker, difference: heatMap }[mode](sample, cell, entry));
}
// Both pictures in one frame of the edit's shape, each fitted into it.
function stack(kind, ...layers) {
  const [width, height] = (opened.cell.size || "").split(" × ").map(Number), box = el("div", { class: `stack ${kind}` }, layers);
  box.style.setProperty("--ratio", width && height ? width / height : 1);
  return box;
}
const layer = (box, name) => { const image = box.querySelector("img"); image.loading = "eager"; image.className = name; return image; };
const sourceLayer = (sample) => layer(frame(sample.source, "Source", ""), "before");
function slider(sample, cell, entry) {
  const range = el("input", { type: "range", min: 0, max: 100, value: 50, step: 1, "aria-label": "Source left of the line, edit right of it",
    oninput: () => box.style.setProperty("--at", `${range.value}%`) });
  const box = stack("slider", sourceLayer(sample), layer(fullImage(sample, cell, entry), "after"), range);
  return [box, el("p", { class: "note" }, "Left of the line the source, right of it the edit. Drag it, or use the arrow keys.")];
}
function flicker(sample, cell, entry) {
  const box = stack("flicker", sourceLayer(sample), layer(fullImage(sample, cell, entry), "after"));
  const button = el("button", { type: "button", "aria-pressed": "false", onclick: () => swap(box, button) }, "Show the source (F)");
  return [box, el("p", { class: "note" }, button, el("span", { role: "status" }, "Edit"))];
}
function swap(box, button) {
  const before = box.classList.toggle("swapped");
  button.setAttribute("aria-pressed", String(before));
  button.nextElementSibling.textContent = before ? "Source" : "Edit";
}
// |source − edit| by blending alone: pictures from files can be shown, but not read.
function heatMap(sample, cell, entry) {
  const gain = el("input", { type: "range", min: 1, max: 12, value: 4, step: 1, oninput: () => apply() }), says = el("output", {});
  const box = stack("heat-map", sourceLayer(sample), layer(frame(cell.thumb, `Edit by ${entry.label}`, ""), "after"));
  const apply = () => { box.style.setProperty("--gain", gain.value); says.textContent = `× ${gain.value}`; };
  apply();
  return [box, el("label", { class: "gain" }, "Amplified ", gain, says, el("span", { class: "scale" }, "equal"), el("span", {}, "different")),
    el("p", { class: "note" }, "How far the thumbnails differ in each pixel, colours averaged. They are of at most 256 pixels and each "
      + "is fitted into the frame: fine noise is lost in them, and where an edit has another shape than its source, that shows too.")];
}

const fileOf = (sample, cell) => cell.file ?? (cell.status === "ok" ? `images/fullset/${sample.task}/${sample.language}/${sample.key}.png` : undefined);
function fullImage(sample, cell, entry) {
  const box = frame(cell.thumb, `Edit by ${entry.label}`, without(cell)), image = box.querySelector("img");
  if (image && entry.base && cell.full) {
    image.addEventListener("error", (event) => { event.stopImmediatePropagation(); image.src = picture(cell.thumb); }, { once: true, capture: true });
    image.src = entry.base + fileOf(sample, cell).split("/").map(encodeURIComponent).join("/");
  }
  return box;
}

function startViewer() {
  const button = (text, act, more = {}) => el("button", { type: "button", onclick: act, ...more }, text);
  showing = {
    link: el("a", {}, "Link to this edit"), place: el("span", { class: "place" }),
    back: button("←", () => step(-1), { "aria-label": "Previous edit" }), on: button("→", () => step(1), { "aria-label": "Next edit" }),
    close: button("Close", () => viewer.close()),
    head: el("div", {}, el("h2", { id: "viewer-title" }, "Edit")), stage: el("div", { class: "stage" }), words: el("div", {}),
    modes: el("div", { class: "modes", role: "group", "aria-label": "How the pictures are shown" },
      Object.entries(MODES).map(([value, label]) => button(label, () => { mode = value; drawStage(); }, { value }))),
  };
  viewer.replaceChildren(el("div", { class: "viewer-bar" }, showing.link, showing.place, showing.back, showing.on, showing.close),
    showing.head, showing.modes, showing.stage, showing.words);
  viewer.addEventListener("close", () => remember(filterAddress()));
  viewer.addEventListener("click", (event) => { if (event.target === viewer) viewer.close(); });
  viewer.addEventListener("keydown", (event) => {
    if (event.target.matches("input") || event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key === "ArrowLeft" || event.key === "ArrowRight") { event.preventDefault(); step(event.key === "ArrowLeft" ? -1 : 1); }
    if (event.key.toLowerCase() !== "f") return;
    if (mode !== "flicker") { mode = "flicker"; drawStage(); }
    showing.stage.querySelector("button")?.click();
  });
}
