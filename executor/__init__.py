"""Runs Markdown task lists to the end, through any crash."""

__version__ = "0.1.0"
