// Decisions: records are chosen, their days listed, and one day shown with all that is known of it.

const MEMORY = /^## (\S+)$|<memory id="(\w+)"[^>]*>\n([^<]*)\n<\/memory>/gm;
const SHARES = ["returns", "momentum", "weight", "total_return"];
const DIGITS = { reward: 6 };
const LISTED = 1500;
let directory = { tables: {}, titles: {}, episodes: [] };

const linesOf = (refs, record) => refs.map((ref) => (ref >= 0 ? record.shared[ref] : record.own[-1 - ref]));
const textOf = (refs, record) => linesOf(refs, record).join("\n");

/** A part of an episode, with the lines that its decisions point to; null where it was left out. */
async function loaded(episode, part) {
  if (!episode?.[part]) return null;
  const [shared, own] = await Promise.all([
    directory.tables[episode.task] ? packedJson(directory.tables[episode.task]) : [],
    packedJson(episode[part]),
  ]);
  return { decisions: own.decisions, own: own.lines, shared };
}

const chosenEpisode = () => directory.episodes[Number(byId("record-repeat").value)];
const command = (episode, day = "") =>
  `investorbench inspect ${episode.path}${day ? ` ${day} --prompt` : ""}`;

function offerAgents() {
  const task = byId("record-task").value;
  const agents = directory.episodes.filter((each) => each.task === task).map((each) => each.agent);
  setOptions(byId("record-agent"), [...new Set(agents)].map((agent) => [agent, agent]));
  offerRepeats();
}

function offerRepeats() {
  const [task, agent] = [byId("record-task").value, byId("record-agent").value];
  const own = directory.episodes.map((each, index) => [each, index])
    .filter(([each]) => each.task === task && each.agent === agent);
  setOptions(byId("record-repeat"), own.map(([each, index]) => {
    const more = [each.shown ? "shown in the tables" : "", each.finished ? "" : "not finished"];
    const note = more.filter(Boolean).join(", ");
    return [index, `${each.repeat}${note ? ` (${note})` : ""}`];
  }));
  const shown = own.find(([each]) => each.shown);
  if (shown) byId("record-repeat").value = shown[1];
}

/** Choose an episode in all three fields, and show a day of it. */
async function openDay(index, day) {
  const episode = directory.episodes[index];
  byId("record-task").value = episode.task;
  offerAgents();
  byId("record-agent").value = episode.agent;
  offerRepeats();
  byId("record-repeat").value = index;
  await showDays();
  await showDay(day);
  byId("day").focus({ preventScroll: true });
  byId("day").scrollIntoView({ block: "nearest" });
}

/** The sessions of an episode, for one that has too many decisions to list them all at once. */
function offerSessions(facts) {
  const sessions = facts && facts.decisions.length > LISTED
    ? [...new Set(facts.decisions.map((each) => each.session ?? each.day.slice(0, 4)))] : [];
  byId("record-session").parentElement.hidden = !sessions.length;
  setOptions(byId("record-session"), sessions.map((each) => [each, each]));
}

async function showDays() {
  const episode = chosenEpisode();
  byId("decisions-stamp").hidden = !episode.simulated;
  byId("day").replaceChildren(make("h3", {}, "Choose a decision"));
  let facts;
  try {
    facts = await loaded(episode, "facts");
  } catch ({ message }) {
    listDays(null);
    byId("day").replaceChildren(make("h3", {}, "Not here"), make("p", { class: "notice" }, message));
    return;
  }
  if (episode !== chosenEpisode()) return;
  offerSessions(facts);
  listDays(facts);
  if (!facts) byId("day").replaceChildren(make("h3", {}, "Left out"), leftOut(episode));
}

/** The decisions of the chosen session, or all of them. */
function listDays(facts) {
  const body = byId("days").tBodies[0];
  const { outcome } = chosenEpisode();
  const held = outcome.includes("position") ? "position" : "exposure";
  const [place, equity] = [outcome.indexOf(held), outcome.indexOf("equity")];
  const timed = facts?.decisions.some((each) => each.session);
  byId("days-title").textContent = timed ? "Decisions" : "Days";
  byId("days").tHead.rows[0].cells[0].textContent = timed ? "Time, UTC" : "Day";
  byId("days").tHead.rows[0].cells[3].textContent = held === "position" ? "Position" : "Exposure %";
  const session = byId("record-session").value;
  const numbered = (facts?.decisions ?? []).map((decision, day) => [decision, day]);
  const wanted = session
    ? numbered.filter(([each]) => (each.session ?? each.day).startsWith(session)) : numbered;
  body.replaceChildren(...wanted.map(([decision, day]) => make(
    "tr", { "data-day": day },
    make("th", { scope: "row" },
      make("button", { type: "button", click: () => showDay(day) }, decision.day)),
    make("td", { class: "words action" }, decision.action),
    make("td", { class: "words" }, decision.status ?? "–"),
    make("td", {}, held === "position" ? number(decision.outcome[place])
      : number(decision.outcome[place] * 100, 0)),
    make("td", {}, number(decision.outcome[equity], 0)),
  )));
}

