"""The handlers and collectors that Diamond's configuration names, or what is wrong with it."""

import logging
import math
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Callable, TypeVar

import configobj

from diamond3 import collectors, configuration
from diamond3.collectors import Unloadable
from diamond3.configuration import listed, place
from diamond3.errors import DiamondError

log = logging.getLogger("diamond")

T = TypeVar("T")

QUEUE_SIZE = 16384  # Diamond's, where its configuration says nothing
LOAD_DELAY = 1.0
QUEUE_HANDLER = "diamond.handler.queue.QueueHandler"  # between processes, and none of its own
EXAMPLE = "diamond.handler.graphite.GraphiteHandler"


@dataclass(frozen=True)
class Parts:
    """What Diamond runs, all of it accepted by `load`."""

    config: Any
    """Diamond's configuration, a mapping."""
    classes: dict[str, Any]
    """The collectors that were found, by name."""
    unloadable: Sequence[Unloadable]
    """The files in collectors_path that cannot be imported."""
    queue_size: int
    """How many metrics wait for the handlers; 0 is without bound."""
    load_delay: float
    """Seconds between the starts of two collectors."""

    @property
    def enabled(self) -> set[str]:
        """The collectors that are switched on. Diamond passes over names without its word."""
        return {
            name
            for name, section in self.config["collectors"].items()
            if section.get("enabled", False) is True and "Collector" in _class_name(name)
        }

    @property
    def passed_over(self) -> str:
        """What is in collectors_path, cannot be loaded, and is not missed; empty if nothing is."""
        wanted = {_class_name(name) for name in self.enabled}
        files = [str(file) for file in self.unloadable if not file.classes & wanted]
        count = "a file" if len(files) == 1 else f"{len(files)} files"
        told = f"{count} in collectors_path cannot be loaded, and nothing there is switched on: "
        return f"{told}{', '.join(files)}" if files else ""

    def collector(self, name: str, handlers: list[Any]) -> Any:
        """A new collector of that name.

        Raises:
            DiamondError: there is no such class, or it does not accept its configuration.
        """
        cls = self.classes.get(_class_name(name))
        if cls is None:
            for file in self.unloadable:
                if _class_name(name) in file.classes:
                    raise DiamondError(
                        f"{name} cannot be loaded from {file}; correct that, "
                        f"or set enabled = False in {place(self.config, 'collectors', name)}"
                    )
            known = ", ".join(sorted(self.classes)) or "none"
            raise DiamondError(
                f"there is no collector {name!r} in the collectors_path of {self.config.filename} "
                f"or in an installed package; those that load are: {known}"
            )
        return make_collector(cls, name, self.config.filename, handlers)


def load(configfile: str) -> Parts:
    """What Diamond finds by its configuration; no collector or handler is made.

    Raises:
        DiamondError: the configuration, or its [server], cannot be used.
    """
    config = configuration.load(configfile)
    queue_size = _number(config, "metric_queue_size", QUEUE_SIZE, int)
    load_delay = _number(config, "collectors_load_delay", LOAD_DELAY, float)
    found = Parts(config, *_collectors(config), queue_size, load_delay)
    if found.passed_over:
        log.info(found.passed_over)
    return found


def check(parts: Parts) -> None:
    """Sees whether all that is switched on is accepted.

    Raises:
        DiamondError: something is not.
    """
    for error in refused(parts):
        raise error


def refused(parts: Parts) -> list[DiamondError]:
    """Makes all that is switched on, connects to nothing, logs nothing; what is not accepted."""
    errors = []
    with silence():
        try:
            _check_handlers(parts.config)
        except DiamondError as error:
            errors.append(error)
        for name in sorted(parts.enabled):
            try:
                parts.collector(name, [])
            except DiamondError as error:
                errors.append(error)
    return errors


def _check_handlers(config: Any) -> None:
    for cls, own in _handler_classes(config):
        # One that connects to nothing may open a file, which is not for a look.
        if hasattr(cls, "_connect"):
            unconnected = type(cls.__name__, (cls,), {"_connect": _do_nothing})
            _make_handler(unconnected, own, config)


def handlers(config: Any) -> list[Any]:
    """The handlers that Diamond's configuration, a mapping, names; ready to send.

    Raises:
        DiamondError: none is named, or one does not load or does not accept its configuration.
    """
    return [_make_handler(cls, own, config) for cls, own in _handler_classes(config)]


