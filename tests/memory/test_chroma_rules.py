"""The rules once more, over a real archive; apart, so that it runs beside the other heavy tests."""

import os

import pytest

from investorbench.memory import PROFILES, Chroma, LayeredMemory
from tests.memory.small_memories import empty, run_beside_the_plain_model

pytestmark = pytest.mark.heavy


OPERATIONS = os.environ.get("OPERATIONS")
"""How many, for all profiles; otherwise 10,000 of the default, and of the others over arrays only:
Chroma takes some ten milliseconds for each."""


@pytest.mark.parametrize("profile", PROFILES)
def test_random_operations_over_chroma_agree_with_the_plain_model(profile, tmp_path) -> None:
    operations = int(OPERATIONS or (10_000 if profile == "layered" else 3_000))

    def reopen(memory: LayeredMemory | None) -> LayeredMemory:
        if memory is not None:
            memory.close()
        return empty(profile, Chroma(tmp_path / "archive"), seed=5)

    run_beside_the_plain_model(profile, operations, 5, tmp_path, reopen)
