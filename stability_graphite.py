"""What a Graphite says: which points it has, and whatever else it is asked.

Python 2.7 and 3.9 or newer, standard library only.
"""
import base64
import json
import re
import socket
import time

try:
    from http.client import HTTPException
    from urllib.error import HTTPError, URLError
    from urllib.parse import unquote, urlencode, urlsplit, urlunsplit
    from urllib.request import HTTPRedirectHandler, ProxyHandler, Request, build_opener
except ImportError:  # Python 2.7
    from urllib import unquote, urlencode

    from httplib import HTTPException
    from urllib2 import (
        HTTPError,
        HTTPRedirectHandler,
        ProxyHandler,
        Request,
        URLError,
        build_opener,
    )
    from urlparse import urlsplit, urlunsplit

# The coarsest sensible step is a day; a step is seen in two slots of a series.
_DAY = 86400
_TWO_STEPS = 2 * _DAY
# Seconds in which a series has a slot at least: of usual retentions, of the coarsest.
_SPANS = (3600, _DAY)
_PLAIN = re.compile(r'[!-~]*\Z')
_NEVER_THE_SAME = 600  # seconds
# No metric path: those have dots.
_SLOTS = 'slots'
# An answer about a hundred reports of 64 slices is half of this.
_MAX_ANSWER = 64 * 1024 * 1024
_CHUNK = 64 * 1024
# Of a proxy these would be the proxy's own.
_THIS_MACHINE = ('127.0.0.1', '::1', 'localhost')
# What HTTP says of a question that is not answered here.
_UNABLE = (400, 404, 405, 501)


_START_IT = 'start the graphite-web of graphite_url, or put graphite_url right'


class GraphiteError(Exception):
    """Graphite did not say what it has: what was asked (without password), and what came.

    Attribute: `todo` (str), what an operator can do about it.
    """

    def __init__(self, message, todo='put graphite_url right: is it a Graphite?'):
        super(GraphiteError, self).__init__(message)
        self.todo = todo


class GraphiteAway(GraphiteError):
    """Nobody answered, so that there is no use in asking anything else now."""

    def __init__(self, message, todo=_START_IT):
        super(GraphiteAway, self).__init__(message, todo)


class GraphiteTooLong(GraphiteError):
    """The answer is too long: less of it can be asked for."""


class GraphiteUnable(GraphiteError):
    """What answers is no Graphite, or does not have what it was asked for."""


