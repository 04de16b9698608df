// Charts with pan and zoom, each drawn when it comes into view.

const PALETTES = {
  light: ["#0072b2", "#c8321f", "#007f68", "#b85c00", "#a83279", "#6f6300", "#5b4bc4"],
  dark: ["#6cc4ff", "#ff8a75", "#4fd6b4", "#ffb45e", "#f59acb", "#ddd26a", "#b5a8ff"],
};
const DASHES = ["solid", "dash", "dot"];
const INKS = {
  light: { ink: "#1c2330", faint: "#55606f", rule: "#dfe3e8", ground: "#ffffff", warn: "#8a6200" },
  dark: { ink: "#e6eaf0", faint: "#a5b0bf", rule: "#303947", ground: "#12161d", warn: "#ffd873" },
};
const PRINTED_WIDTH = 980;
const BEST = 5;
const DIMMED = 0.35;
let curves = [];
let drawingLibrary = null;
let isPrinting = false;

/** Plotly, once it is unpacked and run; its hash is in the policy of the page. */
function plotly() {
  drawingLibrary ??= unpack("plotly").then((program) => {
    const script = document.createElement("script");
    script.textContent = program;
    document.head.append(script);
    return window.Plotly;
  });
  return drawingLibrary;
}

function themeNow() {
  if (isPrinting) return "light";
  const chosen = document.documentElement.dataset.theme;
  if (chosen) return chosen;
  return matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light";
}

/** A name as Plotly shows it: it would take tags in it for markup. */
const label = (name) =>
  clean(name).replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");

/** Colour and dash of each agent; the benchmark is the thick line in the colour of text. */
function styleOf(board, index, theme) {
  const { agents, benchmark } = board;
  if (agents[index].name === benchmark) return { color: INKS[theme].ink, width: 3.5, dash: "solid" };
  const before = agents.slice(0, index).filter((agent) => agent.name !== benchmark).length;
  const palette = PALETTES[theme];
  const dash = DASHES[Math.floor(before / palette.length) % DASHES.length];
  return { color: palette[before % palette.length], width: 1.6, dash };
}

/** How a time is written where the mouse rests. */
const whenIn = (board) => (board.within_a_day ? "%d %b %Y %H:%M" : "%d %b %Y");

/** The lines of the legend below a chart, and what they take of its height. */
function withLegend(layout, height, traces, width, letters) {
  const columns = Math.max(1, Math.floor((width - 80) / letters));
  const legend = 21 * Math.ceil(traces / columns) + 12;
  layout.height = height + legend;
  layout.margin.b = 46 + legend;
  layout.legend.maxheight = legend;
}

function layoutOf(board, theme, width, titles) {
  const { ink, faint, rule, ground, warn } = INKS[theme];
  const axis = { gridcolor: rule, linecolor: rule, zerolinecolor: faint };
  const stamp = {
    text: "SIMULATED", xref: "paper", yref: "paper", x: 0.5, y: 0.75, showarrow: false,
    font: { size: width < 600 ? 32 : 56, color: warn }, opacity: 0.2,
  };
  return {
    paper_bgcolor: ground, plot_bgcolor: ground, font: { color: ink, size: 12 },
    margin: { l: 60, r: 12, t: 12, b: 40 }, dragmode: "zoom", hovermode: "closest",
    legend: { orientation: "h", yref: "container", y: 0, yanchor: "bottom", x: 0, itemwidth: 40,
      tracegroupgap: 0 },
    xaxis: { ...axis, anchor: "y2", type: "date" },
    yaxis: { ...axis, domain: [0.36, 1], title: { text: titles[0] } },
    yaxis2: { ...axis, domain: [0, 0.3], title: { text: titles[1] } },
    annotations: board.simulated ? [stamp] : [],
    width: isPrinting ? PRINTED_WIDTH : undefined, autosize: !isPrinting,
  };
}

/** The agents whose curves are in colour: the best, or one that was chosen, and the benchmark. */
function inColour(board, chosen) {
  const names = board.agents.map((agent, index) => [agent.name, index]);
  const best = names.filter(([name]) => name !== board.benchmark).slice(0, BEST);
  const wanted = chosen === "" ? best.map(([, index]) => index) : [Number(chosen)];
  return new Set([...wanted, ...names.filter(([name]) => name === board.benchmark).map(([, i]) => i)]);
}

