"""The verdict: DataFrame in, DataFrame out; knows the record table and nothing else.

``tabulate`` and ``pair`` make complete blocks, ``by_task_and_host`` one effect per task and host,
``estimate`` their mean with its uncertainty, ``decide`` the verdict; ``compare`` and ``judge`` do it all.
"""

from __future__ import annotations

from benchmark.judge.compare import compare
from benchmark.judge.comparison import Comparison, Effect, Sequential, Subset
from benchmark.judge.factors.interaction import Interaction, Term
from benchmark.judge.factors.scaling import Scaling
from benchmark.judge.family import selected
from benchmark.judge.ordered import unsettled
from benchmark.judge.selection import Selection
from benchmark.judge.study import Judgement, judge

__all__ = [
    "Comparison",
    "Effect",
    "Interaction",
    "Judgement",
    "Scaling",
    "Selection",
    "Sequential",
    "Subset",
    "Term",
    "compare",
    "judge",
    "selected",
    "unsettled",
]
