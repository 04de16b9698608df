"""What a decision leaves in the memory of one asset."""

from collections.abc import Mapping

from investorbench.agents.finmem.asset_memory import AssetMemory
from investorbench.agents.finmem.past_decisions import Feedback
from investorbench.agents.finmem.perception import signed_percent
from investorbench.agents.finmem.room import Excerpt, OfAsset
from investorbench.agents.finmem.thought import QUOTED_CHARACTERS, Shown
from investorbench.agents.portfolio.actions import Ordered
from investorbench.agents.portfolio.decision import View
from investorbench.agents.portfolio.question import PortfolioBriefing
from investorbench.agents.portfolio.thought import AssetThought


def conclude(
    own: AssetMemory,
    of_asset: OfAsset,
    excerpt: Excerpt,
    stored: Mapping[int, int],
    view: View | None,
    done: str,
    feedback: Feedback,
    session: str,
) -> AssetThought:
    """Remember why something was done, give feedback to what was cited, and let a step pass.

    Args:
        own: the memory, which holds what is new already.
        of_asset: what could be shown.
        excerpt: what was.
        stored: ids of what is new, by its place.
        view: what the model had to say; None for nothing.
        done: what was ordered, in words.
        feedback: to memories cited earlier.
        session: of the decision, YYYY-MM-DD.
    """
    reflections = []
    if view is not None and view.rationale:
        text = f"{session}: {done}. {view.rationale}"
        reflections = [own.conclude("reflection", text, session)]
    own.memory.reinforce(feedback.ids, feedback.sign)
    own.steps += 1
    items = of_asset.news.items
    return AssetThought(
        stored={id: items[n].part.text[:QUOTED_CHARACTERS] for n, id in stored.items()},
        news=Shown.of(of_asset.news, excerpt.sheet),
        shown=excerpt,
        reflections=tuple(reflections),
        feedback=feedback,
        stepped=own.memory.step(),
    )


def done_to(symbol: str, day: PortfolioBriefing, ordered: Ordered) -> str:
    """What was ordered of an asset, in words, and in training what it returned next."""
    done = ordered.by_asset.get(symbol, f"{symbol} left as it is")
    if day.labels is None or symbol not in day.labels:
        return done
    return f"{done}, before a return of {signed_percent(day.labels[symbol])}"
