"""Where the time of a run went, in words: what its workers and its driver did, and what to do about it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from benchmark.report.words import number, share, wrapped
from benchmark.report.words import seconds as duration

if TYPE_CHECKING:
    from benchmark.execute.profile import Training

__all__ = ["advice", "profile_table", "training_table", "waited", "wasted"]

_WORKERS: Mapping[str, str] = {
    "start": "starting, with imports",
    "load": "loading data",
    "split": "splitting",
    "propose": "proposing settings",
    "import": "making components",
    "preprocess": "preprocessing",
    "fit": "fitting",
    "data": "fitting: batches",
    "forward": "fitting: forward passes",
    "backward": "fitting: backward passes",
    "step": "fitting: the optimizer",
    "count": "counting operators for this",
    "evaluate": "predicting and scoring validation rows",
    "predict": "predicting test rows",
    "score": "scoring",
    "send": "sending results",
    "wait": "waiting",
    "rest": "everything else",
}
_DRIVER: Mapping[str, str] = {
    "plan": "planning",
    "store": "reading and writing the store",
    "judge": "judging",
    "report": "writing the report",
}
_FORM = "  {:<40} {:>9} {:>8}"
_MUCH = 0.2
"""Share of the workers' time from which something other than fitting is worth a sentence."""
_FITTING = ("fit", "data", "forward", "backward", "step")
_TRAINING_HEAD = ("training", "rows/s", "GFLOP/s", "of peak", *_FITTING[1:], "operators")
_TRAINING_FORM = "  {:<32} {:>9} {:>7} {:>7} {:>7} {:>7} {:>8} {:>7} {:>9}"
_SHOWN, _SAID = 12, 3
"""Lines of the table of what was trained, and sentences below it, at most."""
_IDLE = 0.3
"""Share of a training step that goes into calling operators from which it is worth a sentence."""
_NEGLIGIBLE = 0.05
"""Share of all training below which nothing is worth one."""


def waited(spent: Mapping[str, float], workers: int, seconds: float) -> float:
    """Seconds that all workers together were there for, and did nothing."""
    worked = sum(took for name, took in spent.items() if name != "wait")
    return max(0.0, workers * seconds - worked)


def profile_table(
    spent: Mapping[str, float],
    own: Mapping[str, float],
    workers: int,
    seconds: float,
    slowest: Sequence[tuple[float, str]] = (),
) -> str:
    """The table as text, with the slowest fits and a sentence on what would help.

    Parameters
    ----------
    spent, own
        Seconds by phase, of all workers together and of the driver.
    workers, seconds
        How many there were, and for how many seconds.
    slowest
        Seconds and name of the slowest fits.
    """
    whole = {**spent, "wait": waited(spent, workers, seconds)}
    every = f"{workers} workers, all together" if workers > 1 else "1 worker"
    lines = ["", f"Where the time went: {duration(seconds)}, {every}"]
    if spent:
        lines += _rows(whole, _WORKERS, max(workers * seconds, sum(whole.values())))
    lines += ["the driver, beside waiting for workers", *_rows(own, _DRIVER, None)]
    if slowest:
        lines += ["the slowest fits", *(f"  {duration(took):>9}  {name}" for took, name in slowest)]
    return "\n".join([*lines, "", *wrapped(advice(spent, own, workers, seconds))])


def _rows(spent: Mapping[str, float], words: Mapping[str, str], whole: float | None) -> Iterator[str]:
    for name, took in sorted(spent.items(), key=lambda item: -item[1]):
        if took > 0:
            yield _FORM.format(words[name], duration(took), share(took / whole) if whole else "").rstrip()


