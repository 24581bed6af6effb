# coding=utf-8
"""Anybody at a scanner's console can write to its folder: what they may put there to do harm."""
import contextlib
import errno
import os
import pwd
import shutil
import socket
import stat
import subprocess
import tempfile
import threading
import time

import py
import pytest
from render import fixed
from reports import NAME, report_text
from sites import NEW, NEW_EPOCH, OLD, OLD_EPOCH, Site, errors, hurry, names_in, put

import stability_collector
import stability_folder
import stability_report
import stability_share
import stability_waiting
from stability_graphite import Graphite, GraphiteError

SECRET = 'root:$6$secret:19000:0:99999:7:::\n'
STEM = OLD[:-len('.txt')]


@pytest.fixture
def outside(tmpdir):
    """A file that is nobody's business, as it was long ago."""
    path = tmpdir.ensure('outside', dir=True).join('shadow')
    path.write(SECRET)
    path.chmod(0o600)
    os.utime(str(path), (0, 1))  # an access time before the change is set anew by a read
    return path


def is_untouched(path):
    status = os.stat(str(path))
    return (status.st_mode & 0o7777, status.st_atime, status.st_mtime, path.read(),
            names_in(path.dirpath())) == (0o600, 0, 1, SECRET, [path.basename])


def fifo(path, outside):
    os.mkfifo(path)


def folder(path, outside):
    os.mkdir(path)


def unix_socket(path, outside):
    before = os.getcwd()
    os.chdir(os.path.dirname(path))  # a socket's address has 107 characters at most
    try:
        with contextlib.closing(socket.socket(socket.AF_UNIX)) as listener:
            listener.bind(os.path.basename(path))
    finally:
        os.chdir(before)


def device(path, outside):
    if os.geteuid() != 0:
        pytest.skip('only root can make a device')
    os.mknod(path, stat.S_IFCHR | 0o666, os.makedev(1, 5))  # /dev/zero, which never ends


def symbolic_link(path, outside):
    os.symlink(str(outside), path)


def dangling_link(path, outside):
    os.symlink(str(outside) + '.new', path)


def link_to_itself(path, outside):
    os.symlink(path, path)


def hard_link(path, outside):
    os.link(str(outside), path)


def regular_file(path, outside):
    with open(path, 'w') as stream:
        stream.write('no report')


NO_FILES = [fifo, folder, unix_socket, device, symbolic_link, dangling_link, link_to_itself]


def each(*kinds):
    return pytest.mark.parametrize('make', kinds, ids=lambda kind: kind.__name__)


@contextlib.contextmanager
def just_before(function, name, act):
    """Does `act` once, just before the first `os.<function>` of a path that ends in `name`."""
    original = getattr(os, function)
    pending = [act]

    def hooked(path, *args, **kwargs):
        if pending and os.path.basename(str(path)) == name:
            pending.pop()()
        return original(path, *args, **kwargs)

    setattr(os, function, hooked)
    try:
        yield
    finally:
        setattr(os, function, original)
    assert not pending, 'os.%s was never called for %r' % (function, name)


@contextlib.contextmanager
def just_before_the_move(name, act):
    """Does `act` once, just before the file of that name is moved."""
    pending = [act]

    def hooked(way):
        def move(old, new):
            if pending and os.path.basename(old) == name:
                pending.pop()()
            way(old, new)
        return move

    ways = stability_folder._WAYS
    stability_folder._WAYS = [(hooked(way), hinders) for way, hinders in ways]
    try:
        yield
    finally:
        stability_folder._WAYS = ways
    assert not pending, 'nothing called %r was moved' % name


def replace(path, make, outside):
    """What is at `path` is taken away, and something else is put there."""
    def act():
        path.move(path.dirpath().join('taken away'))
        make(str(path), outside)
    return act


def open_files():
    return len(os.listdir('/proc/self/fd'))


# -- what lies in the folder ---------------------------------------------------------------


