# coding=utf-8
"""What the collector does to a scanner's folder, and what it hands to Diamond's handlers."""
import grp
import itertools
import logging
import os
import re
import signal
import time

import pytest
from diamond.error import DiamondException
from diamond.utils.signals import SIGALRMException
from reports import report_text
from sites import NEW, NEW_EPOCH, OLD, OLD_EPOCH, errors, names_in, put, warnings

from stability_collector import StabilityCollector

# -- the golden report ---------------------------------------------------------------------


@pytest.fixture
def real_report_in_bay1(real_report, bay1):
    with open(real_report, 'rb') as stream:
        put(bay1, OLD, stream.read().decode('ascii'))


@pytest.mark.usefixtures('real_report_in_bay1')
def test_with_two_decimals_every_line_is_what_the_2018_collector_sent(site, golden_lines):
    site.settings['precision'] = 2
    assert site.run() == golden_lines


@pytest.mark.usefixtures('real_report_in_bay1')
def test_every_value_is_sent_as_the_scanner_wrote_it(site, golden_lines, real_report):
    with open(real_report) as stream:
        rows = [line.split()[1:] for line in stream if re.match(r'\s*[0-9]', line)]
    cells = [cell.lstrip('+') for cell in itertools.chain.from_iterable(rows)]
    assert len(cells) == 448
    assert site.run() == [(path, cell, epoch)
                          for (path, _, epoch), cell in zip(golden_lines, cells)]


# -- what is sent --------------------------------------------------------------------------


def test_a_path_is_prefix_location_coil_section_column_slice(site, bay1):
    site.coils = {'48': '64'}
    put(bay1, NEW, slices=1, channels=48)
    assert site.run() == [
        ('diamond.virtual.testhost.StabilityCollector.Harvard.Northwest.Bay1.64.SNR.mean.1',
         '1.15', str(NEW_EPOCH)),
        ('diamond.virtual.testhost.StabilityCollector.Harvard.Northwest.Bay1.64.SNR.sdpct.1',
         '1.25', str(NEW_EPOCH))]


def test_the_time_zone_is_that_of_the_scanners(site, bay1):
    site.settings['timezone'] = 'America/New_York'
    put(bay1, OLD)
    assert {epoch for _, _, epoch in site.run()} == {str(OLD_EPOCH + 4 * 3600)}


def test_the_oldest_scan_is_sent_first_whatever_the_form_of_its_name(site, bay1):
    between = 'Stability_20200101T000000.txt'
    for name in (NEW, between, OLD, 'Stability_2019-01-01T00-00-00.txt'):
        put(bay1, name, slices=1, columns=('mean',))
    epochs = [int(epoch) for _, _, epoch in site.run()]
    assert len(epochs) == 4
    assert epochs == sorted(epochs)


def test_each_scanner_has_its_own_location(site, bay1):
    put(bay1, OLD, slices=1, columns=('mean',))
    put(site.add_scanner('Yale/Bay #2', 'bay2'), OLD, slices=1, columns=('mean',))
    assert [path.split('.StabilityCollector.')[1] for path, _, _ in site.run()] == [
        'Harvard.Northwest.Bay1.32.SNR.mean.1', 'Yale.Bay__2.32.SNR.mean.1']


def test_a_cell_without_a_number_is_not_sent_and_counted_in_the_log(site, bay1, caplog):
    caplog.set_level(logging.INFO)
    put(bay1, OLD, report_text(slices=1).replace('1.15', '-1.#IND'))
    assert [value for _, value, _ in site.run()] == ['1.25']
    assert '1 point published, 1 without a number' in caplog.text


def test_diamonds_whitelist_is_honoured(site, bay1):
    site.settings['metrics_whitelist'] = r'.*\.SNR\.mean\.'
    put(bay1, OLD)
    assert [value for _, value, _ in site.run()] == ['1.15', '2.15']


def test_diamonds_blacklist_is_honoured(site, bay1):
    site.settings['metrics_blacklist'] = r'.*\.SNR\.mean\.'
    put(bay1, OLD)
    assert [value for _, value, _ in site.run()] == ['1.25', '2.25']


@pytest.mark.parametrize('has_method', [True, False])
@pytest.mark.parametrize(('key', 'values'), [
    ('metrics_whitelist', ['1.15', '2.15', '2.25']), ('metrics_blacklist', ['1.25'])])
