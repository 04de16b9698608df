"""A pickle of plain data is read as it was written; of any other nothing is ever run."""

import io
import os
import pickle
import struct
import tracemalloc
from collections import OrderedDict, defaultdict
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from investorbench_env.errors import CorruptDataError
from investorbench_env.market.files.restricted_pickle import read_pickle

MEGABYTE = 1 << 20
PLAIN = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63 - 1)
    | st.floats(allow_nan=False)
    | st.text(st.characters(exclude_categories=["Cs"]))
    | st.dates()
    | st.datetimes(),
    lambda inner: (
        st.lists(inner)
        | st.tuples(inner, inner)
        | st.tuples(inner, inner, inner, inner)
        | st.dictionaries(st.text(st.characters(exclude_categories=["Cs"])) | st.dates(), inner)
    ),
    max_leaves=20,
)
DAY = {
    date(2024, 1, 2): {
        "price": {"TSLA": {"open": 250.08, "close": 248.42, "volume": 104654200}},
        "news": {"TSLA": ["One headline", "Another – with a dash"]},
        "filing_k": {},
        "filing_q": {"TSLA": "words " * 100},
    }
}


@given(value=PLAIN, protocol=st.integers(0, 5))
def test_plain_data_is_what_pickle_would_read(value: Any, protocol: int) -> None:
    assert read_pickle(pickle.dumps(value, protocol), "file") == value


@pytest.mark.parametrize("protocol", range(6))
def test_days_of_prices_news_and_filings_are_read_in_every_protocol(protocol: int) -> None:
    assert read_pickle(pickle.dumps(DAY, protocol), "file") == DAY


@pytest.mark.parametrize("protocol", range(6))
def test_numpys_numbers_are_numbers(protocol: int) -> None:
    numbers = [
        np.float64(1.5), np.float32(0.25), np.int64(-7), np.int32(7), np.uint8(255), np.bool_(True),
    ]  # fmt: skip

    read = read_pickle(pickle.dumps(numbers, protocol), "file")

    assert read == [1.5, 0.25, -7, 7, 255, True]
    assert {type(number) for number in read} == {float, int, bool}


def test_what_pickle_writes_in_batches_and_again_is_read() -> None:
    days = {f"key {n}": {"symbol": "TSLA", "close": float(n)} for n in range(3000)}
    rows = [list(days), days, days]

    assert read_pickle(pickle.dumps(rows), "file") == rows


def test_dicts_that_make_what_is_missing_or_keep_an_order_are_dicts() -> None:
    made: defaultdict[str, Any] = defaultdict(dict)
    made["a"] = OrderedDict(b=1)

    assert read_pickle(pickle.dumps(made), "file") == {"a": {"b": 1}}


class Calls:
    """An object that has pickle call something."""

    def __init__(self, *reduced: Any) -> None:
        self.reduced = reduced

    def __reduce__(self) -> Any:
        return self.reduced


class WithState:
    def __init__(self) -> None:
        self.state = 1


class WithPersistentIds(pickle.Pickler):
    def persistent_id(self, obj: Any) -> Any:
        return "elsewhere" if isinstance(obj, bytes) else None


def persistent(protocol: int) -> bytes:
    buffer = io.BytesIO()
    WithPersistentIds(buffer, protocol).dump([b"x"])
    return buffer.getvalue()


def doubled(times: int) -> list[Any]:
    """Lists of lists that are all the same one, written out 2 to the ``times``."""
    whole: list[Any] = ["x"]
    for _ in range(times):
        whole = [whole, whole]
    return whole


def nested(times: int) -> bytes:
    return b"\x80\x04" + b"]" * times + b"a" * (times - 1) + b"."


def itself() -> list[Any]:
    whole: list[Any] = []
    whole.append(whole)
    return whole


COMMAND = "touch $PICKLE_RAN"
"""What a hostile pickle would have run here."""