def test_a_report_that_may_not_be_taken_away_keeps_one_name(site, bay1, monkeypatch, caplog):
    """Where it could be given a second name first."""
    def refuse(path, *_):
        raise OSError(errno.EACCES, os.strerror(errno.EACCES))

    def unlink(path):
        (original if 'Ingested' in os.path.realpath(path) else refuse)(path)

    put(bay1, OLD)
    original = os.unlink
    monkeypatch.setattr(stability_folder, '_WAYS', stability_folder._WAYS[1:])
    monkeypatch.setattr(os, 'rename', refuse)
    monkeypatch.setattr(os, 'unlink', unlink)
    site.run()
    assert names_in(bay1) == ['Ingested', OLD]
    assert names_in(bay1.join('Ingested')) == []
    (message,) = errors(caplog)
    assert 'Permission denied' in message


@each(*NO_FILES)
def test_what_only_looks_like_a_report_stays_unopened_and_stops_nothing(site, bay1, outside, make,
                                                                        caplog):
    make(str(bay1.join(OLD)), outside)
    before = os.lstat(str(bay1.join(OLD)))
    put(bay1, NEW)
    put(site.add_scanner('Yale', 'yale'), NEW)
    site.settings['settle_seconds'] = 0
    assert [int(epoch) for _, _, epoch in site.run()] == [NEW_EPOCH] * 8
    assert site.run() == []
    assert names_in(bay1) == ['Ingested', OLD]
    assert os.lstat(str(bay1.join(OLD))) == before
    (message,) = errors(caplog)
    assert 'not a regular file' in message
    assert is_untouched(outside)


def test_a_hard_link_to_a_file_outside_is_not_read(site, bay1, outside, caplog):
    hard_link(str(bay1.join(OLD)), outside)
    put(bay1, NEW)
    assert len(site.run()) == 4
    assert 'secret' not in caplog.text
    assert 'Rejected' not in names_in(bay1)
    assert is_untouched(outside)


@pytest.mark.parametrize('name', [
    OLD + '\n', 'Stability_2018\n0910T090910.txt', OLD + '\x1b]0;owned\x07', '\x1b[2J' + OLD,
    b'Stability_20180910T090910\xff.txt', OLD + '.txt', '..' + OLD, 'Stability_*.txt', '-rf',
    u'Stability_2018091\u0660T090910.txt', ' ' + OLD, OLD.lower(), '._' + OLD, '.%s.Xa3b2c' % OLD,
], ids=repr)
def test_a_file_with_another_name_is_left_alone_and_told_once_if_it_looks_like_a_report(
        site, bay1, caplog, name):
    name = name if isinstance(name, bytes) else name.encode('utf-8')
    path = os.path.join(str(bay1).encode('ascii'), name)
    with open(path, 'wb') as stream:
        stream.write(report_text().encode('ascii'))
    os.utime(path, (1, 1))
    put(bay1, NEW)
    assert len(site.run()) == 4
    assert os.path.exists(path)
    site.run()
    told = [record.getMessage() for record in caplog.records
            if 'delivery is not confirmed' not in record.getMessage()]
    assert len(told) == (b'tability' in name and not name.startswith(b'.'))
    for message in told:
        assert 'look like reports' in message
        assert all(' ' <= character <= '~' for character in message.replace(u'\u0660', ''))


@pytest.mark.parametrize('location', ['../b', 'a/../b', '/etc', 'a/', '..', '.'])
def test_a_location_cannot_lead_elsewhere(location):
    with pytest.raises(ValueError, match='between slashes'):
        stability_report.location_path(location)