def test_lists_of_regexes_as_in_diamonds_forks_are_honoured(site, bay1, key, values, has_method):
    put(bay1, OLD)
    site.load()
    patterns = [re.compile(r'.*\.mean\.'), re.compile(r'.*\.2$')]
    if has_method:
        def metric_allowed(name):
            return (key == 'metrics_whitelist') == any(regex.match(name) for regex in patterns)
        site.collector.metric_allowed = metric_allowed
    else:
        site.collector.config[key] = patterns
    assert [value for _, value, _ in site.run()] == values


# -- the archive ---------------------------------------------------------------------------


def test_a_published_report_moves_into_the_archive_as_it_was(site, bay1):
    path = put(bay1, OLD)
    content, changed = path.read_binary(), path.mtime()
    assert site.run()
    assert names_in(bay1) == ['Ingested']
    archived = bay1.join('Ingested', OLD)
    assert archived.read_binary() == content
    assert archived.mtime() == changed
    assert site.run() == []


@pytest.mark.parametrize('name', ['done', 'Stability archive'])
def test_the_archive_has_the_configured_name(site, bay1, caplog, name):
    site.settings['ingest_dir'] = name
    put(bay1, OLD)
    site.run()
    site.run()
    assert names_in(bay1.join(name)) == [OLD]
    assert warnings(caplog) == []


def test_a_name_that_is_taken_in_the_archive_is_not_overwritten(site, bay1):
    for number in range(3):
        put(bay1, OLD, slices=number + 1)
        site.run()
    archive = bay1.join('Ingested')
    stem = OLD[:-len('.txt')]
    assert {name: archive.join(name).read() for name in names_in(archive)} == {
        OLD: report_text(slices=1),
        stem + '.1.txt': report_text(slices=2),
        stem + '.2.txt': report_text(slices=3)}


def test_a_report_that_is_sent_again_every_night_is_kept_once_more_and_told(site, bay1, caplog):
    for _ in range(2):
        put(bay1, OLD)
        assert len(site.run()) == 4
    put(bay1, OLD)
    for _ in range(3):
        assert site.run() == []
    stem = OLD[:-len('.txt')]
    assert names_in(bay1.join('Ingested')) == [stem + '.duplicate.txt', OLD]
    assert bay1.join(OLD).check()
    (message,) = errors(caplog)
    assert 'is archived already' in message


def test_a_corrected_report_that_is_sent_again_every_night_is_kept_once_more_and_told(
        site, bay1, caplog):
    put(bay1, OLD, slices=1)
    site.run()
    for _ in range(3):
        put(bay1, OLD)
        site.run()
    site.run()
    stem = OLD[:-len('.txt')]
    assert names_in(bay1.join('Ingested')) == [stem + '.1.txt', stem + '.2.txt', OLD]
    (message,) = errors(caplog)
    assert 'is archived already' in message


def test_another_report_of_a_name_that_was_sent_twice_is_published(site, bay1):
    for _ in range(3):
        put(bay1, OLD)
        site.run()
    put(bay1, OLD, slices=1)
    assert len(site.run()) == 2
    assert OLD[:-len('.txt')] + '.1.txt' in names_in(bay1.join('Ingested'))


@pytest.mark.parametrize('make', [os.mkdir, os.mkfifo, lambda path: os.symlink('/etc/hosts', path)],
                         ids=['folder', 'fifo', 'symbolic link'])
def test_whatever_has_the_name_in_the_archive_stays(site, bay1, make):
    make(str(bay1.ensure('Ingested', dir=True).join(OLD)))
    put(bay1, OLD)
    assert len(site.run()) == 4
    assert names_in(bay1.join('Ingested')) == [OLD[:-len('.txt')] + '.1.txt', OLD]


def test_archived_reports_get_the_configured_mode_and_group(site, bay1):
    group = grp.getgrgid(os.getgroups()[0] if os.getgroups() else os.getgid())
    site.settings.update(archive_mode='0640', archive_group=group.gr_name)
    put(bay1, OLD)
    site.run()
    status = os.stat(str(bay1.join('Ingested', OLD)))
    assert status.st_mode & 0o7777 == 0o640
    assert status.st_gid == group.gr_gid


