# coding=utf-8
"""What shares, scanners and servers in the field do, and what becomes of the reports then."""
import collections
import errno
import itertools
import os
import threading
import time

import pytest
from diamond.utils.signals import SIGALRMException
from render import whisper
from reports import report_text
from sites import (
    NEW,
    NEW_EPOCH,
    OLD,
    OLD_EPOCH,
    archived,
    errors,
    hurry,
    names_in,
    put,
    warnings,
)

import stability_collector
import stability_confirmation
import stability_errand
import stability_folder
import stability_report
import stability_share

BAY1 = 'diamond.virtual.testhost.StabilityCollector.Harvard.Northwest.Bay1'
LOCATION = 'Harvard/Northwest/Bay1'


# -- one file's trouble --------------------------------------------------------------------


@pytest.mark.parametrize('number', [errno.EACCES, errno.EIO, errno.ESTALE, errno.EBUSY])
@pytest.mark.parametrize('function', ['lstat', 'open'])
def test_a_file_that_the_system_refuses_keeps_no_other_back_and_is_told_once(
        site, bay1, caplog, monkeypatch, function, number):
    original = getattr(os, function)

    def refuse(path, *args, **kwargs):
        if os.path.basename(str(path)) == OLD:
            raise OSError(number, os.strerror(number))
        return original(path, *args, **kwargs)

    put(bay1, OLD)
    put(bay1, NEW)
    monkeypatch.setattr(os, function, refuse)
    assert {int(epoch) for _, _, epoch in site.run()} == {NEW_EPOCH}
    put(bay1, 'Stability_20240402T000000.txt')
    assert len(site.run()) == 4
    assert site.about(LOCATION)['unreadable'] == 1
    (message,) = errors(caplog)
    assert OLD in message
    assert os.strerror(number) in message
    monkeypatch.setattr(os, function, original)
    assert {int(epoch) for _, _, epoch in site.run()} == {OLD_EPOCH}
    assert site.about(LOCATION)['unreadable'] == 0


def test_a_scan_of_the_future_that_can_be_read_again_is_not_called_unreadable_nor_young(
        site, bay1, caplog, monkeypatch):
    def refuse(path, *args):
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    put(bay1, 'Stability_21050101T000000.txt')
    with monkeypatch.context() as patch:
        patch.setattr(stability_folder.Folder, 'reader', refuse)
        site.run()
    assert site.about(LOCATION)['unreadable'] == 1
    site.run()
    assert 'of the future' in errors(caplog)[1]
    assert site.about(LOCATION)['unreadable'] == 0
    assert site.collector.left_alone() == []


# -- a share that never answers ------------------------------------------------------------


class Stuck(object):
    """Errands that do not come back before they are let go. All others are waited for, however
    busy the machine is.
    """

    def __init__(self, monkeypatch):
        self._errands = set()
        self._may_go = threading.Event()
        monkeypatch.setattr(stability_errand, '_PATIENCE', 0)
        monkeypatch.setattr(
            stability_errand.Errand, 'join', lambda errand, seconds: self._join(errand))

    def _join(self, errand):
        while errand.is_alive() and errand not in self._errands:
            threading.Thread.join(errand, 0.01)

    def wait(self):
        """Called by an errand."""
        errand = threading.current_thread()
        self._errands.add(errand)
        self._may_go.wait()
        self._errands.discard(errand)

    def __len__(self):
        return len(self._errands)

    def let_go(self):
        """Returns when all are back."""
        errands = list(self._errands)
        self._may_go.set()
        for errand in errands:
            threading.Thread.join(errand)


@pytest.fixture
def stuck(monkeypatch):
    stuck = Stuck(monkeypatch)
    yield stuck
    stuck.let_go()


@pytest.fixture
def hanging(monkeypatch, stuck):
    """Folders of which no listing ends before the test does: {path: how many were begun}."""
    folders = {}
    listdir = os.listdir

    def hang(path):
        folder = os.path.realpath(path)
        if folder in folders:
            folders[folder] += 1
            stuck.wait()
        return listdir(path)

    monkeypatch.setattr(os, 'listdir', hang)
    yield folders
    folders.clear()


