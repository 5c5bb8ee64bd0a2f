"""Every error that Strata raises on purpose. Each message names the bad value and what would be right.

StrataError
+-- ConfigError      a setting is unknown or has a value out of range
+-- DataError        a data file is missing, short or corrupt, or cannot be written
+-- NotFoundError    no such architecture, measure, data set, experiment, ...
+-- InputError       rows or codes of a type, width or shape that an SAE cannot read
+-- UnreadableError  a file is there, and the system refuses to read it
+-- NumericError     NaN or infinity where a number must be
+-- CheckpointError  a saved SAE is incomplete or of another architecture
+-- StageError       a stage of a run failed, or its folder cannot be used
+-- RenderError      a page cannot be rendered; carries file and line
+-- ExtraError       a package that only some commands need is not installed; names the extra that brings it

Nothing else in Strata is raised for a user's mistake: any other exception is a bug of ours.
"""

import difflib

MOST_LISTED = 50
"""A language model has hundreds of hooks."""


class StrataError(Exception):
    """Root of the tree: `except StrataError` catches all that Strata raises on purpose."""


class ConfigError(StrataError):
    """A setting is unknown, or its value is outside what is allowed."""


class DataError(StrataError):
    """A data file is missing, short or corrupt; the message says how to get it again."""


class NotFoundError(StrataError):
    """A name that nothing answers to; the message lists the names that were found, of very many the nearest."""

    def __init__(self, what: str, name: str, found: list[str]) -> None:
        near = difflib.get_close_matches(name, found, 1)
        listed = ", ".join(sorted(found)) or "none"
        if len(found) > MOST_LISTED:
            nearest = difflib.get_close_matches(name, found, 6, 0.0)
            listed = f"{', '.join(nearest)} and {len(found) - len(nearest)} others"
        super().__init__(
            f"no {what} named {name!r}; found: {listed}" + (f"; did you mean {near[0]!r}?" if near else "")
        )


class InputError(StrataError):
    """Rows or codes of a type, width or shape that an SAE cannot read; the message says what to do with them."""


class UnreadableError(StrataError):
    """A file is there and the system refuses to read it, which says nothing of what it holds: nothing is made again."""


class NumericError(StrataError):
    """NaN or infinity; the message says in which term or row."""


class CheckpointError(StrataError):
    """A saved SAE cannot be read as what it is asked to be."""


class StageError(StrataError):
    """A stage of a run failed, or its folder cannot be used."""


class ExtraError(StrataError):
    """A package that only some commands need is not installed; the message says how to install it."""


class RenderError(StrataError):
    """A page cannot be rendered."""

    def __init__(self, message: str, file: str = "", line: int = 0) -> None:
        place = f"{file}:{line}: " if file and line else f"{file}: " if file else ""
        super().__init__(place + message)
        self.file, self.line = file, line
