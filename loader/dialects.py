"""Which tool's habits a file follows, from the signs in its text; each verdict comes with its reason."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence

from msgspec import Struct

from loader import patterns
from loader.model import Status
from loader.outline import Item, Outline

_LINE_MAX = 500
_BOXES_MAX = 400  # as many as tell what a list is
_DIGIT = patterns.lazy(r"\d")

_TOOL_ID = patterns.lazy(r"\[[^\]]\](?:\\?\*)?\s+(?:\[P\]\s+)?(?:\*\*|`)?\[?T\d{3}")
_STORY = patterns.lazy(r"\[US\d+\]")
_PHASE = patterns.lazy(r"phase \d", re.IGNORECASE)
_DOTTED = patterns.lazy(r"\[[^\]]\](?:\\?\*)?\s+(?:\*\*)?(\d+[a-z]?)(?:\.(\d+)|\\?\.)")
_PARALLEL_NUMBER = patterns.lazy(r"\[[^\]]\](?:\\?\*)?\s+\d+(?:\.\d+)*\.?\s+\(P\)")
_OPTIONAL = patterns.lazy(r"\[[^\]]\]\\?\*\s+\d")
_DATED = patterns.lazy(
    r"(?:📅|🛫|⏳|➕|✅|❌|📆)\ufe0f?\s*\d{4}-\d\d-\d\d|🆔\ufe0f?\s*\w|⛔\ufe0f?\s*\w+(?:,\s*\w+)*\s*$|🔁|[🔺⏫🔼🔽⏬]",
    re.MULTILINE,
)
_FIELD = patterns.lazy(r"[\[(](?:id|dependsOn|due|priority|scheduled|completion|start|created)::", re.IGNORECASE)
_AIDEVOPS = patterns.lazy(r"\[[^\]]\]\s+[trv]\d{3,}(?:\.\d+)*\s")
_HIDDEN_ID = patterns.lazy(
    r"<!--\s*id:\s*(?![0-9a-f]{10}(?:~\d+)?\s*-->)\S+"
)  # `executor id --write` puts keys of ours there
_HIDDEN_NUMBER = patterns.lazy(r"<!--\s*id:\s*\d{1,4}(?:\.\d+)*\s*-->")
_COMMIT = patterns.lazy(
    r"\[[^\]]\]\s.*(?:\[checkpoint: [0-9a-f]{7,}\]|\s[\[(`]?(?=[a-f]*\d)[0-9a-f]{7}[\])`]?\s*$)", re.MULTILINE
)
_CHECKPOINT = patterns.lazy(r".*\[checkpoint:")
_MANUAL = patterns.lazy(r"\[[^\]]\]\s+(?:\*\*)?Task(?: [\d.]+)?: Conductor\b")
_PLAN_FILE = patterns.lazy(r"\[[^\]]\]\s+(?:\*\*)?`?\d{2}(?:\.\d+)?-\d{2}-PLAN\b")
_PLAN_ID = patterns.lazy(r"\[[^\]]\]\s+(?:\*\*)?(?:\d{2}(?:\.\d+)?-\d{2}(?:-PLAN\.md)?\b|Phase \d+(?:\.\d+)?:)")
_CRITERIA = patterns.lazy(r"\(AC:? ?[#\d]")
_TASK_HEADING = patterns.lazy(r"(?:Task|Iteration) \d+(?:\.\d+)?[a-z]?:", re.IGNORECASE)
_GROUP_HEADING = patterns.lazy(r"Group [A-Z]\d?:")
_SIGNS_BEFORE = patterns.lazy(r"^(?:\[[^\]]\])?[^\w\[]*")  # what we write before a heading must not change the verdict
_PACKAGE_HEADING = patterns.lazy(r"Work Package (?:Prompt: )?WP\d")
_PRIORITY_HEADING = patterns.lazy(r"\W*(?:high|medium|low) priority\b", re.IGNORECASE)
_NUMBERED_HEADING = patterns.lazy(r"(?:Phase )?(\d+)(?:\\?\.|:) ")
_WORKFLOW_FIELD = patterns.lazy(r"_(?:Leverage|Prompt):")
_BOUNDARY = patterns.lazy("_Boundary:")
_WAVES = patterns.lazy('"waves"')
_PARENT_NUMBER = patterns.lazy(r"\[[^\]]\](?:\\?\*)?\s+(?:\*\*)?\d+\.0\b")
_SUBTASKS = patterns.lazy("subtasks", re.IGNORECASE)
_SPECD_HEAD = patterns.lazy(r"^\|\s*id\s*(?=\|).*\|\s*depends-on\s*(?=\|).*\|\s*verify\s*\|", re.IGNORECASE)
_ORIGIN_HEAD = patterns.lazy(r"^\|\s*ID\s*\|\s*Task\s*\|\s*Pri(?:ority)?\s*\|\s*Status\s*\|", re.IGNORECASE)


class Look(Struct):
    """What the signs are looked for in: the first lines of boxes, the headings, table headers and all of the text."""

    name: str
    text: str
    boxes: Sequence[str]
    joined: str  # the boxes, a line each
    headings: Sequence[str]
    headed_by: str  # the headings, a line each
    tables: Sequence[str]
    has_waves: bool
    dotted: Sequence[re.Match[str]]  # of the boxes that begin with a number and a dot
    has_numbers: bool  # a digit in some box: there is one in every sign that is looked for by its share

    def share(self, sign: re.Pattern[str]) -> float:
        """How many of the boxes show it."""
        if not self.has_numbers:
            return 0.0
        return sum(1 for box in self.boxes if sign.match(box)) / max(len(self.boxes), 1)

    def is_dotted(self) -> bool:
        """Whether most boxes begin with a number and a dot."""
        return 2 * len(self.dotted) > len(self.boxes)

    def any_box(self, sign: re.Pattern[str], word: str = "") -> bool:
        """Whether a box shows it anywhere; `word` is in every text that does, and sooner looked for."""
        return word in self.joined and sign.search(self.joined) is not None

    def any_commit(self) -> bool:
        """Whether a box ends with a commit, which is a number, or names a checkpoint."""
        return (self.has_numbers or "[checkpoint" in self.joined) and self.any_box(_COMMIT)

    def headed(self, sign: re.Pattern[str], word: str = "") -> int:
        """How many headings begin with it."""
        return sum(1 for heading in self.headings if sign.match(heading)) if word in self.headed_by else 0

    def named(self, word: str) -> bool:
        """Whether the file's name says it."""
        return word in self.name.casefold()