def test_a_share_that_never_answers_keeps_no_other_back(site, bay1, hanging, caplog):
    put(site.add_scanner('Yale', 'yale'), NEW)
    put(bay1, OLD)
    hanging[str(bay1)] = 0
    assert {int(epoch) for _, _, epoch in site.run()} == {NEW_EPOCH}
    put(site.folder.join('yale'), OLD)
    assert {int(epoch) for _, _, epoch in site.run()} == {OLD_EPOCH}
    (message,) = errors(caplog)
    assert str(bay1) in message
    assert 'does not answer' in message
    assert site.about('Yale')['stuck_seconds'] == 0


def test_a_share_that_never_answers_keeps_no_other_back_in_runs_of_a_second(
        site, bay1, hanging, caplog, monkeypatch, clock):
    monkeypatch.setattr(stability_errand, '_PATIENCE', 5)
    monkeypatch.setattr(stability_collector, 'time_left', lambda: 0.3)
    put(site.add_scanner('Yale', 'yale'), NEW)
    hanging[str(bay1)] = 0
    assert {int(epoch) for _, _, epoch in site.run()} == {NEW_EPOCH}
    assert errors(caplog) == []  # it may only be slow
    clock.now += 1
    for _ in range(3):
        site.run()
    (message,) = errors(caplog)
    assert 'does not answer' in message
    assert site.about(LOCATION)['stuck_seconds'] == 1


def test_for_how_long_a_share_has_not_answered_is_published(site, bay1, hanging, clock):
    hanging[str(bay1)] = 0
    site.run()
    clock.now += 100
    site.run()
    assert site.about(LOCATION) == {'stuck_seconds': 100}


def test_only_one_look_at_a_time_hangs_in_a_share(site, bay1, hanging):
    hanging[str(bay1)] = 0
    for _ in range(5):
        site.run()
    assert hanging[str(bay1)] == 1


def open_paths():
    for name in os.listdir('/proc/self/fd'):
        try:
            yield os.readlink('/proc/self/fd/' + name)
        except OSError:  # that of the listing itself
            pass


def test_a_share_that_answers_again_is_gone_on_with_and_leaves_no_file_open(
        site, bay1, hanging, stuck):
    site.load()
    put(bay1, OLD)
    hanging[str(bay1)] = 0
    assert site.run() == []
    stuck.let_go()
    lines = site.run()
    while not lines:
        lines = site.run()
    assert len(lines) == 4
    assert [path for path in open_paths() if path.startswith(str(bay1))] == []


@pytest.fixture
def held(monkeypatch, stuck):
    """`held(module, function, *names)`: of files of these names it does not return before all that
    is stuck is let go.
    """
    def hold(module, function, *names):
        original = getattr(module, function)

        def wait(path, *args, **kwargs):
            if os.path.basename(str(path)) in names:
                stuck.wait()
            return original(path, *args, **kwargs)

        monkeypatch.setattr(module, function, wait)

    return hold


def run_until(site, is_so):
    while not is_so():
        site.run()


@pytest.mark.parametrize('function', ['lstat', 'open'])
def test_a_file_that_never_answers_keeps_no_other_back_and_is_told_once(
        site, bay1, held, stuck, caplog, function):
    yale = site.add_scanner('Yale', 'yale')
    put(yale, OLD.replace('09', '08'))
    put(bay1, OLD)
    put(bay1, NEW)
    held(os, function, OLD)
    run_until(site, lambda: archived(yale) and archived(bay1) == [NEW])
    run_until(site, lambda: site.about(LOCATION).get('unreadable') == 1)
    put(bay1, 'Stability_20240402T000000.txt')
    run_until(site, lambda: len(archived(bay1)) == 2)
    (message,) = [each for each in errors(caplog) if OLD in each]
    assert 'does not answer' in message
    stuck.let_go()
    run_until(site, lambda: OLD in archived(bay1))
    run_until(site, lambda: site.about(LOCATION).get('unreadable') == 0)


