"""A function named by a task, called in a process of its own."""

from __future__ import annotations

from tests import make


def test_a_function_is_called_from_where_the_task_works_before_its_blocks(desk):
    (desk.folder / "jobs").mkdir()
    (desk.folder / "jobs" / "nightly.py").write_text(
        "import os\n\n"
        "class Tools:\n    @staticmethod\n    def fill():\n"
        "        open('filled', 'w').write(os.environ['EXECUTOR_TASK_ID'])\n        return True\n\n"
        "def refuse():\n    return False\n\n"
        "def three():\n    return 3\n\n"
        "def breaks():\n    raise ValueError('no such day')\n"
    )
    entries = {"A-1": "Tools.fill", "A-2": "refuse", "A-3": "three", "A-4": "breaks"}
    tasks = [
        make.task(
            run="test -e filled && echo behind" if one == "A-1" else None,
            id=one,
            settings={"python": f"jobs.nightly:{function}"},
        )
        for one, function in entries.items()
    ]
    desk.write(make.document(*tasks, keep_going=True))
    answer = desk.do("run")
    assert answer.code == 1
    assert desk.statuses() == {"A-1": "completed", "A-2": "failed", "A-3": "failed", "A-4": "failed"}
    assert desk.read("filled") == "A-1"
    assert "A-3  block 1 of 1 (python) ended with exit status 3" in answer.out
    assert "ValueError: no such day" in answer.out
    wrong = desk.write("- [ ] a\n  - python: nothing to call\n", "wrong.md")
    assert "package.module:function" in desk.do("check", wrong).said
