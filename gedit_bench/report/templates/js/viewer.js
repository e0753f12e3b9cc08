// One edit in full: both images, the judge's words, the settings.
const viewer = byId("viewer");

function pairs(items) {
  const filled = items.filter(([, value]) => value !== undefined && value !== null && value !== "");
  return el("dl", { class: "pairs" }, ...filled.map(([name, value]) => el("div", {}, el("dt", {}, name), el("dd", {}, String(value)))));
}
function reasoning(aspect) {
  if (!aspect.why) return null;
  try { return el("blockquote", { dir: "auto" }, JSON.parse(aspect.reply.slice(...aspect.why))); } catch { return null; }
}
function aspectView(name, words, aspect) {
  const heading = el("h3", {}, `${name}: ${words}`, el("b", {}, aspect?.score === undefined ? "" : String(aspect.score)));
  if (!aspect) return el("section", { class: "aspect" }, heading, "Not judged.");
  const why = reasoning(aspect);
  const raw = el("details", why ? {} : { open: "" }, el("summary", {}, "Raw reply"), el("pre", { dir: "auto" }, aspect.reply ?? "(no content)"));
  return el("section", { class: "aspect" }, heading, why,
    pairs([["status", aspect.status], ["finish reason", aspect.finish], ["flags", (aspect.flags || []).join(", ")], ["refusal", aspect.refusal],
      ["message", aspect.message], ["asked again", aspect.attempt], ["returned model", aspect.model], ["reused from", aspect.reused]]), raw);
}
function fullImage(cell, entry) {
  const box = frame(cell.thumb, `Edit by ${entry.label}`, without(cell)), image = box.querySelector("img");
  if (image && entry.base && cell.full) {
    image.addEventListener("error", () => { image.src = cell.thumb; }, { once: true });
    image.src = entry.base + cell.file.split("/").map(encodeURIComponent).join("/");
  }
  return box;
}
function step(by) {
  const all = shown.flatMap(({ sample, cells }) => cells.map((cell) => [sample, cell]));
  const at = all.findIndex(([sample, cell]) => sample.id === viewer.dataset.s && String(cell.e) === viewer.dataset.e);
  if (all[at + by]) show(...all[at + by]);
}
function show(sample, cell) {
  const entry = data.entries[cell.e], address = link({ s: sample.id, m: entry.id });
  Object.assign(viewer.dataset, { s: sample.id, e: cell.e });
  const close = el("button", { type: "button", onclick: () => viewer.close() }, "Close");
  viewer.replaceChildren(
    el("div", { class: "viewer-bar" }, el("a", { href: address }, "Link to this edit"),
      el("button", { type: "button", "aria-label": "Previous edit", onclick: () => step(-1) }, "←"),
      el("button", { type: "button", "aria-label": "Next edit", onclick: () => step(1) }, "→"), close),
    el("h2", { id: "viewer-title" }, el("bdi", {}, entry.label)),
    el("span", { class: "sub" }, `${entry.about} · judged by ${entry.judge}`), entry.notes && el("span", { class: "remark" }, entry.notes),
    el("p", { class: "instruction", dir: "auto" }, sample.instruction),
    el("div", { class: "pair" },
      el("figure", {}, frame(sample.source, "Source", "source not available here"), el("figcaption", {}, "Source")),
      el("figure", {}, fullImage(cell, entry), el("figcaption", {}, scores(cell), " ", chips(cell)))),
    aspectView("SC", "semantic consistency", cell.sc), aspectView("PQ", "perceptual quality", cell.pq),
    el("section", { class: "aspect" }, el("h3", {}, "Edit"),
      pairs([["status", cell.status || unmade(cell)], ["message", cell.message], ["instruction sent", cell.sent], ["sample", sample.id], ["seed", cell.seed],
        ["seconds", cell.seconds?.toFixed(2)], ["size", cell.size], ["file", cell.file], ...Object.entries(entry.settings || {})])));
  if (!viewer.open) viewer.showModal();
  viewer.scrollTop = 0;
  close.focus();
  remember(address);
}

function startViewer() {
  viewer.addEventListener("close", () => remember(filterAddress()));
  viewer.addEventListener("click", (event) => { if (event.target === viewer) viewer.close(); });
  viewer.addEventListener("keydown", (event) => {
    if (event.key === "ArrowLeft" || event.key === "ArrowRight") { event.preventDefault(); step(event.key === "ArrowLeft" ? -1 : 1); }
  });
}
