"""The quick way to make a value makes the same value."""

from __future__ import annotations

import pickle
from dataclasses import FrozenInstanceError, dataclass, fields, replace

import pytest

import loader
from loader.model import Task, new_task
from loader.quick import quick


@dataclass(frozen=True, slots=True)
class Point:
    x: int
    y: int = 0


point = quick(Point)


def test_it_is_one_of_the_class_and_frozen_like_all_others() -> None:
    made = point(1)
    assert type(made) is Point
    assert made == Point(1)
    assert hash(made) == hash(Point(1))
    assert replace(made, y=2) == Point(1, 2)
    assert repr(made) == "Point(x=1, y=0)"
    with pytest.raises(FrozenInstanceError):
        made.x = 2  # type: ignore[misc]


def test_a_task_made_quickly_is_a_task() -> None:
    task = loader.parse(b"- [ ] a\n").tasks[0]
    made = new_task(**{one.name: getattr(task, one.name) for one in fields(Task)})
    assert made == task == pickle.loads(pickle.dumps(made))


def test_a_field_too_few_is_an_error() -> None:
    with pytest.raises(TypeError):
        point()
