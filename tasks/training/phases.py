"""The phases of a stage: on a teacher's theses, by rewards, and on the model's own that pass.

Each goes on from its last whole checkpoint, to the same step and, on the same machine, the same
weights.
"""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from investorbench.tasks.integrations.trl import expected_reward, stage_rewards
from investorbench.tasks.record.files import read_json, write_json
from investorbench.tasks.trading_r1.citable import Citable
from investorbench.tasks.trading_r1.corpus.filters import ThesisFilter, reaches
from investorbench.tasks.training.callbacks import TrainingWatch, follower, tensorboard
from investorbench.tasks.training.checkpoints import newest_checkpoint, remove_checkpoints
from investorbench.tasks.training.expected import expected_returns
from investorbench.tasks.training.lessons import Lessons, lesson_of
from investorbench.tasks.training.libraries import Libraries, without_their_warnings
from investorbench.tasks.training.models import LoadedModel, kept_on_disk, write_model
from investorbench.tasks.training.settings import TrainingSettings
from investorbench.tasks.training.writing import pages_of, written
from investorbench_env.errors import InvestorBenchError

MODEL, CURVE, OWN, EVENTS = "model", "steps.json", "own", "tensorboard"
"""In the folder of a phase: what comes of it, figures of each update, own theses, event files."""
KEPT_CHECKPOINTS = 2
UNSCALED = "none"


class StagePhases:
    """Trains one model, phase by phase.

    Args:
        libraries: what trains.
        settings: of the training.
        lessons: what is learned.
        into: the folder, in which each phase has its own.
        watch: is called after each update.
    """

    def __init__(
        self,
        libraries: Libraries,
        settings: TrainingSettings,
        lessons: Lessons,
        into: Path,
        watch: TrainingWatch | None,
    ) -> None:
        self._libraries, self._settings, self._lessons = libraries, settings, lessons
        self._into, self._watch = into, watch

    def train(self, phase: str, loaded: LoadedModel) -> LoadedModel:
        """Go through a phase, or through what is left of it, and write what comes of it."""
        trainer = {
            "supervised": self._supervised,
            "rewards": self._by_rewards,
            "distillation": self._distillation,
        }[phase](loaded)
        folder = self._into / phase
        last = newest_checkpoint(folder)
        trained = LoadedModel(trainer.model, loaded.tokenizer)
        with kept_on_disk(folder), without_their_warnings():
            trainer.train(resume_from_checkpoint=None if last is None else str(last))
            write_json(folder / CURVE, {"steps": trainer.state.log_history})
            write_model(trained, folder / MODEL)
        remove_checkpoints(folder)
        return trained

    def _supervised(self, loaded: LoadedModel) -> Any:
        lessons = self._lessons.written(self._settings.stage)
        return self._supervisor("supervised", loaded, lessons)

    def _distillation(self, loaded: LoadedModel) -> Any:
        lessons = self._own_theses(loaded)
        if not lessons:
            raise InvestorBenchError(
                f"none of {self._settings.briefings * self._settings.group} theses of the model "
                f"passes the filter of stage {self._settings.stage}: train longer by rewards, or "
                "leave this phase out with phases=supervised,rewards"
            )
        return self._supervisor("distillation", loaded, lessons)

    def _supervisor(
        self, phase: str, loaded: LoadedModel, lessons: Sequence[Mapping[str, Any]]
    ) -> Any:
        trl, settings = self._libraries.trl, self._settings
        with without_their_warnings():
            arguments = trl.SFTConfig(
                **self._arguments(phase, settings.batch),
                completion_only_loss=True,
                max_length=None,
            )
            return self._followed(phase, loaded, trl.SFTTrainer, lessons, args=arguments)

    def _by_rewards(self, loaded: LoadedModel) -> Any:
        trl, settings = self._libraries.trl, self._settings
        functions, weights = stage_rewards(settings.stage, settings.paid_by)
        columns = self._lessons.paid()
        if expected_reward in functions:
            means = expected_returns(self._lessons.train, self._lessons.tasks)
            for row, mean in zip(columns, means, strict=True):
                row["expected_return"] = mean
        with without_their_warnings():
            arguments = trl.GRPOConfig(
                **self._arguments("rewards", settings.batch),
                num_generations=settings.group,
                max_completion_length=settings.tokens,
                temperature=settings.temperature,
                reward_weights=weights,
                scale_rewards="group" if settings.scale_rewards else UNSCALED,
                loss_type=settings.loss_type,
                beta=settings.beta,
            )
            return self._followed(
                "rewards", loaded, trl.GRPOTrainer, columns, args=arguments, reward_funcs=functions
            )

    def _followed(
        self,
        phase: str,
        loaded: LoadedModel,
        trainer: Callable[..., Any],
        rows: Sequence[Mapping[str, Any]],
        **options: Any,
    ) -> Any:
        libraries = self._libraries
        made = trainer(
            model=loaded.model,
            processing_class=loaded.tokenizer,
            train_dataset=libraries.datasets.Dataset.from_list(list(rows)),
            callbacks=[
                follower(libraries, phase, self._watch),
                tensorboard(libraries, self._into / EVENTS / phase),
            ],
            **options,
        )
        made.remove_callback(libraries.transformers.PrinterCallback)
        return made

    def _arguments(self, phase: str, batch: int) -> dict[str, Any]:
        """What both kinds of trainers take."""
        settings, on_gpu = self._settings, self._libraries.torch.cuda.is_available()
        return {
            "output_dir": str(self._into / phase),
            "max_steps": settings.steps(phase),
            "per_device_train_batch_size": batch,
            "learning_rate": settings.rate(phase),
            "logging_steps": 1,
            "save_strategy": "steps",
            "save_steps": settings.save_every,
            "save_total_limit": KEPT_CHECKPOINTS,
            "seed": settings.seed,
            "report_to": "none",
            "disable_tqdm": True,
            "bf16": on_gpu,
            "gradient_checkpointing": on_gpu,
            "use_cpu": not on_gpu,
        }

    def _own_theses(self, loaded: LoadedModel) -> list[dict[str, Any]]:
        """Theses of the model that pass the stage's filter; pages that are there stay."""
        settings, rows = self._settings, self._lessons.train
        number = min(settings.briefings, len(rows))
        wanted = [rows[place * len(rows) // number] for place in range(number)]
        asked = [row for row in wanted for _ in range(settings.group)]
        judge, kept = self._lessons.keeps, []
        for number, page in enumerate(pages_of(asked)):
            path = self._into / "distillation" / OWN / f"{number:06}.json"
            if not path.exists():
                texts = written(
                    self._libraries,
                    loaded,
                    [row["prompt"] for row in page],
                    tokens=settings.tokens,
                    temperature=settings.temperature,
                    seed=settings.seed + number,
                )
                passed = [
                    {"id": row["id"], "completion": text}
                    for row, text in zip(page, texts, strict=True)
                    if reaches(_stage(judge, row, text), settings.stage)
                ]
                write_json(path, {"theses": passed})
            own = {row["id"]: row["prompt"] for row in page}
            kept += [
                lesson_of(own[each["id"]], each["completion"]) for each in read_json(path)["theses"]
            ]
        return kept


def _stage(judge: ThesisFilter, row: Mapping[str, Any], text: str) -> str | None:
    citable = Citable.of(row["prompt"][-1]["content"], row["ids"])
    return judge.judge(text, citable, row["label"]).stage
