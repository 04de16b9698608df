"""Weights & Biases: a run an episode, many at once."""

import os
from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from investorbench.tasks.tracking.figures import Figures
from investorbench.tasks.tracking.parameters import SIMULATED, EpisodeParameters
from investorbench_env.errors import InvestorBenchError, MissingDependencyError

if TYPE_CHECKING:
    from wandb import Run

Mode = Literal["online", "offline"]


class WandB:
    """Logs episodes with Weights & Biases, by the key that ``wandb login`` has kept.

    Args:
        project: where runs belong.
        mode: ``"online"``, or ``"offline"`` to write files for ``wandb sync``;
            ``$WANDB_MODE``, else online, for None.
        folder: where its files go; a folder ``wandb`` is made in it.

    Raises:
        MissingDependencyError: wandb is not installed.
        InvestorBenchError: online, and no account is logged in.
    """

    name = "Weights & Biases"

    def __init__(
        self,
        project: str = "investorbench",
        mode: Mode | None = None,
        folder: str | Path = ".",
    ) -> None:
        if find_spec("wandb") is None:
            raise MissingDependencyError("wandb", "wandb", self.name)
        # Nothing goes out but the runs themselves: no reports of errors to its makers.
        os.environ.setdefault("WANDB_ERROR_REPORTING", "false")
        self._project = project
        self._mode = mode or os.environ.get("WANDB_MODE", "online")
        self._folder = Path(folder)
        if self._mode == "online":
            self._require_login()

    def begin(self, parameters: EpisodeParameters) -> "WandBRun":
        """Open a run, with all settings as its configuration."""
        import wandb

        self._folder.mkdir(parents=True, exist_ok=True)
        run = wandb.init(
            project=self._project,
            name=parameters.name,
            group=parameters.group,
            tags=[SIMULATED if parameters.facts.simulated else "real", parameters.facts.protocol],
            config=parameters.values,
            mode=self._mode,  # type: ignore[arg-type]
            dir=str(self._folder),
            reinit="create_new",  # episodes run side by side
            settings=wandb.Settings(silent=True, console="off"),
        )
        return WandBRun(run)

    def _require_login(self) -> None:
        import wandb

        if not wandb.login(prompt=False, verify=False):
            raise InvestorBenchError(
                "no account is logged in at Weights & Biases: run `wandb login`, or set "
                "WANDB_MODE=offline and `wandb sync` the files later"
            )


class WandBRun:
    """The log of an episode."""

    def __init__(self, run: "Run") -> None:
        self._run = run
        for split in ("warmup", "test"):
            run.define_metric(f"{split}/*", step_metric=f"{split}/step")

    def step(self, number: int, seconds: float, figures: Figures) -> None:
        """Log the figures, over the step in their split."""
        split = next(iter(figures)).partition("/")[0]
        self._run.log({**figures, f"{split}/step": number, "time": seconds})

    def end(self, figures: Mapping[str, float], *, failed: bool) -> None:
        """Write its metrics, and finish."""
        self._run.summary.update(dict(figures))
        self._run.finish(exit_code=int(failed))
