"""Diamond: whether it finds the collector, and what its handlers and its queue do with points."""

from __future__ import annotations

import filecmp
import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib import metadata
from pathlib import Path
from typing import Any

import stability_collector
from diamond3.configuration import NEXT, is_for_next, listed
from diamond3.installed import OUR_DISTRIBUTION, find_diamond
from diamond3.once import Errors
from hops.console import counted
from hops.doctor.finding import FAILED, OK, WARNING, Finding
from hops.site import Site

INSTALLED = Path(stability_collector.__file__).parent
DROP_IN = tuple(sorted(path.name for path in INSTALLED.glob("stability_*.py")))

# What init writes: a report of 16 slices at once, and a hundred reports while carbon is away.
BATCH, BACKLOG = 448, 101


def check(site: Site) -> Iterator[Finding]:
    """Which Diamond the configuration is for, and whether it finds the collector."""
    yield _which(site)
    folders = [Path(path) for path in listed(site.config["server"], "collectors_path")]
    missing = [str(folder) for folder in folders if not folder.is_dir()]
    if missing or not folders:
        text = f"Diamond does not start without {missing}" if missing else "none is named"
        todo = "name a folder that exists in collectors_path of [server]; it may be empty"
        yield Finding("collectors_path", FAILED, text, todo)
    copies = [path for folder in folders for path in sorted(folder.rglob(DROP_IN[0]))]
    # An entry point of this Python is for its own Diamond.
    yield _collector(copies, _is_entry_point() and not is_for_next(site.config))


def handlers(site: Site) -> tuple[list[Any], list[Finding]]:
    """The handlers that send to a carbon, as Diamond loads them, and what was found of all.

    One that does not reach its carbon has no `socket`.
    """
    from diamond.utils.classes import load_include_path

    server = site.config["server"]
    load_include_path(listed(server, "handlers_path"))
    names = listed(server, "handlers")
    loaded = []
    findings = []
    for name in names:
        handler, finding = _handler(site, name)
        findings.append(finding)
        if handler:
            loaded.append(handler)
    if not names:
        todo = "set handlers = diamond.handler.graphite.GraphiteHandler in [server]"
        findings.append(Finding("handlers", FAILED, "none is named, so nothing is sent", todo))
    return loaded, findings


def check_sizes(site: Site, loaded: Sequence[Any], values: int) -> Iterator[Finding]:
    """Whether Diamond has room for a report of so many `values`."""
    yield _queue(site.config["server"], values)
    for handler in loaded:
        yield _backlog(handler, values)


# -- the collector -------------------------------------------------------------------------


def _which(site: Site) -> Finding:
    if not is_for_next(site.config):
        return Finding("Diamond", OK, f"{find_diamond().version} is installed and translated")
    here = [f"[[{name}]]" for kind, name in NEXT.items() if name in site.config[kind]]
    text = f"the configuration is for diamond-next, by its {' and '.join(here)}"
    if NEXT["handlers"] not in site.config["handlers"]:
        todo = f"add [[{NEXT['handlers']}]] below [handlers]; it may be empty"
        return Finding("Diamond", FAILED, f"{text}, which does not start as it is", todo)
    return Finding("Diamond", OK, f"{text}, which reads no [[default]]")


def _collector(copies: Sequence[Path], is_entry_point: bool) -> Finding:
    # Diamond looks into collectors_path first.
    different = [
        str(copy.with_name(name))
        for copy in copies
        for name in DROP_IN
        if not _is_same(copy.with_name(name), INSTALLED / name)
    ]
    if different:
        return Finding(
            "collector",
            WARNING,
            f"Diamond takes the copy in collectors_path, and {', '.join(different)} is not what is "
            "installed with hops",
            f"remove the copy, or copy all of it anew: cp {INSTALLED}/stability_*.py",
        )
    if copies:
        return Finding("collector", OK, f"Diamond finds {copies[0]}, the same as is installed")
    if is_entry_point:
        return Finding("collector", OK, f"Diamond finds it installed in {INSTALLED}")
    return Finding(
        "collector",
        FAILED,
        "Diamond does not find it: it is neither installed nor in collectors_path",
        f"cp {INSTALLED}/stability_*.py into a folder of collectors_path",
    )


