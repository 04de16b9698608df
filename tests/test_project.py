"""The house: who imports whom, what an import costs, what a wheel holds, what is committed."""

import ast
import re
import shutil
import subprocess
import sys
import tarfile
import tomllib
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent

# A package imports those named here and itself; scripts and tests wire everything together.
MAY_IMPORT = {
    "investorbench_env": set(),
    "investorbench": {"agents", "memory", "tasks", "scripts"},
    "memory": set(),
    "agents": {"investorbench_env", "memory"},
    "tasks": {"investorbench_env", "agents"},
    "scripts": {"investorbench_env", "memory", "agents", "tasks"},
}
PACKAGES = [name for name in MAY_IMPORT if not name.startswith("investorbench")]
# What may be imported as these packages are imported; anything else belongs inside a function.
AT_IMPORT = {"investorbench_env": {"gymnasium", "numpy"}, "memory": {"numpy"}}
# What exists for one package alone, and is imported by those who have it.
ADAPTERS = {"investorbench_env/wrappers/stable_baselines.py": "stable_baselines3"}

# Written in two parts so that this file may be searched as well.
REGISTRY_HOSTS = [
    "pypi" + ".org",
    "python" + "hosted.org",
    "download.pytorch" + ".org",
    "npmjs" + ".org",
    "deb.debian" + ".org",
]
DATA_SUFFIXES = {
    ".arrow", ".csv", ".db", ".feather", ".gz", ".h5", ".hdf5",
    ".npy", ".npz", ".parquet", ".pkl", ".sqlite", ".whl", ".zip",
}  # fmt: skip
LARGEST_FILE_BYTES = 1 << 20


def test_each_package_imports_only_packages_above_it() -> None:
    assert list(wrong_directions(ROOT)) == []


def test_the_environment_and_memory_import_only_light_packages_at_import() -> None:
    assert list(heavy_imports(ROOT)) == []


@pytest.mark.parametrize(
    ("package", "line"),
    [
        ("investorbench_env", "import investorbench.tasks.metrics"),
        ("investorbench_env", "def f():\n    from investorbench.agents import Agent"),
        ("memory", "import investorbench_env"),
        ("agents", "from investorbench.tasks import evaluate"),
        ("agents", "from investorbench import tasks"),
        ("tasks", "import importlib; importlib.import_module('investorbench.scripts.main')"),
        ("tasks", "from investorbench.memory import LayeredMemory"),
    ],
)
def test_an_import_in_the_wrong_direction_is_found(tmp_path: Path, package: str, line: str) -> None:
    (tmp_path / package).mkdir()
    (tmp_path / package / "planted.py").write_text(line)
    assert len(list(wrong_directions(tmp_path))) == 1


def test_a_heavy_import_is_found_unless_in_a_function_or_for_types(tmp_path: Path) -> None:
    (tmp_path / "investorbench_env").mkdir()
    (tmp_path / "investorbench_env" / "planted.py").write_text(
        "import pandas as pd\n"
        "try:\n    import pyarrow\nexcept ImportError:\n    pass\n"
        "if TYPE_CHECKING:\n    import matplotlib\n"
        "def f():\n    import exchange_calendars\n"
    )
    found = [offence.split(" imports ")[1] for offence in heavy_imports(tmp_path)]
    assert found == ["pandas", "pyarrow"]


def test_importing_the_environments_loads_gymnasium_and_numpy_alone() -> None:
    loaded = in_fresh_interpreter(
        "import sys, gymnasium, numpy; before = set(sys.modules); import investorbench_env\n"
        "new = {name.partition('.')[0] for name in set(sys.modules) - before}\n"
        "print(*sorted(new - sys.stdlib_module_names))"
    )
    assert loaded.split() == ["investorbench_env"]


@pytest.mark.parametrize(
    ("package", "loads"),
    [
        ("investorbench", []),
        ("investorbench.memory", ["memory"]),
        ("investorbench.agents", ["agents"]),
        ("investorbench.agents.finmem", ["agents", "memory"]),
        ("investorbench.agents.llm", ["agents"]),
    ],
)
def test_importing_a_package_loads_those_above_it_alone(package: str, loads: list[str]) -> None:
    loaded = in_fresh_interpreter(
        f"import sys, {package}\n"
        "ours = [name.split('.') for name in sys.modules if name.startswith('investorbench.')]\n"
        "print(*sorted({name[1] for name in ours}))"
    )
    assert loaded.split() == loads


def test_the_first_names_of_the_package_are_loaded_as_they_are_asked_for() -> None:
    printed = in_fresh_interpreter(
        "from investorbench import Task, evaluate, load; from investorbench import tasks\n"
        "print(evaluate is tasks.evaluate, Task is tasks.Task, load is tasks.load)"
    )
    assert printed.split() == ["True"] * 3


