"""Keys: what can change an outcome changes them, and nothing else does."""

from __future__ import annotations

import copy
import dataclasses
import hashlib
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmark.plan.keys import component_digest, digest, pipeline_digest
from benchmark.records.schema import SCHEMA_VERSION
from benchmark.spec import Budget, Choice, Limits, Range, Splitting, Tuning

Changed = set[tuple[Any, ...]]


def changed(world: Any, change: Callable[[Any], None]) -> Changed:
    """The coordinates whose key a change of the world changes; the coordinates themselves stay."""
    before = world.keys()
    other = copy.deepcopy(world)
    change(other)
    after = other.keys()
    return {place for place in before if place in after and before[place] != after[place]}


def everywhere(world: Any) -> Changed:
    return set(world.keys())


def of_component(world: Any, name: str) -> Changed:
    return {place for place in world.keys() if place[1] == name}


def swap_part(name: str, /, **fields: Any) -> Callable[[Any], None]:
    def change(world: Any) -> None:
        world.components[name] = (dataclasses.replace(world.components[name][0], **fields),)

    return change


def in_environment(world: Any, **fields: Any) -> None:
    world.environment = dataclasses.replace(world.environment, **fields)


def in_study(world: Any, **fields: Any) -> None:
    world.study = dataclasses.replace(world.study, **fields)


def test_the_same_study_has_the_same_keys(world: Any) -> None:
    assert changed(world, lambda _: None) == set()


@pytest.mark.parametrize(
    "fields", [{"stop": "sequential"}, {"stop": "sequential", "sequence": "normal"}, {"confirm": "split"}]
)
def test_when_a_study_stops_changes_no_computation(world: Any, fields: dict[str, str]) -> None:
    assert changed(world, lambda other: other.protocol(**fields)) == set()
    assert changed(world, lambda other: in_study(other, primary="new")) == set()


def test_no_two_different_computations_share_a_key(world: Any) -> None:
    keys = world.keys()
    assert len(set(keys.values())) == len(keys)


@pytest.mark.parametrize(
    "fields",
    [
        {"make": {"_target_": "components.optimizer.X", "_partial_": True, "lr": 0.02}},
        {"make": {"_target_": "components.optimizer.X", "_partial_": True, "lr": 0.01, "eps": 1}},
        {"make": {"_target_": "components.optimizer.Y", "_partial_": True, "lr": 0.01}},
        {"code": "edited"},
        {"needs": ("train_eval",)},
        {"fills": ("optimizer", "schedule")},
    ],
)
def test_a_changed_component_changes_its_own_cells_alone(world: Any, fields: dict[str, Any]) -> None:
    assert changed(world, swap_part("new", **fields)) == of_component(world, "new")


@pytest.mark.parametrize(
    "fields", [{"name": "renamed"}, {"file": "elsewhere.yaml"}, {"source": {"paper": "x"}}, {"trusted": True}]
)
def test_words_about_a_component_change_nothing(world: Any, fields: dict[str, Any]) -> None:
    assert changed(world, swap_part("new", **fields)) == set()


def test_a_changed_part_of_a_host_changes_all_cells_in_that_host(world: Any) -> None:
    def change(other: Any) -> None:
        host = other.hosts["net"]
        deep = dataclasses.replace(host.components["architecture"], code="edited")
        other.hosts["net"] = host.swap(deep)

    assert changed(world, change) == {place for place in world.keys() if place[2] == "net"}


def test_a_changed_reference_changes_itself_alone(world: Any) -> None:
    def change(other: Any) -> None:
        reference = other.references["featureless"]
        edited = dataclasses.replace(reference.components["estimator"], code="edited")
        other.references["featureless"] = reference.swap(edited)

    assert changed(world, change) == of_component(world, "featureless")


def test_changed_data_changes_all_cells_of_that_task(world: Any) -> None:
    def change(other: Any) -> None:
        other.tasks["u"] = dataclasses.replace(other.tasks["u"], fingerprint="other rows")

    assert changed(world, change) == {place for place in world.keys() if place[3] == "u"}


@pytest.mark.parametrize("fields", [{"metric": "log_loss"}, {"task_type": "multiclass"}])
def test_another_metric_is_another_outcome(world: Any, fields: dict[str, Any]) -> None:
    def change(other: Any) -> None:
        other.tasks["u"] = dataclasses.replace(other.tasks["u"], **fields)

    assert changed(world, change) == {place for place in world.keys() if place[3] == "u"}


