"""What may be known of an environment without stepping it.

Everything outside an environment reads this and not the environment: an environment of somebody
else's that has a ``facts`` can be evaluated, recorded, verified, scored and shown like ours.
"""

from dataclasses import dataclass

from investorbench_env.protocols import Convention


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """An environment, its market and the rules of its account, in plain values.

    Attributes:
        family: the kind of decision, such as ``"Stock"``: the id without its namespace and symbol.
        symbols: the A assets.
        asset_class: the name of a row of ``ASSET_CLASSES``, or a word of the environment's own.
        interval: length of a bar, such as ``"1d"``, ``"3m"``, ``"4h"`` or ``"1w"``.
        timezone: IANA name of the zone in which a day begins.
        protocol: the protocol's name.
        convention: how returns are added up: ``"simple"`` or ``"log"``.
        periods_a_year: for annual figures: trading days a year, or steps a year where a step takes
            longer than a day.
        action: what an action is: ``"trade"``, ``"weight"``, or a word of the environment's own.
        long_only: whether a position can never be short.
        initial_cash: what an account starts with.
        steps: how many steps an episode has at most.
        window: first and last session, ``YYYY-MM-DD``.
        source: where prices and texts come from, in words.
        simulated: whether any of them is not real.
        fills: when orders fill, such as ``"next_open"``.
        findings: what is wrong or missing in the data, in words.
        fingerprint: SHA-256 over everything that an agent or an account can meet.
        benchmark: the agent that others are compared with, by its name; None where there is none.
    """

    family: str
    symbols: tuple[str, ...]
    protocol: str
    steps: int
    window: tuple[str, str]
    source: str
    simulated: bool
    fingerprint: str
    asset_class: str = ""
    interval: str = "1d"
    timezone: str = "UTC"
    convention: Convention = "simple"
    periods_a_year: float = 365.0
    action: str = ""
    long_only: bool = False
    initial_cash: float = 100_000.0
    fills: str = "next_open"
    findings: tuple[str, ...] = ()
    benchmark: str | None = None

    @property
    def symbol(self) -> str:
        """The asset, or all of them joined by commas."""
        return ",".join(self.symbols)
