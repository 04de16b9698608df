"""The house within: no room of a package, a module or a folder, needs what needs it."""

import ast
from collections.abc import Iterator
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

from tests.test_project import ROOT

PACKAGES = {
    "investorbench_env": "investorbench_env",
    "memory": "investorbench.memory",
    "agents": "investorbench.agents",
    "tasks": "investorbench.tasks",
    "scripts": "investorbench.scripts",
}
FOLDERS = sorted(
    {path.parent for package in PACKAGES for path in (ROOT / package).rglob("*.py")},
    key=Path.as_posix,
)


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: str(folder.relative_to(ROOT)))
def test_no_rooms_of_a_folder_import_each_other(folder: Path) -> None:
    package, *inner = folder.relative_to(ROOT).parts
    assert circle_in(folder, ".".join([PACKAGES[package], *inner])) is None


def test_a_circle_is_found_though_an_import_stands_in_a_function(tmp_path: Path) -> None:
    (tmp_path / "one.py").write_text("from package import two\n")
    (tmp_path / "two").mkdir()
    (tmp_path / "two" / "part.py").write_text("def f():\n    import package.one.thing\n")
    assert sorted(set(circle_in(tmp_path, "package") or ())) == ["one", "two"]


def test_an_import_for_types_alone_makes_no_circle(tmp_path: Path) -> None:
    (tmp_path / "one.py").write_text("from package.two import Two\n")
    (tmp_path / "two.py").write_text("if TYPE_CHECKING:\n    from package.one import One\n")
    assert circle_in(tmp_path, "package") is None


def circle_in(folder: Path, name: str) -> list[str] | None:
    """Rooms that import each other in a circle; None where there is none."""
    rooms = {path.stem for path in folder.iterdir() if path.is_dir() or path.suffix == ".py"}
    imports: dict[str, set[str]] = {}
    for path in folder.rglob("*.py"):
        room = path.relative_to(folder).parts[0].removesuffix(".py")
        found = {module[len(name) + 1 :].split(".")[0] for module in modules(path, name)}
        if room != "__init__":  # which shows the package to others, and so imports all of it
            imports.setdefault(room, set()).update(found & rooms - {room})
    try:
        TopologicalSorter(imports).prepare()
    except CycleError as error:
        circle: list[str] = error.args[1]
        return circle
    return None


def modules(path: Path, package: str) -> Iterator[str]:
    """What a file imports of a package, types apart."""
    for node in walk(ast.parse(path.read_text())):
        match node:
            case ast.Import(names=names):
                found = [alias.name for alias in names]
            case ast.ImportFrom(module=str(module), names=names, level=0):
                found = [f"{module}.{alias.name}" for alias in names]
            case _:
                continue
        yield from (each for each in found if each.startswith(f"{package}."))


def walk(node: ast.AST) -> Iterator[ast.AST]:
    """Every node below one, but for what is there for a type checker alone."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.If) and "TYPE_CHECKING" in ast.unparse(child.test):
            continue
        yield child
        yield from walk(child)
