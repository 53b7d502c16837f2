"""The files of the site: the same studies give the same bytes."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from importlib.resources import files
from typing import Any

import jinja2
from markupsafe import Markup

from benchmark.judge.side_by_side.board import Board
from benchmark.publish.site.numbers import board_data, facets
from benchmark.publish.site.rows import comparison_row, entrant_rows, named, prose
from benchmark.publish.site.shown import Names, Shown, lead_of
from benchmark.publish.site.tables import cell_frame, effect_rows, split_rows, task_rows
from benchmark.report import figures
from benchmark.report.sections.verdict import verdict_table
from benchmark.report.tables import csv
from benchmark.report.words import VERDICTS, counted, percent, printable

__all__ = ["SITE_MARK", "site_files"]

SITE_MARK = "swapbench-site.json"
"""The file by which a folder is known as a site that may be written anew."""
_SHOWN_SPLITS = 2_000
"""Rows of splits that a page of cells shows itself; with more of them they are downloads alone."""
_DRAWN = 60
"""Entrants up to which a cost diagram names them and is drawn."""
_HARM_OR_HELP = 12
"""Rows of a table of a component's best or worst tasks."""


def site_files(
    studies: Sequence[Shown], title: str, nights: Sequence[Mapping[str, Any]] = ()
) -> dict[str, bytes]:
    """The whole site: content by path, ``/`` between the parts.

    ``nights`` are what nights changed, the newest first, as ``Changes.to_json`` says it in public.
    Every text of a study is escaped; no page asks the network for anything, and each opens from the disk.
    """
    names = Names(studies)
    pages = _Pages(studies, names, title, nights)
    text = {
        "index.html": pages.front(),
        "site.css": _source("page.css", "benchmark.report") + _source("site.css", "benchmark.publish.site"),
        "site.js": _source("site.js", "benchmark.publish.site"),
        SITE_MARK: json.dumps({"schema": 1, "studies": [study.name for study in studies]}) + "\n",
        **{path: page for study in studies for path, page in _of_study(study, names, pages)},
        **dict(pages.components()),
        **dict(pages.tasks()),
        **({"nights.html": pages.nights(), "changes.json": json.dumps(nights[0]) + "\n"} if nights else {}),
    }
    return {path: content.encode("utf-8", "replace") for path, content in sorted(text.items())}


def _of_study(study: Shown, names: Names, pages: _Pages) -> Iterator[tuple[str, str]]:
    if study.held_back:
        yield names.study(study), pages.held_back(study)
        return
    data = board_data(study, names, round(1 - study.judgement.level, 9))
    yield names.study(study), pages.study(study, data)
    if data is not None:
        yield names.data(study), f"window.BOARD = {json.dumps(data, separators=(',', ':'))};\n"
    yield names.file(study, "verdicts.csv"), csv(verdict_table(study.judgement.comparisons).frame)
    for arm in study.arms:
        yield names.cells(study, arm), pages.cells(study, arm)
        yield names.cells(study, arm, "csv"), csv(cell_frame(study, [arm]))


def _source(name: str, package: str) -> str:
    return files(package).joinpath(name).read_text(encoding="utf-8")


