"""Pickles of plain data, read without ever running what stands in them.

The library's ``pickle`` calls whatever a file names. This reader has no way to call anything: it
knows the few operations of which dicts, lists, tuples, texts, numbers and dates are made, and
refuses every other by its name. Sizes that a file claims are held against what is there before
anything is made, and what an object would come to when it is written out against the file's size.
"""

import pickletools
import struct
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from investorbench_env.errors import CorruptDataError

MOST_BYTES = 1 << 30
"""Of a file; the whole of it is held in memory."""
MOST_WAITING = 1 << 17
"""Objects that wait to be put into another; pickle itself puts in a thousand at a time."""
MOST_NESTED = 32
"""Containers in containers."""
MOST_REPEATED = 16
"""What is written once and used again may come to so many times the file's size."""

_MARK = object()


@dataclass(frozen=True, slots=True)
class _Name:
    """Something outside of the file, by the name under which it is asked for."""

    text: str


@dataclass(slots=True)
class _NumberType:
    """NumPy's type of a number, which is read in two operations."""

    code: str
    order: str = "<"


def read_pickle(content: bytes, place: object) -> Any:
    """The plain data in a pickle.

    Args:
        content: the whole file.
        place: where it is from, for errors.

    Raises:
        CorruptDataError: it holds anything but plain data, or is cut off, or claims more than
            there is.
    """
    try:
        if len(content) > MOST_BYTES:
            raise _RefusedError(f"{len(content):,} bytes, of which at most {MOST_BYTES:,} are read")
        return _Reader(content).read()
    except _RefusedError as error:
        raise CorruptDataError(f"{place}: refused as a pickle of plain data: {error}") from None
    except (struct.error, IndexError, ValueError, OverflowError, KeyError, TypeError) as error:
        raise CorruptDataError(f"{place}: not a pickle, or cut off ({error})") from None


class _RefusedError(Exception):
    """What the file asks for and does not get."""


