"""One scanner's reports from poll to poll: found, published, shown by Graphite, archived.

A `Share` reads the reports in a scanner's folder and knows what became of each; who publishes them
tells it. It says nothing to Diamond or Graphite itself.

Python 2.7 and 3.9 or newer, standard library only.
"""
import errno
import hashlib
import os
import time
from collections import deque

import stability_errand
import stability_report
from stability_archive import LARGEST, Archive, is_later
from stability_errand import Errands, no_answer
from stability_folder import Folder, move, signature
from stability_waiting import (
    FOUND,
    INCOMPLETE,
    LEFT,
    PUBLISHED,
    QUEUED,
    SHOWN,
    STORED,
    UNREADABLE,
    Waiting,
    clock,
)

# A report that has been incomplete for so many seconds is not being written any more.
_WRITING = 3600

# So many reports may be published and not archived, but for those that Graphite says it lacks,
# which may be for ever. It is asked at once about scans that are no farther apart than this.
_MOST_PUBLISHED = 500
_BATCH_SECONDS = 30 * 86400


class Share(object):
    """A scanner's folder; a context manager that has it open, and listed once in a run.

    is_listed: whether it was listed in this run; is_busy: whether there is something to do that
    could not be done yet; ingested, rejected: int, reports since the configuration was (re)loaded.

    What the system says of the folder is raised as EnvironmentError; of one file it is logged.
    """

    def __init__(self, scanner, settings, log, time_left):
        """`scanner`, `settings`: of stability_settings; `time_left()`: seconds for this run."""
        self.scanner = scanner
        self.is_listed = False
        self.is_busy = False
        self.ingested = 0
        self.rejected = 0
        self._settings = settings
        self._log = log
        self._time_left = time_left
        self._errands = Errands(time_left)
        self._archived = Archive(settings)
        self._names = []
        self._gone = set()
        self._waiting = {}
        self._under_way = set()
        self._late = []
        self._just_archived = deque(maxlen=_MOST_PUBLISHED)
        self._newest = ''
        self._archive_signature = None
        self._is_in_sight = False
        self._told = None
        self._told_names = set()

    def __enter__(self):
        found = self._errands.open(self._open if self.is_listed else self._look_in)
        try:
            self._drop_gone()
            self.is_busy = False
            if found:
                self._note(*found)
        except BaseException as error:
            self._errands.close()
            # Named by its module, as a Diamond may load it again: its classes are others then.
            if isinstance(error, stability_errand.NoAnswer):
                raise no_answer()
            raise
        return self

    def __exit__(self, kind, error, trace):
        self._errands.close()
        if kind is not stability_errand.NoAnswer:
            return False
        self.is_busy = True
        if self._errands.is_stuck:
            self.lose_sight(no_answer())
        return True

    # -- reading ---------------------------------------------------------------------------

    def unread(self):
        """Yields what may be read now (Waiting), oldest scan first."""
        published = [each for each in self._waiting.values() if each.is_published]
        self._late = [each for each in published if not each.is_waited_for]
        self._under_way = {each.coil_day for each in published if each.is_waited_for}
        for name in self._names:
            if len(self._under_way) >= _MOST_PUBLISHED or self._time_left() <= 0:
                self.is_busy = True
                return
            waiting = self._waiting.get(name)
            if waiting is not None and (waiting.is_published or self._is_young(waiting)):
                continue
            waiting = self._look_at(name)
            if waiting is not None and self._may_be_read(waiting):
                yield waiting

    def read(self, waiting):
        """The Report that waits, or None when it is none that can be published now."""
        try:
            data, status = self._read(waiting.name)
            if self._known(waiting.name, status) is not waiting:  # it is being written
                self.is_busy = True
                return None
            report = stability_report.parse_bytes(data, waiting.name)
            waiting.digest = _digest(data)
            waiting.state = FOUND
            if self._has_its_turn(waiting, report):
                return report
        except EnvironmentError as error:
            if error.errno == errno.ENOENT:  # another daemon was quicker
                self._forget(waiting.name)
            else:
                self._tell(waiting, 'cannot be read and stays: %s' % error.strerror)
                waiting.state = UNREADABLE
        except stability_report.IncompleteReport as error:
            if waiting.age() > _WRITING:
                self._reject(waiting, error)
            else:
                waiting.state = INCOMPLETE
        except stability_report.ReportError as error:
            self._reject(waiting, error)
        return None

    def read_again(self, waiting):
        """The Report that was published before; None when the file has changed."""
        try:
            data, status = self._read(waiting.name)
        except EnvironmentError:  # the next look into the folder tells what has happened
            data = status = None
        if (data is None or signature(status) != waiting.signature
                or _digest(data) != waiting.digest):
            self._forget(waiting.name)
            return None
        return stability_report.parse_bytes(data, waiting.name)

    def leave(self, waiting, message):
        """Says why a report stays; it is not read again until it changes."""
        waiting.state = LEFT
        self._tell(waiting, message)

    def is_to_be_held(self, waiting):
        """Whether Graphite is to be asked first if a later scan has the report's place there."""
        return waiting.later is not None and self._settings.graphite is not None

    def publish(self, waiting, report, metrics):
        """Notes that the Metrics (list) of a Report were published, if it is not to be held."""
        if self.is_to_be_held(waiting):
            waiting.hold(metrics)
        else:
            waiting.publish(metrics, self._settings.graphite is not None)
        self._under_way.add(waiting.coil_day)
        for other in self._late:
            if other.coil_day == waiting.coil_day and is_later(waiting, other):
                other.later = waiting
        self._archived.note_sections(waiting.coil, report)
        if report.unknown:
            self._log.warning('%r: skipped %s outside any table that nobody knows, line %d first',
                              self.path(waiting.name),
                              stability_report.counted(len(report.unknown), 'line'),
                              report.unknown[0])

    # -- confirming and archiving ----------------------------------------------------------

    def published(self):
        """What is published and not archived (list of Waiting), oldest scan first."""
        known = [self._waiting.get(name) for name in self._names]
        return [each for each in known if each is not None and each.is_published]

    def questions(self, most):
        """What Graphite is to be asked about now, in lists of at most so many (int) that it can be
        asked about at once.
        """
        now = clock()
        due = [each for each in self.published() if each.state != STORED and each.due <= now]
        batches = []
        for waiting in sorted(due, key=_question):
            first = batches[-1][0] if batches else None
            if (first is None or len(batches[-1]) >= most
                    or _question(first) != _question(waiting)
                    or waiting.epoch - first.epoch > _BATCH_SECONDS):
                batches.append([])
            batches[-1].append(waiting)
        return batches

    def archive_stored(self):
        """Archives what Graphite has; returns how many reports that were (int)."""
        now = clock()
        return sum([self._archive(waiting) for waiting in self.published()
                    if waiting.state == STORED and waiting.due <= now])

    def is_waiting_for_graphite(self):
        """Whether something is published that Graphite does not show yet."""
        return any(each.state in (PUBLISHED, SHOWN) for each in self._waiting.values())

    def has(self, waiting):
        """Whether that is still what is known of the report."""
        return self._waiting.get(waiting.name) is waiting

    def path(self, name):
        """The path (str) of a file of the folder, for the log."""
        return os.path.join(self.scanner.folder, name)

    # -- about itself ----------------------------------------------------------------------

    def lose_sight(self, error):
        """The folder cannot be used: the EnvironmentError says why, the log once."""
        self._names = []
        self.is_busy = False
        self.is_listed = False
        self._is_in_sight = False
        if self._told != error.strerror and not self._errands.is_slow:
            self._told = error.strerror
            self._log.error('%r cannot be used: %s; is the share mounted, and may Diamond read it?',
                            self.scanner.folder, error.strerror)

    def about(self):
        """How the scanner's reports fare: {metric name: int}; of a folder that cannot be used only
        for how long it has not answered.
        """
        stuck = self._errands.stuck_seconds()
        numbers = {'stuck_seconds': stuck}
        if not self._is_in_sight:
            return numbers if stuck else {}
        self._drop_gone()
        now = time.time()
        timezone = self._settings.timezone
        ages = [now - stability_report.scan_epoch(name, timezone) for name in self._names
                if stability_report.is_past(name)][:1]
        states = [each.state for each in self._waiting.values()]
        numbers.update(ingested=self.ingested, rejected=self.rejected, waiting=len(self._names),
                       unconfirmed=len(self.published()), unreadable=states.count(UNREADABLE),
                       oldest_waiting_seconds=int(max([0] + ages)))
        newest = stability_report.newest_scan(self._names + [self._newest])
        if newest:
            newest = stability_report.scan_epoch(newest, timezone)
            numbers['seconds_since_last_scan'] = int(now - newest)
        return numbers

    def left_alone(self):
        """How many reports are left for a later run without a line in the log: int, of those that
        were not yet seen unchanged for settle_seconds; int, of those that are incomplete.
        """
        states = [waiting.state for waiting in self._waiting.values() if not waiting.told]
        return states.count(FOUND), states.count(INCOMPLETE)

    # -- what the folder has ---------------------------------------------------------------

    def _open(self):
        return Folder(self.scanner.folder), ()

    def _look_in(self):
        """The Folder, and what is to be noted: its names, the signature of its archive, and the
        names in there, if others have put something into it since the last look.
        """
        folder = Folder(self.scanner.folder)
        try:
            names = folder.names()
            try:
                archive = folder.signature(self._settings.ingest_dir)
            except EnvironmentError:  # told when something is to be moved there
                archive = None
            is_old = archive == self._archive_signature
            archived = [] if is_old else folder.names_in(self._settings.ingest_dir)
            return folder, (names, archive, archived)
        except BaseException:
            folder.close()
            raise

    def _note(self, names, archive, archived):
        """Notes what was found in the folder, and forgets what has gone."""
        self._names = stability_report.report_names(names)
        self._note_newest(archived)
        self._archive_signature = archive
        self._archived.look_again()
        for name in set(self._waiting).difference(self._names):
            del self._waiting[name]
        self._gone = set()
        self._told = None
        self._is_in_sight = True
        self.is_listed = True
        self._tell_of_other_names(names)
        while self._just_archived:
            self._take_back_if_changed(*self._just_archived[0])
            self._just_archived.popleft()  # not before there is an answer
        self._errands.go_on(self._names)

    def _tell_of_other_names(self, names):
        nearly = stability_report.nearly_report_names(
            names, (self._settings.ingest_dir, self._settings.reject_dir))
        new = [name for name in nearly if name not in self._told_names]
        self._told_names = set(nearly)
        if new:
            self._log.warning(
                '%r: left alone, as they look like reports, but are not called like '
                'Stability_20180910T090910.txt or Stability_2024-04-01T13-07-02.txt: %s: %s',
                self.scanner.folder, stability_report.counted(len(new), 'file'),
                ', '.join(['%r' % name for name in new[:3]] + ['...'] * (len(new) > 3)))

    def _drop_gone(self):
        """Takes what was moved away from the list; listing the folder again would take longer."""
        if self._gone:
            self._names = [name for name in self._names if name not in self._gone]
            self._gone = set()

    def _forget(self, name):
        """It was moved away, or is another file now, which the next look tells."""
        self._waiting.pop(name, None)
        self._gone.add(name)
        self._note_newest([name])

    def _note_newest(self, names):
        self._newest = stability_report.newest_scan(names + [self._newest])

    def _look_at(self, name):
        """The Waiting of that name as it is now; None when it has gone, or cannot be seen."""
        try:
            status = self._errands.ask('status', name, lambda folder: folder.status(name))
        except EnvironmentError as error:
            self._errands.ask_of_all()
            waiting = self._waiting.setdefault(name, Waiting(name, None))
            waiting.state = UNREADABLE
            self._tell(waiting, 'cannot be looked at and stays: %s' % error.strerror)
            return None
        if status is None:  # another daemon was quicker
            self._forget(name)
            return None
        return self._known(name, status)

    def _known(self, name, status):
        """The Waiting of that name: a new one when the file has changed."""
        waiting = self._waiting.get(name)
        if waiting is None or waiting.signature != signature(status):
            waiting = self._waiting[name] = Waiting(name, signature(status))
        return waiting

    def _is_young(self, waiting):
        """Whether a file may still be being written: it was not seen unchanged for long enough.

        Its own time says nothing of that, as a share's clock may be hours behind or ahead of ours.
        """
        is_young = waiting.state == FOUND and waiting.age() < self._settings.settle_seconds
        self.is_busy = self.is_busy or is_young
        return is_young

    def _may_be_read(self, waiting):
        if self._is_young(waiting):
            return False
        if waiting.state == INCOMPLETE:
            return waiting.age() > _WRITING
        if waiting.state == QUEUED and waiting.coil_day in self._under_way:
            self.is_busy = True
            return False
        return waiting.state != LEFT

    def _read(self, name):
        return self._errands.ask('read', name, lambda folder: folder.read(name, LARGEST))

    def _has_its_turn(self, waiting, report):
        """Whether a good report is to be published now; otherwise it is noted why not."""
        settings = self._settings
        if report.channels not in settings.coils:
            self.leave(waiting, 'comes from a coil of %d channels and stays: add a line like '
                       '"%d = %d" under [coils]' % ((report.channels,) * 3))
            return False
        waiting.coil = settings.coils[report.channels]
        waiting.epoch = stability_report.timestamp(report.time, settings.timezone)
        waiting.without_number = report.without_number
        if stability_report.is_of_the_future(waiting.epoch):
            # Whisper would put it in the place of an older point.
            self._tell(waiting, "is of the future and stays: is the scanner's clock right?")
            return False
        if not self._is_whole(waiting, report):
            return False
        duplicate = self._errands.ask('copy', waiting.name, lambda folder: (
            self._archived.duplicate_of(folder, waiting.name)))
        if duplicate:
            self.leave(waiting, 'is archived already, also as %r, and stays: what sends it again?'
                       % duplicate)
            return False
        if waiting.coil_day in self._under_way:
            waiting.state = QUEUED
            self.is_busy = True
            return False
        if stability_report.digits(waiting.name) < stability_report.digits(self._newest):
            waiting.later = self._errands.ask('later', waiting.name, lambda folder: (
                self._archived.later_scan(folder, waiting)))
        return True

    def _is_whole(self, waiting, report):
        """Whether a report has the sections that it should have, or nothing is added any more."""
        if not report.lacks or self._errands.ask('sections', waiting.name, lambda folder: (
                self._archived.had_no_more(folder, waiting.coil, report))):
            return True
        if waiting.age() <= _WRITING:
            waiting.state = INCOMPLETE
            return False
        self._log.warning('%r has no sections %s, also after an hour, and is published as it is',
                          self.path(waiting.name), ', '.join(report.lacks))
        return True

    # -- moving ----------------------------------------------------------------------------

    def _reject(self, waiting, reason):
        try:
            rejected = self._errands.ask('reject', waiting.name, lambda folder: folder.reject(
                waiting.name, waiting.signature, self._settings.reject_dir, '%s\n' % reason),
                lambda: self._reject(waiting, reason))
        except EnvironmentError as error:
            self._tell(waiting, 'is no good report and stays, because it cannot be moved into %r '
                       '(%s): %s' % (self._settings.reject_dir, error.strerror, reason))
            return
        self._forget(waiting.name)
        if rejected is not None:  # or another daemon was quicker, or somebody changed it
            self.rejected += 1
            self._log.error('%r is no good report and is now %r: %s',
                            self.path(waiting.name), self.path(rejected), reason)

    def _archive(self, waiting):
        """Moves a report into the archive; returns 1, or 0 when it cannot be moved."""
        try:
            archived = self._errands.ask('archive', waiting.name, lambda folder: (
                self._move_into_archive(folder, waiting)), lambda: self._archive(waiting))
        except EnvironmentError as error:
            self._tell(waiting, 'is published but cannot be moved into %r, and stays: %s'
                       % (self._settings.ingest_dir, error.strerror))
            waiting.wait()
            return 0
        self._forget(waiting.name)
        if archived is None:  # another daemon was quicker, or somebody changed it
            return 0
        self._just_archived.append((waiting, archived))
        self._archived.note(waiting.name)
        self.ingested += 1
        self._log.info('%r: %s %s, %d without a number; now %r', self.path(waiting.name),
                       stability_report.counted(waiting.count, 'point'),
                       'stored' if self._settings.graphite else 'published',
                       waiting.without_number, self.path(archived))
        if self._take_back_if_changed(waiting, archived):
            return 0
        if (self._settings.archive_mode, self._settings.archive_group) != (None, None):
            self._give_access(archived, waiting.signature)
        return 1

    def _move_into_archive(self, folder, waiting):
        """What `Folder.archive` does; the archive is not listed again for it."""
        ingest_dir = self._settings.ingest_dir
        was_seen = folder.signature(ingest_dir) == self._archive_signature
        archived = folder.archive(waiting.name, waiting.signature, ingest_dir)
        if was_seen:
            self._archive_signature = folder.signature(ingest_dir)
        return archived

    def _take_back_if_changed(self, waiting, archived):
        """Whether an archived report was written to since it was read, and so is back."""
        try:
            is_back = self._errands.ask('look back', archived, lambda folder: (
                _moved_back_if_changed(folder, waiting, archived)))
        except EnvironmentError as error:
            self._log.error('%r is archived and could not be looked at once more: %s',
                            self.path(archived), error.strerror)
            return False
        if is_back:
            self.ingested -= 1
            self._log.error('%r was written to after it was archived, and is back in the folder, '
                            'to be published anew', self.path(waiting.name))
        return is_back

    def _give_access(self, archived, archived_signature):
        """Sets mode and group of an archived report, for staff who must read it."""
        try:
            self._errands.ask('give access', archived, lambda folder: folder.give_access(
                archived, archived_signature, self._settings.archive_mode,
                self._settings.archive_group))
        except EnvironmentError as error:
            self._log.error('%r is archived, but archive_mode and archive_group could not be set: '
                            '%s', self.path(archived), error.strerror)

    def _tell(self, waiting, message):
        """Logs what is wrong with a file, but not the same again on every poll."""
        if waiting.told != message:
            waiting.told = message
            self._log.error('%r %s', self.path(waiting.name), message)


def _moved_back_if_changed(folder, waiting, archived):
    """Whether an archived report is no more what was read, and was moved back."""
    subfolder, name = os.path.split(archived)
    with folder.below(subfolder) as archive:
        if archive.signature(name) in (waiting.signature, None):  # or moved away
            return False
        data, _ = archive.read(name, LARGEST)
        if _digest(data) == waiting.digest:  # a share may change its time
            return False
        return move(archive, name, folder, waiting.name)


def _question(waiting):
    return waiting.coil, waiting.is_to_be_counted, waiting.last.path


def _digest(data):
    return hashlib.sha256(data).digest()
