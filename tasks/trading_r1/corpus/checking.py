"""Finds what is wrong with a corpus: leaks, duplicates, changed data, labels that do not follow.

It trusts nothing that the corpus says of itself where the data is there to look at.
"""

import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from itertools import chain, zip_longest
from pathlib import Path
from random import Random
from typing import Any, Literal, NamedTuple, get_args

from investorbench.agents.thesis.thesis import CLASSES
from investorbench.tasks.task import task_of
from investorbench.tasks.trading_r1.baselines import PUBLISHED_MIX, expected_reward
from investorbench.tasks.trading_r1.citable import Citable
from investorbench.tasks.trading_r1.corpus.building import FORMAT, hash_of, row_for
from investorbench.tasks.trading_r1.corpus.filters import ThesisFault, ThesisFilter, reaches
from investorbench.tasks.trading_r1.corpus.markets import (
    CorpusDay,
    LabelledMarket,
    MarketOf,
    days_of,
    labelled,
)
from investorbench.tasks.trading_r1.corpus.rows import (
    MANIFEST,
    SPLITS,
    CorpusRow,
    CorpusSplit,
    file_of,
    read_manifest,
    read_parquet,
    read_rows,
)
from investorbench.tasks.trading_r1.corpus.settings import CorpusSettings, differences, named
from investorbench.tasks.trading_r1.corpus.shapes import WRITTEN, unlike
from investorbench.tasks.trading_r1.corpus.teaching import NO_ANSWER
from investorbench.tasks.trading_r1.labels import LONGEST
from investorbench.tasks.trading_r1.rewards import STAGES
from investorbench.tasks.trading_r1.thresholds import EMBARGO
from investorbench_env.errors import InvestorBenchError
from investorbench_env.market.library import forget_markets
from investorbench_env.market.sessions import sessions_between
from investorbench_env.wrappers.briefing_form import BriefingForm

BRIEFINGS = 100
"""So many are written again at most, evenly over the days, and compared."""
MIX_TOLERANCE = 0.02
"""A share of training labels may be so far from the published one, and a day of each market."""
REWARD_TOLERANCE = 1e-9
PIECE_IDS = re.compile(r"^\[([a-z][0-9]+)\] ", re.MULTILINE)
"""Before each piece of a briefing, in a line of its own."""
UNOPENED = "a market cannot be opened, so its labels and briefings are not checked"

Severity = Literal["error", "warning"]
DayKey = tuple[str, str]
"""Market and date."""


class CorpusFinding(NamedTuple):
    """Something wrong with a corpus.

    Attributes:
        severity: an error makes it unfit to learn or to measure from.
        text: what, and where first.
        number: how often.
    """

    severity: Severity
    text: str
    number: int = 1


@dataclass(slots=True, kw_only=True)
class SplitFigures:
    """What a split of a corpus holds.

    Attributes:
        rows: of it.
        days: with a label, of each market one.
        blocks: of ``LONGEST`` sessions that share no day, those of all real markets counted once:
            about as many independent labels there are.
        mix: days by their label.
        completions: rows with a thesis.
        briefings: rows whose text no other has.
    """

    rows: int = 0
    days: int = 0
    blocks: int = 0
    mix: Counter[str] = field(default_factory=Counter)
    completions: int = 0
    briefings: int = 0

    def share(self, label: str) -> float:
        """Of a label among the days."""
        return self.mix[label] / max(self.days, 1)

    def always(self, label: str) -> float:
        """What a constant answer earns on these days."""
        return expected_reward(label, self.mix) if self.days else 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class CorpusCheck:
    """What there is to say of a corpus.

    Attributes:
        findings: what is wrong, errors first.
        splits: what each holds.
        briefings: how many were written again, and are what they were where nothing is found.
        unopened: markets whose data is not there, whose labels nothing was compared with.
    """

    findings: Sequence[CorpusFinding]
    splits: Mapping[CorpusSplit, SplitFigures]
    briefings: int
    unopened: int

    @property
    def is_sound(self) -> bool:
        """Whether there is no error."""
        return not any(each.severity == "error" for each in self.findings)

    def plain(self) -> dict[str, Any]:
        """As JSON holds it."""
        return {
            "sound": self.is_sound,
            "findings": [each._asdict() for each in self.findings],
            "splits": {
                split: {
                    "rows": own.rows,
                    "completions": own.completions,
                    "briefings": own.briefings,
                    "days": own.days,
                    "blocks": own.blocks,
                    "mix": {label: own.share(label) for label in CLASSES},
                    "always": {label: own.always(label) for label in CLASSES},
                }
                for split, own in self.splits.items()
            },
            "briefings": self.briefings,
            "unopened": self.unopened,
        }


