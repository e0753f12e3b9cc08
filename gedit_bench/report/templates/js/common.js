// What the other files stand on. Every string that came from elsewhere is set as text, never as HTML.
const LANGUAGES = { en: "English", cn: "Chinese" };
const byId = (id) => document.getElementById(id);

async function load() {
  const text = byId("data").textContent;
  if (byId("data").type === "application/json") return JSON.parse(text);
  const stream = new Blob([bytesOf(text)]).stream().pipeThrough(new DecompressionStream("gzip"));
  return unpack(await new Response(stream).json());
}
function bytesOf(base64) {
  if (Uint8Array.fromBase64) return Uint8Array.fromBase64(base64);
  const characters = atob(base64), bytes = new Uint8Array(characters.length);
  for (let i = 0; i < bytes.length; i++) bytes[i] = characters.charCodeAt(i);
  return bytes;
}

// Large data come with samples and cells as columns, each cell's sample by counting: back to objects.
function unpack(packed) {
  if (!packed.cells) return packed;
  const cells = objects(packed.cells), samples = objects(packed.samples);
  let next = 0;
  for (const sample of samples) sample.cells = cells.slice(next, next += sample.cells);
  return { ...packed, samples };
}
function objects({ rows, columns }) {
  const found = Array.from({ length: rows }, () => ({}));
  for (const [name, column] of Object.entries(columns)) {
    const [field, inner] = name.split("."), whole = Array.isArray(column);
    found.forEach((row, i) => {
      const value = whole ? column[i] : column.values[column.at[i]];
      if (value === undefined || value === null) return;
      if (inner) (row[field] ??= {})[inner] = value; else row[field] = value;
    });
  }
  return found;
}

// A thumbnail is named by its path, or in large data by its SHA-256 in base64url; a single file holds some itself.
const embedded = byId("pictures") && new Map(byId("pictures").textContent.split("\n").map((line) => line.split(" ")));
function picture(name) {
  if (!name) return null;
  const path = name.includes("/") ? name : pathOf(name), held = embedded?.get(path);
  return held ? `data:image/webp;base64,${held}` : path;
}
function pathOf(hash) {
  const hex = [...atob(hash.replaceAll("-", "+").replaceAll("_", "/"))].map((c) => c.charCodeAt(0).toString(16).padStart(2, "0")).join("");
  return `thumbs/${hex.slice(0, 2)}/${hex}.webp`;
}

function el(tag, attributes = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
    else if (value !== undefined && value !== null && value !== false) node.setAttribute(name, value);
  }
  node.append(...children.flat().filter((child) => child !== null && child !== undefined && child !== "" && child !== false));
  return node;
}
const two = (value) => (value === undefined ? "–" : value.toFixed(2));
const signed = (value) => (Math.abs(value) < 0.005 ? "" : value < 0 ? "−" : "+") + Math.abs(value).toFixed(2);
const flagsOf = (cell) => [...new Set([...(cell.flags || []), ...(cell.sc?.flags || []), ...(cell.pq?.flags || [])])];
const link = (values) => "#" + new URLSearchParams(values).toString();
function remember(address) { try { history.replaceState(null, "", address); } catch { /* some browsers forbid it for files */ } }
// What a reader chose stays in the browser, where it lets a page keep something.
function keep(name, value) {
  try { if (value) localStorage.setItem(`gedit-bench-${name}`, value); else localStorage.removeItem(`gedit-bench-${name}`); } catch { /* not kept */ }
}
function kept(name) { try { return localStorage.getItem(`gedit-bench-${name}`); } catch { return null; } }
