"""Profiles: the constants that make one memory behave unlike another, as data.

Nothing elsewhere in this package asks for a profile's name: whatever sets two of them apart,
published defects included, is a field.
"""

from collections.abc import Callable, Mapping
from dataclasses import MISSING, asdict, dataclass, field, fields
from hashlib import blake2b
from typing import Any, Literal, TypeVar, get_type_hints

from investorbench.memory.errors import InvalidInputError, UnknownSettingError

T = TypeVar("T")
Chances = tuple[tuple[float, float], ...]
"""Pairs (value, probability)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Layer:
    """The constants of one layer.

    Attributes:
        name: what callers call it.
        stability_steps: Q of the recency r = exp(−δ/Q).
        decay: α, by which importance is multiplied each step.
        initial: the importance of a new memory, drawn with these probabilities.
        up_at: a memory at least this important moves to the next layer; None: never.
        down_below: a memory less important than this moves to the layer before; None: never.
        skip_at: a text whose cosine to a memory of this layer is at least this is not added again.
    """

    name: str
    stability_steps: float
    decay: float
    initial: Chances
    up_at: float | None = None
    down_below: float | None = None
    skip_at: float | None = None

    def draw(self, seed: int, memory_id: int) -> float:
        """The initial importance of this memory: the same in every process and after any restart.

        It depends on nothing but the arguments, so a memory that is added again after a kill
        is as important as it was.
        """
        if len(self.initial) == 1:
            return self.initial[0][0]
        digest = blake2b(f"{seed}:{memory_id}".encode(), digest_size=8).digest()
        chance = int.from_bytes(digest, "big") / 2**64
        for value, probability in self.initial:
            chance -= probability
            if chance < 0:
                return value
        return self.initial[-1][0]


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """The constants of a whole memory.

    Attributes:
        name: what results and configuration call it.
        layers: shallowest first; moving up is to the next one, moving down to the one before.
        boost: what feedback f = ±1 adds to importance: f·boost, or, where feedback is counted,
            c·boost after c += f.
        counts_feedback: feedback accumulates in a counter c of each memory.
        forget_recency: a memory of less recency than this is deleted.
        forget_importance: a memory of less importance than this is deleted.
        passes: how often a step goes through all movements between layers.
        retrieved: memories recalled from each layer, unless a call says otherwise.
        candidates: which memories are ranked: ``"all"``, or, the published defect of FinMem, the k
            of highest cosine and the k of *lowest* recency + importance.
        reflections: the layer that an agent's own conclusions belong in.
    """

    name: str
    layers: tuple[Layer, ...]
    boost: float
    counts_feedback: bool = False
    forget_recency: float = 0.05
    forget_importance: float = 5.0
    passes: int = 2
    retrieved: int = 5
    candidates: Literal["all", "nearest_and_weakest"] = "all"
    reflections: str = "reflection"
    names: tuple[str, ...] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "names", tuple(layer.name for layer in self.layers))
        if not self.layers or len(set(self.names)) < len(self.names):
            raise InvalidInputError(f"layers need names of their own, not {self.names}")
        if self.layers[0].down_below is not None or self.layers[-1].up_at is not None:
            raise InvalidInputError("the first layer has none below it, and the last none above it")
        if self.candidates not in ("all", "nearest_and_weakest"):
            raise UnknownSettingError("candidates", self.candidates, ["all", "nearest_and_weakest"])
        if self.reflections not in self.names:
            raise UnknownSettingError("layer", self.reflections, self.names)

    def index(self, layer: str) -> int:
        """The place of a layer in `layers`.

        Raises:
            UnknownSettingError: there is none of that name.
        """
        if layer not in self.names:
            raise UnknownSettingError("layer", layer, self.names)
        return self.names.index(layer)

    def place(self, layer: str) -> str:
        """Where to file what belongs in a layer: there, or without such a layer in the deepest."""
        return layer if layer in self.names else self.names[-1]

    def record(self) -> dict[str, Any]:
        """Every constant, as plain JSON values, for archives and manifests."""
        constants = asdict(self)
        del constants["names"]
        for layer in constants["layers"]:
            layer["initial"] = [list(pair) for pair in layer["initial"]]
        return {**constants, "layers": list(constants["layers"])}


def _certain(value: float) -> Chances:
    return ((value, 1.0),)


LAYERED = Profile(
    name="layered",
    boost=18.0,
    layers=(
        Layer(name="short", stability_steps=14, decay=0.92, initial=_certain(50), up_at=60),
        Layer(
            name="mid", stability_steps=90, decay=0.992, initial=_certain(60),
            up_at=85, down_below=35,
        ),
        Layer(
            name="long", stability_steps=365, decay=0.996, initial=_certain(90), down_below=30
        ),
        Layer(
            name="reflection", stability_steps=365, decay=0.99, initial=_certain(80), skip_at=0.95
        ),
    ),
)  # fmt: skip
"""Our default: a quarterly report survives its quarter and an annual one its year."""

INVESTORBENCH = Profile(
    name="investorbench",
    boost=18.0,
    layers=(
        Layer(name="short", stability_steps=3, decay=0.92, initial=_certain(50), up_at=55),
        Layer(
            name="mid", stability_steps=90, decay=0.96, initial=_certain(60),
            up_at=85, down_below=55,
        ),
        Layer(
            name="long", stability_steps=365, decay=0.96, initial=_certain(90), down_below=85
        ),
        Layer(
            name="reflection", stability_steps=365, decay=0.98, initial=_certain(80), skip_at=0.95
        ),
    ),
)  # fmt: skip
"""The constants of the released InvestorBench code: a 10-K is gone after 14 steps."""

_DEEP: Chances = ((40, 0.05), (60, 0.15), (80, 0.8))

FINMEM = Profile(
    name="finmem",
    boost=5.0,
    counts_feedback=True,
    retrieved=3,
    candidates="nearest_and_weakest",
    layers=(
        Layer(
            name="short", stability_steps=3, decay=0.92,
            initial=((50, 0.5), (70, 0.45), (90, 0.05)), up_at=60,
        ),
        Layer(
            name="mid", stability_steps=90, decay=0.967,
            initial=((40, 0.05), (60, 0.8), (80, 0.15)), up_at=80, down_below=60,
        ),
        Layer(name="long", stability_steps=365, decay=0.988, initial=_DEEP, down_below=80),
        Layer(name="reflection", stability_steps=365, decay=0.988, initial=_DEEP),
    ),
)  # fmt: skip
"""The released FinMem code, with its defect in choosing candidates."""

PAPER = Profile(
    name="paper",
    boost=5.0,
    reflections="long",
    layers=(
        Layer(
            name="short", stability_steps=14, decay=0.9,
            initial=((40, 0.8), (60, 0.15), (80, 0.05)),
        ),
        Layer(
            name="mid", stability_steps=90, decay=0.967,
            initial=((40, 0.05), (60, 0.8), (80, 0.15)),
        ),
        Layer(name="long", stability_steps=365, decay=0.988, initial=_DEEP),
    ),
)  # fmt: skip
"""The appendix of the paper: three layers, in which a memory stays where it was put.

