"""The species is among the features that predict the genus."""

import numpy as np
import pandas as pd

FINDING = "one_feature_predicts"
SEVERITY = "warning"
SO = ()


def frame() -> pd.DataFrame:
    """500 birds; ``target`` is the genus."""
    random = np.random.default_rng(4)
    species = random.integers(0, 9, 500)
    genus = np.array(["Parus", "Passer", "Turdus"])[species // 3]
    return pd.DataFrame(
        {
            "wing": random.normal(80, 10, 500) + 3 * species,
            "species": [f"s{number}" for number in species],
            "target": genus,
        }
    )
