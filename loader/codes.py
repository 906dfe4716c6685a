"""Every diagnostic the loader can give: its code, severity, meaning and the way out."""

from __future__ import annotations

from msgspec import Struct

from loader.model import Diagnostic, Severity


class Code(Struct, frozen=True):
    """One row of the table. `message` is a format string; `hint` tells the next step."""

    code: str
    meaning: str
    message: str
    hint: str = ""

    @property
    def severity(self) -> Severity:
        """The first letter of a code is its severity."""
        return _SEVERITIES[self.code[0]]


_SEVERITIES = {"E": Severity.ERROR, "W": Severity.WARNING, "I": Severity.INFO}

NOT_TEXT = Code(
    "E001",
    "The file is not UTF-8 text.",
    "not a text file: {what}",
    "save the list as UTF-8 text",
)
TOO_LARGE = Code(
    "E002",
    "The file is larger than the limit.",
    "the file has {size} bytes, the limit is {limit}",
    "split it into several lists, or pass --max-size",
)
BAD_JSON = Code(
    "E014",
    "A JSON list cannot be read.",
    "not a task list in JSON: {problem}",
    "mend the JSON, or write the list as Markdown",
)
NO_TASKS = Code("E003", "The file holds no task.", "{what}", "write a task as a list item: `- [ ] What to do`")
UNKNOWN_TASK = Code(
    "E004",
    "A dependency names a task that is not in the list.",
    "unknown task '{name}' in {rule}{suggestion}",
    "mend the id, or pass --allow-missing to leave the dependency out",
)
DUPLICATE_ID = Code(
    "E005",
    "Two tasks have the same id.",
    "id '{name}' is taken: {first} and {second}",
    "give one of them another id, or pass --on-duplicate suffix",
)
SELF_DEPENDENCY = Code("E006", "A task depends on itself.", "task '{name}' depends on itself", "take it out of {rule}")
CYCLE = Code(
    "E007", "Tasks wait for each other in a circle.", "dependency cycle: {path}", "take one of these out: {edges}"
)
UNCLOSED_FENCE = Code(
    "E008",
    "A fence is never closed and hides boxes.",
    "the fence opened on line {line} is not closed and hides {boxes}",
    "close it with {fence}",
)
UNCLOSED_COMMENT = Code(
    "E009",
    "An HTML comment is never closed and hides boxes.",
    "the comment opened on line {line} is not closed and hides {boxes}",
    "close it with -->",
)
BAD_VALUE = Code(
    "E010",
    "A known setting has a bad value.",
    "bad value {value!r} for {key}: {expected}",
    "mend the value, or leave {key} out",
)
BAD_FRONT_MATTER = Code(
    "E011",
    "The front matter is not valid YAML.",
    "front matter: {problem}",
    "mend the YAML between the two lines of `---`",
)
UNKNOWN_SETTING = Code(
    "E012",
    "The front matter's `executor:` holds a key that does not exist.",
    "unknown setting '{name}' in executor{suggestion}",
    "mend its name, or take it out",
)
UNREADABLE_BLOCKS = Code(
    "E013",
    "The Markdown parser gave up.",
    "the Markdown cannot be read: {problem}",
    "nest lists and quotes less deeply",
)
UNREADABLE_WAVES = Code(
    "E015",
    "A JSON block of waves cannot be read, so the order in it is lost.",
    "the waves cannot be read: {problem}",
    "write a list of waves, each a list of task ids",
)