class Graphite(object):
    """A graphite-web, or what answers like one, asked over HTTP.

    Attribute: `address` (str), the URL without user name and password.
    """

    def __init__(self, url, token=None):
        """`url` (str): http or https, with `user:password@` where needed; `token` (str): bearer.

        Raises ValueError when `url` is none.
        """
        try:
            parts = urlsplit(url)
            is_good = (parts.scheme in ('http', 'https') and _is_host(parts.hostname)
                       and parts.port != 0 and _PLAIN.match(parts.path))
        except ValueError:  # as for a port that is no number
            is_good = False
        if not is_good:
            raise ValueError('expected an address like http://host:8080 or https://host, in ASCII '
                             'characters')
        host = parts.netloc.rpartition('@')[2]
        self.address = urlunsplit((parts.scheme, host, parts.path.rstrip('/'), '', ''))
        self._headers = {'Accept': 'application/json'}
        if token:
            self._headers['Authorization'] = 'Bearer ' + token
        elif parts.username:
            account = '%s:%s' % (unquote(parts.username), unquote(parts.password or ''))
            account = account if isinstance(account, bytes) else account.encode('utf-8')
            self._headers['Authorization'] = 'Basic ' + base64.b64encode(account).decode('ascii')
        handlers = [_NoRedirect]
        if parts.hostname in _THIS_MACHINE:
            handlers.append(ProxyHandler({}))
        self._opener = build_opener(*handlers)

    def points(self, target, epochs, timeout):
        """What the series of `target` (str, a metric path, maybe with `*`) hold in some slots.

        Whisper keeps a point at `epoch - epoch % step`, and how long a step is depends on how old
        `epoch` is, and on the retention when the series was made. Returns {epoch: {metric path:
        float}} for the `epochs` (ints); where nothing is stored, there is nothing. Takes one
        request where all series are alike, else up to three; `timeout` (seconds) holds for each.

        All are asked for at once, and so answered from the archive that reaches back to the oldest:
        `exactly` looks into the one that holds an epoch.

        Raises GraphiteError; GraphiteAway when nobody answers.
        """
        since = min(epochs) - _TWO_STEPS
        try:
            series = self._render(timeout, [target, _slots_of(target)], since, max(epochs) + 1)
        except GraphiteTooLong:  # as of who ignores noNullPoints
            if len(epochs) == 1:
                raise
            ordered = sorted(epochs)
            half = len(ordered) // 2
            found = self.points(target, ordered[:half], timeout)
            found.update(self.points(target, ordered[half:], timeout))
            return found
        step = _step(series.pop(_SLOTS, ()))
        if series and step is None:
            raise GraphiteError('%s shows no two slots of a series in %d s: is its retention '
                                'coarser than a day?' % (self.address, _TWO_STEPS))
        found = {path: _in_slots(values, epochs, step) for path, values in series.items()}
        if any(_may_have_other_slots(series[path], epochs, found[path]) for path in found):
            steps = self._steps(target, since, timeout)
            found = {path: _in_slots(values, epochs, steps.get(path, step))
                     for path, values in series.items()}
        return {epoch: {path: values[epoch] for path, values in found.items() if epoch in values}
                for epoch in epochs}

    def exactly(self, target, epoch, timeout):
        """{metric path: (slot, float or None)}: the slot of each series in which `epoch` (int) is
        kept, and what it holds, from the archive that holds it. Raises GraphiteError.
        """
        found = {}
        for span in _SPANS:
            series = self._render(timeout, [target], epoch - span - 1, epoch + 1, nulls=True)
            for path, values in series.items():
                slots = [slot for slot in values if slot <= epoch]
                if slots:
                    found.setdefault(path, (max(slots), values[max(slots)]))
            if len(found) == len(series):
                break
        return found

    def lacking(self, target, wanted, timeout):
        """Which of the points that should be stored are not.

        `wanted`: {epoch: {metric path: list of float, of which each is right}}, all of series of
        `target`. Returns the same epochs with what is not stored: {epoch: {metric path: float that
        is there instead, or None}}. Raises GraphiteError.
        """
        found = self.points(target, list(wanted), timeout)
        lacking = {epoch: _not_as_wanted(wanted[epoch], found[epoch]) for epoch in wanted}
        for epoch, paths in lacking.items():
            if paths and any(path in found[epoch] for path in wanted[epoch]):
                slots = self.exactly(target, epoch, timeout)
                exactly = {path: value for path, (_, value) in slots.items() if value is not None}
                lacking[epoch] = _not_as_wanted({path: wanted[epoch][path] for path in paths},
                                                exactly)
        return lacking

    def share_slots(self, target, epoch, other, timeout):
        """Whether the series of `target` keep points of both epochs in the same slots, so that the
        one that was stored last is there. Raises GraphiteError.
        """
        one, two = (self.exactly(target, each, timeout) for each in (epoch, other))
        return bool(one) and all(path in two and two[path][0] == slot
                                 for path, (slot, _) in one.items())

    def step(self, path, epoch, timeout):
        """How many seconds (int) a slot has in which a series keeps a point of `epoch` (int) now.

        None when Graphite shows no such series, or keeps nothing of that age. Raises GraphiteError.
        """
        # The same `since` as for the points, so that Graphite looks into the same archive.
        since = epoch - _TWO_STEPS
        return _step(self._render(timeout, [_slots_of(path)], since, epoch).get(_SLOTS, ()))

    def ask(self, path, query, read, timeout, body=None):
        """What the function `read` makes of the JSON that graphite-web answers: of None when the
        answer is empty.

        `path` (str) is like /render, `query` a dict of values or lists of values; with a `body`
        (bytes) it is a POST.

        Raises GraphiteError: GraphiteAway when nobody answers, GraphiteUnable for an answer that
        `read` can make nothing of.
        """
        url = '%s%s?%s' % (self.address, path, urlencode(query, True))
        answer = self._get(Request(url, body, self._headers), timeout)
        try:
            return read(json.loads(answer.decode('utf-8') or 'null'))
        # Of JSON nested too deeply Python says RuntimeError, of an infinite slot OverflowError.
        except (ValueError, TypeError, KeyError, AttributeError, OverflowError, RuntimeError):
            raise GraphiteUnable('%s answered %s with something else than the JSON of a Graphite: '
                                 '%.60r' % (self.address, path, answer))

    def _steps(self, target, since, timeout):
        """{metric path: int}: how long a slot of each series is in what is asked for `since`."""
        steps = {}
        for span in _SPANS:
            series = self._render(timeout, [target], since, since + 2 * span + 1, nulls=True)
            steps.update((path, _step(slots)) for path, slots in series.items()
                         if not steps.get(path))
            if all(steps.values()):
                break
        return {path: step for path, step in steps.items() if step}

    def _render(self, timeout, targets, since, until, nulls=False):
        """{name: {slot: float}} for the slots after `since`, or a little before, up to `until` that
        have a value; with `nulls` also for the others, with None.
        """
        # go-carbon answers the same question the same for a minute, whatever noCache says.
        since -= int(time.time()) % _NEVER_THE_SAME
        query = {'target': targets, 'from': since, 'until': until, 'format': 'json',
                 'noCache': 'true'}
        if not nulls:
            query['noNullPoints'] = 'true'  # which VictoriaMetrics ignores
        return self.ask('/render', query, lambda answer: _series(answer, nulls), timeout)

    def _get(self, request, timeout):
        deadline = time.time() + timeout
        try:
            response = self._opener.open(request, timeout=timeout)
            try:
                return self._read(response, deadline)
            finally:
                response.close()
        except HTTPError as error:
            error.close()
            kind = GraphiteUnable if error.code in _UNABLE else GraphiteError
            raise kind('%s answered %d %s' % (
                self.address, error.code, _printable(error.reason)), _todo(error.code))
        except URLError as error:
            raise GraphiteAway('%s does not answer: %s' % (
                self.address, _printable(error.reason)), _todo_of(error.reason))
        except (socket.error, HTTPException) as error:
            raise GraphiteAway('%s broke off its answer: %s' % (
                self.address, _printable(error) or type(error).__name__))

    def _read(self, response, deadline):
        """The body (bytes). Raises GraphiteError when it is endless or comes too slowly."""
        read = getattr(response, 'read1', response.read)
        chunks = []
        size = 0
        while True:
            chunk = read(_CHUNK)
            if not chunk:
                break
            chunks.append(chunk)
            size += len(chunk)
            if size > _MAX_ANSWER:
                raise GraphiteTooLong('%s answered with more than %d bytes' % (
                    self.address, _MAX_ANSWER))
            if time.time() > deadline:
                raise GraphiteAway('%s takes too long to answer' % self.address)
        return b''.join(chunks)


