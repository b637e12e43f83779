"use strict";
// The charts, and the parts of the page that move; texts and tables can be read without them.
const views = [];
const every = (selector, root = document) => [...root.querySelectorAll(selector)];

function setSignal(name, value) {
  for (const view of views) {
    try { view.signal(name, value).runAsync(); } catch { /* this chart has no such signal */ }
  }
}

// Clicks choose networks and center sources in all charts; none chosen shows all.
const legend = document.getElementById("legend");
for (const button of every("button", legend ?? document.createElement("div"))) {
  button.addEventListener("click", () => {
    button.setAttribute("aria-pressed", String(button.getAttribute("aria-pressed") !== "true"));
    const chosen = every('button[aria-pressed="true"]', button.parentElement);
    button.parentElement.classList.toggle("choosing", chosen.length > 0);
    setSignal(button.dataset.signal, chosen.map((each) => each.dataset.value));
  });
}
// What a link jumps to comes to stand below the legend.
if (legend) {
  const leaveRoom = () => document.documentElement.style.setProperty("--room", `${legend.offsetHeight}px`);
  new ResizeObserver(leaveRoom).observe(legend);
  leaveRoom();
}
// Colors follow the reader's mode by themselves; how faint a mark may be differs, too.
const darkness = matchMedia("(prefers-color-scheme: dark)");
darkness.addEventListener("change", () => setSignal("on_dark", darkness.matches));
for (const radio of every("input[data-signal]")) {
  radio.addEventListener("change", () => setSignal(radio.dataset.signal, radio.value));
}

// The table: a heading sorts, words filter.
const table = document.getElementById("variants");
if (table) {
  const rows = every("tbody tr", table);
  const headings = every("thead th", table);
  headings.forEach((heading, column) => heading.querySelector("button").addEventListener("click", () => {
    const up = heading.getAttribute("aria-sort") !== "ascending";
    for (const each of headings) each.setAttribute("aria-sort", "none");
    heading.setAttribute("aria-sort", up ? "ascending" : "descending");
    const value = (row) => row.cells[column].dataset.value;
    rows.sort((a, b) => {
      const [x, y] = [value(a), value(b)];
      if (x === "" || y === "") return (x === "") - (y === "");  // what wasn't measured is last
      const order = isNaN(x) || isNaN(y) ? x.localeCompare(y, "en", { numeric: true }) : x - y;
      return up ? order : -order;
    });
    table.tBodies[0].append(...rows);
  }));
  const field = document.getElementById("filter");
  const filter = () => {
    const words = field.value.toLowerCase().split(/\s+/).filter(Boolean);
    for (const row of rows) {
      const text = row.textContent.toLowerCase();
      row.hidden = !words.every((word) => text.includes(word));
    }
    document.getElementById("shown").textContent =
      `${rows.filter((row) => !row.hidden).length} of ${rows.length} variants`;
  };
  field.addEventListener("input", filter);
  filter();
}

// The gallery: by size, and by who is nearer.
const choices = every("select[data-filters]");
const crops = every(".crops figure");
const choose = () => {
  for (const crop of crops) {
    crop.hidden = choices.some((each) => each.value && crop.dataset[each.dataset.filters] !== each.value);
  }
  const count = document.getElementById("crops-shown");
  if (count) count.textContent = `${crops.filter((crop) => !crop.hidden).length} of ${crops.length} objects`;
};
for (const each of choices) each.addEventListener("change", choose);
choose();

// On paper nothing can be unfolded.
let folded = [];
addEventListener("beforeprint", () => {
  folded = every("details:not([open])");
  for (const each of folded) each.open = true;
});
addEventListener("afterprint", () => { for (const each of folded) each.open = false; });

// ast: expressions are interpreted, so that the page may forbid all code but its own two scripts.
const options = { renderer: "svg", actions: false, ast: true, defaultStyle: false,
  tooltip: { disableDefaultStyle: true } };
Promise.all(every("[data-spec]").map(async (place) => {
  const spec = JSON.parse(document.getElementById(place.dataset.spec).textContent);
  views.push((await vegaEmbed(place, spec, options)).view);
})).then(() => { setSignal("on_dark", darkness.matches); document.documentElement.dataset.ready = "true"; });
