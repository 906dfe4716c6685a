"""`executor migrate check`."""

from __future__ import annotations

from executor.cli import console
from executor.cli.migrate import findings, options, target
from executor.cli.migrate.group import command
from executor.errors import EXIT_USAGE


@command("check")
def check(folder: options.Folder = None, json: options.Json = False) -> int:
    """Read all files and say what is wrong or unsafe in them, without a database. Ends with 2 if anything is.

    Example: executor migrate check --folder db/migrations
    """
    from sql import folder as folders
    from sql.errors import FilesRefused

    path = target.folder(folder)
    try:
        files = folders.load(path)
    except FilesRefused as refused:
        if json:
            faults = [
                {"path": one.path, "line": one.line, "column": one.column, "message": one.message}
                for one in refused.faults
            ]
            console.say_json({"files": 0, "faults": faults, "findings": []})
            return refused.exit_code
        raise
    everything = (*files.migrations, *files.repeatables)
    found = [finding for one in everything for finding in (*findings.unknown(one), *findings.of(one))]
    if json:
        plain = [finding.plain() for finding in found]
        console.say_json({"files": len(everything), "faults": [], "findings": plain})
    else:
        for line in found:
            console.say(str(line))
        console.say(f"{console.counted(len(everything), 'file')} · {console.counted(len(found), 'finding')}")
    return EXIT_USAGE if found else 0
