"""What a translator cannot know about Diamond and its collectors: replacements, with reasons.

Every translated module ends with a call of `apply`, so that a fix is in place from the moment the
module has been imported. Most fixes exchange a module that Diamond uses for one that keeps to the
Python 2 meaning; the code that uses it then stays Diamond's own.
"""

import copyreg
import logging
import pickle
import struct
import sys
import zlib
from collections.abc import Iterable
from contextlib import suppress
from importlib import metadata
from operator import attrgetter
from types import SimpleNamespace
from typing import Any, Callable

from diamond3 import configuration, logs
from diamond3.python2 import BYTES_AS_TEXT, as_bytes, as_text

Fix = Callable[[Any], None]

_METRIC_VALUES = attrgetter(
    "path", "value", "raw_value", "timestamp", "precision", "host", "metric_type", "ttl"
)


def apply(name: str) -> None:
    """Apply the fixes of the module of that name, which has just been imported."""
    for fix in FIXES.get(name, ()):
        fix(sys.modules[name])


# Text and bytes


def text_on_zeromq(module: Any) -> None:
    """The handler sends text, and pyzmq's `send` takes bytes."""

    def process(handler: Any, metric: Any) -> None:
        if module.zmq:
            handler.socket.send(as_bytes(str(metric)))

    module.zmqHandler.process = process


def packs_text(module: Any) -> None:
    """ApcupsdCollector packs a command; `pack` takes it as bytes."""
    module.pack = lambda form, *values: struct.pack(
        form, *(as_bytes(value) if isinstance(value, str) else value for value in values)
    )


def names_in_packets_are_text(module: Any) -> None:
    """JCollectdCollector reads names from datagrams, which stay bytes."""
    decode = module.decode_network_string
    module.decode_network_string = lambda *arguments: as_text(decode(*arguments))


def output_is_text_already(module: Any) -> None:
    """GridEngineCollector decodes what a command has printed."""
    module.GridEngineCollector._capture_output = lambda _, command: module.subprocess.check_output(
        command
    )


def checksums_of_text(module: Any) -> None:
    """MongoDBCollector takes a sample of collections by a checksum of their names."""
    module.zlib = SimpleNamespace(crc32=lambda text: zlib.crc32(as_bytes(text)))


def pickles_that_carbon_reads(module: Any) -> None:
    """GraphitePickleHandler: pickles are bytes, in a protocol for old carbons, and all sent.

    Python 3 pickles in protocols that a carbon on Python 2 cannot read; 2 is the newest it can.
    Diamond joins what it sends as text, so a pickle travels as text until it is on the socket.

    Diamond's own `flush` leaves a batch that is not full for later, which never comes in a run
    of one collector, or in a site with few metrics. What could not be sent joins Diamond's
    backlog: where it was overwritten by the next batch, flushing early would lose more.
    """

    def pickle_batch(handler: Any) -> str:
        payload = pickle.dumps(handler.batch, protocol=2)
        return (struct.pack("!L", len(payload)) + payload).decode(**BYTES_AS_TEXT)

    def process(handler: Any, metric: Any) -> None:
        handler.batch.append((metric.path, (metric.timestamp, metric.value)))
        if len(handler.batch) >= handler.batch_size:
            handler.flush()

    def flush(handler: Any) -> None:
        if handler.batch:
            handler.log.debug("GraphitePickleHandler: Sending %d metrics", len(handler.batch))
            handler.metrics.append(handler._pickle_batch())
            handler.batch = []
        handler._send()

    module.GraphitePickleHandler._pickle_batch = pickle_batch
    module.GraphitePickleHandler.process = process
    module.GraphitePickleHandler.flush = flush


# Numbers


def batch_is_a_number(module: Any) -> None:
    """RRDHandler compares a number with its `batch`, which is text if it is configured.

    Python 2 took any text for greater than any number; Python 3 refuses.
    """
    initialise = module.RRDHandler.__init__

    def initialise_with_number(handler: Any, *args: Any, **kwargs: Any) -> None:
        initialise(handler, *args, **kwargs)
        handler._batch = int(handler._batch)

    module.RRDHandler.__init__ = initialise_with_number


