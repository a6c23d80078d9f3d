"""dtype-mismatch: the element types differ.

## What it does
Finds a pair with another dtype on either side.

## Why is this bad
RestoreV2 refuses another dtype, or (int32 against int64) reports it as a wrong size: `stored size 4; expected size 8`.

## Example
`lhs float32 [64] vs rhs float16 [64]`.

## Fix safety
Safe where every value survives (half or bfloat16 to float, int32 to int64); unsafe where values lose bits.
"""

from __future__ import annotations

from collections.abc import Iterator

from ckptdoctor.diagnosis.case import Case
from ckptdoctor.diagnosis.diagnostic import Diagnostic, Remedy, Rule, Severity
from ckptdoctor.diagnosis.example import Example
from ckptdoctor.libraries.quantization import holds_codes
from ckptdoctor.ops import Cast
from ckptdoctor.specs.dtype import DType

RULE = Rule("CKD301", "dtype-mismatch", "error")

FIRES = (Example("a/w [4] float32", "a/w [4] float16"),)
SILENT = (Example("a/w [4] float32", "a/w [4] float32"),)

_LOSSLESS = {
    "float16": ("float32", "float64"),
    "bfloat16": ("float32", "float64"),
    "float32": ("float64",),
    "uint8": ("uint16", "int16", "uint32", "int32", "uint64", "int64", "float32", "float64"),
    "int8": ("int16", "int32", "int64", "float32", "float64"),
    "int16": ("int32", "int64", "float32", "float64"),
    "uint16": ("uint32", "int32", "uint64", "int64", "float32", "float64"),
    "int32": ("int64", "float64"),
    "uint32": ("uint64", "int64", "float64"),
    "complex64": ("complex128",),
}


def is_lossless(stored: DType, declared: DType) -> bool:
    """Whether every value of one type is a value of the other."""
    return declared.name in _LOSSLESS.get(stored.name, ())


def check(case: Case) -> Iterator[Diagnostic]:
    """A finding for each pair whose dtypes differ."""
    # Keras casts what it loads: such a variable has the value that is meant, as exactly as its own type holds it.
    cast = {pair.variable.key for pair in case.agreement.right} if case.agreement else set()
    for pair in case.mismatched:
        if pair.same_dtype:
            continue
        variable, entry = pair.variable, pair.entry
        declared, stored = variable.spec.dtype, entry.spec.dtype
        codes = holds_codes(entry.spec, variable.spec)
        safe = is_lossless(stored, declared) and not codes
        remedies: tuple[Remedy, ...] = ()
        if declared.itemsize and stored.itemsize and not codes:
            command = case.convert_command() if safe else case.convert_command("--unsafe")
            title = "cast the stored values" if safe else "cast the stored values, losing bits"
            remedies = (Remedy(title, "safe" if safe else "unsafe", command, (Cast(entry.key, declared),)),)
        severity: Severity = ("info" if safe else "warning") if variable.key in cast else RULE.severity
        yield Diagnostic(
            Rule(RULE.code, RULE.name, severity),
            f"the graph declares {declared}, the checkpoint holds {stored}.",
            "certain",
            variable.name,
            entry.key,
            variable.spec,
            entry.spec,
            (_evidence(stored, declared, safe, codes),),
            variable.location,
            remedies,
            frozenset({entry.key}),
        )


def _evidence(stored: DType, declared: DType, safe: bool, codes: bool) -> str:
    if codes:
        return f"Such {stored} values are codes of a quantization: without their scale they mean nothing, so they are never cast."
    return (
        f"Every {stored} value is a {declared} value." if safe else f"Not every {stored} value is a {declared} value."
    )
