"""What a remedy prints is pasted: into a real shell, into Python, and into this program's own parser."""

from __future__ import annotations

import ast
import re
import subprocess
from collections.abc import Iterator
from dataclasses import replace
from io import StringIO
from pathlib import Path

import pytest
import typer
from rich.console import Console

from ckptdoctor.alignment.alignment import align
from ckptdoctor.cli.app import app
from ckptdoctor.conversion.renames import Names, parse_rename
from ckptdoctor.diagnosis.diagnosis import Diagnosis, diagnose
from ckptdoctor.diagnosis.diagnostic import Remedy
from ckptdoctor.diagnosis.example import Example
from ckptdoctor.diagnosis.rules import RULES
from ckptdoctor.errors import CkptDoctorError
from ckptdoctor.graphs.request import GraphRequest, parse_arg, parse_input
from ckptdoctor.libraries.training_state import AVERAGE
from ckptdoctor.ops import Rename
from ckptdoctor.reports.check_text import check_lines
from ckptdoctor.reports.diff_text import print_diff
from ckptdoctor.specs.command import Command, literal_pattern, operand, own_command, rename_argument
from ckptdoctor.specs.graph import GraphKind, SourceLine
from ckptdoctor.specs.inventory import Entry, Family, Inventory
from ckptdoctor.specs.objects import Attribute, ObjectGraph, TrackedObject
from tests.conftest import ROOT

HOSTILE = (
    "two words",
    "it's",
    'say "x"',
    "$(touch pwned)",
    "`touch pwned`",
    "w';touch${IFS}pwned;'",
    ";touch pwned;#",
    "a&&touch pwned||b>pwned",
    "back\\slash\\1\\g<0>",
    "new\nline\n",
    "tab\tand\rreturn",
    "-rf",
    "--graph=pwned",
    "~",
    "!!",
    "ünïcode 模型",
    ".*+?[(x)]^$|",
    "t{}/{n}",
    "a=b=c",
    "%s\\n%d",
    "\x1b[31m\x00",
    "\u2028\u202e",
    "undecodable\udc80",
    "$checkpoint ${scope}",
)
EXAMPLES = [(rule.RULE.name, example) for rule in RULES for example in rule.FIRES]


def named(example: Example, hostile: str) -> Diagnosis:
    """An example whose files, scopes and options are all named so, and a line of the user's code, too."""
    graph, inventory = example.graph_spec(), example.inventory()
    place = SourceLine(f"{hostile}.py", 3, f"x = slim.fully_connected(x, 8, scope='{hostile}')")
    variables = tuple(
        replace(item, name=f"{hostile}/{item.name}", key=f"{hostile}/{item.key}", location=place)
        for item in graph.variables
    )
    entries = {f"{hostile}/{key}": replace(entry, key=f"{hostile}/{key}") for key, entry in inventory.entries.items()}
    graph = replace(graph, source=f"{hostile}.py:net", variables=variables)
    inventory = replace(inventory, source=f"{hostile}.ckpt", entries=dict(sorted(entries.items())))
    return diagnose(align(graph, inventory), graph.source, options=("--arg", f"name={hostile}"))


def plain(example: Example) -> Diagnosis:
    return diagnose(align(example.graph_spec(), example.inventory()), "graph.py")


def remedies(diagnosis: Diagnosis) -> Iterator[Remedy]:
    for finding in diagnosis.diagnostics:
        yield from finding.remedies


@pytest.fixture(scope="module")
def every_remedy() -> list[tuple[Diagnosis, Remedy]]:
    diagnoses = [plain(example) for _, example in EXAMPLES]
    diagnoses += [named(example, hostile) for _, example in EXAMPLES for hostile in HOSTILE]
    return [(diagnosis, remedy) for diagnosis in diagnoses for remedy in remedies(diagnosis)]


def pasted(commands: list[Command], directory: Path) -> list[tuple[str, ...]]:
    """The arguments that a stub on PATH gets where the commands are pasted into a shell, one after another."""
    programs, here = directory / "bin", directory / "here"
    programs.mkdir()
    here.mkdir()
    stub, record = programs / "ckptdoctor", directory / "record"
    stub.write_text('#!/bin/sh\nprintf \'%s\\0\' "$#" "$@" >> "$RECORD"\n')
    stub.chmod(0o755)
    script = "\n".join(map(str, commands)).encode("utf-8", "surrogateescape")
    environment = {"PATH": f"{programs}:/usr/bin:/bin", "RECORD": str(record), "HOME": str(here)}
    done = subprocess.run(["sh"], input=script, cwd=here, env=environment, capture_output=True, check=False)
    assert not done.stdout, done.stdout
    assert not done.stderr, done.stderr
    assert not list(here.iterdir()), "a name became a command"
    words = record.read_bytes().split(b"\0")[:-1]
    found = []
    while words:
        count = int(words[0])
        found.append(("ckptdoctor", *(word.decode("utf-8", "surrogateescape") for word in words[1 : 1 + count])))
        words = words[1 + count :]
    return found


