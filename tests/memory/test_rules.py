"""The rules of a memory: golden values, closed forms, and the plain model."""

import dataclasses
import math
from pathlib import Path

import numpy as np
import pytest

from investorbench.memory import PROFILES, Arrays, HashedNgrams, LayeredMemory, Profile
from investorbench.memory.arrays import LayerColumns
from investorbench.memory.profiles import FINMEM, INVESTORBENCH, LAYERED, OFF, SINGLE
from investorbench.memory.ranking import best, cosine, rounding_bound
from investorbench.memory.scoring import importance, recency, score
from tests.memory.small_memories import empty, run_beside_the_plain_model

OPERATIONS = 10_000


def residence(profile: str, layer: str) -> tuple[dict[str, int], int]:
    """Steps that a memory spends in each layer, and in all, without any feedback."""
    memory = empty(profile)
    memory.add("a text", layer, "day 0")
    spent: dict[str, int] = {}
    while len(memory):
        (here,) = [name for name, found in memory.recall("a text", 1).items() if found]
        spent[here] = spent.get(here, 0) + 1
        memory.step()
    return spent, memory.steps


@pytest.mark.parametrize(
    ("profile", "layer", "expected", "in_all"),
    [
        ("investorbench", "short", {"short": 9}, 9),
        ("investorbench", "long", {"long": 2, "mid": 11, "short": 1}, 14),
        ("layered", "short", {"short": 28}, 28),
        ("layered", "mid", {"mid": 68, "short": 1}, 69),
        ("layered", "long", {"long": 275, "short": 1}, 276),
        ("layered", "reflection", {"reflection": 276}, 276),
        ("single", "all", {"all": 270}, 270),  # exp(−269/90) > 0.05 > exp(−270/90)
        ("off", "today", {"today": 1}, 1),
    ],
)
def test_residence_times_are_the_golden_ones(profile, layer, expected, in_all) -> None:
    assert residence(profile, layer) == (expected, in_all)


@pytest.mark.parametrize("profile", PROFILES.values(), ids=lambda profile: profile.name)
def test_closed_forms_are_what_a_step_by_step_loop_gives(profile: Profile) -> None:
    for layer in profile.layers:
        value, columns = 73.5, LayerColumns(layer, 1)
        columns.append(
            {"id": np.array([0]), "layer": np.array([0]), "value": np.array([value]),
             "value_step": np.array([7]), "recency_step": np.array([5]), "feedback": np.array([0]),
             "moved_step": np.array([-1]), "moved_from": np.array([-1])},
            np.ones((1, 1), np.float32),
        )  # fmt: skip
        for step in range(7, 400):
            assert columns.importances(step)[0] == pytest.approx(value, rel=1e-12)
            assert importance(73.5, step - 7, layer.decay) == pytest.approx(value, rel=1e-12)
            fresh = math.exp(-(step - 5) / layer.stability_steps)
            assert columns.recencies(step)[0] == pytest.approx(fresh, rel=1e-14)
            assert recency(step - 5, layer.stability_steps) == pytest.approx(fresh, rel=1e-14)
            value *= layer.decay


def test_a_score_adds_cosine_recency_and_importance_up_to_100() -> None:
    parts = np.array([0.25, 0.5]), np.array([0.5, 1.0]), np.array([40.0, 250.0])
    assert score(*parts).tolist() == [0.25 + 0.5 + 0.4, 0.5 + 1.0 + 1.0]


