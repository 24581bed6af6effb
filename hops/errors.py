"""What an operator can mend: told in a sentence, and the command ends with 1."""

import click

from hops.console import error_console, wrapped

PREFIX = "Error: "  # which click puts before


class Problem(click.ClickException):
    """One sentence: what is wrong, where, and what to do."""

    def format_message(self) -> str:
        """The sentence, for the terminal."""
        return wrapped(PREFIX + self.message, error_console).removeprefix(PREFIX)
