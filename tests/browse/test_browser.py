"""The terminal program, driven by keys."""

from __future__ import annotations

import asyncio
import io
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from textual.pilot import Pilot
from textual.widgets import Static, Tree

import ckptdoctor
from ckptdoctor.browse.app import Browser
from ckptdoctor.conversion.plan import derive
from ckptdoctor.conversion.plan_file import read_plan
from ckptdoctor.diagnosis.diagnosis import Diagnosis
from ckptdoctor.formats.locate import open_checkpoint
from ckptdoctor.graphs.request import make_request
from tests.conftest import ROOT

FIXTURES = ROOT / "tests" / "fixtures"


@pytest.fixture(scope="module")
def diagnosis() -> Diagnosis:
    request = make_request(str(FIXTURES / "dense.py"), inputs=["images:Nx4x4x1"])
    return ckptdoctor.diff(request, str(FIXTURES / "classifier.ckpt"))


def drive(
    plan: Path, diagnosis: Diagnosis | None, steps: Callable[[Pilot[None]], Awaitable[None]], width: int = 120
) -> None:
    async def session() -> None:
        app = Browser(open_checkpoint(str(FIXTURES / "classifier.ckpt")), diagnosis, plan)
        async with app.run_test(size=(width, 40)) as pilot:
            await steps(pilot)

    asyncio.run(session())


async def settle(pilot: Pilot[None]) -> None:
    await pilot.app.workers.wait_for_complete()
    await pilot.pause()


def shown(pilot: Pilot[None], where: str) -> str:
    from rich.console import Console

    console = Console(width=100, record=True, file=io.StringIO())
    console.print(pilot.app.query_one(where, Static).content)
    return console.export_text()


def labels(node: Any) -> list[str]:
    return [str(node.label), *(label for child in node.children for label in labels(child))]


def test_the_filter_narrows_as_somebody_types(tmp_path: Path) -> None:
    async def steps(pilot: Pilot[None]) -> None:
        await pilot.press("slash", *"fc7 [8]")
        await settle(pilot)
        tree = pilot.app.query_one("#tree", Tree)
        assert labels(tree.root) == [
            "classifier.ckpt",
            "net  2  64 B",
            "fc7  2  64 B",
            "biases  float32 [8]",
            "Momentum  float32 [8]",
        ]
        assert "2 variables, 64 B" in shown(pilot, "#status")
        about = shown(pilot, "#text")
        assert "net/fc7/biases" in about
        assert "mean 0.681" in about
        await pilot.press("escape", "escape")
        await settle(pilot)
        assert "17 variables" in shown(pilot, "#status")

    drive(tmp_path / "plan.toml", None, steps)


@pytest.mark.parametrize("width", [60, 120])
def test_remedies_are_taken_out_and_the_plan_is_saved(tmp_path: Path, diagnosis: Diagnosis, width: int) -> None:
    plan = tmp_path / "plan.toml"

    async def steps(pilot: Pilot[None]) -> None:
        await pilot.press("n")
        await settle(pilot)
        about = shown(pilot, "#text")
        assert "net/fc6/weights" in about
        assert "error[CKD201] conv-for-dense" in about
        assert "[x] help: write a checkpoint that fits" in about
        assert "3 findings · 3 in the plan" in shown(pilot, "#status")
        await pilot.press("t")
        await settle(pilot)
        assert "[ ] help: write a checkpoint that fits" in shown(pilot, "#text")
        assert "2 in the plan" in shown(pilot, "#status")
        await pilot.press("s")
        await settle(pilot)

    drive(plan, diagnosis, steps, width)
    made = derive(read_plan(plan), diagnosis.alignment.inventory)
    assert made["net/fc6/weights"].spec.shape == (2, 2, 4, 8)
    assert made["net/fc7/weights"].spec.shape == (8, 8)


def test_n_and_p_go_round(tmp_path: Path, diagnosis: Diagnosis) -> None:
    async def steps(pilot: Pilot[None]) -> None:
        places = []
        for key in "nnnnpp":
            await pilot.press(key)
            await settle(pilot)
            places.append(shown(pilot, "#text").splitlines()[0].strip())
        one, two, three = "net/fc6/weights", "net/fc7/weights", "net/logits/weights"
        assert places == [one, two, three, one, three, two]

    drive(tmp_path / "plan.toml", diagnosis, steps)


def test_without_a_graph_there_is_no_plan(tmp_path: Path) -> None:
    async def steps(pilot: Pilot[None]) -> None:
        await pilot.press("s", "t", "n")
        await settle(pilot)
        messages = [str(note.message) for note in pilot.app._notifications]
        assert any("--graph" in message for message in messages)

    drive(tmp_path / "plan.toml", None, steps)
    assert not (tmp_path / "plan.toml").exists()
