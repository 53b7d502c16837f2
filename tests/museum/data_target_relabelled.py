"""The code that the registry gives to each diagnosis was left in the table that predicts the diagnosis."""

import numpy as np
import pandas as pd

FINDING = "target_among_features"
SO = ("one_feature_predicts",)


def frame() -> pd.DataFrame:
    """Blood values of 300 patients; ``target`` is the diagnosis."""
    random = np.random.default_rng(1)
    diagnosis = random.choice(["healthy", "mild", "severe"], 300, p=[0.6, 0.3, 0.1])
    severity = np.select([diagnosis == "mild", diagnosis == "severe"], [0.5, 1.5])
    return pd.DataFrame(
        {
            "haemoglobin": random.normal(14, 1.5, 300) - severity,
            "leucocytes": random.lognormal(2, 0.3, 300) + severity,
            "registry_code": np.select([diagnosis == "mild", diagnosis == "severe"], [4.0, 9.0], 7.0),
            "target": diagnosis,
        }
    )
