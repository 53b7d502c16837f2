"""The columns of the tables that both halves of Swapbench share: one place, one docstring line each."""

from __future__ import annotations

from collections.abc import Mapping

__all__ = ["COORDINATE", "RECORD_COLUMNS", "SCHEMA_VERSION", "TRIAL_COLUMNS"]

SCHEMA_VERSION = 4
"""Part of every key: a change of meaning never mixes with old numbers."""

RECORD_COLUMNS: Mapping[str, str] = {
    "key": "SHA-256 of everything that can change the outcome",
    "study": "name of the study that asked for the cell",
    "role": "candidate, baseline, aa, control or reference",
    "slot": "the study's slot; 'pipeline' for references",
    "component": "name of the component; of the whole pipeline for references",
    "host": "name of the host pipeline; '' for references",
    "task": "name of the task",
    "origin": "where the task's data comes from: the unit of evidence",
    "repeat": "repeat of the split, from 0",
    "fold": "fold of the split, from 0",
    "seed": "seed index, from 0; arms are paired by it",
    "setting": "default or tuned",
    "replicate": "0, or 1, 2, … in A/A arms",
    "control": "what is done to the labels of a control arm: permuted or handicapped; '' in every other arm",
    "tuning": "index of the tuning study that the setting comes from, from 0; 0 for the default setting",
    "status": "ok, failed, diverged, timeout, out_of_memory, crashed or incompatible",
    "reason": "one line: why it is not ok, or what to remark",
    "metric": "name of the primary metric",
    "error": "primary error on the test rows, at least 0, smaller is better; null when not ok",
    "score": "primary metric in its own direction; null when not ok",
    "validation_error": "primary error on the validation rows; null when not ok",
    "train_error": "primary error on at most 1,000 training rows, the same for all arms; null when not ok",
    "featureless_error": "error of the featureless predictor on the same split, for imputation; may be null",
    "test_errors": "misclassified test rows; null for regression or when not ok",
    "n_train": "rows the model was fitted on, validation rows not counted",
    "n_test": "rows it was tested on",
    "steps": "passes of the budget up to the model that was kept; 0 outside the neural family",
    "fit_seconds": "wall seconds of the fit, without imports, warm-up and data loading",
    "predict_seconds": "wall seconds of predicting the test rows",
    "peak_memory_mb": "highest resident memory of the worker while the cell ran, in MiB",
    "peak_gpu_memory_mb": "highest memory allocated on the GPU while the cell ran, in MiB; 0 on the CPU",
    "stacked": "fits that trained together with this one, itself counted; 0: alone",
    "trials": "settings tried in the tuning study before this one was chosen; 0 for the default setting",
    "chosen": "JSON of the hyperparameters used, by slot.argument; {} for the default",
    "provenance": "digest of the machine, packages and commit it was computed with",
    "pooled": "true where error, score and further metrics are those of all folds of the repeat together",
    "imputed": "true where the judge replaced the error of a cell that is not ok",
}
"""Every further metric follows as a column ``metric_<name>``, in its own direction."""

COORDINATE = (
    "role",
    "component",
    "host",
    "task",
    "repeat",
    "fold",
    "seed",
    "setting",
    "replicate",
    "control",
)
"""What tells a record of a study from all others of it."""

TRIAL_COLUMNS: Mapping[str, str] = {
    "key": "SHA-256 of everything that can change the outcome",
    "study": "name of the study that asked for the trial",
    "role": "as in the records",
    "slot": "as in the records",
    "component": "as in the records",
    "host": "as in the records",
    "task": "as in the records",
    "origin": "as in the records",
    "repeat": "as in the records",
    "fold": "as in the records",
    "replicate": "as in the records",
    "tuning": "as in the records",
    "trial": "number of the trial; 0 is the default setting",
    "status": "as in the records",
    "reason": "as in the records",
    "setting": "JSON of the hyperparameters tried, by slot.argument",
    "validation_error": "primary error on the validation rows: all that selection reads",
    "error": "primary error on the test rows: selection never reads it",
    "fit_seconds": "wall seconds of the fit",
    "stacked": "as in the records",
}