def test_an_archive_that_is_a_link_is_not_followed(site, bay1, tmpdir, caplog):
    elsewhere = tmpdir.ensure('elsewhere', dir=True)
    bay1.join('Ingested').mksymlinkto(elsewhere)
    put(bay1, OLD)
    put(site.add_scanner('Other', 'other'), NEW)
    assert len(site.run()) == 8
    assert names_in(elsewhere) == []
    assert OLD in names_in(bay1)
    assert "cannot be moved into 'Ingested'" in errors(caplog)[0]


def test_a_report_that_cannot_be_archived_stays_and_is_told_once(site, bay1, caplog):
    put(bay1, OLD)
    bay1.join('Ingested').write('a file, no folder')
    assert len(site.run()) == 4
    assert site.run() == []
    assert OLD in names_in(bay1)
    (message,) = errors(caplog)
    assert 'cannot be moved' in message
    bay1.join('Ingested').remove()
    while OLD in names_in(bay1):
        assert site.run() == []
    assert names_in(bay1.join('Ingested')) == [OLD]


# -- what is left alone --------------------------------------------------------------------


def test_other_names_are_left_alone(site, bay1, caplog):
    for name in ('notes.txt', 'Stability_1.txt', OLD + '.part', 'Stability_20180910T090910.txt\n',
                 'Other_20180910T090910.txt'):
        put(bay1, name)
    before = names_in(bay1)
    assert site.run() == []
    assert names_in(bay1) == before
    assert errors(caplog) == []


@pytest.mark.parametrize('age', [0, 3600, -3600], ids=['now', 'an hour ago', 'in an hour'])
def test_a_report_is_read_once_it_was_seen_unchanged_for_a_while(site, bay1, clock, age):
    """Whatever time it has: a share's clock may be wrong."""
    site.settings['settle_seconds'] = 5
    began = clock.now
    put(bay1, OLD, age=age)
    assert len(site.run()) == 4
    assert clock.now - began == pytest.approx(5, abs=0.5)


def test_a_file_that_is_still_being_written_is_left_alone(site, bay1, clock, caplog):
    """However old it says that it is."""
    site.settings['settle_seconds'] = 5
    text = report_text()
    written = [20]
    put(bay1, OLD, text[:20])

    def write_a_little():
        written[0] += 1
        put(bay1, OLD, text[:written[0]])

    clock.meanwhile = write_a_little
    assert site.run() == []
    assert names_in(bay1) == [OLD]
    assert errors(caplog) == []
    clock.meanwhile = lambda: None
    put(bay1, OLD, text)
    assert len(site.run()) == 4


@pytest.mark.parametrize('make', [
    lambda path: os.mkdir(path),
    lambda path: os.mkfifo(path),
    lambda path: os.symlink(os.path.join(os.path.dirname(path), 'elsewhere'), path),
], ids=['folder', 'fifo', 'symbolic link'])
def test_what_is_no_regular_file_stays_and_is_told_once(site, bay1, caplog, make):
    site.settings['settle_seconds'] = 0
    put(bay1, 'elsewhere')
    make(str(bay1.join(OLD)))
    put(bay1, NEW)
    assert {epoch for _, _, epoch in site.run()} == {str(NEW_EPOCH)}
    assert site.run() == []
    assert names_in(bay1) == ['Ingested', OLD, 'elsewhere']
    (message,) = errors(caplog)
    assert 'it is not a regular file' in message


def test_a_folder_that_cannot_be_listed_stops_no_other_and_is_told_once(site, bay1, caplog):
    gone = site.add_scanner('Aaa/Gone', 'gone')
    gone.remove()
    put(bay1, OLD)
    assert len(site.run()) == 4
    site.run()
    (message,) = errors(caplog)
    assert message.startswith(repr(str(gone)))
    assert 'mounted' in message
    gone.ensure(dir=True)
    put(gone, OLD)
    assert len(site.run()) == 4


def test_a_report_of_an_unknown_coil_stays_until_the_coil_is_configured(site, bay1, caplog):
    put(bay1, OLD, channels=20)
    put(bay1, NEW)
    assert len(site.run()) == 4
    assert site.run() == []
    (message,) = errors(caplog)
    assert 'add a line like "20 = 20" under [coils]' in message
    site.coils['20'] = 'HeadNeck20'
    site.load()
    assert '.HeadNeck20.SNR.' in site.run()[0][0]
    assert names_in(bay1) == ['Ingested']


