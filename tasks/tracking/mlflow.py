"""MLflow: a run an episode, by its client, which knows no current run."""

import os
from collections.abc import Mapping
from functools import cached_property
from importlib.util import find_spec
from typing import TYPE_CHECKING

from investorbench.tasks.tracking.figures import Figures
from investorbench.tasks.tracking.parameters import SIMULATED, EpisodeParameters
from investorbench_env.errors import InvestorBenchError, MissingDependencyError

if TYPE_CHECKING:
    from mlflow.entities import Metric
    from mlflow.tracking import MlflowClient

DATABASES = ("sqlite:", "postgresql", "mysql", "mssql")
STEPS_A_BATCH = 20
MOST_PARAMETERS = 100
"""A request may have no more."""


class MLflow:
    """Sends episodes to a tracking server, or writes them into a database.

    A metric's time is that of the market.

    Args:
        tracking_uri: the server's address, or a database such as ``"sqlite:///mlflow.db"``, which
            needs all of MLflow; ``$MLFLOW_TRACKING_URI`` for None.
        experiment: its name; it is made where there is none.

    Raises:
        MissingDependencyError: MLflow is not installed.
        InvestorBenchError: no address, or a database without all of MLflow.
    """

    name = "MLflow"

    def __init__(self, tracking_uri: str | None = None, experiment: str = "InvestorBench") -> None:
        if find_spec("mlflow") is None:
            raise MissingDependencyError("mlflow-skinny", "mlflow", self.name)
        uri = tracking_uri or os.environ.get("MLFLOW_TRACKING_URI")
        if not uri:
            raise InvestorBenchError(
                "MLflow needs to know where to: set MLFLOW_TRACKING_URI to a server's address"
            )
        if uri.startswith(DATABASES) and find_spec("sqlalchemy") is None:
            raise InvestorBenchError(
                f"MLflow writes into {uri} only with all of MLflow: pip install mlflow, or set "
                "MLFLOW_TRACKING_URI to a server's address"
            )
        self._uri = uri
        self._experiment = experiment

    def begin(self, parameters: EpisodeParameters) -> "MLflowRun":
        """Open a run, with all settings as its parameters."""
        from mlflow.entities import Param

        run = self._client.create_run(
            self._experiment_id,
            run_name=parameters.name,
            tags={
                "market": SIMULATED if parameters.facts.simulated else "real",
                "group": parameters.group,
                "data_source": parameters.facts.source,
                "protocol": parameters.facts.protocol,
            },
        )
        values = [Param(name, str(value)) for name, value in parameters.values.items()]
        for first in range(0, len(values), MOST_PARAMETERS):
            batch = values[first : first + MOST_PARAMETERS]
            self._client.log_batch(run.info.run_id, params=batch)
        return MLflowRun(self._client, run.info.run_id)

    @cached_property
    def _client(self) -> "MlflowClient":
        # Nothing goes out but to the server that was named: not that MLflow is used, either.
        os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
        os.environ.setdefault("MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT", "true")
        from mlflow.tracking import MlflowClient

        return MlflowClient(tracking_uri=self._uri)

    @cached_property
    def _experiment_id(self) -> str:
        from mlflow.exceptions import MlflowException

        client = self._client
        if (known := client.get_experiment_by_name(self._experiment)) is not None:
            return str(known.experiment_id)
        try:
            return str(client.create_experiment(self._experiment))
        except MlflowException:  # another process may have been quicker
            if (known := client.get_experiment_by_name(self._experiment)) is None:
                raise
            return str(known.experiment_id)


class MLflowRun:
    """The log of an episode; steps are sent some at a time."""

    def __init__(self, client: "MlflowClient", run_id: str) -> None:
        self._client = client
        self._run_id = run_id
        self._waiting: list[Metric] = []
        self._milliseconds = 0

    def step(self, number: int, seconds: float, figures: Figures) -> None:
        """Keep the figures, and send those of some steps together."""
        self._milliseconds = int(1000 * seconds)
        self._keep(figures, number)
        if number % STEPS_A_BATCH == STEPS_A_BATCH - 1:
            self._send()

    def end(self, figures: Mapping[str, float], *, failed: bool) -> None:
        """Send what is left and its metrics."""
        self._keep(figures, 0)
        self._send()
        self._client.set_terminated(self._run_id, "FAILED" if failed else "FINISHED")

    def _keep(self, figures: Figures, number: int) -> None:
        from mlflow.entities import Metric

        self._waiting += [
            Metric(name, figure, self._milliseconds, number) for name, figure in figures.items()
        ]

    def _send(self) -> None:
        self._client.log_batch(self._run_id, metrics=self._waiting)
        self._waiting = []
