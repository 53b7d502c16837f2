"""All arms side by side: everything here is relative to who entered."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any, Literal

from benchmark.judge.side_by_side.board import Board
from benchmark.report import figures
from benchmark.report.figures import Drawing
from benchmark.report.sections.material import Material, Part, Section
from benchmark.report.tables import Table
from benchmark.report.tikz import critical_tikz
from benchmark.report.words import between, counted, interval, p_value, percent, ratio

__all__ = ["field", "pairs_table", "standing_table", "without_table"]

_OPEN = 12
"""Rows up to which a table of the field is not folded away."""


def field(material: Material) -> Section:
    """The board of candidates and baselines, where there are enough of them."""
    judgement = material.judgement
    board, selections = judgement.board, judgement.selections
    parts = [] if board is None else _parts(board)
    if parts and selections:
        halves = "All of it on the data sets that selected; the verdict on the selected one rests on others."
        parts.insert(0, Part(says=(halves,)))
    return Section("field", "Field", parts)


def _parts(board: Board) -> list[Part]:
    ranks = [_critical(board, "nemenyi"), _critical(board, "wilcoxon_holm")]
    curves = [figures.profiles(board, ""), figures.time_profiles(board, "")]
    without, pairs = without_table(board), pairs_table(board)
    return [
        Part(says=board.sentences, tables=(standing_table(board),)),
        Part(title="Mean ranks", drawings=ranks[:1]),
        Part(drawings=ranks[1:]),
        *_who_beats_whom(board),
        Part(title="How near the best", drawings=curves),
        Part(title="Cost", drawings=(figures.pareto(board, ""),)),
        Part(title="Without one entrant", tables=(without,), fold=_fold(without)),
        Part(title="All pairs", tables=(pairs,), fold=_fold(pairs)),
    ]


def _who_beats_whom(board: Board) -> list[Part]:
    """Side by side while there is room."""
    drawings = (figures.wins(board, ""), figures.ratings(board, ""))
    if len(board.standing) <= _OPEN:
        return [Part(title="Who beats whom", drawings=drawings)]
    return [Part(title="Who beats whom", drawings=drawings[:1]), Part(drawings=drawings[1:])]


def _fold(table: Table | None) -> str:
    return f"All {len(table.frame)} rows" if table is not None and len(table.frame) > _OPEN else ""


def _critical(board: Board, kind: Literal["nemenyi", "wilcoxon_holm"]) -> Drawing | None:
    """The diagram with its TikZ source; None where there are too few methods or data sets for a test."""
    if board.friedman is None:
        return None
    ranks, alpha = board.entrants.unit_ranks(), board.alpha
    drawing = figures.critical(ranks, kind=kind, alpha=alpha, pairs=board.pairs)
    source = critical_tikz(ranks, kind=kind, alpha=alpha, pairs=board.pairs)
    return None if drawing is None else replace(drawing, tikz=source or "")


def standing_table(board: Board) -> Table:
    """One row per method, the best mean rank first; nobody stands out who cannot be told from the others."""
    n, sure = board.n, f"{100 * (1 - board.alpha):g} %"
    caption = (
        f"{counted(n['methods'], 'method')} on {counted(n['origins'], 'independent data set')}, by mean rank "
        f"(1 is the best, failures rank last), with {sure} bootstrap intervals over data sets. "
        f"May be first: not told apart from the best mean rank by Wilcoxon's signed-rank test, adjusted by "
        f"Holm over {counted(len(board.pairs), 'pair')}, alpha {board.alpha:g}. All of it is relative to "
        "these entrants."
    )
    stems = {"rank": "rank", "Elo": "elo", "error": "iqm"}
    ends = {f"{name}_interval": (f"{stem}_low", f"{stem}_high") for name, stem in stems.items()}
    frame = board.standing.rename(columns={"tied_for_first": "may_be_first", "iqm": "error", "elo": "Elo"})
    formats: dict[str, Callable[[Any], str]] = {
        "mean_rank": "{:.2f}".format,
        "rank_interval": between,
        "Elo": "{:.0f}".format,
        "Elo_interval": lambda pair: between(pair, 0),
        "wins": lambda share: f"{100 * share:.0f} %",
        "error": ratio,
        "error_interval": between,
        "seconds": ratio,
        "on_front": _yes,
        "may_be_first": _yes,
    }
    titles = {
        "Elo": "Bradley-Terry strength on Elo's scale, the mean at 1000",
        "wins": "mean share of data sets won against one of the others, ties half",
        "error": "interquartile mean over data sets of the error as a multiple of the median method's",
        "error_interval": "of the error",
        "failures": "blocks without a result",
        "seconds": "of a fit, as a multiple of the fastest method's",
        "on_front": "nobody is better in one of error and seconds and as good in the other",
        "may_be_first": "not told apart from the method of the best mean rank",
    }
    if frame["seconds"].isna().all():
        frame = frame.drop(columns=["seconds", "on_front"])
    order = ["method", "may_be_first", *(name for name in frame if name not in ("method", "may_be_first"))]
    return Table("standing", caption, frame[order], formats, pairs=ends, titles=titles)


def without_table(board: Board) -> Table | None:
    """One row per entrant: what its absence would change; None for two methods."""
    if len(board.without) < 3:
        return None
    caption = (
        "Leave one entrant out: mean ranks again without each of them. Winner: the best of the rest; before: "
        "the best of the rest while it was there. Kendall's tau-b between the orders of the rest; largest "
        "shift in places. No test is made here."
    )
    formats: dict[str, Callable[[Any], str]] = {
        "winner_changes": _yes,
        "order_changes": _yes,
        "kendall_tau": "{:.2f}".format,
        "largest_shift": "{:g}".format,
    }
    return Table("without-one-entrant", caption, board.without, formats)


def pairs_table(board: Board) -> Table | None:
    """One row per pair of methods; None for two methods."""
    pairs = board.pairs
    if len(pairs) < 3:
        return None
    caption = (
        "Every pair: mean effect (positive: the first has the smaller error), the sums of ranks for and "
        "against the first, p of Wilcoxon's signed-rank test and after Holm's adjustment over "
        f"{counted(len(pairs), 'pair')}."
    )
    if "verdict" in pairs.columns:
        caption += (
            f" Verdicts by the {100 * board.level:g} % interval that is simultaneous over all pairs; wins, "
            "ties and losses of the first after the noise floor."
        )
    formats: dict[str, Callable[[Any], str]] = {"mean": percent, "p": p_value, "p_holm": p_value}
    formats |= {"interval": interval, "noise_floor": percent, "flags": _listed}
    formats |= dict.fromkeys(("plus", "minus"), "{:g}".format)
    both = {"interval": ("low", "high")} if "low" in pairs.columns else {}
    if "flags" in pairs.columns and not pairs["flags"].map(len).any():
        pairs = pairs.drop(columns="flags")
    pairs = pairs.dropna(axis="columns", how="all")
    return Table("pairs", caption, pairs, formats, pairs=both)


def _yes(value: bool) -> str:
    return "yes" if value else "no"


def _listed(names: object) -> str:
    return (
        ", ".join(str(name).replace("_", " ") for name in names) if isinstance(names, (list, tuple)) else ""
    )