def test_the_version_is_that_of_the_installed_package() -> None:
    wanted = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
    printed = in_fresh_interpreter("import investorbench; print(investorbench.__version__)")
    command = [sys.executable, "-m", "investorbench.scripts.main", "--version"]
    shown = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    assert (printed, shown) == (f"{wanted}\n", f"investorbench {wanted}\n")


@pytest.mark.heavy
def test_the_wheel_of_the_checkout_is_the_wheel_of_its_sdist(tmp_path: Path) -> None:
    build(ROOT, tmp_path / "checkout", "sdist", "wheel")
    (sdist,) = (tmp_path / "checkout").glob("*.tar.gz")
    with tarfile.open(sdist) as archive:
        archive.extractall(tmp_path, filter="data")
    build(tmp_path / sdist.name.removesuffix(".tar.gz"), tmp_path / "unpacked", "wheel")
    assert content_of(tmp_path / "checkout") == content_of(tmp_path / "unpacked")


def test_the_wheel_holds_the_packages_and_the_configuration_and_no_tests(tmp_path: Path) -> None:
    build(ROOT, tmp_path, "wheel")
    names = set(content_of(tmp_path))
    folders = {"investorbench_env": "investorbench_env"}
    folders |= {name: f"investorbench/{name}" for name in [*PACKAGES, "conf"]}
    expected = {
        f"{folders[package]}/{path.relative_to(ROOT / package).as_posix()}"
        for package in folders
        for path in (ROOT / package).rglob("*")
        if path.is_file() and path.suffix != ".pyc"
    }
    ours = {name for name in names if ".dist-info/" not in name}
    assert ours == expected | {"investorbench/__init__.py", "investorbench/py.typed"}
    assert {name.split("/")[0] for name in ours} == {"investorbench", "investorbench_env"}


def test_an_editable_install_leads_to_the_checkout_and_copies_nothing(tmp_path: Path) -> None:
    build(ROOT, tmp_path, "wheel:editable")
    content = content_of(tmp_path)
    assert [name for name in content if ".dist-info/" not in name] == ["_investorbench.pth"]
    assert content["_investorbench.pth"].decode().strip() == str(ROOT)


def test_the_packages_are_found_where_links_are_not(tmp_path: Path) -> None:
    (tmp_path / "investorbench").mkdir()
    shutil.copy(ROOT / "investorbench" / "__init__.py", tmp_path / "investorbench")
    for name in PACKAGES:
        (tmp_path / name).symlink_to(ROOT / name)
    printed = in_fresh_interpreter(
        f"import sys; sys.path.insert(0, {str(tmp_path)!r})\n"
        "import investorbench, investorbench.tasks; print(investorbench.tasks.__file__)"
    )
    assert Path(printed.strip()).is_relative_to(tmp_path)


def test_no_public_class_has_the_name_of_another_public_thing() -> None:
    assert dict(shared_names(ROOT)) == {}


def test_a_name_that_stands_for_two_things_is_found(tmp_path: Path) -> None:
    for package, code in {
        "agents": "class Move:\n    pass",
        "tasks": "Move = dict[str, int]",
    }.items():
        (tmp_path / package).mkdir()
        (tmp_path / package / "module.py").write_text(code)
    assert dict(shared_names(tmp_path)) == {"Move": ["agents/module.py", "tasks/module.py"]}


def test_configuration_is_yaml_only() -> None:
    strays = [path for path in (ROOT / "conf").rglob("*") if path.is_file()]
    assert [path for path in strays if path.suffix != ".yaml"] == []


def test_no_file_names_a_package_registry_or_a_folder_of_one_machine() -> None:
    assert list(machine_traces(files_of_the_repository())) == []


@pytest.mark.parametrize(
    "text",
    [f"https://{REGISTRY_HOSTS[0]}/simple", f"open('{ROOT.parent}/data.json')", "/home/" + "ann/x"],
)
def test_a_trace_of_a_machine_is_found(tmp_path: Path, text: str) -> None:
    (tmp_path / "planted.md").write_text(text)
    assert len(list(machine_traces([tmp_path / "planted.md"]))) == 1


def test_no_data_no_large_file_and_no_resolver_lock_is_committed() -> None:
    files = files_of_the_repository()
    assert [path for path in files if path.suffix in DATA_SUFFIXES] == []
    assert [path for path in files if path.stat().st_size > LARGEST_FILE_BYTES] == []
    assert [path for path in files if path.name == "uv.lock"] == []


def test_the_pinned_requirements_hold_names_and_versions_only() -> None:
    lines = (ROOT / "requirements" / "lock.txt").read_text().splitlines()
    pin = re.compile(r"[a-z0-9.-]+==[\w.+!]+( ; .+)?")
    assert [line for line in lines if not pin.fullmatch(line)] == []
    assert [line for line in lines if re.match(r"(torch|triton|nvidia-)", line)] == []


