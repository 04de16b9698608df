"""A foreign package named `agents` is found out before anything is imported from it."""

import subprocess
import sys
from pathlib import Path

import pytest

from tasks import imports
from tasks.imports import require_our_agents

ROOT = Path(imports.__file__).parents[1]


@pytest.mark.parametrize("module", ["tasks", "tasks.evaluator", "scripts.main", "scripts.run"])
def test_a_foreign_package_found_first_is_named_in_one_error(module: str, tmp_path: Path) -> None:
    foreign = tmp_path / "agents"
    foreign.mkdir()
    (foreign / "__init__.py").write_text("raise RuntimeError('the foreign package was imported')")
    code = f"import sys; sys.path[:0] = {[str(tmp_path), str(ROOT)]!r}; import {module}"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    (last,) = done.stderr.splitlines()[-1:]
    assert last.startswith(f"ImportError: 'import agents' finds {foreign.resolve()}, not Investor")
    assert str(ROOT / "agents") in last
    assert "use a virtual environment of its own" in last
    assert "the foreign package was imported" not in done.stderr


def test_the_distribution_that_owns_it_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(imports, "__file__", str(tmp_path / "tasks" / "imports.py"))
    owners = {"agents": ["investorbench", "openai-agents"]}
    monkeypatch.setattr(imports, "packages_distributions", lambda: owners)
    with pytest.raises(ImportError, match=r"'openai-agents'.* pip uninstall openai-agents, use a"):
        require_our_agents()


def test_another_package_installed_over_our_files_is_found_out(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    require_our_agents()
    monkeypatch.setattr(imports, "MARK", "a name that is not in our package")
    with pytest.raises(ImportError, match="use a virtual environment of its own"):
        require_our_agents()