@pytest.mark.parametrize('text', [
    bytes(bytearray(range(256))) * 400,
    b'\0' * 100000 + b'x',
    b'\x1b]0;owned\x07\x1b[2J\n' + SECRET.encode('ascii'),
    report_text().replace('SNR', 'S\x1b[2J\x07').replace('1.15', 'x').encode('ascii'),
    u'\u202e\ufffd\u2028'.encode('utf-8'),
    b'7' * 1000000,
    b'7' * 1024 * 1024 * 3,
    (report_text() + 'x\t' * 500000).encode('ascii'),
    report_text(slices=1, columns=('mean',) * 1000).encode('ascii'),
], ids=['every byte', 'zeros', 'terminal escapes', 'escapes in a heading', 'odd characters',
        'a long number', 'too long', 'a million cells', 'a column a thousand times'])
def test_nonsense_is_rejected_in_a_few_printable_words(site, bay1, caplog, text):
    path = bay1.join(OLD)
    path.write_binary(text)
    path.setmtime(1)
    put(bay1, NEW)
    assert {int(epoch) for _, _, epoch in site.run()} == {NEW_EPOCH}
    assert bay1.join('Rejected', OLD).read_binary() == text
    (message,) = errors(caplog)
    for said in (message, bay1.join('Rejected', OLD + '.reason.txt').read().rstrip('\n')):
        assert len(said) < 500 + len(str(bay1)) * 2
        assert all(' ' <= character <= '~' for character in said)


def test_thousands_of_malformed_reports_at_once_are_all_rejected(site, bay1):
    names = ['Stability_2018%02d%02dT%02d0000.txt' % (month, day, hour)
             for month in range(1, 13) for day in range(1, 29) for hour in range(9)]
    for name in names:
        put(bay1, name, 'nonsense\n')
    put(bay1, NEW)
    assert len(site.run()) == 4
    assert names_in(bay1) == ['Ingested', 'Rejected']
    assert len(names_in(bay1.join('Rejected'))) == 2 * len(names) > 6000
    assert site.about('Harvard/Northwest/Bay1')['rejected'] == len(names)


# -- the folders of the collector ----------------------------------------------------------


@pytest.mark.parametrize(('name', 'text'), [('Ingested', None), ('Rejected', 'nonsense\n')])
@each(fifo, unix_socket, device, dangling_link, link_to_itself, regular_file,
      lambda path, outside: os.symlink(str(outside.dirpath()), path))
def test_nothing_is_moved_where_the_subfolder_is_none(site, bay1, outside, caplog, name, text,
                                                      make):
    make(str(bay1.join(name)), outside)
    before = os.lstat(str(bay1.join(name)))
    put(bay1, OLD, text)
    put(site.add_scanner('Yale', 'yale'), NEW)
    for _ in range(2):
        site.run()
    assert names_in(bay1) == sorted([name, OLD])
    assert os.lstat(str(bay1.join(name))) == before
    assert names_in(site.folder.join('yale', 'Ingested')) == [NEW]
    (message,) = errors(caplog)
    assert 'cannot be moved into %r' % name in message
    assert is_untouched(outside)


def huge_file(path, outside):
    with open(path, 'wb') as stream:
        stream.truncate(2 * 1024 ** 3)


@each(huge_file, hard_link, *NO_FILES)
def test_what_has_the_name_in_the_archive_stays_as_it_is(site, bay1, outside, make):
    taken = bay1.ensure('Ingested', dir=True).join(OLD)
    make(str(taken), outside)
    before = os.lstat(str(taken))
    put(bay1, OLD)
    assert len(site.run()) == 4
    after = os.lstat(str(taken))
    assert (after.st_ino, after.st_mode, after.st_size, after.st_mtime) == (
        before.st_ino, before.st_mode, before.st_size, before.st_mtime)
    assert bay1.join('Ingested', STEM + '.1.txt').read() == report_text()


