"""What a language model makes of filings: one question an item, asked before it is remembered.

A question holds nothing of the episode that asks it, so those of a run, which share their answers,
ask it once.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import lru_cache, partial
from typing import Any, Literal, NamedTuple, get_args

from investorbench.agents.finmem.extracts import (
    SHORTEST,
    extract,
    passages,
    says_nothing,
    sentences,
)
from investorbench.agents.finmem.filings import (
    PASSAGE,
    Portion,
    cut_once,
    extractive,
    is_kept_whole,
    place_of,
    portions,
)
from investorbench.agents.finmem.foreign import neutral
from investorbench.agents.finmem.perception import Arrival
from investorbench.agents.finmem.question import fill, template
from investorbench.agents.finmem.room import RefusedQuestion, refused_by, smaller_room
from investorbench.agents.llm import Answer, ContextLengthError, LanguageModel, Message, Model
from investorbench.agents.llm.tokens import Counter, context_length_of, count_prompt, counter_of
from investorbench_env.errors import InvestorBenchError, UnknownNameError
from investorbench_env.market.filings import CutFiling, Section

SEED = 0
"""Of the sampling, the same for all repeats: what a report says is no matter of chance."""
SCHEMA: Mapping[str, Any] = {
    "type": "object",
    "properties": {"summary": {"type": "string"}},
    "required": ["summary"],
    "additionalProperties": False,
}
JOIN = "\n\n"
LONGEST_QUESTION = 50_000
"""Tokens: of a filing of megabytes no more is read an item."""

Kept = Literal["summaries", "extracts"]
"""What is kept of the items of filings."""


class Summary(NamedTuple):
    """A summary that was asked for.

    Attributes:
        about: which item of which filing, in words.
        answer: of the model, usable or not.
    """

    about: str
    answer: Answer


class ReadDocuments(NamedTuple):
    """Documents that were read.

    Attributes:
        parts: what they leave in memory.
        summaries: that were asked for.
        refused: longer questions, which the server did not take.
    """

    parts: list[Arrival]
    summaries: tuple[Summary, ...]
    refused: tuple[RefusedQuestion, ...]


class SummedUp(NamedTuple):
    """What was asked about a filing, item by item; the other attribute as above."""

    found: tuple[tuple[Portion, Summary], ...] = ()
    refused: tuple[RefusedQuestion, ...] = ()


def kept_of_filings(model: LanguageModel, wanted: Kept | None) -> Kept:
    """What is kept of the items of filings: what is wanted, or what the model can do.

    Raises:
        UnknownNameError: there is no such thing.
        InvestorBenchError: rules are to write summaries.
    """
    if wanted is None:
        return "summaries" if model.is_language_model else "extracts"
    if wanted not in get_args(Kept):
        raise UnknownNameError("agent.filings", wanted, get_args(Kept))
    if wanted == "summaries" and not model.is_language_model:
        raise InvestorBenchError(
            f"{model.name} is no language model and sums nothing up: set agent.filings=extracts"
        )
    return wanted


async def read_all(
    arrived: Iterable[Arrival], longest: int, model: LanguageModel | None
) -> ReadDocuments:
    """What documents leave in memory.

    Args:
        arrived: in the order in which they are to be remembered.
        longest: characters to keep of a filing.
        model: that sums filings up; None: their best sentences are kept.

    Raises:
        ModelError: the model could not be asked.
    """
    parts: list[Arrival] = []
    asked: list[SummedUp] = []
    for arrival in arrived:
        summed = SummedUp()
        if model is not None and arrival.filing is not None:
            summed = await sum_up(model, arrival.filing, arrival.metadata["kind"], longest)
            asked.append(summed)
        kept = {
            portion.section: passages_in(summary.answer, portion.longest)
            for portion, summary in summed.found
        }
        parts += arrival.read(longest, partial(_kept, kept))
    return ReadDocuments(
        parts=parts,
        summaries=tuple(summary for each in asked for _, summary in each.found),
        refused=tuple(question for each in asked for question in each.refused),
    )


async def sum_up(model: LanguageModel, text: str, kind: str, longest: int) -> SummedUp:
    """Ask for a summary of each item of a filing that says more than can be kept of it.

    Args:
        model: that is asked; about less of an item where its server finds a question too long.
        text: of the filing.
        kind: its form.
        longest: characters to keep of it in all.

    Raises:
        ModelError: the model could not be asked.
    """
    room, max_tokens, tokenizer = await _room_of(model)
    found: dict[Section, tuple[Portion, Summary]] = {}
    refused: list[RefusedQuestion] = []
    while left := [
        each
        for each in questions_about(text, kind, longest, room, tokenizer)
        if each[0].section not in found
    ]:
        portion, question = left[0]
        try:
            answer = await model.decide(question, SCHEMA, seed=SEED)
        except ContextLengthError as error:
            refused.append(refused_by(error))
            room = smaller_room(_tokens(counter_of(tokenizer), question), max_tokens, error)
        else:
            about = neutral(place_of(cut_once(text, kind), portion.section))
            found[portion.section] = portion, Summary(about, answer)
    return SummedUp(tuple(found.values()), tuple(refused))


@lru_cache(maxsize=32)
def questions_about(
    text: str, kind: str, longest: int, room: int, tokenizer: str | None = None
) -> tuple[tuple[Portion, tuple[Message, ...]], ...]:
    """The question about each item of a filing of which a summary is worth asking for.

    Args:
        text: of the filing.
        kind: its form.
        longest: characters to keep of it in all.
        room: tokens that a question may have. Of a text beyond it, what says most is shown.
        tokenizer: what counts them, see :func:`counter_of`.
    """
    filing, counter = cut_once(text, kind), counter_of(tokenizer)
    read = [] if is_kept_whole(filing, text, longest) else portions(filing, longest)
    found = (
        (portion, _question(filing, portion, room, counter)) for portion in read if portion.longest
    )
    return tuple((portion, question) for portion, question in found if question is not None)


def _question(
    filing: CutFiling, portion: Portion, room: int, counter: Counter
) -> tuple[Message, ...] | None:
    """None where the text, or what fits of it, is no longer than what can be kept."""
    system = template("summarise").strip()
    about = {
        "place": neutral(place_of(filing, portion.section)),
        "longest": str(portion.longest),
    }
    asked = count_prompt(counter, (system, fill("item", text="", **about)), SCHEMA)
    text = _fitting(list(_prose(portion.section)), room - asked, counter)
    if len(text) <= portion.longest:
        return None
    user = fill("item", text=text, **about)
    return ({"role": "system", "content": system}, {"role": "user", "content": user})


def _prose(section: Section) -> Iterator[str]:
    """The paragraphs of a section, without the formulas of filings."""
    for paragraph in section.paragraphs():
        said = (each for each in sentences(paragraph) if not says_nothing(each))
        if words := " ".join(said):
            yield neutral(words)


def _fitting(prose: Sequence[str], room: int, counter: Counter) -> str:
    """A text in so many tokens: whole, or what says most and other sentences as far as they fit."""
    text = JOIN.join(prose)
    tokens = counter(text)
    if tokens <= room:
        return text
    best = {each[-SHORTEST:] for each in extract(prose, len(text) * max(0, room) // tokens)}
    pieces = [sentence for paragraph in prose for sentence in sentences(paragraph)]
    ranked = sorted(range(len(pieces)), key=lambda place: pieces[place][-SHORTEST:] not in best)
    kept: list[int] = []
    for place in ranked:
        tokens = counter(pieces[place]) + 1
        if tokens <= room:
            kept.append(place)
            room -= tokens
    return " ".join(pieces[place] for place in sorted(kept))


def _tokens(counter: Counter, question: Sequence[Message]) -> int:
    return count_prompt(counter, tuple(message["content"] for message in question), SCHEMA)


async def _room_of(model: LanguageModel) -> tuple[int, int, str | None]:
    """Tokens that a question and its answer may have, and what counts them.

    A second turn, which shows an unusable reply again, has its place, too.
    """
    settings: Model | None = getattr(model, "model", None)
    context = await context_length_of(model)
    if settings is None or context is None:
        return LONGEST_QUESTION, 0, None
    answer = settings.sampling.max_tokens
    return min(LONGEST_QUESTION, context - 2 * answer), answer, settings.tokenizer


def passages_in(answer: Answer, longest: int) -> list[str]:
    """The first sentences of a summary, as passages; nothing of an answer that cannot be used."""
    kept: list[str] = []
    summary, left = " ".join(summary_in(answer).split()), longest
    for sentence in sentences(summary) if summary else ():
        if len(sentence) > left:
            break
        kept.append(sentence)
        left -= len(sentence) + 1
    return passages(kept or [summary[:longest]] * bool(summary), PASSAGE)


def summary_in(answer: Answer) -> str:
    """What an answer says; empty where it is unusable."""
    return str((answer.value or {}).get("summary") or "").strip()


def _kept(found: Mapping[Section, Sequence[str]], section: Section, longest: int) -> Sequence[str]:
    """The passages of a section that a model summed up, or its best sentences."""
    return found.get(section) or extractive(section, longest)
