"""Where the programs that tests start keep their compiled modules: hundreds of starts would compile them anew."""

from __future__ import annotations

from pathlib import Path

# Beside pytest's own cache, so that neither the checkout nor the environment gets files of root's.
ENVIRON = {"PYTHONPYCACHEPREFIX": str(Path(__file__).resolve().parents[1] / ".pytest_cache" / "bytecode")}
