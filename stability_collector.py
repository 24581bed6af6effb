# coding=utf-8
"""Send MRI Stability reports to Graphite.

Every scanner writes a small text file, a Stability report, after each phantom scan. This
collector, a plugin of the Diamond metrics daemon, looks into the scanners' folders, publishes
every number of every report with the time of the scan, asks Graphite whether it has them all, and
only then moves the file into an archive folder beside it.

To install it, copy `stability_collector.py`, `stability_graphite.py` and `stability_report.py` into
a folder of Diamond's `collectors_path`, and `StabilityCollector.conf` into its
`collectors_config_path`.

Python 2.7 and 3.9 or newer, standard library and Diamond only.
"""
import contextlib
import datetime
import errno
import grp
import os
import re
import signal
import stat
import time
from collections import deque, namedtuple

import diamond.collector
from diamond.error import DiamondException
from diamond.metric import Metric

import stability_report
from stability_graphite import Graphite, GraphiteAway, GraphiteError

# Diamond interrupts a run that takes too long, wherever it is, and grants it one second at
# least. We end by ourselves when less than this many seconds are left.
_MARGIN = 0.5
# A run in which nothing moves for so many seconds ends; the next one goes on.
_PATIENCE = 15
_NAP = 0.2

# Graphite is asked so many seconds after a report was published, then after twice as many, and
# so on up to the longest pause. Until it is late, an incomplete answer is nothing unusual.
_FIRST_PAUSE = 0.5
_LATE = 8
_LONGEST_PAUSE = 600
_HTTP_TIMEOUT = 10

# So many reports of a scanner may be published and not yet archived. Graphite is asked about so
# many at once, if their scans are not farther apart than this many seconds.
_WINDOW = 500
_BATCH = 50
_BATCH_SECONDS = 30 * 86400
_DAY = 86400

# The metric paths of a coil of 16 slices take 60 kB: those of so many are remembered at most.
_COILS_REMEMBERED = 100

# A report that has been incomplete for so many seconds is not being written any more.
_WRITING = 3600

# A report of 64 slices is 15 kB.
_CHUNK = 32 * 1024

# Diamond's, where its configuration says nothing.
QUEUE_SIZE = 16384
# Of the places in Diamond's queue one in so many is spared by reports, and one in so many by what
# the collector says of itself, so that it can be heard though reports fill the queue.
_SPARED = 8
_SPARED_BY_ABOUT = 16

_clock = getattr(time, 'monotonic', time.time)

# location: str as configured; path: str, its part of the metric path; folder: str.
Scanner = namedtuple('Scanner', 'location path folder')

# ingest_dir, reject_dir: str; settle_seconds, confirm_seconds: float; timezone: str; precision,
# archive_mode, archive_group: int or None; graphite: Graphite or None; scanners: list of Scanner;
# coils: dict from receive channels (int) to coil name (str).
Settings = namedtuple('Settings', 'ingest_dir reject_dir settle_seconds confirm_seconds timezone '
                                  'precision archive_mode archive_group graphite scanners coils')


