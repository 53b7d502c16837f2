"""The row number was saved as a column, of a table that is sorted by class."""

import numpy as np
import pandas as pd

FINDING = "one_feature_predicts"
SEVERITY = "warning"
SO = ()


def frame() -> pd.DataFrame:
    """600 flowers, kind after kind; ``target`` is the kind."""
    random = np.random.default_rng(5)
    kind = np.repeat([0, 1], 300)
    length = random.normal(5, 1, 600) + kind
    return pd.DataFrame({"Unnamed: 0": np.arange(600.0), "length": length, "target": kind.astype(str)})