def without_zero(command: Command) -> Command:
    """No argument of a process can hold a zero byte."""
    return Command(tuple(argument.replace("\0", "") for argument in command.arguments))


def test_a_shell_takes_every_command_apart_as_it_was_meant(
    every_remedy: list[tuple[Diagnosis, Remedy]], tmp_path: Path
) -> None:
    commands = list(dict.fromkeys(without_zero(remedy.command) for _, remedy in every_remedy if remedy.command))
    assert len(commands) > len(HOSTILE)
    assert pasted(commands, tmp_path) == [command.arguments for command in commands]


def test_this_program_parses_every_command_that_it_prints(every_remedy: list[tuple[Diagnosis, Remedy]]) -> None:
    group = typer.main.get_command(app)
    for diagnosis, remedy in every_remedy:
        if not remedy.command:
            continue
        _, verb, *words = remedy.command.arguments
        context = group.commands[verb].make_context(verb, words, resilient_parsing=True)  # type: ignore[attr-defined]
        assert not context.args, remedy.command
        assert context.params["checkpoint"] == operand(diagnosis.alignment.inventory.source)
        if verb == "convert":
            assert context.params["graph"] == operand(diagnosis.graph_argument[0])
            assert list(context.params["args"]) == list(diagnosis.graph_argument[2:])


def test_every_code_is_python_whose_literals_are_the_names(every_remedy: list[tuple[Diagnosis, Remedy]]) -> None:
    codes = 0
    for diagnosis, remedy in every_remedy:
        if not remedy.code:
            continue
        codes += 1
        text = str(remedy.code)
        # The slash ends a name so that no other one starts as it does.
        known = {"VALID", "/", AVERAGE, diagnosis.alignment.inventory.source}
        known |= {side for item in diagnosis.alignment.renamings for side in (item.lhs, item.rhs)}
        names = [*diagnosis.alignment.inventory.entries, *(item.key for item in diagnosis.alignment.graph.variables)]
        for name in names:
            parts = name.split("/")
            scopes = {"/".join(parts[:end]) for end in range(1, len(parts) + 1)} | set(parts)
            patterns = {literal_pattern(scope) for scope in scopes}
            known |= scopes | {f"{scope}/" for scope in scopes}
            known |= patterns | {pattern + end for pattern in patterns for end in ("/", ":", "[/:]")}
        line = next((item.location.text for item in diagnosis.diagnostics if item.location), "")
        own = text.removesuffix(line)  # below it stands the user's own line
        literals = {node.value for node in ast.walk(ast.parse(own)) if isinstance(node, ast.Constant)}
        assert {literal for literal in literals if isinstance(literal, str)} <= known, text
        ast.parse(text)
    assert codes > len(HOSTILE)


@pytest.mark.parametrize("hostile", HOSTILE)
def test_the_reports_print_a_command_as_it_is_pasted(hostile: str) -> None:
    example = Example("n/fc7/w [4096,64]\nn/o/w [64,9]", "n/fc7/w [1,1,4096,64]\nn/o/w [64,9]")
    diagnosis = named(example, hostile)
    command = next(remedy.command for remedy in remedies(diagnosis) if remedy.command)
    printed = StringIO()
    print_diff(diagnosis, Console(file=printed, width=60, highlight=False, markup=False, emoji=False))
    assert f"      {command}\n" in printed.getvalue()
    source = diagnosis.alignment.inventory.source
    more = own_command("diff", operand(diagnosis.graph_argument[0]), *diagnosis.graph_argument[1:], operand(source))
    assert check_lines(diagnosis)[-1] == f"  more: {more}"


@pytest.mark.parametrize("to", HOSTILE)
@pytest.mark.parametrize("key", HOSTILE)
def test_a_printed_rename_is_of_exactly_that_key(key: str, to: str) -> None:
    spec = Example("w [2]", "w [2]").inventory().entries["w"].spec
    keys = (key, f"{key}\n", f"{key}x", f"x{key}", f"{key}/{key}", key.replace("=", "#") + "#")
    inventory = Inventory("m", "npz", Family.ARRAYS, (), {name: Entry(name, spec) for name in sorted({*keys})})
    to = f"new/{to}"
    plan = Names((parse_rename(rename_argument(key, to)),)).plan(inventory)
    assert plan.ops == (Rename(key, to),)


