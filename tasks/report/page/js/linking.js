// Links into the page: to a decision, and to two agents side by side.
//
// #decision/TASK/AGENT/REPEAT/DAY and #differ/TASK/ONE/OTHER, each part as in an address.

const linkTo = (...parts) => `#${parts.map((part) => encodeURIComponent(part)).join("/")}`;
const taskNamed = (title) => Object.keys(directory.titles).find((task) => directory.titles[task] === title);

/** Put the decision that is shown into the address, so that it can be copied from there. */
function keepLink(episode, day) {
  const link = linkTo("decision", directory.titles[episode.task], episode.agent, episode.repeat, day);
  try {
    history.replaceState(null, "", link);
  } catch {
    // A browser that lets no page from a disk change its address: the link is beside the decision.
  }
  return link;
}

/** The decision of an agent's shown repeat that was the last one by a time. */
async function openAt(task, agent, time) {
  const own = episodesOf(task, agent);
  const episode = own.find((each) => each.shown) ?? own[0];
  if (!episode) return;
  const { decisions } = await loaded(episode, "facts");
  const wanted = time.replace("T", " ").slice(0, decisions[0].day.length);
  const last = decisions.findLastIndex((each) => each.day <= wanted);
  await openDay(directory.episodes.indexOf(episode), Math.max(0, last));
}

/** Open what the address links to; whether it was a decision. */
async function openLink() {
  let parts;
  try {
    parts = location.hash.slice(1).split("/").map(decodeURIComponent);
  } catch {
    return false;
  }
  const [kind, title, ...rest] = parts;
  const task = taskNamed(title);
  if (!task || !["decision", "differ"].includes(kind)) return false;
  if (kind === "differ") {
    await openDifferent(task, rest[0], rest[1]);
    return false;
  }
  const [agent, repeat, day] = rest;
  const index = directory.episodes.findIndex((each) => each.task === task && each.agent === agent
    && each.repeat === Number(repeat));
  const facts = index < 0 ? null : await loaded(directory.episodes[index], "facts");
  const place = facts ? facts.decisions.findIndex((each) => each.day === day) : -1;
  if (place < 0) announce("The decision of this link is not in the report");
  else await openDay(index, place);
  return place >= 0;
}

/** Follow the link of the address; without one to a decision, list those of the first record. */
async function watchLinks() {
  addEventListener("hashchange", openLink);
  if (!await openLink().catch(() => false) && directory.episodes.length) await showDays();
}
