"""The words of simulated texts: nouns with what their rise means, verbs with their direction."""

from typing import Literal, NamedTuple

Kind = Literal["amount", "event"]


class Noun(NamedTuple):
    """Something that a text can report on."""

    head: str
    topic: str
    """The component of the hidden state that it reports on."""
    sign: int
    """+1 where more of it (or its going ahead) is good for the asset, −1 where it is bad."""
    kind: Kind


class Verb(NamedTuple):
    """The forms of a verb that the grammar needs; they are the same for one and for many."""

    past: str
    infinitive: str
    participle: str
    gerund: str


def _nouns(topic: str, kind: Kind, good: str, bad: str) -> tuple[Noun, ...]:
    return tuple(
        Noun(head.strip(), topic, sign, kind)
        for sign, heads in ((1, good), (-1, bad))
        for head in heads.split(",")
    )


INDUSTRY = "industry"
"""The vocabulary of a sector, and of the market as a whole."""

NOUNS: dict[str, tuple[Noun, ...]] = {
    "company": (
        *_nouns(
            "value",
            "amount",
            "orders, revenue, operating margin, free cash flow, order backlog, shipments, "
            "earnings per share, bookings, output per worker, repeat purchases",
            "unit costs, write-downs, unsold inventory, warranty claims, bad debts, net debt, "
            "customer complaints, customer churn, scrap rates, late deliveries",
        ),
        *_nouns(
            "value",
            "event",
            "supply contract, plant extension, licence deal, product launch",
            "antitrust inquiry, class action, product recall, factory walkout",
        ),
        *_nouns(
            "regime",
            "amount",
            "end-market demand, sector capacity use, customer credit lines, buyer confidence, "
            "export volumes",
            "borrowing costs, insolvencies among customers, input prices, sector delinquencies, "
            "freight rates",
        ),
        *_nouns("regime", "event", "infrastructure programme, trade accord", "tariff, embargo"),
        *_nouns(
            "mood",
            "amount",
            "retail interest, fund inflows, average analyst rating, insider buying, call volume",
            "short interest, redemptions, insider selling, put volume, critical coverage",
        ),
        *_nouns("mood", "event", "index inclusion, bid approach", "short campaign, proxy fight"),
    ),
    "coin": (
        *_nouns(
            "value",
            "amount",
            "active addresses, fee revenue, settled value, developer commits, staked supply, "
            "merchant acceptance",
            "failed transactions, outages, stuck withdrawals, spam transfers, open audit findings, "
            "orphaned blocks",
        ),
        *_nouns(
            "value",
            "event",
            "protocol upgrade, custody licence, payment rollout",
            "exploit inquiry, chain split, mining ban",
        ),
        *_nouns(
            "regime",
            "amount",
            "stablecoin supply, order-book depth, venture funding, lending capacity",
            "forced liquidations, lender defaults, funding stress, dollar yields",
        ),
        *_nouns("regime", "event", "spot-fund approval, bank pilot", "licence ban, exchange ban"),
        *_nouns(
            "mood",
            "amount",
            "search interest, wallet downloads, retail buying, call volume",
            "short positions, put volume, hostile posts, panic transfers",
        ),
        *_nouns("mood", "event", "celebrity endorsement, airdrop", "boycott, short campaign"),
    ),
    "fund": (
        *_nouns(
            "value",
            "amount",
            "member earnings, member dividends, member revenue, member margins, member buybacks",
            "member profit warnings, member downgrades, member write-offs, member debt, "
            "member layoffs",
        ),
        *_nouns(
            "value",
            "event",
            "fee cut, buyback wave, sector merger",
            "accounting inquiry, buyback tax, rule change on payouts",
        ),
        *_nouns(
            "regime",
            "amount",
            "home-market output, home-market hiring, consumer confidence, credit growth, new "
            "building permits",
            "jobless claims, default rates, borrowing costs, bankruptcies, unsold housing stock",
        ),
        *_nouns("regime", "event", "stimulus bill, trade accord", "shutdown, tariff round"),
        *_nouns(
            "mood",
            "amount",
            "fund inflows, retail buying, call volume, margin appetite",
            "redemptions, short interest, put volume, crash searches",
        ),
        *_nouns("mood", "event", "index promotion, model-portfolio listing", "boycott, closure"),
    ),
    INDUSTRY: (
        *_nouns(
            "value",
            "amount",
            "aggregate earnings, combined order books, average margins, combined payouts, "
            "total output",
            "aggregate write-downs, average leverage, plant closures, excess stocks",
        ),
        *_nouns(
            "value", "event", "standards agreement, research pact", "cartel inquiry, safety recall"
        ),
        *_nouns(
            "regime",
            "amount",
            "buyer confidence, export volumes, credit supply, hiring plans",
            "borrowing costs, input prices, insolvencies, freight rates",
        ),
        *_nouns("regime", "event", "trade accord, infrastructure programme", "tariff, strike wave"),
        *_nouns(
            "mood",
            "amount",
            "fund inflows, retail interest, call volume, margin appetite",
            "redemptions, short interest, put volume, critical coverage",
        ),
        *_nouns("mood", "event", "index promotion, bid approach", "boycott, short campaign"),
    ),
}

