"use strict";
try {
  const theme = localStorage.getItem("gedit-bench-theme");
  if (theme === "light" || theme === "dark") document.documentElement.dataset.theme = theme;
} catch { /* no storage: follow the system */ }
