# coding=utf-8
"""A report is archived only once Graphite has it, whatever happens on the way."""
import collections
import json
import os
import sys
import threading

import pytest
from diamond.handler.queue import QueueHandler
from diamond.utils.signals import SIGALRMException
from render import fixed, whisper
from reports import report_text
from sites import (
    NEW,
    NEW_EPOCH,
    OLD,
    OLD_EPOCH,
    Site,
    archived,
    errors,
    hurry,
    is_of_the_drop_in,
    names_in,
    put,
)

import stability_collector
import stability_errand
import stability_folder
import stability_report
import stability_waiting

try:
    import queue
    from importlib import reload
except ImportError:  # Python 2.7, where reload is built in
    import Queue as queue

STEP = 600
BAY1 = 'diamond.virtual.testhost.StabilityCollector.Harvard.Northwest.Bay1'


class Carbon(object):
    """Keeps what a site's handler gets, but for what a test says is lost on the way."""

    def __init__(self, site):
        self.points = {}
        self.loses = lambda path, epoch: False
        process = site.recorder._process

        def receive(metric):
            process(metric)
            path, value, epoch = str(metric).split()
            if '.ingest.' not in path and not self.loses(path, int(epoch)):
                self.points.setdefault(path, {})[int(epoch)] = float(value)

        site.recorder._process = receive


@pytest.fixture
def quick(monkeypatch):
    hurry(monkeypatch)


@pytest.fixture
def carbon(site, server, quick):
    carbon = Carbon(site)
    server.answer = whisper(carbon.points, STEP)
    site.settings.update(graphite_url=server.url, confirm_seconds=0)
    return carbon


# -- the rule ------------------------------------------------------------------------------


def test_a_report_that_graphite_shows_is_archived_in_the_same_run(site, bay1, carbon, server):
    put(bay1, OLD)
    put(bay1, NEW)
    assert len(site.run()) == 8
    assert archived(bay1) == [OLD, NEW]


def test_a_report_takes_two_requests(site, bay1, carbon, server):
    put(bay1, OLD)
    site.run()
    assert archived(bay1) == [OLD]
    assert len(server.requests) == 2


def test_a_report_that_graphite_does_not_show_stays(site, bay1, carbon, caplog, clock):
    carbon.loses = lambda path, epoch: True
    put(bay1, OLD)
    lines = site.run()
    assert archived(bay1) == []
    assert site.about('Harvard/Northwest/Bay1')['unconfirmed'] == 1
    # Published once, and again at each pause that was longer than usual.
    assert len(lines) % 4 == 0
    assert len(errors(caplog)) == len(lines) / 4 - 1 > 0
    carbon.loses = lambda path, epoch: False
    while not archived(bay1):
        site.run()
    assert archived(bay1) == [OLD]
    assert set(carbon.points) == {BAY1 + '.32.SNR.%s.%d' % (column, number)
                                  for column in ('mean', 'sdpct') for number in (1, 2)}


def test_only_what_is_missing_is_published_again(site, bay1, carbon, caplog, clock):
    lost = BAY1 + '.32.SNR.sdpct.2'
    carbon.loses = lambda path, epoch: path == lost
    put(bay1, OLD)
    lines = site.run()
    assert [path for path, _, _ in lines[4:]] == [lost] * (len(lines) - 4)
    assert len(lines) > 4
    assert archived(bay1) == []
    assert '3 of 4 points are in Graphite' in errors(caplog)[0]
    assert 'MAX_CREATES_PER_MINUTE' in errors(caplog)[0]


@pytest.mark.parametrize('wrong', [1.16, 0.0, None, 'nan', [], 1.1500000000000001e9])
def test_another_value_in_the_slot_is_no_confirmation(site, bay1, carbon, server, wrong):
    put(bay1, OLD, slices=1, columns=('mean',))
    server.answer = lambda query: (200, {}, json.dumps([
        {'target': BAY1 + '.32.SNR.mean.1', 'datapoints': [
            [wrong, epoch - epoch % STEP] for epoch in (OLD_EPOCH - STEP, OLD_EPOCH)]}
    ]).encode('ascii'))
    site.run()
    assert archived(bay1) == []


