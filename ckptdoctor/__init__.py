"""Says why a TensorFlow checkpoint does not fit a graph, and rewrites it so that it does.

    with ckptdoctor.open("model.ckpt") as ckpt:       names, shapes, types, values
    ckptdoctor.contents("model.ckpt")                 what it holds, as a page in a notebook
    ckptdoctor.diff("graph.py:net", "model.ckpt")     every disagreement, its cause and a remedy
    ckptdoctor.convert("model.ckpt", "out.ckpt", …)   a checkpoint that fits
    ckptdoctor.save("new.ckpt", {"a": array})         a checkpoint of arrays
    ckptdoctor.verify("out.ckpt")                     the proof
    ckptdoctor.explain(error)                         what a restore's error means

Each name is imported when it is first used.
"""

from __future__ import annotations

from ckptdoctor.version import __version__

TYPE_CHECKING = False  # type checkers go by the name; importing typing takes longer than all the rest
if TYPE_CHECKING:
    from typing import Any

    from ckptdoctor.api.comparison import DiffReport, diff
    from ckptdoctor.api.contents import Contents, contents
    from ckptdoctor.api.conversion import Conversion, convert, plan_conversion
    from ckptdoctor.api.explanation import ErrorExplanation, explain
    from ckptdoctor.api.opened import OpenedCheckpoint, StoredTensor, open
    from ckptdoctor.api.proof import Verification, verify
    from ckptdoctor.api.saving import save
    from ckptdoctor.diagnosis.diagnostic import Diagnostic, Remedy
    from ckptdoctor.errors import (
        CkptDoctorError,
        FormatError,
        GraphError,
        OutputError,
        UnknownKey,
        UsageError,
    )
    from ckptdoctor.executor.convert import Receipt
    from ckptdoctor.proof.receipt import ProvedReceipt
    from ckptdoctor.proof.written import Proof
    from ckptdoctor.watch.restores import explain_restore

__all__ = [
    "CkptDoctorError",
    "Contents",
    "Conversion",
    "Diagnostic",
    "DiffReport",
    "ErrorExplanation",
    "FormatError",
    "GraphError",
    "OpenedCheckpoint",
    "OutputError",
    "Proof",
    "ProvedReceipt",
    "Receipt",
    "Remedy",
    "StoredTensor",
    "UnknownKey",
    "UsageError",
    "Verification",
    "__version__",
    "contents",
    "convert",
    "diff",
    "explain",
    "explain_restore",
    "open",
    "plan_conversion",
    "save",
    "verify",
]

_MODULES = {
    "api.comparison": ("DiffReport", "diff"),
    "api.contents": ("Contents", "contents"),
    "api.conversion": ("Conversion", "convert", "plan_conversion"),
    "api.explanation": ("ErrorExplanation", "explain"),
    "api.opened": ("OpenedCheckpoint", "StoredTensor", "open"),
    "api.proof": ("Verification", "verify"),
    "api.saving": ("save",),
    "diagnosis.diagnostic": ("Diagnostic", "Remedy"),
    "errors": ("CkptDoctorError", "FormatError", "GraphError", "OutputError", "UnknownKey", "UsageError"),
    "executor.convert": ("Receipt",),
    "proof.receipt": ("ProvedReceipt",),
    "proof.written": ("Proof",),
    "watch.restores": ("explain_restore",),
}


def __getattr__(name: str) -> Any:
    from importlib import import_module

    for module, names in _MODULES.items():
        if name in names:
            value = getattr(import_module(f"{__name__}.{module}"), name)
            globals()[name] = value
            return value
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
