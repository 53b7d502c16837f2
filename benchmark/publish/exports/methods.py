"""The paragraphs of a paper that say what was done: every number in them comes from the study."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence

from benchmark.judge import Comparison
from benchmark.publish.exports.prose import References, cited, name_key
from benchmark.publish.exports.published import Published
from benchmark.publish.exports.tally import Tally, tally
from benchmark.report.basis import interval_kind
from benchmark.report.sections.material import leading
from benchmark.report.words import counted, p_value, seconds, share, verdict_of
from benchmark.spec import Task

__all__ = ["compared_tasks", "is_tuned", "methods", "references"]

_CLUSTERS = "two-way-clusters"
_SEQUENCES = {"bounded": "bounded-sequence", "normal": "normal-sequence"}
_FORMULAS = {
    _CLUSTERS: "https://doi.org/10.1198/jbes.2010.07136",
    "bounded-sequence": "arXiv:2010.09686",
    "normal-sequence": "arXiv:2310.03722",
}
_TUNED = {
    "slot": "of the varied part alone",
    "host": "of the host pipeline around the varied part",
    "joint": "of the varied part and of its host pipeline together",
}
_SAMPLERS = {
    "sobol": "proposed by a Sobol sequence",
    "random": "drawn at random",
    "tpe": "proposed by a tree-structured Parzen estimator",
}
_STATES = {True: "held", False: "failed", None: "could not be shown"}
_SPELLED = 8
"""Names that are listed; of more, only how many there are."""
_TOLD = 3
"""Comparisons that are told in full."""


def references(published: Published) -> References:
    """Where the compared components, the references and the formulas come from, where that is known."""
    document, found = published.bundle.document, {}
    parts = [part for parts in document.components.values() for part in parts]
    parts += [part for pipeline in document.references.values() for part in pipeline.components.values()]
    for part in parts:
        if paper := part.source.get("paper"):
            found[name_key(part.name)] = paper
    protocol = document.study.protocol
    if any(c.host_effects == "random" for c in published.judgement.comparisons):
        found[_CLUSTERS] = _FORMULAS[_CLUSTERS]
    if protocol.stop == "sequential":
        found[_SEQUENCES[protocol.sequence]] = _FORMULAS[_SEQUENCES[protocol.sequence]]
    return found


def methods(published: Published) -> list[str]:
    """Paragraphs on what was compared, how it was run, how it was judged, what came out, what it took.

    Names that :func:`references` knows are marked for a citation.
    """
    known, facts = references(published), tally(published)
    paragraphs = [
        _compared(published, known),
        _run(published),
        _tuned(published),
        _judged(published),
        [*_found(published), *_not_selected(published)],
        _computed(facts),
    ]
    return [" ".join(sentences) for sentences in paragraphs]


def _compared(published: Published, known: References) -> Iterator[str]:
    document = published.bundle.document
    study = document.study
    candidates, baselines, hosts = (
        _listed([cited(name, known) for name in names])
        for names in (study.candidates, study.baselines, study.hosts)
    )
    several = len(study.candidates) > 1
    what = " and ".join(slot.replace("_", " ") for slot in study.slots)
    where = f" in {counted(len(study.hosts), 'host pipeline')} ({hosts})" if study.hosts else ""
    yield (
        f"We compared {counted(len(study.candidates), 'candidate')} for the {what} ({candidates}) with "
        f"{'the baseline' if len(study.baselines) == 1 else 'the baselines'} {baselines}{where}; within a "
        f"pipeline nothing else {'differs between them' if several else 'differs from the baseline'}."
    )
    if study.references:
        yield (
            "Whole pipelines stand beside for reference: "
            f"{_listed([cited(r, known) for r in study.references])}."
        )
    yield from _data([*compared_tasks(published).values()], study.suite)
    for name, reason in document.missing.items():
        yield f"{name} could not be run ({reason})."
    if document.unavailable:
        yield (
            f"{counted(len(document.unavailable), 'data set')} did not exist: "
            f"{_listed([*document.unavailable])}."
        )
    left_out = len({(r.component, r.host, r.task) for r in published.plan.refused})
    if left_out:
        yield (
            f"{counted(left_out, 'combination')} of component, host and data set did not fit together and "
            "were left out."
        )


def compared_tasks(published: Published) -> dict[str, Task]:
    """The tasks on which anything was compared: fewer than planned where a study stops early."""
    records = published.bundle.records
    seen = set(records.loc[records["role"].isin(["candidate", "baseline"]), "task"])
    return {name: task for name, task in published.plan.tasks.items() if name in seen}


def is_tuned(published: Published) -> bool:
    """Whether more than the default setting was tried of anything that is compared."""
    tuning = published.bundle.document.study.protocol.tuning
    roles = ("baseline", "candidate")
    return tuning.trials > 1 and any(r.job.space for r in published.plan.rows if r.arm.role in roles)


def _data(tasks: Sequence[Task], suite: str) -> Iterator[str]:
    origins, kinds = {task.origin for task in tasks}, Counter(task.task_type for task in tasks)
    of = f" of the suite {suite}" if suite else ""
    yield (
        f"The {counted(len(tasks), 'data set')}{of} are of {counted(len(origins), 'independent origin')} "
        f"({_tallied(kinds)}), with {_span(task.n_rows for task in tasks)} rows and "
        f"{_span(task.n_features for task in tasks)} features."
    )
    if made := sum(task.generated for task in tasks):
        yield f"{made} of them {'is' if made == 1 else 'are'} generated by a formula."


def _run(published: Published) -> Iterator[str]:
    document = published.bundle.document
    study, protocol = document.study, document.study.protocol
    run = compared_tasks(published)
    times = _span(len(document.splits[name]) for name in run)
    yield (
        f"Every data set was split {_times(times)} into training and test rows "
        f"({_over(Counter(task.scheme for task in run.values()))}), the same rows for every arm; "
        f"{protocol.splits.validation:.0%} of each training part was held back for validation."
    )
    yield (
        f"On every split each arm was trained with {counted(protocol.seeds, 'seed')}; the random numbers of "
        f"initial weights, of the order of rows and of training follow from the root seed {study.seed} and "
        "are the same for every arm."
    )
    metrics = _over(Counter(task.metric for task in run.values()))
    yield f"The measure is {metrics}; where more is better, the error is the distance from the best."
    if any(row.job.pipeline.family == "neural" for row in published.plan.rows):
        budget = protocol.budget
        yield (
            f"Networks were trained for at most {budget.amount:g} {budget.unit} with batches of "
            f"{budget.batch_size}, and were stopped early after {counted(budget.patience, 'evaluation')} "
            "without a smaller validation error."
        )
    if protocol.limits.seconds is not None:
        yield f"A fit of more than {seconds(protocol.limits.seconds)} was ended and counted as failed."


def _tuned(published: Published) -> Iterator[str]:
    study = published.bundle.document.study
    tuning = study.protocol.tuning
    rows = [row for row in published.plan.rows if row.arm.role in ("baseline", "candidate")]
    if not is_tuned(published):
        yield "Nothing was tuned: every arm ran in its default setting."
        return
    again = f", {_times(str(tuning.repeats))} with other seeds" if tuning.repeats > 1 else ""
    yield (
        "Candidates and baselines were tuned alike: for each arm, host, data set and split "
        f"{counted(tuning.trials, 'setting')} {_TUNED[tuning.what]}, {_SAMPLERS[tuning.sampler]}{again}, "
        "the default setting first; the one with the smallest validation error was kept, and test rows "
        "took no part in the choice."
    )
    counts = {
        name: {len(row.job.space) for row in rows if row.arm.component == name}
        for name in dict.fromkeys((*study.baselines, *study.candidates))
    }
    searched = {name: found for name, found in counts.items() if any(found)}
    if len(searched) > _SPELLED:
        every = {count for found in searched.values() for count in found}
        yield f"Searched hyperparameters: {_span(every)} of each of {len(searched)} arms (table spaces)."
    elif searched:
        each = [f"{name} {_span(found)}" for name, found in searched.items()]
        yield f"Searched hyperparameters: {_listed(each)}."
    if bare := [name for name, found in counts.items() if found == {0}]:
        yield f"{_listed(bare)} {'has' if len(bare) == 1 else 'have'} none, and ran in the default setting."


def _judged(published: Published) -> Iterator[str]:
    protocol, comparisons = published.bundle.document.study.protocol, leading(published.judgement)
    first = comparisons[0]
    how = interval_kind(first)
    marks = f" ⟦{_CLUSTERS}⟧" if first.host_effects == "random" else ""
    marks += f" ⟦{_SEQUENCES[protocol.sequence]}⟧" if protocol.stop == "sequential" else ""
    hosts = " and host pipelines" if len({host for c in comparisons for host in c.hosts["host"]}) > 1 else ""
    yield (
        "For each data set and host the effect Δ is the baseline's error less the candidate's, divided by "
        "the larger of the two, each averaged over splits and seeds first; it is positive where the "
        f"candidate is better. Effects are averaged with equal weight over independent data sets{hosts}, "
        f"and the verdict is read off a {how}{marks}. The smallest effect that counts (δ) was fixed before "
        f"the run at {share(protocol.rope)}."
    )
    if protocol.aa:
        yield (
            "To know the noise of the whole procedure each baseline was run and tuned "
            f"{_times(str(protocol.aa))} more with other seeds; an effect counts only where it exceeds the "
            f"largest that was seen there ({_floors(comparisons)})."
        )
    if protocol.controls:
        states = Counter(_STATES[control.held] for control in published.judgement.controls)
        yield f"The study checked itself with controls ({_listed(protocol.controls)}): {_tallied(states)}."
    if protocol.stop == "sequential":
        yield (
            "Data sets were run one after the other in an order fixed by the root seed, a candidate only "
            "until its verdict was settled."
        )
    if protocol.confirm == "split":
        yield (
            "Candidates were selected on one half of the data sets, and the selected one was judged on the "
            "other half."
        )
    yield (
        "Where a fit failed, its error was taken as the larger of the other arm's and that of a predictor "
        "without features."
    )


def _floors(comparisons: Iterable[Comparison]) -> str:
    found = dict.fromkeys(
        f"{share(c.noise_floor)} for {c.baseline}" for c in comparisons if c.noise_floor is not None
    )
    return _listed([*found]) or "none was seen"


def _found(published: Published) -> Iterator[str]:
    """The primary comparison and a few more in words, of the rest how many got which verdict."""
    primary, stops = published.judgement.primary, published.bundle.document.study.protocol.stop != "never"
    told = [c for c in leading(published.judgement) if "not_selected" not in c.flags]
    ordered = sorted(told, key=lambda c: c is not primary)
    for c in ordered[:_TOLD]:
        yield c.sentence
        if not stops:  # a p value of a fixed number of data sets says nothing after stopping early
            yield f"(Wilcoxon's signed-rank test over data sets, Holm-adjusted: p {_p(c.p_holm)}.)"
    if rest := ordered[_TOLD:]:
        verdicts = _tallied(Counter(verdict_of(c) for c in rest))
        yield f"The verdicts on the other {counted(len(rest), 'comparison')}: {verdicts} (table verdicts)."


def _not_selected(published: Published) -> Iterator[str]:
    if names := [c.candidate for c in leading(published.judgement) if "not_selected" in c.flags]:
        yield f"Nothing is claimed of {_listed(names)}, which the selecting half did not select."


def _computed(facts: Tally) -> Iterator[str]:
    yield (
        f"The study consists of {counted(facts.cells, 'evaluated fit')} and "
        f"{counted(facts.trials, 'tuning fit')}, which took {seconds(facts.seconds)} of fitting on "
        f"{_listed(facts.machines)}."
    )
    if facts.failed:
        yield f"{counted(sum(facts.failed.values()), 'fit')} did not succeed ({_tallied(facts.failed)})."
    yield f"Software: {_listed(facts.software, len(facts.software))}."


def _p(value: float) -> str:
    said = p_value(value)
    return said if said.startswith("<") else f"= {said}"


def _listed(names: Sequence[str], most: int = _SPELLED) -> str:
    """``a, b and c``; of many the first, and how many more."""
    if len(names) > most:
        return f"{', '.join(names[:most])} and {len(names) - most} more"
    return " and ".join(filter(None, [", ".join(names[:-1]), *names[-1:]]))


def _tallied(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{count} {name}" for name, count in sorted(counts.items()))


def _over(counts: Mapping[str, int]) -> str:
    """How many data sets each is on, the first with the noun; the name alone where there is one."""
    if len(counts) == 1:
        return next(iter(counts))
    first, *rest = sorted(counts.items())
    return _listed([f"{first[0]} on {counted(first[1], 'data set')}", *(f"{n} on {c}" for n, c in rest)])


def _times(span: str) -> str:
    return {"1": "once", "2": "twice"}.get(span, f"{span} times")


def _span(values: Iterable[int]) -> str:
    found = sorted(values)
    return f"{found[0]:,}" if found[0] == found[-1] else f"{found[0]:,} to {found[-1]:,}"
