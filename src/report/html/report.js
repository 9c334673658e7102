// What the page can do besides being read: light and dark, variants shown and hidden, more metrics,
// and the numbers under the pointer. Without it, everything is shown.
(() => {
  "use strict";
  const root = document.documentElement;
  const all = (selector, within = document) => [...within.querySelectorAll(selector)];

  // Light or dark: as the system has it until the reader says otherwise.
  const theme = document.getElementById("theme");
  const prefersDark = window.matchMedia("(prefers-color-scheme: dark)");
  const isDark = () =>
    root.dataset.theme ? root.dataset.theme === "dark" : prefersDark.matches;
  // Where a page may keep nothing, the choice lasts as long as the page is open.
  const remember = (value) => {
    try { localStorage.setItem("cachesim-theme", value); } catch { /* see above */ }
  };
  const remembered = () => {
    try { return localStorage.getItem("cachesim-theme"); } catch { return null; }
  };
  const nameTheme = () => {
    theme.textContent = isDark() ? "Light" : "Dark";
    theme.setAttribute("aria-label", isDark() ? "Switch to light" : "Switch to dark");
  };
  if (["light", "dark"].includes(remembered())) root.dataset.theme = remembered();
  theme.hidden = false;
  theme.addEventListener("click", () => {
    root.dataset.theme = isDark() ? "light" : "dark";
    remember(root.dataset.theme);
    nameTheme();
  });
  prefersDark.addEventListener("change", nameTheme);
  nameTheme();

  for (const element of all(".toolbar, .switch")) element.hidden = false;
  for (const box of all("[data-variant]")) {
    const update = () => root.classList.toggle(`hide-v${box.dataset.variant}`, !box.checked);
    box.addEventListener("change", update);
    // A browser that goes back to a page restores its boxes.
    update();
  }
  const more = document.getElementById("all-metrics");
  if (more) {
    const update = () => root.classList.toggle("all-metrics", more.checked);
    more.addEventListener("change", update);
    update();
  }

  // A link to something folded away unfolds it.
  const unfold = () => {
    const target = location.hash && document.getElementById(decodeURIComponent(location.hash.slice(1)));
    const folded = target && target.closest("details");
    if (folded && !folded.open) {
      folded.open = true;
      target.scrollIntoView();
    }
  };
  window.addEventListener("hashchange", unfold);
  unfold();

  // What is folded away is printed, but for the numbers of charts.
  let unfolded = [];
  window.addEventListener("beforeprint", () => {
    unfolded = all("details:not(.data):not([open])");
    for (const details of unfolded) details.open = true;
  });
  window.addEventListener("afterprint", () => {
    for (const details of unfolded) details.open = false;
    unfolded = [];
  });

  // The numbers under the pointer are those of the table below the chart.
  for (const plot of all(".plot")) {
    const svg = plot.querySelector("svg");
    const tip = plot.querySelector(".tip");
    const cross = plot.querySelector(".cross");
    const rows = all("tr[data-x]", plot.parentElement).map((row) => ({ row, x: Number(row.dataset.x) }));
    if (rows.length === 0) {
      svg.removeAttribute("tabindex");
      continue;
    }
    const heads = all("thead th", rows[0].row.closest("table"));
    let at = -1;
    const hide = () => {
      tip.hidden = true;
      cross.setAttribute("d", "");
      at = -1;
    };
    const show = (index) => {
      at = Math.max(0, Math.min(rows.length - 1, index));
      const { row, x } = rows[at];
      cross.setAttribute("d", `M${x} ${svg.dataset.top}V${svg.dataset.bottom}`);
      const cells = [...row.children];
      const head = document.createElement("b");
      head.textContent = cells[0].textContent;
      tip.replaceChildren(head);
      cells.slice(1).forEach((cell, index) => {
        if (getComputedStyle(cell.closest("td")).display === "none") return;
        if (root.classList.contains(`hide-v${index}`)) return;
        const line = document.createElement("div");
        const name = heads[index + 1].firstElementChild.cloneNode(true);
        const value = document.createElement("span");
        value.textContent = cell.textContent;
        line.append(name, value);
        tip.append(line);
      });
      tip.hidden = false;
      const scale = svg.clientWidth / svg.viewBox.baseVal.width;
      const room = plot.clientWidth - tip.offsetWidth;
      const right = x * scale + 12;
      const left = right <= room ? right : x * scale - tip.offsetWidth - 12;
      tip.style.left = `${Math.max(0, left)}px`;
    };
    const nearest = (event) => {
      const box = svg.getBoundingClientRect();
      const x = ((event.clientX - box.left) / box.width) * svg.viewBox.baseVal.width;
      let best = 0;
      rows.forEach((one, index) => {
        if (Math.abs(one.x - x) < Math.abs(rows[best].x - x)) best = index;
      });
      show(best);
    };
    svg.addEventListener("pointermove", nearest);
    svg.addEventListener("pointerdown", nearest);
    svg.addEventListener("pointerleave", hide);
    svg.addEventListener("blur", hide);
    svg.addEventListener("keydown", (event) => {
      const steps = { ArrowLeft: -1, ArrowRight: 1, PageUp: -10, PageDown: 10 };
      if (event.key === "Escape") hide();
      else if (event.key in steps) {
        show(at < 0 ? 0 : at + steps[event.key]);
        event.preventDefault();
      }
    });
  }
})();