def _is_same(copy: Path, installed: Path) -> bool:
    try:
        return filecmp.cmp(copy, installed, shallow=False)
    except OSError:  # one is missing, or may not be read
        return False


def _is_entry_point() -> bool:
    try:
        found = metadata.distribution(OUR_DISTRIBUTION).entry_points
    except metadata.PackageNotFoundError:
        return False
    return any(point.group == "diamond.collectors" for point in found)


# -- the handlers --------------------------------------------------------------------------


def _handler(site: Site, name: str) -> tuple[Any, Finding]:
    """The handler if it is Graphite's, else None."""
    from diamond.handler.graphite import GraphiteHandler
    from diamond.handler.Handler import Handler
    from diamond.utils.classes import load_dynamic_class, load_handlers

    kind = name.rpartition(".")[2]
    todo = f"correct handlers of [server], or {kind}.conf in handlers_config_path"
    with _log() as said:
        try:
            handler_class = load_dynamic_class(name, Handler)
            if not issubclass(handler_class, GraphiteHandler):
                return None, Finding(kind, OK, "can be loaded; where it sends was not tested")
            [handler] = load_handlers(site.config, [name])  # which connects
        except Exception as error:  # a handler may fail with anything
            text = f"Diamond cannot load {name}: {type(error).__name__}: {error}"
            return None, Finding(kind, FAILED, text, todo)
    where = f"{handler.host}:{handler.port} ({handler.proto})"
    if handler.socket is None:
        text = " ".join(said[-1].split()) if said else f"carbon at {where} does not answer"
        todo = f"start carbon, open the firewall, or correct host and port in {kind}.conf"
        return handler, Finding(kind, FAILED, text, todo)
    if handler.proto == "udp":
        text = f"sends to {where}, where nobody notices a lost datagram"
        return handler, Finding(kind, WARNING, text, f"set proto = tcp in {kind}.conf")
    return handler, Finding(kind, OK, f"something listens at {where}")


@contextmanager
def _log() -> Iterator[Sequence[str]]:
    """What Diamond logs meanwhile, of which a person would read warnings and errors."""
    listener = Errors(logging.WARNING)
    log = logging.getLogger("diamond")
    log.addHandler(listener)
    try:
        yield listener.messages
    finally:
        log.removeHandler(listener)


# -- room for a report ---------------------------------------------------------------------


def _queue(server: Any, values: int) -> Finding:
    text = str(server.get("metric_queue_size", stability_collector.QUEUE_SIZE))
    todo = f"set metric_queue_size = {stability_collector.QUEUE_SIZE} in [server]"
    try:
        size = int(text)
    except ValueError:
        return Finding("queue", FAILED, f"metric_queue_size = {text!r} is no number", todo)
    if size <= 0:
        return Finding("queue", OK, "metric_queue_size is without bound")
    places = stability_collector.queue_places(size)
    if places < values:
        text = f"metric_queue_size = {size} leaves {places} places, a report has {values} values"
        return Finding("queue", FAILED, f"{text} and would never be sent", todo)
    reports = counted(places // values, "report")
    text = f"metric_queue_size = {size} takes {reports} of {values} values"
    return Finding("queue", OK, text)


def _backlog(handler: Any, values: int) -> Finding:
    kept = handler.batch_size * handler.max_backlog_multiplier
    text = (
        f"while carbon is away {type(handler).__name__} keeps {kept} points "
        f"(batch * max_backlog_multiplier); a report has {values}"
    )
    if kept >= values:
        return Finding("backlog", OK, text)
    todo = f"set batch = {BATCH} and max_backlog_multiplier = {BACKLOG}, and "
    return Finding("backlog", WARNING, text, f"{todo}trim_backlog_multiplier = {BACKLOG - 1}")
