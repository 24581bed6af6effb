"""One scanner's reports from poll to poll: found, published, shown by Graphite, archived.

A `Share` reads the reports in a scanner's folder and knows what became of each; who publishes them
tells it. It says nothing to Diamond or Graphite itself.

Python 2.7 and 3.9 or newer, standard library only.
"""
import errno
import os
import time

import stability_report
from stability_folder import Folder, signature

# What becomes of a report, in this order.
FOUND = 'found'            # and maybe still being written
INCOMPLETE = 'incomplete'  # ends too early, and maybe is still being written
LEFT = 'left'              # stays until it changes; the log says why
QUEUED = 'queued'          # good, and waits for another scan with which it may share a slot
PUBLISHED = 'published'
SHOWN = 'shown'            # by Graphite, which has to show it for a while
STORED = 'stored'          # in Graphite, for all that can be known; it can be archived

# A report that has been incomplete for so many seconds is not being written any more.
_WRITING = 3600

# Graphite is asked so many seconds after a report was published, then after twice as many, and
# so on up to the longest pause. Until it is late, an incomplete answer is nothing unusual.
_FIRST_PAUSE = 0.5
LATE = 8
LONGEST_PAUSE = 600

# So many reports may be published and not yet late. Graphite is asked about so many at once, if
# their scans are not farther apart than this many seconds.
_MOST_PUBLISHED = 500
_BATCH = 50
_BATCH_SECONDS = 30 * 86400
_DAY = 86400

_clock = getattr(time, 'monotonic', time.time)


class Waiting(object):
    """A report that waits in a scanner's folder, as the file is since its last change.

    name: str; state: one of the above; epoch: int, of the scan; coil: str; count: int, how many
    points were published; last: the Metric that was published last, None if there was none;
    due: when to see after it, on our clock.
    """

    def __init__(self, name, signature):
        self.name = name
        self.signature = signature
        self.state = FOUND
        self.epoch = self.coil = self.last = self.told = None
        self.count = self.without_number = 0
        self._since = self.due = _clock()
        self._pause = _FIRST_PAUSE
        self._lacking = float('inf')

    @property
    def is_published(self):
        return self.state in (PUBLISHED, SHOWN, STORED)

    @property
    def coil_day(self):
        """Two scans of one coil and day may share a slot, whatever the retention."""
        return self.coil, self.epoch and self.epoch // _DAY

    def age(self):
        """Seconds since it was first seen as it is."""
        return _clock() - self._since

    def seconds_published(self):
        return _clock() - self._published

    def publish(self, metrics, is_confirmed):
        """Notes that these Metrics (list) were published; whether Graphite has to show them."""
        self.count = len(metrics)
        self.last = metrics[-1] if metrics else None
        self.state = PUBLISHED if is_confirmed and metrics else STORED
        self.due = self._published = _clock()

    def show(self, seconds):
        """Notes that Graphite shows it, for the first time; it has to for so many `seconds`."""
        self.state = SHOWN
        self.due = _clock() + seconds

    def store(self):
        """Notes that Graphite has shown it for long enough."""
        self.state = STORED
        self.due = _clock()

    def wait(self, lacking=float('inf')):
        """Puts it off, longer each time but when fewer points are `lacking` than before."""
        if self.state == SHOWN:
            self.state = PUBLISHED
        if lacking < self._lacking:
            self._pause = min(self._pause, LATE)
        self._lacking = lacking
        self.due = _clock() + self._pause
        self._pause = min(2 * self._pause, LONGEST_PAUSE)

    def be_late(self):
        """Puts it off for long enough to be told of."""
        self._pause = max(self._pause, LATE)
        self.wait()

    @property
    def is_late(self):
        return self._pause >= LATE

    @property
    def is_to_be_counted(self):
        """Whether it is time to ask Graphite for all of its points."""
        return self.state == SHOWN or self.is_late