UNKNOWN_MARK = Code(
    "W101",
    "A box holds a mark without a meaning.",
    "unknown mark '{mark}' is read as pending",
    "use x, or explain the mark in a legend: `[{mark}]` done",
)
MALFORMED_BOX = Code(
    "W102", "Something looks like a box and is none.", "'{text}' is not a box, so this is no task", "write `- [ ] `"
)
EMPTY_BOX = Code("W103", "A box has no text.", "a box without text is no task", "say what to do, or take the box out")
PLACEHOLDER_ID = Code(
    "W104", "An id is a placeholder.", "'{name}' is a placeholder, not an id", "give the task a number"
)
HIDDEN_BY_HTML = Code(
    "W105",
    "An HTML block swallows a box.",
    "this box is inside the HTML block opened on line {line}, so it is no task",
    "put a blank line after the tag",
)
DUPLICATE_RENAMED = Code(
    "W106",
    "A second task with the same id got a suffix.",
    "id '{name}' is taken by {first}: read as '{new}'",
    "give it an id of its own",
)
MISSING_ALLOWED = Code(
    "W107",
    "An unknown dependency was left out.",
    "unknown task '{name}' in {rule} is left out{suggestion}",
    "mend the id",
)
HIDDEN_BY_INDENT = Code(
    "W108",
    "A box is indented so far that it is code.",
    "this box is indented code, so it is no task",
    "indent it by fewer than four columns from the text above",
)
UNREACHED_BOX = Code(
    "W109",
    "A line looks like a box but Markdown does not read it as a list item.",
    "this box is not a list item to Markdown, so it is no task",
    "put a blank line before the list, and indent by two or four spaces",
)
SUSPECT_FENCE = Code(
    "W110",
    "A fence holds boxes and the opening of another fence.",
    "the fence opened on line {line} hides {boxes} and the opening of another fence: is it closed?",
    "close it where it should end, or open it with more backticks than stand in it",
)
UNNAMED_ROW = Code(
    "W111",
    "A table row has neither id nor title.",
    "a row without id and title is no task",
    "fill in its id or its title",
)
VERIFY_CANNOT_RUN = Code(
    "W112",
    "A verify block is in a language that does not run.",
    "a verify block in '{language}' cannot run",
    "name a command for it in `languages`",
)
NO_STATUS_FIELD = Code(
    "W113",
    "A task has no field to write its status to.",
    "task '{name}' has no field for its status, so its end cannot be written here",
    "add `{field}`",
)
LIST_IN_FOLDER = Code(
    "W114",
    "A file in a folder of tasks is a list of its own.",
    "this file is a list of its own ({count}), no task of the folder",
    "run it by its own name",
)

FOREIGN_VALUE = Code(
    "W115",
    "A field in the words of another tool has a value that is no setting.",
    "{value!r} for {key} is left out: expected {expected}",
    "write what is expected, where it is to count",
)
PROSE_DEPENDENCY = Code(
    "W116",
    "A dependency is prose and names no task.",
    "'{name}' in {rule} names no task and is left out",
    "name the task's id",
)
BOXES_IN_TABLE = Code(
    "W117",
    "A table holds boxes and no column of ids.",
    "the table holds {boxes} and no column of ids, so its rows are no tasks",
    "name a column ID, and give each row one with a number in it",
)

IGNORED_SECTION = Code("I201", "A box stands in a section that holds no tasks.", "not a task: section '{section}'")
QUOTED_BOX = Code("I202", "A box stands in a block quote.", "not a task: quoted")
LABEL = Code(
    "I203", "A bracket holds a letter or a digit that is a label, not a mark.", "not a task: [{mark}] is a label"
)
STEP = Code("I204", "A box belongs to a task with a run block of its own.", "a step of task '{name}', not a task")
REPEATED_ROW = Code("I205", "A table row repeats a task of the list.", "not a task: '{name}' is on line {first}")
FRONT_MATTER_BOX = Code("I206", "A box stands in the front matter.", "not a task: front matter")
CRITERION = Code(
    "I207",
    "A box stands outside the headings that are the tasks.",
    "not a task: the headings are the tasks here, so this box is a criterion",
    "to make it a task, give it an id or a heading of its own",
)
TABLE_OF_TASK = Code(
    "I208", "A table stands in the body of a heading task.", "not tasks: a table in the body of task '{name}'"
)
OTHER_TAG = Code(
    "I209", "A JSON list holds several lists by tag.", "not read: tag '{name}' ({count}); only '{chosen}' is"
)
NO_TASK_FILE = Code("I210", "A file of a folder is no task.", "not a task: no front matter with id and status")
ORDER_GIVES_WAY = Code(
    "I211",
    "A written dependency goes against the dialect's order.",
    "task '{name}' does not wait for what stands before it: an earlier task depends on it",
)

TABLE: tuple[Code, ...] = tuple(value for value in list(globals().values()) if isinstance(value, Code))


def diagnose(code: Code, line: int, column: int = 1, /, **facts: object) -> Diagnostic:
    """A diagnostic of this kind at a place (from 1), with the facts filled into its message and hint."""
    return Diagnostic(
        code.code,
        code.severity,
        line,
        column,
        code.message.format(**facts),
        code.hint.format(**facts) if facts else code.hint,
    )
