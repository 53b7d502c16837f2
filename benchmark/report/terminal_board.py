"""Several methods side by side in a terminal: plain text, at most 100 columns."""

from __future__ import annotations

from collections.abc import Iterator

import pandas as pd

from benchmark.judge.side_by_side.board import Board
from benchmark.judge.verdict import MIRROR
from benchmark.report.words import VERDICTS, between, counted, interval, label, percent, wrapped

__all__ = ["board_table"]

SHOWN_PAIRS = 45
"""All pairs of ten methods; what is beyond is in verdict.json."""
_FORM = "  {:<26} {:>9}  {:>16} {:>8}  {:>14} {:>6} {:>9}"
_PAIR = "  {:<38} {:<15} {:>9}  {:>21}  {:>9}"


def board_table(board: Board) -> str:
    """The standing, one line per method, its sentences, and the verdict on every pair if there is one."""
    n, sure = board.n, f"{100 * (1 - board.alpha):g} %"
    where = f"{counted(n['origins'], 'independent data set')}"
    hosts = f" in {counted(n['hosts'], 'host')}" if n["hosts"] > 1 else ""
    lines = [f"{counted(n['methods'], 'method')} side by side on {where}{hosts}, relative to each other", ""]
    lines.append(_FORM.format("method", "mean rank", sure, "Elo", sure, "wins", "failures"))
    for row in board.standing.itertuples(index=False):
        mark = " ~" if row.tied_for_first and row.method != board.standing["method"].iloc[0] else ""
        lines.append(
            _FORM.format(
                label(str(row.method), 24) + mark,
                f"{row.mean_rank:.2f}",
                between((row.rank_low, row.rank_high)),
                f"{row.elo:.0f}".replace("-", "−"),
                between((row.elo_low, row.elo_high), 0),
                f"{100 * row.wins:.0f} %",
                row.failures,
            ).rstrip()
        )
    lines += [
        "",
        *wrapped(
            "~ not told apart from the first. Wins: data sets won against one of the others, ties half."
        ),
    ]
    for sentence in board.sentences:
        lines += wrapped(sentence)
    if "verdict" in board.pairs.columns:
        lines += ["", *_pairs(board)]
    return "\n".join(lines) + "\n"


def _pairs(board: Board) -> Iterator[str]:
    """The better one of each pair first, pairs in the order of the standing."""
    place = {name: number for number, name in enumerate(board.standing["method"])}
    rows = [_turned(pair) for _, pair in board.pairs.iterrows()]
    rows.sort(key=lambda row: (place[str(row["first"])], place[str(row["second"])]))
    yield f"every pair, the one with the smaller error first ({counted(len(rows), 'pair')})"
    yield _PAIR.format("", "verdict", "effect", "interval", "W/T/L")
    for row in rows[:SHOWN_PAIRS]:
        yield _PAIR.format(
            f"{label(str(row['first']), 17)} over {label(str(row['second']), 15)}",
            f"{VERDICTS[row['verdict']].sign} {row['verdict']}",
            percent(row["mean"]),
            interval((row["low"], row["high"])),
            f"{row['wins']}/{row['ties']}/{row['losses']}",
        )
    if len(rows) > SHOWN_PAIRS:
        yield f"  … and {len(rows) - SHOWN_PAIRS} more: --json and --out have them all"
    found = pd.Series([row["verdict"] for row in rows]).value_counts()
    yield from wrapped(
        f"{', '.join(f'{count} {name}' for name, count in found.items())}. Interval: {100 * board.level:g} %,"
        " simultaneous over all pairs."
    )


def _turned(pair: pd.Series) -> pd.Series:
    if not pair["mean"] < 0:
        return pair
    swapped = {"first": pair["second"], "second": pair["first"], "mean": -pair["mean"]}
    swapped |= {"low": -pair["high"], "high": -pair["low"], "verdict": MIRROR[pair["verdict"]]}
    swapped |= {"wins": pair["losses"], "losses": pair["wins"], "ties": pair["ties"]}
    return pd.Series(swapped)