@pytest.mark.parametrize('taken', [OLD, OLD + '.reason.txt'])
@each(huge_file, hard_link, *NO_FILES)
def test_what_has_the_name_among_the_rejected_stays_as_it_is(site, bay1, outside, make, taken):
    path = bay1.ensure('Rejected', dir=True).join(taken)
    make(str(path), outside)
    before = os.lstat(str(path))
    put(bay1, OLD, 'nonsense\n')
    site.run()
    assert os.lstat(str(path)) == before
    assert names_in(bay1.join('Rejected')) == sorted(
        [STEM + '.1.txt', STEM + '.1.txt.reason.txt', taken])
    assert bay1.join('Rejected', STEM + '.1.txt').read() == 'nonsense\n'
    assert is_untouched(outside)


# -- what may not be read or written -------------------------------------------------------


@pytest.fixture
def powerless_site():
    """A site in a folder that another user has, and `run` as that user."""
    if os.geteuid() != 0:
        pytest.skip('only root can become another user')
    nobody = pwd.getpwnam('nobody')
    path = tempfile.mkdtemp()
    os.chmod(path, 0o755)
    site = Site(py.path.local(path))

    def run():
        site.load()
        groups = os.getgroups()
        os.setgroups([])
        os.seteuid(nobody.pw_uid)
        try:
            return site.run()
        finally:
            os.seteuid(0)
            os.setgroups(groups)

    site.run_as_nobody = run
    yield site
    shutil.rmtree(path)


def give_to_nobody(path):
    os.chown(str(path), pwd.getpwnam('nobody').pw_uid, -1)


@pytest.mark.parametrize('forbid', [
    lambda bay: bay.join(OLD).chmod(0),
    lambda bay: bay.chmod(0o700),
    lambda bay: bay.chmod(0o744),
    lambda bay: bay.chmod(0o711),
], ids=['report', 'folder', 'lookup in the folder', 'listing of the folder'])
def test_what_may_not_be_read_stays_and_stops_no_other_scanner(powerless_site, caplog, forbid):
    site = powerless_site
    bay1, bay2 = site.add_scanner('A', 'a'), site.add_scanner('B', 'b')
    put(bay1, OLD)
    put(bay2, NEW)
    give_to_nobody(bay2)
    forbid(bay1)
    assert {int(epoch) for _, _, epoch in site.run_as_nobody()} == {NEW_EPOCH}
    assert names_in(bay1) == [OLD]
    assert names_in(bay2.join('Ingested')) == [NEW]
    (message,) = errors(caplog)
    assert message.endswith('Permission denied') or 'may Diamond read it?' in message


def test_an_archive_that_may_not_be_written_keeps_the_report_until_it_may(powerless_site, caplog):
    site = powerless_site
    bay1 = site.add_scanner('A', 'a')
    archive = bay1.ensure('Ingested', dir=True)
    put(bay1, OLD)
    give_to_nobody(bay1)
    assert len(site.run_as_nobody()) == 4
    assert names_in(bay1) == ['Ingested', OLD]
    assert "cannot be moved into 'Ingested', and stays: Permission denied" in errors(caplog)[0]
    give_to_nobody(archive)
    site.run_as_nobody()
    assert names_in(archive) == [OLD]


@contextlib.contextmanager
def mounted(where, *options):
    if os.geteuid() != 0:
        pytest.skip('only root can mount')
    if subprocess.call(('mount',) + options + (str(where),)):
        pytest.skip('this machine does not let root mount')
    try:
        yield
    finally:
        subprocess.call(['umount', '-l', str(where)])


def fill(folder):
    """Takes all the room there is in a file system; returns the file that has it."""
    path = folder.join('all there is')
    with open(str(path), 'wb', 0) as stream:
        try:
            while stream.write(b'x' * 4096) != 0:
                pass
        except EnvironmentError as error:
            if error.errno != errno.ENOSPC:
                raise
    return path


def test_a_report_stays_when_the_disk_is_full_and_is_archived_later(site, bay1, caplog):
    # An inode each for the folder, the report and the file that fills it: none for the archive.
    with mounted(bay1, '-t', 'tmpfs', '-o', 'size=64k,nr_inodes=3', 'none'):
        put(bay1, OLD)
        filler = fill(bay1)
        assert len(site.run()) == 4
        assert names_in(bay1) == [OLD, filler.basename]
        (message,) = errors(caplog)
        assert message.endswith('No space left on device')
        filler.remove()
        while OLD in names_in(bay1):  # until it is tried again
            site.run()
        assert bay1.join('Ingested', OLD).read() == report_text()