@dataclass(slots=True)
class _Reader:
    """The state of one reading.

    Attributes:
        content: the file.
        at: how much of it is read.
        stack: what waits to be put into something.
        memo: what can be used again, by number.
        comes_to: of each container its size written out, its depth, and whether it is in another.
    """

    content: bytes
    at: int = 0
    made: int = 0
    stack: list[Any] = field(default_factory=list)
    memo: dict[int, Any] = field(default_factory=dict)
    comes_to: dict[int, tuple[int, int, bool]] = field(default_factory=dict)
    kept: list[Any] = field(default_factory=list)

    def read(self) -> Any:
        """Read to the end of the pickle; what follows it is refused."""
        if not self.content or self.content[0] not in _KNOWN:
            raise _RefusedError("it does not begin as a pickle does")
        while (operation := self._byte()) != _STOP:
            known = _KNOWN.get(operation)
            if known is None:
                raise _RefusedError(f"it asks for {_named(operation)}")
            known(self)
            if len(self.stack) > MOST_WAITING:
                raise _RefusedError(f"more than {MOST_WAITING:,} objects wait to be put into one")
        if self.at != len(self.content):
            raise _RefusedError(f"{len(self.content) - self.at:,} bytes follow its end")
        (whole,) = self.stack
        self._weigh(whole)
        return whole

    def _byte(self) -> int:
        self.at += 1
        return self.content[self.at - 1]

    def _take(self, size: int) -> bytes:
        """The next bytes, if there are so many."""
        if not 0 <= size <= len(self.content) - self.at:
            rest = len(self.content) - self.at
            raise _RefusedError(f"it claims {size:,} bytes where {rest:,} are left")
        self.at += size
        return self.content[self.at - size : self.at]

    def _number(self, form: str) -> Any:
        return struct.unpack(form, self._take(struct.calcsize(form)))[0]

    def _line(self) -> bytes:
        end = self.content.index(b"\n", self.at, self.at + 1000)
        line = self.content[self.at : end]
        self.at = end + 1
        return line

    def _push(self, value: Any) -> None:
        self.stack.append(value)
        self.made += 1

    def _pop(self) -> Any:
        value = self.stack.pop()
        if value is _MARK:
            raise _RefusedError("an operation takes what is not there")
        return value

    def _since_mark(self) -> list[Any]:
        """What was pushed since the last mark, which goes."""
        for number in range(len(self.stack) - 1, -1, -1):
            if self.stack[number] is _MARK:
                items = self.stack[number + 1 :]
                del self.stack[number:]
                return items
        raise _RefusedError("an operation takes what is not there")

    # What a container comes to when all that it holds is written out.

    def _open(self, container: Any) -> None:
        """Push a new container, of which its size is known from now on."""
        self.comes_to[id(container)] = (1, 1, False)
        self.kept.append(container)
        self._push(container)

    def _weigh(self, value: Any) -> tuple[int, int]:
        """The size and depth of something that is put into something else."""
        if isinstance(value, list | dict | tuple):
            if id(value) not in self.comes_to:
                raise _RefusedError("it holds the arguments of a call, which are no plain data")
            size, depth, _ = self.comes_to[id(value)]
            self.comes_to[id(value)] = size, depth, True
            return size, depth
        if isinstance(value, str):
            return 1 + len(value), 0
        if isinstance(value, _Name | _NumberType | bytes) or value is _MARK:
            what = value.text if isinstance(value, _Name) else type(value).__name__.strip("_")
            raise _RefusedError(f"it holds {what}, which is no plain data")
        return 1, 0

    def _fill(self, container: Any, items: list[Any]) -> None:
        """Count what is put into a container."""
        if not isinstance(container, list | dict | tuple):
            raise _RefusedError("it puts items into what holds none")
        size, depth, _ = self.comes_to[id(container)]
        for item in items:
            more, below = self._weigh(item)
            size, depth = size + more, max(depth, below + 1)
        if self.comes_to[id(container)][2]:
            # Pickle fills a container before it puts it into another, except into itself.
            raise _RefusedError("a container that holds itself")
        if depth > MOST_NESTED:
            raise _RefusedError(f"containers in containers, more than {MOST_NESTED} deep")
        if size > MOST_REPEATED * len(self.content):
            raise _RefusedError(
                f"written out it would come to more than {MOST_REPEATED} times its size"
            )
        self.comes_to[id(container)] = size, depth, False

    def _make_tuple(self, items: list[Any]) -> None:
        whole = tuple(items)
        if all(type(item) in _PLAIN for item in items):
            self.comes_to[id(whole)] = (1, 1, False)
            self.kept.append(whole)
            self._fill(whole, items)
        self._push(whole)

    def _extend(self, items: list[Any]) -> None:
        target = self.stack[-1]
        if not isinstance(target, list):
            raise _RefusedError("it appends to what is no list")
        self._fill(target, items)
        target.extend(items)

    def _update(self, items: list[Any]) -> None:
        target = self.stack[-1]
        if not isinstance(target, dict):
            raise _RefusedError("it sets an item of what is no dict")
        if len(items) % 2:
            raise _RefusedError("a key without a value")
        self._fill(target, items)
        for key, value in zip(items[::2], items[1::2], strict=True):
            if not isinstance(key, str | date):
                raise _RefusedError(f"a key that is neither text nor date ({key!r:.40})")
            if key in target:
                raise _RefusedError(f"the key {str(key)!r:.40} twice")
            target[key] = value

    # What may be asked for by name: how plain data write bytes, dates and NumPy's numbers.

    def _reduce(self) -> None:
        arguments, function = self._pop(), self._pop()
        if not isinstance(function, _Name) or not isinstance(arguments, tuple):
            raise _RefusedError("it calls what is no name")
        value = _MADE[function.text](*arguments)
        if isinstance(value, dict):
            self._open(value)
        else:
            self._push(value)

    def _build(self) -> None:
        state, target = self._pop(), self.stack[-1]
        if not isinstance(target, _NumberType) or not isinstance(state, tuple):
            raise _RefusedError("it sets the state of an object")
        if len(state) < 2 or state[1] not in ("<", "|"):
            raise _RefusedError(f"numbers in the byte order {state[1:2]!r:.20}")
        target.order = state[1]

    def _ask_for(self, module: Any, name: Any) -> None:
        full = f"{module}.{name}"
        if full not in _MADE:
            raise _RefusedError(f"it asks for {full[:80]!r}")
        self._push(_Name(full))

    def _remember(self, number: int) -> None:
        value = self.stack[-1]
        if value is _MARK or len(self.memo) >= self.made:
            raise _RefusedError("it remembers what was not made")
        self.memo[number] = value

    def _again(self, number: int) -> None:
        if number not in self.memo:
            raise _RefusedError("it uses what it has not made")
        self._push(self.memo[number])


