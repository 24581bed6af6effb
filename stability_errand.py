"""What is asked of a folder that may never answer, from where it can be left behind.

Python 2.7 and 3.9 or newer, standard library only.
"""
import errno
import threading

from stability_waiting import clock

# A folder or a file that does not answer within so many seconds is left alone until it does.
# Where runs are shorter, it is not told before it has not done so for a second.
_PATIENCE = 5
_SLOW = 1


class Errand(threading.Thread):
    """Runs a function where it can be left behind: what the system hangs in cannot be interrupted.

    It begins when it is first asked whether it is back, and not before its starter knows it:
    Diamond may interrupt a run also while a thread begins.
    """

    def __init__(self, function, undo=None):
        """`undo` is told the result if nobody waits for it any more."""
        # Not super(Errand, self): another class, where a Diamond has loaded this file again.
        threading.Thread.__init__(self)
        self.daemon = True
        self._function = function
        self._undo = undo
        self._result = self._error = None
        self._is_left = False
        self._lock = threading.Lock()

    def run(self):
        """Called by the thread."""
        try:
            result = self._function()
        except Exception as error:  # told to who waits
            self._error = error
            return
        with self._lock:
            self._result = result
            if self._is_left and self._undo:
                self._undo(result)

    def leave(self):
        """Does not wait for the result any more."""
        with self._lock:
            if self._result is not None and self._undo and not self._is_left:
                self._undo(self._result)
            self._is_left = True

    def is_back(self, seconds):
        """Whether it is done within so many `seconds` (float)."""
        if self.ident is None:
            self.start()
        self.join(max(0, seconds))
        return not self.is_alive()

    def result(self):
        """What the function returned; or raises what it raised."""
        if self._error is not None:
            raise self._error
        return self._result


class NoAnswer(Exception):
    """A folder has not answered, or not in the time that was left: nothing else is asked of it.

    Not an EnvironmentError, which may be about one file.
    """


class Errands(object):
    """What is asked of one folder, from run to run.

    is_stuck: whether it has not answered for so long that it is left alone.
    """

    def __init__(self, time_left):
        """`time_left()`: seconds for this run."""
        self.is_stuck = False
        self._time_left = time_left
        self._folder = None
        self._opening = None
        self._asked = {}
        self._unanswered_since = None

    @property
    def is_slow(self):
        """Whether it has not answered, but not yet for so long that it is stuck."""
        return self._unanswered_since is not None and not self.is_stuck

    def stuck_seconds(self):
        """For how long it is stuck (int), 0 when it is not."""
        return int(clock() - self._unanswered_since) if self.is_stuck else 0

    def open(self, function):
        """Asks what has to be first: `function` returns the Folder, open, and what is returned.

        Raises EnvironmentError, also when there is no answer.
        """
        patience = self._patience()
        if self._opening is None:
            self._opening = Errand(function)
        if not self._opening.is_back(0 if self.is_stuck else patience):
            self._note_no_answer(patience)
            raise no_answer()
        opening, self._opening = self._opening, None
        self._unanswered_since, self.is_stuck = None, False
        self._folder, found = opening.result()
        return found

    def close(self):
        """Closes the folder; what is still asked has it open for itself."""
        self._folder.close()

    def ask(self, what, name, function, go_on=None):
        """What `function` returns, given the open Folder.

        `what` (str) is done with the file `name`: who asks the same of it later gets the answer
        that came meanwhile; `go_on` is called by the next `go_on` that finds it. Raises
        EnvironmentError, and NoAnswer when it is not the trouble of this file alone.
        """
        key = what, name
        is_new = key not in self._asked
        if is_new:
            folder = self._folder.again()
            self._asked[key] = Errand(lambda: _closing(folder, function)), clock(), go_on
        errand, since, _ = self._asked[key]
        patience = self._patience() if is_new else 0
        if errand.is_back(patience):
            del self._asked[key]
            return errand.result()
        if name == '.' or clock() - since < min(_SLOW, _PATIENCE):
            self._note_no_answer(patience)
            raise NoAnswer
        self.ask_of_all()
        raise no_answer()

    def ask_of_all(self):
        """Raises what is not the trouble of one file, but of all."""
        self.ask('status', '.', lambda folder: folder.status('.'))

    def go_on(self, names):
        """Goes on with what has come back, and forgets what was asked of a file that is not among
        the `names` any more.
        """
        for key, (errand, _, go_on) in list(self._asked.items()):
            if not errand.is_back(0):
                continue
            if go_on:
                go_on()
            elif key[1] not in names:
                self._asked.pop(key, None)  # or what was gone on with has asked the same

    def _patience(self):
        """For so many seconds a run can wait: Diamond would end it if it waited for longer."""
        return max(0, min(_PATIENCE, self._time_left()))

    def _note_no_answer(self, patience):
        """One that a run had no time to wait for is only slow, until it is so in the next."""
        if self._unanswered_since is None:
            self._unanswered_since = clock()
        self.is_stuck = (self.is_stuck or patience >= _PATIENCE
                         or clock() - self._unanswered_since >= _SLOW)


def no_answer():
    """The EnvironmentError that tells it."""
    return EnvironmentError(
        errno.ETIMEDOUT, 'it does not answer, and is left alone until it does')


def _closing(folder, function):
    with folder:
        return function(folder)