class _Findings:
    """Findings by what they are; of many of a kind the first stands for all."""

    def __init__(self) -> None:
        self._found: dict[tuple[Severity, str], list[str]] = {}

    def add(self, severity: Severity, what: str, where: str = "") -> None:
        self._found.setdefault((severity, what), []).append(where)

    def error(self, what: str, where: str = "") -> None:
        self.add("error", what, where)

    def all(self) -> list[CorpusFinding]:
        found = [
            CorpusFinding(severity, f"{what}: {places[0]}" if places[0] else what, len(places))
            for (severity, what), places in self._found.items()
        ]
        return sorted(found, key=lambda each: each.severity)


@dataclass(slots=True, kw_only=True)
class _Seen:
    """What was seen of the rows, a little of each.

    Attributes:
        days: variants of each day by split.
        facts: what rows say of each day, which is the same in all of its variants.
        texts: the split of each briefing, by the beginning of its hash.
        briefings: a hash of the text of each briefing of a day, and of what it can be cited by.
    """

    days: dict[CorpusSplit, dict[DayKey, set[int]]] = field(
        default_factory=lambda: {split: {} for split in SPLITS}
    )
    facts: dict[DayKey, tuple[Any, ...]] = field(default_factory=dict)
    texts: dict[bytes, CorpusSplit] = field(default_factory=dict)
    briefings: dict[DayKey, dict[int, bytes]] = field(default_factory=dict)