def test_a_point_in_another_slot_is_no_confirmation(site, bay1, carbon, server):
    moved = {}
    server.answer = whisper(moved, STEP)
    put(bay1, OLD)
    for path in (BAY1 + '.32.SNR.%s.%d' % (column, number)
                 for column in ('mean', 'sdpct') for number in (1, 2)):
        moved[path] = {OLD_EPOCH + STEP: 1.15, OLD_EPOCH - STEP: 1.15}
    site.run()
    assert archived(bay1) == []


def test_values_rounded_by_precision_are_confirmed_as_they_were_sent(site, bay1, carbon):
    site.settings['precision'] = 1
    put(bay1, OLD)
    site.run()
    assert archived(bay1) == [OLD]


def test_what_the_blacklist_keeps_back_is_not_waited_for(site, bay1, carbon):
    site.settings['metrics_blacklist'] = r'.*\.SNR\.mean\.'
    put(bay1, OLD)
    assert len(site.run()) == 2
    assert archived(bay1) == [OLD]


def test_points_must_be_shown_for_a_while(site, bay1, carbon, server):
    """As when carbon is killed with points in memory that it has shown already."""
    site.settings['confirm_seconds'] = 0.3
    put(bay1, OLD)
    show = whisper(carbon.points, STEP)
    answers = []

    def forget_after_the_first_answer(query):
        answers.append(show(query))
        if len(answers) == 1:
            carbon.points.clear()
        return answers[-1]

    server.answer = forget_after_the_first_answer
    lines = site.run()
    while not archived(bay1):
        lines += site.run()
    assert len(lines) >= 8
    assert len(carbon.points) == 4


# -- Graphite that does not answer as it should -----------------------------------------------


@pytest.mark.parametrize(('answer', 'todo'), [
    (fixed(b'', 500), 'see its log, which names the file where a whisper file is broken'),
    (fixed(b'', 401), 'name user and password in graphite_url, or graphite_token_file'),
    (fixed(b'', 302, Location='/login'), 'put graphite_url right'),
    (fixed(b'<html>Log in</html>'), 'put graphite_url right'),
    (fixed(b'unsupported path requested: "/render"', 400), 'put graphite_url right'),
    (fixed(b'[{"target": "%s.32.SNR.mean.1", "datapoints": [[1.15, 15' % BAY1.encode('ascii')),
     'put graphite_url right'),
    (fixed(b'{}'), 'put graphite_url right'),
], ids=['500', '401', 'redirect', 'HTML', '400', 'half a body', 'another object'])
def test_nonsense_is_no_confirmation_and_what_waits_is_archived_later(
        site, bay1, carbon, server, caplog, answer, todo):
    put(bay1, OLD)
    good, server.answer = server.answer, answer
    lines = site.run()
    assert len(lines) == 4
    assert archived(bay1) == []
    messages = errors(caplog)
    assert len(messages) == len(server.requests) > 0
    assert '1 report published, and kept until Graphite shows all' in messages[0]
    assert 'until Graphite shows all: ' + todo in messages[0]
    server.answer = good
    while not archived(bay1):
        assert site.run() == []
    assert archived(bay1) == [OLD]


def test_a_coil_that_graphite_fails_on_keeps_no_other_back(site, bay1, carbon, server, caplog):
    """As graphite-web does when one whisper file is broken."""
    good = server.answer
    server.answer = lambda query: (500, {}, b'') if '.32.' in query['target'] else good(query)
    site.coils['64'] = '64'
    put(bay1, OLD)
    put(bay1, NEW, channels=64)
    site.run()
    assert archived(bay1) == [NEW]
    assert 'answered 500' in errors(caplog)[0]
    server.answer = good
    while OLD not in archived(bay1):
        site.run()


def test_pauses_do_not_grow_while_more_and_more_arrives(site, bay1, carbon, caplog, clock):
    """As when carbon creates so many series a minute."""
    began = clock.now
    created = set()

    def all_but_one_more(path, epoch):
        if len(errors(caplog)) >= len(created):
            created.add(path)
        return path not in created

    carbon.loses = all_but_one_more
    put(bay1, OLD, slices=20)
    while not archived(bay1):
        site.run()
    assert len(created) == 40
    # Forty pauses that doubled up to the longest would be thirty of that length and more.
    assert clock.now - began < 10 * stability_waiting.LONGEST_PAUSE


