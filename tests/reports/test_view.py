"""What is said once: the same remedy is, and a like one never."""

from __future__ import annotations

from dataclasses import replace
from io import StringIO

from rich.console import Console

from ckptdoctor.alignment.alignment import align
from ckptdoctor.diagnosis.diagnosis import diagnose
from ckptdoctor.diagnosis.example import Example
from ckptdoctor.reports.diff_text import print_diff
from ckptdoctor.reports.view import View, view_of
from ckptdoctor.specs.command import Command


def shown(graph: str, checkpoint: str, **parameters: int) -> tuple[View, str]:
    example = Example(graph, checkpoint)
    spec = replace(example.graph_spec(), parameters=tuple(parameters.items()))
    diagnosis = diagnose(align(spec, example.inventory()), "graph.py")
    printed = StringIO()
    print_diff(diagnosis, Console(file=printed, width=100, highlight=False, markup=False))
    return view_of(diagnosis), printed.getvalue()


def block(printed: str, name: str) -> str:
    """What is printed of one finding."""
    return next(part for part in printed.split("\n\n") if part.startswith("error[") and f": {name}\n" in part)


def test_an_unsafe_remedy_is_never_the_same_as_a_safe_one() -> None:
    view, printed = shown(
        "n/a/w [1,1,32,64] Conv2D input [?,7,7,32] padding VALID\n"
        "n/b/w [7,7,64,64] Conv2D input [?,14,14,64] padding SAME\nn/z/w [2,2]",
        "n/a/w [32,64]\nn/b/w [3136,64]\nn/z/w [2,2]",
    )
    safe, unsafe = view.findings
    assert (safe.remedies[0].title, safe.remedies[0].safety) == (unsafe.remedies[0].title, "safe")
    assert unsafe.remedies[0].safety == "unsafe"
    assert not unsafe.same_as
    assert not any(remedy.as_for for remedy in unsafe.remedies)
    assert "--graph graph.py --unsafe" in block(printed, "n/b/w")
    assert "--unsafe" not in block(printed, "n/a/w")


def test_two_heads_have_their_own_numbers_and_their_own_restores() -> None:
    _, printed = shown(
        "n/c/w [3,3,3,8]\nn/head_a/w [8,5]\nn/head_a/b [5]\nn/head_b/w [8,7]\nn/head_b/b [7]",
        "n/c/w [3,3,3,8]\nn/head_a/w [8,10]\nn/head_a/b [10]\nn/head_b/w [8,21]\nn/head_b/b [21]",
        coarse=5,
        fine=7,
    )
    for head, setting in (("a", "coarse=10"), ("b", "fine=21")):
        text = block(printed, f"n/head_{head}/w")
        assert f"      {setting}\n" in text
        assert f"leave n/head_{head} out" in text
        # One head alone cannot be left out: the restore would fail at the other one.
        assert "exclude=['n/head_a/', 'n/head_b/']" in text
    assert printed.count("startswith(('n/head_a/', 'n/head_b/'))") == 1


def test_the_size_of_one_layer_is_not_that_of_another() -> None:
    _, printed = shown(
        "n/a/w [8,16]\nn/a/b [16]\nn/c/w [4,24]\nn/c/b [24]\nn/o/w [2,2]",
        "n/a/w [8,8]\nn/a/b [8]\nn/c/w [4,36]\nn/c/b [36]\nn/o/w [2,2]",
        units=16,
        other_units=24,
    )
    assert "      units=8\n" in printed
    assert "      other_units=36\n" in printed
    assert "above" not in printed


def test_the_very_same_remedies_are_said_once_and_by_name() -> None:
    view, printed = shown("a/w [4] float32\nb/w [5] float32", "a/w [4] float16\nb/w [5] float16")
    first, second = view.findings
    assert second.same_as == first.name == "a/w"
    assert "help: the same as for a/w above" in block(printed, "b/w")
    assert printed.count("ckptdoctor convert") == 1
    # One run of that command carries out both.
    assert first.remedies[0].remedy.ops != second.remedies[0].remedy.ops


def test_of_remedies_that_are_partly_the_same_the_others_are_printed() -> None:
    view, printed = shown(
        "n/fc7/weights [4096,64]\nn/fc8/weights [64,9]\nn/o/w [9,9]",
        "n/fc7/weights [1,1,4096,64]\nn/fc8/weights [1,1,64,9]\nn/o/w [9,9]",
    )
    first, second = view.findings
    assert not second.same_as
    assert [remedy.as_for for remedy in second.remedies] == ["n/fc7/weights"] * (len(second.remedies) - 1) + [""]
    assert not any(remedy.as_for for remedy in first.remedies)
    text = block(printed, "n/fc8/weights")
    assert "scope='fc8'" in text
    assert "the same as for" not in text
    assert "[safe], as for n/fc7/weights above" in text


def test_a_page_that_is_read_in_parts_repeats_every_remedy() -> None:
    from ckptdoctor.reports.markdown import markdown_text

    example = Example("a/w [4] float32\nb/w [5] float32", "a/w [4] float16\nb/w [5] float16")
    diagnosis = diagnose(align(example.graph_spec(), example.inventory()), "graph.py")
    assert markdown_text([diagnosis]).count("```console\nckptdoctor convert") == 2


def test_json_says_what_a_remedy_is() -> None:
    from ckptdoctor.reports.diff_json import diff_to_dict

    example = Example("n/fc7/w [4096,64]\nn/o/w [64,9]", "n/fc7/w [1,1,4096,64]\nn/o/w [64,9]")
    diagnosis = diagnose(align(example.graph_spec(), example.inventory()), "my graph.py", options=("--arg", "n=a b"))
    data = diff_to_dict(diagnosis)
    assert data["schema"] == "ckptdoctor.diff/2"
    assert (data["graph"]["source"], data["graph"]["options"]) == ("my graph.py", ["--arg", "n=a b"])
    convert, reshape, *_ = data["diagnostics"][0]["remedies"]
    assert convert["command"][:3] == ["ckptdoctor", "convert", "model.ckpt"]
    assert convert["command"][4:] == ["--graph", "my graph.py", "--arg", "n=a b"]
    assert (convert["code"], convert["safety"]) == (None, "safe")
    assert convert["operations"] == [{"op": "reshape", "key": "n/fc7/w", "shape": [4096, 64]}]
    assert (reshape["command"], reshape["operations"]) == (None, [])
    assert "Saver(reshape=True)" in reshape["code"]
    assert isinstance(diagnosis.diagnostics[0].remedies[0].paste, Command)
