"""The whole way from bytes to a task list, as a list of steps.

read:      size -> decode -> which kind of file
gather:    front matter and outline -> sections -> marks -> headings, boxes, fences and rows   (Markdown)
finish:    bodies -> ids -> edges -> tasks                                                     (all kinds)
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from itertools import chain

from msgspec import Struct, field

from loader import (
    bodies,
    boxes,
    codes,
    commits,
    dialects,
    fences,
    frontmatter,
    headings,
    hidden,
    jsons,
    legends,
    naming,
    outline,
    packages,
    parts,
    priorities,
    regions,
    sections,
    source,
    steps,
    structure,
    tables,
    tasks,
    todotxt,
    validations,
    yamls,
)
from loader.drafts import Draft
from loader.fields import Found
from loader.frontmatter import FrontMatter
from loader.graph import Graph
from loader.model import Diagnostic, Edge, Status, TaskList
from loader.outline import Outline
from loader.regions import Plan
from loader.sections import Section, Sections


class Choices(Struct, frozen=True):
    """What the caller asks for; the front matter fills what is left open."""

    dialect: str | None
    on_duplicate: str
    allow_missing: bool
    max_size: int


def read(data: bytes, choices: Choices, name: str) -> TaskList:
    """The list that these bytes hold. Raises for no input."""
    text = decoded(data, choices)
    if isinstance(text, Diagnostic):
        return _refused(data, text)
    found = gather(text, choices, name)
    return finish(found, choices) if isinstance(found, Facts) else _refused(data, *found)


def gather(text: source.Source, choices: Choices, name: str) -> Facts | Sequence[Diagnostic]:
    """What the carriers of a file find, or why it cannot be read."""
    kind, reason = _kind(name, choices.dialect)
    if kind == "json":
        return _of_json(text, reason)
    if kind == "todo.txt":
        found = todotxt.read(text)
        return Facts(text, "todo.txt", reason, found.drafts, found.diagnostics)
    return _of_markdown(text, choices, name)


def decoded(data: bytes, choices: Choices) -> source.Source | Diagnostic:
    """The text of a file, or why it is refused."""
    if len(data) > choices.max_size:
        return codes.diagnose(codes.TOO_LARGE, 1, size=len(data), limit=choices.max_size)
    try:
        return source.decode(data)
    except source.NotTextError as error:
        return codes.diagnose(codes.NOT_TEXT, error.line, what=str(error))


def _kind(name: str, asked: str | None) -> tuple[str, str]:
    """Markdown, JSON or todo.txt, and why: by what was asked for, else by the name."""
    if asked is not None:
        kind = "todo.txt" if asked == "todo.txt" else "json" if asked in jsons.REASONS else "markdown"
        return kind, f"--dialect {asked}"
    last = name.replace("\\", "/").rpartition("/")[2].casefold()
    if last.endswith(".json"):
        return "json", "its name"
    return "todo.txt" if last in ("todo.txt", "done.txt") or last.endswith(".todo.txt") else "markdown", "its name"


def _of_json(text: source.Source, why: str) -> Facts | Sequence[Diagnostic]:
    made = jsons.read(text)
    if not made.dialect:
        return made.found.diagnostics
    facts = Facts(
        text, made.dialect, f"{why}, and {jsons.REASONS[made.dialect]}", made.found.drafts, made.found.diagnostics
    )
    facts.title, facts.description = made.title, made.description
    return facts


def _of_markdown(text: source.Source, choices: Choices, name: str) -> Facts | Sequence[Diagnostic]:
    front = frontmatter.read(text.lines)
    # Front matter is blanked, not cut, so that line numbers stay.
    markdown = "\n".join([""] * front.end + text.lines[front.end :])
    try:
        traced = outline.trace(markdown)
    except RecursionError:
        return [codes.diagnose(codes.UNREADABLE_BLOCKS, 1, problem="it is nested too deeply")]
    return _assemble(text, front, traced, markdown, choices, name)


def _assemble(
    text: source.Source, front: FrontMatter, traced: Outline, markdown: str, choices: Choices, name: str
) -> Facts:
    given = choices.dialect or front.settings.get("dialect")
    matches = boxes.matches(traced)
    boxed = [item for item, match in zip(traced.items, matches, strict=True) if match is not None]
    if front.has_settings:
        dialect, reason = "native", "front matter with `executor:`"
    else:
        dialect, reason = dialects.detect(markdown, text.lines, traced, boxed, name)
    if given:
        asked = "--dialect" if choices.dialect else "`dialect` in the front matter"
        told = f"; by its signs it is {dialect}: {reason}" if dialect not in (given, "plain", "native") else ""
        dialect, reason = str(given), f"{asked}{told}"
    lines = (item.text_line for item in boxed)
    arranged = sections.arrange(traced.headings, front.priority, lines, dialects.aside(dialect))
    meanings = legends.meanings(dialect, _legend(text.lines, traced, arranged))
    languages = front.settings.get("languages")
    page = boxes.Page(text, traced, arranged, meanings, languages if isinstance(languages, Mapping) else {})

    whole, origin = yamls.of_file(front, text, name)
    in_fences, fence_lines = yamls.of_fences(page) if not whole.drafts else (Found(), set[int]())
    waves, unreadable = structure.waves(traced.fences) if dialect in ("kiro", "cc-sdd") else ([], [])
    fence_lines.update(wave.line for wave in waves)
    plan = (
        regions.whole_file(whole.drafts, arranged)
        if whole.drafts
        else headings.find(page, fence_lines, numbered=dialect in dialects.NUMBERED)
    )
    found = boxes.find(page, matches, plan, fence_lines)
    rows = _unrepeated(tables.find(page, found, plan), found, plan)
    drafts = _merged(plan.drafts, found.drafts, in_fences.drafts, rows)
    if origin is not None and not given:
        dialect, reason = origin.dialect, origin.reason
    if dialect in ("kiro", "cc-sdd", "spec-workflow"):
        boxes.widen(found.drafts, traced, text.lines, fence_lines)
    if dialect == "conductor":
        commits.strip(drafts)
    if dialect == "genie":
        validations.mark(drafts, text.lines)
    facts = Facts(text, dialect, reason, drafts, [*front.diagnostics, *unreadable, *found.diagnostics])
    facts.diagnostics += whole.diagnostics + in_fences.diagnostics
    facts.diagnostics += hidden.find(text.lines, traced, found.lines, front.end)
    facts.packages = packages.find(text.lines, traced) if dialect == "spec-kitty" else []
    facts.diagnostics += packages.unknown(facts.packages)
    facts.title = front.title or arranged.title
    facts.description = front.description or _description(traced, arranged, drafts)
    facts.waves, facts.origin, facts.has_settings = waves, origin, front.has_settings
    facts.settings, facts.meanings, facts.languages = front.settings, meanings, page.languages
    return facts


class Facts(Struct):
    """All that the carriers of a file have found; what is left is common to them."""

    text: source.Source
    dialect: str
    reason: str
    drafts: list[Draft]
    diagnostics: list[Diagnostic]
    title: str = ""
    description: str = ""
    settings: Mapping[str, object] = field(default_factory=dict)
    meanings: Mapping[str, Status] = field(default_factory=lambda: legends.DEFAULT)
    languages: Mapping[str, str] = field(default_factory=dict)
    waves: Sequence[structure.Wave] = ()
    packages: Sequence[packages.Package] = ()
    place: naming.Place = naming.on_line
    origin: yamls.Origin | None = None  # of a file that is one task
    has_settings: bool = False


def finish(facts: Facts, choices: Choices) -> TaskList:
    """Bodies, ids, edges, tasks."""
    drafts, diagnostics, settings = facts.drafts, facts.diagnostics, facts.settings
    diagnostics += bodies.fill(drafts, facts.text)
    diagnostics += _check_blocks(drafts, facts.languages)
    if facts.dialect in dialects.NUMBERED:
        structure.nest(drafts)
    on_duplicate = "suffix" if "suffix" in (choices.on_duplicate, settings.get("on_duplicate")) else "error"
    names = naming.give(drafts, on_duplicate=on_duplicate, place=facts.place)
    allow_missing = choices.allow_missing or settings.get("allow_missing") is True
    edges, told = _edges(facts, names.ids, allow_missing=allow_missing)
    diagnostics += names.diagnostics + told
    if not drafts:
        diagnostics.append(_no_tasks(facts.text))
    built = tasks.build(drafts, names, edges, facts.text.lines)
    return TaskList(
        title=facts.title,
        description=facts.description,
        dialect=facts.dialect,
        settings=settings,
        tasks=built,
        edges=tuple(chain.from_iterable(edges)),
        diagnostics=tuple(sorted(diagnostics, key=lambda diagnostic: (diagnostic.line, diagnostic.column))),
        sha256=hashlib.sha256(facts.text.data).hexdigest(),
        vocabulary=legends.vocabulary(facts.meanings, steps.marks(built)),
        meanings=facts.meanings,
        dialect_reason=facts.reason,
        parts=parts.of(drafts, built),
    )


def _edges(
    facts: Facts, task_ids: Sequence[str], *, allow_missing: bool
) -> tuple[list[tuple[Edge, ...]], list[Diagnostic]]:
    """For each draft what it waits for, and what is wrong with that."""
    drafts = facts.drafts
    graph = Graph(drafts, task_ids, allow_missing=allow_missing, place=facts.place)
    structure.mark_parallel(drafts, task_ids, facts.waves)
    if facts.packages:
        graph.connect(structure.of_packages(drafts, facts.packages))
    else:
        graph.connect(structure.waits(facts.dialect, drafts, task_ids, facts.waves))
    for reference in structure.unknown(facts.waves, task_ids):
        graph.miss(reference)
    return [tuple(edges.values()) for edges in graph.edges], graph.diagnostics


def _refused(data: bytes, *diagnostics: Diagnostic) -> TaskList:
    return TaskList(
        "", "", "plain", {}, (), (), diagnostics, hashlib.sha256(data).hexdigest(), dialect_reason="it cannot be read"
    )


def _no_tasks(text: source.Source) -> Diagnostic:
    """A heading that reads like a task is none without a box or code below it, which its writer may not know."""
    if not any(line.strip() for line in text.lines):
        return codes.diagnose(codes.NO_TASKS, 1, what="the file is empty")
    named = (at for at, line in enumerate(text.lines, 1) if headings.is_named_in(line))
    if line := next(named, 0):
        what = "the file holds no task: there is no box and no code below its headings"
        return codes.diagnose(codes.NO_TASKS, line, what=what)
    return codes.diagnose(codes.NO_TASKS, 1, what="the file holds no task")


def _legend(lines: Sequence[str], traced: Outline, arranged: Sections) -> dict[str, Status]:
    """Look for a legend outside code and comments."""
    quotes = [hider for hider in traced.hiders if hider.kind == "quote"]
    has_asides = bool(quotes) or any(map(_is_legend, arranged.all))
    boxed = [line for line, text in enumerate(lines) if "[" in text and (has_asides or legends.may_hold(text))]
    if not boxed:
        return {}
    opaque: set[int] = set()
    for fence in traced.fences:
        opaque.update(range(fence.start, fence.end))
    for hider in traced.hiders:
        if hider.kind != "quote":
            opaque.update(range(hider.start, hider.end))
    quoted = {line for quote in quotes for line in range(quote.start, quote.end)}
    return legends.find(
        (lines[line], line in quoted or _is_legend(arranged.at(line))) for line in boxed if line not in opaque
    )


def _is_legend(section: Section) -> bool:
    """Whether its boxes explain marks. Where boxes are tasks they explain none: a tick would change what all say."""
    return section.kind == "ignored" and "legend" in section.name.casefold()


def _unrepeated(rows: list[Draft], found: boxes.Found, plan: Plan) -> list[Draft]:
    """Without the rows that repeat the id of a box or a heading: such a table is a view of them."""
    if not rows:
        return rows
    known = {
        draft.wording.candidate.name: draft.text_line + 1
        for draft in reversed(found.drafts)
        if draft.wording.candidate is not None
    }
    known.update((str(draft.given_id), draft.text_line + 1) for draft in reversed(plan.drafts))
    bare = {str(draft.given_id): draft for draft in plan.drafts if not draft.steps and not draft.mark_place.length}
    own = []
    for row in rows:
        if row.given_id in known:
            facts = {"name": row.given_id, "first": known[row.given_id]}
            found.diagnostics.append(codes.diagnose(codes.REPEATED_ROW, row.line + 1, **facts))
            if row.mark_place.length and (heading := bare.pop(str(row.given_id), None)) is not None:
                heading.mark, heading.status, heading.mark_place = row.mark, row.status, row.mark_place
        else:
            own.append(row)
    return own


def _merged(*carriers: list[Draft]) -> list[Draft]:
    """What the carriers found, in file order; each counts its parents and children from its own first."""
    filled = [drafts for drafts in carriers if drafts]
    if len(filled) < 2:
        return filled[0] if filled else []
    every = [draft for drafts in filled for draft in drafts]
    order = sorted(range(len(every)), key=lambda index: every[index].line)
    places = [0] * len(every)
    for new, old in enumerate(order):
        places[old] = new
    first = 0
    for drafts in filled:
        for draft in drafts:
            draft.parent = places[first + draft.parent] if draft.parent >= 0 else -1
            draft.children = [places[first + child] for child in draft.children]
        first += len(drafts)
    return [every[index] for index in order]


def _check_blocks(drafts: Sequence[Draft], languages: Mapping[str, str]) -> list[Diagnostic]:
    result = []
    for draft in drafts:
        for raw in draft.wording.bad:
            facts = {"key": raw[0], "value": raw[1], "expected": priorities.EXPECTED}
            result.append(codes.diagnose(codes.BAD_VALUE, draft.text_line + 1, **facts))
        for block in draft.blocks:
            for problem in fences.check(block, draft.settings):
                facts = {"key": problem.key, "value": problem.value, "expected": problem.expected}
                result.append(codes.diagnose(codes.BAD_VALUE, block.line, **facts))
            if block.role == "verify" and not fences.can_run(block, languages):
                result.append(codes.diagnose(codes.VERIFY_CANNOT_RUN, block.line, language=block.language))
    return result


def _description(traced: Outline, arranged: Sections, drafts: Sequence[Draft]) -> str:
    """The first paragraph or quote below the title, before anything else."""
    title = arranged.all[1].line if arranged.title else -1
    later = [section.line for section in arranged.all if section.line > title]
    end = min([*later[:1], *(draft.line for draft in drafts[:1])], default=None)
    for line, text in traced.paragraphs:
        if line > title and (end is None or line < end):
            return text.strip()
    return ""