@pytest.mark.parametrize("profile", ["layered", "finmem"])
def test_random_operations_agree_with_the_plain_model(profile, tmp_path) -> None:
    operate_at_random(profile, OPERATIONS // 5, tmp_path)


@pytest.mark.heavy
@pytest.mark.parametrize("profile", PROFILES)
def test_10_000_random_operations_agree_with_the_plain_model(profile, tmp_path) -> None:
    operate_at_random(profile, OPERATIONS, tmp_path)


def operate_at_random(profile: str, operations: int, tmp_path: Path) -> None:
    def reopen(memory: LayeredMemory | None) -> LayeredMemory:
        if memory is None:
            return empty(profile, seed=11)
        memory.save(tmp_path / "reopened.npz")
        other = empty(profile, seed=11)
        other.load(tmp_path / "reopened.npz")
        return other

    counts = run_beside_the_plain_model(profile, operations, 11, tmp_path, reopen)
    share = operations / OPERATIONS
    assert min(counts[kind] for kind in ("add", "recall", "reinforce", "step")) > 1500 * share
    assert counts["keep"] > 50 * share and counts["reopen"] > 20 * share
    assert counts.get("moves", 0) > 100 * share or profile in ("paper", "single", "off")


@pytest.mark.parametrize(
    ("profile", "gained"),
    [
        ("layered", [18, 36, 54]),
        ("investorbench", [18, 36, 54]),
        ("paper", [5, 10, 15]),
        ("finmem", [5, 15, 30]),  # c is 1, 2, 3 and v grows by 5c each time
    ],
)
def test_feedback_has_the_form_of_its_profile(profile, gained) -> None:
    memory = empty(profile)
    memory.add("a text", "short", "day 0")
    start = memory.recall("a text", 1)["short"][0].importance
    for gain in gained:
        memory.reinforce([0], 1)
        assert memory.recall("a text", 1)["short"][0].importance == start + gain


def test_praise_lifts_a_memory_and_makes_it_fresh_again() -> None:
    memory = empty("layered")
    memory.add("a text", "short", "day 0")
    memory.reinforce([0], 1)
    assert memory.step().moves == ((0, "short", "mid"),)
    (recalled,) = memory.recall("a text", 1)["mid"]
    assert recalled.recency == 1.0
    assert recalled.importance == pytest.approx((50 + 18) * 0.92)


def test_a_memory_that_moves_down_keeps_its_recency_until_the_next_step() -> None:
    memory = empty("investorbench")
    memory.add("a text", "long", "day 0")
    memory.step()
    assert memory.step().moves == ((0, "long", "mid"),)
    assert memory.recall("a text", 1)["mid"][0].recency == pytest.approx(math.exp(-2 / 365))
    memory.step()
    assert memory.recall("a text", 1)["mid"][0].recency == pytest.approx(math.exp(-3 / 90))


def test_censure_shortens_a_life() -> None:
    memory = empty("layered")
    memory.add(["one", "other"], "short", "day 0")
    for _ in range(2):
        memory.reinforce([0], -1)
    while 0 in memory:
        memory.step()
    assert memory.steps < 15 and 1 in memory


@pytest.mark.parametrize("profile", ["layered", "investorbench"])
def test_a_reflection_that_says_the_same_is_not_added_twice(profile) -> None:
    memory = empty(profile, embedder=HashedNgrams())
    text = "Momentum paid off after the quarterly report, in spite of weak news."
    first, same, other = memory.add(
        [text, text + " ", "Something else entirely."], "reflection", "day 1"
    )
    assert same == first != other
    assert memory.add(text, "reflection", "day 2") == [first]
    assert memory.add([text, text], "short", "day 2") == [2, 3]


def test_profiles_without_the_rule_keep_every_reflection() -> None:
    memory = empty("finmem")
    assert memory.add(["the same", "the same"], "reflection", "day 1") == [0, 1]


def test_ties_go_to_the_memory_that_was_added_first() -> None:
    memory = empty("layered")
    memory.add(["twin"] * 50, "short", "day 0")
    memory.reinforce([30], 1)
    memory.reinforce([30], -1)  # back to where it was, give or take a rounding
    assert [m.id for m in memory.recall("twin", 7)["short"]] == list(range(7))


def test_only_finmem_hides_the_best_memory_that_is_neither_near_nor_weak() -> None:
    correct = dataclasses.replace(FINMEM, candidates="all")
    found = {}
    for profile in (FINMEM, correct):
        memory = LayeredMemory(profile, Arrays(), Planned())
        memory.add(["far, praised"], "long", "day 0")
        memory.add(["near", "far"], "long", "day 0")
        for _ in range(5):
            memory.reinforce([0], 1)
        found[profile.candidates] = [m.text for m in memory.recall("near", 1)["long"]]
    assert found == {"nearest_and_weakest": ["near"], "all": ["far, praised"]}
    assert [p.name for p in PROFILES.values() if p.candidates != "all"] == ["finmem"]


class Planned:
    name, dimension = "planned", 2

    def embed(self, texts):
        return np.array([{"near": (1, 0), "far": (0.6, 0.8)}.get(t, (0.9, 0.43)) for t in texts])


def test_drawn_importances_depend_on_seed_and_id_alone() -> None:
    layer = FINMEM.layers[0]
    drawn = [layer.draw(3, id) for id in range(4000)]
    assert drawn == [layer.draw(3, id) for id in range(4000)]
    assert drawn != [layer.draw(4, id) for id in range(4000)]
    shares = [drawn.count(value) / 4000 for value in (50, 70, 90)]
    assert shares == pytest.approx([0.5, 0.45, 0.05], abs=0.03)


def test_two_memories_in_one_process_do_not_touch_each_other() -> None:
    one, other = empty(), empty()
    one.add("a text", "short", "day 0", {"k": 1})
    one.step()
    assert (len(one), one.steps, len(other), other.steps) == (1, 1, 0, 0)
    one.recall("a text", 1)["short"][0].metadata["k"] = 2
    assert one.recall("a text", 1)["short"][0].metadata == {"k": 1}


def test_a_rough_product_never_hides_one_of_the_best() -> None:
    """Scores closer than single precision can distinguish still come out in their true order."""
    chance = np.random.default_rng(0)
    query = chance.standard_normal((1, 384)).astype(np.float32)
    query /= np.linalg.norm(query)
    vectors = query + 1e-4 * chance.standard_normal((5000, 384)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    exact = cosine(vectors, query)
    assert np.abs(vectors @ query[0] - exact).max() < rounding_bound(384)
    rows, similarity = best(vectors, np.arange(5000), np.zeros(5000), query, 20)
    assert rows.tolist() == np.lexsort((np.arange(5000), -np.round(exact, 12)))[:20].tolist()
    assert similarity.tolist() == exact[rows].tolist()


def test_scores_do_not_depend_on_what_else_is_remembered() -> None:
    one, many = empty(embedder=HashedNgrams()), empty(embedder=HashedNgrams())
    one.add("the one", "short", "day 0")
    many.add(["the one", *(f"text {number}" for number in range(777))], "short", "day 0")
    (alone,) = one.recall("a query of the one", 1)["short"]
    among = {m.id: m for m in many.recall("a query of the one", 800)["short"]}
    assert among[0] == alone


def test_describe_names_layers_and_how_fresh_they_are() -> None:
    memory = empty()
    memory.add(["one", "other"], "short", "day 0")
    memory.step()
    text = memory.describe()
    assert "'layered' after 1 steps: 2 memories" in text and "directions, 6 dimensions" in text
    assert "importance 46.0 to 46.0" in text and "arrays in memory" in text


def test_the_default_and_the_published_constants_differ_only_in_data() -> None:
    assert LAYERED.record().keys() == INVESTORBENCH.record().keys()
    names = {"layered", "investorbench", "finmem", "paper", "single", "off"}
    assert {p.name for p in PROFILES.values()} == names == {*PROFILES}


def test_the_ablations_recall_as_many_memories_as_all_layers_of_the_default_together() -> None:
    in_all = LAYERED.retrieved * len(LAYERED.layers)
    for ablation in (SINGLE, OFF):
        assert (len(ablation.layers), ablation.retrieved) == (1, in_all)


def test_the_single_layer_behaves_as_the_mid_one_of_the_default_but_keeps_what_it_has() -> None:
    (layer,), mid = SINGLE.layers, LAYERED.layers[LAYERED.index("mid")]
    kept = dataclasses.replace(mid, name="all", up_at=None, down_below=None)
    assert (layer, SINGLE.boost) == (kept, LAYERED.boost)


def test_without_memory_nothing_outlives_its_step_however_much_it_was_praised() -> None:
    memory = empty("off")
    ids = memory.add(["a text", "another"], "today", "day 0")
    memory.reinforce(ids, 1)
    assert len(memory.recall("a text")["today"]) == 2
    assert memory.step().deleted == (0, 1)
    assert len(memory) == 0


@pytest.mark.parametrize(
    ("profile", "layer", "place"),
    [
        ("layered", "mid", "mid"),
        ("layered", "reflection", "reflection"),
        ("paper", "reflection", "long"),
        ("single", "short", "all"),
        ("off", "long", "today"),
    ],
)
def test_what_has_no_layer_of_its_own_is_filed_in_the_deepest(profile, layer, place) -> None:
    assert PROFILES[profile].place(layer) == place