def test_an_archived_report_that_never_answers_keeps_no_other_back_and_is_told_once(
        site, bay1, held, stuck, caplog, monkeypatch):
    monkeypatch.setattr(stability_report, 'SECTIONS', ('SI', 'SNR'))
    hung = 'Stability_20180101T000000.txt'
    put(bay1.ensure('Ingested', dir=True), hung)
    put(bay1, OLD)
    put(bay1, NEW, sections=('SI', 'SNR'))
    held(os, 'open', hung)  # which says what sections the coil has
    run_until(site, lambda: NEW in archived(bay1))
    run_until(site, lambda: site.about(LOCATION).get('unreadable') == 1)
    (message,) = [each for each in errors(caplog) if OLD in each]
    assert 'does not answer' in message
    stuck.let_go()
    run_until(site, lambda: OLD in archived(bay1))


def test_a_share_that_dies_in_the_middle_of_a_run_keeps_no_other_back(
        site, bay1, held, stuck, caplog):
    yale = site.add_scanner('Yale', 'yale')
    put(yale, NEW)
    put(bay1, OLD)
    put(bay1, 'Stability_20240402T000000.txt')
    held(os, 'lstat', OLD, '.')
    run_until(site, lambda: archived(yale) and errors(caplog))
    assert archived(bay1) == []
    assert any('%r cannot be used' % str(bay1) in message for message in errors(caplog))
    stuck.let_go()
    run_until(site, lambda: len(archived(bay1)) == 2)


class AlarmAt(object):
    """Diamond's alarm just as the n-th errand has begun."""

    def __init__(self, count, monkeypatch):
        self.count = count
        self.rang = False
        monkeypatch.setattr(stability_errand.Errand, 'start', lambda errand: self._start(errand))

    def _start(self, errand):
        threading.Thread.start(errand)
        self.count -= 1
        if self.count == 0:
            self.rang = True
            raise SIGALRMException()


@pytest.mark.parametrize(('text', 'name'), [(None, 'ingested'), ('nonsense\n', 'rejected')])
def test_a_move_that_has_just_begun_when_a_run_is_cut_short_is_on_record(
        site, bay1, monkeypatch, text, name):
    at = 0
    rang = True
    while rang:
        at += 1
        report = put(bay1, OLD, text)
        site.load()
        with monkeypatch.context() as patch:
            alarm = AlarmAt(at, patch)
            try:
                site.collector._run()
            except SIGALRMException:
                pass
        rang = alarm.rang
        site.run()
        run_until(site, lambda: site.about(LOCATION).get(name))
        assert site.about(LOCATION)[name] == 1
        assert not report.check()
        for folder in bay1.listdir():
            folder.remove()
    assert at > 3


@pytest.mark.parametrize(('text', 'name', 'count'), [
    (None, 'ingested', 2), ('nonsense\n', 'rejected', 1)])
def test_a_move_that_takes_longer_than_anybody_waits_is_on_record(
        site, bay1, held, stuck, monkeypatch, caplog, text, name, count):
    held(stability_folder, '_rename_if_free', OLD)
    way = stability_folder._rename_if_free, lambda error: True
    monkeypatch.setattr(stability_folder, '_WAYS', (way,))
    put(bay1, OLD, text)
    put(bay1, NEW)
    run_until(site, lambda: archived(bay1) == [NEW])
    assert any('does not answer' in message for message in errors(caplog))
    stuck.let_go()
    run_until(site, lambda: site.about(LOCATION).get(name) == count)


def test_what_is_gone_on_with_may_ask_again_what_has_come_back_too(tmpdir):
    """As when a move ends, a look at the file that was moved does not, and so the folder is asked.
    """
    left = [float('inf')]
    may_answer = threading.Event()
    errands = stability_errand.Errands(lambda: left[0])
    errands.open(lambda: (stability_folder.Folder(str(tmpdir)), ()))
    left[0] = 0
    for what, name, go_on in (('move', OLD, errands.ask_of_all), ('status', '.', None)):
        with pytest.raises(stability_errand.NoAnswer):
            errands.ask(what, name, lambda folder: may_answer.wait(), go_on)
    may_answer.set()
    for thread in threading.enumerate():
        if isinstance(thread, stability_errand.Errand):
            thread.join()
    errands.go_on([])
    errands.close()


# -- a slow Graphite -----------------------------------------------------------------------


