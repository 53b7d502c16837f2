"""What a study claims: sentences for people with fields for machines, and the records that each rests on."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
from scipy import stats

from benchmark.judge import Comparison, Judgement
from benchmark.judge.comparison import plain
from benchmark.judge.pairing import UNSTATED
from benchmark.judge.words import ends, percent
from benchmark.report.about import About
from benchmark.report.words import counted, number, seconds
from benchmark.spec import Task

__all__ = ["CLAIMS_SCHEMA", "Claim", "claims_json", "claims_of", "claims_text", "tolerances"]

CLAIMS_SCHEMA = 1
_LEVEL = ["role", "component", "host", "task", "setting"]
_PLACE = ["host", "task", "setting"]
_SPLIT = ["repeat", "part"]
_CLAIMED = ("candidate", "baseline", "reference")


@dataclass(frozen=True, eq=False)
class Claim:
    """One sentence that a stranger can check."""

    id: str
    """Different for every claim of a study; a colon within a name stands as ``%3A``."""
    kind: str
    """``level`` (what an arm reaches) or ``comparison`` (a verdict)."""
    sentence: str
    """For people; it repeats what is in ``volatile``."""
    fields: Mapping[str, Any]
    """The same for machines; what rests on time or machine is in ``volatile``."""
    rests_on: Mapping[str, Any] = field(default_factory=dict)
    """Which records: their coordinates, and where they have keys ``count`` and ``digest``."""

    def to_json(self) -> dict[str, Any]:
        """One of the ``claims`` of claims.json, as plain values."""
        said = {"id": self.id, "kind": self.kind, "sentence": self.sentence}
        return {
            name: plain(value) for name, value in {**said, **self.fields, "rests_on": self.rests_on}.items()
        }


def claims_json(
    about: About,
    judgement: Judgement,
    records: pd.DataFrame,
    tasks: Sequence[Task] = (),
    provenance: Sequence[Mapping[str, Any]] = (),
) -> dict[str, Any]:
    """``claims.json`` as plain values; the order of rows, tasks and machines changes nothing."""
    found = claims_of(about, judgement, records, tasks, provenance)
    return {"schema": CLAIMS_SCHEMA, "study": about.name, "claims": [claim.to_json() for claim in found]}


def claims_text(claims: Mapping[str, Any]) -> str:
    """``claims.json`` as text: one claim a line."""
    head = {key: value for key, value in claims.items() if key != "claims"}
    lines = [json.dumps(claim, sort_keys=True, allow_nan=False) for claim in claims["claims"]]
    begin = json.dumps(head, sort_keys=True, allow_nan=False).removesuffix("}")
    return f'{begin}, "claims": [\n' + ",\n".join(lines) + "\n]}\n"


def claims_of(
    about: About,
    judgement: Judgement,
    records: pd.DataFrame,
    tasks: Sequence[Task] = (),
    provenance: Sequence[Mapping[str, Any]] = (),
) -> list[Claim]:
    """Comparison claims in the judgement's order, then level claims by name.

    Without tasks or keys, as for somebody else's table, there are no level claims.
    """
    if "key" not in records.columns:
        return [_comparison(c, None) for c in judgement.comparisons]
    rows = _prepared(records)
    claims = [_comparison(c, rows) for c in judgement.comparisons]
    return [*claims, *_levels(about, rows, tasks, provenance)] if tasks else claims


def tolerances(rows: pd.DataFrame) -> pd.DataFrame:
    """How far the mean score of an independent run with other seeds lies off, in 19 of 20 runs.

    Parameters
    ----------
    rows : pandas.DataFrame
        Columns role, component, host, task, setting, repeat, part, replicate, tuning, seed, score: arms that
        are compared, their A/A arms and references; NaN where a cell failed.

    Returns
    -------
    pandas.DataFrame
        By (role, component, host, task, setting): ``tolerance`` (NaN where nothing was repeated) and
        ``tolerance_from`` (``aa``, ``seeds`` or ``none``).

    Notes
    -----
    Another run has the same F splits and U other repetitions on each. With the variance v_f between
    repetitions on split f, the difference of two such means has the variance 2 Σ v_f / (F² U), and the
    tolerance is ``t(0.975, ν) · sqrt(2 Σ v_f / U) / F`` with Satterthwaite's degrees of freedom
    ν = (Σ v_f)² / Σ (v_f² / ν_f), ν_f being those of v_f. Splits are fixed, so their spread is not in it.

    A repetition is what has a seed of its own: a seed; in the tuned setting a whole tuning study, where there
    are several. ``aa``: v_f is that of the baseline and its A/A arms on that task and host, in the default
    setting with each seed a repetition, tuned with each tuning study; where the arm's own repetitions differ
    more, theirs is used. ``seeds`` (no A/A arms there): the arm's own; what was tuned once is then taken as
    tuned, and another tuning may change more.

    Simulated with normal noise that differs from split to split (1 to 10 splits, 1 to 4 seeds, 0 to 2 A/A
    arms), 94 to 99 % of independent runs lie within; more where few repetitions make ν uncertain. An arm with
    one seed that is twice as noisy as the baseline lies within in 77 to 90 %, with three seeds in 92 %.
    """
    own = _variance(rows[rows["role"].isin(_CLAIMED)], _LEVEL, again=False)
    baseline = rows[rows["role"].isin(("baseline", "aa"))]
    arms = ["component", *_PLACE]
    repeated = baseline.groupby(arms, sort=True)["replicate"].transform("max") > 0
    aa = _variance(baseline[repeated], arms, again=True)
    floor = aa.groupby(level=_PLACE).max() if len(aa) else aa.droplevel("component")
    noise = own.join(floor.add_suffix("_aa"), on=_PLACE)
    t_aa, t_own = noise.get("factor_aa"), noise["factor"]
    by_aa = t_aa * np.sqrt(np.fmax(noise["variance_aa"], noise["variance"]))
    by_seeds = t_own * np.sqrt(noise["variance"])
    source = np.select([by_aa.notna(), by_seeds.notna()], ["aa", "seeds"], "none")
    return pd.DataFrame({"tolerance": by_aa.fillna(by_seeds), "tolerance_from": source}, index=noise.index)


def _variance(rows: pd.DataFrame, by: list[str], *, again: bool) -> pd.DataFrame:
    """Variance of the difference of two runs, and the factor of its tolerance; NaN where nothing repeats."""
    tuned = rows["setting"] == "tuned"
    several = rows.groupby(by, sort=False)["tuning"].transform("max") > 0
    unit = rows["tuning"].where(tuned & (several | again), rows["seed"])
    rows = rows.assign(unit=unit)[rows["score"].notna()]
    units = rows.groupby([*by, *_SPLIT, "replicate", "unit"], sort=True)["score"].mean()
    split = units.groupby(level=[*by, *_SPLIT], sort=True)
    arms = units.index.to_frame(index=False).groupby([*by, *_SPLIT], sort=True)["replicate"].nunique()
    v, free = split.var(ddof=1), split.size() - 1
    run = split.size() / arms.to_numpy()  # repetitions in one run
    per = pd.DataFrame({"v": v, "part": 2 * v / run, "free": free})
    per["squared"] = per["part"] ** 2 / per["free"].where(per["free"] > 0)
    groups = per.groupby(level=by, sort=True)
    total, squared = groups["part"].sum(min_count=1), groups["squared"].sum(min_count=1)
    whole = groups["v"].count() == groups.size()
    nu = (total**2 / squared).where(squared > 0, groups["free"].sum())
    factor = pd.Series(stats.t.ppf(0.975, nu.to_numpy(dtype=float)), index=nu.index)
    return pd.DataFrame(
        {"variance": (total / groups.size() ** 2).where(whole), "factor": factor.where(whole)}
    )


def _prepared(records: pd.DataFrame) -> pd.DataFrame:
    """The study's own arms in an order of their own, a row of pooled folds counted as one split."""
    rows = records[records["role"].isin((*_CLAIMED, "aa"))]
    rows = rows.assign(host=rows["host"].fillna(""))
    pooled = rows.get("pooled", pd.Series(False, rows.index)).fillna(False).astype(bool)
    ok = (rows["status"] == "ok") & np.isfinite(pd.to_numeric(rows["error"]).to_numpy(dtype=float))
    for name in ("score", "error", "fit_seconds"):
        rows[name] = pd.to_numeric(rows[name]).astype(float).where(ok)
    rows = rows.assign(part=rows["fold"].mask(pooled, -1), failed=~ok)
    order = [*_LEVEL, "repeat", "fold", "replicate", "seed", "key"]
    return rows.sort_values(order, kind="stable", ignore_index=True)


