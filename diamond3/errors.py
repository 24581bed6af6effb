"""The one exception that is meant for the operator's eyes."""


class DiamondError(Exception):
    """Diamond cannot run; the text is one sentence: what, where, and what to do."""
