"""The number of the lifeboat, as in the passenger list of the Titanic: only who was saved has one."""

import numpy as np
import pandas as pd

FINDING = "one_feature_predicts"
SEVERITY = "warning"
SO = ()


def frame() -> pd.DataFrame:
    """1,000 passengers; ``target`` says who survived."""
    random = np.random.default_rng(3)
    age, fare = random.uniform(1, 70, 1000), random.lognormal(3, 1, 1000)
    survived = random.random(1000) < 1 / (1 + np.exp(-0.6 * np.log(fare) + 0.03 * age + 1))
    boat = pd.Series(random.integers(1, 17, 1000).astype(str)).where(survived)
    boat[random.choice(1000, 15, replace=False)] = np.nan  # swam, or nobody wrote it down
    return pd.DataFrame({"age": age, "fare": fare, "boat": boat, "target": np.where(survived, "yes", "no")})
