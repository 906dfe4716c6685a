"""The prompt: every part in its place, and none where there is nothing to say."""

from __future__ import annotations

from executor.runners.agents import environment, prompt


def compose(**changes: object) -> str:
    given = {
        "task_id": "A-2",
        "title": "Build it",
        "blocks": [
            {"role": "run", "language": "sh", "content": "make\n"},
            {"role": "verify", "language": "sh", "content": "test -s out\n"},
        ],
        "last_error": "check 1 of 1 ended with exit status 1",
        "context": {
            "body": "With care.",
            "section": ["Release", "Build"],
            "list": {"title": "Release 2", "description": "What it is about."},
            "builds_on": [{"id": "A-1", "title": "Clean", "status": "completed", "answer": "All\nclean."}],
        },
        "notes": [{"by": "ann", "text": "mind the cache"}],
    }
    return prompt.compose(
        prompt.Task(**{**given, **changes}),  # type: ignore[arg-type]
        list_name="tasks.md",
        list_verify="make test",
        protected=["tests/**"],
    )


def test_all_parts_stand_in_order():
    text = compose()
    parts = [
        "in the section Release > Build",
        "# A-2: Build it",
        "With care.",
        "```sh\nmake\n```",
        "## The list\n\nRelease 2\n\nWhat it is about.",
        "- A-1 Clean (completed)\n  > All\n  > clean.",
        "- ann: mind the cache",
        "## The last attempt",
        "## How it is checked",
        "test -s out",
        "make test",
        "- tasks.md: its boxes",
        "- tests/**",
        "BLOCKED:",
    ]
    places = [text.index(part) for part in parts]
    assert places == sorted(places)


def test_nothing_is_said_of_what_is_not_there():
    text = compose(blocks=[], last_error="", context={}, notes=[])
    assert text.count("## ") == 2, "the check of the list, and what must not be touched"


def test_a_fence_is_longer_than_those_in_it():
    assert "````\nsee ```sh\n````" in compose(last_error="see ```sh")


def test_an_agent_sees_what_it_needs_and_no_secrets():
    environ = {
        "PATH": "/bin",
        "HOME": "/h",
        "ANTHROPIC_API_KEY": "k",
        "DATABASE_URL": "u",
        "GITHUB_TOKEN": "t",
        "LC_ALL": "C",
        "UV_CACHE_DIR": "/c",
        "UV_PUBLISH_TOKEN": "t",
        "NPM_CONFIG_API_KEY": "t",
    }
    seen = environment.allowed(environ, ["ANTHROPIC_*"])
    assert seen == {"PATH": "/bin", "HOME": "/h", "ANTHROPIC_API_KEY": "k", "LC_ALL": "C", "UV_CACHE_DIR": "/c"}
