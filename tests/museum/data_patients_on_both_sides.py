"""Ten recordings of every patient, dealt out to training and testing one by one."""

import numpy as np
import pandas as pd

FINDING = "groups_across_the_split"
SEVERITY = "warning"
SO = ()


def frame() -> pd.DataFrame:
    """400 recordings; ``target`` is the diagnosis, ``group`` the patient."""
    random = np.random.default_rng(7)
    patient = np.repeat(np.arange(40), 10)
    voice = random.normal(size=(40, 3))[patient] + random.normal(0, 0.1, (400, 3))
    ill = (random.random(40) < 0.5)[patient]
    table = pd.DataFrame(voice, columns=["pitch", "jitter", "shimmer"])
    return table.assign(target=np.where(ill, "ill", "well"), group=patient)
