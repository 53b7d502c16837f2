"""What the command line takes: subcommands, their options, and what is wrong with a value, in one line."""

from __future__ import annotations

import argparse
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NoReturn

from benchmark.errors import RequestError, nearest
from benchmark.parse import duration

__all__ = ["COLUMNS", "is_override", "parser"]

_OVERRIDE = re.compile(r"[+~]{0,2}[A-Za-z_][\w.]*=.*", re.DOTALL)
_SIZE = re.compile(r"(\d+(?:\.\d+)?)\s*([kmgt]?)b?", re.IGNORECASE)
COLUMNS = {
    "dataset": "names the data set",
    "origin": "where it comes from: data sets of one origin are one unit of evidence",
    "method": "names the method",
    "host": "names the pipeline that the method is part of",
    "split": "numbers the splits; two such as Rep,Fold",
    "seed": "numbers the runs",
    "setting": "tuned, default, …: judged each by itself",
    "error": "the error, smaller is better",
    "score": "the score, with --higher-is-better",
    "seconds": "the seconds that a fit took",
}
"""What the columns of a table may be said to be."""
_KINDS = ("slots", "components", "datasets", "suites", "studies", "pipelines")


class _Parser(argparse.ArgumentParser):
    """Says what is wrong in one line."""

    def error(self, message: str) -> NoReturn:
        """Refuse the request; the nearest choice is named where there are any."""
        if choice := re.search(r"invalid choice: '([^']*)' \(choose from (.*)\)", message):
            options = re.findall(r"[\w-]+", choice[2])
            raise RequestError(f"there is no '{choice[1]}'; {nearest(choice[1], options)}")
        raise RequestError(f"{message}; `{self.prog} --help` shows what there is")


def parser() -> argparse.ArgumentParser:
    """What reads the command line; ``command`` names the subcommand.

    Parsing raises :class:`RequestError` for what is wrong.
    """
    whole = _Parser(prog="swapbench", description="Does this component help?")
    commands = whole.add_subparsers(required=True, metavar="COMMAND")

    study = _Parser(add_help=False)
    study.add_argument(
        "overrides", nargs="*", metavar="OVERRIDE", help="study=NAME, candidates=[a,b], protocol=quick …"
    )
    catalog = _Parser(add_help=False)
    catalog.add_argument(
        "--config-dir",
        action="append",
        type=Path,
        default=[],
        metavar="DIR",
        help="a folder with components, datasets or studies of your own; may be given more than once",
    )

    _add_run(commands, [study, catalog])

    plan = commands.add_parser(
        "plan", parents=[study, catalog], help="what would run, for how long, and what it could detect"
    )
    plan.add_argument("--json", action="store_true")
    plan.set_defaults(command="plan")

    report = commands.add_parser(
        "report", parents=[study, catalog], help="judge and report from the store, running nothing"
    )
    report.set_defaults(command="report")

    _add_check(commands, [catalog])
    _add_enter(commands, [catalog])

    listed = commands.add_parser("list", parents=[catalog], help="the catalog as a table")
    listed.add_argument("kind", nargs="?", choices=_KINDS, default="components")
    listed.add_argument("--json", action="store_true")
    listed.set_defaults(command="list")

    fetch = commands.add_parser(
        "fetch", parents=[study, catalog], help="get tasks ready for a machine that will be offline later"
    )
    fetch.set_defaults(command="fetch")

    _add_judge(commands)
    _add_publishing(commands, [study, catalog])
    _add_boards(commands)
    _add_watch(commands, [study, catalog])
    _add_cache(commands)

    _add_new(commands)
    return whole


def _add_run(commands: Any, parents: Sequence[argparse.ArgumentParser]) -> None:
    run = commands.add_parser(
        "run", parents=parents, help="execute what is missing of a study, judge it, write its report"
    )
    run.add_argument(
        "--budget",
        type=_seconds,
        metavar="TIME",
        help="stop after 90s, 30m or 2h: what is finished is kept, what runs is ended (serial: finished)",
    )
    run.add_argument("--profile", action="store_true", help="say in the end where the time went")
    run.set_defaults(command="run")


