// The button that chooses light or dark; the choice itself is applied before the page is drawn.
function startTheme() {
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