def _levels(
    about: About, rows: pd.DataFrame, tasks: Sequence[Task], provenance: Sequence[Mapping[str, Any]]
) -> Iterator[Claim]:
    told = rows[rows["role"].isin(_CLAIMED)]
    groups = told.groupby(_LEVEL, sort=True)
    facts = groups.agg(
        value=("score", "mean"),
        spread=("score", "std"),
        error=("error", "mean"),
        seconds=("fit_seconds", "mean"),
        count=("key", "size"),
        failures=("failed", "sum"),
        metric=("metric", "first"),
        trials=("trials", "max"),
        seeds=("seed", "nunique"),
        keys=("key", list),
    )
    facts["splits"] = told.drop_duplicates([*_LEVEL, "repeat", "fold"]).groupby(_LEVEL, sort=True).size()
    facts = facts.join(tolerances(rows)).reset_index()
    known, machines = {task.name: task for task in tasks}, _machines(provenance)
    for row in facts.to_dict("records"):
        yield _level(about, row, known.get(row["task"]), machines)


def _level(about: About, row: Mapping[str, Any], task: Task | None, machines: Sequence[str]) -> Claim:
    at = {name: row[name] for name in ("component", "role", "host", "task", "setting")}
    begin = ("reference", row["component"]) if row["role"] == "reference" else ("level", *_pair(row))
    fields = {
        **at,
        "metric": row["metric"],
        **{name: _float(row[name]) for name in ("value", "spread", "error", "tolerance")},
        "tolerance_from": row["tolerance_from"],
        "data": None if task is None else task.fingerprint,
        "splits": int(row["splits"]),
        "seeds": int(row["seeds"]),
        "failures": int(row["failures"]),
        "volatile": {"seconds": _float(row["seconds"]), "hardware": list(machines)},
    }
    rests_on = {**at, "replicate": 0, **_keys(row["keys"])}
    sentence = _level_sentence(about, row, task, machines)
    return Claim(_id(*begin, row["task"], row["setting"]), "level", sentence, fields, rests_on)


