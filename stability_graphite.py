"""What a graphite-web says: which points it has, and whatever else it is asked.

Python 2.7 and 3.9 or newer, standard library only.
"""
import base64
import json
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

# A step is seen in two points of a series, and the coarsest sensible step is a day.
_TWO_STEPS = 2 * 86400
# No metric path: those have dots.
_SLOTS = 'slots'
# An answer about a hundred reports of 64 slices is half of this.
_MAX_ANSWER = 64 * 1024 * 1024
_CHUNK = 64 * 1024
# Of a proxy these would be the proxy's own.
_THIS_MACHINE = ('127.0.0.1', '::1', 'localhost')


class GraphiteError(Exception):
    """Graphite did not say what it has: what was asked (without password), and what came."""


class GraphiteAway(GraphiteError):
    """Nobody answered, so that there is no use in asking anything else now."""


class Graphite(object):
    """A graphite-web, asked over HTTP.

    Attribute: `address` (str), the URL without user name and password.
    """

    def __init__(self, url, token=None):
        """`url` (str): http or https, with `user:password@` where needed; `token` (str): bearer.

        Raises ValueError when `url` is none.
        """
        try:
            parts = urlsplit(url)
            is_good = parts.scheme in ('http', 'https') and parts.hostname and parts.port != 0
        except ValueError:  # as for a port that is no number
            is_good = False
        if not is_good:
            raise ValueError('expected an address like http://host:8080 or https://host')
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
        request where all series are alike and have a value, else two; `timeout` (seconds) holds
        for each.

        Raises GraphiteError; GraphiteAway when nobody answers.
        """
        since = min(epochs) - _TWO_STEPS
        series = self._render(timeout, [target, _slots_of(target)], since, max(epochs))
        step = _step(series.pop(_SLOTS, ()))
        if series and step is None:
            raise GraphiteError('%s shows no two slots of a series in %d s: is its retention '
                                'coarser than a day?' % (self.address, _TWO_STEPS))
        found = {path: _in_slots(values, epochs, step) for path, values in series.items()}
        without = sorted(path for path in found if not found[path])
        if without:  # made when there was another retention, maybe
            step = self.step(without[0], min(epochs), timeout) or step
            found.update((path, _in_slots(series[path], epochs, step)) for path in without)
        return {epoch: {path: values[epoch] for path, values in found.items() if epoch in values}
                for epoch in epochs}

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

        Raises GraphiteError, also for an answer that `read` can make nothing of; GraphiteAway when
        nobody answers.
        """
        url = '%s%s?%s' % (self.address, path, urlencode(query, True))
        answer = self._get(Request(url, body, self._headers), timeout)
        try:
            return read(json.loads(answer.decode('utf-8') or 'null'))
        # Of JSON nested too deeply Python says RuntimeError, of an infinite slot OverflowError.
        except (ValueError, TypeError, KeyError, AttributeError, OverflowError, RuntimeError):
            raise GraphiteError('%s answered %s with something else than the JSON of a Graphite: '
                                '%.60r' % (self.address, path, answer))

    def _render(self, timeout, targets, since, until):
        """{name: {slot: float}} for the slots after `since` up to `until` that have a value."""
        query = {'target': targets, 'from': since, 'until': until, 'format': 'json',
                 'noCache': 'true', 'noNullPoints': 'true'}
        return self.ask('/render', query, _series, timeout)

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
            raise GraphiteError('%s answered %d %s' % (
                self.address, error.code, _printable(error.reason)))
        except URLError as error:
            raise GraphiteAway('%s does not answer: %s' % (
                self.address, _printable(error.reason)))
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
                raise GraphiteError('%s answered with more than %d bytes' % (
                    self.address, _MAX_ANSWER))
            if time.time() > deadline:
                raise GraphiteAway('%s takes too long to answer' % self.address)
        return b''.join(chunks)


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


def _series(answer):
    if not isinstance(answer, list):
        raise TypeError
    return {str(one['target']): {int(slot): value for value, slot in one['datapoints']}
            for one in answer}


def _printable(said):
    return ''.join(c if ' ' <= c <= '~' else '?' for c in str(said)[:200])


class _NoRedirect(HTTPRedirectHandler):
    """A redirect leads to a log-in page, and would take the password along."""

    def redirect_request(self, *args, **kwargs):
        return None