def _add_publishing(commands: Any, parents: Sequence[argparse.ArgumentParser]) -> None:
    bundle = commands.add_parser(
        "bundle", parents=parents, help="a finished study (its name, or overrides) for others to check"
    )
    bundle.add_argument("--out", type=Path, required=True, metavar="DIR|FILE.zip")
    bundle.add_argument("--anonymous", action="store_true", help="for double-blind review")
    bundle.add_argument("--sign", type=Path, metavar="KEY", help="a private key of ssh")
    bundle.set_defaults(command="bundle")

    export = commands.add_parser(
        "export",
        parents=parents,
        help="a finished study or a bundle for a paper: methods, checklist, tables, Croissant, OpenML",
    )
    export.add_argument("--out", type=Path, required=True, metavar="DIR")
    export.set_defaults(command="export")

    verify = commands.add_parser("verify", help="check a bundle: everything is recomputed, none of it is run")
    verify.add_argument("bundle", type=Path, metavar="BUNDLE")
    verify.add_argument(
        "--signers", type=Path, metavar="FILE", help="ssh's allowed_signers: it must be by one"
    )
    verify.add_argument("--json", action="store_true")
    verify.set_defaults(command="verify")

    reproduce = commands.add_parser(
        "reproduce", help="run a random part of a bundle again: does the same come out?"
    )
    reproduce.add_argument("bundle", type=Path, metavar="BUNDLE")
    reproduce.add_argument("overrides", nargs="*", metavar="OVERRIDE", help="trust=[a,b], workers=2 …")
    reproduce.add_argument("--sample", type=float, default=0.1, metavar="SHARE", help="of its blocks (0.1)")
    reproduce.add_argument("--claim", default="", metavar="ID", help="only what this claim rests on")
    reproduce.add_argument("--budget", type=_seconds, metavar="TIME", help="stop after 90s, 30m or 2h")
    reproduce.add_argument("--seed", type=int, metavar="N", help="of the sample, to repeat somebody's")
    reproduce.add_argument("--out", type=Path, metavar="DIR", help="where it is kept (BUNDLE-reproduced)")
    reproduce.add_argument("--json", action="store_true")
    reproduce.set_defaults(command="reproduce")

    diff = commands.add_parser("diff", help="what differs between two bundles, or reports of a study")
    for side, meant in (("before", "a bundle, or NAME or NAME@DATE of a study"), ("after", "likewise")):
        diff.add_argument(side, metavar=side.upper(), help=meant)
    diff.add_argument("overrides", nargs="*", default=[], metavar="OVERRIDE", help="results_dir=…")
    diff.add_argument("--json", action="store_true")
    diff.set_defaults(command="diff")


def _add_boards(commands: Any) -> None:
    site = commands.add_parser(
        "leaderboard", help="a static site of finished studies: open it from disk, or put it on a server"
    )
    site.add_argument(
        "places",
        nargs="*",
        type=Path,
        default=[Path("results")],
        metavar="PLACE",
        help="folders of results, or bundles (results)",
    )
    site.add_argument("--out", type=Path, required=True, metavar="SITE")
    site.add_argument("--title", default="Leaderboard")
    site.set_defaults(command="leaderboard")

    nightly = commands.add_parser(
        "nightly", help="bring the studies that a file lists up to date, show them, say what changed"
    )
    nightly.add_argument("watched", type=Path, metavar="FILE.yaml")
    nightly.add_argument("--budget", type=_seconds, metavar="TIME", help="for the fits, whatever FILE says")
    nightly.add_argument("--json", action="store_true")
    nightly.set_defaults(command="nightly")


def _add_watch(commands: Any, parents: Sequence[argparse.ArgumentParser]) -> None:
    watch = commands.add_parser(
        "watch", parents=parents, help="the page of a study while it runs (its name, or overrides)"
    )
    watch.add_argument("--port", type=int, default=8765, metavar="N", help="0: any that is free (8765)")
    watch.add_argument("--host", default="127.0.0.1", help="the address to serve at (127.0.0.1)")
    watch.set_defaults(command="watch")


def _add_check(commands: Any, parents: Sequence[argparse.ArgumentParser]) -> None:
    check = commands.add_parser(
        "check", parents=parents, help="look for bugs in a component before a study is spent on it"
    )
    check.add_argument(
        "component",
        nargs="+",
        metavar="COMPONENT",
        help="radam, optimizer/radam, torch.optim.RAdam or mine.py:Mine",
    )
    check.add_argument("--slot", default="", help="where a class of your own fits several")
    check.add_argument(
        "--needs",
        type=_words,
        default=[],
        metavar="A,B",
        help="what a class of your own needs and does not show: roles, task:binary, input:tokens …",
    )
    check.add_argument("--gives", type=_words, default=[], metavar="A,B", help="what it gives: missing …")
    check.add_argument(
        "--seconds",
        type=_seconds,
        default=60.0,
        metavar="TIME",
        help="for each; what it does not suffice for is named (1m)",
    )
    check.add_argument(
        "--trust", action="append", default=[], metavar="PACKAGE", help="a package that files may name too"
    )
    check.add_argument("--json", action="store_true")
    check.set_defaults(command="check")


def _add_enter(commands: Any, parents: Sequence[argparse.ArgumentParser]) -> None:
    enter = commands.add_parser(
        "enter",
        parents=parents,
        help="check components, run each in a small study, write a comment about them",
    )
    enter.add_argument(
        "words",
        nargs="+",
        metavar="COMPONENT|OVERRIDE",
        help="as for check, or components/SLOT/NAME.yaml; key=value is an override of the study",
    )
    enter.add_argument("--out", type=Path, required=True, metavar="FILE.md", help="where the comment goes")
    enter.add_argument("--json", type=Path, metavar="FILE", help="where all of it goes for machines")
    enter.add_argument(
        "--seconds", type=_seconds, default=60.0, metavar="TIME", help="for the check of each component (1m)"
    )
    enter.set_defaults(command="enter", overrides=[])


