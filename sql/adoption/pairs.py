"""Files in pairs, one up and one down, as golang-migrate has them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from sql.adoption.values import Draft, Notes, Source, lines

_NAME = re.compile(r"(?P<version>\d+)_(?P<title>.*)\.(?P<way>up|down)\.sql")


def drafts(sources: Iterable[Source], notes: Notes) -> Iterator[Draft]:
    """Each pair as one migration; a file without its way up is refused."""
    ways: dict[str, dict[int, Source]] = {"up": {}, "down": {}}
    titles: dict[int, str] = {}
    for source in sources:
        match = _NAME.fullmatch(source.name)
        if match is None:
            notes.refuse(source.name, 0, "not named like a migration of that tool: 1_title.up.sql, 1_title.down.sql")
            continue
        version, way = int(match["version"]), ways[match["way"]]
        if version in way:
            notes.refuse(source.name, 0, f"version {version} is taken by {way[version].name}")
        way[version] = source
        if match["way"] == "up":
            titles[version] = match["title"]
    for version, source in sorted(ways["down"].items()):
        if version not in ways["up"]:
            notes.refuse(source.name, 0, "a way down without its way up")
    for version, source in sorted(ways["up"].items()):
        down = ways["down"].get(version)
        yield Draft(
            key=str(version),
            order=(version,),
            title=titles[version],
            path=source.name,
            up=lines(source),
            down=lines(down) if down else None,
        )