async function showDay(day) {
  const episode = chosenEpisode();
  const [facts, texts] = await Promise.all([loaded(episode, "facts"), loaded(episode, "texts")]);
  if (episode !== chosenEpisode() || !facts) return;
  const session = facts.decisions[day].session ?? facts.decisions[day].day.slice(0, 4);
  const chooser = byId("record-session");
  if (!chooser.parentElement.hidden && chooser.value !== session) {
    chooser.value = session;
    listDays(facts);
  }
  for (const row of byId("days").tBodies[0].rows) {
    if (Number(row.dataset.day) === day) row.setAttribute("aria-current", "true");
    else row.removeAttribute("aria-current");
  }
  const decision = facts.decisions[day];
  const thought = texts?.decisions[day];
  const asked = thought?.user ? thoughtParts(thought, texts) : [];
  const other = thought?.other
    ? [make("h4", {}, "Recorded"), make("pre", {}, textOf(thought.other, texts))] : [];
  byId("day").replaceChildren(
    make("h3", {}, `${decision.day} · ${episode.agent} · repeat ${episode.repeat} `,
      make("a", { href: keepLink(episode, decision.day), class: "link" }, "link")),
    ...observedParts(decision, facts, thought),
    ...(episode.thinks && !texts ? [leftOut(episode, decision.day)] : [...asked, ...other]),
    ...doneParts(decision, thought, episode),
  );
  announce(`${decision.day} is shown`);
}

/** Terms and what they are, where there is something to say. */
function terms(pairs) {
  const known = pairs.filter(([, value]) => value !== null && value !== undefined && value !== "");
  return make("dl", {}, ...known.flatMap(([term, value]) =>
    [make("dt", {}, term), make("dd", {}, value)]));
}

function factText(name, value) {
  if (Array.isArray(value)) return value.map((each) => factText(name, each)).join(", ");
  if (value && typeof value === "object") {
    return Object.entries(value).map(([word, count]) => `${count} ${word}`).join(", ");
  }
  if (typeof value !== "number") return String(value);
  return SHARES.includes(name) ? percent(value) : number(value);
}

function observedParts(decision, facts, thought) {
  const known = Object.entries(decision.facts)
    .map(([name, value]) => [name.replaceAll("_", " "), factText(name, value)]);
  const documents = linesOf(decision.documents, facts);
  return [make("h4", {}, "Observed"), terms([
    ...known, ["appetite", thought?.appetite?.replaceAll("_", "-")],
    ["documents", documents.join(", ") || "none"],
  ])];
}

function thoughtParts(thought, record) {
  const user = textOf(thought.user, record);
  const [rung, model, problem] = thought.asked;
  const [latency, cost, attempts] = thought.took;
  const tokens = thought.tokens ? `${thought.tokens[0]} in, ${thought.tokens[1]} out` : null;
  return [
    make("h4", {}, "Recalled"), recalledTable(thought, user),
    make("h4", {}, "Asked"),
    make("details", {}, make("summary", {}, "System message"),
      make("pre", {}, textOf(thought.system, record))),
    make("details", {}, make("summary", {}, "Prompt"), make("pre", {}, user)),
    make("h4", {}, "Answered"),
    terms([["model", model], ["asked as", rung], ["problem", problem], ["tokens", tokens],
      ["took", latency === null ? null : `${number(latency)} s, requests: ${attempts ?? 0}`],
      ["cost", cost === null ? null : `${number(cost, 6)} USD`]]),
    thought.thinking.length ? make("details", {}, make("summary", {}, "Thinking"),
      make("pre", {}, textOf(thought.thinking, record))) : null,
    make("pre", {}, indented(textOf(thought.answer, record))),
  ].filter(Boolean);
}

/** JSON with line breaks; anything else as it is. */
function indented(text) {
  try {
    return JSON.stringify(JSON.parse(text), null, 1);
  } catch {
    return text;
  }
}

/** The texts of memories by label, and by the heading of their section where one asset has it. */
function memoriesIn(user) {
  const texts = new Map();
  let section = "";
  for (const [, heading, label, text] of user.matchAll(MEMORY)) {
    if (heading) section = heading;
    else texts.set(label, text).set(`${section} ${label}`, text);
  }
  return texts;
}

