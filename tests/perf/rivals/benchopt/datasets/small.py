"""As small a table as the no-op cells of Swapbench have."""

from benchopt import BaseDataset
from sklearn.datasets import load_iris


class Dataset(BaseDataset):
    name = "small"

    def get_data(self):
        X, y = load_iris(return_X_y=True)
        return {"X": X, "y": y}
