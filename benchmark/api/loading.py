"""A finished study as Python has it: its records as tables, its verdict, its figures."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from benchmark.errors import RequestError, nearest

if TYPE_CHECKING:
    import pandas as pd

    from benchmark.api.planning import PlannedStudy
    from benchmark.judge import Comparison, Judgement
    from benchmark.publish.site import Shown
    from benchmark.records.history import Note
    from benchmark.report import About
    from benchmark.report.figures import Drawing

__all__ = ["LoadedStudy", "Plots", "load"]


@dataclass(frozen=True, eq=False, repr=False)
class LoadedStudy:
    """A finished study, judged."""

    name: str
    records: pd.DataFrame
    """A row for every evaluated fit, as they were judged: columns of ``records.schema.RECORD_COLUMNS``."""
    trials: pd.DataFrame
    """A row for every setting that was tried while tuning."""
    judgement: Judgement
    about: About
    planned: PlannedStudy
    """What was asked: data sets, arms, protocol."""
    variants_tried: Mapping[str, int]
    """How many variants of each component its author's store has seen."""
    history: Sequence[Note] = ()
    """What earlier reports of it said, the oldest first; a bundle has none."""
    held_back: bool = False
    """Whether no page may name its data sets."""

    def verdict(self) -> pd.DataFrame:
        """A row for every comparison, as the report's; effects are shares of the larger error."""
        from benchmark.report.sections.verdict import verdict_table

        return verdict_table(self.judgement.comparisons).frame

    def effects(self) -> pd.DataFrame:
        """A row for every comparison, task and host: the paired effects that verdicts are computed from."""
        from benchmark.report.sections.verdict import effects_table

        return effects_table(self.judgement.comparisons).frame

    def comparison(self, candidate: str = "", baseline: str = "", setting: str = "") -> Comparison:
        """The first comparison of these names; without names the primary one.

        Raises
        ------
        RequestError
            When there is none.
        """
        asked = {"candidate": candidate, "baseline": baseline, "setting": setting}
        found = list(self.judgement.comparisons)
        for name, value in asked.items():
            known = sorted({getattr(c, name) for c in found})
            if value and value not in known:
                raise RequestError(
                    f"{name}={value}: {self.name} has no such comparison; {nearest(value, known)}"
                )
            found = [c for c in found if value in ("", getattr(c, name))]
        first = self.judgement.primary
        return first if first in found else found[0]

    @cached_property
    def plot(self) -> Plots:
        """The figures of its report, by name."""
        return Plots(self)

    def shown(self, name: str) -> Shown:
        """What a site shows of it, under a name."""
        from benchmark.publish.site import Past, Shown

        resolved = self.planned.resolved
        return Shown(
            name,
            self.about,
            self.judgement,
            self.records,
            self.planned.plan.tasks,
            {part.name: dict(part.source) for parts in resolved.components.values() for part in parts},
            self.variants_tried,
            [Past(note.at, note.verdict["comparisons"]) for note in self.history],
            self.held_back,
        )

    def __repr__(self) -> str:
        return f"<{self.name}: {len(self.judgement.comparisons)} comparisons, {len(self.records)} records>"

    def __str__(self) -> str:
        from benchmark.report import terminal_table

        return terminal_table(self.judgement, self.about, self.records, None)


@dataclass(frozen=True, eq=False)
class Plots:
    """Figures of a study; each shows itself in a notebook and has its numbers in ``table``."""

    study: LoadedStudy

    @property
    def names(self) -> list[str]:
        """Of every figure of the report, for ``plot[name]``."""
        return list(self._every)

    def __getitem__(self, name: str) -> Drawing:
        if name not in self._every:
            raise RequestError(f"plot['{name}']: no such figure; {nearest(name, self.names)}")
        return self._every[name]

    def overview(self) -> Drawing:
        """Every candidate's mean effect with the interval of its verdict."""
        return self["overview"]

    def forest(self, candidate: str = "", baseline: str = "", setting: str = "") -> Drawing:
        """The effects of one comparison task by task; without names of the primary one."""
        from benchmark.report import figures

        with figures.style():
            return figures.forest(self.study.comparison(candidate, baseline, setting), "forest")

    def heatmap(self, candidate: str = "", baseline: str = "", setting: str = "") -> Drawing:
        """The effects of one comparison by task and host."""
        from benchmark.report import figures

        with figures.style():
            return figures.heatmap(self.study.comparison(candidate, baseline, setting), "heatmap")

    @cached_property
    def _every(self) -> dict[str, Drawing]:
        from benchmark.report.files import drawings_of

        study = self.study
        return {
            one.name: one for one in drawings_of(study.about, study.judgement, study.records, study.trials)
        }


def load(place: Path | str) -> LoadedStudy:
    """A finished study: a bundle, or the folder that a run left (``results/demo``).

    No result is written. A bundle is judged again; ``swapbench verify`` says whether its records are to be
    believed.

    Raises
    ------
    RequestError
        In one line, where there is no study, or it is not finished.
    """
    from benchmark.api.exporting import is_bundle

    place = Path(place)
    if is_bundle(str(place)):
        return _of_bundle(place)
    if (place / "study.lock").is_file():
        return _of_store(place)
    raise RequestError(f"{place}: neither a bundle nor the folder of a study (results/NAME)")


def _of_bundle(place: Path) -> LoadedStudy:
    from benchmark.api.here import data_here
    from benchmark.api.verifying import in_order, judged_bundle, opened_bundle, planned_of

    bundle = opened_bundle(place)
    with in_order(place):
        data = data_here(bundle.document)
        planned = planned_of(bundle.document, data.cards)
        found = judged_bundle(bundle, planned, {**bundle.labels, **data.truths})
    tried = bundle.document.variants_tried
    return LoadedStudy(
        planned.name, found.records, bundle.trials, found.judgement, found.about, planned, tried
    )


def _of_store(folder: Path) -> LoadedStudy:
    from benchmark import report
    from benchmark.api.linking import records_of
    from benchmark.api.naming import named
    from benchmark.api.planning import plan_study
    from benchmark.api.reporting import examined
    from benchmark.api.running import is_held_back
    from benchmark.api.suspecting import suspected
    from benchmark.records.store import open_store

    asked = named([folder.name, f"results_dir={folder.parent}"])
    planned = plan_study(asked.overrides, asked.config_dirs)
    with open_store(planned.resolved.results_dir, write=False) as store:
        history = store.history(planned.name)
        if not history:
            raise RequestError(f"{folder}: not finished; `swapbench run` or `report` judges it")
        at = history[-1].at  # a run that was begun since is not judged yet
        records, trials = records_of(planned, store, at=at), store.trial_table(planned.name, at=at)
        variants = store.variants_tried(planned.study.slot)
        judgement, _ = examined(planned, records, store.prediction, suspected(planned), variants)
    about = report.about_study(dataclasses.replace(planned.study, name=planned.name), judgement)
    return LoadedStudy(
        planned.name,
        records,
        trials,
        judgement,
        about,
        planned,
        variants,
        history,
        is_held_back(folder / "study.lock"),
    )