# -- what is no good report ----------------------------------------------------------------


def test_a_malformed_report_is_moved_aside_with_the_reason_and_stops_no_other(site, bay1, caplog):
    text = report_text().replace('2.15', 'oops')
    put(bay1, OLD, text)
    put(bay1, NEW)
    assert {epoch for _, _, epoch in site.run()} == {str(NEW_EPOCH)}
    assert names_in(bay1) == ['Ingested', 'Rejected']
    rejected = bay1.join('Rejected')
    assert names_in(rejected) == [OLD, OLD + '.reason.txt']
    assert rejected.join(OLD).read() == text
    reason = ("%r: line 7: expected a number that a 64-bit float keeps, found 'oops'" % OLD)
    assert rejected.join(OLD + '.reason.txt').read() == reason + '\n'
    assert errors(caplog) == ['%r is no good report and is now %r: %s' % (
        str(bay1.join(OLD)), str(rejected.join(OLD)), reason)]


def test_a_name_with_an_impossible_time_is_malformed(site, bay1):
    put(bay1, 'Stability_20181301T000000.txt')
    assert site.run() == []
    assert 'month' in bay1.join('Rejected', 'Stability_20181301T000000.txt.reason.txt').read()


def test_two_malformed_reports_of_one_name_are_both_kept(site, bay1):
    for text in ('one\n', 'two\n'):
        put(bay1, OLD, text)
        site.run()
    rejected = bay1.join('Rejected')
    stem = OLD[:-len('.txt')]
    assert names_in(rejected) == [
        stem + '.1.txt', stem + '.1.txt.reason.txt', OLD, OLD + '.reason.txt']
    assert rejected.join(OLD).read() == 'one\n'
    assert rejected.join(stem + '.1.txt').read() == 'two\n'


def test_a_malformed_report_that_cannot_be_moved_stays_and_is_told_once(site, bay1, caplog):
    bay1.join('Rejected').write('a file, no folder')
    put(bay1, OLD, 'nonsense\n')
    for _ in range(3):
        assert site.run() == []
    assert names_in(bay1) == ['Rejected', OLD]
    (message,) = errors(caplog)
    assert "cannot be moved into 'Rejected'" in message
    assert 'line 1' in message


def test_an_incomplete_report_is_left_alone_for_an_hour_and_then_malformed(
        site, bay1, clock, caplog):
    text = report_text()
    put(bay1, OLD, text[:text.index('2.15')], age=3 * 3600)
    assert site.run() == []
    clock.now += 3500
    assert site.run() == []
    assert names_in(bay1) == [OLD]
    clock.now += 200
    assert site.run() == []
    assert names_in(bay1.join('Rejected')) == [OLD, OLD + '.reason.txt']
    (message,) = errors(caplog)
    assert OLD in message


def test_an_incomplete_report_that_goes_on_is_published_when_it_is_whole(site, bay1, clock):
    text = report_text()
    put(bay1, OLD, text[:text.index('2.15')])
    assert site.run() == []
    clock.now += 3500
    put(bay1, OLD, text[:text.index('2.25')])
    assert site.run() == []
    clock.now += 3500
    assert site.run() == []
    put(bay1, OLD, text)
    assert len(site.run()) == 4


def test_a_file_larger_than_any_report_is_malformed_and_not_read(site, bay1):
    path = bay1.join(OLD)
    with open(str(path), 'wb') as stream:
        stream.truncate(2 * 1024 ** 3)
    path.setmtime(path.mtime() - 10)
    assert site.run() == []
    assert 'larger' in bay1.join('Rejected', OLD + '.reason.txt').read()


# -- about itself --------------------------------------------------------------------------


