"""The values of the API as a notebook shows them: the pages that `--html` writes.

A value knows nothing of reports, so it is given its page here, where the API hands it out.

Source: IPython, IPython/core/formatters.py, `HTMLFormatter.print_method` (`_repr_html_`).
"""

from __future__ import annotations

from dataclasses import fields

from ckptdoctor.diagnosis.diagnosis import Diagnosis
from ckptdoctor.specs.inventory import Inventory


class ShownDiagnosis(Diagnosis):
    """A diagnosis with a page."""

    __slots__ = ()

    def _repr_html_(self) -> str:
        from ckptdoctor.reports.diff_html import diff_page
        from ckptdoctor.reports.page import in_notebook

        return in_notebook(diff_page(self))


class ShownInventory(Inventory):
    """An inventory with a page."""

    __slots__ = ()

    def _repr_html_(self) -> str:
        from ckptdoctor.reports.inspect_html import inspect_page
        from ckptdoctor.reports.page import in_notebook

        return in_notebook(inspect_page(self))


def shown_diagnosis(diagnosis: Diagnosis) -> ShownDiagnosis:
    """The same diagnosis, with its page."""
    return ShownDiagnosis(*(getattr(diagnosis, field.name) for field in fields(Diagnosis)))


def shown_inventory(inventory: Inventory) -> ShownInventory:
    """The same inventory, with its page."""
    return ShownInventory(*(getattr(inventory, field.name) for field in fields(Inventory)))
