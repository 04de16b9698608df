// The arena: positions by time, and every trade with its plan, its exit and its reasons.

const TRADES_LISTED = 100;
const BY = { target: "its target", stop: "its stop", liquidation: "liquidation", close: "a signal" };
const OUTCOMES = {
  all: () => true, won: (trade) => trade.by && trade.net > 0, lost: (trade) => trade.by && trade.net <= 0,
  liquidated: (trade) => trade.by === "liquidation", open: (trade) => !trade.by,
};
let arenas = {};

const sideOf = (trade) => (trade.quantity > 0 ? "long" : "short");
const chosenTrader = (name) => arenas[name].agents[Number(byId(`${name}-trader`).value)];

/** The trades of the chosen agent; null where they were left out. */
async function tradesOf(name) {
  const { block } = chosenTrader(name);
  return block ? packedJson(block) : null;
}

/** Bars of time in which a coin was held, one row a coin; a gap between two ends a bar. */
function spansOf(trades, coins, side, theme, last) {
  const [blue, , , orange] = PALETTES[theme];
  const points = trades.filter((trade) => sideOf(trade) === side).flatMap((trade) => {
    const hover = `${label(trade.coin)} ${side} ${number(Math.abs(trade.quantity), 4)}, `
      + `${number(trade.leverage, 0)}×<br>${trade.opened} to ${trade.closed ?? "the end"}<br>`
      + `net ${number(trade.net)}${trade.by ? `, by ${BY[trade.by]}` : ", still held"}`;
    return [[trade.opened, trade.coin, hover], [trade.closed ?? last, trade.coin, hover],
      [null, trade.coin, ""]];
  });
  return {
    x: points.map(([time]) => time), y: points.map(([, coin]) => label(coin)), mode: "lines",
    name: side, text: points.map(([, , hover]) => hover), hovertemplate: "%{text}<extra></extra>",
    line: { color: side === "long" ? blue : orange, width: 14 }, connectgaps: false, showlegend: true,
  };
}

/** Where the venue ended a position. */
function liquidationsOf(trades, theme) {
  const ended = trades.filter((trade) => trade.by === "liquidation");
  return {
    x: ended.map((trade) => trade.closed), y: ended.map((trade) => label(trade.coin)), mode: "markers",
    name: "liquidated", text: ended.map((trade) => `${label(trade.coin)} liquidated at ${trade.exit}`),
    hovertemplate: "%{text}<br>%{x|%d %b %H:%M}<extra></extra>",
    showlegend: true, marker: { symbol: "x-thin", size: 11, line: { color: INKS[theme].ink, width: 3 } },
  };
}

function positionsChart(board, theme, width, name, trades) {
  const coins = [...board.symbols].reverse();
  const [first, last] = [board.times[0], board.times.at(-1)];
  const known = trades ?? [];
  const traces = [
    spansOf(known, coins, "long", theme, last), spansOf(known, coins, "short", theme, last),
    liquidationsOf(known, theme),
  ];
  const layout = layoutOf(board, theme, width, ["", ""]);
  delete layout.yaxis2;
  Object.assign(layout.yaxis, { domain: [0, 1], type: "category", categoryorder: "array",
    categoryarray: coins.map(label), range: [-0.6, coins.length - 0.4], fixedrange: true });
  Object.assign(layout.xaxis, { anchor: "y", range: [first, last] });
  withLegend(layout, 90 + 34 * coins.length, traces.length, width, 130);
  return { traces, layout };
}

/** A price as a venue writes it: five significant figures, or all of a whole number. */
function price(value) {
  if (typeof value !== "number") return "–";
  const digits = Math.max(0, 4 - Math.floor(Math.log10(Math.abs(value) || 1)));
  return number(value, Math.min(digits, 8));
}