/** Names at the ends of curves, moved apart where they would lie on one another. */
function endsOf(shown, span, height, width) {
  const least = (span * (width < 600 ? 13 : 15)) / height;
  const sorted = [...shown].sort((one, other) => one.y - other.y);
  let below = -Infinity;
  return sorted.map(({ name, color, y }) => {
    below = Math.max(y, below + least);
    return { text: cutName(name), x: 1.005, xref: "paper", y: below, yref: "y", xanchor: "left",
      showarrow: false, font: { size: width < 600 ? 10 : 12, color } };
  });
}

/** Growth in percent, or of an account that has one the value in dollars. */
function curvesChart(board, theme, width, chosen) {
  const [value, unit, title] = board.opening
    ? [(growth) => growth * board.opening, "USD", "account value, USD"]
    : [(growth) => (growth - 1) * 100, "%", "return, %"];
  const coloured = inColour(board, chosen);
  const dim = { color: INKS[theme].faint, width: 1, dash: "solid" };
  const traces = board.agents.flatMap((agent, index) => {
    const shared = {
      x: agent.own_times ?? board.times.slice(0, agent.growth.length), mode: "lines",
      name: label(agent.short), showlegend: false, customdata: agent.growth.map(() => index),
      opacity: coloured.has(index) ? 1 : DIMMED,
      line: coloured.has(index) ? styleOf(board, index, theme) : dim,
    };
    const hover = (figure) => `${label(agent.name)}<br>%{x|${whenIn(board)}} ${figure}<extra></extra>`;
    return [
      { ...shared, y: agent.growth.map(value), hovertemplate: hover(`%{y:,.1f} ${unit}`) },
      { ...shared, y: agent.drawdown.map((d) => d * 100), yaxis: "y2",
        hovertemplate: hover("%{y:.1f} %") },
    ];
  });
  const layout = layoutOf(board, theme, width, [title, "drawdown, %"]);
  layout.height = 500;
  layout.margin.r = width < 600 ? 96 : 170;
  const heights = board.agents.flatMap((agent) => agent.growth).filter((each) => each !== null).map(value);
  const span = heights.reduce((most, each) => Math.max(most, each), -Infinity)
    - heights.reduce((least, each) => Math.min(least, each), Infinity);
  layout.annotations.push(...endsOf([...coloured].map((index) => ({
    name: board.agents[index].short, color: styleOf(board, index, theme).color,
    y: value(board.agents[index].growth.at(-1)),
  })), span || 1, 250, width));
  return { traces, layout };
}

/** The line that the mouse rests on stands out from the dimmed ones. */
function watchCurves(library, chart) {
  if (chart.dataset.watched) return;
  chart.dataset.watched = "true";
  const both = (index) => [2 * index, 2 * index + 1];
  const isDimmed = (index) => chart.data[2 * index].opacity !== 1;
  chart.on("plotly_hover", ({ points: [point] }) => {
    const index = point.customdata;
    if (!isDimmed(index)) return;
    library.restyle(chart, { opacity: 0.99, "line.width": 3 }, both(index));
  });
  chart.on("plotly_unhover", ({ points: [point] }) => {
    const index = point.customdata;
    if (chart.data[2 * index].opacity !== 0.99) return;
    library.restyle(chart, { opacity: DIMMED, "line.width": 1 }, both(index));
  });
  chart.on("plotly_click", ({ points: [point] }) => {
    const number = Number(chart.dataset.board);
    openAt(`task-${number + 1}`, curves[number].agents[point.customdata].name, String(point.x));
  });
}

/** Trades of one asset, as triangles where they were filled. */
function markersOf(board, agent, asset, sign, shown) {
  const own = agent.fills.filter((fill) => fill[3] === asset && Math.sign(fill[2]) === sign);
  return {
    x: own.map(([time]) => time), y: own.map(([, price]) => shown.of(price)), mode: "markers",
    name: sign > 0 ? "bought" : "sold", legendgroup: shown.group, showlegend: !shown.group,
    marker: { symbol: sign > 0 ? "triangle-up" : "triangle-down", size: shown.group ? 8 : 10,
      color: sign > 0 ? shown.bought : shown.sold, line: { color: shown.ground, width: 1 } },
    customdata: own.map(([, price]) => price),
    hovertemplate: `${shown.label}${sign > 0 ? "bought" : "sold"} at %{customdata:.2f}`
      + `<br>%{x|${whenIn(board)}}<extra></extra>`,
  };
}