def _add_judge(commands: Any) -> None:
    judge = commands.add_parser("judge", help="what a table of results from anywhere supports")
    judge.add_argument("table", type=Path, metavar="TABLE", help="CSV or Parquet, long or wide")
    for role, what in COLUMNS.items():
        judge.add_argument(f"--{role}", metavar="COL", help=what)
    for arm in ("candidate", "baseline"):
        judge.add_argument(
            f"--{arm}", action="append", default=[], metavar="NAME", help="may be given more than once"
        )
    judge.add_argument("--wide", action="store_true", help="every column that is not named is a method")
    judge.add_argument("--ignore", action="append", default=[], metavar="COL", help="a column not to read")
    judge.add_argument(
        "--where", action="append", default=[], type=_equals, metavar="COL=VALUE", help="only such rows"
    )
    judge.add_argument(
        "--higher-is-better",
        action="store_true",
        help="the values are scores: an error is --best minus the score",
    )
    judge.add_argument(
        "--best", type=float, metavar="SCORE", help="the highest score there can be, 1 unless given"
    )
    judge.add_argument(
        "--missing",
        default="refuse",
        metavar="HOW",
        help="rows that are not there: refuse, fail (a failure) or drop",
    )
    judge.add_argument(
        "--test-to-train",
        type=_ratio,
        metavar="RATIO",
        help="test rows to training rows, 1/9 in ten folds: for a table of one data set",
    )
    judge.add_argument(
        "--rope",
        type=float,
        default=0.01,
        metavar="SHARE",
        help="effects smaller than this count as none (0.01)",
    )
    judge.add_argument("--level", type=float, default=0.95, metavar="LEVEL", help="of the intervals (0.95)")
    judge.add_argument(
        "--host-effects", default="auto", metavar="KIND", help="auto, fixed or random (hosts as a sample)"
    )
    judge.add_argument("--leaderboard", action="store_true", help="all methods side by side")
    judge.add_argument("--all-pairs", action="store_true", help="and a verdict on every pair")
    judge.add_argument(
        "--alpha", type=float, default=0.05, metavar="ALPHA", help="of a leaderboard's tests (0.05)"
    )
    judge.add_argument("--out", type=Path, metavar="DIR", help="write the page and its files there")
    judge.add_argument("--json", action="store_true")
    judge.set_defaults(command="judge")


def _add_new(commands: Any) -> None:
    new = commands.add_parser("new", help="start a component of your own")
    new.add_argument("slot")
    new.add_argument("name")
    new.add_argument(
        "--into",
        type=Path,
        default=Path("."),
        metavar="DIR",
        help="where components/SLOT/NAME.* go (default: here)",
    )
    new.set_defaults(command="new")


def _add_cache(commands: Any) -> None:
    cache = commands.add_parser("cache", help="which parsed tasks are kept on disk, and how to remove them")
    action = cache.add_mutually_exclusive_group()
    action.add_argument(
        "--prune", type=_bytes, metavar="SIZE", help="remove the least recently used down to 500MB, 5GB …"
    )
    action.add_argument("--clear", action="store_true", help="remove every parsed task")
    action.add_argument(
        "--verify", action="store_true", help="recompute every digest and remove what does not agree"
    )
    cache.add_argument("--openml", action="store_true", help="with --clear: also what OpenML sent")
    cache.add_argument("--json", action="store_true")
    cache.set_defaults(command="cache")


def is_override(word: str) -> bool:
    """Whether a word says ``key=value`` of a study; a path or a component's name has no such beginning."""
    return _OVERRIDE.fullmatch(word) is not None


def _equals(text: str) -> tuple[str, str]:
    column, found, value = text.partition("=")
    if not (column and found):
        raise argparse.ArgumentTypeError(f"{text!r} is no condition; write COL=VALUE")
    return column, value


def _ratio(text: str) -> float:
    over, _, under = text.partition("/")
    try:
        return float(over) / float(under or 1)
    except (ValueError, ZeroDivisionError):
        raise argparse.ArgumentTypeError(f"{text!r} is no ratio; write 0.25 or 1/9") from None


def _words(text: str) -> list[str]:
    return [word.strip() for word in text.split(",") if word.strip()]


def _seconds(text: str) -> float:
    try:
        return duration(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def _bytes(text: str) -> int:
    match = _SIZE.fullmatch(text.strip())
    if match is None or text.strip()[-1].isdigit():
        raise argparse.ArgumentTypeError(f"{text!r} is no size; write 500MB or 5GB")
    return round(float(match[1]) * {"": 1, "k": 1e3, "m": 1e6, "g": 1e9, "t": 1e12}[match[2].lower()])