def _pair(row: Mapping[str, Any]) -> tuple[str, str]:
    return str(row["component"]), str(row["host"])


def _level_sentence(about: About, row: Mapping[str, Any], task: Task | None, machines: Sequence[str]) -> str:
    data = "" if task is None else f" ({_origin(task)}data fingerprint {task.fingerprint[:8]}…)"
    scheme = "" if task is None or not task.scheme else f" ({task.scheme})"
    splits, seeds = counted(int(row["splits"]), "split"), counted(int(row["seeds"]), "seed")
    tuned = f"tuned with {counted(int(row['trials']), 'trial')}" if row["setting"] == "tuned" else "untuned"
    host = f" in host {row['host']}" if row["host"] else ""
    where = f"On {'; or '.join(machines)}, task" if machines else "On task"
    result = _result(row)
    return (
        f"{where} {row['task']}{data}, {splits}{scheme} and {seeds}, protocol of study {about.name}: "
        f"{row['component']}{host}, {tuned}, {result}."
    )


def _result(row: Mapping[str, Any]) -> str:
    failed, fits = int(row["failures"]), counted(int(row["count"]), "fit")
    if failed == row["count"]:
        return f"reaches nothing: all of its {fits} failed"
    known = math.isfinite(row["tolerance"])
    more = f" ± {number(row['tolerance'], 2)}" if known else " (what other seeds would change is unknown)"
    lost = f"; {failed} of its {fits} failed and {'is' if failed == 1 else 'are'} left out" if failed else ""
    return f"reaches {row['metric']} {number(row['value'])}{more} in {seconds(row['seconds'])} per fit{lost}"


