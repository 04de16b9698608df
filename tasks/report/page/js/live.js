// What stands on top of a page that follows a run: how far it came, asked again and again.
//
// Only rows that changed are sent and drawn, and nothing is asked while the page is not looked at.

const ASKED_MS = { running: 2000, stopped: 5000, finished: 10000 };
const RANKS = ["running", "failed", "stopped", "waiting", "not begun", "finished"];
const CURVE = { width: 110, height: 26 };
const live = { version: 0, rows: new Map(), shown: null, first: null, isWaiting: false };

const liveMade = () => Number(byId("live").dataset.made);
const counted = (count, thing) => `${number(count, 0)} ${thing}${count === 1 ? "" : "s"}`;

/** Text and title of an element, changed only where they are others: who listens is not disturbed. */
function setText(element, text, title = null) {
  if (element.textContent !== text) element.textContent = clean(text);
  if (title) element.title = clean(title);
  else element.removeAttribute("title");
}

/** The account of an episode as a line as small as a word; the level it began at is dotted. */
function smallCurve(points) {
  const known = points.filter((each) => each !== null);
  if (known.length < 2) return make("span", { class: "none", title: "no test decision yet, or it is in the charts below" }, "–");
  const [low, high] = [Math.min(...known), Math.max(...known)];
  const scale = high > low ? (CURVE.height - 4) / (high - low) : 0;
  const y = (value) => (scale ? CURVE.height - 2 - (value - low) * scale : CURVE.height / 2);
  const svg = (tag, attributes) => {
    const element = document.createElementNS("http://www.w3.org/2000/svg", tag);
    Object.entries(attributes).forEach(([name, value]) => element.setAttribute(name, value));
    return element;
  };
  const last = known.at(-1);
  const drawn = svg("svg", { viewBox: `0 0 ${CURVE.width} ${CURVE.height}`, class: "small-curve", role: "img",
    "aria-label": `${percent(last - 1)} since the opening` });
  const line = points.map((value, place) => [place * (CURVE.width - 4) / (points.length - 1) + 2, value])
    .filter(([, value]) => value !== null).map(([x, value]) => `${x.toFixed(1)},${y(value).toFixed(1)}`);
  drawn.append(svg("line", { x1: 0, x2: CURVE.width, y1: y(1), y2: y(1) }), svg("polyline", { points: line.join(" ") }));
  return make("span", { class: "account" }, drawn, ` ${percent(last - 1)}`);
}

function lastCell(row) {
  if (!row.last) return "–";
  const { day, action, split, repeat } = row.last;
  return make("button", { type: "button", title: `repeat ${repeat}`, click: () => showLast(row.id, repeat) },
    `${day} ${action}${split === "warmup" ? " (warm-up)" : ""}`);
}

function doneCell(row) {
  if (row.warmup && !row.decisions) return `warm-up ${number(row.warmup[0], 0)} of ${number(row.warmup[1], 0)}`;
  return row.planned ? `${number(row.decisions, 0)} of ${number(row.planned, 0)}` : number(row.decisions, 0);
}

/** A row of the table; what has the focus in the old one has it in the new one. */
function liveRow(row) {
  const several = new Set([...live.rows.values()].map((each) => each.run)).size > 1;
  return make("tr", { "data-id": row.id, class: `is-${row.state.replace(" ", "-")}` },
    make("th", { scope: "row" }, make("bdi", { title: row.agent }, row.short), several ? make("span", { class: "settings" }, row.run) : null),
    make("td", { class: "words" }, row.task),
    make("td", { class: "words state", title: row.problem || null }, make("span", { class: "dot", "aria-hidden": "true" }), row.state),
    make("td", {}, `${row.episodes[0]} of ${row.episodes[1]}`),
    make("td", {}, doneCell(row)),
    make("td", {}, row.asked ? number(100 * row.unusable / row.asked, 1) : "–"),
    make("td", {}, row.asked ? number(row.usd, 2) : "–"),
    make("td", {}, smallCurve(row.equity)),
    make("td", { class: "words last" }, lastCell(row)));
}