class Dialect(Struct, frozen=True):
    """A name, what shows it, and the reason to give."""

    name: str
    reason: str
    shows: Callable[[Look], object]


def _is_openspec(look: Look) -> bool:
    if look.named("openspec") or not look.dotted:
        return look.named("openspec")
    groups = {match[1] for heading in look.headings if (match := _NUMBERED_HEADING.match(heading))}
    return 2 * sum(1 for match in look.dotted if match[2] and match[1] in groups) > len(look.boxes)


def _has_numbered_steps(look: Look) -> bool:
    """`### 1. Build` below `## Tasks`, over boxes without numbers of their own."""
    numbered = sum(1 for heading in look.headings if _NUMBERED_HEADING.match(heading) and heading[0].isdigit())
    return numbered > 1 and "tasks" in map(str.casefold, look.headings) and 2 * len(look.dotted) < len(look.boxes)


def _is_ai_dev_tasks(look: Look) -> bool:
    return any(match[2] == "0" for match in look.dotted)


def _is_kiro(look: Look) -> bool:
    return look.has_waves or look.any_box(_OPTIONAL) or (look.is_dotted() and "_Requirements:" in look.text)


# The first that shows is the verdict: the surest signs and the most special tools come first.
TABLE: tuple[Dialect, ...] = (
    Dialect(
        "spec-kitty",
        "headings name work packages",
        lambda look: look.headed(_PACKAGE_HEADING, "Work Package"),
    ),
    Dialect(
        "spec-kit",
        "task ids such as T001 in phases or with story labels",
        lambda look: (
            look.share(_TOOL_ID) > 0.3
            and (look.any_box(_STORY) or any(_PHASE.search(heading) for heading in look.headings))
        ),
    ),
    Dialect(
        "spec-workflow", "fields such as _Leverage:_", lambda look: "_Leverage:" in look.text or "_Prompt:" in look.text
    ),
    Dialect(
        "cc-sdd",
        "(P) after a task's number, or _Boundary:_",
        lambda look: look.any_box(_PARALLEL_NUMBER) or ("_Boundary:" in look.text and look.is_dotted()),
    ),
    Dialect("kiro", "numbered tasks with _Requirements:_, waves or `[ ]*`", _is_kiro),
    Dialect("genie", "headings such as `Group A:`", lambda look: look.headed(_GROUP_HEADING, "Group ")),
    Dialect(
        "superpowers",
        "headings such as `Task 1:` over `**Step 1: …**`",
        lambda look: look.headed(_TASK_HEADING, ":") and any("**Step " in box[:12] for box in look.boxes),
    ),
    Dialect(
        "ralphex",
        "headings such as `Task 1:` over boxes",
        lambda look: look.boxes and (look.headed(_TASK_HEADING, ":") or _has_numbered_steps(look)),
    ),
    Dialect("aidevops", "task ids such as t001", lambda look: look.share(_AIDEVOPS) > 0.5),
    Dialect("openspec", "numbered headings over boxes with their number", _is_openspec),
    Dialect("ai-dev-tasks", "parent tasks such as 1.0", _is_ai_dev_tasks),
    Dialect(
        "antigravity",
        "a hidden number in most boxes",
        lambda look: 2 * len(_HIDDEN_NUMBER.findall(look.text)) > len(look.boxes) > 0,
    ),
    Dialect(
        "obsidian",
        "fields such as 📅, 🆔 or [due:: …]",
        lambda look: (not look.joined.isascii() and look.any_box(_DATED)) or look.any_box(_FIELD, "::"),
    ),
    Dialect(
        "gsd", "plan numbers such as 01-01", lambda look: look.share(_PLAN_ID) > 0.3 or look.any_box(_PLAN_FILE, "PLAN")
    ),
    Dialect(
        "bmad",
        "a section of tasks and subtasks with acceptance criteria",
        lambda look: any("subtasks" in heading.casefold() for heading in look.headings) or look.any_box(_CRITERIA),
    ),
    Dialect(
        "ralph-fix-plan",
        "sections by priority",
        lambda look: look.headed(_PRIORITY_HEADING) > 1 or look.named("fix_plan"),
    ),
    Dialect(
        "conductor",
        "checkpoints, or commits after completed boxes",
        lambda look: (
            look.headed(_CHECKPOINT, "[checkpoint")
            or look.any_commit()
            or look.any_box(_MANUAL, "Conductor")
            or "conductor(checkpoint)" in look.text
        ),
    ),
    Dialect(
        "antigravity",
        "hidden ids in boxes, or its file's name",
        lambda look: look.any_box(_HIDDEN_ID) or look.named(".antigravity") or look.named("antigravity-task"),
    ),
    Dialect("specd", "a table with depends-on and verify", lambda look: any(map(_SPECD_HEAD.match, look.tables))),
    Dialect("origin", "a table of ID, Task, Pri and Status", lambda look: any(map(_ORIGIN_HEAD.match, look.tables))),
)