def _is_host(name):
    """Whether a name can be looked up: in ASCII, with labels of 63 characters at most."""
    return bool(name and _PLAIN.match(name)
                and all(len(label) < 64 for label in name.rstrip('.').split('.')))


def _todo(status):
    """What to do about a status of HTTP (int) that is no success."""
    if status in (401, 403):
        return 'name user and password in graphite_url, or graphite_token_file'
    if status == 404:
        return 'put graphite_url right; a carbonapi takes notFoundStatusCode: 200'
    if status >= 500:
        return ("see its log, which names the file where a whisper file is broken (cut short, or "
                'of zeros)')
    return 'put graphite_url right'


def _todo_of(reason):
    if 'certificate' in str(reason).lower():
        return ('have this machine trust the certificate of graphite_url, or name its authority in '
                'SSL_CERT_FILE of the environment')
    return _START_IT


def _not_as_wanted(wanted, found):
    return {path: found.get(path) for path, values in wanted.items()
            if found.get(path) not in values}


def _may_have_other_slots(values, epochs, found):
    """Whether a series has a value near an epoch for which there is none in the slot looked at."""
    lacking = [epoch for epoch in epochs if epoch not in found]
    return bool(lacking) and any(epoch - _DAY < slot <= epoch
                                 for epoch in lacking for slot in values)


def _slots_of(target):
    """A query for the series of `target`, or the first of them, with a value in each of its slots.

    It is called _SLOTS. So one answer has the few points that there are, and how long a slot is.
    """
    return "alias(transformNull(limit(%s,1),0),'%s')" % (target, _SLOTS)


def _in_slots(values, epochs, step):
    """{epoch: float} of those `epochs` that have a value in their slot."""
    slots = {epoch: epoch - epoch % step for epoch in epochs}
    return {epoch: values[slot] for epoch, slot in slots.items() if slot in values}


def _step(slots):
    """Seconds between the first two of them; None when there are not so many."""
    first = sorted(slots)[:2]
    return first[1] - first[0] if len(first) == 2 else None


def _series(answer, nulls):
    if not isinstance(answer, list):
        raise TypeError
    return {str(one['target']): {int(slot): value for value, slot in one['datapoints']
                                 if nulls or value is not None} for one in answer}


def _printable(said):
    return ''.join(c if ' ' <= c <= '~' else '?' for c in str(said)[:200])


class _NoRedirect(HTTPRedirectHandler):
    """A redirect leads to a log-in page, and would take the password along."""

    def redirect_request(self, *args, **kwargs):
        return None
