"""A list begun: a starter to run and learn from, ids and settings for a list that has none."""

from __future__ import annotations

from pathlib import Path

from executor.errors import ListError, UsageError
from executor.operations import vetting
from executor.operations.files import Reading
from loader import labels, write_back
from loader.labels import Labelled

_STARTER = Path(__file__).with_name("starter.md")


def starter(path: Path) -> None:
    """Write the starter list to a file that does not exist yet."""
    _create(path, _STARTER.read_bytes())


def labelled(path: Path, reading: Reading) -> Labelled:
    """What would be written to give every task of a list an id to see."""
    return _label(path, _bytes(path, reading), reading)


def label(path: Path, reading: Reading) -> Labelled:
    """Write ids into a list, whatever others write to it meanwhile. Raises ListError when it cannot be written."""
    found = labelled(path, reading)

    def change(source: bytes) -> bytes:
        nonlocal found
        found = _label(path, source, reading)
        return found.source

    if found.added:
        _report(path, write_back.rewrite(path, change))
    return found


def adopt(path: Path, output: Path | None, reading: Reading) -> Labelled:
    """Give a plain list ids and our front matter, in place or in a file that does not exist yet."""
    found = Labelled(b"")

    def change(source: bytes) -> bytes:
        nonlocal found
        found = _label(path, source, reading)
        parsed = reading.parse(found.source)
        if parsed.settings or parsed.dialect == "native":
            return found.source
        made = labels.preface(found.source, parsed, reading.parse)
        if made is None:
            raise ListError(
                f"{path} cannot have front matter: as {parsed.dialect} it would read otherwise",
                hint="give its ids alone: `executor id --write`",
            )
        return made

    if output is None:
        change(_bytes(path, reading))  # what is wrong with it is told before anything is locked
        _report(path, write_back.rewrite(path, change))
    else:
        _create(output, change(_bytes(path, reading)))
    return found


def _label(path: Path, source: bytes, reading: Reading) -> Labelled:
    parsed = reading.parse(source)
    vetting.refuse_errors(path, parsed)
    return labels.label(source, parsed, reading.parse)


def _bytes(path: Path, reading: Reading) -> bytes:
    content = reading.read()
    if not isinstance(content, bytes):
        raise ListError(f"{path} is a folder: its files show their ids in their front matter", hint="name one file")
    return content


def _create(path: Path, content: bytes) -> None:
    try:
        with path.open("xb") as file:
            file.write(content)
    except FileExistsError as error:
        raise UsageError(
            f"{path} exists already, and is not written over", hint="name a file that does not exist"
        ) from error
    except OSError as error:
        raise UsageError(f"{path} cannot be written: {error.strerror}", hint="name another file") from error


def _report(path: Path, failure: str) -> None:
    if failure:
        raise ListError(f"{path} was not written: {failure}", hint="mend that and run the same command again")
