"""Ray started for real: a cluster of its own, and one of several nodes on this machine that come and go."""

from __future__ import annotations

import contextlib
import dataclasses
import itertools
import os
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pytest

from benchmark.errors import RequestError
from benchmark.execute.cell import Outcome
from benchmark.execute.engine import Context
from benchmark.execute.executors.processes import Processes
from benchmark.execute.executors.ray import Ray
from benchmark.plan.grid import Job
from tests.cluster.tiny import TINY, collect, jobs, run_into_budget

VOLATILE = ("fit_seconds", "predict_seconds", "peak_memory_mb")

pytest.importorskip("ray", reason="Ray is not installed: pip install 'swapbench[ray]'")
pytestmark = pytest.mark.all


def ray(folder: Path, **options: Any) -> Ray:
    return Ray(Context(1, (), (), options, folder / "results"))


def settled(outcome: Outcome) -> dict[str, Any]:
    """The row without times and memory."""
    return {name: value for name, value in dataclasses.asdict(outcome.row).items() if name not in VOLATILE}


def test_records_and_predictions_equal_those_of_processes(tmp_path: Path) -> None:
    planned = jobs("radam", more=["tasks=[iris,engel]", "references=[linear]"])
    calm = collect(Processes(Context(1, (), ())), planned)
    found = collect(ray(tmp_path, workers=2), planned)
    assert found.keys() == calm.keys()
    for key, outcome in found.items():
        expected = calm[key]
        assert settled(outcome) == settled(expected)
        assert outcome.prediction_of == expected.prediction_of
        assert (outcome.prediction is None) == (expected.prediction is None)
        if outcome.prediction is not None:
            np.testing.assert_array_equal(outcome.prediction, expected.prediction)


def first_cells(planned: Sequence[Job]) -> dict[str, Job]:
    """One job of every optimizer, with its first cell alone, by the optimizer's name."""
    named = [(job.pipeline.components.get("optimizer"), job) for job in planned]
    return {part.name: dataclasses.replace(job, cells=job.cells[:1]) for part, job in named if part}


def test_a_fit_in_trouble_costs_itself_alone(mine: Path) -> None:
    expected = {
        "Segfaults": "crashed",
        "Hangs": "timeout",
        "Leaks": "out_of_memory",
        "adamw": "ok",
    }
    limits = ("protocol.limits.seconds=8", "protocol.limits.memory_mb=400")
    names = [f"{mine}:{name}" for name in expected if name[0].isupper()]
    one_of_each = first_cells(jobs(*names, more=limits))
    found = collect(ray(mine.parent, workers=2), list(one_of_each.values()))
    assert {name: found[job.cells[0].key].row.status for name, job in one_of_each.items()} == expected


def test_a_budget_ends_what_runs(mine: Path) -> None:
    assert mine.exists()
    assert run_into_budget(20.0, "executor=ray", "workers=2") < 20


def test_a_cell_that_takes_its_node_down_is_tried_again_and_then_recorded(mine: Path) -> None:
    one_of_each = first_cells(jobs(f"{mine}:EndsItsNode"))
    found = collect(ray(mine.parent, workers=1), list(one_of_each.values()))
    row = found[one_of_each["EndsItsNode"].cells[0].key].row
    assert row.status == "crashed"
    assert row.reason.startswith(f"lost with its worker 2 times, the last on node {os.uname().nodename}: ")
    first, again = fits(mine.parent)
    assert first == again
    assert found[one_of_each["adamw"].cells[0].key].row.status == "ok"


@pytest.fixture(scope="module")
def head() -> Iterator[Any]:
    """A cluster's head, without room for a cell."""
    from ray.cluster_utils import Cluster

    settings = {
        "num_cpus": 0,
        "include_dashboard": False,
        "object_store_memory": 100 * 2**20,
        "_system_config": {"health_check_period_ms": 500, "health_check_failure_threshold": 4},
    }
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("RAY_worker_niceness", "0")  # else whatever else runs here has precedence
        nodes = Cluster(initialize_head=True, head_node_args=settings)
        yield nodes
        nodes.shutdown()


class Nodes:
    """Nodes that join the head, and the address they join."""

    def __init__(self, head: Any) -> None:
        self.head = head
        self.address: str = head.address
        self.joined: list[Any] = []

    def join(self, cpus: int = 1, **more: float) -> None:
        """Add a node; it inherits the environment of now, but not the folder."""
        with contextlib.chdir("/"):
            self.joined.append(self.head.add_node(num_cpus=cpus, object_store_memory=100 * 2**20, **more))

    def lose(self) -> None:
        """Kill the node that joined first; the head takes seconds to find out."""
        self.head.remove_node(self.joined.pop(0), allow_graceful=False)

    def leave(self) -> None:
        """Have all nodes leave, as the head knows at once."""
        while self.joined:
            self.head.remove_node(self.joined.pop())


