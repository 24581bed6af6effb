# coding=utf-8
"""Send MRI Stability reports to Graphite.

Every scanner writes a small text file, a Stability report, after each phantom scan. This
collector, a plugin of the Diamond metrics daemon, looks into the scanners' folders, publishes
every number of every report with the time of the scan, asks Graphite whether it has them all, and
only then moves the file into an archive folder beside it.

To install it, copy the `stability_*.py` into a folder of Diamond's `collectors_path`, and
`StabilityCollector.conf` into its `collectors_config_path`.

Python 2.7 and 3.9 or newer, standard library and Diamond only.
"""
import contextlib
import re
import signal
import subprocess
import time
from collections import deque

import diamond.collector
from diamond.error import DiamondException
from diamond.metric import Metric

import stability_settings
from stability_confirmation import Confirmation
from stability_report import points
from stability_share import Share
from stability_waiting import clock

# Diamond interrupts a run that takes too long, wherever it is, and grants it one second at
# least. We end by ourselves when less than this many seconds are left.
_MARGIN = 0.5
# A run in which nothing moves for so many seconds ends; the next one goes on.
_PATIENCE = 15
_NAP = 0.2

# Diamond's, where its configuration says nothing.
QUEUE_SIZE = 16384
# Of the places in Diamond's queue one in so many is spared by reports, and one in so many by what
# the collector says of itself, so that it can be heard though reports fill the queue.
_SPARED = 8
_SPARED_BY_ABOUT = 16

# What carbon takes as it is, and Graphite for itself.
_PLAIN_PATH = re.compile(r'[A-Za-z0-9_.:#@%+-]*\Z')


