"""What the page and the tables say, drawn from the judgement and the records: numbers first, words last."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import pandas as pd

from benchmark.judge import Comparison, Judgement
from benchmark.report.figures import cost_table, reference_effects, tuning_gains
from benchmark.report.tables import Table
from benchmark.report.words import bounds, counted, number, p_value, percent, ratio, share
from benchmark.spec import Study, Task

__all__ = [
    "aa_table",
    "beaten_by",
    "costs",
    "effects_table",
    "data_table",
    "failure_sentence",
    "notes_table",
    "failures_table",
    "flat",
    "hosts_table",
    "protocol_facts",
    "reference_table",
    "refused_table",
    "robustness_table",
    "tracebacks",
    "verdict_table",
    "worse_when_tuned",
]

_NAMES = ["candidate", "baseline", "setting"]


def _named(c: Comparison) -> dict[str, Any]:
    return {"candidate": c.candidate, "baseline": c.baseline, "setting": c.setting}


def _ends(name: str, pair: Sequence[float | None] | None) -> dict[str, float | None]:
    low, high = bounds(pair) or (None, None)
    return {f"{name}_low": low, f"{name}_high": high}


def verdict_table(comparisons: Sequence[Comparison]) -> Table:
    """One row per comparison: everything that the verdict rests on."""
    rows = [
        _named(c)
        | {"verdict": c.verdict, "effect": c.effect.mean}
        | _ends("ci", c.effect.ci_verdict)
        | {"wins": c.wins, "ties": c.ties, "losses": c.losses, "p_better": c.probability_of_improvement}
        | {"noise_floor": c.noise_floor, "detectable": c.minimal_detectable_effect, "p_holm": c.p_holm}
        for c in comparisons
    ]
    formats: dict[str, Callable[[Any], str]] = dict.fromkeys(("effect", "ci_low", "ci_high"), percent)
    formats |= dict.fromkeys(("noise_floor", "detectable"), share)
    formats |= {"p_better": lambda value: f"{value:.2f}", "p_holm": p_value}
    caption = (
        "Mean relative effect (positive: the candidate has the smaller error) with the interval of the "
        "verdict, simultaneous over candidates; wins, ties and losses after the noise floor; p of "
        "Wilcoxon's signed-rank test, Holm-corrected."
    )
    return Table("verdicts", caption, pd.DataFrame(rows), formats)


def effects_table(comparisons: Sequence[Comparison]) -> Table:
    """One row per comparison, task and host: the effects that everything is computed from."""
    columns = ["task", "origin", "host", "effect", "error_candidate", "error_baseline", "floor", "outcome"]
    parts = [c.effects[[*columns, "saturated", "imputed"]].assign(**_named(c)) for c in comparisons]
    frame = pd.concat(parts, ignore_index=True)[[*_NAMES, *columns, "saturated", "imputed"]]
    formats = {"effect": percent, "floor": share, "error_candidate": number, "error_baseline": number}
    return Table("effects", "Paired effects by data set and host.", frame, formats)


def robustness_table(comparisons: Sequence[Comparison]) -> Table:
    """One row per comparison: how far the mean moves when something is left out."""
    rows = []
    for c in comparisons:
        row = _named(c) | {"effect": c.effect.mean}
        row |= _ends("task_out", c.leave_one_task_out) | _ends("host_out", c.leave_one_host_out)
        rest = c.without_saturated
        row |= {"without_saturated": rest and rest.mean, "verdict_without_saturated": rest and rest.verdict}
        row |= {"complete_case": c.complete_case}
        rows.append(row)
    frame = pd.DataFrame(rows)
    formats = {name: percent for name in frame.columns if name not in (*_NAMES, "verdict_without_saturated")}
    caption = (
        "The mean effect again: the lowest and the highest that leaving out one data set (task out) or one "
        "host (host out) can make it, without saturated data sets (fewer than five test errors in both "
        "arms), and over the blocks in which neither arm failed."
    )
    return Table("robustness", caption, frame, formats)


def hosts_table(comparisons: Sequence[Comparison]) -> Table:
    """One row per comparison and host: mean effect with its interval over origins."""
    parts = [c.hosts.assign(**_named(c)) for c in comparisons]
    frame = pd.concat(parts, ignore_index=True)[[*_NAMES, "host", "mean", "low", "high"]]
    caption = "Mean effect in each host alone, with its own 95 % interval over data sets, not simultaneous."
    return Table("hosts", caption, frame, dict.fromkeys(("mean", "low", "high"), percent))


def costs(comparisons: Sequence[Comparison]) -> Table | None:
    """Cost ratios beside the effects, or None where no cost is known."""
    frame = cost_table(comparisons).drop(columns=["low", "high"])
    if frame[["fit_seconds_ratio", "memory_ratio"]].isna().all(axis=None):
        return None
    caption = "Fit seconds and peak memory relative to the baseline's: geometric means over tasks and hosts."
    formats = {"fit_seconds_ratio": ratio, "memory_ratio": ratio, "effect": percent}
    return Table("cost", caption, frame, formats)


def failures_table(records: pd.DataFrame) -> Table | None:
    """One row per component, status and reason, the most frequent first; None where all is well."""
    failed = records[records["status"] != "ok"]
    if failed.empty:
        return None
    groups = failed.groupby(["component", "role", "status", "reason"], dropna=False, sort=True)
    frame = groups.agg(
        cells=("status", "size"), tasks=("task", _listed), hosts=("host", _listed)
    ).reset_index()
    frame = frame.sort_values("cells", ascending=False, kind="stable", ignore_index=True)
    return Table("failures", "Cells that came to no result.", frame, prose=("reason", "tasks", "hosts"))


def refused_table(refused: pd.DataFrame) -> Table | None:
    """One row per host and reason, with components and tasks; None where nothing was refused."""
    if refused.empty:
        return None
    places = refused.groupby(["component", "host", "reason"], dropna=False, sort=True)
    tasks = places.agg(combinations=("task", "size"), tasks=("task", _listed)).reset_index()
    groups = tasks.groupby(["host", "reason", "tasks"], dropna=False, sort=True)
    frame = groups.agg(components=("component", _listed), combinations=("combinations", "sum")).reset_index()
    frame = frame[["components", "host", "reason", "combinations", "tasks"]]
    frame = frame.sort_values("combinations", ascending=False, kind="stable", ignore_index=True)
    caption = "Combinations of the plan that cannot run, with the reason. No number above counts them."
    return Table("not-run", caption, frame, prose=("components", "reason", "tasks"))


def data_table(tasks: Sequence[Task]) -> Table:
    """One row per task: what it is and where it comes from."""
    rows = [
        {
            "task": task.name,
            "origin": task.origin,
            "modality": f"{task.modality}, generated" if task.generated else task.modality,
            "type": task.task_type,
            "rows": task.n_rows,
            "features": task.n_features,
            "classes": task.n_classes or None,
            "splits": task.scheme,
            "metric": task.metric,
        }
        for task in tasks
    ]
    made = sum(task.generated for task in tasks)
    caption = "The tasks. Those of one origin count as one data set."
    if made:
        caption += f" {counted(made, 'task')} generated by a formula, not measured."
    counts = dict.fromkeys(("rows", "features"), lambda value: f"{value:,}")
    counts["classes"] = lambda value: f"{value:.0f}"
    return Table("tasks", caption, pd.DataFrame(rows), counts)


def notes_table(tasks: Sequence[Task]) -> Table | None:
    """One row for everything that was inferred or found about a task; None where there is nothing to say."""
    rows = [{"task": task.name, "note": note} for task in tasks for note in task.notes]
    caption = "What was inferred because no card says it, left out, or found about the splits."
    return Table("data-notes", caption, pd.DataFrame(rows), prose=("note",)) if rows else None


def _listed(names: pd.Series, most: int = 12) -> str:
    every = sorted({str(name) for name in names.dropna()} - {""})
    rest = f" and {len(every) - most} more" if len(every) > most else ""
    return ", ".join(every[:most]) + rest


def tracebacks(records: pd.DataFrame, lines: int = 15, most: int = 8) -> list[dict[str, str]]:
    """The end of one traceback per component and reason, where the records carry any."""
    if "traceback" not in records.columns:
        return []
    told = records[records["traceback"].fillna("").astype("str") != ""]
    firsts = told.drop_duplicates(["component", "reason"]).head(most)
    return [
        {
            "title": f"{row.component} in {row.host or 'its own pipeline'} on {row.task}: {row.reason}",
            "text": "\n".join(str(row.traceback).splitlines()[-lines:]),
        }
        for row in firsts.itertuples()
    ]


def protocol_facts(study: Study, judgement: Judgement) -> list[tuple[str, str]]:
    """What was the same for every arm, term by term."""
    p = study.protocol
    splits, tuning, budget = p.splits, p.tuning, p.budget
    suite = f" of suite {study.suite}" if study.suite else ""
    kind = (
        "each task's own, else by its groups, time or classes" if splits.scheme == "auto" else splits.scheme
    )
    split = (
        f"{kind}; at most {counted(splits.repeats, 'repeat')} × {counted(splits.folds, 'fold')}, the same "
        f"for every arm; {splits.validation:.0%} of the training part held back for validation"
    )
    tuned = (
        f"{counted(tuning.trials, 'trial')} per arm, host, task and split (sampler {tuning.sampler}, tuned: "
        f"{tuning.what}); trial 0 is the default setting; selection reads validation data only"
    )
    if tuning.repeats > 1:
        tuned += f"; the whole of it {tuning.repeats} times, shared out among the seeds"
    trained = (
        f"{budget.amount:g} {budget.unit} per fit of a network, batches of {budget.batch_size}; stopped early"
        f" after {counted(budget.patience, 'evaluation')} without gain"
    )
    if budget.unit == "seconds":
        trained += "; the results depend on the machine"
    return [
        ("Arms", f"{', '.join(study.candidates)} against {', '.join(study.baselines)}"),
        ("Hosts", ", ".join(study.hosts) or "none: whole pipelines"),
        ("Data", f"{counted(len(study.tasks), 'task')}{suite}: {', '.join(study.tasks)}"),
        ("Splits", split),
        ("Seeds", f"{counted(p.seeds, 'seed')} per split, shared by all arms; root seed {study.seed}"),
        ("Tuning", tuned),
        ("Budget", trained),
        ("Limits", "none" if p.limits.seconds is None else f"{p.limits.seconds:g} seconds per fit"),
        ("A/A arms", f"{p.aa}: the baseline again, other seeds, tuned again"),
        ("Smallest effect that counts (ROPE, δ)", f"{100 * p.rope:g} %, fixed before the run"),
        ("Level", f"{100 * p.level:g} %, alpha {1 - p.level:.3g}"),
        ("Host effects", f"{judgement.host_effects} (asked for: {p.host_effects})"),
    ]


def flat(mapping: Mapping[str, Any], prefix: str = "") -> list[tuple[str, str]]:
    """A nested mapping as (path, text) pairs in its own order."""
    rows: list[tuple[str, str]] = []
    for key, value in mapping.items():
        name = f"{prefix} {key}".strip().replace("_", " ")
        if isinstance(value, Mapping):
            rows += flat(value, name)
        elif isinstance(value, (list, tuple)):
            rows.append((name, ", ".join(str(item) for item in value)))
        elif value is not None and value != "":
            rows.append((name, {True: "yes", False: "no"}[value] if isinstance(value, bool) else str(value)))
    return rows


def beaten_by(judgement: Judgement) -> list[str]:
    """One warning per baseline that a reference beats on average over data sets."""
    warnings = []
    table = judgement.references
    for baseline in dict.fromkeys(c.baseline for c in judgement.comparisons):
        effects = reference_effects(table, baseline)
        others = effects[effects["role"] == "reference"]
        means = others.groupby("arm", sort=True)["effect"].mean().sort_values(ascending=False)
        better = means[means > 0]
        if len(better):
            names = ", ".join(f"{arm} ({percent(mean)})" for arm, mean in better.items())
            warnings.append(
                f"The baseline {baseline} loses to {counted(len(better), 'reference')} on average over data "
                f"sets: {names}. A gain over it says little about the state of the art on these data."
            )
    return warnings


def worse_when_tuned(judgement: Judgement) -> list[str]:
    """One warning per baseline whose mean error is larger tuned than with its default setting."""
    gains = tuning_gains(judgement.comparisons).set_index("arm")["gain"]
    return [
        f"The baseline {baseline} is worse tuned than with its default setting ({percent(gains[baseline])}): "
        "the validation data or the search space mislead its tuning, so read both settings."
        for baseline in dict.fromkeys(c.baseline for c in judgement.comparisons)
        if gains.get(baseline, 0.0) < 0
    ]


def failure_sentence(records: pd.DataFrame) -> str:
    """How many cells came to no result, by component; empty where all did."""
    failed = records[records["status"] != "ok"]
    if failed.empty:
        return ""
    counts = failed["component"].value_counts()
    names = ", ".join(
        f"{name} {count}" for name, count in sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    )
    return f"{counted(len(failed), 'cell')} of {len(records)} came to no result ({names})."


def reference_table(judgement: Judgement) -> Table | None:
    """One row per arm: mean effect against the first baseline and data sets won; None without references."""
    table = judgement.references
    if not (table["role"] == "reference").any():
        return None
    baseline = judgement.comparisons[0].baseline
    effects = reference_effects(table, baseline)
    effects["better"] = effects["effect"] > 0
    groups = effects.groupby(["role", "arm"], sort=False)
    columns = {"effect": ("effect", "mean"), "lowest": ("effect", "min"), "highest": ("effect", "max")}
    frame = groups.agg(
        **columns, better_on=("better", "sum"), tasks=("effect", "count"), failures=("failures", "sum")
    )
    frame = frame.reset_index()[["arm", "role", *columns, "better_on", "tasks", "failures"]]
    caption = (
        f"Mean error of each arm relative to {baseline} over data sets, with the lowest and the highest."
    )
    return Table("references", caption, frame, dict.fromkeys(columns, percent))


def aa_table(judgement: Judgement) -> Table | None:
    """One row per A/A arm: its mean effect and its largest on one data set; None without A/A arms."""
    rows = []
    for (baseline, setting), floor in judgement.aa.items():
        for replicate, mean in floor.means.items():
            arm = floor.effects[floor.effects["replicate"] == replicate]
            largest = arm.groupby("task")["effect"].mean().abs().max()
            row = {"baseline": baseline, "setting": setting, "replicate": replicate, "mean_effect": mean}
            rows.append(row | {"largest_on_a_task": float(largest), "floor": floor.mean})
    if not rows:
        return None
    caption = "The baseline against itself. The noise floor is the largest mean, without its sign."
    formats = {"mean_effect": percent, "largest_on_a_task": share, "floor": share}
    return Table("aa", caption, pd.DataFrame(rows), formats)