HOSTILE: dict[str, tuple[Callable[[], bytes], str]] = {
    "a command, protocol 0": (
        lambda: pickle.dumps(Calls(os.system, (COMMAND,)), 0),
        "asks for 'posix.system'",
    ),
    "a command, protocol 4": (
        lambda: pickle.dumps(Calls(os.system, (COMMAND,)), 4),
        "asks for 'posix.system'",
    ),
    "a command below a price": (
        lambda: pickle.dumps({date(2024, 1, 2): {"price": Calls(os.system, (COMMAND,))}}),
        "asks for 'posix.system'",
    ),
    "code to evaluate": (
        lambda: pickle.dumps(Calls(eval, (f"__import__('os').system({COMMAND!r})",))),
        "asks for 'builtins.eval'",
    ),
    "code to execute": (
        lambda: pickle.dumps(Calls(exec, ("import os",))),
        "asks for 'builtins.exec'",
    ),
    "a function": (lambda: pickle.dumps(os.path.join), "asks for 'posixpath.join'"),
    "a type": (lambda: pickle.dumps(dict), "builtins.dict, which is no plain data"),
    "a type that is called": (
        lambda: b"cbuiltins\nlist\n(]tR.",
        "calls a type",
    ),
    "an object with a state": (
        lambda: pickle.dumps(WithState()),
        r"asks for '\w*\.?test_restricted_pickle\.WithState'|asks for '.*WithState'",
    ),
    "a state for a date": (
        lambda: pickle.dumps(date(2024, 1, 2), 4)[:-1] + b"}b.",
        "sets the state of an object",
    ),
    "an instance by INST": (
        lambda: b"(S'" + COMMAND.encode() + b"'\nios\nsystem\n.",
        "the operation STRING|the operation INST",
    ),
    "an instance by INST without arguments": (lambda: b"(ios\nsystem\n.", "operation INST"),
    "an instance by OBJ": (
        lambda: b"(cos\nsystem\nS'x'\no.",
        "asks for 'os.system'",
    ),
    "an instance by NEWOBJ": (lambda: b"\x80\x02cdatetime\ndate\n)\x81.", "operation NEWOBJ"),
    "an instance by NEWOBJ_EX": (lambda: b"\x80\x04cdatetime\ndate\n)}\x92.", "NEWOBJ_EX"),
    "a code of the registry, short": (lambda: b"\x80\x02\x82\x01.", "operation EXT1"),
    "a code of the registry, long": (lambda: b"\x80\x02\x84\x01\0\0\0.", "operation EXT4"),
    "a persistent id, protocol 0": (lambda: persistent(0), "operation PERSID"),
    "a persistent id, protocol 4": (lambda: persistent(4), "operation BINPERSID"),
    "a buffer from outside": (
        lambda: pickle.dumps(pickle.PickleBuffer(b"x"), 5, buffer_callback=lambda _: False),
        "operation NEXT_BUFFER",
    ),
    "a dotted name": (
        lambda: b"\x80\x04\x8c\x08datetime\x8c\x0edate.__class__\x93.",
        r"asks for 'datetime\.date\.__class__'",
    ),
    "a name that is no text": (lambda: b"\x80\x04K\x01K\x02\x93.", r"asks for '1\.2'"),
    "lists doubled 60 times": (
        lambda: pickle.dumps(doubled(60)),
        "more than 32 deep|16 times its size",
    ),
    "lists doubled 30 times": (lambda: pickle.dumps(doubled(30)), "16 times its size"),
    "a long text used again": (
        lambda: pickle.dumps(["x" * 50_000] * 5000),
        "16 times its size",
    ),
    "a list in itself": (lambda: pickle.dumps(itself()), "a container that holds itself"),
    "lists in lists, a million deep": (lambda: nested(1_000_000), "objects wait"),
    "lists in lists, a thousand deep": (lambda: nested(1_000), "more than 32 deep"),
    "a million marks": (lambda: b"(" * 1_000_000, "objects wait"),
    "a frame of 1 GB": (
        lambda: b"\x80\x04\x95" + struct.pack("<Q", 1 << 30) + b"N.",
        "claims 1,073,741,824 bytes where 2 are left",
    ),
    "a frame of more than there is": (
        lambda: b"\x80\x04\x95" + b"\xff" * 8 + b"N.",
        "claims 18,446,744,073,709,551,615 bytes",
    ),
    "a text of 1 GB": (
        lambda: b"\x80\x04X" + struct.pack("<I", 1 << 30) + b"abc.",
        "claims 1,073,741,824 bytes where 4 are left",
    ),
    "bytes of 4 GB": (
        lambda: b"\x80\x04B" + b"\xff" * 4 + b"abc.",
        "claims 4,294,967,295 bytes",
    ),
    "a whole number of 1 GB": (
        lambda: b"\x80\x04\x8b" + struct.pack("<i", 1 << 30) + b"abc.",
        "operation LONG4",
    ),
    "a whole number of 255 bytes": (
        lambda: b"\x80\x04\x8a\xff" + b"\1" * 255 + b".",
        "a whole number of 255 bytes",
    ),
    "a number of a million digits": (lambda: b"I" + b"9" * 1_000_000 + b"\n.", "not a pickle"),
    "a thing remembered again and again": (
        lambda: b"\x80\x04N" + b"\x94" * 1_000_000 + b".",
        "remembers what was not made",
    ),
    "a thing that is not there": (lambda: b"\x80\x04h\x05.", "uses what it has not made"),
    "an empty stack": (lambda: b"\x80\x04a.", "not a pickle, or cut off"),
    "a key of a number": (lambda: pickle.dumps({1: 2}), "neither text nor date"),
    "a key twice": (lambda: b"(VA\nI1\nVA\nI2\nd.", "the key 'A' twice"),
    "a set": (lambda: pickle.dumps({"a"}), "operation EMPTY_SET"),
    "bytes": (lambda: pickle.dumps([b"raw"]), "bytes, which is no plain data"),
    "an array": (lambda: pickle.dumps(np.arange(3)), r"asks for 'numpy\.[\w.]*_reconstruct'"),
    "a moment with a zone": (lambda: pickle.dumps(datetime(2024, 1, 2, tzinfo=UTC)), "timezone"),
    "a date of no calendar": (
        lambda: pickle.dumps(date(2024, 1, 2), 4).replace(b"\x07\xe8\x01\x02", b"\x07\xe8\x0d\x02"),
        "month must be in",
    ),
    "another byte order": (
        lambda: pickle.dumps(np.float64(1.5), 2).replace(b"<", b">"),
        "byte order",
    ),
    "a pickle cut off": (lambda: pickle.dumps(DAY)[:-20], "claims|cut off"),
    "a pickle with more behind it": (lambda: pickle.dumps(DAY) + b"more", "4 bytes follow"),
    "nothing": (lambda: b"", "does not begin as a pickle"),
    "a web page": (lambda: b"<!doctype html><p>Sign in</p>", "does not begin as a pickle"),
    "a pointer to a file elsewhere": (
        lambda: b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 5\n",
        "does not begin as a pickle",
    ),
    "a text with a protocol": (lambda: b"\x80\x09N.", "a protocol that pickle does not have"),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_pickle_of_anything_else_is_refused_by_name_and_nothing_is_run_or_filled(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ran = tmp_path / "ran"
    monkeypatch.setenv("PICKLE_RAN", str(ran))
    make, reason = HOSTILE[name]
    content = make()
    tracemalloc.start()

    try:
        with pytest.raises(CorruptDataError, match=reason) as caught:
            read_pickle(content, "theirs.pkl")
        _, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert not ran.exists()
    assert str(caught.value).startswith("theirs.pkl: ")
    assert "\n" not in str(caught.value)
    assert most < 64 * MEGABYTE


@given(content=st.binary(max_size=200))
def test_any_bytes_are_plain_data_or_refused(content: bytes) -> None:
    with suppress(CorruptDataError):
        read_pickle(content, "file")


@given(at=st.integers(0, 10_000), byte=st.integers(0, 255), protocol=st.integers(0, 5))
def test_a_pickle_of_which_one_byte_is_another_is_plain_data_or_refused(
    at: int, byte: int, protocol: int
) -> None:
    content = bytearray(pickle.dumps(DAY, protocol))
    content[at % len(content)] = byte
    with suppress(CorruptDataError):
        read_pickle(bytes(content), "file")