class _Pages:
    """Renders pages; each says the way from itself to the root."""

    def __init__(
        self, studies: Sequence[Shown], names: Names, title: str, nights: Sequence[Mapping[str, Any]]
    ) -> None:
        self._studies, self._names, self._nights = studies, names, nights
        self._open = [study for study in studies if not study.held_back]
        environment = jinja2.Environment(
            loader=jinja2.PackageLoader("benchmark.publish.site", "pages"),
            autoescape=True,
            undefined=jinja2.StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        environment.globals.update(named=named, prose=prose, looks=VERDICTS, names=names, counted=counted)
        environment.globals["site"] = printable(title)[:200]
        self._environment = environment

    def _page(self, template: str, root: str, **values: Any) -> str:
        return self._environment.get_template(f"{template}.html.jinja").render(root=root, **values)

    def front(self) -> str:
        """Who looks for two minutes finds what was asked, and what came out."""
        return self._page(
            "front",
            "",
            studies=[self._card(study) for study in self._studies],
            components=list(self._component_cards()),
            tasks=self._task_cards(),
            nights=self._nights,
        )

    def nights(self) -> str:
        """What every night changed."""
        return self._page("nights", "", nights=self._nights, percent=percent)

    def held_back(self, study: Shown) -> str:
        """A study whose data sets nobody is told: its verdicts alone."""
        claims = [comparison_row(c) for c in study.judgement.comparisons]
        return self._page("held_back", "../../", study=study, claims=claims, history=_turns(study))

    def study(self, study: Shown, data: Mapping[str, Any] | None) -> str:
        """A study's board, claims, cost, stability and history."""
        board = study.judgement.board
        places = [cell for one in (data or {"settings": {}})["settings"].values() for cell in one["cells"]]
        choices = {
            name: sorted({cell[name] for cell in places if name in cell})
            for name in ("host", "modality", "task type", "size")
        }
        return self._page(
            "study",
            "../../",
            study=study,
            lead=lead_of(study),
            rows=entrant_rows(study, self._names),
            board=board,
            data=data,
            choices={name: values for name, values in choices.items() if len(values) > 1},
            claims=[comparison_row(c) for c in study.judgement.comparisons],
            pareto=_drawing(board),
            history=_turns(study),
            findings=study.judgement.findings,
        )

    def cells(self, study: Shown, arm: str) -> str:
        """The cells that what is said of an arm in a study rests on."""
        found = [c for c in study.judgement.comparisons if c.candidate == arm]
        blocks = sum(c.n["blocks"] for c in found)
        parts = [
            {
                "row": comparison_row(c),
                "effects": effect_rows(c, self._names),
                "splits": split_rows(study, c) if blocks <= _SHOWN_SPLITS else (),
            }
            for c in found
        ]
        return self._page("cells", "../../../", study=study, arm=arm, parts=parts)

    def components(self) -> Iterator[tuple[str, str]]:
        """The page of every component."""
        for slot, arm in self._arms():
            having = [s for s in self._studies if s.about.slot == slot and arm in s.arms]
            page = self._page("component", "../", slot=slot, arm=arm, **self._component(having, arm))
            yield self._names.component(slot, arm), page

    def tasks(self) -> Iterator[tuple[str, str]]:
        """The page of every task."""
        for name in sorted({name for study in self._open for name in study.tasks}):
            having = [study for study in self._open if name in study.tasks]
            facts = list({study.tasks[name].fingerprint: study.tasks[name] for study in having}.values())
            rows = task_rows(having, name, self._names)
            yield self._names.task(name), self._page("task", "../", name=name, facts=facts, rows=rows)

    def _arms(self) -> list[tuple[str, str]]:
        return sorted({(study.about.slot, arm) for study in self._studies for arm in study.arms})

    def _component(self, having: Sequence[Shown], arm: str) -> dict[str, Any]:
        found = [(study, c) for study in having for c in study.judgement.comparisons if c.candidate == arm]
        effects = [
            {**row, "study": study}
            for study, c in found
            if c.setting == study.settings[0] and not study.held_back
            for row in effect_rows(c, self._names)
        ]
        counted_in = [row for row in effects if row["outcome"] != "tie"]
        return {
            "verdicts": [{**comparison_row(c), "study": study} for study, c in found],
            "held_against": [study for study in having if arm in study.baselines],
            "helps": [row for row in counted_in if row["outcome"] == "win"][:_HARM_OR_HELP],
            "harms": [row for row in reversed(counted_in) if row["outcome"] == "loss"][:_HARM_OR_HELP],
            "sources": _sources(having, arm),
            "tried": max((study.variants.get(arm, 0) for study in having), default=0),
            "findings": [
                (study, one)
                for study, c in found
                if not study.held_back
                for one in (*c.findings, *c.volatile.get("findings", ()))
            ],
            "failures": {
                study.name: int((cell_frame(study, [arm])["status"] != "ok").sum()) for study in having
            },
            "having": having,
        }

    def _card(self, study: Shown) -> dict[str, Any]:
        compared = study.judgement.comparisons
        lead = study.settings[0] if study.settings else ""
        verdicts = [comparison_row(c)["verdict"] for c in compared if c.setting == lead]
        board = study.judgement.board
        leading = () if board is None else board.standing.loc[board.standing["tied_for_first"], "method"]
        return {
            "study": study,
            "lead": None if (found := lead_of(study)) is None else comparison_row(found),
            "counts": {name: verdicts.count(name) for name in VERDICTS if name in verdicts},
            "leading": [str(name) for name in leading],
            "entrants": len(study.arms),
            "tasks": len(study.tasks),
            "at": study.history[-1].at if study.history else "",
        }

    def _component_cards(self) -> Iterator[dict[str, Any]]:
        for slot, arm in self._arms():
            having = [study for study in self._studies if study.about.slot == slot and arm in study.arms]
            found = [
                comparison_row(c)["verdict"]
                for study in having
                for c in study.judgement.comparisons
                if c.candidate == arm and c.setting == study.settings[0]
            ]
            verdicts = {name: found.count(name) for name in VERDICTS if name in found}
            yield {"slot": slot, "name": arm, "studies": len(having), "verdicts": verdicts}

    def _task_cards(self) -> list[dict[str, Any]]:
        every = {name: study.tasks[name] for study in self._open for name in study.tasks}
        cards = []
        for name, task in sorted(every.items()):
            picked = next(facets(study, "", name) for study in self._open if name in study.tasks)
            count = sum(name in study.tasks for study in self._open)
            cards.append({"name": name, "task": task, "facets": picked, "studies": count})
        return cards


def _drawing(board: Board | None) -> Markup | None:
    """Error and seconds of the entrants, where the seconds are known and there is room for their names."""
    if board is None or len(board.standing) > _DRAWN:
        return None
    with figures.style():
        drawing = figures.pareto(board, "")
        return None if drawing is None else Markup(figures.inline(drawing.svg(), "pareto", drawing.alt))


def _sources(having: Sequence[Shown], arm: str) -> dict[str, str]:
    """Where the parts of an arm come from; by ``what`` or, with several parts, ``part: what``."""
    parts = {
        part: study.sources[part] for study in having for part in arm.split("+") if part in study.sources
    }
    found = {}
    for part, source in parts.items():
        for what, text in source.items():
            found[what if len(parts) == 1 else f"{part}: {what}"] = text
    return found


def _turns(study: Shown) -> list[dict[str, Any]]:
    """When what was said of whom, the newest first: a row where a verdict is new or another one."""
    rows: list[dict[str, Any]] = []
    last: dict[tuple[str, str, str], str] = {}
    for past in study.history:
        for one in past.comparisons:
            name = (str(one["candidate"]), str(one["baseline"]), str(one["setting"]))
            verdict = str(one["verdict"])
            if last.get(name) != verdict:
                effect = one.get("effect") or {}
                rows.append(
                    {
                        "at": past.at,
                        "candidate": name[0],
                        "baseline": name[1],
                        "setting": name[2],
                        "before": last.get(name, ""),
                        "after": verdict,
                        "effect": percent(effect.get("mean")),
                    }
                )
            last[name] = verdict
    return rows[::-1]