def test_the_collector_says_how_each_scanners_reports_fare(site, bay1):
    put(bay1, OLD, 'nonsense\n')
    put(bay1, 'Stability_20180911T090910.txt', channels=20)
    put(bay1, NEW)
    site.add_scanner('Quiet', 'quiet')
    site.run()
    now = time.time()
    about = site.about('Harvard/Northwest/Bay1')
    waited = now - (OLD_EPOCH + 86400)
    assert about.pop('oldest_waiting_seconds') == pytest.approx(waited, abs=60)
    assert about.pop('seconds_since_last_scan') == pytest.approx(now - NEW_EPOCH, abs=60)
    assert about == {'ingested': 1, 'rejected': 1, 'waiting': 1, 'unconfirmed': 0, 'unreadable': 0,
                     'stuck_seconds': 0}
    assert site.about('Quiet') == {
        'ingested': 0, 'rejected': 0, 'waiting': 0, 'unconfirmed': 0, 'oldest_waiting_seconds': 0,
        'unreadable': 0, 'stuck_seconds': 0}


@pytest.mark.parametrize('name', ['Stability_21000101T000000.txt', 'Stability_20240231T000000.txt'])
def test_a_scan_of_the_future_or_of_no_day_is_not_said_to_wait_for_decades(site, bay1, name):
    bay1.join('Rejected').write('no folder')  # so that it stays
    put(bay1, name)
    site.run()
    about = site.about('Harvard/Northwest/Bay1')
    assert (about['waiting'], about['oldest_waiting_seconds']) == (1, 0)


def test_the_last_scan_is_known_from_the_archive_after_a_restart(site, bay1):
    bay1.ensure('Ingested', OLD)
    bay1.ensure('Ingested', NEW)
    bay1.ensure('Ingested', 'notes.txt')
    site.run()
    assert site.about('Harvard/Northwest/Bay1')['seconds_since_last_scan'] == pytest.approx(
        time.time() - NEW_EPOCH, abs=60)


def test_the_last_scan_is_known_when_another_daemon_archived_it(site, bay1):
    archive = bay1.ensure('Ingested', dir=True)
    archive.ensure(OLD)
    site.run()
    archive.ensure(NEW)
    archive.setmtime(archive.mtime() + 60)  # whatever the file system's clock ticks in
    site.run()
    assert site.about('Harvard/Northwest/Bay1')['seconds_since_last_scan'] == pytest.approx(
        time.time() - NEW_EPOCH, abs=60)


def test_nothing_is_said_of_a_folder_that_cannot_be_listed(site, bay1):
    bay1.remove()
    site.run()
    assert site.about('Harvard/Northwest/Bay1') == {}


# -- the log -------------------------------------------------------------------------------


def test_a_report_is_one_line_in_the_log_and_a_quiet_poll_none(site, bay1, caplog):
    caplog.set_level(logging.INFO)
    put(bay1, OLD)
    site.run()
    assert ["%r: 4 points published, 0 without a number; now %r"
            % (str(bay1.join(OLD)), str(bay1.join('Ingested', OLD)))] == [
        record.getMessage() for record in caplog.records]
    caplog.clear()
    site.run()
    assert caplog.records == []


@pytest.mark.parametrize(('url', 'warnings'), [('', 1), ('http://127.0.0.1:1', 0)])
def test_the_log_says_at_the_start_when_delivery_is_not_confirmed(site, bay1, caplog, url,
                                                                  warnings):
    site.settings.update(enabled='True', graphite_url=url)
    site.load()
    assert caplog.text.count('delivery is not confirmed') == warnings


# -- Diamond's alarm -----------------------------------------------------------------------


def test_diamonds_alarm_passes_through_and_the_report_is_sent_again(site, bay1):
    put(bay1, OLD)
    site.load()
    process = site.recorder._process

    def alarm_at_the_fourth(metric):
        if len(site.recorder.lines) == 3:
            raise SIGALRMException()
        process(metric)

    site.recorder._process = alarm_at_the_fourth
    with pytest.raises(SIGALRMException):
        site.run()
    assert names_in(bay1) == [OLD]
    site.recorder._process = process
    assert len(site.run()) == 4
    assert names_in(bay1) == ['Ingested']


def test_no_report_is_begun_when_diamond_is_about_to_interrupt_the_run(site, bay1):
    put(bay1, OLD)
    before = signal.signal(signal.SIGALRM, signal.SIG_IGN)
    signal.setitimer(signal.ITIMER_REAL, 0.4, 0.4)
    try:
        assert site.run() == []
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
    assert names_in(bay1) == [OLD]
    assert len(site.run()) == 4


