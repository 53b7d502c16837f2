"""The command line: one short function per subcommand, which calls the flow and prints what came back.

Human text goes to standard output, the progress bar to standard error. Exit codes: 0 done; 1 the work
ran and something in it failed, or it is not finished; 2 the request was wrong (one line, no traceback);
3 `reproduce` cannot tell; 4 `nightly` has news; 5 another `nightly` is at it.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import sqlite3
import sys
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from benchmark.arguments import COLUMNS, is_override, parser
from benchmark.errors import RequestError

__all__ = ["main"]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; the exit code comes back."""
    try:
        signal.signal(signal.SIGTERM, signal.default_int_handler)  # ends in order, as Ctrl-C does
        reading = parser()
        options, rest = reading.parse_known_args(arguments)
        if unknown := [item for item in rest if item.startswith("-") or "overrides" not in options]:
            reading.error(f"unrecognized arguments: {' '.join(unknown)}")
        if rest:  # argparse does not take overrides after an option
            options.overrides += rest
        return _COMMANDS[options.command](options)
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
    from benchmark import texts

    planned = _planned(options)
    print(texts.heading(planned))
    return _print_report(planned)


def _planned(options: argparse.Namespace) -> Any:
    """The study that overrides ask for, or a bare name: then its newest run, which is said."""
    from benchmark import api

    named = api.named(options.overrides)
    if named.folder is not None:
        print(f"newest run: {named.folder}", file=sys.stderr)
    return api.plan_study(named.overrides, [*named.config_dirs, *options.config_dir])


def _bundle(options: argparse.Namespace) -> int:
    from benchmark import api
    from benchmark.texts.publishing import bundled as said

    planned = _planned(options)
    bundled = api.bundle(planned, options.out, anonymous=options.anonymous, sign=options.sign)
    for remark in bundled.remarks:
        print(f"swapbench: {remark}", file=sys.stderr)
    print(said(bundled))
    return 0


def _export(options: argparse.Namespace) -> int:
    from pathlib import Path

    from benchmark import api
    from benchmark.texts.publishing import exported

    first = options.overrides[:1]
    bundle = first and api.is_bundle(first[0])
    if bundle and (further := [*options.overrides[1:], *map(str, options.config_dir)]):
        raise RequestError(f"{further[0]}: a bundle is exported as it is")
    print(exported(api.export(Path(first[0]) if bundle else _planned(options), options.out)))
    return 0


def _verify(options: argparse.Namespace) -> int:
    from benchmark import api
    from benchmark.texts.publishing import verification

    found = api.verify(options.bundle, signers=options.signers)
    print(json.dumps(found.to_json(), indent=1) if options.json else verification(found))
    return 0 if found.holds else 1


def _reproduce(options: argparse.Namespace) -> int:
    from benchmark import api
    from benchmark.texts import publishing

    checked = api.verify(options.bundle)
    if not checked.holds:
        print(publishing.verification(checked))
        return 1
    asked = api.Request(
        share=options.sample,
        claim=options.claim,
        seed=options.seed,
        budget_seconds=options.budget,
        overrides=tuple(options.overrides),
    )
    for line in publishing.foreign_code(api.foreign_code(options.bundle, asked)):
        print(line, file=sys.stderr)
    out = options.out or options.bundle.with_name(f"{options.bundle.stem}-reproduced")
    found = api.reproduce(options.bundle, asked, out)
    print(json.dumps(found.to_json(), indent=1) if options.json else publishing.reproduction(found))
    return {"reproduced": 0, "not reproduced": 1}.get(found.agreement.answer, 3)


def _diff(options: argparse.Namespace) -> int:
    from benchmark import api

    found = api.diff(options.before, options.after, options.overrides)
    print(json.dumps(found.to_json(), indent=1) if options.json else found)
    return 1 if found else 0


def _leaderboard(options: argparse.Namespace) -> int:
    from benchmark import api
    from benchmark.texts.publishing import site

    found = api.leaderboard(options.places, options.out, title=options.title)
    for study in found.left_out:
        print(f"swapbench: left out: {study}", file=sys.stderr)
    print(site(found))
    return 0