def test_a_report_that_cannot_be_archived_for_long_stops_nothing(site, bay1, monkeypatch):
    monkeypatch.setattr(stability_waiting, '_FIRST_PAUSE', 0)  # moving takes longer than that
    bay1.join('Ingested').write('no folder')
    put(bay1, OLD)
    put(site.add_scanner('Yale', 'yale'), NEW)
    assert len(site.run()) == 8


def test_a_malformed_report_stays_when_there_is_no_room_for_the_reason(site, bay1, caplog):
    with mounted(bay1, '-t', 'tmpfs', '-o', 'size=64k', 'none'):
        bay1.ensure('Rejected', dir=True)
        put(bay1, OLD, 'nonsense\n')
        fill(bay1)
        site.run()
        assert bay1.join(OLD).read() == 'nonsense\n'
        assert names_in(bay1.join('Rejected')) == []
        (message,) = errors(caplog)
        assert 'No space left on device' in message


def test_a_malformed_report_is_moved_when_there_is_room_again(site, bay1):
    with mounted(bay1, '-t', 'tmpfs', '-o', 'size=64k', 'none'):
        bay1.ensure('Rejected', dir=True)
        put(bay1, OLD, 'nonsense\n')
        filler = fill(bay1)
        site.run()
        filler.remove()
        site.run()
        assert OLD in names_in(bay1.join('Rejected'))


def test_a_share_that_is_unmounted_in_the_middle_is_gone_on_with_when_it_is_back(site, bay1,
                                                                                 tmpdir):
    share = tmpdir.ensure('server', dir=True)
    put(share, OLD)
    put(share, NEW)
    put(site.add_scanner('Yale', 'yale'), NEW)

    def unmount():
        subprocess.check_call(['umount', '-l', str(bay1)])

    with mounted(bay1, '--bind', str(share)), just_before_the_move(OLD, unmount):
        site.run()
    assert site.run() == []
    assert names_in(bay1) == []
    assert names_in(site.folder.join('yale', 'Ingested')) == [NEW]
    with mounted(bay1, '--bind', str(share)):
        site.run()
        assert names_in(share) == ['Ingested']
        assert names_in(share.join('Ingested')) == [OLD, NEW]


# -- what is replaced between two looks ----------------------------------------------------


@each(fifo, unix_socket, device, symbolic_link, dangling_link, folder)
def test_a_report_that_is_replaced_before_it_is_opened_is_not_read(site, bay1, outside, caplog,
                                                                   make):
    path = put(bay1, OLD)
    put(bay1, NEW)
    with just_before('open', OLD, replace(path, make, outside)):
        assert {int(epoch) for _, _, epoch in site.run()} == {NEW_EPOCH}
    assert 'Rejected' not in names_in(bay1)
    assert len(errors(caplog)) == 1
    assert is_untouched(outside)


def test_what_is_replaced_by_a_folder_leaves_no_file_open(site, bay1, outside):
    path = put(bay1, OLD)
    site.load()
    before = open_files()
    with just_before('open', OLD, replace(path, folder, outside)):
        site.run()
    assert open_files() == before


@each(fifo, unix_socket, device, symbolic_link, folder, hard_link)
def test_a_report_that_is_replaced_before_it_is_moved_does_no_harm(site, bay1, outside, make):
    path = put(bay1, OLD)
    put(bay1, NEW)
    with just_before_the_move(OLD, replace(path, make, outside)):
        assert len(site.run()) == 8
    assert bay1.join('taken away').read() == report_text()
    assert is_untouched(outside)
    assert site.run() == []