def _named(operation: int) -> str:
    names = {ord(known.code): known.name for known in pickletools.opcodes}
    if operation in names:
        return f"the operation {names[operation]}"
    return f"an operation {operation:#x} of no pickle"


def _date(*state: Any) -> date:
    """A date, from the four bytes or three numbers that pickle writes."""
    if len(state) == 1 and isinstance(state[0], bytes) and len(state[0]) == 4:
        high, low, month, day = state[0]
        return date(high * 256 + low, month, day)
    if len(state) == 3 and all(type(part) is int for part in state):
        return date(*state)
    raise _RefusedError(f"a date of {len(state)} parts that make none")


def _datetime(*state: Any) -> datetime:
    """A moment without a zone, from the ten bytes that pickle writes."""
    if len(state) != 1 or not isinstance(state[0], bytes) or len(state[0]) != 10:
        raise _RefusedError("a moment with a zone, or of parts that make none")
    high, low, month, day, hour, minute, second, *micro = state[0]
    fold, month = divmod(month, 128)
    year, microsecond = high * 256 + low, int.from_bytes(bytes(micro), "big")
    return datetime(year, month, day, hour, minute, second, microsecond, fold=fold)


def _number_type(code: Any, *_: Any) -> _NumberType:
    if code not in _NUMBERS:
        raise _RefusedError(f"NumPy's type {code!r:.20}")
    return _NumberType(code)


def _number_of_type(kind: Any, content: Any = b"") -> Any:
    if not isinstance(kind, _NumberType) or not isinstance(content, bytes):
        raise _RefusedError("a number without a type")
    (number,) = struct.unpack(f"<{_NUMBERS[kind.code]}", content)
    return number


def _bytes_of(text: Any, encoding: Any) -> bytes:
    """How the older protocols write bytes."""
    if not isinstance(text, str) or encoding != "latin1":
        raise _RefusedError(f"bytes in the encoding {encoding!r:.20}")
    return text.encode("latin1")


def _dict(*_: Any) -> dict[Any, Any]:
    """An empty dict, in place of one that makes what is missing or keeps an order."""
    return {}


def _never(*_: Any) -> Any:
    raise _RefusedError("it calls a type")


_NUMBERS = {
    "f8": "d", "f4": "f", "f2": "e", "i8": "q", "i4": "i", "i2": "h", "i1": "b",
    "u8": "Q", "u4": "I", "u2": "H", "u1": "B", "b1": "?",
}  # fmt: skip
_MADE: dict[str, Callable[..., Any]] = {
    "datetime.date": _date,
    "datetime.datetime": _datetime,
    "numpy.dtype": _number_type,
    "numpy.core.multiarray.scalar": _number_of_type,
    "numpy._core.multiarray.scalar": _number_of_type,
    "_codecs.encode": _bytes_of,
    "collections.OrderedDict": _dict,
    "collections.defaultdict": _dict,
    "builtins.dict": _never,
    "builtins.list": _never,
}
_PLAIN = frozenset({dict, list, tuple, str, int, float, bool, type(None), date, datetime})
_STOP = ord(".")


def _text(size: str) -> Callable[[_Reader], None]:
    def read(reader: _Reader) -> None:
        content = reader._take(reader._number(size))
        reader._push(content.decode("utf-8", errors="replace"))

    return read


def _raw(size: str) -> Callable[[_Reader], None]:
    def read(reader: _Reader) -> None:
        reader._push(reader._take(reader._number(size)))

    return read


def _plain(form: str) -> Callable[[_Reader], None]:
    return lambda reader: reader._push(reader._number(form))


def _constant(value: Any) -> Callable[[_Reader], None]:
    return lambda reader: reader._push(value)


