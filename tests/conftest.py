"""What every test stands on: no user's files, no network but loopback, real data where it is.

The isolation holds from before collection, so fixtures of any scope and modules that tests import
live in it too. A process that a test starts inherits the folders, but not the ban of the network.
"""

import ipaddress
import os
import shutil
import socket
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from tests.scripts.calling import Call, Output

REPOSITORY = Path(__file__).resolve().parent.parent
# Processes of pytest-xdist find the folder in the second variable: the first is gone by then.
_NAMED = os.environ.get("INVESTORBENCH_DATA") or os.environ.get("INVESTORBENCH_TEST_DATA")
DATA_FOLDER = Path(_NAMED) if _NAMED else REPOSITORY.parent / "shared" / "data"
DATA_IS_REQUIRED = os.environ.get("INVESTORBENCH_REQUIRE_DATA") == "1"
_SKIPPED_FOR_DATA: list[str] = []

# How fast a machine is under load is no fault of what is tested. Under $CI, which Hypothesis looks
# at too since 6.103, the examples are the same each time: one commit has one verdict.
settings.register_profile(
    "investorbench",
    deadline=None,
    derandomize=bool(os.environ.get("CI")),
    suppress_health_check=[HealthCheck.too_slow],
)
settings.load_profile("investorbench")


class NetworkInTestError(RuntimeError):
    """A test tried to leave this machine."""


@pytest.fixture(scope="session")
def data_folder() -> Path:
    """The folder of real markets; a test that uses it is skipped where there is none."""
    if DATA_FOLDER.is_dir():
        return DATA_FOLDER.resolve()
    reason = f"no real markets in {DATA_FOLDER}: set INVESTORBENCH_DATA to a folder that has them"
    return pytest.fail(reason) if DATA_IS_REQUIRED else pytest.skip(reason)


@pytest.fixture(autouse=True)
def _own_home(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[None]:
    """Give each test a home of its own, and $INVESTORBENCH_DATA only to those that ask for it."""
    with pytest.MonkeyPatch.context() as patch:
        _move_home(patch, tmp_path_factory.mktemp("home"))
        if request.node.get_closest_marker("real_data"):
            patch.setenv("INVESTORBENCH_DATA", str(request.getfixturevalue("data_folder")))
        yield


@pytest.fixture
def command(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Call:
    """`investorbench` on a terminal of 80 columns; what was printed before is left out."""
    from investorbench.scripts.main import main

    monkeypatch.setenv("COLUMNS", "80")

    def call(*arguments: object) -> Output:
        capfd.readouterr()
        with pytest.raises(SystemExit) as ended:
            main([*map(str, arguments)])
        return Output(ended.value.code, *capfd.readouterr())

    return call


def pytest_configure(config: pytest.Config) -> None:
    """Isolate this process, before anything of the project is imported."""
    patch = pytest.MonkeyPatch()
    config.add_cleanup(patch.undo)
    _ban_network(patch)
    if hasattr(config, "workerinput"):  # pytest-xdist: the folders are inherited
        return
    shared = Path(tempfile.mkdtemp(prefix="investorbench-tests-"))
    config.add_cleanup(lambda: shutil.rmtree(shared, ignore_errors=True))
    _move_home(patch, shared)
    for name in ("HF_HOME", "MPLCONFIGDIR"):  # read once a process, so one for all its tests
        patch.setenv(name, str(shared / name.lower()))
    patch.setenv("MPLBACKEND", "agg")
    patch.setenv("HF_HUB_DISABLE_TELEMETRY", "1")
    patch.setenv("INVESTORBENCH_TEST_DATA", str(DATA_FOLDER))
    patch.delenv("INVESTORBENCH_DATA", raising=False)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark what reads real data, directly or through another fixture."""
    for item in items:
        if "data_folder" in getattr(item, "fixturenames", ()):
            item.add_marker("real_data")


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    """Remember which tests of real data were skipped."""
    if report.skipped and "real_data" in report.keywords and not hasattr(report, "wasxfail"):
        _SKIPPED_FOR_DATA.append(report.nodeid)


@pytest.hookimpl(tryfirst=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    """Fail a session that skipped what it was required to run."""
    if DATA_IS_REQUIRED and _SKIPPED_FOR_DATA:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say why, where that happened."""
    if DATA_IS_REQUIRED and _SKIPPED_FOR_DATA:
        terminalreporter.section("real data is required, and these tests were skipped", red=True)
        for test in _SKIPPED_FOR_DATA:
            terminalreporter.line(test)


def _move_home(patch: pytest.MonkeyPatch, home: Path) -> None:
    patch.setenv("HOME", str(home))
    patch.setenv("USERPROFILE", str(home))
    for kind in ("CACHE", "CONFIG", "DATA", "STATE"):
        patch.setenv(f"XDG_{kind}_HOME", str(home / kind.lower()))


def _ban_network(patch: pytest.MonkeyPatch) -> None:
    """Let sockets reach this machine only."""
    connect, connect_ex = socket.socket.connect, socket.socket.connect_ex
    getaddrinfo = socket.getaddrinfo

    def refuse_elsewhere(host: object) -> None:
        if not _is_loopback(host):
            raise NetworkInTestError(
                f"a test tried to reach {host!r}; serve what it needs on 127.0.0.1"
            )

    def guarded_connect(self: socket.socket, address: object) -> None:
        if self.family in (socket.AF_INET, socket.AF_INET6):
            refuse_elsewhere(address[0])
        connect(self, address)

    def guarded_connect_ex(self: socket.socket, address: object) -> int:
        if self.family in (socket.AF_INET, socket.AF_INET6):
            refuse_elsewhere(address[0])
        return connect_ex(self, address)

    def guarded_getaddrinfo(host: object, *rest: object, **options: object) -> list[tuple]:
        refuse_elsewhere(host)
        return getaddrinfo(host, *rest, **options)

    patch.setattr(socket.socket, "connect", guarded_connect)
    patch.setattr(socket.socket, "connect_ex", guarded_connect_ex)
    patch.setattr(socket, "getaddrinfo", guarded_getaddrinfo)


def _is_loopback(host: object) -> bool:
    name = host.decode() if isinstance(host, bytes) else host
    if name in (None, "", "localhost", "0.0.0.0", "::", socket.gethostname()):
        return True
    try:
        return ipaddress.ip_address(str(name)).is_loopback
    except ValueError:
        return False