class StabilityCollector(diamond.collector.Collector):
    """Publishes the Stability reports in the folders of any number of scanners."""

    _accepted = None  # the configuration in force

    def collect(self):
        """Publishes what waits, oldest scan first, and archives what Graphite has.

        Goes round the scanners until nothing is left to do, the time that Diamond grants is up,
        or nothing moves any more.
        """
        for _ in self.rounds():
            pass

    def rounds(self):
        """What `collect` does, round by round: yields how many reports got further (int)."""
        patience = max(_PATIENCE, 2 * self.settings.confirm_seconds)
        for share in self._shares:
            share.is_listed = False
        last_step = clock()
        while True:
            steps = self._go_round()
            yield steps
            if steps:
                last_step = clock()
            elif not self._confirmation.is_awaited and clock() - last_step > patience:
                break
            if time_left() <= 0 or not any(share.is_busy for share in self._shares):
                break
            if not steps:
                time.sleep(max(0, min(_NAP, time_left())))
        self._publish_about()

    def _go_round(self):
        """Takes the reports of every scanner further; returns how many got further (int).

        When time is up, or Diamond interrupts it, the next round begins with the next scanner.
        """
        steps = 0
        for _ in range(len(self._shares)):
            if time_left() <= 0:
                return steps
            self._shares.rotate(-1)
            share = self._shares[-1]
            if share.is_busy or not share.is_listed:
                steps += self._advance(share)
        self._shares.rotate(-1)  # or the last would always find Diamond's queue full
        return steps

    def _advance(self, share):
        """Takes the reports of one scanner further; returns how many got further (int)."""
        steps = 0
        try:
            with share:
                steps += self._publish_new(share)
                steps += self._confirmation.confirm(share)
                steps += share.archive_stored()
                share.is_busy = share.is_busy or share.is_waiting_for_graphite()
        except EnvironmentError as error:
            share.lose_sight(error)
        return steps

    # -- publishing ------------------------------------------------------------------------

    def _publish_new(self, share):
        """Publishes the reports that are new, while there is room; returns how many (int)."""
        published = 0
        for waiting in share.unread():
            report = share.read(waiting)
            if report is None:
                continue
            metrics = self.metrics(share.scanner, report, waiting.epoch)
            free, size = self.queue_room()
            if len(metrics) > size:
                share.leave(waiting, 'has %d values, more than Diamond\'s queue takes, and stays: '
                            'raise metric_queue_size in diamond.conf' % len(metrics))
            elif len(metrics) > free:
                share.is_busy = True
                break
            else:
                if not share.is_to_be_held(waiting):
                    self.publish_all(metrics)
                share.publish(waiting, report, metrics)
                published += 1
        if published:
            self.flush()
        return published

    def metrics(self, scanner, report, epoch):
        """The numbers of a scanner's `report` as Diamond's Metrics (a list) at `epoch` (int), but
        for those that Diamond's whitelist and blacklist hold back.

        Raises KeyError for a coil that is not under [coils].
        """
        prefix = '%s.%s.' % (scanner.path, self.settings.coils[report.channels])
        precision = self.settings.precision
        return self.make_metrics(
            [('%s%s.%s.%d' % (prefix, point.section, point.column, point.slice), point.number,
              point.decimals if precision is None else precision) for point in points(report)],
            epoch)

    def make_metrics(self, values, epoch):
        """Metrics of those `values` (list of path, number and decimals) that are wanted."""
        path = self.get_metric_path('')
        host = self.get_hostname()
        ttl = float(self.config['interval']) * float(self.config['ttl_multiplier'])
        is_wanted = self._wish()
        return [Metric(path + name, number, None, epoch, decimals, host, 'GAUGE', ttl)
                for name, number, decimals in values if is_wanted(name)]

    def _wish(self):
        """Whether Diamond's whitelist and blacklist let a metric path through (a function).

        The published Diamond keeps one compiled regex in each; its later forks keep lists of
        them, and decide in a method of their own.
        """
        if hasattr(self, 'metric_allowed'):
            return self.metric_allowed
        if self.config.get('metrics_whitelist'):
            patterns = _as_list(self.config['metrics_whitelist'])
            return lambda name: _matches(patterns, name)
        if self.config.get('metrics_blacklist'):
            patterns = _as_list(self.config['metrics_blacklist'])
            return lambda name: not _matches(patterns, name)
        return lambda name: True

    def queue_room(self, spared=_SPARED):
        """How many metrics Diamond's queue takes now, and when it is empty, but for one in
        `spared` (int).
        """
        free = size = float('inf')
        for handler in self.handlers:
            if hasattr(handler, 'queue'):
                most = int(handler.config.get('server', {}).get('metric_queue_size', QUEUE_SIZE))
                if most > 0:  # else it has no bound
                    most = queue_places(most, spared)
                    size = min(size, most)
                    with _queue_is_alive():
                        free = min(free, most - handler.queue.qsize())
        return free, size

    def publish_all(self, metrics):
        """Hands Metrics to Diamond's handlers. Raises DiamondException when its queue has gone."""
        with _queue_is_alive():
            for metric in metrics:
                self.publish_metric(metric)

    def flush(self):
        """Has the handlers send what they have. Raises DiamondException, as above."""
        with _queue_is_alive():
            for handler in self.handlers:
                handler._flush()

    # -- about itself ----------------------------------------------------------------------

    def _publish_about(self):
        """How the reports of each scanner fare, as metrics beside its coils.

        Those for which there is no time, or no room in Diamond's queue, are first in the next run.
        """
        room = self.queue_room(_SPARED_BY_ABOUT)[0]
        for _ in range(len(self._untold)):
            share = self._untold[0]
            metrics = self.make_metrics(
                [('%s.ingest.%s' % (share.scanner.path, name), number, 0)
                 for name, number in sorted(share.about().items())], int(time.time()))
            room -= len(metrics)
            # A run ends _MARGIN early, and half of that is for this.
            if room < 0 or time_left() < -_MARGIN / 2:
                break
            self.publish_all(metrics)
            self._untold.rotate(-1)

    def left_alone(self):
        """What a run has left for a later one without a line in the log: a sentence for each
        scanner that has such reports (list of str). `diamond3 --run` says it.
        """
        counts = [(share.scanner.folder, share.left_alone()) for share in self._shares]
        return ['%r: reports left alone for now: %d not yet seen unchanged for settle_seconds, '
                '%d incomplete' % (folder, young, incomplete)
                for folder, (young, incomplete) in counts if young + incomplete]

    # -- configuration ---------------------------------------------------------------------

    def get_default_config_help(self):
        """The keys of the configuration, each with a sentence (dict of str)."""
        config_help = super(StabilityCollector, self).get_default_config_help()
        config_help.update((key, told) for key, (_, told) in stability_settings.KEYS.items())
        return config_help

    def get_default_config(self):
        """The configuration of which the administrator has said nothing (dict)."""
        config = super(StabilityCollector, self).get_default_config()
        config.update((key, default) for key, (default, _) in stability_settings.KEYS.items())
        config['interval'] = 60
        return config

    def load_config(self, *args, **options):
        """Diamond's own; but a configuration that is refused while another is in force changes
        nothing, and is told.
        """
        accepted = self._accepted
        try:
            super(StabilityCollector, self).load_config(*args, **options)
        # configobj raises a SyntaxError for what is no configuration, Diamond a NotImplementedError
        # for what is neither True nor False.
        except (DiamondException, EnvironmentError, NotImplementedError, SyntaxError) as error:
            if accepted is None:
                raise DiamondException(str(error))
            self.config = accepted
            self.log.error('StabilityCollector: the new configuration is refused and the old one '
                           'goes on: %s', error)
        self._accepted = self.config

    def process_config(self):
        """Reads and checks the configuration; Diamond calls it after every load and reload.

        Raises DiamondException naming the key, the value and what is allowed.
        """
        try:
            settings = stability_settings.read(self.config, self.get_default_config())
        except stability_settings.SettingsError as error:
            raise DiamondException('StabilityCollector: %s' % error)
        super(StabilityCollector, self).process_config()
        try:
            path = self.get_metric_path('')
        except (DiamondException, EnvironmentError, NotImplementedError,
                subprocess.CalledProcessError) as error:
            raise DiamondException(
                "StabilityCollector: hostname_method = %r: expected a method of Diamond's, like "
                'smart (%s), or a hostname' % (self.config.get('hostname_method'), error))
        if not _PLAIN_PATH.match(path):
            raise DiamondException(
                'StabilityCollector: metric paths would begin with %r: expected path_prefix, '
                'hostname, path and path_suffix of letters, digits and -_.:' % path)
        self.settings = settings
        shares = [Share(scanner, self.settings, self.log, lambda: time_left())
                  for scanner in self.settings.scanners]
        self._shares = deque(shares)
        self._untold = deque(shares)
        self._confirmation = Confirmation(self, lambda: time_left())
        if not self.config['enabled']:
            return
        if not self.settings.scanners:
            self.log.warning('StabilityCollector: no scanner is configured: add lines like '
                             '"Harvard/Northwest/Bay1 = /mnt/scanner/bay1" under [scanners]')
        if not self.settings.graphite:
            self.log.warning('StabilityCollector: delivery is not confirmed: set graphite_url, and '
                             'a report is archived only once Graphite has it')


def queue_places(size, spared=_SPARED):
    """How many metrics of ours a queue of Diamond's takes: `metric_queue_size` (int, 1 or more).

    What does not fit it drops. Other collectors use it too, so that one place in `spared` (int) is
    left to them; and a flush takes a place.
    """
    return size - size // spared - 1


@contextlib.contextmanager
def _queue_is_alive():
    """Tells an error of Diamond's queue, another process's, from one of a share."""
    try:
        yield
    except (EnvironmentError, EOFError) as error:
        raise DiamondException("StabilityCollector: Diamond's queue has gone (%s): restart Diamond"
                               % error)


def _as_list(patterns):
    return patterns if isinstance(patterns, (list, tuple)) else [patterns]


def _matches(patterns, name):
    return any(pattern.match(name) for pattern in patterns)


def time_left():
    """Seconds until this run should end (float); infinite when Diamond does not time it."""
    left = signal.getitimer(signal.ITIMER_REAL)[0]
    return left - _MARGIN if left else float('inf')
