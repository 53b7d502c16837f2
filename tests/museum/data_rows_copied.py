"""The rare class was made as large as the other by copying its rows before anything was split."""

import numpy as np
import pandas as pd

FINDING = "duplicates_across_the_split"
SEVERITY = "warning"
SO = ()


def frame() -> pd.DataFrame:
    """Payments, ``target`` says which were fraud: 300 that were not, and 60 that were, five times each."""
    random = np.random.default_rng(6)
    table = pd.DataFrame(random.normal(size=(360, 4)), columns=["amount", "hour", "distance", "age"])
    table["target"] = np.repeat(["no", "fraud"], [300, 60])
    return pd.concat([table, *[table[table["target"] == "fraud"]] * 4], ignore_index=True)
