// Tables that are sorted by their heads and filtered by the name of the agent.

/** Values of two cells in ascending order; numbers as numbers. */
function inOrder(one, other) {
  const [first, second] = [Number(one), Number(other)];
  const areNumbers = !Number.isNaN(first) && !Number.isNaN(second);
  return areNumbers ? first - second : one.localeCompare(other);
}

/** Sort by a column; empty cells stay at the end either way. */
function sortBy(table, column, direction) {
  const body = table.tBodies[0];
  const keyed = [...body.rows].map((row) => [row.cells[column].dataset.sort ?? "", row]);
  keyed.sort(([one], [other]) => {
    if (!one || !other) return (one ? 0 : 1) - (other ? 0 : 1);
    return direction * inOrder(one, other);
  });
  body.append(...keyed.map(([, row]) => row));
}

function makeSortable(table) {
  const heads = [...table.tHead.rows[0].cells];
  heads.forEach((head, column) => {
    head.querySelector("button").addEventListener("click", () => {
      const before = head.getAttribute("aria-sort");
      const best = head.classList.contains("words") ? "ascending" : "descending";
      const first = head.dataset.first ?? best;
      const second = first === "ascending" ? "descending" : "ascending";
      const now = before === first ? second : first;
      heads.forEach((other) => other.setAttribute("aria-sort", "none"));
      head.setAttribute("aria-sort", now);
      sortBy(table, column, now === "ascending" ? 1 : -1);
      announce(`Sorted by ${head.textContent}, ${now}`);
    });
  });
}

/** Show the rows of agents whose names hold a text. */
function filterAgents(wanted) {
  const names = new Set();
  for (const head of document.querySelectorAll("main tbody th[data-sort]")) {
    const isShown = head.dataset.sort.toLowerCase().includes(wanted.toLowerCase());
    head.parentElement.hidden = !isShown;
    if (isShown) names.add(head.dataset.sort);
  }
  announce(`${names.size} agents shown`);
}
