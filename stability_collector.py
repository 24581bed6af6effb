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
import signal
import time
from collections import deque

import diamond.collector
from diamond.error import DiamondException
from diamond.metric import Metric

import stability_settings
from stability_graphite import GraphiteAway, GraphiteError
from stability_report import points
from stability_share import LATE, LONGEST_PAUSE, SHOWN, Share

# Diamond interrupts a run that takes too long, wherever it is, and grants it one second at
# least. We end by ourselves when less than this many seconds are left.
_MARGIN = 0.5
# A run in which nothing moves for so many seconds ends; the next one goes on.
_PATIENCE = 15
_NAP = 0.2
_HTTP_TIMEOUT = 10

# Diamond's, where its configuration says nothing.
QUEUE_SIZE = 16384
# Of the places in Diamond's queue one in so many is spared by reports, and one in so many by what
# the collector says of itself, so that it can be heard though reports fill the queue.
_SPARED = 8
_SPARED_BY_ABOUT = 16

_clock = getattr(time, 'monotonic', time.time)


class StabilityCollector(diamond.collector.Collector):
    """Publishes the Stability reports in the folders of any number of scanners."""

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
            with share:
                steps = self._publish_new(share) + self._confirm(share) + share.archive_stored()
                share.is_busy = share.is_busy or share.is_waiting_for_graphite()
                return steps
        except EnvironmentError as error:
            share.lose_sight(error)
            return 0

    # -- publishing ------------------------------------------------------------------------

    def _publish_new(self, share):
        """Publishes the reports that are new, while there is room; returns how many (int)."""
        published = 0
        for waiting in share.unread():
            if _time_left() <= 0:
                share.is_busy = True
                break
            report = share.read(waiting)
            if report is None:
                continue
            metrics = self.metrics(share.scanner, report, waiting.epoch)
            free, size = self._queue_room()
            if len(metrics) > size:
                share.leave(waiting, 'has %d values, more than Diamond\'s queue takes, and stays: '
                            'raise metric_queue_size in diamond.conf' % len(metrics))
            elif len(metrics) > free:
                share.is_busy = True
                break
            else:
                self._publish(metrics)
                share.publish(waiting, metrics)
                published += 1
        if published:
            self._flush()
        return published

    def metrics(self, scanner, report, epoch):
        """The numbers of a scanner's `report` as Diamond's Metrics (a list) at `epoch` (int), but
        for those that Diamond's whitelist and blacklist hold back.

        Raises KeyError for a coil that is not under [coils].
        """
        prefix = '%s.%s.' % (scanner.path, self.settings.coils[report.channels])
        precision = self.settings.precision
        return self._make_metrics(
            [('%s%s.%s.%d' % (prefix, point.section, point.column, point.slice), point.number,
              point.decimals if precision is None else precision) for point in points(report)],
            epoch)

    def _make_metrics(self, values, epoch):
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
        patterns = _as_list(self.config.get('metrics_blacklist') or [])
        return lambda name: not _matches(patterns, name)

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

    # -- confirming ------------------------------------------------------------------------

    def _confirm(self, share):
        """Asks Graphite what it has, if it is time to; returns how many got further (int)."""
        steps = 0
        if self.settings.graphite is None or _clock() < self._ask_graphite_at:
            return steps
        for batch in share.questions():
            if _time_left() <= 0:
                break
            try:
                steps += self._confirm_batch(share, batch)
            except GraphiteAway as error:
                self._tell_of_waiting(share, len(share.published()), self._graphite_pause, error)
                self._ask_graphite_at = _clock() + self._graphite_pause
                self._graphite_pause = min(2 * self._graphite_pause, LONGEST_PAUSE)
                break
            except GraphiteError as error:  # it may know what to say of other coils
                for waiting in batch:
                    waiting.be_late()
                self._tell_of_waiting(share, len(batch), batch[0].due - _clock(), error)
            self._graphite_pause = LATE
        return steps

    def _confirm_batch(self, share, batch):
        """Asks Graphite about reports of one coil (list of Waiting); returns how many got further.

        What was published last arrives last, so that is all that is asked for first. When it has
        been there for a while, or is late, all points are asked for.
        """
        if not batch[0].is_to_be_counted:
            found = self._ask(batch, batch[0].last.path)
            return sum([self._note_first_sight(waiting, found[waiting.epoch]) for waiting in batch])
        found = self._ask(batch, self.get_metric_path(
            '%s.%s.*.*.*' % (share.scanner.path, batch[0].coil)))
        steps = 0
        late = []
        for waiting in batch:
            report = share.read_again(waiting)
            if report is None:
                continue
            missing = [metric for metric in self.metrics(share.scanner, report, waiting.epoch)
                       if not _is_stored(metric, found[waiting.epoch])]
            if missing:
                waiting.wait(len(missing))
                late.append((waiting, missing))
            elif waiting.state == SHOWN:
                waiting.store()
                steps += 1
            else:
                waiting.show(self.settings.confirm_seconds)
                steps += 1
        if late:
            self._publish_again(share, late)
        return steps

    def _note_first_sight(self, waiting, found):
        """Returns 1 where Graphite shows what was published last, 0 where it has to wait."""
        if not _is_stored(waiting.last, found):
            waiting.wait()
            return 0
        waiting.show(self.settings.confirm_seconds)
        return 1

    def _ask(self, batch, pattern):
        """{epoch: {metric path: float}}, what Graphite has of series in the slots of reports."""
        # Should this take longer than the run may, Diamond interrupts it and grants more next time.
        return self.settings.graphite.points(
            pattern, [waiting.epoch for waiting in batch], _HTTP_TIMEOUT)

    def _publish_again(self, share, late):
        """Publishes what Graphite lacks once more: `late` is a list of Waiting and its Metrics."""
        lacking = sum(len(missing) for _, missing in late)
        total = sum(waiting.count for waiting, _ in late)
        waiting, missing = late[0]
        self.log.error(
            '%r%s: %d of %d points are in Graphite %d s after they were published, %s not; what '
            'is missing is published again; %s', share.path(waiting.name),
            ' and %d more reports' % (len(late) - 1) if len(late) > 1 else '', total - lacking,
            total, waiting.seconds_published(), missing[0].path,
            _likely_cause(lacking, total, waiting.epoch))
        for _, missing in late:
            if len(missing) > self._queue_room()[0]:
                break  # another time
            self._publish(missing)
        self._flush()

    def _tell_of_waiting(self, share, count, seconds, error):
        self.log.error('%r: %d reports are published and stay until Graphite shows them: start '
                       'the graphite-web of graphite_url, or put graphite_url right; it is asked '
                       'again in %d s: %s', share.scanner.folder, count, seconds, error)

    # -- about itself ----------------------------------------------------------------------

    def _publish_about(self):
        """How the reports of each scanner fare, as metrics beside its coils.

        Those for which there is no time, or no room in Diamond's queue, are first in the next run.
        """
        room = self._queue_room(_SPARED_BY_ABOUT)[0]
        for _ in range(len(self._untold)):
            share = self._untold[0]
            metrics = self._make_metrics(
                [('%s.ingest.%s' % (share.scanner.path, name), number, 0)
                 for name, number in sorted(share.about().items())], int(time.time()))
            room -= len(metrics)
            # A run ends _MARGIN early, and half of that is for this.
            if room < 0 or _time_left() < -_MARGIN / 2:
                break
            self._publish(metrics)
            self._untold.rotate(-1)

    def left_alone(self):
        """What a run has left for a later one without a line in the log: a sentence for each
        scanner that has such reports (list of str). `diamond3 --run` says it.
        """
        counts = [(share.scanner.folder, share.left_alone()) for share in self._shares]
        return ['%r: %d reports are left alone for now: %d not yet seen unchanged for '
                'settle_seconds, %d incomplete' % (folder, young + incomplete, young, incomplete)
                for folder, (young, incomplete) in counts if young + incomplete]

    # -- configuration ---------------------------------------------------------------------

    def get_default_config_help(self):
        """The keys of the configuration, each with a sentence (dict of str)."""
        config_help = super(StabilityCollector, self).get_default_config_help()
        config_help.update({
            'ingest_dir': "Archive: the subfolder of each scanner's folder that a report is "
                          'moved into once Graphite has it',
            'reject_dir': "The subfolder of each scanner's folder that a malformed report is "
                          'moved into, with a note saying why',
            'settle_seconds': 'Leave a file alone until it was seen unchanged for this many '
                              'seconds',
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
        config.update(stability_settings.defaults(), interval=60)
        return config

    def process_config(self):
        """Reads and checks the configuration; Diamond calls it after every load and reload.

        Raises DiamondException naming the key, the value and what is allowed.
        """
        super(StabilityCollector, self).process_config()
        try:
            self.settings = stability_settings.read(self.config)
        except stability_settings.SettingsError as error:
            raise DiamondException('StabilityCollector: %s' % error)
        shares = [Share(scanner, self.settings, self.log) for scanner in self.settings.scanners]
        self._shares = deque(shares)
        self._untold = deque(shares)
        self._graphite_pause = LATE
        self._ask_graphite_at = _clock()
        if not self.config['enabled']:
            return
        if not self.settings.scanners:
            self.log.warning('StabilityCollector: no scanner is configured: add lines like '
                             '"Harvard/Northwest/Bay1 = /mnt/scanner/bay1" under [scanners]')
        if not self.settings.graphite:
            self.log.warning('StabilityCollector: delivery is not confirmed: set graphite_url, and '
                             'a report is archived only once Graphite has it')


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