def test_other_indices_change_the_cells_of_that_split(world: Any) -> None:
    def change(other: Any) -> None:
        other.splits["t"][1] = dataclasses.replace(other.splits["t"][1], digest="other rows")

    fold = {p for p in world.keys() if p[3] == "t" and p[4 if "trial" in p else 5] == 1}
    assert changed(world, change) == fold


@pytest.mark.parametrize(
    "change",
    [
        lambda world: world.protocol(budget=Budget("steps", 101)),
        lambda world: world.protocol(budget=Budget("steps", 100, batch_size=64)),
        lambda world: world.protocol(limits=Limits(10)),
        lambda world: world.protocol(precision="bfloat16"),
        lambda world: in_environment(world, device="cuda"),
        lambda world: in_environment(world, libraries={"torch": "3"}),
        lambda world: in_environment(world, harness="edited"),
        lambda world: in_study(world, seed=1),
    ],
)
def test_what_every_fit_rests_on_changes_everything(world: Any, change: Callable[[Any], None]) -> None:
    assert changed(world, change) == everywhere(world)


@pytest.mark.parametrize(
    "change",
    [
        lambda world: in_study(world, name="x", question="y", suite="z"),
        lambda world: in_study(world, hosts=("net", "mlp")),
        lambda world: in_study(world, tasks=("u", "t")),
        lambda world: world.protocol(rope=0.5, level=0.5, host_effects="fixed"),
        lambda world: world.protocol(seeds=5),
        lambda world: world.protocol(aa=3),
        lambda world: world.protocol(splits=Splitting(validation=0.3)),
    ],
)
def test_what_no_fit_rests_on_changes_nothing(world: Any, change: Callable[[Any], None]) -> None:
    assert changed(world, change) == set()


def searching(place: tuple[Any, ...]) -> bool:
    return bool(place[-2] == "tuned" or (place[-2] == "trial" and place[-1] > 0))


@pytest.mark.parametrize("space", [{}, {"lr": Range(1e-3, 1.0)}, {"lr": Choice((0.01, 0.1))}])
def test_another_search_space_leaves_the_default_alone(world: Any, space: dict[str, Any]) -> None:
    found = changed(world, swap_part("new", space=space))
    ours = of_component(world, "new")
    assert found == {p for p in ours if searching(p) and (space or p[-2] == "tuned")}


def test_another_sampler_changes_only_what_is_searched(world: Any) -> None:
    found = changed(world, lambda other: other.protocol(tuning=Tuning(3, "random")))
    assert found == {place for place in everywhere(world) if searching(place)}


def test_more_trials_keep_the_first_trials_and_change_what_is_chosen(world: Any) -> None:
    found = changed(world, lambda other: other.protocol(tuning=Tuning(9)))
    # The featureless reference has no space, so nothing is tuned in it.
    assert found == {
        place for place in everywhere(world) if place[-2] == "tuned" and place[1] != "featureless"
    }


def test_another_version_of_the_sampler_s_library_changes_only_what_is_searched(world: Any) -> None:
    found = changed(world, lambda other: in_environment(other, sampler="6"))
    assert found == {place for place in everywhere(world) if searching(place)}


def test_further_tuning_studies_keep_the_first_and_change_the_seeds_that_use_them(world: Any) -> None:
    world.protocol(seeds=5)
    found = changed(world, lambda other: other.protocol(tuning=Tuning(3, repeats=2)))
    assert found == {
        place for place in everywhere(world) if place[-2] == "tuned" and place[6] % 2 and place[2]
    }


def test_a_second_name_is_the_same_computation_with_the_same_seeds(world: Any) -> None:
    world.components["twin"] = (
        dataclasses.replace(world.components["new"][0], name="twin", file="twin.yaml"),
    )
    world.study = dataclasses.replace(world.study, candidates=("new", "twin"))
    plan = world.plan()
    jobs = {name: [row.job for row in plan.rows if row.arm.component == name] for name in ("new", "twin")}
    assert [job.key for job in jobs["new"]] == [job.key for job in jobs["twin"]]
    assert [job.tunings for job in jobs["new"]] == [job.tunings for job in jobs["twin"]]
    assert len(plan.jobs()) < len(plan.rows)