# What is shown of a verdict: the first line with the first of these that is there.
SIGNS: Mapping[str, tuple[re.Pattern[str], ...]] = {
    "spec-kitty": (_PACKAGE_HEADING,),
    "spec-kit": (_TOOL_ID,),
    "spec-workflow": (_WORKFLOW_FIELD,),
    "cc-sdd": (_PARALLEL_NUMBER, _BOUNDARY),
    "kiro": (_WAVES, _OPTIONAL, _DOTTED),
    "genie": (_GROUP_HEADING,),
    "superpowers": (_TASK_HEADING,),
    "ralphex": (_TASK_HEADING,),
    "aidevops": (_AIDEVOPS,),
    "openspec": (_DOTTED,),
    "ai-dev-tasks": (_PARENT_NUMBER,),
    "antigravity": (_HIDDEN_ID,),
    "obsidian": (_DATED, _FIELD),
    "gsd": (_PLAN_ID, _PLAN_FILE),
    "bmad": (_SUBTASKS, _CRITERIA),
    "ralph-fix-plan": (_PRIORITY_HEADING,),
    "conductor": (_CHECKPOINT, _COMMIT, _MANUAL),
    "specd": (_SPECD_HEAD,),
    "origin": (_ORIGIN_HEAD,),
}

NAMES = ("native", *(dialect.name for dialect in TABLE), "backlog-md", "prd-json", "task-master", "todo.txt", "plain")
NUMBERED = ("kiro", "cc-sdd", "spec-workflow", "ai-dev-tasks")