/** The price of one asset with an agent's trades, and the position in it below. */
function tracesOf(board, agent, asset, shown) {
  const prices = board.prices[asset];
  const times = (agent.own_times ?? board.times).slice(1);
  const hover = `${shown.label}%{x|${whenIn(board)}}`;
  return [
    { x: board.times, y: prices.map(shown.of), mode: "lines", connectgaps: false,
      name: shown.name, legendgroup: shown.group, line: { color: shown.line, width: 1.2 },
      customdata: prices, hovertemplate: `${hover} %{customdata:.2f}<extra></extra>` },
    markersOf(board, agent, asset, 1, shown),
    markersOf(board, agent, asset, -1, shown),
    { x: times, y: (agent.weights[asset] ?? []).map((w) => w * 100), yaxis: "y2", mode: "lines",
      name: "position", legendgroup: shown.group, showlegend: !shown.group,
      fill: shown.group ? "none" : "tozeroy", line: { color: shown.held, width: 1, shape: "hv" },
      hovertemplate: `${hover} %{y:.0f} %<extra></extra>` },
  ];
}

/** The assets that an agent held most of, at most as many as there are colours. */
function assetsHeld(board, agent, most) {
  const held = board.symbols.map((_, asset) =>
    (agent.weights[asset] ?? []).reduce((sum, weight) => sum + Math.abs(weight ?? 0), 0));
  return board.symbols.map((_, asset) => asset)
    .sort((one, other) => held[other] - held[one] || one - other).slice(0, most);
}

/** One asset by its price; several side by side, each in percent of its first price. */
function actionsChart(board, theme, width, chosen, asset) {
  const agent = board.agents[chosen];
  const { ink, ground } = INKS[theme];
  const palette = PALETTES[theme];
  if (asset !== null || board.symbols.length === 1) {
    const [blue, , , orange] = palette;
    const shown = { of: (price) => price, name: "price", label: "", group: undefined, ground,
      line: ink, held: blue, bought: blue, sold: orange };
    const layout = layoutOf(board, theme, width, ["price", "position, %"]);
    layout.height = 410;
    layout.margin.b = 84;
    return { traces: tracesOf(board, agent, asset ?? 0, shown), layout };
  }
  const assets = assetsHeld(board, agent, palette.length);
  const traces = assets.flatMap((each, place) => {
    const first = board.prices[each].find((price) => price !== null) ?? 1;
    const [name, color] = [label(board.symbols[each]), palette[place]];
    return tracesOf(board, agent, each, { name, label: `${name}<br>`, group: name, ground,
      of: (price) => (price === null ? null : (price / first) * 100),
      line: color, held: color, bought: color, sold: color });
  });
  const layout = layoutOf(board, theme, width, ["price, first = 100", "position, %"]);
  withLegend(layout, 440, assets.length, width, 110);
  return { traces, layout };
}

/** Shares of equity of several assets at each time, those above zero or those below it. */
function stackedOf(board, agent, asset, sign, shown) {
  const times = (agent.own_times ?? board.times).slice(1);
  const part = (weight) => (Math.sign(weight ?? 0) === sign ? weight * 100 : 0);
  return {
    x: times, y: asset.map(part), mode: "lines", name: shown.name, legendgroup: shown.name,
    showlegend: sign === shown.sign, stackgroup: sign > 0 ? "long" : "short",
    line: { color: shown.color, width: 0.5, shape: "hv" },
    hovertemplate: `${shown.name}<br>%{x|${whenIn(board)}} %{y:.1f} %<extra></extra>`,
  };
}

/** What an agent held, one asset on another, and cash on top. */
function weightsChart(board, theme, width, chosen) {
  const agent = board.agents[chosen];
  const { faint } = INKS[theme];
  const most = assetsHeld(board, agent, PALETTES[theme].length);
  const sums = (assets) => (agent.weights[0] ?? []).map((_, at) =>
    assets.reduce((sum, asset) => sum + (agent.weights[asset][at] ?? 0), 0));
  const every = board.symbols.map((_, asset) => asset);
  const rows = most.map((asset, place) => ({ weights: agent.weights[asset] ?? [],
    name: label(board.symbols[asset]), color: PALETTES[theme][place] }));
  const rest = every.filter((asset) => !most.includes(asset));
  if (rest.length) rows.push({ weights: sums(rest), name: "others", color: faint });
  const cash = sums(every).map((sum) => Math.max(0, 1 - sum));
  rows.push({ weights: cash, name: "cash", color: INKS[theme].rule });
  const isShort = (row) => row.weights.some((weight) => weight < 0);
  const traces = rows.flatMap((row) => {
    const isLong = row.weights.some((weight) => weight > 0);
    const shown = { ...row, sign: isLong ? 1 : -1 };
    return [...(isLong ? [1] : []), ...(isShort(row) ? [-1] : [])]
      .map((sign) => stackedOf(board, agent, row.weights, sign, shown));
  });
  const layout = layoutOf(board, theme, width, ["share of equity, %", ""]);
  delete layout.yaxis2;
  layout.yaxis.domain = [0, 1];
  layout.xaxis.anchor = "y";
  withLegend(layout, 380, rows.length, width, 110);
  return { traces, layout };
}

