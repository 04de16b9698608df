"""What stands on top of a page that follows a run; the page's own program fills it."""

from investorbench.tasks.report.markup import Html, element
from investorbench.tasks.report.tables import Head, table

HEADS = (
    Head("Agent", text=True, names=True),
    Head("Task", "", True),
    Head("State", "", True),
    Head("Episodes", "finished of planned", False),
    Head("Decisions", "of the test split, of all that are planned", False),
    Head("Unusable %", "decisions without a usable answer", False),
    Head("Cost USD", "of all answers so far", False),
    Head("Account", "of the episode that was written last, from its opening", False),
    Head("Last decision", "", True),
)


def strip(made: int) -> Html:
    """The section, empty.

    Args:
        made: the number of the report that it stands on; 0 where there is none yet.
    """
    agents = element(
        "details",
        element("summary", "Agents"),
        table("Agents of the runs, as far as they came", HEADS, [], sortable=False),
        id="live-agents",
        open=True,
        class_="live-agents",
    )
    return element(
        "section",
        element("h2", "Looking at the run …", id="live-title"),
        element(
            "progress", max="1", value="0", id="live-progress", aria_label="Decisions taken",
            hidden=True,
        ),
        element("p", id="live-figures", class_="live-figures"),
        element(
            "p",
            element("span", id="live-note", role="status"),
            element("button", "Show them", type="button", id="live-new", hidden=True),
            class_="live-note",
        ),
        element("ul", id="live-problems", class_="notice live-problems", hidden=True),
        agents,
        element("div", id="live-decision", class_="live-decision", tabindex="-1", hidden=True),
        id="live",
        class_="live",
        aria_labelledby="live-title",
        data_made=str(made),
    )  # fmt: skip
