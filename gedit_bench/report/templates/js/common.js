// What the other files stand on. Every string that came from elsewhere is set as text, never as HTML.
const LANGUAGES = { en: "English", cn: "Chinese" };
const byId = (id) => document.getElementById(id);

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
function remember(address) { try { history.replaceState(null, "", address); } catch { /* some browsers forbid it for files */ } }
// What a reader chose stays in the browser, where it lets a page keep something.
function keep(name, value) {
  try { if (value) localStorage.setItem(`gedit-bench-${name}`, value); else localStorage.removeItem(`gedit-bench-${name}`); } catch { /* not kept */ }
}
function kept(name) { try { return localStorage.getItem(`gedit-bench-${name}`); } catch { return null; } }
