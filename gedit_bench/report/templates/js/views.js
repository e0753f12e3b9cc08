// The page's sections as views, one at a time, and of its tables those of the language and subset chosen.
const sections = [...document.querySelectorAll("main > section")];
const sheets = [...document.querySelectorAll("[data-language]")];
const switches = byId("switches");
const PARTS = ["language", "subset"];

// A name in the address is a section, or something in one: `#board`, `#categories/cn/full`, `#t1a2b3c4d`.
// What holds `=` belongs to the gallery; what names nothing, or is no address at all, leads to the first section.
function addressed() {
  const [name, ...choice] = location.hash.slice(1).split("/");
  const target = name && !name.includes("=") ? byId(decoded(name)) : null;
  const section = name.includes("=") ? byId("gallery") : target?.closest("main > section") || sections[0];
  return { section, target, choice };
}
function decoded(text) { try { return decodeURIComponent(text); } catch { return text; } }
function view() {
  const { section, target, choice } = addressed();
  document.body.dataset.view = section.id;
  for (const one of sections) one.classList.toggle("away", one !== section);
  for (const link of document.querySelectorAll(".views a")) {
    if (link.hash === `#${section.id}`) link.setAttribute("aria-current", "page"); else link.removeAttribute("aria-current");
  }
  const sheet = target?.closest("[data-language]");
  if (sheet) choose(sheet.dataset);
  else if (choice.length === 2) settle({ language: choice[0], subset: choice[1] }, "language");
  switches.hidden = sheetsOf(sections[0]).length < 2 || !sheetsOf(section).length;
  if (target && target === section) remember(section.id === "gallery" ? filterAddress() : addressOf(section));
  for (let folded = target?.closest("details"); folded; folded = folded.parentElement.closest("details")) folded.open = true;
  if (target && target !== section) target.scrollIntoView(); else if (!location.hash.includes("=")) scrollTo({ top: 0, behavior: "instant" });
}

const sheetsOf = (section) => sheets.filter((sheet) => section.contains(sheet));
const chosen = () => Object.fromEntries(PARTS.map((name) => [name, switches.querySelector(`[name="${name}"]:checked`)?.value]));
// The choice stands in the address once it is another than at first.
function addressOf(section) {
  const first = sheetsOf(sections[0])[0]?.dataset, now = chosen();
  const changed = sheetsOf(section).length && PARTS.some((name) => now[name] !== first[name]);
  return changed ? `#${section.id}/${now.language}/${now.subset}` : `#${section.id}`;
}
function choose(wanted) {
  for (const name of PARTS) {
    for (const button of switches.querySelectorAll(`[name="${name}"]`)) button.checked = button.value === wanted[name];
  }
  for (const sheet of sheets) sheet.hidden = PARTS.some((name) => sheet.dataset[name] !== wanted[name]);
  const links = [...document.querySelectorAll(".index a")];
  for (const link of links) link.hidden = byId(link.hash.slice(1)).hidden;
  if (byId("index")) byId("index").hidden = links.filter((link) => !link.hidden).length < 2;
  countRows();
}
// Where a language has no table of the subset chosen, the other subset is shown; likewise the other way round.
function settle(wanted, first) {
  const fits = sheetsOf(sections[0]).filter((sheet) => sheet.dataset[first] === wanted[first]);
  const found = fits.find((sheet) => PARTS.every((name) => sheet.dataset[name] === wanted[name])) || fits[0];
  if (found) choose(found.dataset);
}

function startViews() {
  const first = sheetsOf(sections[0])[0];
  if (first) choose(first.dataset);
  switches.addEventListener("change", (event) => { settle(chosen(), event.target.name); remember(addressOf(addressed().section)); });
  switches.addEventListener("submit", (event) => event.preventDefault());
  addEventListener("hashchange", () => { view(); followAddress(); });
  view();
}
