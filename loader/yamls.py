"""The YAML carriers: fences that hold a task each, and the front matter of a file that is one task."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence

from msgspec import Struct
from msgspec.structs import replace

from loader import fields, patterns, yamltext
from loader.boxes import Page
from loader.drafts import Draft
from loader.fields import Found
from loader.frontmatter import FrontMatter
from loader.model import MarkPlace
from loader.outline import Fence
from loader.source import Source

_NEEDS = ("status", "depends_on", "title")
_FENCES_MIN = 2
_LINE_MAX = 500  # no status is longer, and the pattern is quadratic
_STATUS = patterns.lazy(
    r"""(?P<indent>[ \t]*)status[ \t]*:[ \t]+
        (?:"(?P<double>[^"]+)" | '(?P<single>[^']+)' | (?P<bare>[^\s#"'][^#]*?))
        [ \t]*(?:\#.*)?$""",
    re.VERBOSE,
)
_KEY = patterns.lazy(r"(?P<indent>[ \t]*)[\"']?[A-Za-z_][\w -]*[\"']?[ \t]*:(?=\s|$)")
_CLOSINGS = ("```", "~~~", "---", "...")
_PLAN_NAME = patterns.lazy(r"(?P<id>.*?)-?PLAN\.md", re.IGNORECASE)
_OBJECTIVE = patterns.lazy(r"^<objective>\s*(\S.*)$", re.MULTILINE)


class Origin(Struct, frozen=True):
    """What the front matter of a file that is a task says of its place among the others."""

    dialect: str
    reason: str
    parent: str | None = None
    ordinal: float = float("inf")
    wave: int | None = None
    wave_line: int = 0


def of_fences(page: Page) -> tuple[Found, set[int]]:
    """The tasks in YAML fences and the lines those begin on; one fence alone is an example."""
    filled: list[tuple[Fence, Mapping[object, object]]] = []
    for fence in page.outline.fences:
        if fence.info.split(" ", 1)[0].lower() in ("yaml", "yml") and "id:" in fence.content:
            content = _load(fence.content)
            if isinstance(content, Mapping) and fields.is_task(content, needs=_NEEDS):
                filled.append((fence, content))
    found = Found()
    if len(filled) < _FENCES_MIN:
        return found, set()
    for fence, content in filled:
        inside = range(fence.start + 1, fence.end)
        line, mark = _status(page.source, inside)
        section = page.sections.at(fence.start)
        made = fields.draft(content, "yaml", (fence.start, fence.end), mark, found, section)
        _point(made, page.source, inside)
        made.body = _body(page.source.lines[number] for number in inside[:-1] if number != line)
    return found, {fence.start for fence, _ in filled}


def of_file(front: FrontMatter, source: Source, name: str) -> tuple[Found, Origin | None]:
    """The task that a whole file is: its front matter has an id and a status, or is that of a plan with a wave."""
    found = Found()
    content = front.content
    if content is None:
        return found, None
    last_name = name.replace("\\", "/").rpartition("/")[2]
    if fields.is_task(content, needs=("status",)):
        origin, titled = _origin(content), dict(content)
    elif is_plan(content, last_name):
        origin, titled = _plan(content, last_name, front.end, source)
    else:
        return found, None
    _, mark = _status(source, range(1, front.end))
    last = len(source.lines)
    while last > 1 and not source.lines[last - 1].strip():
        last -= 1
    below = source.lines[front.end :]
    titled.setdefault("title", _heading(below) or _objective(below) or last_name.removesuffix(".md"))
    made = fields.draft(titled, "file", (0, last), mark, found)
    _point(made, source, range(1, front.end))
    made.body = _body(below)
    return found, origin


def is_plan(content: Mapping[object, object], name: str) -> bool:
    """A GSD plan tells its wave; its number is in its name, or in the front matter."""
    wave = content.get("wave")
    if not isinstance(wave, int) or isinstance(wave, bool):
        return False
    return fields.is_id(content.get("plan")) or bool((match := _PLAN_NAME.fullmatch(name)) and match["id"])


def _origin(content: Mapping[object, object]) -> Origin:
    ordinal = content.get("ordinal")
    number = float(ordinal) if isinstance(ordinal, int | float) and not isinstance(ordinal, bool) else float("inf")
    parent = content.get("parent_task_id") or content.get("parent")
    return Origin(
        "backlog-md", "front matter with id and status", str(parent).strip() if fields.is_id(parent) else None, number
    )


