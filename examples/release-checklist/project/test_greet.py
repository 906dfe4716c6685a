"""What greet promises."""

from __future__ import annotations

import doctest
import unittest

import greet


class GreetTest(unittest.TestCase):
    def test_the_examples_in_its_text_are_true(self) -> None:
        assert doctest.testmod(greet).failed == 0
