"""Everything that README and docs say to run is run, and prints what they say it prints.

``RENEW_DOCS=1 make test PYTEST=tests/docs`` writes into the pages what was printed instead; a
block with a line ``…`` shows a part and is left alone.
"""

import contextlib
import difflib
import io
import os
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest

from tests.docs.pages import (
    LANGUAGES,
    PAGES,
    PROGRAMS,
    ROOT,
    Block,
    Page,
    same,
    sessions,
    slugs,
    tidy,
)

NOT_RUN = {
    r"(RENEW_DOCS=1 )?make\b": "builds what these tests run in; that the target exists is tested",
    r"pip install\b": "needs a package index; tests/end_to_end/test_wheel.py installs the wheel",
    r"investorbench data fetch (?!--help)(?!.*--dry-run)": "goes out; its options are tested",
    r"investorbench data (sources --check|bundle|add)": "goes out, or needs what came; is tested",
    r"export\b": "holds for the shell of the reader; the tests set the same variable",
}
"""Commands that are shown and not run, and why."""

PYTHON_IN = ("investorbench", "investorbench_env", "memory", "agents", "tasks", "scripts", "conf")
DATA = "/path/to/data"
"""What the pages call the folder of real markets."""
RUN_FOLDER = r"runs/\d{4}-\d\d-\d\d/\d\d-\d\d-\d\d-[0-9a-f]{4}"
LARGEST_PICTURE_BYTES = 200_000
RENEW = os.environ.get("RENEW_DOCS") == "1"


def pages_with(kind: str) -> list[str]:
    return [
        path
        for path in PAGES
        if any(
            block.kind == kind and block.language in PROGRAMS for block in Page.read(path).blocks
        )
    ]


@pytest.fixture
def reader(tmp_path: Path) -> "Reader":
    return Reader(tmp_path)


def first_page_sooner(pages: list[str]) -> list[Any]:
    """Pages to be run with what takes long, the first that is read with the heavy tests."""
    return [
        pytest.param(page, marks=pytest.mark.heavy if page == "README.md" else pytest.mark.long)
        for page in pages
    ]


@pytest.mark.parametrize("path", first_page_sooner(pages_with("plain")))
def test_a_page_shows_what_its_programs_print(
    reader: "Reader", monkeypatch: pytest.MonkeyPatch, path: str
) -> None:
    monkeypatch.chdir(reader.folder)
    reader.follow(path, "plain")


@pytest.mark.heavy
@pytest.mark.parametrize("path", pages_with("real data"))
def test_a_page_shows_what_its_programs_print_on_real_markets(
    reader: "Reader", monkeypatch: pytest.MonkeyPatch, data_folder: Path, path: str
) -> None:
    monkeypatch.chdir(reader.folder)
    reader.data = str(data_folder)
    reader.follow(path, "real data")


@pytest.mark.heavy
@pytest.mark.parametrize("path", pages_with("heavy"))
def test_a_page_shows_what_its_heavy_programs_print(
    reader: "Reader", monkeypatch: pytest.MonkeyPatch, path: str
) -> None:
    monkeypatch.chdir(reader.folder)
    reader.follow(path, "heavy")


@pytest.mark.long
@pytest.mark.parametrize("path", pages_with("long"))
def test_a_page_shows_what_its_long_programs_print(
    reader: "Reader", monkeypatch: pytest.MonkeyPatch, path: str
) -> None:
    pytest.importorskip("trl", reason="needs the extra train: make test-all installs it")
    monkeypatch.chdir(reader.folder)
    reader.follow(path, "long")


@pytest.mark.parametrize("path", PAGES)
def test_every_block_has_a_language_and_needs_that_these_tests_know(path: str) -> None:
    blocks = Page.read(path).blocks
    assert [block.place for block in blocks if block.language not in LANGUAGES] == []
    known = {"", "real data", "heavy", "figures differ", "long", "in the tree"}
    assert [block.place for block in blocks if not block.file and block.needs not in known] == []
    # An odd fence would hide what stands between it and the next.
    assert Page.read(path).prose.count("```") == 0


