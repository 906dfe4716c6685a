"""The program `executor`."""

from __future__ import annotations

import gc
import sys

# Little of what a start imports and a list is made of is ever garbage, and looking for it was a tenth of a start.
_COLLECT_AFTER = 50_000


def main() -> None:
    """Run the command line. The version is answered before anything is imported: scripts ask for it often."""
    if sys.argv[1:] in (["--version"], ["-V"], ["version"]):
        from executor import __version__

        print(f"executor {__version__}")
        return
    gc.set_threshold(_COLLECT_AFTER)
    from executor.cli import app

    app.main()


if __name__ == "__main__":
    main()
