"""The built wheel works from an empty folder, also from one with a `benchmark` and `datasets` of its own."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import sysconfig
import time
import venv
import zipfile
from pathlib import Path

import psutil
import pytest

ROOT = Path(__file__).resolve().parents[1]
STUDY = [
    "tasks=[iris,engel]",
    "hosts=[mlp]",
    "protocol.tuning.trials=2",
    "protocol.budget.amount=20",
    "workers=2",
]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, built from this checkout."""
    out = tmp_path_factory.mktemp("dist")
    command = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(out), str(ROOT)]
    subprocess.run(command, check=True, capture_output=True)
    return next(out.glob("*.whl"))


def crowded(folder: Path) -> Path:
    """A folder whose own `benchmark`, `components` and `datasets` must not get in the way."""
    for name in ("benchmark", "components", "datasets"):
        (folder / name).mkdir(parents=True)
        (folder / name / "__init__.py").write_text("raise ImportError('the wrong package')\n")
    return folder


def run_study(environment: Path, folder: Path, *overrides: str) -> None:
    """Run a study with the environment's `swapbench` and look at what it left."""
    clean = {key: value for key, value in os.environ.items() if not key.startswith("PYTHON")}
    command = [str(environment / "bin" / "swapbench"), "run", *overrides]
    done = subprocess.run(command, cwd=folder, env=clean, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-2000:] + done.stdout[-2000:]
    assert "report: results/" in done.stdout
    assert list((folder / "results").glob("*/report/verdict.json"))


def test_the_wheel_carries_the_catalog_and_nothing_odd(wheel: Path) -> None:
    names = zipfile.ZipFile(wheel).namelist()
    assert "benchmark/shipped/components/optimizer/adamw.yaml" in names
    assert "benchmark/shipped/datasets/suite/bundled.yaml" in names
    assert "benchmark/report/page.html.jinja" in names
    assert "components/optimizer/muon.py" in names
    tops = {name.split("/")[0] for name in names}
    assert {top for top in tops if not top.startswith("swapbench-")} == {"benchmark", "components"}
    assert not [name for name in names if name.startswith("components/") and name.endswith(".yaml")]


@pytest.mark.all
def test_the_wheel_runs_a_study_beside_folders_of_the_same_names(wheel: Path, tmp_path: Path) -> None:
    environment = tmp_path / "environment"
    venv.create(environment, with_pip=False)
    site = next((environment / "lib").glob("python3*/site-packages"))
    # The libraries of this environment, but not its editable install: .pth files there are not read.
    (site / "libraries.pth").write_text(sysconfig.get_path("purelib") + "\n")
    install = [
        sys.executable,
        "-m",
        "pip",
        "install",
        "--quiet",
        "--no-deps",
        "--target",
        str(site),
        str(wheel),
    ]
    subprocess.run(install, check=True, capture_output=True)
    script = environment / "bin" / "swapbench"
    # Without a guard for __main__: the workers must not run the caller's script again.
    script.write_text(
        f"#!{environment / 'bin' / 'python'}\nimport sys\nfrom benchmark.cli import main\nsys.exit(main())\n"
    )
    script.chmod(0o755)
    run_study(environment, crowded(tmp_path / "folder"), *STUDY)


@pytest.mark.all
@pytest.mark.timeout(1500)
def test_the_demo_from_an_empty_environment_equals_the_checkouts(wheel: Path, tmp_path: Path) -> None:
    environment = tmp_path / "environment"
    venv.create(environment, with_pip=True)
    pip = [str(environment / "bin" / "python"), "-m", "pip", "install", "--quiet"]
    subprocess.run([*pip, "torch==2.13.0"], check=True)
    subprocess.run([*pip, "-c", str(ROOT / "constraints.txt"), str(wheel)], check=True)
    installed = crowded(tmp_path / "installed")
    run_study(environment, installed, "study=demo")

    checkout = tmp_path / "checkout"
    checkout.mkdir()
    with subprocess.Popen([sys.executable, "-m", "benchmark", "run", "study=demo"], cwd=checkout) as process:
        peak = peak_memory(process)
    assert process.returncode == 0
    assert peak < 3 * 2**30
    assert stable_verdict(installed) == stable_verdict(checkout)
    verdict = json.loads(stable_verdict(checkout))
    tuned = [found for found in verdict["comparisons"] if found["setting"] == "tuned"]
    assert len(tuned) >= 3
    assert all(found["n"]["origins"] >= 8 and found["n"]["hosts"] == 2 for found in tuned)
    assert all(found["failures"] == {"candidate": 0, "baseline": 0} for found in tuned)


def peak_memory(process: subprocess.Popen[bytes]) -> int:
    """Largest sum of the unshared memory of a process and its descendants, in bytes, until it ends."""
    peak, root = 0, psutil.Process(process.pid)
    while process.poll() is None:
        total = 0
        for member in (root, *root.children(recursive=True)):
            with contextlib.suppress(psutil.NoSuchProcess, psutil.AccessDenied):
                total += member.memory_full_info().pss
        peak = max(peak, total)
        time.sleep(0.5)
    return peak


def stable_verdict(folder: Path) -> str:
    """The text of verdict.json without what is volatile."""
    found = json.loads((folder / "results" / "demo" / "report" / "verdict.json").read_text())
    for comparison in found["comparisons"]:
        del comparison["volatile"]
    return json.dumps(found)
