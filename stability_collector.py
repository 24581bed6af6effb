# coding=utf-8
"""Send MRI Stability reports to Graphite.

Every scanner writes a small text file, a Stability report, after each phantom scan. This
collector, a plugin of the Diamond metrics daemon, looks into the scanners' folders, publishes
every number of every report with the time of the scan, and moves the file into an archive
folder beside it.

To install it, copy `stability_collector.py` and `stability_report.py` into a folder of Diamond's
`collectors_path`, and `StabilityCollector.conf` into its `collectors_config_path`.

Python 2.7 and 3.9 or newer, standard library and Diamond only.
"""
import datetime
import os
import re
import signal
import stat
import time
from collections import namedtuple

import diamond.collector
from diamond.error import DiamondException
from diamond.metric import Metric

import stability_report

# Diamond interrupts a run that takes too long, wherever it is. No report is begun when less
# than this many seconds are left; Diamond grants a run one second at least.
_TIME_FOR_A_REPORT = 0.5

# location: str as configured; path: str, its part of the metric path; folder: str.
Scanner = namedtuple('Scanner', 'location path folder')

# ingest_dir: str; settle_seconds: float; timezone: str; precision: int or None;
# scanners: list of Scanner; coils: dict from receive channels (int) to coil name (str).
Settings = namedtuple('Settings', 'ingest_dir settle_seconds timezone precision scanners coils')


