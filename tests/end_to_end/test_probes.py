"""A worker answers probes over HTTP, as long as it works and whatever becomes of its database."""

from __future__ import annotations

import json
import signal
import socket
import urllib.error
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import psycopg
import pytest

from tests import make
from tests.desk import Desk, Running


def get(url: str, method: str = "GET") -> tuple[int, Any]:
    """Status and value."""
    request = urllib.request.Request(url, method=method)
    try:
        with urllib.request.urlopen(request, timeout=20) as answer:
            content = answer.read()
            return answer.status, json.loads(content) if content else None
    except urllib.error.HTTPError as refused:
        return refused.code, json.loads(refused.read() or "null")


def page(desk: Desk, worker: Running) -> str:
    """The address that it says."""
    desk.until(lambda: "worker " in worker.said())
    return next(word for word in worker.said().split() if word.startswith("http://"))


def test_a_worker_says_over_http_what_db_status_says(lone_desk: Desk):
    lone_desk.write(make.document(make.task(id="A", run="true")))
    worker = lone_desk.start("worker", "--health", "0")
    url = page(lone_desk, worker)
    assert url.startswith("http://127.0.0.1:"), "nobody else hears of it unless asked to"
    assert get(url) == (200, lone_desk.do("db", "status", "--json").json)
    assert get(url.replace("/healthz", "/livez"))[0] == 200
    assert get(url, "HEAD") == (200, None)
    assert get(url.replace("/healthz", "/"))[0] == 404
    newest = lone_desk.value("SELECT max(version) FROM executor.migration")
    lone_desk.change(
        "INSERT INTO executor.migration SELECT (jsonb_populate_record(migration, '{\"version\": 9999}')).* "
        f"FROM executor.migration WHERE set_name = 'executor' AND version = {newest}"
    )
    lone_desk.until(lambda: get(url)[0] == 503)
    answer = get(url)[1]
    assert (answer["reachable"], answer["ready"], answer["wrong"]["code"]) == (True, False, "DB_SCHEMA")
    lone_desk.change("DELETE FROM executor.migration WHERE version = 9999")
    lone_desk.until(lambda: get(url)[0] == 200)
    worker.send(signal.SIGTERM)
    assert worker.end(10).code == 130
    with pytest.raises(urllib.error.URLError):
        get(url)


def test_it_answers_while_the_database_is_down(lone_desk: Desk):
    with psycopg.connect(lone_desk.database, autocommit=True) as connection:
        name = connection.info.dbname
    worker = lone_desk.start("worker", "--health", "127.0.0.1:0")
    url = page(lone_desk, worker)
    other = lone_desk.database.replace(f"dbname={name}", "dbname=postgres")
    with psycopg.connect(other, autocommit=True) as admin:
        admin.execute(f"ALTER DATABASE {name} ALLOW_CONNECTIONS false")
        admin.execute("SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE datname = %s", [name])
        lone_desk.until(lambda: get(url)[0] == 503, "it is not ready")
        told = get(url)[1]
        assert (told["reachable"], told["ready"], told["wrong"]["code"]) == (False, False, "DB_UNREACHABLE")
        assert get(url.replace("/healthz", "/livez"))[1]["alive"], "to be killed would help nobody"
        admin.execute(f"ALTER DATABASE {name} ALLOW_CONNECTIONS true")
    lone_desk.until(lambda: get(url)[0] == 200, "it is ready again")
    worker.send(signal.SIGTERM)
    assert worker.end(10).code == 130


def test_a_database_that_hangs_and_clients_that_say_nothing_hold_nobody_up(lone_desk: Desk):
    lone_desk.write(make.document(make.task(id="A", run="touch done")))
    worker = lone_desk.start("worker", "--health", "0")
    url = page(lone_desk, worker)
    port = int(url.split(":")[2].split("/")[0])
    mute = [socket.create_connection(("127.0.0.1", port)) for _ in range(10)]
    with psycopg.connect(lone_desk.database) as holder:
        holder.execute("LOCK TABLE executor.relocation")
        with ThreadPoolExecutor(8) as pool:
            answers = list(pool.map(get, [url] * 8))
        assert {code for code, _ in answers} == {503}
        assert {told["wrong"]["code"] for _, told in answers} == {"DB_TIMEOUT"}
        probes = "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'executor status' AND datname = %s"
        assert lone_desk.value(probes, holder.info.dbname) == 1, "however many ask, one look is under way"
        assert get(url.replace("/healthz", "/livez"))[0] == 200
    lone_desk.until(lambda: get(url)[0] == 200)
    assert lone_desk.do("sync").code == 0
    lone_desk.until_there("done")
    for one in mute:
        one.close()
    assert "Traceback" not in worker.said()


def test_a_loop_that_stands_still_is_not_alive(lone_desk: Desk):
    worker = lone_desk.start("worker", "--health", "0", env={"EXECUTOR_LEASE": "2"})
    url = page(lone_desk, worker).replace("/healthz", "/livez")
    assert get(url)[0] == 200
    with psycopg.connect(lone_desk.database) as holder:
        holder.execute("LOCK TABLE executor.executor_state, executor.task_queue IN ACCESS EXCLUSIVE MODE")
        lone_desk.until(lambda: get(url)[0] == 503, "five leases have passed", 30)
        assert not get(url)[1]["alive"]
    lone_desk.until(lambda: get(url)[0] == 200)


def test_an_address_that_cannot_be_had_is_one_clear_line(desk: Desk):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        answer = desk.do("worker", "--health", f"127.0.0.1:{port}")
    assert (answer.code, answer.out) == (2, "")
    fact, hint = answer.err.strip().split("\n")
    assert fact == f"error: cannot listen on 127.0.0.1:{port}: Address already in use"
    assert "--health" in hint
    for odd in ("http", "127.0.0.1", "127.0.0.1:99999", "no-such-host.invalid:80"):
        answer = desk.do("worker", "--health", odd)
        assert (answer.code, len(answer.err.strip().split("\n"))) == (2, 2), answer.said


def test_it_can_be_asked_on_other_addresses(desk: Desk):
    worker = desk.start("worker", "--health", "[::1]:0")
    url = page(desk, worker)
    assert url.startswith("http://[::1]:")
    assert get(url)[0] == 200
