// What the cards of a comparison have beside those of the gallery: how far O moved, and the words of both judges.
function difference(sample) {
  const sign = sample.difference < 0 ? "−" : "+";
  return el("b", { class: "moved" }, `O ${sign}${Math.abs(sample.difference).toFixed(2)}`);
}
function said(name, aspect) {
  const reply = aspect && (reasoning(aspect) || aspect.reply && el("blockquote", { dir: "auto", ...longText(aspect.reply) }, aspect.reply));
  return el("div", {}, el("b", {}, `${name} ${aspect?.score ?? aspect?.status ?? "not judged"}`), reply);
}
function words(cells) {
  return el("details", { class: "words" }, el("summary", {}, "The judges’ words"),
    el("div", { class: "both" }, ...cells.map((cell) => el("section", {},
      el("strong", {}, el("bdi", {}, data.entries[cell.e].label)), said("SC", cell.sc), said("PQ", cell.pq)))));
}
