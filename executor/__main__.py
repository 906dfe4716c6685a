"""The program `executor`."""

from __future__ import annotations

import sys


def main() -> None:
    """Run the command line. The version is answered before anything is imported: scripts ask for it often."""
    if sys.argv[1:] in (["--version"], ["-V"], ["version"]):
        from executor import __version__

        print(f"executor {__version__}")
        return
    from executor.cli import app

    app.main()


if __name__ == "__main__":
    main()
