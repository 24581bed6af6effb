"""One run of one collector in the foreground, for cron and for trying things out."""

import logging
import sys
from typing import Any

from diamond3 import parts

log = logging.getLogger("diamond")


class Errors(logging.Handler):
    """Remembers what is logged as an error: handlers log their failures and carry on."""

    def __init__(self, level: int = logging.ERROR) -> None:
        super().__init__(level)
        self.messages: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.messages.append(record.getMessage().strip())

    @property
    def lines(self) -> list[str]:
        """The last line of each message, each once."""
        return list(dict.fromkeys(each.splitlines()[-1] for each in self.messages if each))


def run_once(configfile: str, name: str) -> int:
    """Run the collector `name` once, whether enabled or not; 1 if anything failed, else 0.

    Its metrics go straight to the configured handlers, without a queue or another process.

    Raises:
        DiamondError: the configuration does not load, or has no such collector.
    """
    found = parts.load(configfile)
    errors = listen_for_errors()
    # In this order: a collector without handlers would publish to nobody.
    collector = found.collector(name, parts.handlers(found.config))
    _run(collector)
    # One of ours is silent about what it will do in a later run, which may never come here.
    for sentence in getattr(collector, "left_alone", list)():
        log.info(sentence)
        print(f"diamond3: {sentence}")
    return _exit_code(name, errors)


def listen_for_errors() -> Errors:
    """Listen from here on: another collector that does not load is no failure of this run."""
    errors = Errors()
    logging.getLogger().addHandler(errors)
    if not log.propagate:
        log.addHandler(errors)
    return errors


def _run(collector: Any) -> None:
    try:
        collector._run()  # flushes the handlers, too, whatever happens
    except Exception:  # a collector may fail with anything
        log.exception("Collector failed!")


def _exit_code(name: str, errors: Errors) -> int:
    if not errors.messages:
        return 0
    first = errors.messages[0].splitlines()
    print(
        f"diamond3: errors in the run of {name}: {len(errors.messages)}, "
        f"the first was {first[-1] if first else ''!r}; see the log",
        file=sys.stderr,
    )
    return 1
