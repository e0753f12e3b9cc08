// The page's sections as views, one at a time, and of its tables those of the language and subset chosen.
const sections = [...document.querySelectorAll("main > section")];
const switches = byId("switches");

// A name in the address is a section, or something in one; what holds `=` belongs to the gallery.
function sectionOf(hash) {
  if (hash.includes("=")) return byId("gallery");
  const target = hash.length > 1 && byId(decodeURIComponent(hash.slice(1)));
  return (target && target.closest("main > section")) || sections[0];
}
function view() {
  const section = sectionOf(location.hash), target = byId(location.hash.slice(1));
  for (const one of sections) one.classList.toggle("away", one !== section);
  for (const link of document.querySelectorAll(".views a")) {
    if (link.hash === `#${section.id}`) link.setAttribute("aria-current", "page"); else link.removeAttribute("aria-current");
  }
  switches.hidden = switches.dataset.needed === undefined || !section.querySelector("[data-language]");
  const sheet = target && target.closest("[data-language]");
  if (sheet && sheet.hidden) choose(sheet.dataset.language, sheet.dataset.subset);
  if (target) for (let folded = target.closest("details"); folded; folded = folded.parentElement.closest("details")) folded.open = true;
  if (target && target !== section) target.scrollIntoView(); else if (!location.hash.includes("=")) scrollTo(0, 0);
}

function choose(language, subset) {
  for (const [name, value] of [["language", language], ["subset", subset]]) {
    const button = switches.querySelector(`input[name="${name}"][value="${value}"]`);
    if (button) button.checked = true;
  }
  for (const sheet of document.querySelectorAll("[data-language]")) {
    sheet.hidden = sheet.dataset.language !== language || sheet.dataset.subset !== subset;
  }
}
const chosen = (name) => switches.querySelector(`input[name="${name}"]:checked`)?.value;

// Where a language has no table of the subset chosen, the other subset is shown.
function choice(name) {
  const tables = [...document.querySelectorAll("#board [data-language]")];
  const fits = tables.filter((sheet) => sheet.dataset[name] === chosen(name));
  const other = name === "language" ? "subset" : "language";
  const both = fits.find((sheet) => sheet.dataset[other] === chosen(other)) || fits[0];
  if (both) choose(both.dataset.language, both.dataset.subset);
}

function startViews() {
  const first = document.querySelector("#board [data-language]");
  if (first) choose(first.dataset.language, first.dataset.subset);
  if (switches.querySelectorAll("input").length > 2) switches.dataset.needed = "";
  switches.addEventListener("change", (event) => choice(event.target.name));
  addEventListener("hashchange", () => { view(); followAddress(); });
  view();
}
