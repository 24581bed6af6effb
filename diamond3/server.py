"""What Diamond's own server does, and what an operator needs beyond it.

Collectors and handlers run in processes of their own, with a queue between them. A collector that
dies is started again, after growing pauses. Without the queue or the handlers nothing is sent any
more, so the server ends too, for its service manager to see. At SIGHUP the configuration is read
again: one that is refused is told in one line, and the one before goes on.
"""

import logging
import multiprocessing
import os
import signal
import sys
import time
import traceback
from types import FrameType
from typing import Any, Optional

from diamond3 import parts
from diamond3.errors import DiamondError
from diamond3.metric_queue import Manager, MetricQueue
from diamond3.parts import Parts
from diamond3.pauses import Pauses

log = logging.getLogger("diamond")

HANDLERS = "Handlers"
STOP_SIGNALS = (signal.SIGTERM, signal.SIGINT)

# They reach their processes by fork, and only so. Linux forks no longer by default since 3.14,
# macOS since 3.8.
context = multiprocessing.get_context("fork")


class Server:
    """Runs the handlers and the collectors of a configuration.

    Attribute: `manager`, the process of the queue, to be shut down last.
    """

    def __init__(self, configfile: str, found: Parts) -> None:
        self._configfile = configfile
        self._parts = found
        self.manager = Manager(context, _outlive_the_others)
        self._queue = self.manager.Queue(maxsize=found.queue_size)
        self._needed: set[str] = set()
        self._pauses = Pauses()
        self._told: dict[str, str] = {}
        self._is_hung_up = False

    def run(self) -> None:
        """Starts everything and looks after it.

        Raises:
            DiamondError: a handler does not load, or nothing can be sent any more.
        """
        from diamond.handler.queue import QueueHandler

        self._start_handlers()
        to_queue = QueueHandler(config=self._parts.config, queue=self._queue, log=log)
        signal.signal(signal.SIGHUP, self._hang_up)
        running: set[str] = set()
        while True:
            if self._is_hung_up:
                self._reload()
            children = {child.name: child for child in context.active_children()}
            self._end_if_one_is_missing(children)
            for name in running - children.keys():
                self._note_end(name)
            for name in running & children.keys() - self._parts.enabled:
                children[name].terminate()
            running &= children.keys()
            for name in sorted(self._parts.enabled - running):
                if self._pauses.is_over(name) and self._start(name, to_queue):
                    running.add(name)
            time.sleep(1)

    def _start_handlers(self) -> None:
        from diamond.utils.scheduler import handler_process

        arguments = (parts.handlers(self._parts.config), self._queue, log)
        self._needed = {HANDLERS, *(child.name for child in context.active_children())}
        _start_process(HANDLERS, handler_process, arguments)

    def _end_if_one_is_missing(self, children: dict[str, Any]) -> None:
        for name in sorted(self._needed - children.keys()):
            raise DiamondError(
                f"Diamond's process {name!r} has ended, and nothing is sent any more; restart it"
            )

    def _start(self, name: str, to_queue: Any) -> bool:
        """Whether the collector could be started; what is wrong is told once."""
        try:
            collector = self._parts.collector(name, [to_queue])
        except DiamondError as error:
            self._pauses.begin(name)
            if self._told.get(name) != str(error):
                self._told[name] = str(error)
                tell(f"{error}; it is tried again, with growing pauses")
            return False
        self._told.pop(name, None)
        time.sleep(self._parts.load_delay)  # or they would all read at the same moments
        _start_process(name, _collect, (collector, self._queue))
        return True

    def _note_end(self, name: str) -> None:
        if name in self._parts.enabled:
            pause = self._pauses.begin(name)
            log.warning("The process of %s has ended and is started again in %d s", name, pause)

    # -- reloading -----------------------------------------------------------------------------

    def _hang_up(self, signum: int, frame: Optional[FrameType]) -> None:
        self._is_hung_up = True

    def _reload(self) -> None:
        self._is_hung_up = False
        log.info("Reloading state due to HUP")
        try:
            found = parts.load(self._configfile)
            parts.check(found)
        except DiamondError as error:
            tell(f"the new configuration is refused, and the one before goes on: {error}")
            return
        self._parts = found
        self._pauses.forget()
        self._told.clear()


def tell(text: str) -> None:
    """Tells of an error where an operator looks: in the log, and on stderr for the journal."""
    log.error(text)
    print(f"diamond3: {text}", file=sys.stderr, flush=True)


def _start_process(name: str, target: Any, arguments: tuple[Any, ...]) -> None:
    # A stop has to wait until the process is known: it would be left behind.
    signals = signal.pthread_sigmask(signal.SIG_BLOCK, STOP_SIGNALS)
    try:
        process = context.Process(name=name, target=_run, args=(signals, target, arguments))
        process.daemon = True
        process.start()
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, signals)


def _run(signals: set[signal.Signals], target: Any, arguments: tuple[Any, ...]) -> None:
    signal.pthread_sigmask(signal.SIG_SETMASK, signals)
    target(*arguments)


def _collect(collector: Any, queue: MetricQueue) -> None:
    from diamond.utils.scheduler import collector_process

    _keep_what_was_accepted(collector)
    _tell_of_a_failure_in_a_line(collector)
    collector_process(collector, queue, log)


def _keep_what_was_accepted(collector: Any) -> None:
    """Diamond has the process of a collector that refuses its new configuration die."""
    load = collector.load_config

    def load_config() -> None:
        try:
            with parts.silence():  # the server tells of it
                parts.make_collector(
                    type(collector), collector.name, collector.configfile, handlers=[]
                )
        except DiamondError:
            log.info("%s goes on with the configuration that it had", collector.name)
        else:
            load()

    collector.load_config = load_config


def _tell_of_a_failure_in_a_line(collector: Any) -> None:
    """Diamond has a run that fails end its process with a traceback, each time that it is tried."""
    from diamond.utils.signals import SIGALRMException, SIGHUPException

    run = collector._run

    def run_or_tell() -> None:
        try:
            run()
        except (SIGALRMException, SIGHUPException):
            raise
        except Exception as error:  # a collector may fail with anything
            log.error("%s failed%s", collector.name, _where_and_why(error, collector))
            log.debug("In full:", exc_info=True)
            sys.exit(1)

    collector._run = run_or_tell


def _where_and_why(error: Exception, collector: Any) -> str:
    file = type(collector).collect.__code__.co_filename
    frames = traceback.extract_tb(error.__traceback__)
    lines = [frame.lineno for frame in frames if frame.filename == file]
    where = f" in line {lines[-1]} of {file}" if lines else ""
    return f"{where}: {' '.join(f'{type(error).__name__}: {error}'.split())}"


def _outlive_the_others() -> None:
    """The process of the queue leaves signals to the daemon, which stops it last.

    Else the others end in tracebacks when a terminal or a service manager signals all at once.
    """
    daemon = os.getppid()

    def end_if_orphaned(signum: int, frame: Optional[FrameType]) -> None:
        if os.getppid() != daemon:  # it was killed, and will not stop us any more
            raise SystemExit(0)
        signal.alarm(1)  # it may be dying just now

    for each in (signal.SIGTERM, signal.SIGALRM):
        signal.signal(each, end_if_orphaned)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, [signal.SIGTERM])  # our daemon.py blocks it