class StabilityCollector(diamond.collector.Collector):
    """Publishes the Stability reports in the folders of any number of scanners."""

    def get_default_config_help(self):
        """The keys of the configuration, each with a sentence (dict of str)."""
        config_help = super(StabilityCollector, self).get_default_config_help()
        config_help.update({
            'ingest_dir': "Archive: the subfolder of each scanner's folder that a report is "
                          'moved into once Graphite has it',
            'reject_dir': "The subfolder of each scanner's folder that a malformed report is "
                          'moved into, with a note saying why',
            'settle_seconds': 'Leave a file alone until it has not changed for this many seconds',
            'timezone': "Time zone of the scanners' clocks, like America/New_York; empty: this "
                        "machine's",
            'precision': 'Decimals to send, from 0 to 15; empty: as many as the report has',
            'graphite_url': 'Address of graphite-web, like http://127.0.0.1:8080, user:password@ '
                            'before the host where needed; empty: reports are archived '
                            'unconfirmed',
            'graphite_token_file': 'File with a bearer token for graphite_url; empty: none',
            'confirm_seconds': 'Archive a report when Graphite has shown it for this many '
                               'seconds: carbon keeps points in memory for a while',
            'archive_mode': 'Octal mode that archived reports get, like 0640; empty: unchanged',
            'archive_group': 'Group that archived reports get; empty: unchanged',
            'scanners': 'Section: one line a scanner, <location> = <absolute path of its folder>; '
                        'the slashes of the location become the dots of the metric path',
            'coils': 'Section: one line a coil, <receive channels> = <name in the metric path>',
        })
        return config_help

    def get_default_config(self):
        """The configuration of which the administrator has said nothing (dict)."""
        config = super(StabilityCollector, self).get_default_config()
        config.update({
            'interval': 60,
            'ingest_dir': 'Ingested',
            'reject_dir': 'Rejected',
            'settle_seconds': 5,
            'timezone': '',
            'precision': '',
            'graphite_url': '',
            'graphite_token_file': '',
            'confirm_seconds': 10,
            'archive_mode': '',
            'archive_group': '',
            'scanners': {},
            'coils': {},
        })
        return config

    def process_config(self):
        """Reads and checks the configuration; Diamond calls it after every load and reload.

        Raises DiamondException naming the key, the value and what is allowed.
        """
        super(StabilityCollector, self).process_config()
        self.settings = _settings(self.config)
        shares = [_Share(scanner, self.log) for scanner in self.settings.scanners]
        self._shares = deque(shares)
        self._untold = deque(shares)
        self._paths = {}
        self._graphite_pause = _LATE
        self._ask_graphite_at = _clock()
        if not self.config['enabled']:
            return
        if not self.settings.scanners:
            self.log.warning('StabilityCollector: no scanner is configured: add lines like '
                             '"Harvard/Northwest/Bay1 = /mnt/scanner/bay1" under [scanners]')
        if not self.settings.graphite:
            self.log.warning('StabilityCollector: delivery is not confirmed: set graphite_url, and '
                             'a report is archived only once Graphite has it')

    # -- one run ---------------------------------------------------------------------------

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
        last_step = _clock()
        while True:
            steps = self._go_round()
            yield steps
            if steps:
                last_step = _clock()
            elif _clock() - last_step > patience:
                break
            if _time_left() <= 0 or not any(share.is_busy for share in self._shares):
                break
            if not steps:
                time.sleep(max(0, min(_NAP, _time_left())))
        self._publish_about()

    def _go_round(self):
        """Takes the reports of every scanner further; returns how many got further (int).

        When time is up, or Diamond interrupts it, the next round begins with the next scanner.
        """
        steps = 0
        for _ in range(len(self._shares)):
            if _time_left() <= 0:
                return steps
            self._shares.rotate(-1)
            share = self._shares[-1]
            if share.is_busy or not share.is_listed:
                steps += self._advance(share)
        self._shares.rotate(-1)  # or the last would always find Diamond's queue full
        return steps

    def _advance(self, share):
        """Takes the reports of one scanner further; returns how many got further (int)."""
        try:
            with Folder(share.scanner.folder) as folder:
                share.is_busy = False
                if share.is_listed:
                    share.drop_gone()
                else:
                    share.look_into(folder, self.settings.ingest_dir)
                return self._take(share, folder) + self._confirm(share, folder)
        except EnvironmentError as error:
            share.lose_sight('cannot be used: %s; is the share mounted, and may Diamond read it?'
                             % error.strerror)
            return 0

    # -- reading and publishing ------------------------------------------------------------

    def _take(self, share, folder):
        """Publishes the reports that are new, while there is room; returns how many (int)."""
        published = 0
        under_way = share.under_way()
        for name in share.names:
            if _time_left() <= 0 or len(under_way) >= _WINDOW:
                share.is_busy = True
                break
            if name in share.flights:
                continue
            status = folder.status(name)
            if status is None:  # another daemon was quicker
                share.remove(name)
                continue
            file = share.file(name, status)
            if not file.is_to_be_read(self.settings.settle_seconds):
                continue
            if file.scan in under_way:
                share.is_busy = True
                continue
            report = self._read(share, folder, name)
            if report is None:
                continue
            epoch = stability_report.timestamp(report.time, self.settings.timezone)
            if is_of_the_future(epoch):  # whisper would put it in the place of an older point
                share.tell(name, 'is of the future and stays: is the scanner\'s clock right?')
                continue
            scan = report.channels, epoch // _DAY
            if scan in under_way:
                file.scan = scan
                share.is_busy = True
                continue
            metrics = self.metrics(share.scanner, report, epoch)
            free, size = self._queue_room()
            if len(metrics) > size:
                share.leave(name, 'has %d values, more than Diamond\'s queue takes, and stays: '
                            'raise metric_queue_size in diamond.conf' % len(metrics))
            elif len(metrics) > free:
                share.is_busy = True
                break
            else:
                self._publish(metrics)
                share.take_off(name, report, epoch, metrics)
                under_way.add(scan)
                published += 1
        if published:
            self._flush()
        return published

    def _read(self, share, folder, name):
        """The Report in the file `name`, or None when it is none that can be published."""
        try:
            data, status = folder.read(name)
            file = share.file(name, status)
            report = stability_report.parse_bytes(data, name)
        except EnvironmentError as error:
            if error.errno == errno.ENOENT:  # another daemon was quicker
                share.remove(name)
            else:
                share.tell(name, 'cannot be read and stays: %s' % error.strerror)
        except stability_report.IncompleteReport as error:
            if file.age() > _WRITING:
                self._reject(share, folder, name, error)
            else:
                file.is_incomplete = True
        except stability_report.ReportError as error:
            self._reject(share, folder, name, error)
        else:
            if report.channels in self.settings.coils:
                return report
            share.leave(name, 'comes from a coil of %d channels and stays: add a line like '
                        '"%d = %d" under [coils]' % ((report.channels,) * 3))
        return None

    def _reject(self, share, folder, name, error):
        try:
            rejected = folder.reject(name, share.file_signature(name), self.settings.reject_dir,
                                     '%s\n' % error)
        except EnvironmentError as trouble:
            share.tell(name, 'is no good report and stays, because it cannot be moved into %r '
                        '(%s): %s' % (self.settings.reject_dir, trouble.strerror, error))
        else:
            if rejected is None:  # another daemon was quicker, or somebody changed it
                share.remove(name)
                return
            share.rejected += 1
            share.remove(name)
            self.log.error('%r is no good report and is now %r: %s',
                           share.path(name), share.path(rejected), error)

    def metrics(self, scanner, report, epoch):
        """The numbers of a scanner's `report` as Diamond's Metrics (a list) at `epoch` (int), but
        for those that Diamond's whitelist and blacklist hold back.

        Raises KeyError for a coil that is not under [coils].
        """
        numbers, decimals = stability_report.cells(report)
        return self._make_metrics(self._paths_of(scanner, report), numbers, decimals, epoch)

    def _paths_of(self, scanner, report):
        """The metric paths of the report's cells; None for those that nobody wants.

        They are made once for reports alike, which those of a coil are in a backlog.
        """
        prefix = '%s.%s.' % (scanner.path, self.settings.coils[report.channels])
        layout, paths = self._paths.get(prefix, (None, None))
        if layout != stability_report.layout(report):
            if len(self._paths) >= _COILS_REMEMBERED:
                self._paths = {}
            paths = self._wanted_paths(prefix, stability_report.cell_names(report))
            self._paths[prefix] = stability_report.layout(report), paths
        return paths

    def _wanted_paths(self, prefix, names):
        """The metric paths of `names` (list of str), None where Diamond's whitelist or blacklist
        does not let them through.

        The published Diamond keeps one compiled regex in each; its later forks keep lists of
        them, and decide in a method of their own.
        """
        names = [prefix + name for name in names]
        if hasattr(self, 'metric_allowed'):
            wanted = [self.metric_allowed(name) for name in names]
        elif self.config.get('metrics_whitelist'):
            patterns = _as_list(self.config['metrics_whitelist'])
            wanted = [_matches(patterns, name) for name in names]
        elif self.config.get('metrics_blacklist'):
            patterns = _as_list(self.config['metrics_blacklist'])
            wanted = [not _matches(patterns, name) for name in names]
        else:
            wanted = [True] * len(names)
        path = self.get_metric_path('')
        return [path + name if is_wanted else None for name, is_wanted in zip(names, wanted)]

    def _make_metrics(self, paths, numbers, decimals, epoch):
        """Metrics of as many paths, numbers and decimals, but for those without a path or a
        number.
        """
        if self.settings.precision is not None:
            decimals = [self.settings.precision] * len(numbers)
        host = self.get_hostname()
        ttl = float(self.config['interval']) * float(self.config['ttl_multiplier'])
        return [Metric(path, number, None, epoch, places, host, 'GAUGE', ttl)
                for path, number, places in zip(paths, numbers, decimals)
                if path and number is not None]

    def _queue_room(self, spared=_SPARED):
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

    def _publish(self, metrics):
        with _queue_is_alive():
            for metric in metrics:
                self.publish_metric(metric)

    def _flush(self):
        with _queue_is_alive():
            for handler in self.handlers:
                handler._flush()

    # -- confirming and archiving ----------------------------------------------------------

    def _confirm(self, share, folder):
        """Archives what Graphite has, if it is time to ask; returns how many got further (int)."""
        steps = 0
        for name in share.due():
            if self.settings.graphite is None or share.flights[name].last is None:
                steps += self._archive(share, folder, name)
        is_time = self.settings.graphite is not None and _clock() >= self._ask_graphite_at
        for names in share.batches() if is_time else []:
            if _time_left() <= 0:
                break
            try:
                steps += self._confirm_batch(share, folder, names)
            except GraphiteAway as error:
                self._wait_for_graphite(share, error)
                break
            except GraphiteError as error:  # it may know what to say of other coils
                self._put_off(share, names, error)
            self._graphite_pause = _LATE
        share.is_busy = share.is_busy or any(
            not flight.is_stuck for flight in share.flights.values())
        return steps

    def _confirm_batch(self, share, folder, names):
        """Asks Graphite about reports of one coil; returns how many got further (int).

        What was published last arrives last, so that is all that is asked for first. When it has
        been there for a while, or is late, all points are asked for.
        """
        first = share.flights[names[0]]
        if not first.is_to_be_counted():
            found = self._ask(share, names, first.last.path)
            return sum(flight.arrive(self.settings.confirm_seconds)
                       if _is_stored(flight.last, found[flight.epoch]) else flight.wait()
                       for flight in (share.flights[name] for name in names))
        coil = self.settings.coils[first.channels]
        found = self._ask(share, names, self.get_metric_path(
            '%s.%s.*.*.*' % (share.scanner.path, coil)))
        steps = 0
        late = []
        for name in names:
            flight = share.flights[name]
            metrics = self._read_again(share, folder, name)
            if metrics is None:
                continue
            missing = [metric for metric in metrics
                       if not _is_stored(metric, found[flight.epoch])]
            if missing:
                flight.wait(len(missing))
                late.append((name, missing))
            elif flight.has_arrived:
                steps += self._archive(share, folder, name)
            else:
                steps += flight.arrive(self.settings.confirm_seconds)
        if late:
            self._publish_again(share, late)
        return steps

    def _ask(self, share, names, pattern):
        """{epoch: {metric path: float}}, what Graphite has of series in the slots of reports."""
        # Should this take longer than the run may, Diamond interrupts it and grants more next time.
        return self.settings.graphite.points(
            pattern, [share.flights[name].epoch for name in names], _HTTP_TIMEOUT)

    def _read_again(self, share, folder, name):
        """The Metrics of a report that was published before; None when the file has changed."""
        flight = share.flights[name]
        try:
            data, status = folder.read(name)
            report = stability_report.parse_bytes(data, name)
        except (EnvironmentError, stability_report.ReportError):
            report = None  # the next look into the folder tells what has happened
        if (report is None or _signature(status) != flight.signature
                or report.channels != flight.channels):
            share.remove(name)
            return None
        return self.metrics(share.scanner, report, flight.epoch)

    def _publish_again(self, share, late):
        """Publishes what Graphite lacks once more: `late` is a list of names and their Metrics."""
        lacking = sum(len(missing) for _, missing in late)
        total = sum(share.flights[name].count for name, _ in late)
        name, missing = late[0]
        flight = share.flights[name]
        self.log.error(
            '%r%s: %d of %d points are in Graphite %d s after they were published, %s not; what '
            'is missing is published again; %s', share.path(name),
            ' and %d more reports' % (len(late) - 1) if len(late) > 1 else '', total - lacking,
            total, flight.seconds(), missing[0].path,
            _likely_cause(lacking, total, flight.epoch))
        for _, missing in late:
            if len(missing) > self._queue_room()[0]:
                break  # another time
            self._publish(missing)
        self._flush()

    def _put_off(self, share, names, error):
        for name in names:
            share.flights[name].be_late()
        self._tell_of_waiting(share, len(names), share.flights[names[0]].due - _clock(), error)

    def _tell_of_waiting(self, share, count, seconds, error):
        self.log.error('%r: %d reports are published and stay until Graphite shows them: start '
                       'the graphite-web of graphite_url, or put graphite_url right; it is asked '
                       'again in %d s: %s', share.scanner.folder, count, seconds, error)

    def _wait_for_graphite(self, share, error):
        self._tell_of_waiting(share, len(share.flights), self._graphite_pause, error)
        self._ask_graphite_at = _clock() + self._graphite_pause
        self._graphite_pause = min(2 * self._graphite_pause, _LONGEST_PAUSE)

    def _archive(self, share, folder, name):
        """Moves a report into the archive; returns 1, or 0 when it cannot be moved."""
        flight = share.flights[name]
        try:
            archived = share.archive(folder, name, self.settings.ingest_dir)
        except EnvironmentError as error:
            share.tell(name, 'is published but cannot be moved into %r, and stays: %s'
                       % (self.settings.ingest_dir, error.strerror))
            flight.is_stuck = True
            flight.wait()
            return 0
        if archived is None:  # another daemon was quicker, or somebody changed it
            share.remove(name)
            return 0
        share.ingested += 1
        share.remove(name)
        self.log.info('%r: %d points %s, %d without a number; now %r', share.path(name),
                      flight.count, 'stored' if self.settings.graphite else 'published',
                      flight.without_number, share.path(archived))
        if (self.settings.archive_mode, self.settings.archive_group) != (None, None):
            self._give_access(share, folder, archived, flight.signature)
        return 1

    def _give_access(self, share, folder, archived, signature):
        """Sets mode and group of an archived report, for staff who must read it."""
        try:
            folder.give_access(archived, signature, self.settings.archive_mode,
                               self.settings.archive_group)
        except EnvironmentError as error:
            self.log.error('%r is archived, but archive_mode and archive_group could not be set: '
                           '%s', share.path(archived), error.strerror)

    # -- about itself ----------------------------------------------------------------------

    def _publish_about(self):
        """How the reports of each scanner fare, as metrics beside its coils.

        Those for which there is no time, or no room in Diamond's queue, are first in the next run.
        """
        room = self._queue_room(_SPARED_BY_ABOUT)[0]
        for _ in range(len(self._untold)):
            metrics = self._about(self._untold[0])
            room -= len(metrics)
            # A run ends _MARGIN early, and half of that is for this.
            if room < 0 or _time_left() < -_MARGIN / 2:
                break
            self._publish(metrics)
            self._untold.rotate(-1)

    def _about(self, share):
        """How the reports of one scanner fare, as Metrics (a list)."""
        numbers = share.about(self.settings.timezone)
        names = sorted(numbers)
        paths = self._wanted_paths('%s.ingest.' % share.scanner.path, names)
        return self._make_metrics(paths, [numbers[name] for name in names], [0] * len(names),
                                  int(time.time()))


