"""Answers that somebody has written down in place of a server's: for contract tests."""

from collections.abc import Callable

from pydantic import JsonValue

Cue = Callable[[], dict[str, JsonValue]]
"""The next answer, in the form of its operation's result; raises the failure that stands in its place."""


class ImpossibleAnswerError(Exception):
    """An answer that no server can give to this request. sentence: why, and what to write instead."""

    def __init__(self, sentence: str) -> None:
        super().__init__(sentence)
        self.sentence = sentence