class Slow(object):
    """Makes a server's answers take longer than a run may last."""

    def __init__(self, server):
        self._answer = server.answer
        self._may_answer = threading.Event()
        self.asked = threading.Event()
        server.answer = self

    def __call__(self, query):
        self.asked.set()
        self._may_answer.wait()
        return self._answer(query)

    def let_go(self):
        self._may_answer.set()


@pytest.fixture
def carbon(site, server, monkeypatch):
    """Keeps what the site's handler gets, in slots of 10 minutes: {path: {epoch: value}}."""
    hurry(monkeypatch)
    points = {}
    process = site.recorder._process

    def receive(metric):
        process(metric)
        path, value, epoch = str(metric).split()
        if '.ingest.' not in path:
            series = points.setdefault(path, collections.OrderedDict())
            series.pop(int(epoch), None)  # of a slot, what comes last stays
            series[int(epoch)] = float(value)

    site.recorder._process = receive
    server.answer = whisper(points, 600)
    site.settings.update(graphite_url=server.url, confirm_seconds=0)
    return points


def test_an_answer_that_takes_longer_than_a_run_is_waited_for_in_the_next(
        site, bay1, carbon, server, monkeypatch, caplog):
    monkeypatch.setattr(stability_confirmation, '_SLOW', 0)
    ends = [0.0]
    monkeypatch.setattr(stability_collector, 'time_left', lambda: ends[0] - time.time())
    slow = Slow(server)

    def run():
        ends[0] = time.time() + 0.5  # as Diamond would end it
        return site.run()

    put(bay1, OLD)
    lines = run()
    while not warnings(caplog):
        lines += run()
    assert len(lines) == 4  # not published again
    assert len(server.requests) <= 1
    assert archived(bay1) == []
    assert len([each for each in warnings(caplog) if 'has not answered' in each]) == 1
    slow.let_go()
    while not archived(bay1):
        assert run() == []


def test_less_is_asked_at_once_of_a_slow_graphite(site, bay1, carbon, server, monkeypatch):
    monkeypatch.setattr(stability_confirmation, '_SLOW', -1)
    for day in range(1, 29):
        put(bay1, 'Stability_201901%02dT070000.txt' % day, slices=1)
    site.run()
    while len(archived(bay1)) < 28:
        site.run()
    assert site.collector._confirmation._most_at_once < stability_confirmation._MOST_AT_ONCE / 5


# -- slots and who has them ----------------------------------------------------------------


def test_two_coils_of_one_name_go_one_after_the_other_and_the_later_scan_stays(
        site, bay1, carbon, server):
    server.answer = whisper(carbon, 3600)
    site.coils.update({'48': '64', '64': '64'})
    earlier, later = 'Stability_20190101T070500.txt', 'Stability_20190101T073000.txt'
    put(bay1, earlier, channels=48, slices=1, columns=('mean',), cell='1.50')
    put(bay1, later, channels=64, slices=1, columns=('mean',), cell='2.50')
    lines = site.run()
    assert archived(bay1) == [earlier, later]
    assert [value for _, value, _ in lines] == ['1.50', '2.50']


def test_an_earlier_scan_that_was_late_does_not_take_the_place_of_a_later_one(
        site, bay1, carbon, server, caplog):
    answer = whisper(carbon, 3600)
    server.answer = lambda query: (200, {}, b'[]')
    earlier, later = 'Stability_20190101T070500.txt', 'Stability_20190101T073000.txt'
    put(bay1, earlier, slices=1, columns=('mean',), cell='1.50')
    lines = site.run()
    put(bay1, later, slices=1, columns=('mean',), cell='2.50')
    while '2.50' not in [value for _, value, _ in lines]:
        lines = site.run()
    # Of a slot carbon keeps what came last.
    path = BAY1 + '.32.SNR.mean.1'
    carbon[path] = {1546326000: 2.5}
    server.answer = answer
    lines = []
    while later not in archived(bay1) or earlier not in archived(bay1):
        lines += site.run()
    assert '1.50' not in [value for _, value, _ in lines]
    assert any('later scan' in message for message in warnings(caplog))


@pytest.mark.parametrize(('step', 'is_taken'), [(3600, True), (600, False)],
                         ids=['one slot', 'two slots'])