def test_graphite_that_is_away_is_asked_less_and_less(site, bay1, quick, caplog, clock):
    Carbon(site)
    site.settings.update(graphite_url='http://u:secret@127.0.0.1:1', confirm_seconds=0)
    put(bay1, OLD)
    for _ in range(3):
        site.run()
    assert 2 <= len(errors(caplog)) <= 8
    assert archived(bay1) == []
    assert 'secret' not in caplog.text


@pytest.fixture(params=[False, True])
def loaded_again(request):
    """As in diamond-next, where each file of a folder runs, in any order, though another may have
    imported it before: classes are there twice.
    """
    modules = [sys.modules[name] for name in sorted(sys.modules, reverse=request.param)
               if name.startswith('stability_') and name != 'stability_collector']
    before = [(module, dict(vars(module))) for module in modules]
    for module in modules:
        reload(module)
    yield
    for module, names in before:
        vars(module).clear()
        vars(module).update(names)


def test_files_of_the_collector_may_be_loaded_again(site, bay1, loaded_again, quick, server, caplog,
                                                    monkeypatch):
    monkeypatch.setattr(stability_report, 'SECTIONS', ('SNR',))
    carbon = Carbon(site)
    put(bay1, OLD)
    put(bay1, NEW, text='no report')
    site.settings.update(graphite_url='http://127.0.0.1:1', confirm_seconds=0)
    site.run()
    assert [text for text in errors(caplog) if 'does not answer' in text]
    assert (names_in(bay1.join('Rejected'))[0], archived(bay1)) == (NEW, [])
    server.answer = whisper(carbon.points, STEP)
    site.settings.update(graphite_url=server.url)
    site.load()
    site.run()
    assert archived(bay1) == [OLD]


def test_files_that_are_loaded_again_leave_a_share_behind_that_never_answers(
        site, bay1, loaded_again, monkeypatch):
    hung = []
    released = threading.Event()
    lstat = os.lstat

    def hang(path):
        if os.path.basename(path) in (OLD, '.'):
            hung.append(os.path.basename(path))
            released.wait()
        return lstat(path)

    monkeypatch.setattr(os, 'lstat', hang)
    monkeypatch.setattr(stability_report, 'SECTIONS', ('SNR',))
    monkeypatch.setattr(stability_errand, '_PATIENCE', 0)
    put(bay1, OLD)
    while '.' not in hung:
        site.run()
    site.run()
    released.set()
    while not archived(bay1):
        site.run()


def test_a_password_in_a_wrong_address_is_not_logged(tmpdir):
    conf = tmpdir.join('diamond.conf')
    conf.write('[server]\n[collectors]\n[[StabilityCollector]]\n'
               'graphite_url = ftp://user:secret@graphite\n')
    with pytest.raises(stability_collector.DiamondException) as caught:
        stability_collector.StabilityCollector(configfile=str(conf))
    assert 'secret' not in str(caught.value)
    assert 'graphite_url' in str(caught.value)


@pytest.mark.parametrize('content', [None, '', 'two words', 'two\nlines'])
def test_a_token_file_without_a_token_is_refused(tmpdir, content):
    token = tmpdir.join('token')
    if content is not None:
        token.write(content)
    conf = tmpdir.join('diamond.conf')
    conf.write('[server]\n[collectors]\n[[StabilityCollector]]\n'
               'graphite_url = http://graphite\ngraphite_token_file = %s\n' % token)
    with pytest.raises(stability_collector.DiamondException, match='graphite_token_file'):
        stability_collector.StabilityCollector(configfile=str(conf))


def test_the_token_in_the_file_is_sent(site, bay1, carbon, server, tmpdir):
    tmpdir.join('token').write('abc.def\n')
    site.settings['graphite_token_file'] = tmpdir.join('token')
    put(bay1, OLD)
    site.run()
    assert server.requests[0][1]['Authorization'] == 'Bearer abc.def'


# -- a backlog -----------------------------------------------------------------------------