# Logging


def formatter_adds_the_place(module: Any) -> None:
    """DebugFormatter gives errors a second line by setting `_fmt`, which is now the style's."""

    def get(formatter: Any) -> str:
        return str(formatter._style._fmt)

    def set_(formatter: Any, value: str) -> None:
        formatter._style._fmt = value

    module.DebugFormatter._fmt = property(get, set_)


def logging_reads_diamonds_configuration(module: Any) -> None:
    """Python 3's parser refuses diamond.conf, see `logs.configure`; Diamond then ran unlogged."""
    setup_logging = module.setup_logging

    def setup(configfile: str, stdout: bool = False) -> logging.Logger:
        if stdout:
            setup_logging(configfile, stdout=True)
        else:
            logs.configure(configfile)
        return logging.getLogger("diamond")

    module.setup_logging = setup


# Configuration


def defaults_as_diamond_next_has_them(module: Any) -> None:
    """diamond-next reads [[handlersDefault]] and [[collectorsDefault]], and no [[default]].

    Diamond does not start without the [[default]] of its handlers, where nothing may be meant.
    """
    load_config = module.load_config

    def load(configfile: str) -> Any:
        config = load_config(configfile)
        is_for_next = configuration.is_for_next(config)
        for kind, name in configuration.NEXT.items():
            section = config[kind]
            if isinstance(section, dict):
                section["default"] = section.get(name if is_for_next else "default", {})
        return config

    module.load_config = load


# Modules, and what crosses the queue


def entry_points_without_setuptools(module: Any) -> None:
    """Collectors in entry points were found with pkg_resources, gone since setuptools 82."""

    def iter_entry_points(group: str) -> Iterable[metadata.EntryPoint]:
        if sys.version_info >= (3, 10):
            return metadata.entry_points(group=group)
        return metadata.entry_points().get(group, ())

    module.pkg_resources = SimpleNamespace(iter_entry_points=iter_entry_points)


def metrics_are_pickled_as_values(module: Any) -> None:
    """A metric crosses the queue as a row of values, in a quarter of a dict's time."""
    copyreg.pickle(module.Metric, _pickled)


def _pickled(metric: Any) -> tuple[Any, ...]:
    return _unpickled, (type(metric), *_METRIC_VALUES(metric))


def _unpickled(kind: Any, *values: Any) -> Any:
    # Not by a call of the class, which would check again what a collector may have changed since.
    metric = kind.__new__(kind)
    (
        metric.path,
        metric.value,
        metric.raw_value,
        metric.timestamp,
        metric.precision,
        metric.host,
        metric.metric_type,
        metric.ttl,
    ) = values
    return metric


def last_flush_may_be_too_late(module: Any) -> None:
    """QueueHandler flushes when it is deleted; at the end of a program its queue may be gone.

    An exception could go nowhere from there, but its traceback would be printed.
    """
    flush = module.QueueHandler.__del__

    def flush_if_possible(handler: Any) -> None:
        with suppress(EOFError, OSError):  # nobody is left who could be flushed
            flush(handler)

    module.QueueHandler.__del__ = flush_if_possible


FIXES: dict[str, tuple[Fix, ...]] = {
    "apcupsd": (packs_text,),
    "collectd_network": (names_in_packets_are_text,),
    "diamond.handler.graphitepickle": (pickles_that_carbon_reads,),
    "diamond.handler.queue": (last_flush_may_be_too_late,),
    "diamond.handler.rrdtool": (batch_is_a_number,),
    "diamond.handler.zmq_pubsub": (text_on_zeromq,),
    "diamond.metric": (metrics_are_pickled_as_values,),
    "diamond.utils.classes": (entry_points_without_setuptools,),
    "diamond.utils.config": (defaults_as_diamond_next_has_them,),
    "diamond.utils.log": (formatter_adds_the_place, logging_reads_diamonds_configuration),
    "gridengine": (output_is_text_already,),
    "mongodb": (checksums_of_text,),
}
