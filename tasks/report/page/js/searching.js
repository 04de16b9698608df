// Search over all decisions: first which lines hold each word, then which decisions have such lines.

const SHOWN = 100;
const FIELDS = {
  all: ["documents", "system", "user", "answer", "thinking", "other"],
  asked: ["documents", "system", "user"],
  answered: ["answer", "thinking", "other"],
};
let latestSearch = 0;

/** The places of lines that hold a word. */
function placesOf(lines, word) {
  const found = new Set();
  lines.forEach((line, place) => {
    if (line.toLowerCase().includes(word)) found.add(place);
  });
  return found;
}

/** For each decision of a record, the lines that hold the words; null where one is missing. */
function matchesIn(record, words, fields) {
  const known = words.map((word) => [placesOf(record.shared, word), placesOf(record.own, word)]);
  const holds = ([shared, own]) => (ref) => (ref >= 0 ? shared.has(ref) : own.has(-1 - ref));
  return record.decisions.map((decision) => {
    const refs = fields.flatMap((field) => decision[field] ?? []);
    return known.map((each) => refs.find(holds(each)) ?? null);
  });
}

/** Days of an episode on which all words are in the chosen fields, with a line that holds one. */
async function daysWith(episode, words, fields) {
  const records = (await Promise.all([loaded(episode, "facts"), loaded(episode, "texts")]))
    .filter(Boolean);
  const found = [];
  const matches = records.map((record) => matchesIn(record, words, fields));
  for (let day = 0; day < episode.days; day += 1) {
    const lines = words.map((word, place) => {
      const which = matches.findIndex((days) => (days[day]?.[place] ?? null) !== null);
      return which < 0 ? null : linesOf([matches[which][day][place]], records[which])[0];
    });
    if (!lines.includes(null)) found.push({ day, lines, date: records[0].decisions[day].day });
  }
  return found;
}

/** The part of a line around a word, which is marked. */
function excerpt(line, word) {
  const place = Math.max(0, line.toLowerCase().indexOf(word));
  const [start, end] = [Math.max(0, place - 60), place + word.length + 100];
  return [
    (start ? "…" : "") + line.slice(start, place),
    make("mark", {}, line.slice(place, place + word.length)),
    line.slice(place + word.length, end) + (end < line.length ? "…" : ""),
  ];
}

/** The line that holds most of the words, and the last of those that it holds. */
function bestOf(lines, words) {
  const holding = lines.map((line) => words.filter((word) => line.toLowerCase().includes(word)));
  const most = Math.max(...holding.map((held) => held.length));
  const place = holding.findLastIndex((held) => held.length === most);
  return [lines[place], holding[place].at(-1)];
}

function shownMatch({ index, day, date, lines }, words) {
  const episode = directory.episodes[index];
  const where = `${date} · ${episode.agent} · ${directory.titles[episode.task]} · repeat ${episode.repeat}`;
  return make("li", {},
    make("button", { type: "button", click: () => openDay(index, day) }, where),
    make("span", {}, ...excerpt(...bestOf(lines, words))));
}

async function search() {
  const words = byId("words").value.toLowerCase().split(/\s+/).filter(Boolean);
  const status = byId("found-status");
  byId("found").replaceChildren();
  latestSearch += 1;
  const mine = latestSearch;
  if (!words.length) {
    status.textContent = "Give a word to search for.";
    return;
  }
  const fields = FIELDS[byId("where").value];
  const chosen = byId("scope").value === "one" ? [chosenEpisode()] : directory.episodes;
  const found = [];
  for (const [place, episode] of chosen.entries()) {
    if (chosen.length > 1) status.textContent = `Searching record ${place + 1} of ${chosen.length} …`;
    const days = episode.facts ? await daysWith(episode, words, fields) : [];
    if (mine !== latestSearch) return;
    const index = directory.episodes.indexOf(episode);
    found.push(...days.map((each) => ({ ...each, index })));
  }
  const first = found.slice(0, SHOWN);
  byId("found").append(...first.map((match) => shownMatch(match, words)));
  const more = found.length > SHOWN ? `; the first ${SHOWN} are listed` : "";
  const partly = chosen.some((each) => each.thinks && !each.texts)
    ? " What was left out of the page was not searched." : "";
  status.textContent = `${number(found.length, 0)} decisions found${more}.${partly}`;
}

function watchSearch() {
  if (!directory.episodes.length) return;
  byId("find").addEventListener("click", search);
  byId("words").addEventListener("keydown", (event) => {
    if (event.key === "Enter") search();
  });
}