const CHOSEN = { curves: "curve", sheet: "sheet-agent", actions: "agent", weights: "weights-agent",
  positions: "trader" };
const CONFIG = {
  displaylogo: false, responsive: true, scrollZoom: false,
  modeBarButtonsToRemove: ["select2d", "lasso2d", "sendDataToCloud", "autoScale2d"],
};

const AFTER_PLOTLY_MS = 300;

/** Draw a chart, or draw it again in other colours, for another agent or width. */
function drawWith(library, chart, trades = chart.trades) {
  chart.trades = trades;
  const board = curves[Number(chart.dataset.board)];
  const name = `task-${Number(chart.dataset.board) + 1}`;
  const asset = byId(`${name}-asset`)?.value || null;
  const width = isPrinting ? PRINTED_WIDTH : chart.clientWidth;
  const kind = chart.dataset.chart;
  const value = byId(`${name}-${CHOSEN[kind]}`)?.value;
  const chosen = Number(value);
  const { traces, layout } = {
    curves: () => curvesChart(board, themeNow(), width, value),
    sheet: () => sheetChart(board, themeNow(), width, name, chosen),
    costs: () => costsChart(costs[chart.dataset.points], themeNow(), width),
    actions: () => actionsChart(board, themeNow(), width, chosen,
      asset === null ? null : Number(asset)),
    weights: () => weightsChart(board, themeNow(), width, chosen),
    positions: () => positionsChart(board, themeNow(), width, name, trades),
  }[kind]();
  library.react(chart, traces, layout, CONFIG);
  if (kind === "curves") watchCurves(library, chart);
  chart.style.minHeight = `${layout.height}px`;
  chart.dataset.drawn = traces.length;
}

/** Draw a chart once its library, and the trades that it shows, are there. */
async function draw(chart) {
  const name = `task-${Number(chart.dataset.board) + 1}`;
  const isOfTrades = chart.dataset.chart === "positions";
  const [library, trades] = await Promise.all([plotly(), isOfTrades ? tradesOf(name) : undefined]);
  drawWith(library, chart, trades);
}

const allCharts = () => [...document.querySelectorAll(".chart")];
const isOfOtherWidth = (chart) => !isPrinting && chart.dataset.drawn && chart.clientWidth
  && Math.abs(chart._fullLayout.width - chart.clientWidth) > 1;
const redraw = () => allCharts().filter((chart) => chart.dataset.drawn).forEach(draw);

/** Printed charts are all there, in light colours; one that waits for its library is left out. */
function printCharts(printing) {
  isPrinting = printing;
  const library = window.Plotly;
  if (!library) return;
  const wanted = allCharts().filter((chart) => printing || chart.dataset.drawn);
  wanted.forEach((chart) => drawWith(library, chart));
}

function watchCharts() {
  curves = plainJson("curves");
  sheets = plainJson("sheets");
  costs = plainJson("costs");
  const observer = new IntersectionObserver((entries) => {
    for (const { isIntersecting, target } of entries) {
      if (!isIntersecting) continue;
      observer.unobserve(target);
      draw(target);
    }
  }, { rootMargin: "200px" });
  // Plotly looks once at a window that changes, and misses charts in sections that are not laid out;
  // their size is seen to change when they come near.
  const sizes = new ResizeObserver((entries) => setTimeout(
    () => entries.map(({ target }) => target).filter(isOfOtherWidth).forEach(draw), AFTER_PLOTLY_MS));
  for (const chart of allCharts()) {
    observer.observe(chart);
    sizes.observe(chart);
  }
  for (const chooser of document.querySelectorAll(".choice select")) {
    chooser.addEventListener("change", () => draw(chooser.closest(".choice").nextElementSibling.firstChild));
  }
  const soon = window.requestIdleCallback ?? setTimeout;
  addEventListener("load", () => setTimeout(() => soon(plotly), 2000)); // before somebody prints
  addEventListener("beforeprint", () => printCharts(true));
  addEventListener("afterprint", () => printCharts(false));
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", redraw);
}