def name_of_day(day):
    return 'Stability_2019%02d%02dT070000.txt' % (1 + day // 28, 1 + day % 28)


def test_a_backlog_takes_one_run_and_few_requests(site, bay1, carbon, server):
    for day in range(200):
        put(bay1, name_of_day(day), slices=1)
    assert len(site.run()) == 400
    assert len(archived(bay1)) == 200
    assert len(server.requests) < 60


def test_reports_of_one_coil_and_day_may_share_a_slot_and_go_one_after_the_other(
        site, bay1, carbon):
    """Each is confirmed; of a slot that they share, the later scan has the last word."""
    for minute in (10, 12, 14):
        put(bay1, 'Stability_20190101T07%d00.txt' % minute, slices=1, columns=('mean',),
            cell='1.%d' % minute)
    site.run()
    assert len(archived(bay1)) == 3
    assert list(carbon.points.values()) == [{1546326600: 1.10, 1546326720: 1.12, 1546326840: 1.14}]


class SlowConsumer(object):
    """Takes metrics from Diamond's queue into a carbon, slowly, as the handlers' process does."""

    def __init__(self, metrics, carbon):
        self.points = 0
        self._queue = metrics
        self._carbon = carbon
        self._thread = threading.Thread(target=self._consume)
        self._thread.start()

    def _consume(self):
        while True:
            metric = self._queue.get()
            if metric == 'end':
                return
            if metric is not None:
                self._carbon(metric)
                self.points += 1

    def end(self):
        self._queue.put('end')
        self._thread.join()


class CountingQueue(queue.Queue):
    """A queue that counts what it refuses, which Diamond then drops."""

    refused = 0

    def put(self, *args, **kwargs):
        try:
            queue.Queue.put(self, *args, **kwargs)
        except queue.Full:
            self.refused += 1
            raise


@pytest.fixture
def queued(site, carbon):
    """The site's metrics go through Diamond's own QueueHandler with room for 2.5 reports."""
    metrics = CountingQueue(maxsize=100)
    site.load()
    consumer = SlowConsumer(metrics, site.recorder._process)
    config = {'server': {'metric_queue_size': '100'}}
    site.collector.handlers = [QueueHandler(config=config, queue=metrics)]
    yield metrics
    consumer.end()


def test_nothing_is_published_that_diamonds_queue_would_drop(site, bay1, queued):
    for day in range(60):
        put(bay1, name_of_day(day), slices=18)  # 36 values
    while len(archived(bay1)) < 60:
        site.run()
    assert queued.refused == 0


class Filled(object):
    """Diamond's queue with `maxsize` places, from which nothing is taken but by the test."""

    def __init__(self, site, maxsize):
        self._queue = CountingQueue(maxsize)
        config = {'server': {'metric_queue_size': str(maxsize)}}
        site.load()
        site.collector.handlers = [QueueHandler(config=config, queue=self._queue)]

    @property
    def refused(self):
        return self._queue.refused

    def told(self):
        """The metric paths in it, which are taken out."""
        items = [self._queue.get() for _ in range(self._queue.qsize())]
        return [item.path for item in items if item is not None]


def test_what_is_said_of_many_scanners_is_said_in_turn_when_the_queue_is_small(site):
    for number in range(60):
        site.add_scanner('Site/Bay%02d' % number, 'bay%02d' % number)
    metrics = Filled(site, 100)
    told = collections.Counter()
    for _ in range(20):
        site.run()
        told.update(path for path in metrics.told() if path.endswith('.waiting'))
    assert len(told) == 60
    assert max(told.values()) - min(told.values()) <= 1
    assert metrics.refused == 0


@pytest.mark.usefixtures('quick')
def test_what_is_said_of_a_scanner_has_room_though_reports_fill_the_queue(
        site, bay1, monkeypatch):
    monkeypatch.setattr(stability_collector, '_PATIENCE', 0)
    site.settings['confirm_seconds'] = 0
    put(bay1, OLD, slices=42)  # 84 values
    put(bay1, NEW, slices=42)
    metrics = Filled(site, 100)
    site.run()
    told = metrics.told()
    assert len([path for path in told if '.SNR.' in path]) == 84
    assert len([path for path in told if '.ingest.' in path]) == 8
    assert metrics.refused == 0


def test_a_report_that_can_never_fit_stays_and_the_log_says_what_to_raise(
        site, bay1, queued, caplog):
    put(bay1, OLD, slices=50)
    put(bay1, NEW, slices=1)
    site.run()
    assert OLD in names_in(bay1)
    assert archived(bay1) == [NEW]
    (message,) = errors(caplog)
    assert 'metric_queue_size' in message


def test_a_queue_that_is_gone_is_not_taken_for_a_share_that_is(site, bay1, queued, monkeypatch):
    def refused(*args, **kwargs):
        raise IOError(111, 'Connection refused')

    put(bay1, OLD)
    monkeypatch.setattr(queued, 'qsize', refused)
    with pytest.raises(stability_collector.DiamondException, match='queue has gone'):
        site.run()
    assert names_in(bay1) == [OLD]


# -- interruptions -------------------------------------------------------------------------


class AlarmAt(object):
    """Diamond's alarm the n-th time that a line of the collector is run."""

    def __init__(self, count):
        self.count = count
        self.rang = False

    def __enter__(self):
        sys.settrace(self._trace)

    def __exit__(self, *exception):
        sys.settrace(None)

    def _trace(self, frame, event, argument):
        if not is_of_the_drop_in(frame):
            return None
        if event == 'line':
            self.count -= 1
            if self.count == 0:
                self.rang = True
                raise SIGALRMException()
        return self._trace


def test_diamonds_alarm_at_any_line_loses_and_doubles_nothing(site, bay1, carbon):
    text = report_text(slices=1)
    at = 1
    rang = True
    while rang:
        put(bay1, OLD, text)
        alarm = AlarmAt(at)
        site.load()
        try:
            with alarm:
                site.collector._run()
        except SIGALRMException:
            pass
        rang = alarm.rang
        while OLD in names_in(bay1):
            site.run()
        (name,) = archived(bay1)
        path = bay1.join('Ingested', name)
        assert path.read() == text
        assert carbon.points == {
            BAY1 + '.32.SNR.mean.1': {OLD_EPOCH: 1.15}, BAY1 + '.32.SNR.sdpct.1': {OLD_EPOCH: 1.25}}
        carbon.points.clear()
        path.remove()
        at += 7
    assert at > 300


def test_a_new_daemon_goes_on_where_the_old_one_was_killed(site, bay1, carbon, tmpdir):
    carbon.loses = lambda path, epoch: epoch == OLD_EPOCH
    put(bay1, OLD)
    put(bay1, NEW)
    site.run()
    assert archived(bay1) == [NEW]
    carbon.loses = lambda path, epoch: False
    site.collector = None
    site.run()
    assert archived(bay1) == [OLD, NEW]
    assert carbon.points[BAY1 + '.32.SNR.mean.1'] == {OLD_EPOCH: 1.15, NEW_EPOCH: 1.15}


def test_two_daemons_on_one_share_do_no_harm(site, bay1, carbon, tmpdir):
    for day in range(20):
        put(bay1, name_of_day(day))
    other = Site(tmpdir.ensure('other', dir=True))
    other.settings, other.scanners = site.settings, site.scanners
    Carbon(other).points = carbon.points
    runs = [threading.Thread(target=one.run) for one in (site, other)]
    for run in runs:
        run.start()
    for run in runs:
        run.join()
    assert archived(bay1) == [name_of_day(day) for day in range(20)]
    for one in (site, other):
        about = one.about('Harvard/Northwest/Bay1')
        assert (about['waiting'], about['unconfirmed']) == (0, 0)


def test_a_report_that_is_written_again_after_it_was_published_is_published_anew(
        site, bay1, carbon):
    carbon.loses = lambda path, epoch: True
    put(bay1, OLD, slices=1, columns=('mean',))
    site.run()
    put(bay1, OLD, slices=1, columns=('mean',), cell='7.77', age=100)
    carbon.loses = lambda path, epoch: False
    while not archived(bay1):
        site.run()
    assert carbon.points == {BAY1 + '.32.SNR.mean.1': {OLD_EPOCH: 7.77}}


def test_a_full_disk_on_the_move_loses_nothing(site, bay1, carbon, monkeypatch, caplog):
    ways = stability_folder._WAYS

    def full(old, new):
        raise OSError(28, 'No space left on device')

    monkeypatch.setattr(stability_folder, '_WAYS', [(full, lambda error: True)])
    put(bay1, OLD)
    assert len(site.run()) == 4
    assert OLD in names_in(bay1)
    (message,) = errors(caplog)
    assert 'No space left on device' in message
    monkeypatch.setattr(stability_folder, '_WAYS', ways)
    while not archived(bay1):
        assert site.run() == []
    assert archived(bay1) == [OLD]
