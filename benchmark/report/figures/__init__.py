"""Every figure of a report: a module each, a :class:`~benchmark.report.figures.canvas.Drawing` each."""

from __future__ import annotations

from benchmark.report.figures.budget import budget, budget_curves
from benchmark.report.figures.canvas import Drawing, inline, save, style
from benchmark.report.figures.cost import cost, cost_table
from benchmark.report.figures.critical import critical
from benchmark.report.figures.floor import floor
from benchmark.report.figures.forest import by_task, forest
from benchmark.report.figures.heatmap import heatmap
from benchmark.report.figures.interaction import interaction
from benchmark.report.figures.overview import overview
from benchmark.report.figures.pareto import pareto
from benchmark.report.figures.profiles import profiles, time_profiles
from benchmark.report.figures.ratings import ratings
from benchmark.report.figures.references import reference_effects, references
from benchmark.report.figures.scaling import scaling
from benchmark.report.figures.settings import settings, tuning_gains
from benchmark.report.figures.stages import selection, stopping
from benchmark.report.figures.wins import wins

__all__ = [
    "Drawing",
    "budget",
    "budget_curves",
    "by_task",
    "cost",
    "cost_table",
    "critical",
    "floor",
    "forest",
    "heatmap",
    "inline",
    "interaction",
    "overview",
    "pareto",
    "profiles",
    "ratings",
    "reference_effects",
    "references",
    "save",
    "selection",
    "stopping",
    "time_profiles",
    "scaling",
    "settings",
    "style",
    "tuning_gains",
    "wins",
]
