"""A language model that writes a thesis on each day of an asset, and trades by its decision."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

from investorbench.agents.agent import Action, Info, Observation
from investorbench.agents.finmem.asking import counter_for, max_tokens_of
from investorbench.agents.finmem.room import (
    RefusedQuestion,
    refused_by,
    require_room,
    smaller_room,
)
from investorbench.agents.interpreter import DECISION, RATIONALE, Interpreter
from investorbench.agents.llm import Answer, ContextLengthError, LanguageModel, Model
from investorbench.agents.llm.tokens import count_prompt
from investorbench.agents.thesis.form import form_of
from investorbench.agents.thesis.question import (
    Messages,
    prompt_of,
    prompts_sha256,
    question_record,
    repair_of,
)
from investorbench.agents.thesis.targets import meant, targets_of
from investorbench.agents.thesis.thesis import Thesis, parse, with_decision, without_thinking
from investorbench_env.errors import InvestorBenchError
from investorbench_env.facts import Facts
from investorbench_env.market.past import Past
from investorbench_env.wrappers.briefing import Brief, brief, seed_of_decision
from investorbench_env.wrappers.briefing_form import SETTINGS

NAME = "thesis"
ANSWER_TOKENS = 4_000
"""Of a thesis, beyond what the model's answers may have: its settings think of a few sentences."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Written:
    """What a model wrote about a day.

    Attributes:
        briefing: that it was shown.
        prompt: what it was asked.
        answers: the thesis, and the decision that it was asked for once more where it had none.
        refused: longer questions, which its server did not take.
        pieces_left_out: of the briefing, which the model had no room for.
    """

    briefing: Brief
    prompt: Messages
    answers: tuple[Answer, ...]
    refused: tuple[RefusedQuestion, ...]
    pieces_left_out: int

    @property
    def text(self) -> str:
        """The thesis, with the decision below that it was asked for, and nothing else of it.

        A second thesis in its place would be a second try.
        """
        first, *more = (without_thinking(answer.text) for answer in self.answers)
        decisions = (parse(each).decision for each in more)
        decision = next((each for each in decisions if each is not None), None)
        return first if decision is None else with_decision(first, decision)