function tradeCells(trade) {
  const units = number(Math.abs(trade.quantity), 5).replace(/\.?0+$/, "");
  return [
    `${sideOf(trade)} ${units}, ${number(trade.leverage, 0)}×`, trade.opened,
    trade.closed ?? "still held", price(trade.entry), price(trade.exit),
    trade.by ? BY[trade.by] : "–", number(trade.net),
  ];
}

/** What an agent planned and said of a trade, and what it came to. */
function tradeDetails(trade, hasTexts) {
  const reasons = hasTexts ? [
    ["invalid when", trade.invalidation ?? "nothing was said"],
    ["reason to enter", trade.why ?? "none was given"],
    ["reason to close", trade.by === "close" ? trade.exit_why ?? "none was given" : null],
  ] : [["reasons", "left out to keep the page small"]];
  return terms([
    ["target", trade.target === undefined ? "none" : price(trade.target)],
    ["stop", trade.stop === undefined ? "none" : price(trade.stop)],
    ["confidence", trade.confidence === undefined ? null : number(trade.confidence)],
    ["risk stated", trade.risk === undefined ? null : `${number(trade.risk)} USD`],
    ["entries", trade.added ? String(1 + trade.added) : null],
    ["held for", `${number(trade.minutes, 0)} minutes`],
    ["PnL, fees, funding", trade.by
      ? `${number(trade.gross)}, ${number(trade.fees)}, ${number(trade.funding)} USD` : null],
    ...reasons,
  ]);
}

/** A trade as a row, and its plan in a row below it that its button opens. */
function tradeRows(trade, hasTexts, name, number_) {
  const id = `${name}-trade-${number_}`;
  const cells = tradeCells(trade);
  const below = make("tr", { id, hidden: "" },
    make("td", { class: "words text", colspan: cells.length + 1 }, tradeDetails(trade, hasTexts)));
  const button = make("button", {
    type: "button", "aria-expanded": "false", "aria-controls": id,
    click: () => {
      below.hidden = !below.hidden;
      button.setAttribute("aria-expanded", String(!below.hidden));
    },
  }, trade.coin);
  return [make("tr", {}, make("th", { scope: "row" }, button),
    ...cells.map((cell, place) => make("td", { class: [0, 1, 2, 5].includes(place) ? "words" : null }, cell))),
  below];
}

/** The trades that are chosen, as many as fit; the rest when it is asked for. */
async function listTrades(name, from = 0) {
  const trader = chosenTrader(name);
  const trades = await tradesOf(name);
  if (trader !== chosenTrader(name)) return;
  const [coin, outcome] = [byId(`${name}-coin`).value, byId(`${name}-outcome`).value];
  const wanted = (trades ?? []).filter((trade) =>
    (!coin || trade.coin === coin) && OUTCOMES[outcome](trade));
  document.querySelector(`#${name} .chart.positions`).trades = trades;
  const body = byId(`${name}-trades`).tBodies[0];
  const rows = wanted.slice(from, from + TRADES_LISTED)
    .flatMap((trade, place) => tradeRows(trade, trader.texts, name, from + place));
  if (from) body.append(...rows);
  else body.replaceChildren(...rows);
  const shown = Math.min(from + TRADES_LISTED, wanted.length);
  const net = wanted.reduce((sum, trade) => sum + (trade.by ? trade.net : 0), 0);
  byId(`${name}-count`).textContent = trades === null
    ? `The ${trader.trades} trades of ${clean(trader.agent)} were left out to keep the page small.`
    : `${number(wanted.length, 0)} of ${number(trades.length, 0)} trades, ${number(shown, 0)} listed; `
      + `those that have ended brought ${number(net)} USD after fees and funding. A coin opens its plan.`;
  const more = byId(`${name}-more`);
  more.hidden = shown >= wanted.length;
  more.onclick = () => listTrades(name, shown);
}

function watchArena() {
  arenas = plainJson("arena");
  for (const name of Object.keys(arenas)) {
    for (const field of ["trader", "coin", "outcome"]) {
      byId(`${name}-${field}`).addEventListener("change", () => listTrades(name));
    }
    listTrades(name);
  }
}