function putRows(rows, present) {
  const body = byId("live-agents").querySelector("tbody");
  for (const id of live.rows.keys()) {
    if (present.includes(id)) continue;
    live.rows.delete(id);
    body.querySelector(`[data-id="${id}"]`)?.remove();
  }
  rows.forEach((row) => live.rows.set(row.id, row));
  for (const row of rows) {
    const old = body.querySelector(`[data-id="${row.id}"]`);
    const hadFocus = old?.contains(document.activeElement);
    const made = liveRow(row);
    if (old) old.replaceWith(made);
    else body.append(made);
    if (hadFocus) made.querySelector("button")?.focus({ preventScroll: true });
  }
  const rankOf = ({ dataset }) => RANKS.indexOf(live.rows.get(Number(dataset.id)).state);
  const sorted = [...body.rows].sort((one, other) => rankOf(one) - rankOf(other) || one.dataset.id - other.dataset.id);
  const held = document.activeElement;
  sorted.forEach((row, place) => { if (body.rows[place] !== row) body.insertBefore(row, body.rows[place]); });
  if (held !== document.activeElement && body.contains(held)) held.focus({ preventScroll: true });
}

/** How long it will take at the pace since the page was opened; nothing where that is not known. */
function timeLeft(state) {
  const [done, planned] = state.decisions;
  const now = performance.now();
  live.first ??= { done, now };
  const [grown, minutes] = [done - live.first.done, (now - live.first.now) / 60000];
  if (state.state !== "running" || !planned || grown < 5 || minutes < 0.2) return "";
  const left = (planned - done) / (grown / minutes);
  if (left < 1) return "less than a minute left";
  return left < 90 ? `about ${counted(Math.round(left), "minute")} left` : `about ${number(left / 60, 0)} hours left`;
}

function titleOf(state) {
  const [finished, planned] = state.episodes;
  const failed = state.failed ? `, ${number(state.failed, 0)} failed` : "";
  const how = `${number(finished, 0)} of ${counted(planned, "episode")}`;
  if (!planned) return "No episode has begun yet";
  if (state.state === "finished") return `Finished: ${counted(planned, "episode")}`;
  return state.state === "running" ? `Running: ${how} finished${failed}` : `Stopped: ${how} finished${failed}`;
}

function figuresOf(state) {
  const [done, planned] = state.decisions;
  const paid = state.ledger ?? (state.asked ? state.usd : null);
  return [
    state.making ? `reading for the report: ${number(state.making[0], 0)} of ${counted(state.making[1], "episode")}` : null,
    (planned ? `${number(done, 0)} of ${counted(planned, "decision")}` : counted(done, "decision"))
      + (state.has_warmup ? " with those of the warm-up" : ""),
    state.asked ? `${paid === null ? "prices not known" : `${number(paid, 2)} USD${state.usd === null ? ", some without a price" : ""}`}, ${number(state.tokens, 0)} tokens` : null,
    state.asked ? `${number(100 * state.unusable / state.asked, 1)} % of answers unusable (${number(state.unusable, 0)} of ${number(state.asked, 0)})` : null,
    timeLeft(state) || null,
  ].filter(Boolean);
}

function noteOf(state) {
  if (state.problem) return `The report cannot be made: ${state.problem}`;
  if (state.making) return "The report is being made.";
  if (state.state === "stopped" && state.episodes[1]) {
    const when = state.written_at ? ` since ${state.written_at.slice(0, 16).replace("T", " ")} UTC` : "";
    return `Nothing is written${when}: the run was stopped, or waits for a server. The command that began it resumes it.`;
  }
  if (!liveMade()) return "Tables and charts come with the first episode that is finished.";
  return "";
}

function putState(state) {
  putRows(state.rows, state.present);
  byId("live").dataset.state = state.state;
  setText(byId("live-title"), titleOf(state));
  if (!live.version) {
    byId("live-agents").open = state.state !== "finished";
    live.isWaiting = state.making !== null; // it was asked for with this page
  }
  live.version = state.version;
  const [done, planned] = state.decisions;
  const bar = byId("live-progress");
  bar.hidden = !planned || state.state === "finished";
  if (planned) [bar.max, bar.value] = [planned, done];
  // The report below says the same of a run that it has all of.
  const isSaid = state.state === "finished" && liveMade() && !state.unseen;
  setText(byId("live-figures"), isSaid ? "" : figuresOf(state).join(" · "));
  const isNew = state.made > liveMade() && (live.isWaiting || !liveMade());
  const more = state.unseen && !state.making ? `${counted(state.unseen, "more episode")} finished since this page was made. ` : "";
  const later = isNew && live.shown ? "The report is there. " : more;
  setText(byId("live-note"), later || noteOf(state));
  byId("live-new").hidden = !later;
  const problems = byId("live-problems");
  if (problems.dataset.shown !== String(state.problems)) {
    problems.replaceChildren(...state.problems.map((each) => make("li", {}, each)));
    problems.dataset.shown = state.problems;
  }
  problems.hidden = !state.problems.length;
  if (isNew && !live.shown) location.reload(); // who reads a decision is not interrupted
  offerNewer();
}