def test_an_earlier_scan_that_comes_after_a_later_one_was_archived_leaves_it_its_slot(
        site, bay1, carbon, server, caplog, step, is_taken):
    server.answer = whisper(carbon, step)
    earlier, later = 'Stability_20190101T070500.txt', 'Stability_20190101T073000.txt'
    put(bay1, later, slices=1, columns=('mean',), cell='2.50')
    site.run()
    site.collector = None
    put(bay1, earlier, slices=1, columns=('mean',), cell='1.50')
    put(bay1, 'Stability_20190101T071000.txt', channels=20)  # of no coil of ours
    lines = site.run()
    while earlier not in archived(bay1):
        lines += site.run()
    assert [value for _, value, _ in lines] == ([] if is_taken else ['1.50'])
    assert any(later in message for message in warnings(caplog)) == is_taken
    assert not [message for message in errors(caplog) if earlier in message]


def test_of_two_scans_at_one_time_the_one_that_is_later_by_the_scanners_clock_stays(
        site, bay1, carbon):
    """As in the hour that summer time leaves out, on a scanner that knows nothing of it."""
    site.settings['timezone'] = 'America/New_York'
    earlier, later = 'Stability_20190310T021500.txt', 'Stability_20190310T031500.txt'
    put(bay1, later, slices=1, columns=('mean',), cell='2.50')
    assert len(site.run()) == 1
    put(bay1, earlier, slices=1, columns=('mean',), cell='1.50')
    lines = []
    while earlier not in archived(bay1):
        lines += site.run()
    assert lines == []


def with_archives(points, now):
    """Answers as whisper over 10 minutes for a year, then hours: by the age of `from`."""
    def answer(query):
        is_fine = now - int(query['from']) <= 365 * 86400
        return whisper(points, 600 if is_fine else 3600)(query)
    return answer


