"""subprocess: what commands print is text."""

import subprocess
from typing import Any

from diamond3.python2 import BYTES_AS_TEXT, rest_of

__getattr__ = rest_of(subprocess)


class Popen(subprocess.Popen):  # type: ignore[type-arg]
    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **{**BYTES_AS_TEXT, **options})


def check_output(*arguments: Any, **options: Any) -> Any:
    return subprocess.check_output(*arguments, **{**BYTES_AS_TEXT, **options})
