"""Seeds as common random numbers: every arm of a block sees the same randomness.

A seed is a hash of the coordinate *without* the pipeline: the root, the task's fingerprint, the split,
the seed index, the replicate and the purpose. Leaving out the whole pipeline, not only the component
that a study varies, makes one (pipeline, task, split, seed) the same computation in every study.
"""

from __future__ import annotations

import hashlib

from benchmark.spec import Seeds

__all__ = ["cell_seeds", "control_seed", "derive", "sampler_seed", "trial_seeds"]


def derive(*coordinate: str | int) -> int:
    """An integer in [0, 2**63) that depends on every part of ``coordinate`` and on nothing else.

    The first eight bytes of SHA-256 over the parts, each with its length, so that no two coordinates
    run together.
    """
    digest = hashlib.sha256()
    for part in coordinate:
        data = str(part).encode()
        digest.update(len(data).to_bytes(4, "big") + data)
    return int.from_bytes(digest.digest()[:8], "big") >> 1


def cell_seeds(root: int, fingerprint: str, repeat: int, fold: int, seed: int, replicate: int) -> Seeds:
    """The streams of one cell."""
    return _streams("cell", root, fingerprint, repeat, fold, seed, replicate)


def trial_seeds(
    root: int, fingerprint: str, repeat: int, fold: int, replicate: int, tuning: int = 0
) -> Seeds:
    """The streams that all trials of one (task, split, replicate, tuning study) share; no cell uses them."""
    return _streams("trial", root, fingerprint, repeat, fold, replicate, *_further(tuning))


def sampler_seed(root: int, fingerprint: str, repeat: int, fold: int, replicate: int, tuning: int = 0) -> int:
    """The seed of the sampler of hyperparameters in one tuning study."""
    return derive("sampler", root, fingerprint, repeat, fold, replicate, *_further(tuning))


def control_seed(root: int, fingerprint: str, repeat: int, fold: int, control: str) -> int:
    """The seed of which labels a control permutes, and how; the same in every host and for every seed."""
    return derive("control", control, root, fingerprint, repeat, fold)


def _further(tuning: int) -> tuple[int, ...]:
    """The part of a coordinate that only further tuning studies have: the first is the same without them."""
    return (tuning,) if tuning else ()


def _streams(*coordinate: str | int) -> Seeds:
    return Seeds(*(derive(stream, *coordinate) for stream in ("weights", "order", "dropout")))
