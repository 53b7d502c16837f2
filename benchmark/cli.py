"""The command line: one short function per subcommand, which calls the flow and prints what came back.

Human text goes to standard output, the progress bar to standard error. Exit codes: 0 done; 1 the work
ran and something in it failed, or it is not finished; 2 the request was wrong (one line, no traceback).
"""

from __future__ import annotations

import argparse
import json
import os
import re
import signal
import sqlite3
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NoReturn

from benchmark.errors import RequestError, nearest

__all__ = ["main"]

_DURATION = re.compile(r"(\d+(?:\.\d+)?)\s*([smh]?)")
_SIZE = re.compile(r"(\d+(?:\.\d+)?)\s*([kmgt]?)b?", re.IGNORECASE)
_COLUMNS = {
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


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; the exit code comes back."""
    try:
        signal.signal(signal.SIGTERM, signal.default_int_handler)  # ends in order, as Ctrl-C does
        parser = _parser()
        options, rest = parser.parse_known_args(arguments)
        if unknown := [item for item in rest if item.startswith("-") or "overrides" not in options]:
            parser.error(f"unrecognized arguments: {' '.join(unknown)}")
        if rest:  # argparse does not take overrides after an option
            options.overrides += rest
        return int(options.command(options))
    except RequestError as error:
        print(f"swapbench: {error}", file=sys.stderr)
        return 2
    except BrokenPipeError:  # whoever reads the output has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except (OSError, sqlite3.Error) as error:
        print(f"swapbench: {error}; what was computed before is kept", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("swapbench: interrupted", file=sys.stderr)
        return 1


def _run(options: argparse.Namespace) -> int:
    from benchmark import api, texts

    planned = api.plan_study(options.overrides, options.config_dir, ahead=True)
    print(texts.heading(planned))
    progress = api.run(planned, budget_seconds=options.budget, profile=options.profile)
    print(texts.progress(progress))
    if progress.left:
        print(texts.unfinished(planned, progress))
    failed = 1 if progress.left else _print_report(planned)
    if options.profile:
        print(api.profiled(planned, progress))
    return failed


def _plan(options: argparse.Namespace) -> int:
    from benchmark import api, texts

    planned = api.plan_study(options.overrides, options.config_dir)
    forecast = api.forecast(planned)
    if options.json:
        print(json.dumps(texts.plan_facts(planned, forecast), indent=1))
    else:
        print(texts.heading(planned))
        print(texts.forecast(planned, forecast))
    return 0


def _report(options: argparse.Namespace) -> int:
    from benchmark import api, texts

    planned = api.plan_study(options.overrides, options.config_dir)
    print(texts.heading(planned))
    return _print_report(planned)


def _print_report(planned: Any) -> int:
    from benchmark import api, texts
    from benchmark.report.terminal import terminal_table

    report = api.write_report(planned)
    print(terminal_table(report.judgement, report.about, report.records, report.refused, report.edges))
    if report.saved is not None:
        print(texts.saved(planned, report.saved))
    print(f"report: {report.page}")
    return 1 if report.failures else 0


def _judge(options: argparse.Namespace) -> int:
    from benchmark import api, texts
    from benchmark.foreign import Asked

    asked = Asked(
        columns={role: named for role in _COLUMNS if (named := getattr(options, role)) is not None},
        where=dict(options.where),
        ignore=options.ignore,
        wide=options.wide,
        higher_is_better=options.higher_is_better,
        best=options.best,
        test_to_train=options.test_to_train,
    )
    question = api.TableQuestion(
        candidates=options.candidate,
        baselines=options.baseline,
        leaderboard=options.leaderboard,
        all_pairs=options.all_pairs,
        missing=options.missing,
        rope=options.rope,
        level=options.level,
        host_effects=options.host_effects,
        alpha=options.alpha,
    )
    found = api.judge_table(options.table, asked, question, out=options.out)
    for note in texts.table_notes(found):
        print(note, file=sys.stderr)
    if options.json:
        print(json.dumps(found.to_json(), indent=1, sort_keys=True, allow_nan=False))
    else:
        print(texts.judged_table(found))
    return 0


def _list(options: argparse.Namespace) -> int:
    from benchmark.catalog import open_catalog
    from benchmark.listing import as_text, listing

    rows = listing(open_catalog(options.config_dir), options.kind)
    print(json.dumps(rows, indent=1) if options.json else as_text(rows))
    return 0


def _fetch(options: argparse.Namespace) -> int:
    from benchmark import api, texts

    failed = 0
    for fetched in api.fetch(options.overrides, options.config_dir):
        print(texts.fetched(fetched), flush=True)
        failed += fetched.status == "failed"
    if failed:
        print(f"{failed} failed; the same command tries them again and keeps the others")
    return 1 if failed else 0


def _cache(options: argparse.Namespace) -> int:
    from benchmark import texts
    from benchmark.data import cache
    from benchmark.listing import as_text

    if options.openml and not options.clear:
        raise RequestError("--openml goes with --clear: it removes the downloads too")
    removed, limit = [], cache.limit()
    if options.verify:
        removed = cache.verify()
    elif options.clear:
        removed = cache.clear(downloads=options.openml)
    elif options.prune is not None:
        removed = cache.prune(options.prune)
    entries, downloaded = cache.entries(), cache.downloaded()
    if options.json:
        facts = texts.cache_facts(cache.folder(), limit, entries, removed, downloaded)
        print(json.dumps(facts, indent=1))
    else:
        for line in texts.removed(removed, options.verify):
            print(line)
        print(as_text(texts.cache_rows(entries)))
        print(texts.cache_size(cache.folder(), limit, entries, downloaded))
    return 1 if options.verify and removed else 0


def _new(options: argparse.Namespace) -> int:
    from benchmark.scaffold import scaffold

    print(scaffold(options.slot, options.name, options.into))
    return 0


class _Parser(argparse.ArgumentParser):
    """Says what is wrong in one line."""

    def error(self, message: str) -> NoReturn:
        """Refuse the request; the nearest choice is named where there are any."""
        if choice := re.search(r"invalid choice: '([^']*)' \(choose from (.*)\)", message):
            options = re.findall(r"[\w-]+", choice[2])
            raise RequestError(f"there is no '{choice[1]}'; {nearest(choice[1], options)}")
        raise RequestError(f"{message}; `{self.prog} --help` shows what there is")


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(prog="swapbench", description="Does this component help?")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

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
    plan.set_defaults(command=_plan)

    report = commands.add_parser(
        "report", parents=[study, catalog], help="judge and report from the store, running nothing"
    )
    report.set_defaults(command=_report)

    listed = commands.add_parser("list", parents=[catalog], help="the catalog as a table")
    listed.add_argument("kind", nargs="?", choices=_KINDS, default="components")
    listed.add_argument("--json", action="store_true")
    listed.set_defaults(command=_list)

    fetch = commands.add_parser(
        "fetch", parents=[study, catalog], help="get tasks ready for a machine that will be offline later"
    )
    fetch.set_defaults(command=_fetch)

    _add_judge(commands)
    _add_cache(commands)

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
    new.set_defaults(command=_new)
    return parser


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
    run.set_defaults(command=_run)


def _add_judge(commands: Any) -> None:
    judge = commands.add_parser("judge", help="what a table of results from anywhere supports")
    judge.add_argument("table", type=Path, metavar="TABLE", help="CSV or Parquet, long or wide")
    for role, what in _COLUMNS.items():
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
    judge.set_defaults(command=_judge)


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
    cache.set_defaults(command=_cache)


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


def _seconds(text: str) -> float:
    match = _DURATION.fullmatch(text.strip())
    if match is None:
        raise argparse.ArgumentTypeError(f"{text!r} is no time; write 90s, 30m or 2h")
    return float(match[1]) * {"": 1, "s": 1, "m": 60, "h": 3600}[match[2]]


def _bytes(text: str) -> int:
    match = _SIZE.fullmatch(text.strip())
    if match is None or text.strip()[-1].isdigit():
        raise argparse.ArgumentTypeError(f"{text!r} is no size; write 500MB or 5GB")
    return round(float(match[1]) * {"": 1, "k": 1e3, "m": 1e6, "g": 1e9, "t": 1e12}[match[2].lower()])