# -- configuration -------------------------------------------------------------------------


@pytest.mark.parametrize(('key', 'value', 'allowed'), [
    ('ingest_dir', '', 'subfolder'), ('ingest_dir', '..', 'subfolder'),
    ('ingest_dir', '/archive', 'subfolder'), ('ingest_dir', 'a/b', 'subfolder'),
    ('settle_seconds', '-1', 'seconds'), ('settle_seconds', 'soon', 'seconds'),
    ('settle_seconds', 'nan', 'seconds'), ('settle_seconds', '1, 2', 'one value'),
    ('timezone', 'Boston', 'America/New_York'), ('precision', '-1', 'from 0 to 15'),
    ('precision', 'two', 'from 0 to 15'), ('precision', '16', 'from 0 to 15'),
    ('reject_dir', '../x', 'subfolder'), ('confirm_seconds', '-1', 'seconds'),
    ('archive_mode', '640x', 'octal'), ('archive_mode', '0888', 'octal'),
    ('archive_group', 'no such group', 'group'),
    ('scanners', 'bay1', r'section \[scanners\]'), ('coils', '32', r'section \[coils\]'),
])
def test_a_bad_value_is_refused_with_its_key_and_what_is_allowed(tmpdir, key, value, allowed):
    conf = tmpdir.join('diamond.conf')
    conf.write('[server]\n[collectors]\n[[StabilityCollector]]\n%s = %s\n' % (key, value))
    with pytest.raises(DiamondException, match='%s = .*expected .*%s' % (key, allowed)):
        StabilityCollector(configfile=str(conf))


@pytest.mark.parametrize(('section', 'lines', 'allowed'), [
    ('scanners', ['a//b = /x'], r'a//b = .*Harvard/Northwest/Bay1'),
    ('scanners', ['../b = /x'], r'\.\./b = .*Harvard/Northwest/Bay1'),
    ('scanners', ['a = x'], "a = 'x': expected the absolute path"),
    ('scanners', ['a = ""'], "a = '': expected the absolute path"),
    ('scanners', ['a = /x', 'b = /x/'], "b = '/x': expected a folder of its own, not the one of"),
    ('scanners', ['a b = /x', 'a_b = /y'], "a_b = '/y': expected a metric path of its own"),
    ('coils', ['head = 32'], "head = '32': expected a number"),
    ('coils', ['0 = 32'], "0 = '32': expected a number"),
    ('coils', ['32 = ""'], "32 = '': expected the name"),
])
def test_a_bad_line_of_a_section_is_refused(tmpdir, section, lines, allowed):
    conf = tmpdir.join('diamond.conf')
    conf.write('[server]\n[collectors]\n[[StabilityCollector]]\n[[[%s]]]\n%s\n'
               % (section, '\n'.join(lines)))
    with pytest.raises(DiamondException, match=allowed):
        StabilityCollector(configfile=str(conf))


def test_every_key_is_explained():
    collector = StabilityCollector()
    base = super(StabilityCollector, collector)
    own = set(collector.get_default_config()) - set(base.get_default_config())
    assert own <= set(collector.get_default_config_help())
    assert set(collector.get_default_config_help()) - set(base.get_default_config_help()) == own


def test_an_enabled_collector_without_a_scanner_says_so(tmpdir, caplog):
    conf = tmpdir.join('diamond.conf')
    conf.write('[server]\n[collectors]\n[[StabilityCollector]]\nenabled = True\n')
    StabilityCollector(configfile=str(conf)).collect()
    assert 'no scanner is configured' in caplog.text


def test_the_sample_configuration_is_a_good_one_and_holds_the_defaults(tmpdir):
    conf = tmpdir.join('diamond.conf')
    conf.write('[server]\ncollectors_config_path = %s\n'
               % os.path.join(os.path.dirname(__file__), '..', '..', 'conf', 'collectors'))
    collector = StabilityCollector(configfile=str(conf))
    defaults = collector.get_default_config()
    own = set(defaults) - set(super(StabilityCollector, collector).get_default_config())
    for key in own - {'scanners', 'coils'}:
        assert str(collector.config[key]) == str(defaults[key])
    assert collector.config['enabled'] is True
    assert collector.settings.coils == {32: '32', 48: '64', 64: '64'}