def _nightly(options: argparse.Namespace) -> int:
    from functools import partial

    from benchmark import api
    from benchmark.texts import publishing

    found = api.nightly(
        options.watched, budget_seconds=options.budget, say=partial(print, file=sys.stderr, flush=True)
    )
    if found is None:
        print(f"swapbench: {options.watched}: another night is at it", file=sys.stderr)
        return 5
    for study in found.left_out:
        print(f"swapbench: not on the site: {study}", file=sys.stderr)
    if options.json:
        print(json.dumps(found.changes.to_json(), indent=1))
    else:
        print(publishing.night(found))
    return 4 if found.changes.is_news else 0 if found.changes.is_done else 1


def _watch(options: argparse.Namespace) -> int:
    from benchmark import api

    planned = _planned(options)
    with api.watch(planned, host=options.host, port=options.port) as server:
        if options.host not in ("127.0.0.1", "localhost", "::1"):
            print("swapbench: whoever reaches this machine can read this: no password", file=sys.stderr)
        address = f"http://{options.host}:{server.server_port}/"
        print(f"watching {planned.name} at {address} (Ctrl-C ends it)", flush=True)
        try:
            server.serve_forever()
        except KeyboardInterrupt:
            return 0
    return 0


def _print_report(planned: Any) -> int:
    from benchmark import api, texts
    from benchmark.report.terminal import terminal_table

    report = api.write_report(planned)
    print(terminal_table(report.judgement, report.about, report.records, report.refused))
    if report.saved is not None:
        print(texts.saved(planned, report.saved))
    print(f"report: {report.page}")
    return 1 if report.failures else 0


def _judge(options: argparse.Namespace) -> int:
    from benchmark import api, texts
    from benchmark.foreign import Asked

    asked = Asked(
        columns={role: named for role in COLUMNS if (named := getattr(options, role)) is not None},
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


def _check(options: argparse.Namespace) -> int:
    from benchmark import api, texts

    failed, found = False, []
    for examination in api.examined(
        options.component,
        options.config_dir,
        slot=options.slot,
        needs=options.needs,
        gives=options.gives,
        seconds=options.seconds,
        trusted=options.trust,
    ):
        failed |= any(finding.severity == "error" for finding in examination.findings)
        found.append(examination.to_json())
        if not options.json:
            print(texts.examination(examination), flush=True)
    if options.json:
        print(json.dumps(found, indent=1))
    return 1 if failed else 0


def _enter(options: argparse.Namespace) -> int:
    from benchmark import api
    from benchmark.texts import entering

    words = [*options.words, *options.overrides]
    components = [word for word in words if not is_override(word)]
    overrides = [word for word in words if is_override(word)]
    if not components:
        raise RequestError("enter: no component is named; `swapbench enter --help` shows how")
    folders = [item for folder in options.config_dir for item in ("--config-dir", str(folder))]
    files = ["--out", str(options.out), *(["--json", str(options.json)] if options.json else [])]
    further = [*folders, "--seconds", f"{options.seconds:g}", *files]
    command = ["swapbench", "enter", *components, *overrides, *further]
    for file in filter(None, (options.out, options.json)):
        file.parent.mkdir(parents=True, exist_ok=True)
    found: list[api.Entry] = []
    for entry in api.enter(components, overrides, options.config_dir, seconds=options.seconds):
        found.append(entry)
        print(entering.entered(entry), flush=True)
        options.out.write_text(entering.comment(found, command), encoding="utf-8")
        if options.json:
            text = json.dumps([one.to_json() for one in found], indent=1)
            options.json.write_text(f"{text}\n", encoding="utf-8")
    print(f"comment: {options.out}")
    return 1 if any(entry.failed for entry in found) else 0


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


_COMMANDS: Mapping[str, Callable[[argparse.Namespace], int]] = {
    "bundle": _bundle,
    "cache": _cache,
    "check": _check,
    "diff": _diff,
    "enter": _enter,
    "export": _export,
    "fetch": _fetch,
    "judge": _judge,
    "leaderboard": _leaderboard,
    "list": _list,
    "new": _new,
    "nightly": _nightly,
    "plan": _plan,
    "report": _report,
    "reproduce": _reproduce,
    "run": _run,
    "verify": _verify,
    "watch": _watch,
}
