"use strict";
// Everything is readable without this; it only leaves out what was not asked for.
(() => {
  const find = (id) => document.getElementById(id);
  const all = (selector) => [...document.querySelectorAll(selector)];
  const rows = all("[data-words]");
  const parts = all("[data-cell], [data-cells]");
  const search = find("search");
  const status = find("status");
  find("filter").hidden = false;

  const apply = () => {
    const words = search.value.toLowerCase().split(/\s+/).filter(Boolean);
    const shown = new Set();
    for (const { dataset: { cell, state, words: text } } of rows) {
      const fits = words.every((word) => text.toLowerCase().includes(word));
      if (fits && (!status.value || state === status.value)) shown.add(cell);
    }
    for (const part of parts) {
      const cells = (part.dataset.cells ?? part.dataset.cell).split(" ");
      part.hidden = !cells.some((cell) => shown.has(cell));
    }
    find("shown").textContent = shown.size === rows.length ? "" : `${shown.size} of ${rows.length} cells shown`;
  };
  search.addEventListener("input", apply);
  status.addEventListener("change", apply);
  find("filter").addEventListener("submit", (event) => event.preventDefault());

  const open = find("open");
  open.addEventListener("click", () => {
    const cells = all("details.cell");
    const opens = cells.some((cell) => !cell.open);
    for (const cell of cells) cell.open = opens;
    open.textContent = opens ? "Close all" : "Open all";
  });

  // A link to a section that is closed or left out opens it.
  const reveal = () => {
    const target = location.hash.length > 1 && find(decodeURIComponent(location.hash.slice(1)));
    const cell = target && target.closest("details.cell");
    if (!cell) return;
    cell.hidden = false;
    for (let part = target.closest("details"); part; part = part.parentElement.closest("details")) part.open = true;
    target.scrollIntoView();
  };
  addEventListener("hashchange", reveal);
  reveal();

  document.addEventListener("keydown", (event) => {
    if (event.key === "/" && !event.target.closest("input, select, textarea")) {
      event.preventDefault();
      search.focus();
    } else if (event.key === "Escape" && event.target === search) {
      search.value = "";
      apply();
    }
  });
})();
