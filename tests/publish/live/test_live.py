"""The live page over real HTTP: what it says while a study runs, what it refuses, that it changes nothing."""

from __future__ import annotations

import http.client
import json
import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

import benchmark
from benchmark.api import PlannedStudy, plan_study, run, watch, write_report
from benchmark.api.watching import Live
from benchmark.cli import main
from benchmark.errors import RequestError
from benchmark.publish.live import Arm, Failure, Provisional, State, serve
from tests.publish.site.test_site import HOSTILE, Tags

STUDY = (
    "study=estimators",
    "baselines=[linear]",
    "candidates=[knn,svm]",
    "tasks=[iris,wine,engel,modechoice,star98,diabetes]",
    "hosts=[linear]",
    "references=[knn]",
    "protocol=quick",
    "protocol.tuning.trials=1",
    "executor=serial",
    "name=small",
)


@pytest.fixture
def planned(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> PlannedStudy:
    monkeypatch.chdir(tmp_path)
    return plan_study(STUDY)


@contextmanager
def served(server: Any) -> Iterator[int]:
    """The port of a server that answers as long as this lasts."""
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield server.server_port
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def ask(port: int, path: str = "/", method: str = "GET", **headers: str) -> tuple[int, Any, str]:
    """Status, headers and text of an answer."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    connection.request(method, path, headers=headers)
    answer = connection.getresponse()
    text = answer.read().decode()
    connection.close()
    return answer.status, answer.headers, text


def content(folder: Path) -> dict[str, bytes]:
    """All files but those that SQLite keeps beside a database that is open."""
    files = (
        file for file in folder.rglob("*") if file.is_file() and not file.name.endswith(("-wal", "-shm"))
    )
    return {str(file): file.read_bytes() for file in files}


def test_a_study_is_watched_from_its_plan_to_its_end(planned: PlannedStudy, tmp_path: Path) -> None:
    assert Live(planned)().status == "not begun"
    assert not (tmp_path / "results").exists()
    with served(watch(planned, port=0)) as port:
        path = str(Path(benchmark.__file__).parents[1])
        process = subprocess.Popen(
            [sys.executable, "-m", "benchmark", "run", *STUDY],
            env={**os.environ, "PYTHONPATH": path, "OMP_NUM_THREADS": "1"},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        seen: list[dict[str, Any]] = []
        while process.poll() is None:
            seen.append(json.loads(ask(port, "/state.json")[2]))
            time.sleep(0.05)
        assert process.returncode == 0
        deadline = time.monotonic() + 30
        while seen[-1]["status"] != "finished" and time.monotonic() < deadline:
            seen.append(json.loads(ask(port, "/state.json")[2]))
            time.sleep(0.2)
        page = Tags(ask(port)[2])
    done = [one["done"] for one in seen]
    assert done == sorted(done) and done[-1] == seen[-1]["planned"]
    assert {"running", "finished"} <= {one["status"] for one in seen}
    verdict = json.loads((tmp_path / "results" / "small" / "report" / "verdict.json").read_text())
    assert [(one["candidate"], one["setting"], one["verdict"]) for one in seen[-1]["verdicts"]] == [
        (one["candidate"], one["setting"], one["verdict"]) for one in verdict["comparisons"]
    ]
    assert "Finished: " in page.text and "knn" in page.text


def test_half_a_study_is_judged_on_complete_data_sets_and_said_to_be_provisional(
    planned: PlannedStudy,
) -> None:
    part = plan_study([item for item in STUDY if not item.startswith("tasks=")] + ["tasks=[iris,wine,engel]"])
    run(part, quiet=True, standing=True)
    before = content(planned.resolved.results_dir)
    live = Live(planned)
    state = live()
    assert state.status == "stopped" and 0 < state.done < state.planned
    assert {one.origins for one in state.verdicts} == {3} and {one.verdict for one in state.verdicts} == {
        "INSUFFICIENT"
    }
    assert "3 of 6 data sets" in state.verdicts_said and "stop=sequential" in state.verdicts_said
    assert not state.anytime
    assert content(planned.resolved.results_dir) == before
    run(planned, quiet=True)
    write_report(planned)
    assert live().status == "finished" and live().done == live().planned


def test_a_sequential_study_may_be_looked_at_at_any_time(tmp_path: Path, monkeypatch: Any) -> None:
    monkeypatch.chdir(tmp_path)
    planned = plan_study([*STUDY, "protocol.stop=sequential", "protocol.sequence=normal"])
    run(planned, budget_seconds=0.5, quiet=True)
    state = Live(planned)()
    assert state.anytime and state.at_most and "not" not in state.verdicts_said.split("valid")[0]
    run(planned, quiet=True)
    state = Live(planned)()
    assert state.anytime and len(state.verdicts) == 4
    write_report(planned)
    verdict = json.loads((planned.folder / "report" / "verdict.json").read_text())
    assert [one.verdict for one in Live(planned)().verdicts] == [c["verdict"] for c in verdict["comparisons"]]
    assert Live(planned)().status == "finished"
    more = plan_study([*planned.asked, "protocol.seeds=2"])
    assert Live(more)().status == "stopped"  # its report was of another question


def test_a_confirming_study_shows_no_verdict_before_its_end(tmp_path: Path, monkeypatch: Any) -> None:
    monkeypatch.chdir(tmp_path)
    planned = plan_study([*STUDY, "protocol.confirm=split"])
    run(planned, budget_seconds=0.5, quiet=True)
    state = Live(planned)()
    assert not state.verdicts and "selects on one half" in state.verdicts_said


def made() -> State:
    """A state in which every name is hostile."""
    return State(
        study=HOSTILE[0],
        question=HOSTILE[5],
        status="running",
        at="2026-11-23T00:00:00Z",
        done=1,
        planned=4,
        at_most=False,
        failures=2,
        per_minute=3.0,
        seconds_left=60.0,
        arms=[Arm(name, "candidate", 1, 2, 1, None) for name in HOSTILE],
        tasks=[(name, 1, 2) for name in HOSTILE],
        verdicts=[Provisional(name, name, name, "HELPS", "+1 %", "0 to 2", 5) for name in HOSTILE],
        verdicts_said="Provisional.",
        anytime=False,
        failed=[Failure("failed", name, name, name, 1, HOSTILE) for name in HOSTILE],
    )


def test_hostile_names_are_text_and_nothing_else() -> None:
    with served(serve(made, "127.0.0.1", 0)) as port:
        page, state = ask(port)[2], ask(port, "/state.json")[2]
    tags = Tags(page)
    assert [dict(attrs).get("src") for tag, attrs in tags.tags if tag == "script"] == ["/live.js"]
    assert not {"img", "b", "iframe"} & {tag for tag, _ in tags.tags}
    assert tags.values("href") == ["data:,", "/live.css", "#main", "/state.json"]
    assert not any(name.startswith("on") for _, attrs in tags.tags for name in attrs)
    assert "a" * 300 not in page and "\x00" not in page
    assert json.loads(state)["arms"][0]["name"] == HOSTILE[0]


def test_it_answers_readers_under_its_own_address_alone() -> None:
    with served(serve(made, "127.0.0.1", 0)) as port:
        status, headers, text = ask(port)
        assert status == 200 and headers["Content-Type"] == "text/html; charset=utf-8"
        assert "default-src 'none'" in headers["Content-Security-Policy"]
        assert headers["Cache-Control"] == "no-store" and headers["X-Content-Type-Options"] == "nosniff"
        assert ask(port, method="HEAD")[2] == "" and ask(port, "/?x=1")[0] == 200
        assert ask(port, Host=f"localhost:{port}")[0] == 200
        for host in ("evil.example", f"evil.example:{port}", "127.0.0.1", ""):
            assert ask(port, Host=host)[0] == 403
        for method in ("POST", "PUT", "DELETE", "PATCH", "OPTIONS"):
            assert ask(port, method=method)[0] == 405
        for path in ("/../../etc/passwd", "/live.cs", "/results", "/state.json/x", "/%2e%2e/"):
            assert ask(port, path)[0] == 404, path
        assert {ask(port, path)[0] for path in ("/live.css", "/live.js")} == {200}
        with pytest.raises(RequestError, match=f"127.0.0.1:{port}: cannot be served: Address already in use"):
            serve(made, "127.0.0.1", port)


def test_from_everywhere_it_is_asked_by_a_number_or_this_machines_name() -> None:
    with served(serve(made, "0.0.0.0", 0)) as port:
        for host in (
            f"127.0.0.1:{port}",
            f"192.168.7.7:{port}",
            f"[::1]:{port}",
            f"{socket.gethostname()}:{port}",
        ):
            assert ask(port, Host=host)[0] == 200, host
        for host in (f"evil.example:{port}", "192.168.7.7", "192.168.7.7:1"):
            assert ask(port, Host=host)[0] == 403, host


def test_a_state_that_cannot_be_read_is_said_and_not_asked_for_at_once() -> None:
    asked: list[int] = []

    def broken() -> State:
        asked.append(1)
        raise OSError("<script>no disk</script>")

    with served(serve(broken, "127.0.0.1", 0)) as port:
        first, second = ask(port), ask(port, "/state.json")
    assert first[0] == second[0] == 503 and "no disk" in first[2] and len(asked) == 1
    assert first[1]["Content-Type"] == "text/plain; charset=utf-8"


def test_a_slow_state_is_computed_once_and_nobody_waits_for_the_next() -> None:
    asked: list[float] = []

    def slow() -> State:
        asked.append(time.monotonic())
        time.sleep(0.5)
        return made()

    with served(serve(slow, "127.0.0.1", 0)) as port:
        ask(port)
        start = time.monotonic()
        threads = [threading.Thread(target=ask, args=(port,)) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert len(asked) == 1 and time.monotonic() - start < 2


def test_the_command_serves_until_it_is_interrupted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    path = str(Path(benchmark.__file__).parents[1])
    process = subprocess.Popen(
        [sys.executable, "-m", "benchmark", "watch", *STUDY, "--port", "0"],
        env={**os.environ, "PYTHONPATH": path},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    said = process.stdout.readline()
    port = int(said.rpartition(":")[2].partition("/")[0])
    assert said == f"watching small at http://127.0.0.1:{port}/ (Ctrl-C ends it)\n"
    assert ask(port)[0] == 200 and not (tmp_path / "results").exists()
    process.terminate()  # as Ctrl-C; a shell may have its background jobs ignore that
    out, err = process.communicate(timeout=30)
    assert (process.returncode, out, err) == (0, "", "")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["nothing"], "nothing: no study of this name was run in results"),
        ([*STUDY, "--port", "99999"], "127.0.0.1:99999: cannot be served"),
        ([*STUDY, "--port", "x"], "argument --port: invalid int value: 'x'"),
        ([*STUDY, "--host", "no.such.host.invalid"], "no.such.host.invalid:8765: cannot be served"),
    ],
)
def test_what_cannot_be_watched_is_refused_in_a_line(
    words: list[str], said: str, tmp_path: Path, monkeypatch: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["watch", *words]) == 2
    shown = capsys.readouterr().err
    assert said in shown and shown.count("\n") == 1


@pytest.mark.all
@pytest.mark.parametrize(("width", "scheme"), [(360, "dark"), (1600, "light")])
def test_in_a_browser_it_follows_the_run_and_says_when_nobody_answers(
    width: int, scheme: str, chromium: Any
) -> None:
    axe = pytest.importorskip("axe_playwright_python.sync_playwright")
    count = iter(range(1, 1000))
    context = chromium.new_context(
        viewport={"width": width, "height": 900}, color_scheme=scheme, bypass_csp=True
    )
    page, faults = context.new_page(), []
    page.on("pageerror", lambda error: faults.append(str(error)))
    page.on("dialog", lambda dialog: faults.append(dialog.message))

    def moving() -> State:
        state = made()
        return State(
            **{name: getattr(state, name) for name in State.__slots__} | {"planned": 3 + next(count)}
        )

    with served(serve(moving, "127.0.0.1", 0)) as port:
        page.goto(f"http://127.0.0.1:{port}/")
        first = page.locator("#said").inner_text()
        deadline = time.monotonic() + 20
        while page.locator("#said").inner_text() == first and time.monotonic() < deadline:
            time.sleep(0.2)
        assert page.locator("#said").inner_text() != first
        assert page.locator("#lost").is_hidden() and page.evaluate("window.HACKED") is None
        assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0
        found = axe.Axe().run(page, options={"preload": False}).response["violations"]
        assert [one["id"] for one in found if one["impact"] in ("serious", "critical")] == []
    deadline = time.monotonic() + 20
    while page.locator("#lost").is_hidden() and time.monotonic() < deadline:
        time.sleep(0.2)
    assert page.locator("#lost").is_visible() and not faults
    context.close()
