"""What an operator can mend: told in a sentence, and the command ends with 1."""

import click


class Problem(click.ClickException):
    """One sentence: what is wrong, where, and what to do."""
