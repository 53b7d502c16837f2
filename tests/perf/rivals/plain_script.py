"""A careful researcher's script: networks on digits, one after the other, rows through a DataLoader.

``python plain_script.py FITS.json`` trains every fit that the file describes (rows, seeds, optimizer) and
prints the seconds that it took, imports apart, and each fit's test accuracy, split by split.
"""

import copy
import json
import math
import sys
import time
from pathlib import Path

import torch
from sklearn.datasets import load_digits
from sklearn.metrics import log_loss
from sklearn.preprocessing import StandardScaler
from torch import nn
from torch.utils.data import DataLoader, Sampler, TensorDataset


class Shuffled(Sampler):
    """A new order every epoch. torch's RandomSampler draws a second one that it throws away."""

    def __init__(self, n_rows, seed):
        self.n_rows = n_rows
        self.generator = torch.Generator().manual_seed(seed)

    def __len__(self):
        return self.n_rows

    def __iter__(self):
        return iter(torch.randperm(self.n_rows, generator=self.generator).tolist())


def network(n_features, width, n_classes):
    """Three hidden layers with a little dropout."""
    widths = [n_features, width, width, width]
    hidden = [
        [nn.Linear(a, b), nn.ReLU(), nn.Dropout(0.1)] for a, b in zip(widths[:-1], widths[1:], strict=True)
    ]
    return nn.Sequential(*[layer for layers in hidden for layer in layers], nn.Linear(width, n_classes))


def probabilities(model, loader):
    """Of every row ``(n_rows, n_classes)``."""
    model.eval()
    with torch.no_grad():
        return torch.cat([model(X).softmax(-1) for X, _ in loader]).numpy()


def train(fit, parts, width, epochs, batch_size, patience):
    """The test accuracy of the epoch that was best on the validation rows."""
    train_set, validation_set, test_set = parts
    torch.manual_seed(fit["weights"])
    model = network(train_set.tensors[0].shape[1], width, 10)
    optimizer = getattr(torch.optim, fit["optimizer"])(model.parameters(), **fit["arguments"])
    criterion = nn.CrossEntropyLoss()
    order = Shuffled(len(train_set), fit["order"])
    # Its own generator, so that drawing batches takes nothing from the stream that dropout draws from.
    loader = DataLoader(train_set, batch_size, sampler=order, generator=torch.Generator())
    validation_loader = DataLoader(validation_set, 1024, generator=torch.Generator())
    test_loader = DataLoader(test_set, 1024, generator=torch.Generator())
    best, kept, stale = math.inf, None, 0
    torch.manual_seed(fit["dropout"])
    for _ in range(epochs):
        model.train()
        for X, y in loader:
            optimizer.zero_grad(set_to_none=True)
            criterion(model(X), y).backward()
            optimizer.step()
        said = probabilities(model, validation_loader)
        error = log_loss(validation_set.tensors[1].numpy(), said, labels=range(10))
        stale = 0 if error < best else stale + 1
        if error <= best:
            best, kept = error, copy.deepcopy(model.state_dict())
        if stale >= patience:
            break
    model.load_state_dict(kept)
    said = probabilities(model, test_loader)
    return float((said.argmax(1) == test_set.tensors[1].numpy()).mean())


def main():
    """Train what the file asks for."""
    asked = json.loads(Path(sys.argv[1]).read_text())
    started = time.perf_counter()
    X, y = load_digits(return_X_y=True)
    accuracies = []
    for split in asked["splits"]:
        scaler = StandardScaler().fit(X[split["train"]])
        parts = [
            TensorDataset(
                torch.tensor(scaler.transform(X[split[part]]), dtype=torch.float32),
                torch.tensor(y[split[part]]),
            )
            for part in ("train", "validation", "test")
        ]
        budget = asked["width"], asked["epochs"], asked["batch_size"], asked["patience"]
        accuracies.append([train(fit, parts, *budget) for fit in split["fits"]])
    print(json.dumps({"seconds": time.perf_counter() - started, "accuracies": accuracies}))


if __name__ == "__main__":
    main()
