"""An address as ``folder=``: in quotes or not, with signs that Hydra reads as its own."""

import socket

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from investorbench.scripts.composing import composed, quoted, unquoted
from investorbench.scripts.on_ray import _in_a_line, _require_listener
from investorbench.scripts.run import planning
from investorbench_env.errors import InvestorBenchError

TEXTS = st.text(st.sampled_from("ab/=,.:'\" \\(){}[]é$@#*~+-"), min_size=1, max_size=12)


@settings(max_examples=100, deadline=None)
@given(text=TEXTS)
def test_a_text_in_quotes_is_read_as_it_was(text: str) -> None:
    assert unquoted(quoted(text)) == text


def test_a_folder_in_quotes_is_what_a_run_gets() -> None:
    text = "runs/s3/bucket/date=2026-11-29/a b, é (1)"
    found = composed(["agent=momentum", f"folder={quoted(text)}"])
    assert found is not None and found[0].config.folder == text


@pytest.mark.parametrize(
    "folder", ["s3://bucket/x", "'s3://bucket/date=1'", '"s3://bucket/a,b"', "S3://bucket/x"]
)
def test_an_address_is_no_folder_of_this_machine_however_it_is_written(folder: str) -> None:
    with (
        pytest.raises(InvestorBenchError, match=r"folder=s3://bucket/.* is for launcher=ray"),
        planning(["agent=momentum", f"folder={folder}"]),
    ):
        raise AssertionError


def test_versions_that_do_not_match_are_said_in_a_line() -> None:
    error = RuntimeError(
        "Version mismatch: The cluster was started with:\n    Ray: 2.1\n    Python: 3.11\n"
        "This process on 10.0.0.1 was started with:\n    Ray: 2.2\n    Python: 3.12\n"
    )
    said = _in_a_line(error)
    assert "\n" not in said
    assert "started with: Ray: 2.1 Python: 3.11 This process on 10.0.0.1 was started" in said
    assert _in_a_line(ConnectionError("No cluster.\nMore.")) == "ConnectionError: No cluster."


@pytest.mark.parametrize("address", ["127.0.0.1:{}", "ray://127.0.0.1:{}", "localhost:{}"])
def test_a_cluster_at_which_nothing_listens_is_refused_at_once(address: str) -> None:
    with socket.socket() as bound:  # and so nobody else listens there
        bound.bind(("127.0.0.1", 0))
        place = address.format(bound.getsockname()[1])
        with pytest.raises(OSError, match="refused"):
            _require_listener(place)
        bound.listen()
        _require_listener(place.replace("localhost", "127.0.0.1"))
    _require_listener("auto")  # for Ray to find