def test_another_name_of_the_task_is_the_same_computation(world: Any) -> None:
    world.tasks["u"] = dataclasses.replace(world.tasks["t"], name="u", origin="elsewhere")
    world.splits["u"] = world.splits["t"]
    keys = world.keys()
    assert all(key == keys[(*p[:3], "u", *p[4:])] for p, key in keys.items() if p[3] == "t")


def test_the_folder_of_a_typed_file_is_not_in_the_key(
    make_part: Callable[..., Any], make_pipeline: Callable[..., Any]
) -> None:
    parts = [
        make_part("optimizer", "mine", make={"_target_": f"{folder}/{name}.py:Opt", "_partial_": True})
        for folder, name in (("/a", "x"), ("/b c", "y"))
    ]
    first, second = (pipeline_digest(make_pipeline("h", optimizer=part)) for part in parts)
    assert first == second
    assert component_digest(parts[0]) == component_digest(parts[1])
    other = make_part("optimizer", "mine", make={"_target_": "/a/x.py:Opt2", "_partial_": True})
    assert pipeline_digest(make_pipeline("h", optimizer=other)) != first


def test_nested_targets_are_in_the_key(make_part: Callable[..., Any]) -> None:
    def wrapped(inner: str) -> Any:
        base = {"_target_": inner, "_partial_": True}
        return make_part("optimizer", "w", make={"_target_": "c.W", "_partial_": True, "base": base})

    assert component_digest(wrapped("torch.optim.Adam")) != component_digest(wrapped("torch.optim.SGD"))


PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=8,
)


@given(PLAIN, PLAIN)
def test_a_digest_tells_values_apart_and_ignores_order_of_keys(a: Any, b: Any) -> None:
    assert (digest(a) == digest(b)) == (repr_of(a) == repr_of(b))
    if isinstance(a, dict):
        assert digest(dict(reversed(list(a.items())))) == digest(a)


def repr_of(value: Any) -> str:
    """A plain value as text, mappings by sorted key."""
    if isinstance(value, dict):
        return "{" + ",".join(f"{key!r}:{repr_of(value[key])}" for key in sorted(value)) + "}"
    return "[" + ",".join(map(repr_of, value)) + "]" if isinstance(value, list) else repr(value)


def test_a_replicate_has_other_keys_and_other_seeds(world: Any) -> None:
    keys = world.keys()
    baseline = {key for place, key in keys.items() if place[0] == "baseline"}
    assert not baseline & {key for place, key in keys.items() if place[0] == "aa"}
    seeds = {row.job.tunings[0].seeds for row in world.plan().rows if row.arm.component == "old"}
    assert len(seeds) == 2 * 2 * 2  # replicate, task, fold


def test_a_key_is_the_digest_of_exactly_this(world: Any) -> None:
    study, environment = world.study, world.environment
    row = next(row for row in world.plan().rows if row.arm.component == "new")
    job, tuning = row.job, row.job.tunings[0]
    protocol = study.protocol
    fit = digest(
        SCHEMA_VERSION,
        [environment.device, dict(environment.libraries), environment.harness],
        pipeline_digest(job.pipeline),
        [job.task.fingerprint, job.task.task_type, job.task.metric],
        world.splits["t"][0].digest,
        dataclasses.asdict(protocol.budget),
        dataclasses.asdict(protocol.limits),
        protocol.precision,
    )
    space = {path: dataclasses.asdict(dimension) for path, dimension in job.space.items()}
    search = digest(protocol.tuning.sampler, environment.sampler, tuning.sampler_seed, space)
    seeds = list(tuning.seeds.streams())
    assert [trial.key for trial in tuning.trials] == [
        digest(fit, seeds, number, search if number else "") for number in range(3)
    ]
    tuned = digest(search, seeds, 3)
    assert [cell.key for cell in job.cells] == [
        digest(fit, list(cell.seeds.streams()), tuned if cell.setting == "tuned" else "")
        for cell in job.cells
    ]
    assert job.key == digest(fit, [cell.key for cell in job.cells])


def test_a_digest_is_the_same_in_every_version() -> None:
    whole = [1, ["cpu", {"b": "2", "a": "é"}], 0.1, None, True, ""]
    text = '[1,["cpu",{"a":"\\u00e9","b":"2"}],0.1,null,true,""]'
    assert digest(*whole) == hashlib.sha256(text.encode()).hexdigest()
    assert digest(*whole).startswith("217e8f53e620dd43")
