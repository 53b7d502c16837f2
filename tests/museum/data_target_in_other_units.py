"""The logarithm of the price stayed in the table that predicts the price."""

import numpy as np
import pandas as pd

FINDING = "target_among_features"
SO = ("one_feature_predicts",)


def frame() -> pd.DataFrame:
    """400 houses; ``target`` is the price in thousands."""
    random = np.random.default_rng(2)
    area, age = random.uniform(40, 200, 400), random.integers(0, 90, 400).astype(float)
    price = 3 * area * np.exp(-age / 100) * random.lognormal(0, 0.3, 400)
    return pd.DataFrame({"area": area, "age": age, "log_price": np.log(price), "target": price})
