// Tear sheets of agents: rolling Sharpe ratio, distribution of returns, falls; and cost by how they did.

const LONGEST_NAME = 22;
let sheets = [];
let costs = {};

/** A name that has room beside a line. */
const cutName = (name) =>
  label(name.length > LONGEST_NAME ? `${name.slice(0, LONGEST_NAME - 1)}…` : name);

function listFalls(name, agent) {
  const body = byId(`${name}-falls`).tBodies[0];
  const rows = agent.falls.map(([peak, trough, end, depth, days]) => make("tr", {},
    make("th", { scope: "row" }, peak), make("td", {}, trough), make("td", {}, end ?? "not yet"),
    make("td", {}, number(depth * 100, 1)), make("td", {}, number(days, 0))));
  const none = make("tr", {}, make("td", { colspan: 5, class: "words" }, "It never fell."));
  body.replaceChildren(...(rows.length ? rows : [none]));
}

/** The rolling ratio of an agent above the benchmark's, and the distribution of its returns. */
function sheetChart(board, theme, width, name, chosen) {
  const sheet = sheets[Number(name.split("-")[1]) - 1];
  const agent = sheet.agents[chosen];
  const { ink, faint } = INKS[theme];
  const [blue] = PALETTES[theme];
  listFalls(name, agent);
  const benchmark = board.agents.findIndex((each) => each.name === board.benchmark);
  const bins = agent.counts.length;
  const step = (sheet.high - sheet.low) / bins;
  const middles = agent.counts.map((_, bin) => (sheet.low + (bin + 0.5) * step) * 100);
  const rolling = (each, line, title) => ({ x: each.times, y: each.rolling, mode: "lines", name: title,
    line, hovertemplate: `${title}<br>%{x|%d %b %Y} %{y:.2f}<extra></extra>`, showlegend: false });
  const title = cutName(board.agents[chosen].short);
  const isBenchmark = chosen === benchmark;
  const beside = benchmark >= 0 && !isBenchmark ? [rolling(sheet.agents[benchmark],
    { color: ink, width: 1.5, dash: "dot" }, label(board.agents[benchmark].short))] : [];
  const traces = [
    ...(sheet.window ? [...beside, rolling(agent, { color: blue, width: 2 }, title)] : []),
    { x: middles, y: agent.counts, type: "bar", xaxis: "x2", yaxis: "y2", showlegend: false,
      width: step * 95, marker: { color: middles.map((each) => (each < 0 ? faint : blue)) },
      hovertemplate: "about %{x:.2f} %: %{y} times<extra></extra>" },
  ];
  const layout = layoutOf(board, theme, width, [sheet.window ? "Sharpe ratio" : "", "times"]);
  const narrow = width < 600;
  const axes = { gridcolor: INKS[theme].rule, linecolor: INKS[theme].rule };
  Object.assign(layout.xaxis, { anchor: "y", domain: sheet.window && !narrow ? [0, 0.6] : [0, 1] });
  layout.yaxis.domain = !sheet.window ? [0, 0.01] : narrow ? [0.56, 1] : [0, 1];
  layout.xaxis.visible = layout.yaxis.visible = Boolean(sheet.window);
  layout.xaxis2 = { ...axes, anchor: "y2", domain: sheet.window && !narrow ? [0.68, 1] : [0, 1],
    title: { text: "return, %" } };
  Object.assign(layout.yaxis2, { domain: sheet.window && narrow ? [0, 0.4] : [0, 1], anchor: "x2" });
  layout.height = narrow ? 480 : 330;
  return { traces, layout };
}

/** Agents by what they cost, across, and how they did with the interval; the best are named. */
function costsChart(points, theme, width) {
  const { ink, faint } = INKS[theme];
  const [blue] = PALETTES[theme];
  const known = points.agents.filter((each) => each.across);
  const levels = points.agents.filter((each) => !each.across);
  const reach = (each, place) => Math.abs((each.ratio[place] ?? each.ratio[0]) - each.ratio[0]);
  const xs = known.map((each) => each.across);
  const ends = [Math.min(...xs) / 1.6, Math.max(...xs) * 1.6];
  const hover = known.map((each) => `${label(each.name)}<br>${number(each.across, points.across === "tokens" ? 0 : 2)} `
    + `${points.across === "tokens" ? "tokens" : "USD"}, ${points.figure} ${number(each.ratio[0])}`
    + (each.ratio[1] === null ? "" : ` [${number(each.ratio[1])}, ${number(each.ratio[2])}]`));
  const traces = [
    ...levels.map((each) => ({ x: ends, y: [each.ratio[0], each.ratio[0]], mode: "lines", showlegend: false,
      line: { color: each.name === points.benchmark ? ink : faint, width: each.name === points.benchmark ? 2 : 1,
        dash: "dot" }, hovertemplate: `${label(each.name)}: %{y:.2f}<extra></extra>` })),
    { x: xs, y: known.map((each) => each.ratio[0]), mode: "markers+text", showlegend: false,
      text: known.map((each, place) => (width < 600 || place >= BEST ? "" : cutName(each.short))), textposition: "middle right",
      textfont: { size: 11, color: ink }, marker: { size: 9, color: blue }, hovertext: hover,
      hovertemplate: "%{hovertext}<extra></extra>", cliponaxis: false,
      error_y: { type: "data", symmetric: false, array: known.map((each) => reach(each, 2)),
        arrayminus: known.map((each) => reach(each, 1)), color: faint, thickness: 1.2, width: 3 } },
  ];
  const layout = layoutOf(points, theme, width, [points.figure, ""]);
  delete layout.yaxis2;
  layout.yaxis.domain = [0, 1];
  Object.assign(layout.xaxis, { anchor: "y", type: "log", title: { text: points.across },
    range: ends.map(Math.log10), nticks: 6 });
  const shown = points.agents.find((each) => each.name === points.benchmark && !each.across);
  if (shown) {
    layout.annotations.push({ text: cutName(shown.short), x: 0.01, xref: "paper", y: shown.ratio[0],
      yanchor: "bottom", showarrow: false, font: { size: 11, color: ink } });
  }
  Object.assign(layout.margin, { b: 50, r: 20 });
  layout.height = 380;
  return { traces, layout };
}
