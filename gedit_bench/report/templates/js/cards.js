// Cards: a sample with its source and all edits that the filters leave, or a pair of twins.
function frame(name, alt, lacking) {
  const box = el("span", { class: "frame" });
  const image = name && el("img", { src: picture(name), alt, width: 256, height: 256, loading: "lazy", decoding: "async",
    onerror: () => image.replaceWith(el("span", {}, "picture not beside this page")) });
  box.append(image || el("span", {}, lacking));
  return box;
}
const unmade = (cell) => (cell.imported ? "imported scores, no image" : "not edited");
const notHere = () => (embedded ? "picture not in this file" : "image not available here");
const without = (cell) => (cell.status === "ok" ? notHere() : cell.status ? `edit ${cell.status}` : unmade(cell));
const withoutSource = () => (embedded ? "picture not in this file" : "source not available here");
const timing = (cell) => [cell.seed === undefined ? "" : `seed ${cell.seed}`, cell.seconds === undefined ? "" : `${cell.seconds.toFixed(1)} s`].filter(Boolean).join(" · ");
function scores(cell) {
  return el("span", { class: "scores" }, el("b", {}, `O ${two(cell.o)}`), ` SC ${cell.sc?.score ?? "–"} · PQ ${cell.pq?.score ?? "–"}`);
}
function chips(cell) {
  const bad = (cell.not || []).map((word) => el("span", { class: "chip bad" }, word));
  return [...bad, ...flagsOf(cell).map((flag) => el("span", { class: "chip" }, flag))];
}
const labelOf = (entry) => (entry.judgeShort ? `${entry.label}, ${entry.judgeShort}` : entry.label);
function shot(sample, cell, title) {
  const entry = data.entries[cell.e];
  return el("button", { type: "button", class: "shot", title: timing(cell) || null, "aria-haspopup": "dialog", onclick: () => show(sample, cell) },
    frame(cell.thumb, `Edit by ${entry.label}`, without(cell)), el("strong", { dir: "auto" }, title ?? entry.label),
    !title && entry.judgeShort && el("span", { class: "by" }, entry.judgeShort), scores(cell), chips(cell));
}
function sourceShot(sample) {
  return el("div", { class: "shot" }, frame(sample.source, "Source", withoutSource()), el("strong", {}, "Source"));
}
// What is long gets a height of its own, and is then scrolled by keyboard, too.
const LONG = 600;
const longText = (text) => (text.length > LONG ? { class: "long", tabindex: 0 } : {});
function instruction(sample, tag = "h3") {
  return el(tag, { dir: "auto", lang: sample.language === "cn" ? "zh" : "en", ...longText(sample.instruction) }, sample.instruction);
}
const shortKey = (sample) => (/^[0-9a-f]{32}$/.test(sample.key) ? sample.key.slice(0, 8) : sample.key);
const languageOf = (sample) => LANGUAGES[sample.language] || sample.language;
function card(item) {
  if (item.other) return twinCard(item);
  const { sample, cells } = item, gap = valuePair() && spread(cells.map((cell) => cell.o));
  return el("article", { class: "card", "data-moved": sample.difference && (sample.difference < 0 ? "lost" : "gained") },
    el("header", {}, el("span", {}, sample.taskWords), el("span", {}, languageOf(sample)),
      el("a", { href: link({ s: sample.id }), title: `Link to this sample, ${sample.key}` }, shortKey(sample)),
      sample.twin && el("a", { href: link({ v: "twins", s: sample.id }) }, `with its ${languageOf(byName.get(sample.twin))} twin`),
      gap !== undefined && gap !== false && el("b", { class: "gap" }, `difference in O ${gap.toFixed(2)}`), data.moved && difference(sample)),
    instruction(sample),
    el("div", { class: "row" }, sourceShot(sample), cells.map((cell) => shot(sample, cell))), data.moved && words(cells));
}
const valuePair = () => Boolean(form.elements.a?.value && form.elements.b?.value);
function twinCard({ sample, cells, other }) {
  const indices = [...new Set(everyCell({ cells, other }).map(({ e }) => e))];
  const side = (of, e) => {
    const cell = of.cells.find((one) => one.e === e);
    return cell ? shot(of.sample, cell, languageOf(of.sample)) : el("span", { class: "shot" }, "not judged");
  };
  return el("article", { class: "card twin" },
    el("header", {}, el("span", {}, sample.taskWords), el("a", { href: link({ v: "twins", s: sample.id }), title: `Link to these twins, ${sample.key}` }, shortKey(sample))),
    el("div", { class: "both" }, instruction(sample), instruction(other.sample)),
    el("div", { class: "row" }, sourceShot(sample), indices.map((e) => {
      const first = cells.find((cell) => cell.e === e), second = other.cells.find((cell) => cell.e === e);
      const known = first?.o !== undefined && second?.o !== undefined;
      return el("section", { class: "couple" }, el("h4", { dir: "auto" }, labelOf(data.entries[e]), known && el("b", {}, signed(second.o - first.o))),
        side({ sample, cells }, e), side(other, e));
    })));
}

// Mean O of each model by language, over the twins shown of which it has both.
function twinTable() {
  const sums = new Map();
  for (const { cells, other } of shown) for (const cell of other ? cells : []) {
    const twin = twinOf(cell, other);
    if (cell.o === undefined || twin?.o === undefined) continue;
    const sum = sums.get(cell.e) || { n: 0, en: 0, cn: 0 };
    sums.set(cell.e, { n: sum.n + 1, en: sum.en + cell.o, cn: sum.cn + twin.o });
  }
  if (!sums.size) return [];
  const numbers = (values) => values.map((value) => el("td", { class: "num" }, value));
  const rows = [...sums].map(([e, { n, en, cn }]) => el("tr", {}, el("th", { scope: "row", dir: "auto" }, labelOf(data.entries[e])),
    numbers([n, two(en / n), two(cn / n), signed((cn - en) / n)])));
  const heads = ["Twins", "English", "Chinese", "Chinese − English"].map((name) => el("th", { scope: "col", class: "num" }, name));
  return [el("details", { class: "twin-means" }, el("summary", {}, "Mean O by language"), el("table", { class: "plain" },
    el("caption", {}, "Plain means over the twins below on all pages, of which both were scored."),
    el("thead", {}, el("tr", {}, el("th", { scope: "col" }, "Model"), heads)), el("tbody", {}, rows)))];
}
