"""`investorbench view`: ports, what it refuses, and how the page is reached."""

import socket
from pathlib import Path

import pytest

from investorbench.scripts import view
from investorbench.scripts.main import main
from investorbench.tasks.view import ViewServer
from investorbench_env.errors import InvestorBenchError
from tests.view.following import Asking

pytest.importorskip("starlette")
pytest.importorskip("plotly")


def test_a_used_port_is_one_error_and_a_port_is_free_afterwards(
    run: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        with pytest.raises(SystemExit) as ended:
            main(["view", str(run), "--port", str(port)])
        assert ended.value.code == 1
    assert f"port {port} of 127.0.0.1 cannot be had" in capsys.readouterr().err
    with ViewServer([run], port) as server:
        assert server.port == port
    with ViewServer([run], port) as server:
        assert Asking(server).get("live").status_code == 200


def test_what_cannot_be_viewed_is_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["view", str(tmp_path / "nowhere")])
    assert ended.value.code == 1
    assert capsys.readouterr().err.startswith("error: there is no folder")


def test_a_server_without_its_extra_names_it(run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import sys

    for name in ("starlette", "starlette.requests"):
        monkeypatch.setitem(sys.modules, name, None)
    monkeypatch.delitem(sys.modules, "investorbench.tasks.view.app", raising=False)
    with pytest.raises(InvestorBenchError, match=r"investorbench\[view\]"):
        ViewServer([run]).__enter__()


def test_who_sits_elsewhere_reads_how_to_get_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SSH_CONNECTION", raising=False)
    assert view.tunnel_to(8123) == ""
    monkeypatch.setenv("SSH_CONNECTION", "192.0.2.7 51000 192.0.2.1 22")
    monkeypatch.setenv("USER", "ann")
    assert "ssh -N -L 8123:127.0.0.1:8123 ann@192.0.2.1," in view.tunnel_to(8123)
    assert not view.has_screen()


def test_the_command_line_of_a_browser_has_no_token_in_it() -> None:
    address = "http://127.0.0.1:8123/token/"
    with view.leading_to(address) as page:
        assert "token" not in page.as_uri() and address in page.read_text()
        assert page.parent.stat().st_mode & 0o077 == 0
    assert not page.exists()