def _plan(content: Mapping[object, object], name: str, end: int, source: Source) -> tuple[Origin, dict[object, object]]:
    """A plan as fields: its id by its file's name, what it depends on spelled like ids."""
    match = _PLAN_NAME.fullmatch(name)
    phase = re.match(r"\d+(?:\.\d+)?", str(content.get("phase", "")))
    number = str(content.get("plan", "")).strip()
    spelled = f"{phase[0]}-{number.zfill(2)}" if phase else number
    task_id = match["id"] if match and match["id"] else spelled
    given = content.get("depends_on")
    needed = [_plan_id(str(one), task_id) for one in (given if isinstance(given, list) else [given or ""])]
    line = next((at for at in range(1, end) if source.lines[at].startswith("wave")), 0)
    wave = content["wave"]
    assert isinstance(wave, int), "is_plan has looked"
    titled = {**content, "id": task_id, "depends_on": [one for one in needed if one]}
    return Origin("gsd", "front matter with a wave", wave=wave, wave_line=line), titled


def _plan_id(written: str, own: str) -> str:
    """`01-01-PLAN.md` is `01-01`, and a bare number is one of the same phase."""
    text = written.strip()
    match = _PLAN_NAME.fullmatch(text if text.lower().endswith(".md") else text + ".md")
    name = match["id"] if match else text
    phase = own.rpartition("-")[0]
    return f"{phase}-{name.zfill(2)}" if phase and name.isdigit() else name


def _status(source: Source, inside: range) -> tuple[int, tuple[str, MarkPlace]]:
    """The line of the status among these, its word and its place; where there is none, the place for such a line.

    `inside` ends with the line that closes the mapping.
    """
    first = next((match for line in inside if (match := _KEY.match(source.lines[line][:_LINE_MAX]))), None)
    indent = first["indent"] if first else ""
    for line in inside:
        text = source.lines[line]
        if len(text) <= _LINE_MAX and (match := _STATUS.match(text)) and match["indent"] == indent:
            group = next(name for name in ("double", "single", "bare") if match[name] is not None)
            return line, (match[group], MarkPlace(source.offset(line, match.start(group)), len(match[group].encode())))
    last = inside[-1]
    start = source.offset(last, 0)
    if first is None or not source.lines[last].strip().startswith(_CLOSINGS):
        return -1, (" ", MarkPlace(start, 0))
    before = source.offset(last - 1, len(source.lines[last - 1]))
    return -1, (" ", MarkPlace(start, 0, f"{indent}status: ", source.data[before:start].decode()))


def _point(made: Draft, source: Source, inside: range) -> None:
    """Let dependencies name the line of their key, not that of the task."""
    lines: dict[str, int] = {}
    for reference in made.references:
        if reference.rule not in lines:
            key = re.compile(rf"[ \t]*[\"']?{re.escape(reference.rule)}[\"']?[ \t]*:")
            lines[reference.rule] = next((at for at in inside if key.match(source.lines[at])), reference.line)
    made.references = [replace(reference, line=lines[reference.rule]) for reference in made.references]


def _load(text: str) -> object:
    import yaml

    try:
        return yamltext.load(text)[0]
    except (yaml.YAMLError, ValueError, TypeError, OverflowError):
        return None  # an example of something else: what it hides is looked for like in any fence


def _heading(lines: Sequence[str]) -> str:
    return next((line.lstrip("# ").strip() for line in lines if line.startswith("# ")), "")


def _objective(lines: Sequence[str]) -> str:
    match = _OBJECTIVE.search("\n".join(lines))
    return match[1].removesuffix("</objective>").strip() if match else ""


def _body(lines: Iterable[str]) -> str:
    return "\n".join(lines).strip("\n")


def order_of(origin: Origin, draft: Draft) -> tuple[float, list[object]]:
    """Where a task stands among the files of a folder: its ordinal or wave, then its id with numbers as numbers."""
    parts = re.split(r"(\d{1,18})", draft.given_id or "")
    first = origin.ordinal if origin.wave is None else float(origin.wave)
    return first, [int(part) if place % 2 else part for place, part in enumerate(parts)]