@pytest.mark.parametrize("path", PAGES)
def test_every_link_leads_somewhere(path: str) -> None:
    dead = []
    for target in re.findall(r"\]\(([^)\s]+)\)", Page.read(path).prose):
        if re.match(r"https?://", target):
            continue
        name, _, anchor = target.partition("#")
        file = ((ROOT / path).parent / name) if name else ROOT / path
        if not file.exists() or (anchor and anchor not in slugs(file.read_text("utf-8"))):
            dead.append(target)
    assert dead == []


@pytest.mark.parametrize("path", PAGES)
def test_every_make_target_extra_and_option_that_is_named_exists(path: str) -> None:
    text = Page.read(path).text
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    named = set(re.findall(r"(?:^|`)make ([a-z-]+)", text, re.MULTILINE))
    assert named <= targets
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    extras = set(re.findall(r"\[([a-z,]+)\]'", text))
    assert {extra for group in extras for extra in group.split(",")} <= set(
        project["optional-dependencies"]
    )
    fetches = re.findall(r"investorbench data fetch (?!--help)[^\n`]*", text)
    if options := set(re.findall(r" (--[a-z-]+)", " ".join(fetches))):
        assert options <= set(re.findall(r"--[a-z-]+", said_by("investorbench data fetch --help")))


def test_pictures_are_small_and_shown_on_a_page() -> None:
    pictures = sorted((ROOT / "docs" / "images").iterdir())
    shown = " ".join(Page.read(path).prose for path in PAGES)
    assert [picture.name for picture in pictures if picture.name not in shown] == []
    sizes = [picture.stat().st_size for picture in pictures]
    assert max(sizes) <= LARGEST_PICTURE_BYTES


def test_the_tree_in_the_readme_is_the_tree() -> None:
    (block,) = [block for block in Page.read("README.md").blocks if "tests/    " in block.text]
    shown, above = set(), [""]
    for line in block.text.splitlines():
        depth = (len(line) - len(line.lstrip())) // 2
        names = re.split(r"  +", line.strip())[0].replace("/", "").split()
        shown |= {"".join([*above[: depth + 1], name]) for name in names}
        above = [*above[: depth + 1], f"{names[-1]}/"]
    folders = {
        folder.as_posix()
        for name in PYTHON_IN
        for path in (ROOT / name).rglob("*")
        if path.suffix in (".py", ".yaml") and name != "investorbench"
        for folder in path.relative_to(ROOT).parents
        if folder != Path() and len(folder.parts) <= (2 if name == "conf" else 3)
    }
    assert shown - {"tests", "docs"} == folders


def test_what_differs_is_found_and_what_is_left_out_is_not() -> None:
    assert same("one\n…\nfour\n", "one  \ntwo\nthree\nfour\n\n")
    assert same("CartPole 1,234.5 −2\n", "CartPole     99    3\n", figures=False)
    assert not same("one\n…\nfour\n", "one\ntwo\nthree\n")
    assert not same("SR 1.0\n", "SR 1.1\n")