@each(symbolic_link, hard_link)
def test_archive_mode_is_not_given_to_a_file_outside(site, bay1, outside, make):
    site.settings['archive_mode'] = '0644'
    path = put(bay1, OLD)
    with just_before_the_move(OLD, replace(path, make, outside)):
        assert len(site.run()) == 4
    assert is_untouched(outside)


@pytest.mark.parametrize('text', [None, 'nonsense\n'], ids=['good', 'malformed'])
def test_a_report_that_is_written_to_before_it_is_opened_is_still_being_written(
        site, bay1, clock, text):
    def go_on():
        put(bay1, OLD, text)
        clock.meanwhile = end

    def end():
        put(bay1, OLD, slices=3)
        clock.meanwhile = lambda: None

    site.settings['settle_seconds'] = 5
    put(bay1, OLD, slices=1)
    with just_before('open', OLD, go_on):
        lines = site.run()
    assert {int(epoch) for _, _, epoch in lines} == {OLD_EPOCH}
    assert len(lines) == 6
    assert names_in(bay1) == ['Ingested']


def test_a_report_that_changes_before_it_is_moved_is_published_anew(site, bay1):
    path = put(bay1, OLD)
    site.load()
    (share,) = site.collector._shares
    archive = share._archive
    share._archive = lambda waiting: put(bay1, OLD, slices=1) and archive(waiting)
    assert len(site.run()) == 4
    assert not bay1.join('Ingested').check()
    share._archive = archive
    assert len(site.run()) == 2
    assert bay1.join('Ingested', OLD).read() == report_text(slices=1)
    assert not path.check()


def whole_report(path, outside):
    with open(path, 'w') as stream:
        stream.write(report_text())


def test_a_good_report_in_the_place_of_a_malformed_one_is_not_rejected(site, bay1, outside):
    path = put(bay1, OLD, 'nonsense\n')
    with just_before('mkdir', 'Rejected', replace(path, whole_report, outside)):
        site.run()
    assert not bay1.join('Rejected', OLD).check()


def test_a_malformed_report_that_goes_away_before_it_is_moved_stops_nothing(site, bay1, outside):
    path = put(bay1, OLD, 'nonsense\n')
    put(bay1, NEW)
    with just_before_the_move(OLD, path.remove):
        assert len(site.run()) == 4
    assert names_in(bay1.join('Rejected')) == []


def test_a_folder_that_is_replaced_by_a_link_is_still_the_one_that_was_opened(site, bay1, tmpdir):
    put(bay1, OLD)
    decoy = put(tmpdir.ensure('decoy', dir=True), OLD, slices=1)

    def swap():
        bay1.move(tmpdir.join('moved'))
        bay1.mksymlinkto(decoy.dirpath())

    with just_before('open', OLD, swap):
        assert len(site.run()) == 4
    assert names_in(tmpdir.join('decoy')) == [OLD]
    assert tmpdir.join('moved', 'Ingested', OLD).read() == report_text()


@pytest.mark.parametrize(('name', 'text'), [('Ingested', None), ('Rejected', 'nonsense\n')])
def test_a_subfolder_that_is_replaced_by_a_link_before_it_is_opened_is_not_used(
        site, bay1, outside, name, text):
    path = bay1.ensure(name, dir=True)
    site.run()  # or the archive is opened before, to be listed
    put(bay1, OLD, text)

    def swap():
        path.move(bay1.join('taken away'))
        path.mksymlinkto(outside.dirpath())

    with just_before('open', name, swap):
        site.run()
    assert bay1.join(OLD).check()
    assert is_untouched(outside)


def test_two_collectors_that_make_the_archive_at_once_do_no_harm(site, bay1):
    put(bay1, OLD)
    with just_before('mkdir', 'Ingested', lambda: bay1.ensure('Ingested', dir=True)):
        while not bay1.join('Ingested', OLD).check():
            site.run()