def _whole_number(reader: _Reader) -> None:
    """A whole number of at most 64 bits."""
    size = reader._byte()
    if size > 9:
        raise _RefusedError(f"a whole number of {size} bytes")
    reader._push(int.from_bytes(reader._take(size), "little", signed=True))


def _written_number(reader: _Reader) -> None:
    """A whole number or truth in digits, as the oldest protocol writes them."""
    line = reader._line()
    truth = {b"00": False, b"01": True}
    reader._push(truth[line] if line in truth else int(line.removesuffix(b"L")))


def _written_text(reader: _Reader) -> None:
    end = reader.content.index(b"\n", reader.at)
    reader._push(reader._take(end - reader.at).decode("raw-unicode-escape", errors="replace"))
    reader.at += 1


def _frame(reader: _Reader) -> None:
    size = reader._number("<Q")
    if size > len(reader.content) - reader.at:
        rest = len(reader.content) - reader.at
        raise _RefusedError(f"it claims {size:,} bytes where {rest:,} are left")


def _protocol(reader: _Reader) -> None:
    if reader.at != 1 or reader._byte() > 5:
        raise _RefusedError("a protocol that pickle does not have")


def _tuple_of(number: int) -> Callable[[_Reader], None]:
    def make(reader: _Reader) -> None:
        items = [reader._pop() for _ in range(number)]
        reader._make_tuple(items[::-1])

    return make


def _list_since_mark(reader: _Reader) -> None:
    items = reader._since_mark()
    reader._open([])
    reader._extend(items)


def _dict_since_mark(reader: _Reader) -> None:
    items = reader._since_mark()
    reader._open({})
    reader._update(items)


def _append(reader: _Reader) -> None:
    item = reader._pop()
    reader._extend([item])


def _set_item(reader: _Reader) -> None:
    value, key = reader._pop(), reader._pop()
    reader._update([key, value])


def _global(reader: _Reader) -> None:
    module, name = (reader._line().decode("utf-8", errors="replace") for _ in range(2))
    reader._ask_for(module, name)


def _stack_global(reader: _Reader) -> None:
    name, module = reader._pop(), reader._pop()
    reader._ask_for(module, name)


def _mark(reader: _Reader) -> None:
    reader.stack.append(_MARK)


_KNOWN: dict[int, Callable[[_Reader], None]] = {
    ord(code): operation
    for code, operation in {
        "\x80": _protocol,
        "\x95": _frame,
        "(": _mark,
        "N": _constant(None),
        "\x88": _constant(True),
        "\x89": _constant(False),
        "I": _written_number,
        "L": _written_number,
        "F": lambda reader: reader._push(float(reader._line())),
        "J": _plain("<i"),
        "K": _plain("<B"),
        "M": _plain("<H"),
        "\x8a": _whole_number,
        "G": _plain(">d"),
        "V": _written_text,
        "X": _text("<I"),
        "\x8c": _text("<B"),
        "\x8d": _text("<Q"),
        "C": _raw("<B"),
        "B": _raw("<I"),
        "]": lambda reader: reader._open([]),
        "a": _append,
        "e": lambda reader: reader._extend(reader._since_mark()),
        "l": _list_since_mark,
        "}": lambda reader: reader._open({}),
        "s": _set_item,
        "u": lambda reader: reader._update(reader._since_mark()),
        "d": _dict_since_mark,
        ")": _tuple_of(0),
        "\x85": _tuple_of(1),
        "\x86": _tuple_of(2),
        "\x87": _tuple_of(3),
        "t": lambda reader: reader._make_tuple(reader._since_mark()),
        "\x94": lambda reader: reader._remember(len(reader.memo)),
        "q": lambda reader: reader._remember(reader._byte()),
        "r": lambda reader: reader._remember(reader._number("<I")),
        "p": lambda reader: reader._remember(int(reader._line())),
        "h": lambda reader: reader._again(reader._byte()),
        "j": lambda reader: reader._again(reader._number("<I")),
        "g": lambda reader: reader._again(int(reader._line())),
        "c": _global,
        "\x93": _stack_global,
        "R": lambda reader: reader._reduce(),
        "b": lambda reader: reader._build(),
    }.items()
}