@pytest.mark.parametrize("hostile", HOSTILE)
def test_a_choice_between_hostile_keys_is_an_argument(hostile: str) -> None:
    keys = (f"t0/a/{hostile}", f"t1/a/{hostile}")
    spec = Example("w [3,3]", "w [3,3]").inventory().entries["w"].spec
    inventory = Inventory("evil.npz", "npz", Family.ARRAYS, (), {key: Entry(key, spec) for key in keys})
    diagnosis = diagnose(align(Example("n/a/w [3,3]", "w [3,3]").graph_spec(), inventory), "good.npz")
    commands = [remedy.command for remedy in remedies(diagnosis) if remedy.command]
    for command in commands:
        if "--rename" in command.arguments:
            argument = command.arguments[command.arguments.index("--rename") + 1]
            assert argument == rename_argument(keys[0], "n/a/w")


@pytest.mark.parametrize("value", ["two words", "10", "'10'", "None", "a=b", "-1", "", "[1", *HOSTILE])
def test_an_argument_of_a_graph_is_printed_as_it_is_read(value: str) -> None:
    arguments = (("name", value), ("classes", 10))
    request = GraphRequest("graph.py", "net", (parse_input("images:Nx2:int32"),), arguments)
    options = request.options
    assert options[:2] == ("--input", "images:Nx2:int32")
    assert [parse_arg(text) for text in options[3::2]] == list(request.args)


@pytest.mark.parametrize("name", ["model", "two words", "class", "x); pwned(", "a'b"])
def test_the_call_that_restores_by_objects_is_an_expression(name: str) -> None:
    example = Example("model/w [2]", "w [2]")
    (variable,) = example.graph_spec().variables
    value = TrackedObject(attributes=(Attribute("VARIABLE_VALUE", "w", "w"),))
    mine, stored = (
        ObjectGraph((TrackedObject(((root, 1),)), TrackedObject((("w", 2),)), value)) for root in ("model", name)
    )
    graph = replace(
        example.graph_spec(),
        kind=GraphKind.OBJECTS,
        variables=(replace(variable, node=2),),
        objects=mine,
        wrapped=True,
    )
    alignment = align(graph, replace(example.inventory(), objects=stored))
    call = ast.parse(alignment.restored_by, mode="eval").body
    assert isinstance(call, ast.Call)
    (keyword,) = call.keywords
    assert name == (keyword.arg or ast.literal_eval(keyword.value.keys[0]))  # type: ignore[attr-defined]


def test_no_hint_pastes_a_command_together() -> None:
    """A command with a name of the user's in it is a `Command`, wherever it is said."""
    pattern = re.compile(r"ckptdoctor (diff|convert|inspect|verify|browse|lock|check|run|explain) [^\n]*$|pip install ")
    pasted_together = []
    for path in sorted((ROOT / "ckptdoctor").rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if not isinstance(node, ast.JoinedStr):
                continue
            for part, following in zip(node.values, node.values[1:], strict=False):
                text = part.value if isinstance(part, ast.Constant) else ""
                if pattern.search(text) and "…" not in text and isinstance(following, ast.FormattedValue):
                    pasted_together.append(f"{path.relative_to(ROOT)}:{node.lineno}")
    assert not pasted_together


def test_one_module_quotes_and_one_makes_code() -> None:
    quoting, coding = set(), set()
    for path in sorted((ROOT / "ckptdoctor").rglob("*.py")):
        text = path.read_text("utf-8")
        if re.search(r"^\s*(from|import) shlex", text, re.MULTILINE):
            quoting.add(path.name)
        if re.search(r"\bCode\(", text):
            coding.add(path.name)
    assert quoting == {"command.py", "demo.py"}  # the demo's words are all its own
    assert coding == {"code.py"}


def test_a_hint_can_be_pasted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    spec = Example("w [2]", "w [2]").inventory().entries["w"].spec
    monkeypatch.chdir(tmp_path)
    for number, hostile in enumerate(HOSTILE):
        inventory = Inventory(f"{hostile}.npz", "npz", Family.ARRAYS, (), {"w": Entry("w", spec)})
        with pytest.raises(CkptDoctorError) as caught:
            Names((("absent", "other"),)).plan(inventory)
        command = own_command("inspect", operand(inventory.source), "--table")
        assert caught.value.hint == f"See: {command}"
        directory = tmp_path / str(number)
        directory.mkdir()
        assert pasted([without_zero(command)], directory) == [without_zero(command).arguments]
