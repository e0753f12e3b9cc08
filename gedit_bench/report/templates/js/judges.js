// What the judges said of an edit: reasoning, raw reply, and how it was read.
function pairs(items) {
  const filled = items.filter(([, value]) => value !== undefined && value !== null && value !== "");
  return el("dl", { class: "pairs" }, filled.map(([name, value]) => el("div", {}, el("dt", {}, name), el("dd", { dir: "auto" }, String(value)))));
}
// The reasoning stands in the reply: at `why` as a JSON string, else as `reasoning` of the JSON object that the reply is.
function reasoningOf(aspect) {
  try {
    const found = aspect.why ? JSON.parse(aspect.reply.slice(...aspect.why)) : JSON.parse(aspect.reply).reasoning;
    return typeof found === "string" && found ? found : null;
  } catch { return null; }
}
function reasoning(aspect) {
  const found = reasoningOf(aspect);
  return found && el("blockquote", { dir: "auto", ...longText(found) }, found);
}
function aspectView(name, words, aspect) {
  const heading = el("h3", {}, `${name}: ${words}`, el("b", {}, aspect?.score === undefined ? "" : String(aspect.score)));
  if (!aspect) return el("section", { class: "aspect" }, heading, "Not judged.");
  const why = reasoning(aspect);
  const raw = el("details", why ? {} : { open: "" }, el("summary", {}, "Raw reply"), el("pre", { dir: "auto", ...longText(aspect.reply ?? "") }, aspect.reply ?? "(no content)"));
  return el("section", { class: "aspect" }, heading, why,
    pairs([["status", aspect.status], ["finish reason", aspect.finish], ["flags", (aspect.flags || []).join(", ")], ["refusal", aspect.refusal],
      ["message", aspect.message], ["asked again", aspect.attempt], ["returned model", aspect.model], ["reused from", aspect.reused]]), raw);
}
function judged(cell) {
  return [aspectView("SC", "semantic consistency", cell.sc), aspectView("PQ", "perceptual quality", cell.pq)];
}
// The same run judged by others, or scored in another way: the same picture.
function otherJudges(sample, cell) {
  const run = data.entries[cell.e].run;
  return sample.cells.filter((other) => other !== cell && data.entries[other.e].run === run && run !== undefined).map((other) => {
    const entry = data.entries[other.e];
    return el("details", { class: "aspect other" }, el("summary", {}, el("bdi", {}, `${entry.label}, judged by ${entry.judge}: `), scores(other)), judged(other));
  });
}
