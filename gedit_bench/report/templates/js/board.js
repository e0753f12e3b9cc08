// The board's tables: order, filter and columns, the same in all of them, so that they stay comparable.
const boards = [...document.querySelectorAll("table.board")];
const tools = byId("tools");

function sortValue(row, column, kind) {
  const cell = row.querySelector(`[data-column="${column}"]`);
  if (kind === "text" && cell?.dataset.value === undefined) return cell?.textContent.trim().toLowerCase() || undefined;
  return cell?.dataset.value === undefined ? undefined : Number(cell.dataset.value);
}
const rowsOf = (body) => [...body.rows].filter((row) => !row.querySelector('[scope="rowgroup"]') && row.cells.length > 1);
// Stable; what has no value comes last either way. Each body keeps its own rows, below what it is called.
function sortRows(table, column, kind, descending) {
  for (const body of table.tBodies) {
    const rows = rowsOf(body).map((row) => [sortValue(row, column, kind), row]);
    const known = rows.filter(([value]) => value !== undefined), unknown = rows.filter(([value]) => value === undefined);
    known.sort(([a], [b]) => (descending ? -1 : 1) * (typeof a === "string" ? a.localeCompare(b, "en", { numeric: true }) : a - b));
    body.append(...[...known, ...unknown].map(([, row]) => row));
  }
}
function sortBy(head) {
  const { column, kind } = head.dataset, before = head.getAttribute("aria-sort");
  const descending = before === "none" ? kind === "number" : before === "ascending";
  for (const table of boards) {
    const heads = [...table.tHead.rows[0].cells];
    if (!heads.some((one) => one.dataset.column === column)) continue;
    sortRows(table, column, kind, descending);
    for (const one of heads.filter((one) => one.hasAttribute("aria-sort"))) {
      one.setAttribute("aria-sort", one.dataset.column !== column ? "none" : descending ? "descending" : "ascending");
    }
  }
}
function makeSortable(head) {
  if (head.dataset.kind === "drawing") return;
  const button = el("button", { type: "button", class: "sort", onclick: () => sortBy(head) });
  button.append(...head.childNodes);
  head.append(button);
  head.setAttribute("aria-sort", head.dataset.column === "rank" ? "ascending" : "none");
}

const allRows = (tables) => tables.flatMap((table) => [...table.tBodies].flatMap(rowsOf));
function searched(row) {
  return [...row.querySelectorAll("th, .tally, .text")].map((cell) => cell.textContent).join(" ").toLowerCase();
}
function filterRows() {
  const wanted = tools.elements.wanted.value.trim().toLowerCase().split(/\s+/);
  for (const row of allRows(boards)) {
    const text = searched(row);
    row.hidden = !wanted.every((word) => text.includes(word));
  }
  countRows();
}
function countRows() {
  if (!tools) return;
  const rows = allRows(boards.filter((table) => !table.closest("[hidden]"))), shown = rows.filter((row) => !row.hidden);
  byId("found").textContent = shown.length === rows.length ? "" : shown.length ? `${shown.length} of ${rows.length} rows` : "No row fits.";
}

function showColumns() {
  for (const box of tools.querySelectorAll('[name="column"]')) {
    for (const cell of document.querySelectorAll(`.board [data-column="${box.value}"]`)) cell.hidden = !box.checked;
  }
}
function keepColumns() {
  const changed = [...tools.querySelectorAll('[name="column"]')].filter((box) => box.checked !== box.defaultChecked);
  keep("columns", changed.map((box) => box.value).join(" "));
}
function startColumns() {
  const changed = (kept("columns") || "").split(" "), menu = tools.querySelector("details");
  for (const box of tools.querySelectorAll('[name="column"]')) if (changed.includes(box.value)) box.checked = !box.defaultChecked;
  showColumns();
  menu.addEventListener("change", () => { showColumns(); keepColumns(); });
  menu.addEventListener("keydown", (event) => {
    if (event.key === "Escape" && menu.open) { menu.open = false; menu.firstElementChild.focus(); }
  });
  for (const leaving of ["click", "focusin"]) {
    document.addEventListener(leaving, (event) => { if (!menu.contains(event.target)) menu.open = false; });
  }
}

function startBoard() {
  if (!tools) return;
  for (const table of boards) [...table.tHead.rows[0].cells].forEach(makeSortable);
  tools.addEventListener("submit", (event) => event.preventDefault());
  tools.elements.wanted.addEventListener("input", filterRows);
  startColumns();
  filterRows();
  tools.hidden = false;
}
