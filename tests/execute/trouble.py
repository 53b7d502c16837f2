"""An estimator that gets its worker into trouble, in one way or another."""

from __future__ import annotations

import ctypes
import gc
import locale
import os
import random
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any, Self

import numpy as np
import torch
from sklearn.base import BaseEstimator

__all__ = ["Trouble"]


def nothing() -> None:
    """No trouble."""


def nap() -> None:
    time.sleep(0.03)


def draw(folder: str) -> None:
    """Draw from the random states that everybody shares, without fixing them."""
    name = f"{os.getpid()}-{time.monotonic()}"
    (Path(folder) / name).write_text(f"{random.random()} {np.random.random()}", encoding="utf-8")


def look_up(name: str) -> None:
    """Fail without a variable of the environment."""
    os.environ[name]


def segfault() -> None:
    ctypes.string_at(0)


def exit_0() -> None:
    os._exit(0)


def exit_3() -> None:
    os._exit(3)


def raise_exit() -> None:
    sys.exit("the component has had enough")


def kill_oneself() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def stop_oneself() -> None:
    os.kill(os.getpid(), signal.SIGSTOP)


def kill_guard() -> None:
    os.kill(os.getppid(), signal.SIGKILL)
    time.sleep(1000)


def hang_in_c() -> None:
    signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())
    ctypes.CDLL(None).sleep(1000)


def ignore_signals() -> None:
    for number in (signal.SIGTERM, signal.SIGALRM, signal.SIGINT):
        signal.signal(number, signal.SIG_IGN)
    time.sleep(1000)


def deadlock() -> None:
    lock = threading.Lock()
    lock.acquire()
    stuck = threading.Thread(target=lock.acquire)
    stuck.start()
    stuck.join()


def swallow_exceptions() -> None:
    while True:
        try:
            time.sleep(0.01)
        except Exception:
            pass


def leak(megabytes: int = 100_000) -> None:
    kept = []
    for _ in range(megabytes // 8):
        kept.append(np.ones(1 << 20))


def leak_in_children(megabytes: int) -> None:
    script = f"import time; kept = bytearray({megabytes} << 20); time.sleep(1000)"
    children = [subprocess.Popen([sys.executable, "-S", "-c", script]) for _ in range(2)]
    for child in children:
        child.wait()


def leave_children(mark: str) -> None:
    marked = {**os.environ, "MARK": mark}
    subprocess.Popen(["sleep", "1000"], env=marked)
    subprocess.Popen(["sleep", "1000"], env=marked, start_new_session=True)
    daemons = 'for i in 1 2 3; do (setsid sh -c "trap : TERM HUP; sleep 1000; sleep 1000" &) ; done'
    subprocess.run(["sh", "-c", daemons], env=marked, check=True)


def leave_children_and_crash(mark: str) -> None:
    leave_children(mark)
    segfault()


def leave_children_and_hang(mark: str) -> None:
    leave_children(mark)
    time.sleep(1000)


def leave_thread() -> None:
    threading.Thread(target=time.sleep, args=(1000,)).start()


def write_garbage(megabytes: int) -> None:
    for descriptor in (1, 2):
        for _ in range(megabytes):
            os.write(descriptor, b"\xff\x00\x1b[2J{" * (1 << 17))
    sys.stdout.write("\udc80 \x1b]0;title\a" * 100_000)


def write_and_crash(megabytes: int) -> None:
    write_garbage(megabytes)
    print("last words", file=sys.stderr)
    segfault()


def crash_at_first(times: int, folder: str) -> None:
    tries = len(list(Path(folder).iterdir()))
    (Path(folder) / str(tries)).touch()
    if tries < times:
        os._exit(9)


def turn_everything() -> None:
    """Change whatever a worker sees to between two cells."""
    folder = Path("gone").absolute()
    folder.mkdir()
    os.chdir(folder)
    folder.rmdir()
    os.environ["HOME"] = "nowhere"
    os.environ.pop("PATH")
    gc.disable()
    sys.setrecursionlimit(5000)
    sys.setprofile(lambda *_: None)
    locale.setlocale(locale.LC_ALL, "C.UTF-8")
    signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGALRM])
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    signal.setitimer(signal.ITIMER_REAL, 0.001)
    time.sleep(0.01)  # the alarm waits from here on
    torch.set_default_dtype(torch.float64)
    torch.set_num_threads(2)
    torch.set_grad_enabled(False)
    torch.set_default_device("meta")
    np.seterr(all="raise")
    sys.stdout.close()
    os.close(1)
    os.close(2)


def expect_order() -> None:
    """Raise where anything is as :func:`turn_everything` left it."""
    found: dict[str, tuple[Any, Any]] = {
        "cwd": (Path.cwd().is_dir(), True),
        "HOME": (os.environ["HOME"] != "nowhere", True),
        "PATH": ("PATH" in os.environ, True),
        "gc": (gc.isenabled(), True),
        "recursion": (sys.getrecursionlimit() == 5000, False),
        "profile": (sys.getprofile(), None),
        "locale": (locale.setlocale(locale.LC_ALL) == "C.UTF-8", False),
        "mask": (signal.pthread_sigmask(signal.SIG_BLOCK, []), set()),
        "SIGTERM": (signal.getsignal(signal.SIGTERM), signal.SIG_DFL),
        "dtype": (torch.get_default_dtype(), torch.float32),
        "threads": (torch.get_num_threads(), 1),
        "grad": (torch.is_grad_enabled(), True),
        "device": (torch.zeros(1).device.type, "cpu"),
        "errors": (np.geterr()["divide"], "warn"),
    }
    if wrong := {name: pair for name, pair in found.items() if pair[0] != pair[1]}:
        raise AssertionError(wrong)
    print("said in order")
    os.write(1, b"said in order")


class Trouble(BaseEstimator):  # type: ignore[misc]
    """Calls a function of this module when it is fitted; predicts that all classes are as likely."""

    def __init__(self, task_type: str, seed: int, what: str, with_: Any = None) -> None:
        self.task_type = task_type
        self.seed = seed
        self.what = what
        self.with_ = with_

    def fit(self, _: Any, y: np.ndarray) -> Self:
        """Get into trouble."""
        globals()[self.what](**(self.with_ or {}))
        self.classes_ = np.unique(y)
        return self

    def predict_proba(self, X: Any) -> np.ndarray:
        """Probabilities ``(n_rows, n_classes)``."""
        return np.full((len(X), len(self.classes_)), 1 / len(self.classes_))
