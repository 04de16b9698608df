"""A model that trades by calling its one tool, as TRL trains it."""

import json
from importlib.util import find_spec
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest

from investorbench.tasks import evaluate
from investorbench.tasks.integrations.trl import ShortTrade
from investorbench.tasks.training.libraries import libraries, without_their_warnings
from investorbench.tasks.training.models import load_model_in, require_tools
from investorbench_env.errors import InvestorBenchError
from investorbench_env.wrappers.briefing_form import BriefingForm
from tests.tasks.training.planted import make_model, plant
from tests.tasks.training.test_rewards_of_columns import replayed, small_task

pytestmark = [
    pytest.mark.long,
    # Looked for and not imported, which takes seconds wherever tests are collected.
    pytest.mark.skipif(find_spec("trl") is None, reason="needs the extra train"),
]

STEPS, BATCH, GROUP = 6, 8, 4
DAYS = ("2020-01-02", "2020-01-03", "2020-01-05")
DECISIONS = ("strong buy", "buy", "hold", "sell", "strong sell")
WEIGHTS = dict(zip(DECISIONS, (1.0, 0.5, 0.0, -0.5, -1.0), strict=True))
SHORT = BriefingForm(sessions=2)


class RecordedTrade(ShortTrade):
    """A short trade that says what was done in it."""

    log: ClassVar[list[tuple[str, list[str], float]]] = []

    def __init__(self) -> None:
        super().__init__(tasks={"T": small_task()}, form=SHORT)

    def reset(self, **row: Any) -> str:
        self._date = str(row["date"])
        self._decided: list[str] = []
        return super().reset(**row)

    def decide(self, decision: str) -> str:
        """Take a position until the next decision.

        Args:
            decision: One of strong sell, sell, hold, buy and strong buy.

        Returns:
            What came of it, and what is known by then.
        """
        said = super().decide(decision)
        self._decided.append(decision)
        return said

    def get_reward(self) -> float:
        earned = super().get_reward()
        self.log.append((self._date, self._decided, earned))
        return earned


def test_a_model_trades_by_its_tool_and_earns_what_an_evaluation_of_its_actions_says(
    tmp_path: Path,
) -> None:
    plant(tmp_path / "corpus", seed=0, rows=200)
    make_model(tmp_path / "model", tmp_path / "corpus")
    torch, transformers, trl, datasets = found = libraries()
    tool = transformers.utils.get_json_schema(RecordedTrade().decide)
    tokenizer = load_model_in(tmp_path / "model", found).tokenizer
    ended = {"role": "tool", "name": "decide", "content": "The trade has ended."}
    phrases = [
        tokenizer.apply_chat_template(
            [*prompt_on(day, shown=True), call(word), ended, {"role": "assistant", "content": "."}],
            tools=[tool],
            tokenize=False,
        )
        for day in DAYS
        for word in DECISIONS
    ]
    make_model(tmp_path / "trader", tmp_path / "corpus", phrases=phrases)
    loaded = load_model_in(tmp_path / "trader", found)
    rows = [{"prompt": prompt_on(day), "market": "T", "date": day} for day in DAYS]
    common = {
        "output_dir": str(tmp_path), "report_to": "none", "save_strategy": "no", "use_cpu": True,
        "disable_tqdm": True, "gradient_checkpointing": False, "logging_steps": 1,
    }  # fmt: skip
    lessons = [
        {"prompt": prompt_on(day, shown=True), "completion": [call(word)], "tools": [tool]}
        for day in DAYS
        for word in DECISIONS
    ]
    with without_their_warnings():
        torch.set_num_threads(1)
        trl.SFTTrainer(
            model=loaded.model,
            processing_class=loaded.tokenizer,
            train_dataset=datasets.Dataset.from_list(lessons),
            args=trl.SFTConfig(
                **common, max_steps=60, per_device_train_batch_size=5, learning_rate=3e-3,
                completion_only_loss=True, max_length=None,
            ),
        ).train()  # fmt: skip
        trainer = trl.GRPOTrainer(
            model=loaded.model,
            processing_class=loaded.tokenizer,
            train_dataset=datasets.Dataset.from_list(rows),
            environment_factory=RecordedTrade,
            args=trl.GRPOConfig(
                **common, max_steps=STEPS, per_device_train_batch_size=BATCH,
                num_generations=GROUP, max_completion_length=64, max_tool_calling_iterations=1,
                beta=0.0, scale_rewards=False, loss_type="dr_grpo", learning_rate=1e-4,
            ),
        )  # fmt: skip
        trainer.train()
    played = RecordedTrade.log
    assert len(played) == STEPS * BATCH
    decided = [(day, words, earned) for day, words, earned in played if words]
    assert len(decided) > len(played) / 2
    assert all(earned == -1.0 for _, words, earned in played if not words)
    for day, (word, *_), earned in decided:
        task = small_task(
            start=day, end=str(np.datetime64(day) + np.timedelta64(1, "D")), labels=None
        )
        result = evaluate(replayed([WEIGHTS[word]]), task, warmup=False, seed=0)
        before, after = result.episodes[0].equity
        assert earned == pytest.approx(after / before - 1.0, abs=1e-12)
    by_day: dict[tuple[str, str], float] = {}
    for day, (word, *_), earned in decided:
        assert by_day.setdefault((day, word), earned) == earned  # a group shares its state
    calls = [each for each in trainer.state.log_history if "tools/call_frequency" in each]
    assert calls and any(each["tools/call_frequency"] > 0 for each in calls)


def test_a_chat_template_without_tools_is_refused_with_one_that_has_them(tmp_path: Path) -> None:
    plant(tmp_path / "corpus", seed=0, rows=50)
    make_model(tmp_path / "model", tmp_path / "corpus")
    tokenizer = load_model_in(tmp_path / "model", libraries()).tokenizer
    require_tools(tokenizer)
    plain = "{% for message in messages %}{{ message.role }}: {{ message.content }}{% endfor %}"
    own = plain + "{% for message in messages %}{{ message }}{% endfor %}"  # which TRL cannot parse
    for template in (plain, own, "{{ raise_exception('none') }}", None):
        tokenizer.chat_template = template
        with pytest.raises(InvestorBenchError, match="qwen3_chat_template"):
            require_tools(tokenizer)


def prompt_on(day: str, shown: bool = False) -> list[dict[str, str]]:
    """A prompt; what a reset adds to it where it is to be shown."""
    text = RecordedTrade().reset(market="T", date=day) if shown else ""
    return [{"role": "user", "content": f"Trade.\n{text}"}]


def call(word: str) -> dict[str, Any]:
    function = {"name": "decide", "arguments": json.dumps({"decision": word})}
    return {
        "role": "assistant",
        "content": "",
        "tool_calls": [{"type": "function", "function": function}],
    }
