// The button that chooses light or dark; the choice itself is applied before the page is drawn.
function startTheme() {
  const button = byId("theme"), root = document.documentElement;
  const say = () => {
    const theme = root.dataset.theme || "auto";
    button.lastElementChild.textContent = theme;
    button.setAttribute("aria-label", `Theme: ${theme}`);
  };
  button.addEventListener("click", () => {
    const next = { undefined: "light", light: "dark", dark: undefined }[root.dataset.theme];
    if (next) root.dataset.theme = next; else delete root.dataset.theme;
    keep("theme", next);
    say();
  });
  say();
  button.hidden = false;
}
