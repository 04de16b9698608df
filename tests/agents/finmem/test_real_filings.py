"""Of filings as they were filed, no cover, contents, exhibits or formulas reach a prompt."""

import re
from pathlib import Path
from typing import Any

import pytest

from investorbench.agents.agent import Info
from investorbench.agents.finmem import FinMem
from investorbench.agents.finmem.filings import passages_of
from investorbench.agents.llm import connect, load_model
from investorbench.memory import Arrays, HashedNgrams, LayeredMemory
from investorbench.tasks import evaluate
from tests.agents.finmem.episodes import Scripted, Value, varied

PHRASES = """
united states securities and exchange commission
washington, d.c. 20549
washington, d. c. 20549
pursuant to section 13 or 15(d)
exact name of registrant
exact name of company
state or other jurisdiction of
i.r.s. employer
address of principal executive offices
(zip code)
registrant’s telephone number
registrant's telephone number
commission file number
title of each class
trading symbol
name of each exchange on which registered
securities registered pursuant to section 12
indicate by check mark
check the appropriate box
well-known seasoned issuer
large accelerated filer
non-accelerated filer
smaller reporting company
emerging growth company
shell company (as defined
interactive data file
regulation s-t
regulation s-k
rule 12b-2
rule 12g3-2
rule 13a-16
rule 425 under
rule 14a-12
rule 14d-2
soliciting material
aggregate market value of
documents incorporated by reference
incorporated herein by reference
incorporated by reference into
for the transition period from
(mark one)
annual report pursuant to
quarterly report pursuant to
transition report pursuant to
under cover of form
former name or former address
date of earliest event
proxy statement
table of contents
index to exhibits
exhibit index
exhibit number
exhibit description
certificate of incorporation
form of indenture
filed herewith
furnished herewith
duly caused this report
thereunto duly authorized
power of attorney
private securities litigation reform act
should be read in conjunction
unresolved staff comments
mine safety disclosures
not applicable
""".strip().splitlines()
"""Of covers, contents, exhibits and formulas, taken from ten filings."""


def found_in(text: str) -> list[str]:
    small = re.sub(r"\s+", " ", text).lower()
    return [phrase for phrase in PHRASES if phrase in small]


def test_the_list_of_phrases_is_of_filings(data_folder: Path) -> None:
    pages = (data_folder / "filings_html").glob("*.html")
    import html

    words = re.sub(r"<[^>]*>", "", " ".join(page.read_text(encoding="utf-8") for page in pages))
    assert len(PHRASES) >= 60
    assert len(found_in(html.unescape(words))) >= 55


@pytest.mark.heavy
def test_what_real_filings_leave_is_prose_and_figures(data_folder: Path) -> None:
    import pandas as pd

    texts = pd.read_parquet(data_folder / "text" / "filings_text.parquet")
    sources = [(row.text, row.form) for row in texts[texts.item == "FULL"].itertuples()]
    for page in sorted((data_folder / "filings_html").glob("*.html")):
        kind = next(kind for kind in ("10-K", "10-Q", "20-F", "8-K", "6-K") if kind in page.name)
        sources.append((page.read_text(encoding="utf-8"), kind))
    for text, kind in sources:
        left = passages_of(text, kind, 3000)
        assert 1 <= len(left) <= 8
        assert sum(len(passage.text.partition(": ")[2]) for passage in left) <= 3000
        assert [found_in(passage.text) for passage in left] == [[]] * len(left)


class Recording(Scripted):
    """A model that sums filings up by their first words, and decides as it is asked to."""

    is_language_model = True

    def __deepcopy__(self, memo: Any) -> "Recording":
        return self  # so that what a copy of its agent asks is kept


def says(messages: Any, schema: Any) -> Value:
    if "summary" in schema["properties"]:
        return {"summary": messages[1]["content"].partition("<filing>")[2][:900]}
    return varied(messages, schema)


@pytest.mark.heavy
@pytest.mark.real_data
@pytest.mark.parametrize(
    ("task", "model"),
    [("stock/tsla", Recording(says)), ("stock/msft", None), ("crypto/btc", Recording(says))],
    ids=["tsla", "msft", "btc"],
)
def test_no_prompt_of_an_episode_holds_a_phrase_of_covers_and_exhibits(
    task: str, model: Recording | None
) -> None:
    asked: list[str] = []
    of_news: set[str] = set()

    class Kept(FinMem):
        def learn(self, reward: float, info: Info) -> None:
            news = (each for each in info["documents"] if not each.is_filing)
            of_news.update(phrase for each in news for phrase in found_in(str(each)))
            super().learn(reward, info)

        def record(self) -> dict[str, Any]:
            assert self.last is not None
            asked.append(self.last.question.user)
            return super().record()

    agent = Kept(
        model or connect(load_model("offline")),
        lambda seed: LayeredMemory("layered", Arrays(), HashedNgrams(), seed=seed),
    )
    evaluate(agent, task, data="real")
    assert len(asked) > 100
    about = [messages[1]["content"] for messages, _ in model.asked] if model else asked
    assert len(about) == len(asked) + (8 if task == "stock/tsla" else 0)
    if task.startswith("stock"):
        assert any("Item 7, Management’s Discussion" in prompt for prompt in asked)
    found = {phrase for prompt in about for phrase in found_in(prompt)}
    assert found == set() if task.startswith("stock") else found <= of_news  # on the SEC's lawsuits
