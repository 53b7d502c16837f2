#!/bin/sh
# Makes every bundle of this folder anew; from the root of the checkout: sh results/reference/make.sh
# What is in the store of $RESULTS (default: results) is not computed again.
set -e
SWAPBENCH=${SWAPBENCH:-.venv/bin/swapbench}
RESULTS=${RESULTS:-results}
TASKS='tasks=[anes96,breast_cancer,engel,iris,modechoice,wine]'

reference() {  # NAME OVERRIDE…
    name=$1; shift
    $SWAPBENCH run "study=$name" "name=reference_$name" "$TASKS" protocol=quick protocol.splits.scheme=holdout \
        protocol.tuning.trials=2 "results_dir=$RESULTS" "$@" || test $? = 1  # a component that failed is a result
    $SWAPBENCH bundle "reference_$name" "results_dir=$RESULTS" --out "results/reference/$name"
}

reference activations 'hosts=[mlp]'
reference architectures
reference boosters 'hosts=[boosted_trees_3]'
reference demo 'hosts=[mlp]'
reference estimators 'hosts=[standard_forest]'
reference interaction 'hosts=[mlp]'
reference losses 'hosts=[mlp]'
reference optimizers 'hosts=[mlp]' 'candidates=[sgd,momentum,rmsprop,nadam,radam,lion,adan,prodigy,soap,muon]'
reference preprocessors 'hosts=[lightgbm]'
reference schedules 'hosts=[mlp]'
reference weak_learners 'hosts=[bagging]'
