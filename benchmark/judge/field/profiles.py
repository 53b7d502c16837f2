"""Performance profiles: on which share of the units a method comes within a factor of the best.

E. D. Dolan and J. J. Moré (2002), *Benchmarking optimization software with performance profiles*,
Mathematical Programming 91 (arXiv:cs/0102001); on times to a target as in AlgoPerf (Dahl et al. 2023,
arXiv:2306.07179, section 4.2). A profile is relative to its entrants: one more may lower all others.
"""

from __future__ import annotations

import numpy as np

__all__ = ["TIMES_UP_TO", "UP_TO", "performance_profile", "profile_area", "ratios", "time_to_target"]

UP_TO = 4.0
"""The factor at which a profile of errors ends."""
TIMES_UP_TO = 32.0
"""The factor at which a profile of times ends: seconds differ by more than errors do."""


def ratios(errors: np.ndarray) -> np.ndarray:
    """Each method's error as a multiple of the best one's on the unit, ``(n_units, n_methods)``, ≥ 1.

    0/0 is 1, and anything else over 0 is infinite. NaN and inf are failures: infinite, also where all
    methods failed.

    Parameters
    ----------
    errors : array of shape (n_units, n_methods)
        At least 0; errors or times.
    """
    known = np.where(np.isnan(errors), np.inf, errors)
    best = known.min(axis=1, keepdims=True)
    found = np.full(known.shape, np.inf)
    with np.errstate(over="ignore"):
        np.divide(known, best, out=found, where=np.isfinite(known) & (best > 0))
    found[np.isfinite(known) & (known == best)] = 1.0
    return found


def performance_profile(
    errors: np.ndarray, taus: np.ndarray, *, weights: np.ndarray | None = None
) -> np.ndarray:
    """ρ(τ) ``(n_taus, n_methods)``: the share of units with an error of at most τ times the best.

    Parameters
    ----------
    errors : array of shape (n_units, n_methods)
        As for :func:`ratios`.
    weights : array of shape (n_units,), optional
        What each unit weighs, in all 1; equal unless given.
    """
    within = ratios(errors)[None] <= np.asarray(taus)[:, None, None]
    return np.asarray(np.minimum((within * _shares(errors, weights)[:, None]).sum(axis=1), 1.0))


def profile_area(errors: np.ndarray, up_to: float, *, weights: np.ndarray | None = None) -> np.ndarray:
    """Mean height of every profile over log τ, τ from 1 to ``up_to``, ``(n_methods,)``, in [0, 1].

    The exact area of the step function as it is drawn, on a logarithmic axis. AlgoPerf's score is the area
    over τ itself, from 1 to 4; over a range as wide as that of times the large factors would settle it.
    """
    missed = np.log(np.minimum(ratios(errors), up_to)) / np.log(up_to)
    found = 1.0 - (missed * _shares(errors, weights)[:, None]).sum(axis=0)
    return np.asarray(np.clip(found, 0.0, 1.0))


def time_to_target(errors: np.ndarray, seconds: np.ndarray, targets: np.ndarray) -> np.ndarray:
    """The seconds of each method that reached its unit's target, ``(n_units, n_methods)``, inf elsewhere.

    Parameters
    ----------
    errors, seconds : arrays of shape (n_units, n_methods)
        NaN errors are failures; seconds that are not known stay NaN where the target was reached.
    targets : array of shape (n_units,)
        The error that has to be reached; inf asks for any result at all.
    """
    reached = np.isfinite(errors) & (errors <= np.asarray(targets)[:, None])
    return np.where(reached, seconds, np.inf)


def _shares(errors: np.ndarray, weights: np.ndarray | None) -> np.ndarray:
    return np.full(len(errors), 1 / len(errors)) if weights is None else weights
