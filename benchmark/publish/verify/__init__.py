"""What the files of a bundle say of each other, held against each other; no code of the bundle is run."""

from __future__ import annotations

from benchmark.publish.verify.cells import check_cells
from benchmark.publish.verify.choice import check_choice
from benchmark.publish.verify.origin import check_cards, check_code, check_data, check_environments
from benchmark.publish.verify.sameness import check_same
from benchmark.publish.verify.scores import (
    Truths,
    check_featureless,
    check_labels,
    check_predictions,
    check_scores,
)

__all__ = [
    "Truths",
    "check_cards",
    "check_cells",
    "check_choice",
    "check_code",
    "check_data",
    "check_environments",
    "check_featureless",
    "check_labels",
    "check_predictions",
    "check_same",
    "check_scores",
]
