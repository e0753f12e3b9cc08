// Which models a radar draws, six at most, and a matrix of pairs that is walked with the arrow keys.
const MOST_DRAWN = 6;
const styleOf = (node) => Number(node.getAttribute("class").match(/\bs(\d)\b/)[1]);
const setStyle = (node, style) => node.setAttribute("class", node.getAttribute("class").replace(/\bs\d\b/, `s${style}`));

function startRadar(figure) {
  const lines = [...figure.querySelectorAll(".series")], labels = [...figure.querySelectorAll(".choice label")];
  const boxes = labels.map((label) => label.querySelector("input")), swatches = labels.map((label) => label.querySelector(".swatch"));
  const status = figure.querySelector("[role=status]"), drawn = figure.querySelector("desc");
  const many = boxes.length > MOST_DRAWN;
  const say = (words) => { status.textContent = words; };
  const hint = () => say(many ? `${lines.filter(styleOf).length} of up to ${MOST_DRAWN} drawn.` : "");
  labels.forEach((label) => { label.hidden = false; });
  boxes.forEach((box, at) => {
    box.hidden = false;
    box.addEventListener("change", () => {
      const taken = lines.map(styleOf).filter(Boolean);
      if (box.checked && taken.length >= MOST_DRAWN) {
        box.checked = false;
        say(`Six at most: take one off before you add ${labels[at].textContent.trim()}.`);
        return;
      }
      let style = 0;
      if (box.checked) do style += 1; while (taken.includes(style));
      setStyle(lines[at], style);
      setStyle(swatches[at], style);
      const names = labels.filter((_, other) => boxes[other].checked).map((label) => label.textContent.trim());
      drawn.textContent = `Drawn: ${names.join(", ") || "none"}. All numbers stand in the table above.`;
      hint();
    });
  });
  hint();
}

// One cell of a matrix is in the tab order; the arrow keys, Home and End lead to the others.
function startMatrix(table) {
  const grid = [...table.tBodies[0].rows].map((row) => [...row.cells].slice(1).map((cell) => cell.querySelector("a")));
  const all = grid.flat().filter(Boolean);
  const only = (link) => all.forEach((one) => { one.tabIndex = one === link ? 0 : -1; });
  const steps = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] };
  only(all[0]);
  const readout = table.closest(".sheet").querySelector(".readout");
  const tell = (event) => { if (all.includes(event.target)) readout.textContent = event.target.getAttribute("aria-label"); };
  readout.textContent = "Point at a cell, or walk with the arrow keys, to read its interval.";
  table.addEventListener("pointerover", tell);
  table.addEventListener("focusin", tell);
  table.addEventListener("focusin", (event) => { if (all.includes(event.target)) only(event.target); });
  table.addEventListener("keydown", (event) => {
    let line = grid.findIndex((links) => links.includes(event.target)), column = line < 0 ? -1 : grid[line].indexOf(event.target);
    if (line < 0 || event.ctrlKey || event.metaKey || event.altKey) return;
    let target = null;
    if (event.key === "Home") target = grid[line].find(Boolean);
    else if (event.key === "End") target = grid[line].findLast(Boolean);
    else if (steps[event.key]) do { line += steps[event.key][0]; column += steps[event.key][1]; target = grid[line]?.[column]; } while (target === null);
    else return;
    event.preventDefault();
    if (target) target.focus();
  });
}

function startCharts() {
  document.querySelectorAll(".radar-figure").forEach(startRadar);
  document.querySelectorAll(".matrix").forEach(startMatrix);
}
