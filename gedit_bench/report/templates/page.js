"use strict";
// Draws the gallery from the JSON beside it. Every string that came from elsewhere is set as text, never as HTML.
(async () => {
  const PER_PAGE = 24;
  const LANGUAGES = { en: "English", cn: "Chinese" };
  const ORDERS = { "": "as in the benchmark", low: "lowest O first", high: "highest O first", gap: "widest gap first" };
  const FIELDS = ["t", "c", "l", "f", "x", "o", "q"];
  const byId = (id) => document.getElementById(id);
  const form = byId("filters"), cards = byId("cards"), pager = byId("pager"), viewer = byId("viewer");
  let data, shown = [], page = 0;

  async function load() {
    const text = byId("data").textContent;
    if (byId("data").type === "application/json") return JSON.parse(text);
    const bytes = Uint8Array.from(atob(text), (character) => character.charCodeAt(0));
    return new Response(new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"))).json();
  }

  function el(tag, attributes = {}, ...children) {
    const node = document.createElement(tag);
    for (const [name, value] of Object.entries(attributes)) {
      if (name === "onclick") node.addEventListener("click", value);
      else if (value !== undefined && value !== null) node.setAttribute(name, value);
    }
    node.append(...children.filter((child) => child !== null && child !== undefined && child !== ""));
    return node;
  }
  const two = (value) => (value === undefined ? "–" : value.toFixed(2));
  const flagsOf = (cell) => [...new Set([...(cell.flags || []), ...(cell.sc?.flags || []), ...(cell.pq?.flags || [])])];
  const link = (values) => "#" + new URLSearchParams(values).toString();

  // Which samples and cells the filters let through
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
    if (wanted.o) shown.sort((a, b) => gap(a.cells, wanted.o) - gap(b.cells, wanted.o));
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
    return el("article", { class: "card" },
      el("header", {}, el("span", {}, sample.taskWords), el("span", {}, LANGUAGES[sample.language] || sample.language),
        el("a", { href: link({ s: sample.id }), title: "Link to this sample" }, sample.key)),
      el("h3", { dir: "auto", lang: sample.language === "cn" ? "zh" : "en" }, sample.instruction),
      el("div", { class: "row" }, source, ...cells.map((cell) => shot(sample, cell))));
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

  // One edit in full
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
        pairs([["status", cell.status || unmade(cell)], ["message", cell.message], ["sample", sample.id], ["seed", cell.seed],
          ["seconds", cell.seconds?.toFixed(2)], ["size", cell.size], ["file", cell.file], ...Object.entries(entry.settings || {})])));
    if (!viewer.open) viewer.showModal();
    viewer.scrollTop = 0;
    close.focus();
    remember(address);
  }
  function remember(address) { try { history.replaceState(null, "", address); } catch { /* some browsers forbid it for files */ } }
  function filterAddress() { return link(FIELDS.map((name) => [name, form.elements[name].value]).filter(([, value]) => value)); }

  // Filters, pages, links, theme
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
    options("o", Object.entries(ORDERS));
  }
  function follow() {
    if (!location.hash.includes("=")) return;
    const wanted = new URLSearchParams(location.hash.slice(1));
    FIELDS.forEach((name) => { form.elements[name].value = wanted.get(name) ?? ""; });
    FIELDS.forEach((name) => { if (form.elements[name].selectedIndex === -1) form.elements[name].value = ""; });
    update();
    const at = shown.findIndex(({ sample }) => sample.id === wanted.get("s"));
    if (at >= 0) {
      page = Math.floor(at / PER_PAGE);
      draw();
      const { sample, cells } = shown[at];
      const cell = wanted.has("m") ? cells.find((one) => data.entries[one.e].id === wanted.get("m")) : null;
      cards.children[at % PER_PAGE].scrollIntoView();
      if (cell) show(sample, cell);
    } else byId("gallery").scrollIntoView();
  }
  function theme() {
    const button = byId("theme"), root = document.documentElement;
    const say = () => { button.textContent = `Theme: ${root.dataset.theme || "auto"}`; };
    button.addEventListener("click", () => {
      const next = { undefined: "light", light: "dark", dark: undefined }[root.dataset.theme];
      if (next) root.dataset.theme = next; else delete root.dataset.theme;
      try { if (next) localStorage.setItem("gedit-bench-theme", next); else localStorage.removeItem("gedit-bench-theme"); } catch { /* not kept */ }
      say();
    });
    say();
    button.hidden = false;
  }
  // A link to a judgement opens the run that it stands in.
  function unfold() {
    const target = location.hash.startsWith("#m-") && byId(location.hash.slice(1));
    if (target) { target.closest("details").open = true; target.scrollIntoView(); }
  }

  theme();
  unfold();
  data = await load();
  fill();
  form.hidden = false;
  update();
  follow();
  form.addEventListener("input", () => { update(); remember(filterAddress()); });
  form.addEventListener("submit", (event) => event.preventDefault());
  form.addEventListener("reset", () => setTimeout(() => { update(); remember(filterAddress()); }));
  pager.addEventListener("click", (event) => {
    const by = Number(event.target.dataset?.step || 0);
    if (by) { page += by; draw(); byId("gallery").scrollIntoView(); }
  });
  viewer.addEventListener("close", () => remember(filterAddress()));
  viewer.addEventListener("click", (event) => { if (event.target === viewer) viewer.close(); });
  viewer.addEventListener("keydown", (event) => {
    if (event.key === "ArrowLeft" || event.key === "ArrowRight") { event.preventDefault(); step(event.key === "ArrowLeft" ? -1 : 1); }
  });
  addEventListener("hashchange", () => { follow(); unfold(); });
})();