class Share(object):
    """A scanner's folder; a context manager that has it open, and listed once in a run.

    is_listed: whether it was listed in this run; is_busy: whether there is something to do that
    could not be done yet; ingested, rejected: int, reports since the configuration was (re)loaded.

    What the system says of the folder is raised as EnvironmentError; of one file it is logged.
    """

    def __init__(self, scanner, settings, log):
        """`scanner`, `settings`: of stability_settings."""
        self.scanner = scanner
        self.is_listed = False
        self.is_busy = False
        self.ingested = 0
        self.rejected = 0
        self._settings = settings
        self._log = log
        self._folder = None
        self._names = []
        self._gone = set()
        self._waiting = {}
        self._under_way = set()
        self._newest = ''
        self._archive_signature = None
        self._is_in_sight = False
        self._told = None

    def __enter__(self):
        self._folder = Folder(self.scanner.folder)
        try:
            self.is_busy = False
            if self.is_listed:
                self._drop_gone()
            else:
                self._list()
        except BaseException:
            self._folder.close()
            raise
        return self

    def __exit__(self, *exception):
        self._folder.close()

    # -- reading ---------------------------------------------------------------------------

    def unread(self):
        """Yields what may be read now (Waiting), oldest scan first."""
        published = [each for each in self._waiting.values() if each.is_published]
        # A late one is not waited for, as it may never arrive.
        self._under_way = {each.coil_day for each in published if not each.is_late}
        for name in self._names:
            if len(self._under_way) >= _MOST_PUBLISHED:
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
            waiting = self._known(waiting.name, status)
            report = stability_report.parse_bytes(data, waiting.name)
        except EnvironmentError as error:
            if error.errno == errno.ENOENT:  # another daemon was quicker
                self._forget(waiting.name)
            else:
                self._tell(waiting, 'cannot be read and stays: %s' % error.strerror)
        except stability_report.IncompleteReport as error:
            if waiting.age() > _WRITING:
                self._reject(waiting, error)
            else:
                waiting.state = INCOMPLETE
        except stability_report.ReportError as error:
            self._reject(waiting, error)
        else:
            return report if self._has_its_turn(waiting, report) else None
        return None

    def read_again(self, waiting):
        """The Report that was published before; None when the file has changed."""
        try:
            data, status = self._read(waiting.name)
            report = stability_report.parse_bytes(data, waiting.name)
        except (EnvironmentError, stability_report.ReportError):
            report = None  # the next look into the folder tells what has happened
        if (report is None or signature(status) != waiting.signature
                or self._settings.coils.get(report.channels) != waiting.coil):
            self._forget(waiting.name)
            return None
        return report

    def leave(self, waiting, message):
        """Says why a report stays; it is not read again until it changes."""
        waiting.state = LEFT
        self._tell(waiting, message)

    def publish(self, waiting, metrics):
        """Notes that the Metrics (list) of a report were published."""
        waiting.publish(metrics, self._settings.graphite is not None)
        self._under_way.add(waiting.coil_day)

    # -- confirming and archiving ----------------------------------------------------------

    def published(self):
        """What is published and not archived (list of Waiting), oldest scan first."""
        known = [self._waiting.get(name) for name in self._names]
        return [each for each in known if each is not None and each.is_published]

    def questions(self):
        """What Graphite is to be asked about now, in lists that it can be asked about at once."""
        now = _clock()
        due = [each for each in self.published() if each.state != STORED and each.due <= now]
        batches = []
        for waiting in sorted(due, key=_question):
            first = batches[-1][0] if batches else None
            if (first is None or len(batches[-1]) == _BATCH
                    or _question(first) != _question(waiting)
                    or waiting.epoch - first.epoch > _BATCH_SECONDS):
                batches.append([])
            batches[-1].append(waiting)
        return batches

    def archive_stored(self):
        """Archives what Graphite has; returns how many reports that were (int)."""
        now = _clock()
        return sum([self._archive(waiting) for waiting in self.published()
                    if waiting.state == STORED and waiting.due <= now])

    def is_waiting_for_graphite(self):
        """Whether something is published that Graphite does not show yet."""
        return any(each.state in (PUBLISHED, SHOWN) for each in self._waiting.values())

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
        if self._told != error.strerror:
            self._told = error.strerror
            self._log.error('%r cannot be used: %s; is the share mounted, and may Diamond read it?',
                            self.scanner.folder, error.strerror)

    def about(self):
        """How the scanner's reports fare: {metric name: int}; nothing if that is not known."""
        if not self._is_in_sight:
            return {}
        self._drop_gone()
        now = time.time()
        numbers = {'ingested': self.ingested, 'rejected': self.rejected,
                   'waiting': len(self._names), 'unconfirmed': len(self.published()),
                   'oldest_waiting_seconds': 0}
        timezone = self._settings.timezone
        if self._names:
            oldest = stability_report.scan_epoch(self._names[0], timezone)
            numbers['oldest_waiting_seconds'] = int(now - oldest)
        newest = stability_report.newest_scan(self._names + [self._newest])
        if newest:
            newest = stability_report.scan_epoch(newest, timezone)
            numbers['seconds_since_last_scan'] = int(now - newest)
        return numbers

    def left_alone(self):
        """How many reports are left for a later run without a line in the log: int, of those that
        were not yet seen unchanged for settle_seconds; int, of those that are incomplete.
        """
        states = [waiting.state for waiting in self._waiting.values()]
        return states.count(FOUND), states.count(INCOMPLETE)

    # -- what the folder has ---------------------------------------------------------------

    def _list(self):
        """Lists the reports that wait, and forgets what has gone."""
        settings = self._settings
        self._names = stability_report.report_names(self._folder.names())
        archive = self._folder.signature(settings.ingest_dir)
        if archive != self._archive_signature:  # another daemon archives too
            self._note_newest(self._folder.names_in(settings.ingest_dir))
            self._archive_signature = archive
        for name in set(self._waiting).difference(self._names):
            del self._waiting[name]
        self._gone = set()
        self._told = None
        self._is_in_sight = True
        self.is_listed = True

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
        """The Waiting of that name as it is now; None when it has gone."""
        status = self._folder.status(name)
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
        return self._folder.read(name, stability_report.MAX_BYTES + 1)

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
        if waiting.coil_day in self._under_way:
            waiting.state = QUEUED
            self.is_busy = True
            return False
        return True

    # -- moving ----------------------------------------------------------------------------

    def _reject(self, waiting, reason):
        try:
            rejected = self._folder.reject(waiting.name, waiting.signature,
                                           self._settings.reject_dir, '%s\n' % reason)
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
            archived = self._move_into_archive(waiting)
        except EnvironmentError as error:
            self._tell(waiting, 'is published but cannot be moved into %r, and stays: %s'
                       % (self._settings.ingest_dir, error.strerror))
            waiting.wait()
            return 0
        self._forget(waiting.name)
        if archived is None:  # another daemon was quicker, or somebody changed it
            return 0
        self.ingested += 1
        self._log.info('%r: %d points %s, %d without a number; now %r', self.path(waiting.name),
                       waiting.count, 'stored' if self._settings.graphite else 'published',
                       waiting.without_number, self.path(archived))
        if (self._settings.archive_mode, self._settings.archive_group) != (None, None):
            self._give_access(archived, waiting.signature)
        return 1

    def _move_into_archive(self, waiting):
        """What `Folder.archive` does; the archive is not listed again for it."""
        ingest_dir = self._settings.ingest_dir
        was_seen = self._folder.signature(ingest_dir) == self._archive_signature
        archived = self._folder.archive(waiting.name, waiting.signature, ingest_dir)
        if was_seen:
            self._archive_signature = self._folder.signature(ingest_dir)
        return archived

    def _give_access(self, archived, archived_signature):
        """Sets mode and group of an archived report, for staff who must read it."""
        try:
            self._folder.give_access(archived, archived_signature, self._settings.archive_mode,
                                     self._settings.archive_group)
        except EnvironmentError as error:
            self._log.error('%r is archived, but archive_mode and archive_group could not be set: '
                            '%s', self.path(archived), error.strerror)

    def _tell(self, waiting, message):
        """Logs what is wrong with a file, but not the same again on every poll."""
        if waiting.told != message:
            waiting.told = message
            self._log.error('%r %s', self.path(waiting.name), message)


def _question(waiting):
    return waiting.coil, waiting.is_to_be_counted, waiting.last.path