def advice(spent: Mapping[str, float], own: Mapping[str, float], workers: int, seconds: float) -> str:
    """What took most besides fitting, and what would help; that nothing would, where that is so."""
    whole = workers * seconds
    if not spent:
        return "No worker was needed: everything was in the store."
    idle = waited(spent, workers, seconds)
    shares = {name: took / whole for name, took in spent.items()} | {"wait": idle / whole}
    largest = max(_HELP, key=lambda name: shares.get(name, 0.0))
    if shares.get(largest, 0.0) < _MUCH:
        fitting = sum(shares.get(name, 0.0) for name in _FITTING)
        return f"Fitting took {share(fitting)} of the workers' time: {_NOTHING}"
    took = share(shares[largest])
    if largest == "wait":
        why = _BUSY if own.get("store", 0.0) > seconds / 2 else _HELP["wait"]
        return f"The workers waited {took} of the time: {why}"
    return f"{_WORKERS[largest].capitalize()} took {took} of the workers' time: {_HELP[largest]}"


def training_table(trained: Mapping[str, Training]) -> str:
    """What the networks' training achieved, the longest first, and who wastes the machine; as text.

    Of every training the first step is counted and not timed, so that it is in no number here.

    Parameters
    ----------
    trained
        By what it is called, such as ``adamw in mlp``; empty: there is nothing to say.
    """
    if not trained:
        return ""
    longest = sorted(trained, key=lambda name: -trained[name].seconds)
    lines = ["", _TRAINING_FORM.format(*_TRAINING_HEAD).strip()]
    lines += [_achieved(name, trained[name]) for name in longest[:_SHOWN]]
    if (left := len(longest) - _SHOWN) > 0:
        lines.append(f"  and {left} more, which took less")
    whole = sum(training.seconds for training in trained.values())
    worth = [name for name in longest if trained[name].seconds >= _NEGLIGIBLE * whole]
    said = [sentence for name in worth if (sentence := wasted(name, trained[name]))]
    return "\n".join([*lines, *("\n".join(["", *wrapped(sentence)]) for sentence in said[:_SAID])])


def _achieved(name: str, training: Training) -> str:
    seconds = training.seconds
    parts = (training.data, training.forward, training.backward, training.step)
    return _TRAINING_FORM.format(
        name if len(name) <= 32 else f"{name[:31]}…",
        f"{training.rows / seconds:,.0f}",
        number(training.flop / seconds / 1e9, 2),
        share(training.flop / training.possible),
        *(share(part / seconds) for part in parts),
        f"{training.calls / training.steps:,.0f}",
    )


def wasted(name: str, training: Training) -> str:
    """How training wastes the machine, and what would help; empty where it does not."""
    seconds, a_step = training.seconds, training.calls / training.steps
    if training.data > _MUCH * seconds:
        took = share(training.data / seconds, 0)
        return f"{name} spends {took} of its steps putting batches together; {_LARGER}"
    idle = min(1.0, training.calling / seconds)
    if idle < _IDLE:
        return ""
    optimizer = training.step / seconds
    whose = f", {share(optimizer, 0)} of the time in the optimizer" if optimizer > 1 / 3 else ""
    return (
        f"{name} spends at least {share(idle, 0)} of its steps calling operators instead of computing: "
        f"{a_step:,.0f} a step{whose}. {_FEWER if whose else _LARGER.capitalize()}"
    )


_FEWER = "Fused or foreach kernels call one for all tensors."
_LARGER = "larger batches or wider networks have more to compute in each."
_NOTHING = "only fewer or smaller fits, or more workers, would be faster."
_BUSY = "the driver was busy with the store; put results_dir on a local disk."
_HELP = {
    "wait": "there were fewer fits that could run at once than workers. More tasks, splits or seeds keep "
    "them busy; fewer workers would have been as fast.",
    "start": "the study is short for so many workers; fewer of them, or more of the study in one run, help.",
    "load": "a worker loads a task when it comes to it; `swapbench fetch` parses it beforehand.",
    "split": "a task has many splits; fewer repeats help.",
    "propose": "the sampler takes long; protocol.tuning.sampler=sobol is faster.",
    "import": "components take long to make; see the slowest fits.",
    "preprocess": "every worker prepares a split for itself; a simpler preprocessor, or fewer workers, help.",
    "evaluate": "networks are scored often; protocol.budget.evaluations says how often.",
    "predict": "test rows take longer than training; fewer folds have larger training parts.",
    "score": "metrics on large test parts take long.",
    "send": "predictions of large test parts take long to send.",
}
"""What helps against each phase that is not fitting itself."""