function recalledTable(thought, user) {
  if (!thought.recalled.length) return make("p", {}, "Nothing was recalled.");
  const texts = memoriesIn(user);
  const heads = ["Id", "Layer, date", "Text", "Score", "Similarity", "Recency", "Importance"];
  const rows = thought.recalled.map(([id, label, layer, date, ...scores]) => make("tr", {},
    make("th", { scope: "row" }, thought.cited.includes(id) ? `${id} ★ cited` : String(id)),
    make("td", { class: "words" }, layer, make("span", { class: "settings" }, date)),
    make("td", { class: "words text" }, texts.get(label) ?? "–"),
    ...scores.map((score) => make("td", {}, number(score, 3)))));
  return make("div", { class: "frame", tabindex: "0", role: "group", "aria-label": "Memories" },
    make("table", {}, make("caption", {},
      make("span", {}, "Recalled memories; the score is the sum of its parts")),
      make("thead", {}, make("tr", {}, ...heads.map((head, place) =>
        make("th", { scope: "col", class: place < 3 ? "words" : null }, head)))),
      make("tbody", {}, ...rows)));
}

/** Ids that came of a decision; feedback has a sign for those that it rested on. */
function laterText(value) {
  if (Array.isArray(value)) {
    return value.map((each) => each.ids ? laterText(each)
      : typeof each === "object" ? JSON.stringify(each) : each).join(", ");
  }
  if (!value.ids?.length) return "";
  return `${value.sign < 0 ? "−" : "+"}${Math.abs(value.sign)} for ${value.ids.join(", ")}`;
}

/** A small table of what happened to each asset. */
function assetsTable(caption, heads, rows) {
  if (!rows?.length) return null;
  return make("div", { class: "frame", tabindex: "0", role: "group", "aria-label": caption },
    make("table", {}, make("caption", {}, make("span", {}, caption)),
      make("thead", {}, make("tr", {}, ...heads.map((head, place) =>
        make("th", { scope: "col", class: place ? null : "words" }, head)))),
      make("tbody", {}, ...rows.map(([symbol, ...values]) => make("tr", {},
        make("th", { scope: "row" }, symbol),
        ...values.map((value) => make("td", {}, number(value))))))));
}

function assetParts(decision) {
  const positions = decision.positions?.map(([symbol, quantity, price, weight]) =>
    [symbol, quantity, price, weight * 100]);
  return [
    assetsTable("Fills", ["Asset", "Quantity", "Price", "Notional", "Cost"], decision.fills),
    assetsTable("Positions", ["Asset", "Quantity", "Price", "Weight %"], positions),
  ].filter(Boolean);
}

function doneParts(decision, thought, episode) {
  const outcome = decision.outcome.map((value, place) => {
    const name = episode.outcome[place];
    return [name, name === "exposure" ? `${number(value * 100)} %` : number(value, DIGITS[name])];
  });
  const later = Object.entries(thought?.later ?? {})
    .map(([name, value]) => [name, laterText(value)]).filter(([, text]) => text);
  const invalid = decision.valid === false ? ", without a usable answer" : "";
  const dropped = thought?.dropped ? `${thought.dropped} cited that were never shown` : null;
  return [make("h4", {}, "Done"), terms([
    ["action", decision.action + invalid], ["of which", decision.orders?.join("; ")],
    ["false ids", dropped],
    ["not carried out", decision.rejected?.join("; ")], ["paid", decision.paid?.join("; ")],
    ["forecast", decision.forecast?.join("; ")], ["what came", decision.came?.join("; ")],
    ...outcome, ...later,
  ]), ...assetParts(decision)];
}

/** What is not in the page, and the command that shows it. */
function leftOut(episode, day) {
  return make("p", { class: "notice" },
    "Memories, prompts and answers of this record were left out to keep the page small. ",
    make("code", {}, command(episode, day)), " shows them.");
}

function showWhatIsLeftOut() {
  const without = directory.episodes.filter((each) => each.thinks && !each.texts);
  const empty = directory.episodes.filter((each) => !each.facts);
  if (!without.length && !empty.length) return;
  const missing = [
    without.length ? `Prompts and answers of ${without.length} of ${directory.episodes.length} records` : "",
    empty.length ? `all decisions of ${empty.length} records` : "",
  ].filter(Boolean).join(", and ");
  byId("left-out").hidden = false;
  byId("left-out").append(`${missing} are left out to keep the page small; where they are missing, the command that shows them is given.`);
}

function watchDecisions() {
  directory = plainJson("directory");
  const tasks = [...new Set(directory.episodes.map((each) => each.task))];
  if (!tasks.length) {
    byId("decisions").querySelector(".browser").replaceChildren(make("p", {}, "No decisions are recorded."));
    return;
  }
  setOptions(byId("record-task"), tasks.map((task) => [task, directory.titles[task]]));
  byId("record-task").addEventListener("change", () => { offerAgents(); showDays(); });
  byId("record-agent").addEventListener("change", () => { offerRepeats(); showDays(); });
  byId("record-repeat").addEventListener("change", showDays);
  byId("record-session").addEventListener("change", async () =>
    listDays(await loaded(chosenEpisode(), "facts")));
  showWhatIsLeftOut();
  offerAgents();
}