@pytest.fixture
def cluster(mine: Path, head: Any) -> Iterator[Nodes]:
    """The head, which nodes may join for the time of a test."""
    assert mine.exists()  # nodes inherit where the ledger is
    nodes = Nodes(head)
    yield nodes
    nodes.leave()


def write_sales(folder: Path) -> Path:
    """Data that lies in a file."""
    file = folder / "sales.csv"
    file.write_text("x,y\n" + "".join(f"{i % 7},{i * 0.37 % 5:.2f}\n" for i in range(60)))
    return file


def of_optimizer(name: str, planned: Sequence[Job]) -> list[Job]:
    """The jobs of the optimizer of that name in the file: every fit of theirs is in the ledger."""
    named = [(job.pipeline.components.get("optimizer"), job) for job in planned]
    return [job for part, job in named if part and part.name.rpartition(":")[2] == name]


def test_a_node_that_is_lost_costs_only_the_cell_that_ran_on_it(
    cluster: Nodes, mine: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_sales(mine.parent)
    more = ("protocol.splits.folds=3", "tasks=[sales.csv:y]", "protocol.budget.amount=10")
    planned = of_optimizer("Slow", jobs(f"{mine}:Slow", more=more))
    units = [trial.key for job in planned for trial in job.trials]
    units += [cell.key for job in planned for cell in job.cells]
    cluster.join()
    found: dict[str, Outcome] = {}
    with ray(mine.parent, address=cluster.address) as executor:
        for some in executor.run((job, {}) for job in planned):
            found |= {outcome.row.key: outcome for outcome in some}
            if some and len(found) == 5:
                cluster.lose()  # first, since whatever the node finished while another joins is lost too
                cluster.join()
    assert {key: outcome.row.status for key, outcome in found.items()} == dict.fromkeys(units, "ok")
    assert "lost a worker on node" in capsys.readouterr().err
    begun = fits(mine.parent)
    assert len(begun) - len(set(begun)) <= 1


@pytest.mark.parametrize(
    ("options", "at_once"),
    [
        ({"memory_mb": 600}, 1),
        ({"memory_mb": 400}, 2),
        ({"gpus": 1, "workers": 2}, 1),  # more than there is room for: Ray holds the second back
        ({"gpus": 0.5}, 2),
    ],
)
def test_a_node_gets_no_more_cells_than_its_memory_and_its_cards_hold(
    cluster: Nodes, mine: Path, options: dict[str, float], at_once: int
) -> None:
    planned = of_optimizer("Strides", jobs(f"{mine}:Strides"))
    cluster.join(cpus=2, memory=1000 * 2**20, num_gpus=1)  # to Ray numbers, whatever the machine has
    found = collect(ray(mine.parent, address=cluster.address, **options), planned)
    assert {outcome.row.status for outcome in found.values()} == {"ok"}
    stretches = [line for line, _ in itertools.groupby(fits(mine.parent))]
    assert (len(stretches) > len(set(stretches))) == (at_once > 1)  # interrupted by one another, or not


def test_a_cluster_without_room_is_refused_and_awaited_when_asked_to(cluster: Nodes, mine: Path) -> None:
    planned = jobs(f"{mine}:Sound")[:1]
    with pytest.raises(RequestError, match="no node of the cluster has CPU 1; ask for less, or say workers="):
        collect(ray(mine.parent, address=cluster.address), planned)
    with ray(mine.parent, address=cluster.address, workers=1) as executor:
        outcomes = executor.run((job, {}) for job in planned)
        executor._ray.nodes()  # the cluster is joined
        cluster.join()
        assert all(outcome.row.status == "ok" for some in outcomes for outcome in some)


def test_a_node_that_cannot_read_its_data_is_named(cluster: Nodes, mine: Path) -> None:
    file = write_sales(mine.parent)
    planned = jobs("radam", more=[f"tasks=[{file}:y]"])
    file.unlink()
    cluster.join()
    with pytest.raises(RequestError, match=rf"^node {os.uname().nodename}: .*sales\.csv"):
        collect(ray(mine.parent, address=cluster.address), planned)


class Driver:
    """`swapbench run` of a tiny study on a cluster, as a process of its own."""

    def __init__(self, folder: Path, address: str = "null") -> None:
        self.folder = folder
        where = (f"executor.address={address}", f"workers={2 if address == 'null' else 'null'}")
        study = ("baselines=[adamw]", "candidates=[mine.py:Slow]", "name=a", *where)
        command = [sys.executable, "-m", "benchmark", "run", *TINY, *study, "executor=ray"]
        self.process = subprocess.Popen(
            command,
            cwd=folder,
            start_new_session=True,
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def wait_for(self, many: int) -> None:
        """Wait until so many fits have begun and something is in the store."""
        deadline = time.monotonic() + 120
        while len(fits(self.folder)) < many or not self.kept():
            assert self.process.poll() is None, self.process.communicate()
            assert time.monotonic() < deadline
            time.sleep(0.05)

    def kept(self) -> set[str]:
        """Keys of all that is in the store."""
        file = self.folder / "results" / "store.sqlite"
        if not file.exists():
            return set()
        connection = sqlite3.connect(f"file:{file}?mode=ro", uri=True, timeout=30)
        try:
            return {
                key for t in ("records", "trials") for (key,) in connection.execute(f"SELECT key FROM {t}")
            }
        except sqlite3.OperationalError:  # the tables are not there yet
            return set()
        finally:
            connection.close()

    def end(self, number: int) -> str:
        os.killpg(self.process.pid, number)
        return self.process.communicate(timeout=60)[0]


def fits(folder: Path) -> list[str]:
    """A line for every fit of our own optimizers that has begun: the same when it is the same fit."""
    ledger = folder / "ledger"
    return ledger.read_text().splitlines() if ledger.exists() else []


def test_the_next_driver_collects_what_finished_without_one(
    cluster: Nodes, mine: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cluster.join(cpus=2)
    monkeypatch.setenv("SWAPBENCH_CACHE", str(mine.parent / "cache"))
    first = Driver(mine.parent, cluster.address)
    first.wait_for(2)
    first.end(signal.SIGKILL)
    before, begun = first.kept(), len(fits(mine.parent))
    time.sleep(2)
    assert len(fits(mine.parent)) > begun
    assert first.kept() == before
    second = Driver(mine.parent, cluster.address)
    out, _ = second.process.communicate(timeout=120)
    assert "fits in" in out
    assert len(set(fits(mine.parent))) == len(fits(mine.parent))


def test_ctrl_c_ends_every_worker(cluster: Nodes, mine: Path) -> None:
    cluster.join(cpus=2)
    driver = Driver(mine.parent, cluster.address)
    driver.wait_for(2)
    out = driver.end(signal.SIGINT)
    assert "interrupted:" in out and "Traceback" not in out and "raylet" not in out
    time.sleep(3)
    done = fits(mine.parent)
    time.sleep(2)
    assert fits(mine.parent) == done
    assert not list((mine.parent / "results" / ".ray").iterdir())


def test_a_cluster_of_its_own_dies_with_its_driver(mine: Path) -> None:
    driver = Driver(mine.parent)
    driver.wait_for(2)
    processes = psutil.Process(driver.process.pid).children(recursive=True)
    assert "raylet" in [process.name() for process in processes]
    watched = [
        process for process in processes if not process.name().endswith("Agent")
    ]  # Ray's look up rarely
    driver.process.kill()
    driver.process.communicate(timeout=60)
    assert not psutil.wait_procs(watched, timeout=30)[1]


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"cpus": 0}, "executor.cpus=0: expected a number above 0"),
        ({"gpus": 1.5}, "executor.gpus=1.5: expected part of a card, as 0.25, or whole cards"),
        ({"adress": "auto"}, "executor: unknown key 'adress'; did you mean 'address'?"),
        ({"address": "ray://head:10001"}, "executor.address=ray://head:10001: expected HOST:PORT or auto"),
    ],
)
def test_an_option_that_cannot_be_is_one_line(tmp_path: Path, options: dict[str, Any], said: str) -> None:
    with pytest.raises(RequestError) as caught:
        ray(tmp_path, **options)
    assert str(caught.value).startswith(said) and "\n" not in str(caught.value)


def test_an_address_without_a_cluster_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(RequestError) as caught:
        ray(tmp_path, address="127.0.0.1:9").__enter__()
    assert "executor.address=127.0.0.1:9: no cluster" in str(caught.value) and "\n" not in str(caught.value)


def test_without_ray_one_line_says_how_to_get_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(RequestError, match=r"Ray is not installed; pip install 'swapbench\[ray\]'"):
        ray(tmp_path)
