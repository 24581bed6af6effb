"""string, with what is now methods."""

import string
from string import ascii_letters, ascii_lowercase, ascii_uppercase

from diamond3.python2 import rest_of

__getattr__ = rest_of(string)

letters, lowercase, uppercase = ascii_letters, ascii_lowercase, ascii_uppercase
lower, upper, strip, split, replace = str.lower, str.upper, str.strip, str.split, str.replace
maketrans = str.maketrans


def join(words: list[str], between: str = " ") -> str:
    return between.join(words)
