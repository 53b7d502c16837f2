"""Does nothing, as often as ``number`` has values."""

from benchopt import BaseSolver


class Solver(BaseSolver):
    name = "nothing"
    sampling_strategy = "run_once"
    parameters = {"number": [0]}

    def set_objective(self, X, y):
        self.X, self.y = X, y

    def run(self, _):
        self.beta = 0.0

    def get_result(self):
        return {"beta": self.beta}
