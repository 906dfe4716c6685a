"""Who waits for whom: edges from what the file says, and the circles in them."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Sequence

from loader import codes, references
from loader.drafts import Draft
from loader.model import Diagnostic, Edge
from loader.naming import Place, on_line
from loader.references import Ids, Reference

_SUGGESTIONS_MAX = 20  # each compares a name with every id


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
        self.ids = Ids({task_id: task_id for task_id in task_ids})
        self.edges: list[dict[int, Edge]] = [{} for _ in drafts]
        self.diagnostics: list[Diagnostic] = []
        self._suggested = 0

    def connect(self) -> None:
        """Explicit edges first: where a parent also names a child, the file's own rule is the one to show."""
        for index, draft in enumerate(self.drafts):
            for reference in _references(draft):
                self._refer(index, reference)
        for index, draft in enumerate(self.drafts):
            if draft.children:
                self._inherit(index, draft)
                for child in draft.children:
                    self._add(index, child, "parent", self.drafts[child].text_line + 1)
        self._find_cycles()

    def _refer(self, index: int, reference: Reference) -> None:
        targets = references.resolve(reference.name, self.ids)
        if not targets:
            code = codes.MISSING_ALLOWED if self.allow_missing else codes.UNKNOWN_TASK
            facts = {"name": reference.name[:80], "rule": reference.rule, "suggestion": self._suggest(reference.name)}
            self.diagnostics.append(codes.diagnose(code, reference.line + 1, **facts))
        for target in targets:
            if self.index[target] == index:
                facts = {"name": target, "rule": reference.rule}
                self.diagnostics.append(codes.diagnose(codes.SELF_DEPENDENCY, reference.line + 1, **facts))
            else:
                self._add(index, self.index[target], reference.rule, reference.line + 1)

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
        """Take away what waits for nothing until nothing more goes; walk what is left until a task comes again."""
        waiting = [len(edges) for edges in self.edges]
        dependents: list[list[int]] = [[] for _ in self.edges]
        for index, edges in enumerate(self.edges):
            for target in edges:
                dependents[target].append(index)
        ready = [index for index, count in enumerate(waiting) if not count]
        while ready:
            for dependent in dependents[ready.pop()]:
                waiting[dependent] -= 1
                if not waiting[dependent]:
                    ready.append(dependent)
        visited: set[int] = set()
        for start, count in enumerate(waiting):
            if count and start not in visited:
                self._report_cycle(start, waiting, visited)

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
        text = " → ".join(f"{self.task_ids[index]} ({self.place(self.drafts[index].text_line + 1)})" for index in cycle)
        self.diagnostics.append(codes.diagnose(codes.CYCLE, self.drafts[cycle[0]].text_line + 1, path=text))


def _references(draft: Draft) -> Iterator[Reference]:
    for rule, names in draft.wording.needs:
        for name in names:
            yield Reference(name, rule, draft.text_line)
    yield from draft.references