class Reader:
    """Somebody who does what a page says, in a folder and a home of their own.

    Args:
        folder: where.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.data = ""
        self._names: dict[str, Any] = {"__name__": "__main__"}
        self._printed: list[tuple[Block, str]] = []

    def follow(self, path: str, kind: str) -> None:
        """Run all blocks of a kind on a page, in order."""
        page = Page.read(path)
        for block in page.blocks:
            if block.kind != kind and not block.file:
                continue
            if block.file:
                self._add(block)
            elif block.language == "python":
                self._run_python(block, page.output_of(block))
            elif block.language in PROGRAMS:
                self._run_commands(block)
        self._save_pictures()
        if RENEW:
            write_into(path, self._printed)

    def _add(self, block: Block) -> None:
        """Put a file into the working folder."""
        (self.folder / block.file).write_text(block.text)

    def _run_python(self, block: Block, output: Block | None) -> None:
        printed = io.StringIO()
        # Lines of a traceback then are those of the page.
        code = compile("\n" * (block.line - 1) + block.text, str(ROOT / block.page), "exec")
        with contextlib.redirect_stdout(printed):
            exec(code, self._names)
        if output is not None:
            self._compare(output, output.text, self._plain(printed.getvalue()), block)
        else:
            assert printed.getvalue() == "", f"{block.place} prints what the page does not show"

    def _run_commands(self, block: Block) -> None:
        session = ""
        for command, shown in sessions(block):
            if any(re.match(pattern, command) for pattern in NOT_RUN):
                session += f"$ {command}\n{shown}"
                continue
            printed = self._plain(said_by(command.replace(DATA, self.data), self.folder, self.data))
            if block.language == "console":
                session += f"$ {command}\n{printed.strip(chr(10))}\n"
                if not RENEW:
                    self._compare(block, shown, printed, block)
        if RENEW and block.language == "console" and "\\\n" not in block.text:
            self._compare(block, block.text, session, block)

    def _compare(self, where: Block, shown: str, printed: str, block: Block) -> None:
        if same(shown, printed, figures=block.figures_count) and not (
            RENEW and not block.figures_count
        ):
            return
        if RENEW and "…" not in shown.splitlines():
            self._printed.append((where, tidy(printed)))
            return
        before, after = (tidy(text).splitlines(keepends=True) for text in (shown, printed))
        difference = "".join(difflib.unified_diff(before, after, "shown", "printed"))
        pytest.fail(f"{where.place} does not show what is printed:\n{difference}", pytrace=False)

    def _plain(self, text: str) -> str:
        """Printed text with the names that the pages use for what differs between machines."""
        text = re.sub(RUN_FOLDER, "runs/2026-11-20/09-30-00-a1b2", text)
        text = text.replace(str(self.folder) + "/", "").replace(os.environ["HOME"], "~")
        return text.replace(self.data, DATA) if self.data else text

    def _save_pictures(self) -> None:
        """Pictures that a page draws are those that the repository holds."""
        for drawn in self.folder.glob("*.png"):
            kept = ROOT / "docs" / "images" / drawn.name
            if RENEW:
                shutil.copy(drawn, kept)
            assert kept.exists(), f"docs/images has no {drawn.name}"
            assert looks_like(drawn, kept), f"{drawn.name} looks otherwise by now: renew it"


def said_by(command: str, folder: Path | None = None, data: str = "") -> str:
    """What a command prints in a terminal of 80 columns, errors included; it must succeed."""
    environment = {**os.environ, "COLUMNS": "80", "PYTHONWARNINGS": "error"}
    environment["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    for name in ("INVESTORBENCH_DATA", "XDG_CACHE_HOME"):
        environment.pop(name, None)
    if data:
        environment["INVESTORBENCH_DATA"] = data
    done = subprocess.run(
        ["bash", "-c", command], cwd=folder, env=environment, text=True, check=False,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
    )  # fmt: skip
    expected = 1 if re.search(r"^(error:|✗)", done.stdout, re.MULTILINE) else 0
    assert done.returncode == expected, f"{command} exits with {done.returncode}:\n{done.stdout}"
    return done.stdout


def looks_like(drawn: Path, kept: Path) -> bool:
    """Whether two pictures are the same but for what another version of a library may change."""
    import numpy as np
    from matplotlib.image import imread

    first, second = np.asarray(imread(drawn)), np.asarray(imread(kept))
    return first.shape == second.shape and float(np.abs(first - second).mean()) < 0.01


def write_into(path: str, printed: list[tuple[Block, str]]) -> None:
    """Put what was printed into the blocks of a page."""
    text = (ROOT / path).read_text(encoding="utf-8")
    for block, said in sorted(printed, key=lambda item: -item[0].start):
        text = text[: block.start] + said + text[block.start + len(block.text) :]
    (ROOT / path).write_text(text, encoding="utf-8")