# Sections of a dialect that hold boxes but no tasks: a tick in them says something else.
_ASIDE: dict[str, tuple[str, ...]] = {"aidevops": ("routines",)}

_PRESETS: dict[str, dict[str, Status]] = {
    "kiro": {"~": Status.PENDING},
    "cc-sdd": {"~": Status.PENDING},
    "spec-workflow": {"~": Status.BLOCKED},
    "obsidian": {"-": Status.SKIPPED},
    "aidevops": {"-": Status.SKIPPED},
}


def detect(text: str, lines: Sequence[str], outline: Outline, boxed: Sequence[Item], name: str) -> tuple[str, str]:
    """The name of the dialect and the reason. `boxed` are the items of the outline with a box."""
    boxes = [item.text.partition("\n")[0][:_LINE_MAX] for item in boxed[:_BOXES_MAX]]
    headings = [_SIGNS_BEFORE.sub("", heading.text[:_LINE_MAX]) for heading in outline.headings]
    tables = [lines[table.start][:_LINE_MAX] for table in outline.tables]
    has_waves = any('"waves"' in fence.content for fence in outline.fences)
    joined = "\n".join(boxes)
    has_numbers = _DIGIT.search(joined) is not None
    dotted = [match for box in boxes if (match := _DOTTED.match(box))] if has_numbers else []
    look = Look(
        name=name.replace("\\", "/"),
        text=text,
        boxes=boxes,
        joined=joined,
        headings=headings,
        headed_by="\n".join(headings),
        tables=tables,
        has_waves=has_waves,
        dotted=dotted,
        has_numbers=has_numbers,
    )
    for dialect in TABLE:
        if dialect.shows(look):
            line = _first_line(SIGNS[dialect.name], lines, outline)
            return dialect.name, f"{dialect.reason} (line {line})" if line else "the name of the file"
    return "plain", "no sign of any tool that is known"


def _first_line(signs: Sequence[re.Pattern[str]], lines: Sequence[str], outline: Outline) -> int:
    """The first line (from 1) that shows one of the signs in a box, a heading, a table's header or a fence; else 0."""
    places = [(item.text_line, item.text) for item in outline.items if item.text.startswith("[")]
    places += [(heading.line, _SIGNS_BEFORE.sub("", heading.text)) for heading in outline.headings]
    places += [(table.start, lines[table.start]) for table in outline.tables]
    for sign in signs:
        for lines_of in (places, enumerate(lines)):
            found = next((line for line, text in lines_of if sign.search(text.split("\n", 1)[0][:_LINE_MAX])), -1)
            if found >= 0:
                return found + 1
    return 0


def aside(dialect: str) -> tuple[str, ...]:
    """The names of this dialect's sections that hold no tasks."""
    return _ASIDE.get(dialect, ())


def preset(dialect: str) -> dict[str, Status]:
    """The marks that mean something of their own in this dialect."""
    return _PRESETS.get(dialect, {})