LINK = {"value": "at", "regime": "facing", "mood": "around"}
"""How a noun of each topic is tied to its owner: "orders at", "tariff facing"."""

VERBS: dict[Kind, dict[int, tuple[Verb, ...]]] = {
    "amount": {
        1: (
            Verb("rose", "rise", "risen", "rising"),
            Verb("climbed", "climb", "climbed", "climbing"),
            Verb("grew", "grow", "grown", "growing"),
            Verb("increased", "increase", "increased", "increasing"),
            Verb("went up", "go up", "gone up", "going up"),
            Verb("expanded", "expand", "expanded", "expanding"),
        ),
        -1: (
            Verb("fell", "fall", "fallen", "falling"),
            Verb("declined", "decline", "declined", "declining"),
            Verb("shrank", "shrink", "shrunk", "shrinking"),
            Verb("decreased", "decrease", "decreased", "decreasing"),
            Verb("went down", "go down", "gone down", "going down"),
            Verb("contracted", "contract", "contracted", "contracting"),
        ),
    },
    "event": {
        1: (
            Verb("went ahead", "go ahead", "gone ahead", "going ahead"),
            Verb("moved forward", "move forward", "moved forward", "moving forward"),
            Verb("got under way", "get under way", "got under way", "getting under way"),
            Verb("proceeded", "proceed", "proceeded", "proceeding"),
        ),
        -1: (
            Verb("fell through", "fall through", "fallen through", "falling through"),
            Verb("collapsed", "collapse", "collapsed", "collapsing"),
            Verb("came to nothing", "come to nothing", "come to nothing", "coming to nothing"),
            Verb("lapsed", "lapse", "lapsed", "lapsing"),
        ),
    },
}
CHANGES: dict[int, tuple[str, ...]] = {
    1: ("rise", "increase", "climb", "upturn", "pick-up"),
    -1: ("fall", "decline", "drop", "decrease", "downturn", "slide"),
}

EXTENTS: dict[Kind, tuple[str, ...]] = {
    "amount": ("", " again", " in every region", " by a wide margin", " to some surprise"),
    "event": ("", " after all", " to some surprise", " within a day"),
}

RIVALS: dict[str, tuple[str, ...]] = {
    "company": (
        "Harlan Group",
        "Nordal Systems",
        "Vexia",
        "Orrin Holdings",
        "Castell & Rowe",
        "Pellworth",
        "Tamarind Labs",
        "Quillon",
        "Brightwater Corp",
        "Sefton Mills",
    ),
    "coin": ("Ostara", "Veldtcoin", "Karst Network", "Palimpsest", "Orlo Chain", "Tern Protocol"),
    INDUSTRY: (
        "the shipping sector",
        "the property sector",
        "the farming sector",
        "the bond market",
        "the metals market",
    ),
    "fund": ("the Meridian fund", "the Halyard fund", "the Corvid fund", "the Larkspur fund"),
}

TONE: dict[int, tuple[str, ...]] = {
    1: (
        "Commentators called it encouraging",
        "The tone of the note was upbeat",
        "Readers reacted with relief",
        "It made for cheerful reading",
        "The mood on the call was confident",
    ),
    -1: (
        "Commentators called it worrying",
        "The tone of the note was downbeat",
        "Readers reacted with unease",
        "It made for gloomy reading",
        "The mood on the call was subdued",
    ),
}
TRIVIA = (
    "{f} moved its annual gathering to a larger hall",
    "A profile of the people behind {f} appeared in a weekend supplement",
    "{f} changed the colours of its website",
    "A podcast retold the early years of {f}",
    "{f} will answer questions in an online session",
    "A survey ranked {f} in the middle of its class for plain language",
    "A museum asked {f} for the loan of an old sign",
    "{f} named a new archivist",
)
FILLERS = (
    "No further details were given",
    "The statement runs to two pages",
    "A fuller account is due later",
    "Trading was orderly",
    "Two readers wrote in to ask for the source",
    "The figures have not been audited",
    "The document is dated this week",
    "A spokesperson declined to add to it",
)
ATTRIBUTIONS = (
    "according to two people familiar with the matter",
    "on a call with investors",
    "in a short note",
    "by the latest count",
    "in figures released without comment",
    "as far as can be told",
    "on preliminary numbers",
    "in a reply to questions",
    "by its own account",
    "in the period just ended",
)
INTRODUCTIONS = (
    "There was an update from {f}",
    "New figures for {f} are out",
    "{f} gave its regular account of business",
    "An analyst took a closer look at {f}",
    "{f} published a table of indicators",
)
REPEATS = ("Recap", "In case you missed it", "From the archive", "Most read this week")
