"""A benchmark of nothing: what its run costs is what benchopt costs."""

from benchopt import BaseObjective


class Objective(BaseObjective):
    name = "nothing"
    min_benchopt_version = "1.6"
    sampling_strategy = "run_once"

    def set_data(self, X, y):
        self.X, self.y = X, y

    def evaluate_result(self, beta):
        return {"value": 0.0, "beta": beta}

    def get_one_result(self):
        return {"beta": 0.0}

    def get_objective(self):
        return {"X": self.X, "y": self.y}
