"""A check that ``agents`` is ours: another distribution uses the same import name."""

import importlib.util
from importlib.metadata import packages_distributions
from pathlib import Path

MARK = "TaskFacts"
"""A name in our own package: another one may have been installed over its files."""


def require_our_agents() -> None:
    """Find out before anything is imported from it.

    Raises:
        ImportError: Python finds another package of that name first; names it.
    """
    found = importlib.util.find_spec("agents")
    ours = Path(__file__).resolve().parent.parent / "agents"
    places = [Path(place).resolve() for place in (found and found.submodule_search_locations) or ()]
    if ours in places and MARK in (ours / "__init__.py").read_text(encoding="utf-8"):
        return
    owners = [
        name for name in packages_distributions().get("agents", []) if name != "investorbench"
    ]
    who = f" of the distribution {owners[0]!r}" if owners else ""
    raise ImportError(
        f"'import agents' finds {places[0] if places else 'nothing'}{who}, not InvestorBench's own "
        f"agents in {ours}; "
        + (f"pip uninstall {owners[0]}, " if owners else "")
        + "use a virtual environment of its own, or start Python from another folder"
    )