# -- what is known of the reports ----------------------------------------------------------


class _File(object):
    """A file that waits in a scanner's folder, as it is since its last change.

    scan: the channels and day of a report that waits for another, so that it is not read again
    meanwhile; None of others.
    """

    def __init__(self, status):
        self.signature = _signature(status)
        self.is_left = False
        self.is_incomplete = False
        self.scan = None
        self.told = None
        self._changed = status.st_mtime
        self._since = _clock()

    def is_to_be_read(self, settle_seconds):
        if self.is_left or (self.is_incomplete and self.age() <= _WRITING):
            return False
        return self.age() >= settle_seconds

    def age(self):
        """Seconds since the last change; the share's clock may be ahead of ours."""
        return max(time.time() - self._changed, _clock() - self._since)


class _Flight(object):
    """A report that is published and not yet archived.

    last: the Metric that was published last, None if there was none; count: int, how many were;
    has_arrived: whether Graphite has shown the last, and maybe all; is_stuck: whether it cannot be
    archived though Graphite has it; due: when to see after it.
    """

    def __init__(self, signature, report, epoch, metrics):
        self.signature = signature
        self.channels = report.channels
        self.without_number = report.without_number
        self.epoch = epoch
        self.count = len(metrics)
        self.last = metrics[-1] if metrics else None
        self.has_arrived = False
        self.is_stuck = False
        self.due = self._published = _clock()
        self._pause = _FIRST_PAUSE
        self._lacking = float('inf')

    def wait(self, lacking=float('inf')):
        """Puts the report off, longer each time but when fewer points are `lacking` than before;
        returns 0, as no step was made.
        """
        self.has_arrived = False
        if lacking < self._lacking:
            self._pause = min(self._pause, _LATE)
        self._lacking = lacking
        self.due = _clock() + self._pause
        self._pause = min(2 * self._pause, _LONGEST_PAUSE)
        return 0

    def be_late(self):
        """Puts the report off for long enough to be told of."""
        self._pause = max(self._pause, _LATE)
        self.wait()

    def arrive(self, confirm_seconds):
        """Notes that Graphite shows the report; returns 1, a step."""
        self.has_arrived = True
        self.due = _clock() + confirm_seconds
        return 1

    def is_late(self):
        return self._pause >= _LATE

    def is_to_be_counted(self):
        """Whether it is time to ask for all points."""
        return self.has_arrived or self.is_late()

    def seconds(self):
        """How long ago it was published."""
        return _clock() - self._published