def check_corpus(
    folder: Path,
    *,
    briefings: int = BRIEFINGS,
    watch: Callable[[str, int, int], None] | None = None,
) -> CorpusCheck:
    """Look for everything that may be wrong with a corpus.

    Args:
        folder: where it is.
        briefings: how many are written again at most.
        watch: takes what is at work, and how much of how much is done.

    Raises:
        InvestorBenchError: there is no finished corpus, or one of another version.
    """
    watch = watch or (lambda *_: None)
    manifest = read_manifest(folder)
    if manifest.get("format") != FORMAT:
        raise InvestorBenchError(
            f"{folder} holds a corpus of version {manifest.get('format')}, and this InvestorBench "
            f"reads version {FORMAT}: use the version that built it, or build it again"
        )
    if fault := unlike(manifest, WRITTEN):
        raise InvestorBenchError(
            f"{folder / MANIFEST} is not as it was written: {fault}; build the corpus again"
        )
    findings, seen = _Findings(), _Seen()
    figures: dict[CorpusSplit, SplitFigures] = {split: SplitFigures() for split in SPLITS}
    settings = settings_in(manifest)
    _check_files(folder, manifest, findings)
    for split in SPLITS:
        watch(f"reading {split}", 0, 0)
        _check_rows(folder, split, manifest, settings, seen, figures[split], findings)
    _check_days(manifest, settings, seen, findings)
    _check_embargo(manifest, seen, findings)
    checked = 0
    markets: Sequence[Mapping[str, Any]] = manifest["markets"]
    each = -(-briefings // max(len(markets), 1))
    for number, said in enumerate(markets):
        watch(f"opening {said['name']}", number, len(markets))
        checked += _check_market(said, settings, seen, each, findings)
        forget_markets()
    for split in SPLITS:
        figures[split].days = len(seen.days[split])
        figures[split].briefings = sum(of == split for of in seen.texts.values())
        figures[split].blocks = _blocks(seen.days[split], markets)
    _check_mix(figures["train"], len(markets), findings)
    unopened = sum(each.number for each in findings.all() if each.text.startswith(UNOPENED))
    return CorpusCheck(
        findings=findings.all(), splits=figures, briefings=checked, unopened=unopened
    )


def settings_in(manifest: Mapping[str, Any]) -> CorpusSettings:
    """The settings that a corpus was built from, without its teacher."""
    said = manifest["settings"]
    try:
        return _settings_in(said)
    except (TypeError, ValueError, KeyError, AttributeError) as error:
        raise InvestorBenchError(f"the settings in {MANIFEST} are none: {error}") from None


def _settings_in(said: Mapping[str, Any]) -> CorpusSettings:
    form = {name: value for name, value in said["form"].items() if name != "count_tokens"}
    return CorpusSettings(
        tasks=[task_of(each) for each in said["tasks"]],
        instructions=said["instructions"],
        variants=said["variants"],
        seed=said["seed"],
        train=said["train"] and tuple(said["train"]),
        test=said["test"] and tuple(said["test"]),
        labels=said["labels"],
        markets=said["markets"],
        form=BriefingForm(**form),
    )


def _check_files(folder: Path, manifest: Mapping[str, Any], findings: _Findings) -> None:
    """Whether the files are those that were written."""
    for name, recorded in manifest["files"].items():
        path = folder / name
        if not path.exists():
            findings.error("a file of the corpus is missing", name)
        elif hash_of(path) != recorded:
            findings.error("a file is not the one that was written", name)
    for split in SPLITS:
        parquet = file_of(folder, split, "parquet")
        if not parquet.exists() or not file_of(folder, split).exists():
            continue
        for one, other in zip_longest(read_rows(folder, split), read_parquet(parquet)):
            if one != other:
                where = (one or other or {}).get("id", "")
                findings.error(f"{split}: JSON lines and Parquet hold different rows", str(where))
                break


def _check_rows(
    folder: Path,
    split: CorpusSplit,
    manifest: Mapping[str, Any],
    settings: CorpusSettings,
    seen: _Seen,
    figures: SplitFigures,
    findings: _Findings,
) -> None:
    markets = {said["name"]: said for said in manifest["markets"]}
    recorded = manifest["settings"]["teacher"]
    keeps = ThesisFilter() if recorded is None else ThesisFilter(
        structure=recorded["structure"], evidence=recorded["evidence"]
    )  # fmt: skip
    if not file_of(folder, split).exists():
        return
    for row in read_rows(folder, split):
        figures.rows += 1
        figures.completions += row["completion"] is not None
        of = markets.get(row["market"])
        faults = _faults(row, split, of, settings)
        for what in chain(faults, _thesis_faults(row, keeps), _teacher_faults(row, recorded)):
            findings.error(what, row["id"])
        key = row["market"], row["date"]
        variants = seen.days[split].setdefault(key, set())
        if row["variant"] in variants:
            findings.error("a briefing stands in the corpus twice", row["id"])
        if not variants:
            figures.mix[row["label"]] += 1
        seen.briefings.setdefault(key, {})[row["variant"]] = _citable_hash(row)
        variants.add(row["variant"])
        said = tuple(row[name] for name in OF_A_DAY)  # type: ignore[literal-required]
        if seen.facts.setdefault(key, said) != said:
            findings.error("briefings of one day have different labels or returns", row["id"])
        text = bytes.fromhex(sha256(row["prompt"][-1]["content"].encode()).hexdigest()[:16])
        if seen.texts.setdefault(text, split) != split:
            findings.error("the same briefing is trained on and tested", row["id"])


OF_A_DAY = ("label", "score", "horizon_return", "daily_volatility", "round_trip_rate")


def _faults(
    row: CorpusRow, split: CorpusSplit, of: Mapping[str, Any] | None, settings: CorpusSettings
) -> Iterator[str]:
    """What of a row contradicts itself, its market or the settings."""
    prompt = row["prompt"]
    if of is None:
        yield "a row is of a market that the manifest does not name"
    elif (row["task"], row["symbol"], row["market_seed"]) != (
        of["task"]["id"],
        of["symbol"],
        of["market_seed"],
    ):
        yield "a row names another task, symbol or seed than its market has"
    if row["split"] != split:
        yield f"a row of another split stands in {split}"
    if row["id"] != f"{row['market']}/{row['date']}/{row['variant']}":
        yield "the id of a row is not that of its market, day and variant"
    if row["label"] not in CLASSES:
        yield "a label is none of the five classes"
    if not 0 <= row["variant"] < settings.variants or row["seed"] != settings.seed_of(
        row["variant"]
    ):
        yield "the seed of a briefing does not follow from its variant"
    if [each["role"] for each in prompt] != ["system", "user"]:
        yield "a prompt is not a system message and a briefing"
        return
    if prompt[0]["content"] != settings.instructions:
        yield "the instructions of a prompt are not those of the corpus"
    text = prompt[-1]["content"]
    if sha256(text.encode()).hexdigest() != row["briefing_sha256"]:
        yield "a briefing is not the one that was hashed"
    if row["ids"] != PIECE_IDS.findall(text):
        yield "the ids of a row are not those in its briefing"
    if "[[[" in text:
        yield "a briefing holds the mark of a decision, [[["
    said = [] if row["completion"] is None else [
        {"role": "assistant", "content": row["completion"]}
    ]  # fmt: skip
    if row["messages"] != [*prompt, *said]:
        yield "the messages of a row are not its prompt and its completion"


def _citable_hash(row: CorpusRow) -> bytes:
    """Of what a thesis of a row can cite: the text of its briefing and the ids in it."""
    content = "\n".join([row["prompt"][-1]["content"], *row["ids"]])
    return sha256(content.encode()).digest()[:16]


def _teacher_faults(row: CorpusRow, recorded: Mapping[str, Any] | None) -> Iterator[str]:
    """What a row says of its teacher that cannot be."""
    is_taught = recorded is not None and row["split"] == "train"
    if row["completion"] is not None and (recorded is None or row["teacher"] != recorded["name"]):
        yield "a completion is of another teacher than that of the corpus"
    if row["split"] != "train" and row["completion"] is not None:
        yield "a row to test on has a completion"
    stage = row["stage"] if row["stage"] in STAGES else None
    if recorded and row["completion"] is not None and not reaches(stage, recorded["stage"]):
        yield "a completion does not come as far as its teacher was to"
    reasons = (NO_ANSWER, *get_args(ThesisFault)) if is_taught else ()
    if row["completion"] is not None or not reasons:
        reasons = (None,)
    if row["rejected"] not in reasons:
        yield "what a thesis was rejected by cannot be"


def _thesis_faults(row: CorpusRow, keeps: ThesisFilter) -> Iterator[str]:
    """What of a completion and its rewards does not follow."""
    recorded = [row["structure"], row["evidence"], row["decision"]]
    if row["completion"] is None:
        if [*recorded, row["stage"], row["teacher"]] != [None] * 5:
            yield "a row without a completion has rewards"
        return
    if row["label"] not in CLASSES:
        return
    citable = Citable.of(row["prompt"][-1]["content"], row["ids"])
    judged = keeps.judge(row["completion"], citable, row["label"])
    pairs = zip(recorded, judged.rewards, strict=True)
    if any(one is None or abs(one - other) > REWARD_TOLERANCE for one, other in pairs):
        yield "the rewards of a completion are not those that it earns"
    elif row["stage"] != judged.stage:
        yield "a completion does not pass the filter of the stage that it names"


def _check_days(
    manifest: Mapping[str, Any], settings: CorpusSettings, seen: _Seen, findings: _Findings
) -> None:
    """Whether each day is there once, and whole."""
    symbols = {said["name"]: (said["symbol"], said["market_seed"]) for said in manifest["markets"]}
    owners: dict[tuple[Any, ...], tuple[str, str]] = {}
    for split in SPLITS:
        for (market, date), variants in seen.days[split].items():
            if len(variants) < settings.variants:
                findings.error("a day lacks briefings", f"{market}/{date} in {split}")
            key = (*symbols.get(market, (market, None)), date)
            other = owners.setdefault(key, (split, market))
            if other != (split, market):
                findings.error(
                    "a day stands in the corpus twice",
                    f"{market}/{date} in {split}, and in {other[0]} of {other[1]}",
                )
    for said in manifest["markets"]:
        for split in SPLITS:
            count = sum(market == said["name"] for market, _ in seen.days[split])
            if count != said["days"][split]:
                findings.error(
                    "a market has other days than it was built with",
                    f"{said['name']}, {count} in {split} instead of {said['days'][split]}",
                )


def _check_embargo(manifest: Mapping[str, Any], seen: _Seen, findings: _Findings) -> None:
    """Whether a training label looks at what is tested, by the calendar alone."""
    real: dict[CorpusSplit, list[tuple[str, str]]] = {split: [] for split in SPLITS}
    classes = {}
    for said in manifest["markets"]:
        name, asset_class = said["name"], task_of(said).asset_class
        classes[name] = asset_class
        dates = {
            split: sorted(date for market, date in seen.days[split] if market == name)
            for split in SPLITS
        }
        ends = said["thresholds"]["window"][1]
        for date in _near(dates["train"], asset_class, ends, before=True):
            findings.error(
                f"a training label looks beyond the training window, {LONGEST} sessions ahead",
                f"{name}/{date}; the window ends on {ends}",
            )
        for date in _near(dates["test"], asset_class, ends, before=False):
            findings.error(
                f"a test day lies within the {EMBARGO} sessions after the training window",
                f"{name}/{date}; the window ends on {ends}",
            )
        if dates["train"] and dates["test"]:
            last, first = dates["train"][-1], dates["test"][0]
            gap = _sessions_apart(asset_class, last, first)
            if gap < LONGEST + EMBARGO:
                findings.error(
                    f"training and test are less than {LONGEST + EMBARGO} sessions apart",
                    f"{name} is trained on {last} and tested on {first}, {gap} sessions later",
                )
        if not said["simulated"]:
            for split in SPLITS:
                real[split] += [(date, name) for date in dates[split]]
    if real["train"] and real["test"]:
        (last, trained), (first, tested) = max(real["train"]), min(real["test"])
        if trained != tested and _sessions_apart(classes[tested], last, first) <= LONGEST:
            findings.error(
                "a market is tested while another is trained on",
                f"{trained} on {last}, {tested} on {first}",
            )


def _near(dates: Sequence[str], asset_class: str, ends: str, *, before: bool) -> Iterator[str]:
    """Dates of training that are less than a horizon before the end, or of test after it."""
    for date in reversed(dates) if before else dates:
        gap = _sessions_apart(asset_class, *((date, ends) if before else (ends, date)))
        if gap >= LONGEST:
            return
        yield date


def _sessions_apart(asset_class: str, first: str, last: str) -> int:
    """How many sessions after one day another is; negative where it lies before it."""
    if last < first:
        return 1 - len(sessions_between(asset_class, last, first))
    return len(sessions_between(asset_class, first, last)) - 1


def _check_market(
    said: Mapping[str, Any],
    settings: CorpusSettings,
    seen: _Seen,
    briefings: int,
    findings: _Findings,
) -> int:
    """Whether a market is what it was, and rows follow from it; how many briefings were written."""
    name = said["name"]
    try:
        market = labelled(MarketOf(name, task_of(said), said["market_seed"]), settings)
    except InvestorBenchError as error:
        findings.add(
            "warning",
            UNOPENED,
            f"{name}: {error}",
        )
        return 0
    now = market.plain()
    kept = ("fingerprint", "closes_sha256", "test", "thresholds")
    before = {each: said[each] for each in kept}
    if found := differences(before, {each: now[each] for each in kept}):
        findings.error(
            "a market is not the one that the corpus was built from", f"{name}: {named(found)}"
        )
    days = {(split, day.date): day for split, day in days_of(market)}
    for split in SPLITS:
        for of, date in seen.days[split]:
            if of == name:
                _check_day(market, split, date, days, seen, findings)
    return _check_briefings(market, settings, seen, briefings, findings)


def _check_day(
    market: LabelledMarket,
    split: CorpusSplit,
    date: str,
    days: Mapping[tuple[CorpusSplit, str], CorpusDay],
    seen: _Seen,
    findings: _Findings,
) -> None:
    where = f"{market.of.name}/{date}"
    day = days.get((split, date))
    if day is None:
        findings.error(f"a day that is none of {split} stands in {split}", where)
        return
    label, *numbers, rate = seen.facts[market.of.name, date]
    if label != day.label:
        findings.error(
            "a label does not follow from the prices", f"{where}: {label}, not {day.label}"
        )
    if numbers != [day.score, day.horizon_return, day.daily_volatility]:
        findings.error("the score or the return of a day does not follow from the prices", where)
    if rate != 2.0 * market.facts.cost_rate:
        findings.error("the costs of a day are not those of its task", where)


def _check_briefings(
    market: LabelledMarket,
    settings: CorpusSettings,
    seen: _Seen,
    briefings: int,
    findings: _Findings,
) -> int:
    """Write some briefings again, evenly over the days, of each a variant that is drawn."""
    name = market.of.name
    known = [
        (split, day, variant)
        for split, day in days_of(market)
        for variant in sorted(seen.briefings.get((name, day.date), ()))
    ]
    history, rng = market.history(), Random(name)
    number = min(briefings, len(known))
    for place in range(number):
        first, end = (len(known) * each // number for each in (place, place + 1))
        split, day, variant = known[rng.randrange(first, end)]
        row = row_for(market, history, settings, split, day, variant)
        if _citable_hash(row) != seen.briefings[name, day.date][variant]:
            findings.error("a briefing is not what would be written today", row["id"])
    return number


def _check_mix(figures: SplitFigures, markets: int, findings: _Findings) -> None:
    """Whether the labels of training have the shares that their thresholds are quantiles for."""
    tolerance = MIX_TOLERANCE + markets / max(figures.days, 1)
    for label, published in PUBLISHED_MIX.items():
        if figures.days and abs(figures.share(label) - published) > tolerance:
            findings.error(
                "the mix of training labels is not that of their thresholds",
                f"{figures.share(label):.1%} {label}, {published:.0%} published",
            )


def _blocks(days: Mapping[DayKey, Any], markets: Sequence[Mapping[str, Any]]) -> int:
    """How many blocks there are; those of real markets, which move together, are counted once."""
    dates: dict[str, set[str]] = defaultdict(set)
    simulated = {said["name"] for said in markets if said["simulated"]}
    for market, date in days:
        dates[market if market in simulated else ""].add(date)
    return sum(len(own) // LONGEST for own in dates.values())
