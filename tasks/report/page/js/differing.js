// Where two agents differ: two records of one task side by side, decision by decision.

const DIFFERENT_LISTED = 100;
let differing = { rows: [], shown: 0 };

const episodesOf = (task, agent) => directory.episodes
  .filter((each) => each.task === task && each.agent === agent && each.facts);
const agentsOf = (task) => [...new Set(directory.episodes
  .filter((each) => each.task === task && each.facts).map((each) => each.agent))];

/** The chosen record of an agent: the shown repeat, or one by its number; null where none is there. */
function recordOf(task, agent) {
  const wanted = byId("differ-repeat").value;
  const own = episodesOf(task, agent);
  if (wanted !== "") return own.find((each) => each.repeat === Number(wanted)) ?? null;
  return own.find((each) => each.shown) ?? own[0] ?? null;
}

/** What each decision of a record returned, by its day; the account's value is that after it. */
function returnsOf(episode, facts) {
  const place = episode.outcome.indexOf("equity");
  const held = Math.max(episode.outcome.indexOf("position"), episode.outcome.indexOf("exposure"));
  let before = episode.opening;
  return new Map(facts.decisions.map((decision, day) => {
    const equity = decision.outcome[place];
    const earned = before ? equity / before - 1 : null;
    before = equity;
    return [decision.day, { day, earned, action: decision.action, held: decision.outcome[held] }];
  }));
}

function offerDiffering(one, other) {
  const task = byId("differ-task").value;
  const agents = agentsOf(task).map((agent) => [agent, agent]);
  setOptions(byId("differ-one"), agents);
  setOptions(byId("differ-other"), agents);
  const board = curves[Number(task.split("-")[1]) - 1];
  const named = agents.map(([agent]) => agent);
  const rival = named.find((agent) => agent === board?.benchmark && agent !== named[0]) ?? named[1] ?? named[0];
  byId("differ-one").value = named.includes(one) ? one : named[0];
  byId("differ-other").value = named.includes(other) ? other : rival;
  const repeats = new Set(directory.episodes.filter((each) => each.task === task).map((each) => each.repeat));
  setOptions(byId("differ-repeat"), [["", "shown in the tables"],
    ...[...repeats].sort((first, second) => first - second).map((each) => [each, each])]);
}

function differentCell(episode, own) {
  return make("td", { class: "words action" }, make("button", { type: "button",
    click: () => openDay(directory.episodes.indexOf(episode), own.day) }, own.action));
}

function moreDifferent() {
  const { rows, shown, one, other, parts } = differing;
  const next = rows.slice(shown, shown + DIFFERENT_LISTED);
  byId("differ").tBodies[0].append(...next.map(([day, own, others, gap]) => make("tr", {},
    make("th", { scope: "row" }, day), differentCell(one, own), differentCell(other, others),
    ...[own.held, others.held].map((held) => make("td", {}, number(parts ? held * 100 : held, parts ? 0 : 2))),
    ...[own.earned, others.earned, gap].map((share) => make("td", {}, number(share === null ? null : share * 100))))));
  differing.shown += next.length;
  byId("differ-more").hidden = differing.shown >= rows.length;
}

async function showDifferent() {
  const task = byId("differ-task").value;
  const [one, other] = ["differ-one", "differ-other"].map((id) => recordOf(task, byId(id).value));
  const summary = byId("differ-summary");
  const head = byId("differ").tHead;
  head.replaceChildren();
  byId("differ").tBodies[0].replaceChildren();
  byId("differ-more").hidden = true;
  if (!one || !other) {
    summary.textContent = "Of one of them this repeat is not recorded, or was left out.";
    return;
  }
  byId("differences-stamp").hidden = !one.simulated;
  let records;
  try {
    records = await Promise.all([loaded(one, "facts"), loaded(other, "facts")]);
  } catch ({ message }) {
    summary.textContent = message;
    return;
  }
  const [first, second] = records;
  const [mine, theirs] = [returnsOf(one, first), returnsOf(other, second)];
  const both = [...mine].filter(([day]) => theirs.has(day));
  const gapOf = (day) => {
    const [own, others] = [mine.get(day).earned, theirs.get(day).earned];
    return own === null || others === null ? null : own - others;
  };
  const rows = both.map(([day, own]) => [day, own, theirs.get(day), gapOf(day)]);
  const acted = rows.filter(([, own, others]) => own.action !== others.action).length;
  const different = rows.filter(([, own, others, gap]) => own.action !== others.action || Math.abs(gap ?? 0) > 5e-5);
  if (byId("differ-order").value === "size") {
    different.sort((before, after) => Math.abs(after[3] ?? 0) - Math.abs(before[3] ?? 0));
  }
  const names = [one.agent, other.agent];
  const grown = [mine, theirs].map((all) => both.reduce((sum, [day]) => sum * (1 + (all.get(day).earned ?? 0)), 1) - 1);
  const parts = one.outcome.includes("exposure");
  const held = parts ? "exposure %" : "position";
  summary.textContent = `${names[0]} (${percent(grown[0])}) and ${names[1]} (${percent(grown[1])}) decided `
    + `differently in ${acted} of ${rows.length} decisions; repeats ${one.repeat} and ${other.repeat}.`;
  head.append(make("tr", {}, make("th", { scope: "col", class: "words" }, "Day"),
    ...names.map((name) => make("th", { scope: "col", class: "words" }, name)),
    ...[`${held}, one`, `${held}, other`, "return %, one", "return %, other", "difference %"]
      .map((title) => make("th", { scope: "col" }, title))));
  differing = { rows: different, shown: 0, one, other, parts };
  moreDifferent();
}

/** Show two agents of a task, as a link names them. */
async function openDifferent(task, one, other) {
  byId("differ-task").value = task;
  offerDiffering(one, other);
  await showDifferent();
  byId("differences").scrollIntoView();
}

function watchDiffering() {
  const tasks = [...new Set(directory.episodes.filter((each) => each.facts).map((each) => each.task))];
  if (!tasks.length) {
    byId("differences").querySelector(".browser").replaceChildren(make("p", {}, "No decisions are in the page."));
    return;
  }
  setOptions(byId("differ-task"), tasks.map((task) => [task, directory.titles[task]]));
  byId("differ-task").addEventListener("change", () => { offerDiffering(); showDifferent(); });
  ["one", "other", "repeat", "order"].forEach((id) =>
    byId(`differ-${id}`).addEventListener("change", showDifferent));
  byId("differ-more").addEventListener("click", moreDifferent);
  offerDiffering();
  const observer = new IntersectionObserver(([entry]) => {
    if (!entry.isIntersecting) return;
    observer.disconnect();
    if (!byId("differ").tHead.rows.length) showDifferent();
  }, { rootMargin: "400px" });
  observer.observe(byId("differences"));
}
