"""What was to be expected of the sessions after a day of a simulated market."""

from collections.abc import Mapping, Sequence

import numpy as np

from investorbench.tasks.task import Task
from investorbench.tasks.trading_r1.corpus.rows import CorpusRow
from investorbench.tasks.trading_r1.rewards import HORIZON
from investorbench_env.errors import InvestorBenchError
from investorbench_env.market.library import forget_markets
from investorbench_env.market.simulated.conditional import conditional


def expected_returns(rows: Sequence[CorpusRow], tasks: Mapping[str, Task]) -> list[float]:
    """The expected return of each row's next sessions, given the hidden state of its day.

    It is that of snapshots: entered at the next open, held for 7 sessions, costs apart. Markets are
    drawn once more, one at a time.

    Args:
        rows: of a corpus.
        tasks: whose markets they are of, by the names of the markets.

    Raises:
        InvestorBenchError: a row is of a real market, of which it is not known what was expected.
    """
    places: dict[str, list[int]] = {}
    for place, row in enumerate(rows):
        if row["market_seed"] is None or row["market"] not in tasks:
            raise InvestorBenchError(
                f"{row['market']} is no simulated market that is drawn by a seed: what was to be "
                "expected is known of those alone; train with paid_by=label or paid_by=money"
            )
        places.setdefault(row["market"], []).append(place)
    found = [0.0] * len(rows)
    for name, own in places.items():
        task, seed = tasks[name], rows[own[0]]["market_seed"]
        market = task.market(seed)
        days = np.searchsorted(market.sessions, np.array([rows[at]["date"] for at in own], "M8[D]"))
        state = {part: of[days, 0] for part, of in (market.hidden_state or {}).items()}
        means = conditional(task.dynamics(), state, HORIZON).mean
        for place, mean in zip(own, means.tolist(), strict=True):
            found[place] = mean
        forget_markets()
    return found
