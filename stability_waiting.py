"""What is known of one report that waits in a scanner's folder, and what becomes of it.

Python 2.7 and 3.9 or newer, standard library only.
"""
import os
import time

# What becomes of a report, in this order.
FOUND = 'found'            # and maybe still being written
UNREADABLE = 'unreadable'  # says the system; the log says why
INCOMPLETE = 'incomplete'  # ends too early, and maybe is still being written
LEFT = 'left'              # stays until it changes; the log says why
QUEUED = 'queued'          # good, and waits for another scan with which it may share a slot
PUBLISHED = 'published'
SHOWN = 'shown'            # by Graphite, which has to show it for a while
STORED = 'stored'          # in Graphite, for all that can be known; it can be archived

# Graphite is asked so many seconds after a report was published, then after twice as many, and
# so on up to the longest pause. Until it is late, an incomplete answer is nothing unusual.
_FIRST_PAUSE = 0.5
LATE = 8
LONGEST_PAUSE = 600

DAY = 86400

# That of a day may be put back; Python 2.7 has another only here.
clock = getattr(time, 'monotonic', lambda: os.times()[4])


class Waiting(object):
    """A report that waits in a scanner's folder, as the file is since its last change.

    name: str; state: one of the above; epoch: int, of the scan; coil: str; count: int, how many
    points were published; last: the Metric that was published last, None if there was none; later:
    a later scan that is published and may share its slot (with a name and an epoch), or None; due:
    when to see after it, on our clock; is_unanswered: whether Graphite could not say what it has of
    it; is_held: whether it is not published before Graphite has said who has its slot.
    """

    def __init__(self, name, signature):
        self.name = name
        self.signature = signature
        self.state = FOUND
        self.epoch = self.coil = self.last = self.later = self.told = self.digest = None
        self.count = self.without_number = 0
        self.is_unanswered = self.is_held = False
        self._since = self.due = clock()
        self._pause = _FIRST_PAUSE
        self._lacking = float('inf')

    @property
    def is_published(self):
        return self.state in (PUBLISHED, SHOWN, STORED)

    @property
    def coil_day(self):
        """Two scans of one coil and day may share a slot, whatever the retention."""
        return self.coil, self.epoch and self.epoch // DAY

    def age(self):
        """Seconds since it was first seen as it is."""
        return clock() - self._since

    def seconds_published(self):
        return clock() - self._published

    def publish(self, metrics, is_confirmed):
        """Notes that these Metrics (list) were published; whether Graphite has to show them."""
        self.count = len(metrics)
        self.last = metrics[-1] if metrics else None
        self.state = PUBLISHED if is_confirmed and metrics else STORED
        self.is_held = False
        self.due = self._published = clock()

    def hold(self, metrics):
        """As `publish`, but Graphite is asked first whether the later scan has its slot."""
        self.publish(metrics, True)
        self.is_held = True
        self._pause = LATE

    def show(self, seconds):
        """Notes that Graphite shows it, for the first time; it has to for so many `seconds`."""
        self.state = SHOWN
        self.due = clock() + seconds

    def store(self):
        """Notes that Graphite has shown it for long enough."""
        self.state = STORED
        self.due = clock()

    def wait(self, lacking=float('inf')):
        """Puts it off, longer each time but when fewer points are `lacking` than before."""
        if self.state == SHOWN:
            self.state = PUBLISHED
        if lacking < self._lacking:
            self._pause = min(self._pause, LATE)
        self._lacking = lacking
        self.is_unanswered = False
        self.due = clock() + self._pause
        self._pause = min(2 * self._pause, LONGEST_PAUSE)

    def be_late(self):
        """Puts it off for long enough to be told of: Graphite could not say what it has of it."""
        self._pause = max(self._pause, LATE)
        self.wait()
        self.is_unanswered = True

    @property
    def is_late(self):
        return self._pause >= LATE

    @property
    def is_waited_for(self):
        """Whether others of its coil and day wait for it: one that Graphite says it lacks may never
        arrive.
        """
        return not self.is_late or self.is_unanswered

    @property
    def is_to_be_counted(self):
        """Whether it is time to ask Graphite for all of its points."""
        return self.state == SHOWN or self.is_late
