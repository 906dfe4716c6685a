"""Coding agents: what each is like (profiles, as data), what it said, and what that means."""
