"""Inside the market, each room imports only rooms above it."""

import ast
from collections.abc import Iterator
from pathlib import Path

MARKET = Path(__file__).resolve().parents[2] / "investorbench_env" / "market"
PREFIX = "investorbench_env.market."
ROOMS = (
    "asset_classes", "sessions", "intervals", "documents", "release_rules", "market", "bar_rows",
    "searching", "past", "pasts", "history", "joint_prices", "joint_history", "joining", "filings",
    "files", "simulated", "sources", "library",
)  # fmt: skip
"""From top to bottom; a folder is a room."""


def test_each_room_imports_only_rooms_above_it() -> None:
    assert {path.stem for path in MARKET.iterdir() if path.stem[0] not in "._"} == set(ROOMS)
    assert list(wrong(MARKET)) == []


def test_an_import_of_a_room_below_is_found(tmp_path: Path) -> None:
    (tmp_path / "sessions.py").write_text(f"def f():\n    from {PREFIX}market import Market\n")
    (tmp_path / "files").mkdir()
    (tmp_path / "files" / "tidy.py").write_text(f"from {PREFIX}sources import http\n")
    assert list(wrong(tmp_path)) == ["sessions.py imports market", "files/tidy.py imports sources"]


def wrong(folder: Path) -> Iterator[str]:
    """Imports of the same room's neighbours are its own affair; those of a lower one are not."""
    for path in sorted(folder.rglob("*.py"), key=lambda path: ROOMS.index(room_of(path, folder))):
        room = room_of(path, folder)
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.ImportFrom) and f"{node.module}.".startswith(PREFIX):
                names = [alias.name for alias in node.names]
                given = f"{node.module}.".removeprefix(PREFIX).rstrip(".").split(".")[0]
                for other in [given] if given else names:
                    if other in ROOMS and ROOMS.index(other) > ROOMS.index(room):
                        yield f"{path.relative_to(folder).as_posix()} imports {other}"


def room_of(path: Path, folder: Path) -> str:
    """The module, or the folder, that a file belongs to."""
    name = path.relative_to(folder).parts[0].removesuffix(".py")
    return ROOMS[-1] if name == "__init__" else name