class _Share(object):
    """A scanner's folder from poll to poll: what waits in it, and what was done.

    names: list of str, the reports that wait, oldest scan first; flights: dict from name to
    _Flight; is_busy: whether there is something to do that could not be done yet; is_listed:
    whether the folder was listed in this run; ingested, rejected: int, reports since Diamond
    (re)loaded the configuration.
    """

    def __init__(self, scanner, log):
        self.scanner = scanner
        self.names = []
        self.flights = {}
        self.is_busy = False
        self.is_listed = False
        self.ingested = 0
        self.rejected = 0
        self._log = log
        self._files = {}
        self._gone = set()
        self._told = None
        self._newest = ''
        self._archive = None
        self._is_in_sight = False

    def path(self, name):
        return os.path.join(self.scanner.folder, name)

    def look_into(self, folder, ingest_dir):
        """Lists the reports that wait, and forgets what has gone."""
        self.names = report_names(folder.names())
        archive = folder.signature(ingest_dir)
        if archive != self._archive:  # another daemon archives too
            archived = report_names(folder.names_in(ingest_dir))
            self._newest = max(_newest_past(archived), self._newest, key=_digits)
            self._archive = archive
        for name in set(self._files).difference(self.names):
            self.forget(name)
        self._gone = set()
        self._told = None
        self._is_in_sight = True
        self.is_listed = True

    def drop_gone(self):
        """Takes what was moved away from `names`; listing the folder again would take longer."""
        if self._gone:
            self.names = [name for name in self.names if name not in self._gone]
            self._gone = set()

    def file(self, name, status):
        """The _File `name` with that status: a new one when it has changed."""
        file = self._files.get(name)
        if file is None or file.signature != _signature(status):
            file = self._files[name] = _File(status)
        return file

    def take_off(self, name, report, epoch, metrics):
        self.flights[name] = _Flight(self._files[name].signature, report, epoch, metrics)

    def archive(self, folder, name, ingest_dir):
        """Moves a published report into the archive, which is not listed again for it; returns what
        `Folder.archive` does.
        """
        was_seen = folder.signature(ingest_dir) == self._archive
        archived = folder.archive(name, self.flights[name].signature, ingest_dir)
        if was_seen:
            self._archive = folder.signature(ingest_dir)
        return archived

    def under_way(self):
        """Channels and day of the scans that are published, and that others have to wait for.

        Two of one coil and day may share a slot: one would take the other's points for its own,
        published wrongly, and put it right. A late one is not waited for, as it may never arrive.
        """
        return {(flight.channels, flight.epoch // _DAY)
                for flight in self.flights.values() if not flight.is_late()}

    def file_signature(self, name):
        return self._files[name].signature

    def due(self):
        """The names of the reports that it is time to see after, oldest scan first."""
        now = _clock()
        return [name for name in self.names
                if name in self.flights and self.flights[name].due <= now]

    def batches(self):
        """`due` in lists that Graphite can be asked about at once, of scans of one coil each."""
        def question(name):
            flight = self.flights[name]
            return flight.channels, flight.is_to_be_counted(), flight.last.path

        batches = []
        for name in sorted((name for name in self.due() if self.flights[name].last), key=question):
            first = batches[-1][0] if batches else None
            if (first is None or len(batches[-1]) == _BATCH or question(first) != question(name)
                    or self.flights[name].epoch - self.flights[first].epoch > _BATCH_SECONDS):
                batches.append([])
            batches[-1].append(name)
        return batches

    def forget(self, name):
        """What is known of `name` is no longer so."""
        self._files.pop(name, None)
        self.flights.pop(name, None)

    def remove(self, name):
        """`name` was moved away, or is another file now, which the next look tells."""
        self.forget(name)
        self._gone.add(name)
        if _is_past(name):
            self._newest = max(name, self._newest, key=_digits)

    def leave(self, name, message):
        """Says why the file stays; it is not looked at again until it changes."""
        self._files[name].is_left = True
        self.tell(name, message)

    def tell(self, name, message):
        """Logs what is wrong with the file `name`, but not the same again on every poll."""
        if self._files[name].told != message:
            self._files[name].told = message
            self._log.error('%r %s', self.path(name), message)

    def lose_sight(self, message):
        """The folder cannot be used; `message` says why, once."""
        self.names = []
        self.is_busy = False
        self.is_listed = False
        self._is_in_sight = False
        if self._told != message:
            self._told = message
            self._log.error('%r %s', self.scanner.folder, message)

    def about(self, timezone):
        """How the scanner's reports fare: {metric name: int}; nothing if that is not known."""
        if not self._is_in_sight:
            return {}
        waiting = [name for name in self.names if name not in self._gone]
        now = time.time()
        numbers = {'ingested': self.ingested, 'rejected': self.rejected,
                   'waiting': len(waiting), 'unconfirmed': len(self.flights),
                   'oldest_waiting_seconds': 0}
        if waiting:
            numbers['oldest_waiting_seconds'] = int(now - _epoch(waiting[0], timezone))
        newest = max(_newest_past(waiting), self._newest, key=_digits)
        if newest:
            numbers['seconds_since_last_scan'] = int(now - _epoch(newest, timezone))
        return numbers


# -- configuration -------------------------------------------------------------------------


def _settings(config):
    """The checked Settings in Diamond's `config`. Raises DiamondException."""
    return Settings(
        ingest_dir=_folder_name(config, 'ingest_dir'),
        reject_dir=_folder_name(config, 'reject_dir'),
        settle_seconds=_seconds(config, 'settle_seconds'),
        confirm_seconds=_seconds(config, 'confirm_seconds'),
        timezone=_timezone(config, 'timezone'),
        precision=_precision(config, 'precision'),
        archive_mode=_mode(config, 'archive_mode'),
        archive_group=_group(config, 'archive_group'),
        graphite=_graphite(config, 'graphite_url', 'graphite_token_file'),
        scanners=_scanners(_section(config, 'scanners')),
        coils=_coils(_section(config, 'coils')))


def _wrong(key, value, allowed):
    return DiamondException(
        'StabilityCollector: %s = %r: expected %s' % (key, value, allowed))


def _text(config, key):
    value = config[key]
    if isinstance(value, (list, tuple, dict)):
        raise _wrong(key, value, 'one value (put quotes around one with a comma)')
    return str(value).strip()


def _folder_name(config, key):
    value = _text(config, key)
    if value in ('', '.', '..') or '/' in value or '\0' in value:
        raise _wrong(key, value, "the name of a subfolder of the scanner's folder, like Ingested")
    return value


def _seconds(config, key):
    value = _text(config, key)
    if not re.match(r'[0-9]+(\.[0-9]+)?\Z', value):
        raise _wrong(key, value, 'seconds, 0 or more')
    return float(value)


def _timezone(config, key):
    value = _text(config, key)
    try:
        stability_report.timestamp(datetime.datetime(2018, 9, 10), value)
    except ValueError:
        raise _wrong(key, value, 'a name like America/New_York that this machine knows, or nothing')
    return value


def _precision(config, key):
    value = _text(config, key)
    if not value:
        return None
    if not re.match(r'[0-9]{1,2}\Z', value) or int(value) > 15:
        raise _wrong(key, value, 'decimals from 0 to 15, or nothing')
    return int(value)


def _mode(config, key):
    value = _text(config, key)
    if not value:
        return None
    if not re.match(r'0?[0-7]{3}\Z', value):
        raise _wrong(key, value, 'an octal mode like 0640, or nothing')
    return int(value, 8)


def _group(config, key):
    value = _text(config, key)
    if not value:
        return None
    try:
        return grp.getgrnam(value).gr_gid
    except KeyError:
        raise _wrong(key, value, 'the name of a group of this machine, or nothing')


def _graphite(config, url_key, token_key):
    url = _text(config, url_key)
    token_file = _text(config, token_key)
    if not url:
        return None
    token = _token(token_key, token_file) if token_file else None
    try:
        return Graphite(url, token)
    except ValueError as error:
        # There may be a password in it.
        raise DiamondException('StabilityCollector: %s: %s, or nothing' % (url_key, error))


def _token(key, path):
    try:
        with open(path) as stream:
            token = stream.read(65536).strip()
    except EnvironmentError as error:
        raise _wrong(key, path, 'a file that Diamond may read (%s)' % error.strerror)
    if not re.match(r'[!-~]+\Z', token):
        raise _wrong(key, path, 'a file with one line, the token')
    return token


def _section(config, key):
    if not isinstance(config[key], dict):
        raise _wrong(key, config[key], 'a section [%s] with a line for each' % key)
    return config[key]


def _scanners(section):
    scanners = []
    by_path = {}
    by_folder = {}
    for location in section:
        key = '[scanners] %s' % location
        folder = _text(section, location)
        try:
            path = stability_report.location_path(location)
        except ValueError:
            raise _wrong(key, folder, 'a location of names between slashes, '
                         'like Harvard/Northwest/Bay1')
        if not os.path.isabs(folder) or '\0' in folder:
            raise _wrong(key, folder, 'the absolute path of a folder')
        folder = os.path.normpath(folder)
        if path in by_path:
            raise _wrong(key, folder, 'a metric path of its own, not the one of %r'
                         % by_path[path])
        if folder in by_folder:
            raise _wrong(key, folder, 'a folder of its own, not the one of %r'
                         % by_folder[folder])
        scanners.append(Scanner(location, path, folder))
        by_path[path] = by_folder[folder] = location
    return scanners


def _coils(section):
    coils = {}
    for channels in section:
        key = '[coils] %s' % channels
        name = _text(section, channels)
        if not re.match(r'[1-9][0-9]*\Z', str(channels)):
            raise _wrong(key, name, 'a number of receive channels before the "="')
        if not name:
            raise _wrong(key, name, 'the name of the coil in the metric path')
        coils[int(channels)] = stability_report.metric_name(name)
    return coils


# -- files ---------------------------------------------------------------------------------


class Folder(object):
    """A folder that anybody at the scanner's console can write to; a context manager.

    Its names are looked up in the folder that was opened, whatever its path leads to meanwhile,
    and no link is followed. Every method raises EnvironmentError.
    """

    def __init__(self, path, flags=0):
        """`path` (str) may lead over links, unless `flags` (int, of os.open) has O_NOFOLLOW."""
        self._descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | flags)
        by_descriptor = '/proc/self/fd/%d' % self._descriptor
        self._path = by_descriptor if os.path.isdir(by_descriptor) else path

    def __enter__(self):
        return self

    def __exit__(self, *exception):
        os.close(self._descriptor)

    def names(self):
        """The names of all that is in it (list of str)."""
        return os.listdir(self._path)

    def names_in(self, subfolder):
        """The names in a subfolder; none if it cannot be listed."""
        try:
            with Folder(self.at(subfolder), os.O_NOFOLLOW) as folder:
                return folder.names()
        except EnvironmentError:  # told when something is to be moved there
            return []

    def status(self, name):
        """The status of `name` (of a link itself), or None when it is not there."""
        try:
            return os.lstat(self.at(name))
        except EnvironmentError as error:
            if error.errno != errno.ENOENT:
                raise
            return None

    def signature(self, name):
        """The `_signature` of `name`, or None when it is not there."""
        status = self.status(name)
        return None if status is None else _signature(status)

    def read(self, name):
        """The content of a regular file (bytes, one more than a report may have at most), and
        its status.
        """
        # Opening alone can rewind a tape or wait for a writer.
        _require_regular(os.lstat(self.at(name)))
        descriptor = os.open(self.at(name), os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
        try:
            status = os.fstat(descriptor)
            _require_regular(status)
            return _read(descriptor, stability_report.MAX_BYTES + 1), status
        finally:
            os.close(descriptor)

    def archive(self, name, signature, subfolder):
        """Moves the file, if it still has that signature, into the subfolder, made when missing.

        Returns its new name, from here; None when it has gone or changed. What has its name there
        stays: a report with the same content is called a duplicate, another gets a number.
        """
        if self.signature(name) != signature:
            return None
        with self._subfolder(subfolder) as folder:
            new = name
            if folder.status(name) is not None:
                stem, extension = os.path.splitext(name)
                if folder._has_content_of(self, name):
                    stem += '.duplicate'
                new = _free_name(folder, stem, extension)
            return self._move(name, folder, new, subfolder)

    def reject(self, name, signature, subfolder, reason):
        """Moves the file, if it still has that signature, into the subfolder, with `reason` (str)
        in a file beside it.

        Returns its new name, from here; None when it has gone or changed.
        """
        with self._subfolder(subfolder) as folder:
            if self.signature(name) != signature:
                return None
            new = _free_name(folder, *os.path.splitext(name), also='.reason.txt')
            note = folder.at(new + '.reason.txt')
            try:
                descriptor = os.open(
                    note, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o666)
            except EnvironmentError as error:
                if error.errno != errno.EEXIST:  # another daemon was quicker
                    raise
                return None
            try:
                with os.fdopen(descriptor, 'w') as stream:
                    stream.write(reason)
                rejected = self._move(name, folder, new, subfolder)
            except EnvironmentError:
                os.unlink(note)  # ours, and about a file that is not there
                raise
            if rejected is None:
                os.unlink(note)
            return rejected

    def give_access(self, archived, signature, mode, group):
        """Sets the mode and the group (int or None) of an archived file."""
        subfolder, name = os.path.split(archived)
        with self._subfolder(subfolder) as folder:
            _require_regular(os.lstat(folder.at(name)))
            descriptor = os.open(folder.at(name), os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
            try:
                status = os.fstat(descriptor)
                _require_regular(status)
                if _signature(status) != signature:
                    raise EnvironmentError(errno.ESTALE, 'it is not the file that was archived')
                if group is not None:
                    os.fchown(descriptor, -1, group)
                if mode is not None:
                    os.fchmod(descriptor, mode)
            finally:
                os.close(descriptor)

    def at(self, name):
        """The path of `name` (str) in the folder that was opened."""
        return os.path.join(self._path, name)

    def _subfolder(self, name):
        """The Folder `name` in this one, made when missing."""
        try:
            return Folder(self.at(name), os.O_NOFOLLOW)
        except EnvironmentError as error:
            if error.errno != errno.ENOENT:
                raise
        try:
            os.mkdir(self.at(name))
        except EnvironmentError as error:
            if error.errno != errno.EEXIST:  # another daemon was quicker
                raise
        return Folder(self.at(name), os.O_NOFOLLOW)

    def _move(self, name, folder, new, subfolder):
        try:
            os.rename(self.at(name), folder.at(new))
        except EnvironmentError as error:
            if error.errno != errno.ENOENT:
                raise
            return None
        return os.path.join(subfolder, new)

    def _has_content_of(self, other, name):
        try:
            return self.read(name)[0] == other.read(name)[0]
        except EnvironmentError:  # no regular file: another thing of that name
            return False


def _read(descriptor, size):
    """At most `size` bytes of a file; a buffer for so many would take longer than a report."""
    chunks = []
    while size > 0:
        chunk = os.read(descriptor, min(size, _CHUNK))
        if not chunk:
            break
        chunks.append(chunk)
        size -= len(chunk)
    return b''.join(chunks)


def _require_regular(status):
    if not stat.S_ISREG(status.st_mode):
        raise EnvironmentError(errno.EINVAL, 'it is not a regular file')
    if status.st_nlink > 1:  # it may be a file from elsewhere
        raise EnvironmentError(errno.EMLINK, 'it has more than one name (hard links)')


def _signature(status):
    """What changes when a file is written to (tuple)."""
    return status.st_ino, status.st_size, status.st_mtime


def _free_name(folder, stem, extension, also=''):
    """A name that nothing has in `folder`, with a number where needed; nor with `also` after it."""
    number = 0
    name = stem + extension
    while folder.status(name) is not None or (also and folder.status(name + also) is not None):
        number += 1
        name = '%s.%d%s' % (stem, number, extension)
    return name


def report_names(names):
    """Those of `names` (list of str) that reports have, oldest scan first."""
    return sorted(filter(stability_report.is_report_name, names), key=_digits)


def _digits(name):
    """The time of a scan as the digits in its report's name, which sort by time in both forms."""
    return re.sub('[^0-9]', '', name)


def _epoch(name, timezone):
    """When the scan was made (int), as its report's name says; 0 for an impossible time."""
    try:
        return stability_report.timestamp(stability_report.scan_time(name), timezone)
    except stability_report.ReportError:
        return 0


def is_of_the_future(epoch):
    """Whether a scan at `epoch` cannot have been made yet, whatever time zone is meant."""
    return epoch > time.time() + _DAY


def _newest_past(names):
    """The last of `names`, oldest scan first, that a scan can have; '' if there is none."""
    return next((name for name in reversed(names) if _is_past(name)), '')


def _is_past(name):
    """Whether a scan can have been made when its report's name says, in any time zone."""
    epoch = _epoch(name, '')
    return epoch > 0 and not is_of_the_future(epoch)


# -- Graphite and Diamond ------------------------------------------------------------------


def _is_stored(metric, found):
    """Whether a Metric is among what Graphite has in its slot, {metric path: float}."""
    # GraphiteHandler sends text with so many decimals, GraphitePickleHandler the number itself.
    return found.get(metric.path) in (
        metric.value, float('%.*f' % (metric.precision, metric.value)))


def _likely_cause(lacking, total, epoch):
    if lacking < total:
        return ('the likely cause is that carbon creates few series a minute '
                '(MAX_CREATES_PER_MINUTE), or that a handler is still sending its backlog')
    return ('the likely cause is that the retention is too short for a scan of %s, that carbon may '
            'create no more series (MAX_CREATES_PER_MINUTE), that a handler cannot reach carbon, '
            'or that graphite_url is another Graphite'
            % time.strftime('%Y-%m-%d', time.gmtime(epoch)))


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


def _time_left():
    """Seconds until this run should end (float); infinite when Diamond does not time it."""
    left = signal.getitimer(signal.ITIMER_REAL)[0]
    return left - _MARGIN if left else float('inf')