def make_collector(cls: Any, name: str, configfile: str, handlers: list[Any]) -> Any:
    """A new collector.

    Raises:
        DiamondError: it does not accept its configuration.
    """
    try:
        collector = cls(name=name, configfile=configfile, handlers=handlers)
    except Exception as error:  # a collector may fail with anything
        config = configuration.load(configfile)
        file = place(config, "collectors", name)
        text = str(error)
        if not text.startswith(name):
            text = f"{name}: {_said(error, _own(config, 'collectors', name))}"
        raise DiamondError(f"{text}; correct it in {file}") from error
    interval = collector.config.get("interval")
    if not _is_positive(interval):
        file = place(configuration.load(configfile), "collectors", name)
        raise DiamondError(
            f"{name}: interval = {interval!r}: expected seconds, more than 0; correct it in {file}"
        )
    return collector


@contextmanager
def silence() -> Iterator[None]:
    """Nothing is logged meanwhile."""
    before = logging.root.manager.disable
    logging.disable(logging.CRITICAL)
    try:
        yield
    finally:
        logging.disable(before)


def _class_name(name: str) -> str:
    """Diamond's rule for running one class under several names: the first word is the class."""
    return name.partition(" ")[0]


def _collectors(config: Any) -> tuple[dict[str, Any], list[Unloadable]]:
    from diamond.utils.classes import load_collectors_from_entry_point

    folders = listed(config["server"], "collectors_path")
    missing = [folder for folder in folders if not os.path.isdir(folder)]
    if missing or not folders:
        what = f"the folder {missing[0]} is missing" if missing else "no folder is named"
        raise DiamondError(
            f"{what} in `collectors_path` of [server] in {config.filename}; name one that exists, "
            "or create it: it may be empty"
        )
    try:
        classes, unloadable = collectors.load(folders)
    except OSError as error:
        raise DiamondError(
            f"{error.filename} in `collectors_path` of [server] in {config.filename} cannot be "
            f"read ({error.strerror}); let Diamond's user read it"
        ) from error
    classes.update(load_collectors_from_entry_point("diamond.collectors"))
    return classes, unloadable


def _handler_classes(config: Any) -> Iterator[tuple[Any, Any]]:
    """The class and the configuration of each handler."""
    from diamond.handler.Handler import Handler
    from diamond.utils.classes import load_dynamic_class, load_include_path

    server = config["server"]
    load_include_path(listed(server, "handlers_path"))
    names = [name for name in listed(server, "handlers") if name != QUEUE_HANDLER]
    if not names:
        raise DiamondError(
            f"`handlers` of [server] in {config.filename} names none, so that nothing would be "
            f"sent; set handlers = {EXAMPLE}"
        )
    for name in names:
        try:
            cls = load_dynamic_class(name, Handler)
        except Exception as error:  # a module may fail with anything
            raise DiamondError(
                f"{name!r} in `handlers` of [server] in {config.filename} cannot be loaded "
                f"({_said(error, {})}); expected a class like {EXAMPLE}"
            ) from error
        yield cls, _own(config, "handlers", cls.__name__)


def _own(config: Any, kind: str, name: str) -> configobj.ConfigObj:
    """The configuration of one handler or collector; `kind` is the section."""
    own = configobj.ConfigObj(interpolation=False)
    for section in ("default", name):
        own.merge(config[kind].get(section, {}))
    return own


def _make_handler(cls: Any, own: Any, config: Any) -> Any:
    name = cls.__name__
    try:
        handler = cls(own)
    except Exception as error:  # a handler may fail with anything
        raise DiamondError(
            f"{name}: {_said(error, own)}; correct it in {place(config, 'handlers', name)}"
        ) from error
    host, port = getattr(handler, "host", None), getattr(handler, "port", None)
    wrong = "host is empty: expected the name of a machine" if host == "" else ""
    if isinstance(port, int) and not 0 < port < 65536:
        wrong = wrong or f"port = {port}: expected a number from 1 to 65535"
    if wrong:
        raise DiamondError(f"{name}: {wrong}; correct it in {place(config, 'handlers', name)}")
    return handler


def _do_nothing(handler: Any) -> None:
    pass


def _number(config: Any, key: str, default: float, kind: Callable[[Any], T]) -> T:
    value = config["server"].get(key, default)
    try:
        return kind(value)
    except (TypeError, ValueError):
        raise DiamondError(
            f"{key} = {value!r} in [server] of {config.filename}: expected a number; correct it"
        ) from None


def _is_positive(interval: Any) -> bool:
    try:
        return 0 < float(interval) < math.inf
    except (TypeError, ValueError):
        return False


def _said(error: Exception, own: Mapping[str, Any]) -> str:
    """What an error says, and of which key, if it tells of a value."""
    keys = [key for key, value in own.items() if _is_told_of(value, error)]
    told = "".join(f"{key} = {own[key]!r} cannot be used: " for key in keys[:1])
    return f"{told}{type(error).__name__}: {error}"


def _is_told_of(value: Any, error: Exception) -> bool:
    if isinstance(value, list):
        return isinstance(error, TypeError)  # of a comma where one value was meant
    return bool(value) and (value == getattr(error, "pattern", None) or repr(value) in str(error))
