"""Much output and many tasks: a worker's memory, descriptors and threads do not grow with them."""

from __future__ import annotations

from crash_site import Site, Worker, act

from tests import make

_MEGABYTES = 200
_TASKS = 2000


def test_a_flood_of_output_is_kept_whole_in_little_memory(site: Site) -> None:
    site.write(make.task(id="A", run=f"head -c {_MEGABYTES}M /dev/zero | tr '\\0' x\n" + act()))
    worker = site.start()
    peak = _peak_until_its_end(site, worker)
    assert site.end(worker) == 0
    assert peak < 80
    assert site.rows("SELECT sum(length(content)), max(chunk) + 1 = count(*) FROM executor.run_output") == [
        (_MEGABYTES << 20, True)
    ]


def test_eight_floods_at_once_take_no_more(site: Site) -> None:
    each = 10
    site.write(*(make.task(id=f"T-{number}", run=f"head -c {each}M /dev/zero | tr '\\0' x") for number in range(8)))
    worker = site.start("-j", "8")
    peak = _peak_until_its_end(site, worker)
    assert site.end(worker) == 0
    assert peak < 80
    assert site.rows("SELECT sum(length(content)) FROM executor.run_output") == [(8 * each << 20,)]


def test_thousands_of_tasks_leave_no_descriptor_and_no_thread_behind(site: Site) -> None:
    site.write(*(make.task(id=f"T-{number}", run="true") for number in range(_TASKS)), make.task(id="Z", run=act(1)))
    worker = site.start("-j", "8")
    early = _most(site, worker, 200)
    late = _most(site, worker, _TASKS)
    assert site.end(worker, 60) == 0
    # A look may catch none of the eight runs or all of them, each with up to eight descriptors and a thread; a leak of
    # one in twenty tasks would be more.
    assert late[0] <= early[0] + 8 * 8, f"descriptors: {early[0]}, later {late[0]}"
    assert late[1] <= early[1] + 8, f"threads: {early[1]}, later {late[1]}"


def _peak_until_its_end(site: Site, worker: Worker) -> float:
    """The most memory a worker had before the last of its tasks ended."""
    peak = 0.0

    def over() -> bool:
        nonlocal peak
        if worker.process.poll() is None:
            peak = max(peak, worker.peak_megabytes())
        return worker.process.poll() is not None

    site.until(over, "the end of the worker", 60)
    return peak


def _most(site: Site, worker: Worker, completed: int) -> tuple[int, int]:
    """The most descriptors and threads there were until so many tasks were completed."""
    most = (0, 0)

    def reached() -> bool:
        nonlocal most
        most = (max(most[0], worker.descriptors()), max(most[1], worker.threads()))
        return worker.said().count("\ndone ") >= completed

    site.until(reached, f"{completed} tasks completed", 60)
    return most