@pytest.mark.parametrize('moment', ['lstat', 'open', 'move'])
def test_a_report_that_another_daemon_archives_meanwhile_is_not_told_of(site, bay1, caplog,
                                                                        moment):
    path = put(bay1, OLD)
    archive = bay1.ensure('Ingested', dir=True)
    site.load()
    def archive_it():
        path.move(archive.join(OLD))

    with (just_before_the_move(OLD, archive_it) if moment == 'move'
          else just_before(moment, OLD, archive_it)):
        site.run()
    assert names_in(archive) == [OLD]
    assert site.run() == []
    assert errors(caplog) == []


@pytest.mark.parametrize('name', [OLD, OLD + '.reason.txt'])
def test_a_report_that_another_daemon_rejects_meanwhile_is_not_told_of(site, bay1, caplog, name):
    path = put(bay1, OLD, 'nonsense\n')
    rejected = bay1.ensure('Rejected', dir=True)
    site.load()

    def reject():
        rejected.join(OLD + '.reason.txt').write('nonsense')
        path.move(rejected.join(OLD))

    with just_before('open', name, reject):
        site.run()
    assert names_in(rejected) == [OLD, OLD + '.reason.txt']
    assert site.run() == []
    assert errors(caplog) == []


# -- what is published and waits -----------------------------------------------------------


@pytest.fixture
def silent_graphite(site, server):
    """A Graphite that never has a point."""
    server.answer = fixed(b'[]')
    site.settings.update(graphite_url=server.url, confirm_seconds=0)
    return server


@pytest.fixture
def hasty(monkeypatch):
    hurry(monkeypatch)


@pytest.mark.usefixtures('silent_graphite', 'hasty')
@pytest.mark.parametrize('text', [report_text().replace('1.15', 'oops'),
                                  report_text(channels=64)], ids=['malformed', 'another coil'])
def test_a_report_that_changes_with_its_size_and_time_kept_stops_nothing(site, bay1, text):
    path = put(bay1, OLD)
    changed = int(path.mtime())  # Python 2 sets no fractions exactly
    path.setmtime(changed)
    site.load()
    confirmation = site.collector._confirmation
    ask = confirmation._ask

    def change(*args):
        path.write(text)
        path.setmtime(changed)
        return ask(*args)

    confirmation._ask = change
    site.run()
    assert not bay1.join('Ingested').check()


@pytest.mark.usefixtures('silent_graphite', 'hasty')
def test_reports_that_are_never_confirmed_do_not_keep_others_from_being_published(
        site, bay1, monkeypatch):
    monkeypatch.setattr(stability_share, '_MOST_PUBLISHED', 3)
    for day in range(1, 4):
        put(bay1, 'Stability_1971010%dT000000.txt' % day)  # beyond any retention
    put(bay1, NEW)
    lines = site.run() + site.run()
    assert NEW_EPOCH in {int(epoch) for _, _, epoch in lines}


@pytest.mark.usefixtures('silent_graphite', 'hasty')
def test_a_report_that_is_never_confirmed_does_not_keep_back_the_rest_of_its_day(site, bay1):
    put(bay1, 'Stability_20180910T000000.txt', columns=('m' * 300,))  # no name of a whisper file
    put(bay1, OLD)
    lines = site.run() + site.run()
    assert OLD_EPOCH in {int(epoch) for _, _, epoch in lines}


@pytest.mark.usefixtures('silent_graphite')
def test_a_scanner_with_many_reports_of_a_day_leaves_time_for_the_others(site, bay1, monkeypatch):
    for minute in range(20):
        put(bay1, 'Stability_20180910T00%02d00.txt' % minute)
    put(site.add_scanner('Yale', 'yale'), NEW)
    left = [0]
    read = stability_folder.Folder.read

    def slow(*args):
        left[0] -= 1
        return read(*args)

    monkeypatch.setattr(stability_folder.Folder, 'read', slow)
    monkeypatch.setattr(stability_collector, 'time_left', lambda: left[0])
    monkeypatch.setattr(stability_collector, '_PATIENCE', 0.2)
    monkeypatch.setattr(stability_collector, '_NAP', 0.002)
    epochs = set()
    for _ in range(5):
        left[0] = 10  # as many reads as one run has time for
        epochs |= {int(epoch) for _, _, epoch in site.run()}
    assert NEW_EPOCH in epochs