def shared_names(root: Path) -> Iterator[tuple[str, list[str]]]:
    """Public classes that share their name with another class or a type, and where both stand."""
    places: dict[str, list[str]] = {}
    classes: set[str] = set()
    for package in ("investorbench_env", *PACKAGES):
        for path in sorted((root / package).rglob("*.py")):
            for statement in ast.parse(path.read_text()).body:
                name = ""
                if isinstance(statement, ast.ClassDef):
                    name = statement.name
                    classes.add(name)
                elif isinstance(statement, ast.Assign) and isinstance(
                    statement.targets[0], ast.Name
                ):
                    name = statement.targets[0].id
                if name and not name.startswith("_"):
                    places.setdefault(name, []).append(path.relative_to(root).as_posix())
    for name in sorted(classes & places.keys()):
        if len(places[name]) > 1:
            yield name, places[name]


def wrong_directions(root: Path) -> Iterator[str]:
    """Imports of a package of ours that the package in whose folder they stand may not import."""
    for package, allowed in MAY_IMPORT.items():
        for path in sorted((root / package).rglob("*.py")):
            for name in imported(ast.walk(ast.parse(path.read_text()))):
                if name in MAY_IMPORT.keys() - allowed - {package} or name == "tests":
                    yield f"{path.relative_to(root)} imports {name}"


def heavy_imports(root: Path) -> Iterator[str]:
    """Imports outside functions of what is neither ours, nor Python's, nor light."""
    for package, light in AT_IMPORT.items():
        for path in sorted((root / package).rglob("*.py")):
            for name in imported(run_at_import(ast.parse(path.read_text()))):
                own = ADAPTERS.get(str(path.relative_to(root)))
                if name not in {package, own} | light | set(sys.stdlib_module_names):
                    yield f"{path.relative_to(root)} imports {name}"


def imported(nodes: Iterator[ast.AST]) -> Iterator[str]:
    """The top-level names of what these nodes import."""
    for node in nodes:
        match node:
            case ast.Import(names=names):
                yield from (package_of(alias.name) for alias in names)
            case ast.ImportFrom(module="investorbench", names=names, level=0):
                yield from (package_of(f"investorbench.{alias.name}") for alias in names)
            case ast.ImportFrom(module=str(module), level=0):
                yield package_of(module)
            case ast.Call(
                func=ast.Name(id="import_module" | "__import__")
                | ast.Attribute(attr="import_module"),
                args=[ast.Constant(value=str(module)), *_],
            ):
                yield package_of(module)


def package_of(module: str) -> str:
    """The top-level name of a module; of ours the folder, such as ``agents``."""
    first, *rest = module.split(".")
    return rest[0] if first == "investorbench" and rest else first


def run_at_import(node: ast.AST) -> Iterator[ast.AST]:
    """Every node that runs as the module is imported: no functions, nothing for types only."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            continue
        if isinstance(child, ast.If) and "TYPE_CHECKING" in ast.unparse(child.test):
            continue
        yield child
        yield from run_at_import(child)


def machine_traces(files: list[Path]) -> Iterator[str]:
    """Lines that name a package registry, or a folder that only one machine has."""
    folders = ["/home/[a-z]", "/Users/[A-Za-z]", "/ro" + "ot/"]
    if ROOT.parent != Path("/"):
        folders.append(re.escape(f"{ROOT.parent}/"))
    hosts = "|".join(re.escape(host) for host in REGISTRY_HOSTS)
    pattern = re.compile(rf"{hosts}|(?<![\w.~$}}])({'|'.join(folders)})")
    for path in files:
        for number, line in enumerate(path.read_text(errors="ignore").splitlines(), 1):
            if pattern.search(line):
                yield f"{path.name}:{number}: {line.strip()[:100]}"


def files_of_the_repository() -> list[Path]:
    """What is committed or would be: everything that git does not ignore."""
    listing = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"],
        cwd=ROOT, check=False, capture_output=True, text=True,
    )  # fmt: skip
    if listing.returncode != 0:
        pytest.skip("not a git checkout: there is no telling what is committed")
    paths = [ROOT / name for name in listing.stdout.split("\0") if name]
    return [path for path in paths if path.is_file()]


def build(source: Path, folder: Path, *targets: str) -> None:
    """Build what is asked for of a source tree into a folder."""
    wanted = [word for target in targets for word in ("-t", target)]
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", *wanted, "-d", str(folder)],
        cwd=source, check=True, capture_output=True,
    )  # fmt: skip


def content_of(folder: Path) -> dict[str, bytes]:
    """The names of what is in the wheel of a folder, and what each holds."""
    (path,) = folder.glob("*.whl")
    with zipfile.ZipFile(path) as wheel:
        return {name: wheel.read(name) for name in wheel.namelist()}


def in_fresh_interpreter(program: str) -> str:
    """What a new Python prints when it runs this program."""
    return subprocess.run(
        [sys.executable, "-W", "error", "-c", program],
        check=True, capture_output=True, text=True,
    ).stdout  # fmt: skip
