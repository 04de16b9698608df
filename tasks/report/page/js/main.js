// What the page does when it is opened.

async function copyText(button) {
  const text = button.dataset.copy;
  try {
    await navigator.clipboard.writeText(text);
  } catch {
    const range = document.createRange();
    range.selectNodeContents(button.parentElement.querySelector("blockquote"));
    getSelection().removeAllRanges();
    getSelection().addRange(range);
    document.execCommand("copy");
  }
  button.textContent = "Copied";
  announce("Copied");
  setTimeout(() => { button.textContent = "Copy"; }, 2000);
}

function chooseTheme(theme) {
  if (theme) document.documentElement.dataset.theme = theme;
  else delete document.documentElement.dataset.theme;
  redraw();
}

document.querySelectorAll("table.sortable").forEach(makeSortable);
document.querySelector(".contents").addEventListener("click", (event) => {
  if (event.target.closest("a")) event.currentTarget.open = false;
});
document.querySelectorAll(".copy").forEach((button) =>
  button.addEventListener("click", () => copyText(button)));
byId("filter").addEventListener("input", (event) => filterAgents(event.target.value));
byId("theme").addEventListener("change", (event) => chooseTheme(event.target.value));
watchDecisions();
watchSearch();
watchArena();
watchCharts();
watchDiffering();
watchLinks();
document.documentElement.dataset.interactiveMs = Math.round(performance.now());
