"""Whether Graphite shows what a collector has published; what it lacks is published again.

Python 2.7 and 3.9 or newer, standard library only.
"""
import time

import stability_graphite
from stability_errand import Errand
from stability_report import counted
from stability_waiting import LATE, LONGEST_PAUSE, SHOWN, clock

# Graphite is asked about so many reports at once, and about fewer when an answer takes more than
# so many seconds. One that takes too long is none.
_MOST_AT_ONCE = 50
_SLOW = 10
_HTTP_TIMEOUT = 120
_NAP = 0.2
# What Graphite shows by name, and not yet by a pattern, is published again after so many seconds.
_HIDDEN = 600


class Confirmation(object):
    """What a collector asks Graphite, one question at a time."""

    def __init__(self, collector, time_left):
        """`collector`: a StabilityCollector, that publishes; `time_left()`: seconds for this run.
        """
        self._collector = collector
        self._settings = collector.settings
        self._log = collector.log
        self._time_left = time_left
        self._question = None
        self._most_at_once = _MOST_AT_ONCE
        self._pause = LATE
        self._ask_at = clock()

    @property
    def is_awaited(self):
        """Whether an answer is on its way."""
        return self._question is not None

    def confirm(self, share):
        """Asks Graphite what it has, if it is time to; returns how many got further (int).

        An answer for which this run has no time is waited for in the next.
        """
        steps = 0
        if self._settings.graphite is None or clock() < self._ask_at:
            return steps
        unanswered = {}
        while self._time_left() > 0:
            if self._question is None:
                batches = share.questions(self._most_at_once)
                if not batches:
                    break
                self._question = self._ask(share, batches[0])
            if not self._is_answered():
                break
            question, self._question = self._question, None
            try:
                steps += self._note_answer(question)
                self._pause = LATE
            # Named by their module, as a Diamond may load it again: its classes are others then.
            except stability_graphite.GraphiteAway as error:
                self._tell_of_waiting(question.share, len(question.share.published()),
                                      self._pause, error)
                self._ask_at = clock() + self._pause
                self._pause = min(2 * self._pause, LONGEST_PAUSE)
                break
            except stability_graphite.GraphiteError as error:  # may know of other coils
                for waiting, _ in question.reports:
                    waiting.be_late()
                told = unanswered.setdefault((question.share, str(error)), [error])
                told += [waiting for waiting, _ in question.reports]
        for (share, _), told in unanswered.items():
            self._tell_of_waiting(share, len(told) - 1, told[1].due - clock(), told[0])
        return steps

    def _ask(self, share, batch):
        """The _Question about reports of one coil (list of Waiting).

        What was published last arrives last, so that is all that is asked for first. When it has
        been there for a while, or is late, all points are asked for.
        """
        if batch[0].is_to_be_counted:
            target = self._collector.get_metric_path(
                '%s.%s.*.*.*' % (share.scanner.path, batch[0].coil))
            reports = [(waiting, self._metrics_again(share, waiting)) for waiting in batch]
        else:
            target = batch[0].last.path
            reports = [(waiting, [waiting.last]) for waiting in batch]
        reports = [(waiting, metrics) for waiting, metrics in reports if metrics is not None]
        return _Question(share, reports, self._settings.graphite, target)

    def _metrics_again(self, share, waiting):
        report = share.read_again(waiting)
        if report is None:
            return None
        return self._collector.metrics(share.scanner, report, waiting.epoch)

    def _is_answered(self):
        """Whether Graphite has answered; the fewer are asked about at once, the longer it takes."""
        question = self._question
        if question.is_back(min(_NAP, self._time_left())):
            seconds = clock() - question.since
            self._most_at_once = (max(1, self._most_at_once // 2) if seconds > _SLOW else
                                  min(_MOST_AT_ONCE, 2 * self._most_at_once))
            return True
        if clock() - question.since > _SLOW and not question.is_told:
            question.is_told = True
            self._log.warning('StabilityCollector: Graphite has not answered for %d s what it has '
                              'of %s; the answer is waited for, also in the next runs, and '
                              'less is asked at once', _SLOW,
                              counted(len(question.reports), 'report'))
        return False

    def _note_answer(self, question):
        """Notes what Graphite has; returns how many reports got further. Raises GraphiteError."""
        lacking, superseded, hidden = question.result()
        steps = 0
        late = []
        for waiting, metrics in question.reports:
            if not question.share.has(waiting):
                continue
            missing = lacking[waiting.epoch]
            if not missing:
                steps += 1
                if waiting.state == SHOWN:
                    waiting.store()
                else:
                    waiting.show(self._settings.confirm_seconds)
            elif waiting in superseded:
                steps += 1
                waiting.store()
                self._log.warning('%r: its place in Graphite is that of the later scan %r, which '
                                  'stays there', question.share.path(waiting.name),
                                  waiting.later.name)
            elif waiting.is_held and len(metrics) <= self._collector.queue_room()[0]:
                self._collector.publish_all(metrics)
                waiting.publish(metrics, True)
            elif waiting.is_to_be_counted:
                waiting.wait(len(missing))
                if waiting not in hidden or waiting.seconds_published() > _HIDDEN:
                    missed = [each for each in metrics if each.path in missing]
                    late.append((waiting, missed, missing))
            else:
                waiting.wait()
        self._tell_of_hidden(question.share, hidden)
        if late:
            self._publish_again(question.share, late)
        return steps

    def _publish_again(self, share, late):
        """Publishes what Graphite lacks once more: `late` is a list of Waiting, its Metrics that
        are missing, and what is there instead ({metric path: float or None}).
        """
        total = sum(waiting.count for waiting, _, _ in late)
        missing = sum(len(metrics) for _, metrics, _ in late)
        waiting, metrics, instead = late[0]
        self._log.error(
            '%r%s: %d of %d points are in Graphite %d s after they were published, %s not; what '
            'is missing is published again; %s', share.path(waiting.name),
            ' and %s' % counted(len(late) - 1, 'more report') if len(late) > 1 else '',
            total - missing, total, waiting.seconds_published(), metrics[0].path,
            _why_missing(waiting, len(metrics), instead))
        for _, metrics, _ in late:
            if len(metrics) > self._collector.queue_room()[0]:
                break  # another time
            self._collector.publish_all(metrics)
        self._collector.flush()

    def _tell_of_hidden(self, share, hidden):
        new = [waiting for waiting in hidden if waiting.told != _WHY_HIDDEN]
        for waiting in new:
            waiting.told = _WHY_HIDDEN
        if new:
            self._log.warning('%r and %s wait: %s', share.path(new[0].name),
                              counted(len(new) - 1, 'more report'), _WHY_HIDDEN)

    def _tell_of_waiting(self, share, count, seconds, error):
        self._log.error('%r: %s published, and kept until Graphite shows all: %s; it is asked '
                        'again in %d s: %s', share.scanner.folder, counted(count, 'report'),
                        error.todo, seconds, error)


class _Question(Errand):
    """What Graphite is asked about some reports of one coil: `reports`, a list of Waiting and
    Metrics. The answer is what it lacks ({epoch: {metric path: float that is there instead, or
    None}}), the set of those Waiting of which a later scan has the place, and of those hidden.
    """

    def __init__(self, share, reports, graphite, target):
        self.share = share
        self.reports = reports
        self.since = clock()
        self.is_told = False
        super(_Question, self).__init__(lambda: _answer(graphite, target, reports))


def _answer(graphite, target, reports):
    wanted = {waiting.epoch: {metric.path: _stored_as(metric) for metric in metrics}
              for waiting, metrics in reports}
    lacking = graphite.lacking(target, wanted, _HTTP_TIMEOUT) if wanted else {}
    superseded = {waiting for waiting, _ in reports if lacking[waiting.epoch] and waiting.later
                  and graphite.share_slots(target, waiting.epoch, waiting.later.epoch,
                                           _HTTP_TIMEOUT)}
    return lacking, superseded, _hidden(graphite, target, reports, lacking)


def _hidden(graphite, target, reports, lacking):
    """Those Waiting (set) whose first point Graphite shows by its name, and not by the pattern. The
    last was asked for by name before it came, which a cache may remember.
    """
    first = {waiting: metrics[0].path for waiting, metrics in reports if len(metrics) > 1}
    suspects = [waiting for waiting, path in first.items()
                if lacking[waiting.epoch].get(path, 0) is None]
    if not suspects:
        return set()
    path = first[suspects[0]]
    there = graphite.points(path, [waiting.epoch for waiting in suspects], _HTTP_TIMEOUT)
    return {waiting for waiting in suspects if path in there[waiting.epoch]}


def _stored_as(metric):
    """What Graphite may have of a Metric: GraphiteHandler sends text with so many decimals,
    GraphitePickleHandler the number itself.
    """
    return metric.value, float('%.*f' % (metric.precision, metric.value))


_WHY_HIDDEN = ('Graphite shows their points by name, and no pattern finds them: an index or a '
               'cache of it is behind, as with go-carbon and carbonapi until they are set up as '
               'graphite/go-carbon/ says; Graphite is asked again, and nothing is published again '
               'for %d s' % _HIDDEN)


def _why_missing(waiting, missing, instead):
    """What can be known of why Graphite lacks points of a report, in words.

    `missing`: int, how many; `instead`: {metric path: float that is there instead, or None}.
    """
    ahead = waiting.epoch - time.time()
    if ahead > 0:
        return ("the scan is %d min ahead of this machine's clock, and Graphite keeps nothing that "
                'is still to come: is timezone that of the scanner?' % (ahead // 60 + 1))
    others = [value for value in instead.values() if value is not None]
    if others:
        return ('%d have another value in their place: of another scan of that coil in the same '
                'slot of the retention, or of another sender' % len(others))
    if missing < waiting.count:
        return ('carbon may create few series a minute (MAX_CREATES_PER_MINUTE), or a handler '
                'still sends its backlog, or not all series have the same retention: hops doctor '
                'looks, and hops retention mends that')
    return ('nothing of it is there: does a handler reach carbon, may carbon create series '
            '(MAX_CREATES_PER_MINUTE), has its disk room, does the retention reach back to %s, and '
            'is graphite_url its Graphite? hops doctor looks'
            % time.strftime('%Y-%m-%d', time.gmtime(waiting.epoch)))
