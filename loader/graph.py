"""Who waits for whom: edges from what the file says, and the circles in them."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Sequence
from itertools import pairwise

from loader import codes, references
from loader.drafts import Draft
from loader.model import Diagnostic, Edge
from loader.naming import Place, on_line
from loader.references import Ids, Reference
from loader.structure import STRUCTURAL, Wait

_SUGGESTIONS_MAX = 20  # each compares a name with every id
_CYCLE_ENDS = 6
_CYCLE_REASONS_MAX = 4


class Graph:
    """Edges by index of draft, in the order they were found, each once."""

    def __init__(
        self, drafts: Sequence[Draft], task_ids: Sequence[str], *, allow_missing: bool, place: Place = on_line
    ) -> None:
        self.drafts = drafts
        self.place = place
        self.task_ids = task_ids
        self.allow_missing = allow_missing
        self.index = {task_id: index for index, task_id in enumerate(task_ids)}
        self.ids = Ids(dict(zip(task_ids, task_ids, strict=True)))
        self.edges: list[dict[int, Edge]] = [{} for _ in drafts]
        self.diagnostics: list[Diagnostic] = []
        self._suggested = 0

    def connect(self, waits: Iterable[Wait] = ()) -> None:
        """Explicit edges first: where two rules give the same edge, the file's own is the one to show."""
        for index, draft in enumerate(self.drafts):
            for rule, names in draft.wording.needs:
                for name in names:
                    self._follow(index, name, rule, draft.text_line)
            for reference in draft.references:
                self._follow(index, reference.name, reference.rule, reference.line)
            for name in draft.wording.blocks:
                self._hold(index, Reference(name, "blocks", draft.text_line))
        for index, draft in enumerate(self.drafts):
            if draft.children:
                self._inherit(index, draft)
                for child in draft.children:
                    self._add(index, child, "parent", self.drafts[child].text_line + 1)
        self._add_order(waits)
        self._find_cycles()

    def _add_order(self, waits: Iterable[Wait]) -> None:
        """Add structural edges, without those that contradict what the file says: its own word counts more."""
        added = [wait for wait in waits if wait.target not in self.edges[wait.index]]
        for wait in added:
            self._add(wait.index, wait.target, wait.rule, wait.line + 1)
        if not added or not self._left_waiting()[1]:
            return
        early = self._needed_early()
        self._drop([wait for wait in added if wait.index in early])
        if self._left_waiting()[1]:
            circles = self._circles()
            self._drop([wait for wait in added if circles[wait.index] == circles[wait.target]])

    def _needed_early(self) -> set[int]:
        """The tasks that one before them in the file depends on, and what those depend on by the file's own word."""
        early: set[int] = set()
        stack = [target for index, edges in enumerate(self.edges) for target in edges if self._is_ahead(index, target)]
        while stack:
            index = stack.pop()
            if index not in early:
                early.add(index)
                stack.extend(target for target, edge in self.edges[index].items() if edge.rule not in STRUCTURAL)
        return early

    def _is_ahead(self, index: int, target: int) -> bool:
        return target > index and self.edges[index][target].rule not in STRUCTURAL

    def _drop(self, waits: Iterable[Wait]) -> None:
        dropped: dict[int, None] = {}
        for wait in waits:
            if self.edges[wait.index].pop(wait.target, None) is not None:
                dropped[wait.index] = None
        for index in dropped:
            line = self.drafts[index].text_line + 1
            self.diagnostics.append(codes.diagnose(codes.ORDER_GIVES_WAY, line, name=self.task_ids[index]))

    def miss(self, reference: Reference) -> None:
        """Say that nothing in the list has this name."""
        code = codes.MISSING_ALLOWED if self.allow_missing else codes.UNKNOWN_TASK
        if references.is_prose(reference.name) or self._is_word_in_column(reference):
            code = codes.PROSE_DEPENDENCY
        facts = {"name": reference.name[:80], "rule": reference.rule, "suggestion": self._suggest(reference.name)}
        self.diagnostics.append(codes.diagnose(code, reference.line + 1, **facts))

    def _is_word_in_column(self, reference: Reference) -> bool:
        """`must-have` in a column of dependencies, where every id has a number."""
        if not reference.rule.startswith("column ") or any(map(str.isdigit, reference.name)):
            return False
        return all(any(map(str.isdigit, task_id)) for task_id in self.task_ids)

    def _follow(self, index: int, name: str, rule: str, line: int) -> None:
        target = self.index.get(name, index)
        if target == index:
            self._refer(index, Reference(name, rule, line))
        else:  # an id as it is written: nearly all of them
            self._add(index, target, rule, line + 1)

    def _refer(self, index: int, reference: Reference) -> None:
        targets = references.resolve(reference.name, self.ids)
        if not targets:
            self.miss(reference)
        for target in targets:
            if self.index[target] == index:
                self._blame(target, reference)
            else:
                self._add(index, self.index[target], reference.rule, reference.line + 1)

    def _hold(self, index: int, reference: Reference) -> None:
        """`blocks: T2` is T2's dependency, written at the other end."""
        targets = references.resolve(reference.name, self.ids)
        if not targets:
            self.miss(reference)
        for target in targets:
            if self.index[target] == index:
                self._blame(target, reference)
            else:
                self._add(self.index[target], index, reference.rule, reference.line + 1)

    def _blame(self, name: str, reference: Reference) -> None:
        facts = {"name": name, "rule": reference.rule}
        self.diagnostics.append(codes.diagnose(codes.SELF_DEPENDENCY, reference.line + 1, **facts))

    def _suggest(self, name: str) -> str:
        if self._suggested >= _SUGGESTIONS_MAX or len(name) > 60:
            return ""
        self._suggested += 1
        near = difflib.get_close_matches(name, self.task_ids, 1)
        return f" (did you mean '{near[0]}'?)" if near else ""

    def _inherit(self, index: int, draft: Draft) -> None:
        """What a parent waits for its children wait for: a parent has no other work that could wait."""
        for target, edge in list(self.edges[index].items()):
            if self._is_below(target, index):
                continue
            for child in draft.children:
                if child != target:
                    self._add(child, target, edge.rule, edge.line)

    def _is_below(self, index: int, ancestor: int) -> bool:
        while index >= 0:
            index = self.drafts[index].parent
            if index == ancestor:
                return True
        return False

    def _add(self, index: int, target: int, rule: str, line: int) -> None:
        if target not in self.edges[index]:
            self.edges[index][target] = Edge(self.task_ids[index], self.task_ids[target], rule, line)

    def _find_cycles(self) -> None:
        """Walk what waits for itself until a task comes again."""
        if not any(self.edges):
            return
        waiting, rest = self._left_waiting()
        visited: set[int] = set()
        for start in rest:
            if start not in visited:
                self._report_cycle(start, waiting, visited)

    def _left_waiting(self) -> tuple[list[int], list[int]]:
        """Take away what waits for nothing until nothing more goes: what each task still waits for, and which do."""
        waiting = [len(edges) for edges in self.edges]
        dependents = self._dependents()
        ready = [index for index, count in enumerate(waiting) if not count]
        while ready:
            for dependent in dependents[ready.pop()]:
                waiting[dependent] -= 1
                if not waiting[dependent]:
                    ready.append(dependent)
        return waiting, [index for index, count in enumerate(waiting) if count]

    def _dependents(self) -> list[list[int]]:
        dependents: list[list[int]] = [[] for _ in self.edges]
        for index, edges in enumerate(self.edges):
            for target in edges:
                dependents[target].append(index)
        return dependents

    def _circles(self) -> list[int]:
        """For each task the circle it is in: tasks that reach each other have the same number (Kosaraju's method)."""
        finished: list[int] = []
        seen = [False] * len(self.edges)
        for start in range(len(self.edges)):
            if seen[start]:
                continue
            seen[start] = True
            stack = [(start, iter(self.edges[start]))]
            while stack:
                index, targets = stack[-1]
                following = next((target for target in targets if not seen[target]), -1)
                if following < 0:
                    finished.append(index)
                    stack.pop()
                else:
                    seen[following] = True
                    stack.append((following, iter(self.edges[following])))
        dependents = self._dependents()
        circles = [-1] * len(self.edges)
        for start in reversed(finished):
            reached = [start] if circles[start] < 0 else []
            while reached:
                index = reached.pop()
                if circles[index] < 0:
                    circles[index] = start
                    reached.extend(dependents[index])
        return circles

    def _report_cycle(self, start: int, waiting: Sequence[int], visited: set[int]) -> None:
        path: list[int] = []
        places: dict[int, int] = {}
        at = start
        while at not in places:
            if at in visited:
                return  # leads into a cycle that is reported already
            places[at] = len(path)
            path.append(at)
            visited.add(at)
            at = next(target for target in self.edges[at] if waiting[target])
        cycle = path[places[at] :]
        first = cycle.index(min(cycle))
        cycle = [*cycle[first:], *cycle[: first + 1]]
        facts = {"path": self._path(cycle), "edges": self._reasons(cycle)}
        self.diagnostics.append(codes.diagnose(codes.CYCLE, self.drafts[cycle[0]].text_line + 1, **facts))

    def _path(self, cycle: Sequence[int]) -> str:
        """Each task waits for the next; of a long way round only both ends are shown."""
        shown = [f"{self.task_ids[index]} ({self.place(self.drafts[index].text_line + 1)})" for index in cycle]
        left_out = len(shown) - 2 * _CYCLE_ENDS
        if left_out > 1:
            shown[_CYCLE_ENDS:-_CYCLE_ENDS] = [f"({left_out} more)"]
        return " → ".join(shown)

    def _reasons(self, cycle: Sequence[int]) -> str:
        """What gave the edges of a circle, those first that a person wrote, which can be taken out."""
        edges = [self.edges[waits][needed] for waits, needed in pairwise(cycle)]
        edges.sort(key=lambda edge: edge.rule in STRUCTURAL)
        found = dict.fromkeys(f"{edge.rule} ({self.place(edge.line)})" for edge in edges)
        return ", ".join(list(found)[:_CYCLE_REASONS_MAX]) + (", ..." if len(found) > _CYCLE_REASONS_MAX else "")
