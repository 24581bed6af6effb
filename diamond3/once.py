"""One run of one collector in the foreground, for cron and for trying things out."""

import logging
import sys
from typing import Any

from diamond3.errors import DiamondError

log = logging.getLogger("diamond")


class Errors(logging.Handler):
    """Remembers what is logged as an error: handlers log their failures and carry on."""

    def __init__(self) -> None:
        super().__init__(logging.ERROR)
        self.messages: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.messages.append(record.getMessage().strip())


def run_once(configfile: str, name: str) -> int:
    """Run the collector `name` once, whether enabled or not; 1 if anything failed, else 0.

    Its metrics go straight to the configured handlers, without a queue or another process.

    Raises:
        DiamondError: the configuration does not load, or has no such collector.
    """
    from diamond.utils.classes import initialize_collector, load_collectors
    from diamond.utils.config import load_config

    try:
        config = load_config(configfile)
        collectors = load_collectors(config["server"]["collectors_path"])
    except Exception as error:
        raise DiamondError(
            f"the configuration {configfile} cannot be loaded ({type(error).__name__}: {error}); "
            "correct it"
        ) from error
    # Diamond's rule for running one class under several names: the first word is the class.
    collector_class = collectors.get(name.partition(" ")[0])
    if collector_class is None:
        known = ", ".join(sorted(collectors)) or "none"
        raise DiamondError(
            f"there is no collector {name!r} in the collectors_path of {configfile} "
            f"or in an installed package; those that load are: {known}"
        )

    errors = listen_for_errors()
    collector = initialize_collector(
        collector_class, name=name, configfile=configfile, handlers=configured_handlers(config)
    )
    if collector is not None:
        _run(collector)
    return _exit_code(name, errors)


def listen_for_errors() -> Errors:
    """Listen from here on: another collector that does not load is no failure of this run."""
    errors = Errors()
    logging.getLogger().addHandler(errors)
    if not log.propagate:
        log.addHandler(errors)
    return errors


def configured_handlers(config: Any) -> list[Any]:
    """The handlers that Diamond's configuration, a mapping, names; what is wrong is logged."""
    from diamond.utils.classes import load_handlers, load_include_path

    server = config["server"]
    if "handlers_path" in server:
        load_include_path([path.strip() for path in server.as_list("handlers_path")])
    names = server.as_list("handlers") if "handlers" in server else []
    handlers: list[Any] = load_handlers(config, names)
    if not handlers or len(handlers) < len(names):
        log.error("Only %d of the handlers %r could be loaded", len(handlers), names)
    return handlers


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
