"""The terminal program: a tree to walk, a filter, and what is known about the selected variable."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar

from rich.console import Group, RenderableType
from rich.text import Text
from textual import work
from textual.app import App, ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal, VerticalScroll
from textual.widgets import Footer, Input, Static, Tree
from textual.widgets.tree import TreeNode

from ckptdoctor.alignment.pairs import Status
from ckptdoctor.browse.scope_tree import Item, Place, items_of, matching, tree_of
from ckptdoctor.conversion.from_diagnosis import applicable, plan_of
from ckptdoctor.conversion.plan_file import write_plan
from ckptdoctor.diagnosis.diagnosis import Diagnosis
from ckptdoctor.diagnosis.diagnostic import Diagnostic
from ckptdoctor.errors import CkptDoctorError
from ckptdoctor.formats.checkpoint import Checkpoint
from ckptdoctor.reports.diff_html import SIGNS
from ckptdoctor.reports.printable import human_bytes, printable
from ckptdoctor.reports.values_text import statistics_line
from ckptdoctor.specs.command import operand, own_command
from ckptdoctor.values.statistics import Statistics, describe_value

_STYLES: dict[Status, str] = {
    "matched": "green",
    "mismatched": "bold red",
    "renamed": "blue",
    "missing": "bold yellow",
    "unexpected": "dim",
}
_OPENED = 400
"""Variables: a filter that leaves as many or fewer shows them all."""


class Browser(App[None]):
    """Walks through a checkpoint, with a graph beside it or not."""

    CSS = """
    #filter { dock: top; height: 3; }
    #tree { width: 1fr; min-width: 30; }
    #details { width: 1fr; border-left: solid $panel; padding: 0 1; }
    .-narrow #both { layout: vertical; }
    .-narrow #tree { height: 1fr; width: 100%; }
    .-narrow #details { height: 1fr; width: 100%; border-left: none; border-top: solid $panel; }
    #status { height: 1; color: $text-muted; background: $panel; padding: 0 1; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        ("slash", "filter", "Filter"),
        ("escape", "leave", "Tree"),
        ("n", "step(1)", "Next finding"),
        ("p", "step(-1)", "Previous"),
        ("t", "choose", "Toggle remedy"),
        ("s", "save", "Save plan"),
        ("q", "quit", "Quit"),
    ]

    def __init__(self, checkpoint: Checkpoint, diagnosis: Diagnosis | None, plan_file: Path) -> None:
        super().__init__()
        self.title = "ckptdoctor browse"
        self.HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (72, "-wide")]
        self._checkpoint = checkpoint
        self._diagnosis = diagnosis
        self._plan_file = plan_file
        self._items = self._shown = items_of(checkpoint.inventory, diagnosis)
        self._chosen = {id(found) for found in self._findings() if any(r.safety == "safe" for r in applicable(found))}
        self._described: dict[str, Statistics | str] = {}
        self._selected: Place | None = None

    def _findings(self) -> tuple[Diagnostic, ...]:
        return self._diagnosis.findings if self._diagnosis else ()

    def compose(self) -> ComposeResult:
        """The filter, the tree, the details, and a line about both."""
        yield Input(placeholder="Filter: words of a name, a shape, a status, a code", id="filter")
        with Horizontal(id="both"):
            yield Tree[Place](printable(Path(self._checkpoint.inventory.source).name), id="tree")
            with VerticalScroll(id="details"):
                yield Static(id="text")
        yield Static(id="status")
        yield Footer()

    def on_mount(self) -> None:
        """Shows everything; the keys go to the tree."""
        self._show("")
        self._tree().focus()

    def _tree(self) -> Tree[Place]:
        return self.query_one("#tree", Tree)

    def _show(self, words: str) -> None:
        tree = self._tree()
        self._shown = shown = list(matching(self._items, words)) if words else self._items
        root = tree_of(shown)
        tree.clear()
        tree.root.data = root
        self._fill(tree.root, everything=bool(words) and len(shown) <= _OPENED)
        tree.root.expand()
        if words and shown:
            self._go_to(shown[0])
        self._say()

    def _say(self) -> None:
        root = self._tree().root.data
        findings = self._findings()
        remedies = sum(id(found) in self._chosen for found in findings)
        about = f" · {_count(len(findings), 'finding')} · {remedies} in the plan" if self._diagnosis else ""
        shown = f"{_count(root.variables, 'variable')}, {human_bytes(root.nbytes)}" if root else ""
        self.query_one("#status", Static).update(Text(shown + about, overflow="ellipsis", no_wrap=True))

    def _fill(self, node: TreeNode[Place], *, everything: bool) -> None:
        """Adds what is in a place; what is below comes when it is opened."""
        if node.data is None or node.children:
            return
        for place in node.data.places.values():
            if place.places:
                added = node.add(self._label(place), place)
                if everything:
                    self._fill(added, everything=True)
                    added.expand()
            else:
                node.add_leaf(self._label(place), place)

    def _label(self, place: Place) -> Text:
        item, name = place.item, printable(place.name)
        if item is None:
            found = f"  {_count(place.findings, 'finding')}" if place.findings else ""
            size = f"  {place.variables:,}  {human_bytes(place.nbytes)}"
            return Text.assemble((name, "bold"), (size, "dim"), (found, "red"))
        sign, style = (SIGNS[item.status], _STYLES[item.status]) if item.status else ("", "")
        mark = ""
        if item.diagnostic and applicable(item.diagnostic):
            mark = "[x] " if id(item.diagnostic) in self._chosen else "[ ] "
        return Text.assemble((f"{sign} ".lstrip(), style), (mark, "bold"), name, (f"  {item.rhs or item.lhs}", "dim"))

    def on_tree_node_expanded(self, event: Tree.NodeExpanded[Place]) -> None:
        """Fills a scope when it is opened."""
        self._fill(event.node, everything=False)

    def on_tree_node_highlighted(self, event: Tree.NodeHighlighted[Place]) -> None:
        """Tells about what the cursor is on."""
        self._selected = event.node.data
        self._tell()

    def on_input_changed(self, event: Input.Changed) -> None:
        """Filters as somebody types."""
        self._show(event.value)

    def on_input_submitted(self) -> None:
        """Goes to what was found."""
        self._tree().focus()

    def action_filter(self) -> None:
        """To the filter."""
        self.query_one("#filter", Input).focus()

    def action_leave(self) -> None:
        """Back to the tree; from the tree, shows everything again."""
        box = self.query_one("#filter", Input)
        if box.has_focus:
            self._tree().focus()
        else:
            box.value = ""

    def action_step(self, direction: int) -> None:
        """To the next variable that a finding is about."""
        found = [item for item in self._shown if item.diagnostic]
        if not found:
            return
        names = [item.name for item in found]
        here = self._selected.item.name if self._selected and self._selected.item else ""
        at = names.index(here) + direction if here in names else 0 if direction > 0 else -1
        self._go_to(found[at % len(found)])

    def _go_to(self, item: Item) -> None:
        node = self._tree().root
        for part in item.name.split("/"):
            self._fill(node, everything=False)
            node.expand()
            child = next((child for child in node.children if child.data and child.data.name == part), None)
            if child is None:
                return  # the filter hides it
            node = child
        self.call_after_refresh(self._select, node, self._shown)

    def _select(self, node: TreeNode[Place], shown: list[Item]) -> None:
        if shown is not self._shown:
            return  # somebody typed on: that tree is gone
        self._tree().move_cursor(node)
        # A cursor that stays at its line while the tree changes under it tells nobody.
        self._selected = node.data
        self._tell()

    def action_choose(self) -> None:
        """Takes the selected finding's remedy into the plan, or out of it."""
        item = self._selected.item if self._selected else None
        if not item or not item.diagnostic or not applicable(item.diagnostic):
            self.notify("Nothing here has a remedy that a conversion carries out.", severity="warning")
            return
        self._chosen ^= {id(item.diagnostic)}
        pending = [self._tree().root]
        while pending:
            node = pending.pop()
            pending += node.children
            if node.data and node.data.item and node.data.item.diagnostic is item.diagnostic:
                node.set_label(self._label(node.data))
        self._say()
        self._tell()

    def action_save(self) -> None:
        """Saves the plan of the chosen remedies."""
        if not self._diagnosis:
            self.notify("A plan makes a checkpoint fit a graph: start with --graph GRAPH.", severity="warning")
            return
        chosen = [applicable(found)[0] for found in self._findings() if id(found) in self._chosen]
        plan = plan_of(self._diagnosis, chosen)
        try:
            write_plan(plan, self._plan_file)
        except CkptDoctorError as error:
            self.notify(error.message, severity="error")
            return
        source = self._checkpoint.inventory.source
        self.notify(
            str(own_command("convert", operand(source), "OUTPUT", "--plan", str(self._plan_file))),
            title=f"{len(plan.ops)} steps saved in {self._plan_file}. Run them with",
            timeout=12,
        )

    def _tell(self) -> None:
        place = self._selected
        if place is None:
            return
        if place.item is None:
            about = f"{_count(place.variables, 'variable')}, {human_bytes(place.nbytes)}"
            title = Text(printable(place.name) or "everything", style="bold")
            self.query_one("#text", Static).update(Group(title, Text(about)))
            return
        self.query_one("#text", Static).update(self._about(place.item))
        if place.item.key and place.item.key not in self._described:
            self._describe(place.item.key)

    @work(thread=True, exclusive=True)
    def _describe(self, key: str) -> None:
        """Reads a value beside the interface, and shows what it looks like if it is still selected."""
        described: Statistics | str
        try:
            described = describe_value(self._checkpoint, key) or "strings"
        except CkptDoctorError as error:
            described = error.message
        self.call_from_thread(self._described_as, key, described)

    def _described_as(self, key: str, described: Statistics | str) -> None:
        self._described[key] = described
        if self._selected and self._selected.item and self._selected.item.key == key:
            self._tell()

    def _about(self, item: Item) -> RenderableType:
        lines: list[RenderableType] = [Text(printable(item.key or item.variable), style="bold")]
        if item.variable and item.variable != item.key:
            lines.append(Text(f"in the graph: {printable(item.variable)}"))
        for side, spec in (("lhs (graph)", item.lhs), ("rhs (checkpoint)", item.rhs)):
            if spec or self._diagnosis:
                lines.append(Text(f"{side:<17} {spec or 'nothing'}"))
        if item.rhs:
            lines.append(Text(f"{item.rhs.elements:,} elements, {human_bytes(item.nbytes)}"))
        described = self._described.get(item.key)
        if isinstance(described, Statistics):
            lines += [Text(), Text(statistics_line(described))]
        elif item.key:
            lines += [Text(), Text(printable(described) if described else "reading …", style="dim")]
        if item.diagnostic:
            lines += [Text(), *self._finding(item.diagnostic)]
        return Group(*lines)

    def _finding(self, found: Diagnostic) -> list[RenderableType]:
        style = "bold red" if found.rule.severity == "error" else "bold yellow"
        lines: list[RenderableType] = [
            Text.assemble((f"{found.rule.severity}[{found.rule.code}]", style), f" {found.rule.name}"),
            Text(f"{printable(found.message)} ({found.confidence})"),
        ]
        if found.location:
            lines.append(Text(f"at {printable(found.location.file)}:{found.location.line}", style="blue"))
        lines += [Text(f"- {printable(sentence)}") for sentence in found.evidence]
        for remedy in found.remedies:
            chosen = ""
            if remedy.ops and remedy is applicable(found)[0]:
                chosen = "[x] " if id(found) in self._chosen else "[ ] "
            kind = "" if remedy.safety == "display-only" else f" ({remedy.safety})"
            lines += [Text(), Text.assemble((f"{chosen}help: ", "bold green"), f"{remedy.title}{kind}")]
            if remedy.paste:
                lines += [Text(f"  {printable(line)}", style="green") for line in str(remedy.paste).split("\n")]
        return lines


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'' if number == 1 else 's'}"