It leaves open how many are retrieved (K), and has no layer for reflections: they go to the deepest.
"""

SINGLE = Profile(
    name="single",
    boost=18.0,
    retrieved=20,
    reflections="all",
    layers=(Layer(name="all", stability_steps=90, decay=0.992, initial=_certain(60)),),
)
"""An ablation: one layer for everything, with the constants of the mid layer of `LAYERED`.

As many memories are recalled as `LAYERED` recalls from its four layers together.
"""

OFF = Profile(
    name="off",
    boost=18.0,
    retrieved=20,
    reflections="today",
    forget_recency=1.0,
    layers=(Layer(name="today", stability_steps=14, decay=0.92, initial=_certain(50)),),
)
"""An ablation: no memory. What comes in a step can be recalled in it, and is gone at its end."""

PROFILES: dict[str, Profile] = {
    profile.name: profile for profile in (LAYERED, INVESTORBENCH, FINMEM, PAPER, SINGLE, OFF)
}


def find_profile(profile: "str | Profile | Mapping[str, Any]") -> Profile:
    """A profile by its name, or from its constants.

    Raises:
        UnknownSettingError: there is none of that name, or no such constant.
        InvalidInputError: a constant is missing or of the wrong kind.
    """
    if isinstance(profile, Profile):
        return profile
    if isinstance(profile, Mapping):
        return profile_of(profile)
    if profile not in PROFILES:
        raise UnknownSettingError("profile", profile, PROFILES)
    return PROFILES[profile]


def profile_of(constants: Mapping[str, Any]) -> Profile:
    """A profile from plain values, as :meth:`Profile.record` gives them and a file holds them.

    ``initial`` of a layer may be a number, which is then certain.

    Raises:
        UnknownSettingError: there is no such constant.
        InvalidInputError: a constant is missing or of the wrong kind.
    """
    where = f"profile {constants.get('name', '?')}"
    layers = constants.get("layers")
    if not isinstance(layers, list | tuple) or not all(isinstance(row, Mapping) for row in layers):
        raise InvalidInputError(f"{where}: layers={layers!r} should be a list of layers")
    made = tuple(
        _read(Layer, {**row, "initial": _chances(row, where)}, f"layer {row.get('name', '?')}")
        for row in layers
    )
    return _read(Profile, {**constants, "layers": made}, where)


def _chances(layer: Mapping[str, Any], where: str) -> Chances:
    initial: Any = layer.get("initial")
    if _is_number(initial):
        return _certain(initial)
    pairs: Any = initial if isinstance(initial, list | tuple) and initial else [None]
    for pair in pairs:
        if not isinstance(pair, list | tuple) or len(pair) != 2 or not all(map(_is_number, pair)):
            raise InvalidInputError(
                f"{where}, layer {layer.get('name', '?')}: initial={initial!r} should be a number, "
                "or a list of pairs [importance, probability]"
            )
    return tuple((float(value), float(chance)) for value, chance in pairs)


def _read(kind: type[T], constants: Mapping[str, Any], where: str) -> T:
    """A layer or a profile, each constant checked against its annotation."""
    hints = get_type_hints(kind)
    known = {each.name: each for each in fields(kind) if each.init}  # type: ignore[arg-type]
    for name, value in constants.items():
        if name not in known:
            raise UnknownSettingError(f"constant of {where}", name, known)
        if hints[name] in _CHECKS:
            is_right, wanted = _CHECKS[hints[name]]
            if not is_right(value):
                raise InvalidInputError(f"{where}: {name}={value!r} should be {wanted}")
    lacking = [n for n, each in known.items() if each.default is MISSING and n not in constants]
    if lacking:
        raise InvalidInputError(f"{where} lacks {', '.join(lacking)}")
    return kind(**constants)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


_CHECKS: dict[Any, tuple[Callable[[Any], bool], str]] = {
    float: (_is_number, "a number"),
    float | None: (lambda value: value is None or _is_number(value), "a number, or nothing"),
    int: (lambda value: _is_number(value) and isinstance(value, int), "a whole number"),
    bool: (lambda value: isinstance(value, bool), "true or false"),
    str: (lambda value: isinstance(value, str) and value != "", "a name"),
}