class ThesisAgent:
    """A language model that trades a stock by theses, after Trading-R1 (Xiao et al., 2025).

    Each thesis is about a briefing of its own, and nothing is carried over from one to the next.
    In a warm-up it asks nothing and holds: it learns from no labels.

    Args:
        model: what answers.
        weights: the target weight of each decision, by its name; None for -1, -.5, 0, .5, 1. Where
            a task is long only, what is below 0 is 0; where it takes words, the nearest of sell,
            hold and buy.
        briefing: the attributes of :class:`BriefingForm`, how much of everything the model is
            shown. Nothing is left out by chance, and nothing shuffled, unless that is set.
        briefing_seed: by which news are drawn where there are too many. It is not the seed of a
            repeat, so that all models are asked about the same.

    Raises:
        InvestorBenchError: the weights are not those of the five decisions, or there cannot be a
            briefing of this form or seed.
        UnknownNameError: there is no such decision, or no such setting of a briefing.
    """

    name = NAME

    def __init__(
        self,
        model: LanguageModel,
        *,
        weights: Mapping[str, float] | None = None,
        briefing: Mapping[str, Any] | None = None,
        briefing_seed: int = 0,
    ) -> None:
        self.model = model
        self._targets = dict(targets_of(weights))
        self._form = form_of(briefing or {})
        if type(briefing_seed) is not int or briefing_seed < 0:
            raise InvestorBenchError(
                f"briefing_seed={briefing_seed!r} must be a whole number of at least 0"
            )
        self._briefing_seed = briefing_seed
        self._record: dict[str, Any] = {}

    def begin(self, facts: Facts, split: str, seed: int) -> None:
        """Begin a split.

        Raises:
            InvestorBenchError: there are several assets, or actions of another kind.
        """
        self._facts, self._seed, self._is_warmup = facts, seed, split == "warmup"
        self._interpreter = Interpreter(facts, self.name)
        self._record = {}

    async def act(self, observation: Observation, info: Info) -> Action:
        """Have a thesis written, and do what it decides; hold where it decides nothing.

        Raises:
            InvestorBenchError: the environment shows no history.
            ModelError: the model could not be asked, or has no room for any briefing.
        """
        if self._is_warmup:
            return self._interpreter.read("hold", info).action
        past = info.get("history")
        if not isinstance(past, Past):
            raise InvestorBenchError(
                f'{self.name} briefs its model on info["history"], which {self._facts.family} does '
                "not give: use an environment of one asset, such as stock/sim"
            )
        written = await self._write(past, seed_of_decision(self._briefing_seed, info["time"]))
        thesis = parse(written.text)
        rationale = "" if thesis.conclusion is None else thesis.conclusion.content
        said = meant(thesis.decision, self._targets, self._facts)
        decided = self._interpreter.read({DECISION: said, RATIONALE: rationale}, info)
        self._record = {**decided.record(), **_record(written, thesis)}
        return decided.chosen

    def record(self) -> dict[str, Any]:
        """The last decision, its thesis and briefing, and what was asked and answered."""
        return self._record

    def describe(self) -> dict[str, Any]:
        """What determines it."""
        return {
            "agent": self.name,
            "model": self.model.name,
            "is_language_model": self.model.is_language_model,
            "weights": dict(self._targets),
            "briefing": {name: getattr(self._form, name) for name in SETTINGS},
            "briefing_seed": self._briefing_seed,
            "prompts_sha256": prompts_sha256(),
        }

    async def _write(self, past: Past, seed: int) -> Written:
        """Have a thesis written, about less where the model has no room for all of it."""
        whole = brief(past, self._facts, seed=seed, form=self._form)
        found, form = whole, self._form
        refused: list[RefusedQuestion] = []
        room, longest = self._room(), max_tokens_of(self.model)
        while True:
            prompt = prompt_of(found.text)
            tokens = self._tokens(prompt)
            if room is not None and tokens > room:
                about = room - self._tokens(prompt_of(""))
                form = replace(form, tokens=max(about, 1), count_tokens=counter_for(self.model))
                found = brief(past, self._facts, seed=seed, form=form)
                prompt = prompt_of(found.text)
                tokens = self._tokens(prompt)
                require_room(tokens, room, self.model.name, self.name)
            try:
                answer = await self._ask(prompt)
            except ContextLengthError as error:
                refused.append(refused_by(error))
                room = smaller_room(tokens, longest + ANSWER_TOKENS, error)
            else:
                more, refusal = await self._mend(prompt, answer)
                return Written(
                    briefing=found,
                    prompt=prompt,
                    answers=(answer, *more),
                    refused=(*refused, *refusal),
                    pieces_left_out=len(whole.pieces) - len(found.pieces),
                )

    async def _mend(
        self, prompt: Messages, answer: Answer
    ) -> tuple[tuple[Answer, ...], tuple[RefusedQuestion, ...]]:
        """What a thesis without a decision is mended by; its server may have no room for that."""
        if not answer.is_usable or parse(answer.text).decision is not None:
            return (), ()
        try:
            return (await self._ask(repair_of(prompt, answer.text)),), ()
        except ContextLengthError as error:
            return (), (refused_by(error),)

    async def _ask(self, messages: Messages) -> Answer:
        longest = max_tokens_of(self.model)
        most = longest + ANSWER_TOKENS if longest else None
        return await self.model.decide(messages, None, seed=self._seed, max_tokens=most)

    def _tokens(self, prompt: Messages) -> int:
        texts = tuple(str(message["content"]) for message in prompt)
        return count_prompt(counter_for(self.model), texts, None)

    def _room(self) -> int | None:
        """Tokens of a prompt, as far as the settings of the model say."""
        settings: Model | None = getattr(self.model, "model", None)
        if settings is None or settings.context_length is None:
            return None
        return settings.context_length - settings.sampling.max_tokens - ANSWER_TOKENS


def _record(written: Written, thesis: Thesis) -> dict[str, Any]:
    """The parts of a record that tasks/trading_r1/recorded.py reads, and what answers add up to."""
    found = written.briefing
    left_out = written.pieces_left_out
    return {
        "thesis": {"text": written.text, "decision": thesis.decision},
        "briefing": {
            "ids": list(found.ids),
            "cut": list(found.cut),
            "seed": found.seed,
            "sha256": found.sha256,
        },
        "question": question_record(written.prompt),
        "answers": [{**asdict(answer), "role": DECISION} for answer in written.answers],
        **({"left_out": {"pieces": left_out}} if left_out else {}),
        **({"refused": [each._asdict() for each in written.refused]} if written.refused else {}),
    }