def _origin(task: Task) -> str:
    return f"from {task.origin}; " if task.origin != task.name else ""


def _comparison(c: Comparison, rows: pd.DataFrame | None) -> Claim:
    pair = c.effect.ci_verdict
    fields = {
        "candidate": c.candidate,
        "baseline": c.baseline,
        "setting": c.setting,
        "verdict": c.verdict,
        "effect": c.effect.mean,
        "ci_verdict": None if pair is None else list(pair),
        "noise_floor": c.noise_floor,
        "tolerance": c.noise_floor,
        "tolerance_from": "none" if c.noise_floor is None else "aa",
        "failures": dict(c.failures),
    }
    sides, effects = [c.candidate, c.baseline], c.effects
    rests_on: dict[str, Any] = {"component": sides, "setting": c.setting}
    rests_on |= {"task": sorted(set(effects["task"])), "host": sorted(set(effects["host"].fillna("")))}
    if rows is not None:
        within = [rows[name].isin(rests_on[name]) for name in ("component", "task", "host")]
        used = np.logical_and.reduce([*within, rows["setting"] == c.setting, rows["role"] != "reference"])
        rests_on |= {"role": ["candidate", "baseline", "aa"], **_keys(list(rows.loc[used, "key"]))}
    setting = () if c.setting == UNSTATED else (c.setting,)
    name = _id("comparison", c.candidate, c.baseline, *setting)
    return Claim(name, "comparison", _comparison_sentence(c), fields, rests_on)


def _comparison_sentence(c: Comparison) -> str:
    hosts = [host for host in c.hosts["host"] if host]
    over = f"Over {counted(c.n['origins'], 'data set')}"
    over += f" and {counted(len(hosts), 'host')}" if hosts else ""
    over += "" if c.setting == UNSTATED else f", {c.setting}"
    if c.verdict == "INSUFFICIENT" or "not_selected" in c.flags:
        why = "not selected" if "not_selected" in c.flags else "too few data sets: INSUFFICIENT"
        return f"{over}, nothing is claimed of {c.candidate} against {c.baseline} ({why})."
    better, pair = c.effect.mean >= 0, c.effect.ci_verdict
    if pair is not None and not better:
        pair = (-pair[1], -pair[0])
    size = percent(abs(c.effect.mean))
    sure = f"{100 * c.level:g} % interval {ends(pair)}"
    words = {
        "EQUIVALENT": f"shows no difference that counts from {c.baseline}: its error is {size} "
        f"{'lower' if better else 'higher'}",
        "INCONCLUSIVE": f"may be better or worse than {c.baseline}: its error is {size} "
        f"{'lower' if better else 'higher'}",
    }
    open_ended = f"is {'better' if better else 'worse'} than {c.baseline} by {size} of the error"
    return f"{over}, {c.candidate} {words.get(c.verdict, open_ended)}, {sure}: {c.verdict}."


def _machines(provenance: Sequence[Mapping[str, Any]]) -> list[str]:
    """Every machine in words, in alphabetical order."""
    return sorted({_machine(facts) for facts in provenance if facts.get("cpu")})


def _machine(facts: Mapping[str, Any]) -> str:
    cores = facts.get("cores")
    of = f"{counted(cores, 'core')} of " if isinstance(cores, int) else ""
    gpus = facts.get("gpus")
    cards = f" with {', '.join(map(str, gpus))}" if isinstance(gpus, list | tuple) and gpus else ""
    return f"{of}{facts['cpu']}{cards}"


def _keys(keys: Sequence[str]) -> dict[str, Any]:
    joined = "\n".join(sorted(map(str, keys)))
    return {"count": len(keys), "digest": hashlib.sha256(joined.encode()).hexdigest()}


def _id(*names: str) -> str:
    return ":".join(str(name).replace("%", "%25").replace(":", "%3A") for name in names)


def _float(value: Any) -> float | None:
    return float(value) if math.isfinite(value) else None
