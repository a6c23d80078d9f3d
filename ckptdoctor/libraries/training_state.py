"""Keys that belong to training and not to the network: optimizer slots, moving averages, step counters.

Sources: TensorFlow, tensorflow/python/training/ (slot names: adam.py `Adam`, `Adam_1`; momentum.py `Momentum`;
rmsprop.py `RMSProp`, `RMSProp_1`; adagrad.py, adadelta.py, ftrl.py likewise), moving_averages.py
(`ExponentialMovingAverage`, `biased`, `local_step`), training_util.py (`global_step`); BERT, optimization.py (`adam_m`).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

from ckptdoctor.specs.inventory import Entry
from ckptdoctor.specs.objects import OBJECT_VALUE

Kind = Literal["slot", "moving average", "step"]

_SLOT = re.compile(
    r"(?P<owner>.+)/(Adam|Momentum|RMSProp|Adagrad|Adadelta|Ftrl|AdaMax|Nadam|LARS|LAMB|GradientDescent|AMSGrad)"
    r"(Optimizer)?(_\d+)?"
    r"|(?P<bert>.+)/(adam_[mv]|lamb_[mv]|accumulator|vhat)"
    r"|(?P<object>.+)/\.OPTIMIZER_SLOT/.+"
)
AVERAGE = "/ExponentialMovingAverage"
"""What `tf.train.ExponentialMovingAverage` puts behind a variable's name (moving_averages.py, `average_name`)."""

_AVERAGE = re.compile(r"(?P<owner>.+)/(ExponentialMovingAverage|biased|local_step)(_\d+)?")
_OPTIMIZER_SCALAR = re.compile(
    r"optimizer_weights/.*|optimizer/vars/\d+|(.*/)?_?optimizer/(?!_trainable_variables/).*/\.ATTRIBUTES/.*|(.*/)?(beta[12]_power(_\d+)?|loss_scale|good_steps|current_loss_scale)"
)
_STEP = re.compile(r"(.*/)?(global_step|save_counter|step)(/\.ATTRIBUTES/VARIABLE_VALUE)?")


@dataclass(frozen=True, slots=True)
class TrainingState:
    """What a training key is: its kind, and the variable it belongs to (empty for one of the whole network)."""

    kind: Kind
    owner: str


@lru_cache(maxsize=1 << 18)
def training_state(key: str) -> TrainingState | None:
    """What a key of training state is, or None if it is a variable of the network."""
    if match := _AVERAGE.fullmatch(key):
        return TrainingState("moving average", match["owner"])
    if match := _SLOT.fullmatch(key):
        owner = f"{match['object']}{OBJECT_VALUE}" if match["object"] else match["owner"] or match["bert"]
        return TrainingState("slot", owner)
    if _OPTIMIZER_SCALAR.fullmatch(key):
        return TrainingState("slot", "")
    if _STEP.fullmatch(key):
        return TrainingState("step", "")
    return None


def entry_state(entry: Entry) -> TrainingState | None:
    """What an entry is of training: as the checkpoint itself says where it does (TensorFlow 2's slots), else as its key says."""
    return TrainingState("slot", entry.owner) if entry.owner else training_state(entry.key)


def is_state(key: str, kind: Kind) -> bool:
    """Whether a key is of this kind of training state."""
    state = training_state(key)
    return state is not None and state.kind == kind


def averaged_variable(key: str) -> str:
    """The variable whose moving average a key is, and whose place the average can take; empty if it is none.

    Source: TensorFlow, tensorflow/python/training/moving_averages.py, `ExponentialMovingAverage.variables_to_restore`.
    """
    return key.removesuffix(AVERAGE) if key.endswith(AVERAGE) and is_state(key, "moving average") else ""