@pytest.mark.parametrize('name', ['Stability_21050101T000000.txt', 'Stability_99990101T000000.txt'])
def test_an_impossible_name_does_not_hide_when_the_last_scan_was(site, bay1, name):
    put(bay1, name, 'nonsense\n')
    put(bay1, NEW)
    site.run()
    assert site.about('Harvard/Northwest/Bay1')['seconds_since_last_scan'] == pytest.approx(
        time.time() - NEW_EPOCH, abs=60)


def test_a_scan_in_the_future_is_not_published(site, bay1):
    put(bay1, 'Stability_21050101T000000.txt')
    assert site.run() == []


# -- what one report may cost --------------------------------------------------------------


def test_the_work_grows_no_faster_than_the_report(monkeypatch):
    calls = []
    metric_name = stability_report.metric_name
    monkeypatch.setattr(stability_report, 'metric_name',
                        lambda text: calls.append(text) or metric_name(text))
    sections = ['s%d' % number for number in range(200)]
    stability_report.parse(report_text(slices=1, sections=sections), NAME)
    assert len(calls) <= 3 * len(sections)


@pytest.mark.parametrize('size', [
    {'slices': 20000}, {'columns': ['c%d' % number for number in range(20000)]},
    {'sections': ['s%d' % number for number in range(1000)], 'slices': 10},
], ids=['slices', 'columns', 'sections'])
def test_a_report_of_more_values_than_any_scanner_writes_is_malformed(size):
    with pytest.raises(stability_report.MalformedReport):
        stability_report.parse(report_text(**dict({'slices': 1}, **size)), NAME)


@pytest.mark.parametrize('size', [{'columns': ('m' * 300,)}, {'sections': ('S' * 300,)}],
                         ids=['column', 'section'])
def test_a_name_that_cannot_be_that_of_a_file_is_malformed(size):
    with pytest.raises(stability_report.MalformedReport):
        stability_report.parse(report_text(**size), NAME)


# -- what may answer in Graphite's name ----------------------------------------------------


@pytest.mark.parametrize('body', [
    b'', b'{}', b'[1]', b'[{}]', b'\xff', b'[{"target": "a", "datapoints": 1}]',
    b'[{"target": "a", "datapoints": [[1, []]]}]', b'[{"target": "a", "datapoints": [[1, NaN]]}]',
    b'[{"target": "a", "datapoints": [[1, Infinity]]}]',
    b'[' * 100000,
], ids=lambda body: repr(body[:50]))
def test_nonsense_in_graphites_name_is_a_graphite_error(server, body):
    server.answer = fixed(body)
    with pytest.raises(GraphiteError) as caught:
        Graphite(server.url).points('a.b', [OLD_EPOCH], 10)
    assert all(' ' <= character <= '~' for character in str(caught.value))


def test_terminal_escapes_in_a_status_line_are_not_shown():
    listener = socket.socket()
    listener.bind(('127.0.0.1', 0))
    listener.listen(1)

    def answer():
        connection = listener.accept()[0]
        connection.recv(65536)
        connection.sendall(b'HTTP/1.0 500 \x1b[2J\r\n\r\n')
        connection.close()

    server = threading.Thread(target=answer)
    server.start()
    graphite = Graphite('http://127.0.0.1:%d' % listener.getsockname()[1])
    try:
        with pytest.raises(GraphiteError) as caught:
            graphite.points('a.b', [OLD_EPOCH], 10)
    finally:
        server.join()
        listener.close()
    assert '\x1b' not in str(caught.value)
