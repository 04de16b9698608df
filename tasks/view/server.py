"""A server on 127.0.0.1 that shows runs in a browser while its ``with`` block runs."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Self

from investorbench.tasks.view.follower import Follower
from investorbench_env.errors import MissingDependencyError

if TYPE_CHECKING:
    from investorbench.agents.llm.proxy.serving import ServingThread
    from investorbench.tasks.view.maker import ReportMaker


class ViewServer:
    """Shows the report of run folders, and follows those that go on.

    Args:
        runs: their folders.
        port: 0 for any that is free.

    Raises:
        InvestorBenchError: one is no run folder.
    """

    def __init__(self, runs: Sequence[Path], port: int = 0) -> None:
        self.follower = Follower(runs)
        self.port = port
        self.address = ""
        """Of the page, with its token; empty before the server runs."""
        self.maker: ReportMaker | None = None
        self._thread: ServingThread | None = None

    def __enter__(self) -> Self:
        try:
            from investorbench.agents.llm.proxy.serving import ServingThread
            from investorbench.tasks.view.app import ViewApp
            from investorbench.tasks.view.maker import ReportMaker
        except ImportError as error:
            package = str(error.name or "starlette")
            raise MissingDependencyError(package, "view", "a live view") from None
        self.maker = ReportMaker(self.follower)
        app = ViewApp(self.follower, self.maker)
        self._thread = ServingThread(app, self.port)
        self.port = self._thread.port
        self.address = f"http://127.0.0.1:{self.port}/{app.token}/"
        return self

    def __exit__(self, *exception: object) -> None:
        if self._thread is not None:
            self._thread.stop()
            self._thread = None
        if self.maker is not None:
            self.maker.stop()