/** What a reader may do beside a decision: another repeat, a newer one, enough. */
function lastControls(id, repeat) {
  const repeats = Array.from({ length: live.rows.get(id)?.episodes[1] ?? 1 }, (_, place) => place);
  const chooser = make("select", { id: "live-repeat", change: (event) => showLast(id, Number(event.target.value)) });
  setOptions(chooser, repeats.map((each) => [each, each]));
  chooser.value = repeat;
  return make("div", { class: "choices" },
    repeats.length > 1 ? make("p", {}, make("label", { for: "live-repeat" }, "Repeat"), " ", chooser) : null,
    make("button", { type: "button", id: "live-newer", hidden: "", click: () => showLast(id, repeat) }, "A newer one is there: show it"),
    make("button", { type: "button", click: () => { byId("live-decision").hidden = true; live.shown = null; } }, "Close"));
}

/** The last decision of a repeat as the page shows any, beside what came after it. */
async function showLast(id, repeat) {
  const box = byId("live-decision");
  let shown;
  try {
    const reply = await fetch(`live/decision?job=${id}&repeat=${repeat}`);
    if (!reply.ok) throw new Error("it is not there any more");
    shown = await reply.json();
  } catch ({ message }) {
    box.replaceChildren(make("p", { class: "notice" }, `The decision cannot be read: ${message}`));
    box.hidden = false;
    return;
  }
  const record = { own: shown.lines, shared: [] };
  const { decision, thought } = shown;
  const asked = thought?.user ? thoughtParts(thought, record) : [];
  const other = thought?.other ? [make("h4", {}, "Recorded"), make("pre", {}, textOf(thought.other, record))] : [];
  const open = [...box.querySelectorAll("details[open] > summary")].map((each) => each.textContent);
  box.replaceChildren(
    make("h3", {}, `${decision.day}: ${decision.action} · `, make("bdi", {}, shown.agent), ` · repeat ${shown.repeat}${shown.split === "warmup" ? " · warm-up" : ""}`),
    lastControls(id, repeat),
    ...observedParts(decision, record, thought), ...asked, ...other,
    ...doneParts(decision, thought, shown));
  // The prompt is what a reader came for; later, what the reader has open.
  const wanted = live.shown === null ? ["Prompt", "Thinking"] : open;
  box.querySelectorAll("details").forEach((each) => { each.open = wanted.includes(each.firstChild.textContent); });
  const isFirst = live.shown === null || live.shown.id !== id;
  live.shown = { id, repeat, split: shown.split, number: shown.number };
  box.hidden = false;
  if (isFirst) {
    box.focus({ preventScroll: true });
    box.scrollIntoView({ block: "nearest" });
  }
  announce(`${decision.day} of ${shown.agent} is shown`);
}

/** A reader of a long prompt is not interrupted: a newer decision is offered. */
function offerNewer() {
  const button = byId("live-newer");
  const last = live.shown && live.rows.get(live.shown.id)?.last;
  if (!button || !last || last.repeat !== live.shown.repeat) return;
  button.hidden = last.split === live.shown.split && last.number === live.shown.number;
}

async function askLive() {
  let wait = ASKED_MS.running;
  if (document.visibilityState === "visible") {
    try {
      const reply = await fetch(`live?since=${live.version}&made=${liveMade()}`);
      if (reply.ok) {
        const state = await reply.json();
        putState(state);
        wait = state.making ? 500 : ASKED_MS[state.state] ?? wait;
      } else setText(byId("live-note"), `How far the run came cannot be said: ${await reply.text()}`);
    } catch {
      byId("live").dataset.state = "gone";
      setText(byId("live-note"), "The program that shows this page has ended: what is here stays, and does not change any more.");
      wait = ASKED_MS.stopped;
    }
  }
  setTimeout(askLive, wait);
}

byId("live-new").addEventListener("click", () => location.reload());
if (!directory.episodes.length) {
  byId("differences").hidden = byId("decisions").hidden = true;
  document.querySelector("nav").hidden = true;
}
askLive();