def test_a_scan_is_confirmed_in_the_archive_that_holds_it(site, bay1, carbon, server):
    """Where it is a day younger than what the first of two archives keeps, and another scan has
    its place in the second.
    """
    now = time.time()
    first = (int(now - 364.2 * 86400) // 3600) * 3600 + 100
    server.answer = with_archives(carbon, now)
    for epoch, value in ((first, '1.50'), (first + 1800, '2.50')):
        put(bay1, time.strftime('Stability_%Y%m%dT%H%M%S.txt', time.gmtime(epoch)), slices=1,
            columns=('mean',), cell=value)
    site.run()
    assert len(archived(bay1)) == 2


# -- moves ---------------------------------------------------------------------------------

WAYS = [stability_folder._rename_if_free, stability_folder._link_and_unlink,
        stability_folder._reserve_and_rename]


@pytest.fixture(params=WAYS, ids=lambda way: way.__name__.strip('_'))
def way(request, monkeypatch):
    """The one way in which files can be moved: what comes before it is not possible."""
    monkeypatch.setattr(stability_folder, '_WAYS', ((request.param, lambda error: True),))
    return request.param


@pytest.mark.usefixtures('way')
def test_a_report_is_archived_whatever_way_of_moving_the_share_has(site, bay1):
    put(bay1, OLD)
    assert len(site.run()) == 4
    assert archived(bay1) == [OLD]
    assert names_in(bay1) == ['Ingested']


@pytest.mark.parametrize('way', WAYS[:2], ids=lambda way: way.__name__.strip('_'))
def test_what_comes_into_the_archive_in_the_last_moment_is_not_overwritten(
        site, bay1, monkeypatch, way):
    """The last way keeps the name only from those who look before they write."""
    archive = bay1.ensure('Ingested', dir=True)

    def late(old, new):
        if not archive.join(OLD).check():
            archive.join(OLD).write('of somebody else')
        way(old, new)

    monkeypatch.setattr(stability_folder, '_WAYS', ((late, lambda error: True),))
    put(bay1, OLD)
    site.run()
    assert archive.join(OLD).read() == 'of somebody else'
    assert archive.join(OLD[:-4] + '.1.txt').read() == report_text()


@pytest.mark.parametrize('number', [errno.ENOENT, errno.EIO])
@pytest.mark.parametrize('text', [None, 'nonsense\n'], ids=['archived', 'rejected'])
def test_a_move_that_the_server_did_and_denies_is_seen(site, bay1, monkeypatch, caplog, text,
                                                       number):
    def deny(old, new):
        os.rename(old, new)
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(stability_folder, '_WAYS', ((deny, lambda error: True),))
    put(bay1, OLD, text)
    site.run()
    about = site.about(LOCATION)
    if text is None:
        assert archived(bay1) == [OLD]
        assert about['ingested'] == 1
        assert errors(caplog) == []
    else:
        assert names_in(bay1.join('Rejected')) == [OLD, OLD + '.reason.txt']
        assert about['rejected'] == 1


def test_a_report_that_somebody_has_open_is_archived_when_it_is_closed(
        site, bay1, monkeypatch, caplog):
    hurry(monkeypatch)
    ways = stability_folder._WAYS

    def busy(old, new):
        raise OSError(errno.EBUSY, os.strerror(errno.EBUSY))

    monkeypatch.setattr(stability_folder, '_WAYS', ((busy, lambda error: True),))
    put(bay1, OLD)
    assert len(site.run()) == 4
    assert bay1.join(OLD).check()
    assert 'cannot be moved' in errors(caplog)[0]
    monkeypatch.setattr(stability_folder, '_WAYS', ways)
    while not archived(bay1):
        assert site.run() == []


def test_a_move_that_ended_between_its_two_names_is_ended_by_the_next(site, bay1):
    """As when the daemon is killed between giving the new name and taking the old."""
    put(bay1, OLD)
    os.link(str(bay1.join(OLD)), str(bay1.ensure('Ingested', dir=True).join(OLD)))
    site.run()
    assert archived(bay1) == [OLD]
    assert names_in(bay1) == ['Ingested']


# -- what shares say of files --------------------------------------------------------------


class Status(object):
    """A status with some of its numbers changed."""

    def __init__(self, status, **changed):
        self._status = status
        self.__dict__.update(changed)

    def __getattr__(self, name):
        return getattr(self._status, name)


@pytest.fixture
def habit(monkeypatch, request):
    """The share says of each file what the parameter, a function, makes of the truth."""
    def as_the_share_says(original):
        def said(path):
            status = original(path)
            return Status(status, **request.param(status))
        return said

    for name in ('lstat', 'fstat'):
        monkeypatch.setattr(os, name, as_the_share_says(getattr(os, name)))


inodes = itertools.count(1000)


@pytest.mark.parametrize('habit', [
    lambda status: {'st_ino': next(inodes)},
    lambda status: {'st_nlink': 2},
    lambda status: {'st_ctime': status.st_mtime},
    lambda status: {'st_ino': 0, 'st_dev': 0},
], ids=['another inode at each look', 'two names', 'ctime is mtime', 'no inodes'], indirect=True)
@pytest.mark.usefixtures('habit')
def test_reports_are_archived_on_shares_without_the_habits_of_posix(site, bay1, carbon):
    put(bay1, OLD)
    put(bay1, NEW, 'nonsense\n')
    assert len(site.run()) == 4
    assert archived(bay1) == [OLD]
    assert NEW in names_in(bay1.join('Rejected'))


# -- configuration -------------------------------------------------------------------------


@pytest.mark.parametrize(('key', 'meant'), [
    ('grapite_url', 'graphite_url'), ('Timezone', 'timezone'), ('settle_second', 'settle_seconds'),
    ('scaners', 'scanners'),
])
def test_a_key_that_nobody_knows_is_refused_and_the_likely_one_named(site, bay1, key, meant):
    site.settings[key] = 'x'
    with pytest.raises(stability_collector.DiamondException, match='did you mean %s' % meant):
        site.load()


@pytest.mark.parametrize(('section', 'meant'), [
    ('scanner', 'scanners'), ('Scanners', 'scanners'), ('coil', 'coils')])
def test_a_section_that_nobody_knows_is_refused_and_the_likely_one_named(tmpdir, section, meant):
    conf = tmpdir.join('diamond.conf')
    conf.write('[server]\n[collectors]\n[[StabilityCollector]]\n[[[%s]]]\na = /b\n' % section)
    with pytest.raises(stability_collector.DiamondException, match='did you mean %s' % meant):
        stability_collector.StabilityCollector(configfile=str(conf))


@pytest.mark.parametrize('location', ['Harvard/control/Bay1', 'ingest', 'A/ingest'])
def test_a_location_has_no_level_of_our_own_names(site, location):
    site.add_scanner(location, 'bay')
    with pytest.raises(stability_collector.DiamondException, match='ingest'):
        site.load()


@pytest.mark.parametrize(('key', 'value'), [
    ('interval', '5m'), ('interval', '0'), ('interval', '-1'), ('ttl_multiplier', 'two'),
    ('metrics_whitelist', '*.SNR'), ('metrics_blacklist', '('), ('measure_collector_time', 'maybe'),
    ('graphite_url', u'http://graphite/gr\u00e4fin'), ('graphite_url', 'http://%s/' % ('a' * 64)),
    ('graphite_url', 'http://a b/'), ('hostname_method', 'magic'),
    ('path_suffix', 'a b'), ('path_prefix', u'Z\u00fcrich'), ('path', 'a*'),
    ('reject_dir', 'ingested'),
])
def test_what_diamond_or_a_request_would_stumble_over_is_refused_with_its_key(tmpdir, key, value):
    conf = tmpdir.join('diamond.conf')
    text = u'[server]\n[collectors]\n[[StabilityCollector]]\n%s = "%s"\n' % (key, value)
    conf.write_binary(text.encode('utf-8'))
    with pytest.raises(stability_collector.DiamondException, match=key):
        stability_collector.StabilityCollector(configfile=str(conf))


def test_a_reload_with_a_refused_value_goes_on_as_before_and_is_told_once(
        site, bay1, caplog):
    put(bay1, OLD, sections=('SI', 'SNR'))
    site.load()
    site.settings['timezone'] = 'Boston'
    site.load()
    (message,) = errors(caplog)
    assert 'timezone' in message
    assert 'the old one goes on' in message
    assert len(site.run()) == 8
    site.settings['timezone'] = 'America/New_York'
    site.load()
    put(bay1, NEW, sections=('SI', 'SNR'))
    assert {int(epoch) for _, _, epoch in site.run()} == {NEW_EPOCH + 4 * 3600}


def test_names_with_umlauts_are_the_same_on_every_python():
    name = u'Z\u00fcrich'
    assert stability_report.metric_name(name) == 'Z_rich'
    assert stability_report.metric_name(name.encode('utf-8')) == 'Z_rich'
    assert stability_report.location_path(u'Z\u00fcrich/Bay1') == 'Z_rich.Bay1'


# -- causes --------------------------------------------------------------------------------


def told_of_missing(site, caplog):
    while not errors(caplog):
        site.run()
    return errors(caplog)[0]


def test_a_scan_ahead_of_the_clock_is_said_to_be(site, bay1, carbon, server, caplog):
    server.answer = lambda query: (200, {}, b'[]')
    ahead = time.gmtime(time.time() + 5 * 3600)
    put(bay1, time.strftime('Stability_%Y%m%dT%H%M%S.txt', ahead), sections=('SI', 'SNR'))
    assert 'ahead of this machine' in told_of_missing(site, caplog)


def test_another_value_in_the_place_of_a_point_is_said_to_be_there(
        site, bay1, carbon, server, caplog):
    others = {}
    server.answer = whisper(others, 600)
    put(bay1, OLD, slices=1, columns=('mean',), sections=('SI', 'SNR'))
    others[BAY1 + '.32.SI.mean.1'] = {OLD_EPOCH: 7.5}
    assert '1 have another value in their place' in told_of_missing(site, caplog)


def test_no_more_is_published_than_can_wait_while_graphite_fails(
        site, bay1, carbon, server, monkeypatch, caplog):
    monkeypatch.setattr(stability_share, '_MOST_PUBLISHED', 10)
    monkeypatch.setattr(stability_confirmation, '_MOST_AT_ONCE', 2)
    server.answer = lambda query: (500, {}, b'')
    for day in range(1, 29):
        put(bay1, 'Stability_201901%02dT070000.txt' % day, slices=1, columns=('mean',),
            sections=('SI', 'SNR'))
    lines = []
    for _ in range(5):
        lines += site.run()
    assert len(lines) == 10 * 2
    assert len(errors(caplog)) < len(server.requests)
