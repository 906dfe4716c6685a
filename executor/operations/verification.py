"""Whether a backup can be restored: by restoring it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from msgspec import Struct
from msgspec.structs import replace

from executor import clock
from executor.database import embedded
from executor.database.archive import Manifest
from executor.database.connection import Database
from executor.database.embedded import Home, scratch
from executor.operations import backup
from executor.settings import Settings


class Verified(Struct, frozen=True):
    """What was restored and compared, and how long that took with everything around it."""

    manifest: Manifest
    seconds: float


def verify(settings: Settings, path: Path, *, tell: Callable[[str], None], notice: Callable[[str], None]) -> Verified:
    """Restore into a server of its own, compare counts and checksums, bring the schema up to date. Or raise."""
    began = clock.monotonic()
    home = embedded.home_from_environment(settings.environ)
    with scratch.home(home, notice=notice, durable=False) as made:
        database = Database(settings_of(settings, made))
        try:
            restored = backup.put_back(database, path, replace=False, with_lists=False, tell=tell)
        finally:
            database.close()
    return Verified(restored.manifest, clock.monotonic() - began)


def settings_of(settings: Settings, home: Home) -> Settings:
    """The same for the embedded server of another home."""
    environ = {name: value for name, value in settings.environ.items() if name != "EXECUTOR_PG_PORT"}
    return replace(settings, database_url=None, environ={**environ, "EXECUTOR_HOME": str(home.folder)})
