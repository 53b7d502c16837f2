"""The page of a reproduction: the answer first, then what is different here, then the evidence."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from importlib.resources import files
from typing import Any

import jinja2
import pandas as pd
from markupsafe import Markup

from benchmark.report.tables import Column, Table, columns
from benchmark.report.words import counted, number, p_value, percent, share

__all__ = ["reproduction_page"]

_LOOKS = {
    "reproduced": ("✓", "good", "Published results come out here again"),
    "not reproduced": ("✗", "bad", "Published results do not come out here"),
    "cannot tell": ("?", "plain", "Whether published results come out here cannot be told"),
}
"""Sign, tone and heading by answer."""
_SHOWN = 200
"""Cells that the page lists; the file beside it has all."""


def reproduction_page(found: Mapping[str, Any]) -> str:
    """The page as HTML text; every string of the bundle is escaped.

    Parameters
    ----------
    found
        What ``reproduction.json`` holds.
    """
    package = files("benchmark.report")
    environment = jinja2.Environment(autoescape=True, undefined=jinja2.StrictUndefined)
    text = package.joinpath("reproduction.html.jinja").read_text(encoding="utf-8")
    template = environment.from_string(text)
    sign, tone, heading = _LOOKS[found["answer"]]
    blocks = found["blocks"]
    return template.render(
        **{name: found[name] for name in ("study", "answer", "needed", "sentences", "differences")},
        sign=sign,
        tone=tone,
        heading=heading,
        scope=f"{blocks['run']} of the sample's {counted(blocks['wanted'], 'block')} (task, host, split) "
        f"were run again, {counted(found['fits'], 'fit')} by the last call; the sample was drawn by the seed "
        f"{found['seed']}.",
        css=Markup(package.joinpath("page.css").read_text(encoding="utf-8")),
        arms=_arms(found["arms"]),
        changed=_changed(found["cells"]) if found["cells"] else None,
        cells=columns,
        rows=_rows,
    )


def _rows(table: Table) -> Iterator[list[tuple[str, Column]]]:
    shown = columns(table)
    for cells in zip(*(column.cells for column in shown), strict=True):
        yield list(zip(cells, shown, strict=True))


def _arms(arms: list[Mapping[str, Any]]) -> Table:
    frame = pd.DataFrame(
        [
            {
                "role": " ".join(filter(None, [arm["role"], arm["control"]])),
                "component": arm["component"],
                **arm["outcomes"],
                "mean effect": arm["mean_effect"],
                "floor": arm["floor"],
                "largest": arm["largest"],
                "p scatter": arm["scatter_p"],
                "p shift": arm["shift_p"],
                "enough": "yes" if arm["enough"] else "no",
            }
            for arm in arms
        ]
    )
    formats = {
        "mean effect": percent,
        "floor": share,
        "largest": share,
        "p scatter": p_value,
        "p shift": p_value,
    }
    return Table("arms", "Cells of every arm, and its two tests", frame, formats)


def _changed(cells: list[Mapping[str, Any]]) -> Table:
    names = ["outcome", "role", "component", "host", "task", "repeat", "fold", "seed", "setting"]
    frame = pd.DataFrame(cells)
    order = frame["effect"].abs().sort_values(ascending=False, na_position="first").index
    wanted = [*names, "error_then", "error_now", "effect", "noise"]
    shown = frame.loc[order, [name for name in wanted if name in frame]].head(_SHOWN)
    formats = {"error_then": number, "error_now": number, "effect": percent, "noise": share}
    more = f"; {_SHOWN} of {len(frame)}, the rest in cells.csv" if len(frame) > _SHOWN else ""
    return Table("cells", f"The largest differences first{more}", frame=shown, formats=formats)