class StabilityCollector(diamond.collector.Collector):
    """Publishes the Stability reports in the folders of any number of scanners."""

    def __init__(self, *args, **kwargs):
        self._told = {}
        super(StabilityCollector, self).__init__(*args, **kwargs)

    def get_default_config_help(self):
        """The keys of the configuration, each with a sentence (dict of str)."""
        config_help = super(StabilityCollector, self).get_default_config_help()
        config_help.update({
            'ingest_dir': "Archive: the subfolder of each scanner's folder that a report is "
                          'moved into once it is published',
            'settle_seconds': 'Leave a file alone until it has not changed for this many seconds',
            'timezone': "Time zone of the scanners' clocks, like America/New_York; empty: this "
                        "machine's",
            'precision': 'Decimals to send, from 0 to 15; empty: as many as the report has',
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
            'settle_seconds': 5,
            'timezone': '',
            'precision': '',
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
        self._told.clear()
        if self.config['enabled'] and not self.settings.scanners:
            self.log.warning('StabilityCollector: no scanner is configured: add lines like '
                             '"Harvard/Northwest/Bay1 = /mnt/scanner/bay1" under [scanners]')

    def collect(self):
        """Publishes and archives every report that waits, scanner by scanner, oldest first."""
        for scanner in self.settings.scanners:
            for filename in self._waiting(scanner):
                if _time_is_up():
                    return
                self._ingest(scanner, filename)

    def _waiting(self, scanner):
        try:
            filenames = [name for name in os.listdir(scanner.folder)
                         if stability_report.is_report_name(name)]
        except EnvironmentError as error:
            self._tell_once(scanner.folder, 'cannot be listed: %s; is the share mounted and '
                            'readable?' % error.strerror)
            return []
        self._forget_all_but(scanner.folder, filenames)
        return sorted(filenames, key=_oldest_scan_first)

    def _ingest(self, scanner, filename):
        path = os.path.join(scanner.folder, filename)
        try:
            if not self._is_ready(path):
                return
            report = stability_report.read(path)
        except stability_report.ReportError as error:
            self._tell_once(path, 'is no good report and stays: %s' % error)
            return
        except EnvironmentError as error:
            self._tell_once(path, 'cannot be read and stays: %s' % error.strerror)
            return
        coil = self.settings.coils.get(report.channels)
        if coil is None:
            self._tell_once(path, 'comes from a coil of %d channels and stays: add a line like '
                            '"%d = %d" under [coils]' % ((report.channels,) * 3))
            return
        count = self._publish(report, scanner, coil)
        try:
            archived = _move(path, os.path.join(scanner.folder, self.settings.ingest_dir))
        except EnvironmentError as error:
            self._tell_once(path, 'is published but cannot be moved into %r, and will be published '
                            'again: %s' % (self.settings.ingest_dir, error.strerror))
            return
        self.log.info('%r: %d points published, %d without a number; now %r',
                      path, count, report.without_number, archived)

    def _is_ready(self, path):
        """Whether `path` is a regular file that is not being written any more."""
        status = os.lstat(path)
        if not stat.S_ISREG(status.st_mode):
            self._tell_once(path, 'is not a regular file and stays')
            return False
        age = time.time() - status.st_mtime
        # The share's clock may be ahead of ours.
        return not 0 <= age < self.settings.settle_seconds

    def _publish(self, report, scanner, coil):
        """Hands the numbers of `report` to Diamond's handlers; returns how many (int)."""
        epoch = stability_report.timestamp(report.time, self.settings.timezone)
        host = self.get_hostname()
        ttl = float(self.config['interval']) * float(self.config['ttl_multiplier'])
        count = 0
        for point in stability_report.points(report):
            name = '%s.%s.%s.%s.%d' % (
                scanner.path, coil, point.section, point.column, point.slice)
            if not self._is_wanted(name):
                continue
            precision = self.settings.precision
            self.publish_metric(Metric(
                self.get_metric_path(name), point.number, timestamp=epoch,
                precision=point.decimals if precision is None else precision,
                host=host, metric_type='GAUGE', ttl=ttl))
            count += 1
        return count

    def _is_wanted(self, name):
        """Whether Diamond's whitelist and blacklist let the metric `name` (str) through.

        The published Diamond keeps one compiled regex; its later forks keep lists of them, and
        decide in a method of their own.
        """
        if hasattr(self, 'metric_allowed'):
            return self.metric_allowed(name)
        if self.config.get('metrics_whitelist'):
            return _matches(self.config['metrics_whitelist'], name)
        if self.config.get('metrics_blacklist'):
            return not _matches(self.config['metrics_blacklist'], name)
        return True

    def _tell_once(self, path, message):
        """Logs what is wrong with `path`, but not the same again on every poll."""
        if self._told.get(path) != message:
            self._told[path] = message
            self.log.error('%r %s', path, message)

    def _forget_all_but(self, folder, filenames):
        waiting = set(filenames)
        for path in list(self._told):
            if os.path.dirname(path) == folder and os.path.basename(path) not in waiting:
                del self._told[path]
        self._told.pop(folder, None)


# -- configuration -------------------------------------------------------------------------


def _settings(config):
    """The checked Settings in Diamond's `config`. Raises DiamondException."""
    return Settings(
        ingest_dir=_folder_name(config, 'ingest_dir'),
        settle_seconds=_seconds(config, 'settle_seconds'),
        timezone=_timezone(config, 'timezone'),
        precision=_precision(config, 'precision'),
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


def _section(config, key):
    if not isinstance(config[key], dict):
        raise _wrong(key, config[key], 'a section [%s] with a line for each' % key)
    return config[key]


def _scanners(section):
    scanners = []
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
        for other in scanners:
            if path == other.path:
                raise _wrong(key, folder, 'a metric path of its own, not the one of %r'
                             % other.location)
            if folder == other.folder:
                raise _wrong(key, folder, 'a folder of its own, not the one of %r' % other.location)
        scanners.append(Scanner(location, path, folder))
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


def _oldest_scan_first(filename):
    try:
        return stability_report.scan_time(filename), filename
    except stability_report.ReportError:
        return datetime.datetime.max, filename


def _move(path, folder):
    """Moves the file at `path` into `folder`, made when missing; returns its new path (str).

    A name that is taken there gets a number.
    """
    if not os.path.isdir(folder):
        os.mkdir(folder)
    stem, extension = os.path.splitext(os.path.basename(path))
    target = os.path.join(folder, stem + extension)
    number = 0
    while os.path.lexists(target):
        number += 1
        target = os.path.join(folder, '%s.%d%s' % (stem, number, extension))
    os.rename(path, target)
    return target


def _matches(patterns, name):
    if not isinstance(patterns, (list, tuple)):
        patterns = [patterns]
    return any(pattern.match(name) for pattern in patterns)


def _time_is_up():
    """Whether Diamond is about to interrupt this run; never when it is not timed at all."""
    left = signal.getitimer(signal.ITIMER_REAL)[0]
    return 0 < left < _TIME_FOR_A_REPORT
