"""What answers like a Graphite, but not in all: VictoriaMetrics 1.151, and carbonapi 0.18 over
go-carbon 0.19 with the settings of their examples, in the points named, as the programs were seen
to. Python 2.7 and 3.9 or newer.
"""
import json
import re
import time

from render import whisper

USAGE = b'\nsupported requests:\n    /functions/\n    /info/?target=\n'
MOST_SLOTS = 1000000
UNITS = {'s': 1, 'min': 60, 'd': 86400}


class VictoriaMetrics(object):
    """Has slots in its answers only, and in them the averages of what it has; begins with a slot at
    `from`, and ends before one at `until`; ignores noNullPoints; knows a series only where it has
    something; lists paths without an object around them; has no events.

    `points`: {path: {epoch: value}}, or a function that returns it.
    """

    def __init__(self, points, step=600):
        self._points = points if callable(points) else lambda: points
        self._step = step

    def __call__(self, query):
        if query['path'] == '/metrics/expand':
            return _json(sorted(_nodes(self._points(), query['query'])))
        if query['path'] != '/render':
            return 400, {}, b'unsupported path requested'
        now = int(time.time())
        step = _seconds(query['storage_step']) if 'storage_step' in query else self._step
        since = _rounded_up(_epoch(query['from'], now), step)
        until = _rounded_up(_epoch(query.get('until', str(now)), now), step)
        if (until - since) // step > MOST_SLOTS:
            return 400, {}, b'too many points per series'
        return _json([one for target in query['targets']
                      for one in self._series(target, since, until, step)])

    def _series(self, target, since, until, step):
        if target == 'constantLine(0)':
            half = (until - since) // 2
            return [_one('0', [[0, since + turn * half] for turn in range(3)])]
        of_slots = re.match(r"alias\(transformNull\(limit\((.*),1\),0\),'(.*)'\)\Z", target)
        assert of_slots or '(' not in target, target
        pattern = of_slots.group(1) if of_slots else target
        found = []
        for path, values in sorted(self._points().items()):
            inside = {epoch: value for epoch, value in values.items() if since <= epoch < until}
            if inside and _fits(pattern, path):
                in_slots = {}
                for epoch, value in inside.items():
                    in_slots.setdefault(epoch - epoch % step, []).append(value)
                found.append(_one(path, [
                    [sum(in_slots[slot]) / len(in_slots[slot]) if slot in in_slots else None, slot]
                    for slot in range(since, until, step)]))
        if of_slots:
            found = [_one(of_slots.group(2), [[value or 0, slot] for value, slot in
                                              one['datapoints']]) for one in found[:1]]
        return found


class Carbonapi(object):
    """Finds by patterns what there was when it last looked (`look()`), but by its name whatever was
    not looked for before; answers the same question the same until then, though noCache is asked
    for; has a text for what it does not know, as for /events; refuses two functions; answers 404
    where there is nothing, if told to.
    """

    def __init__(self, points, step=600, not_found=200):
        self._points = points
        self._step = step
        self._not_found = not_found
        self.look()

    def look(self):
        """As every few minutes."""
        self._index = set(self._points)
        self._unknown = set()
        self._cache = {}

    def __call__(self, query):
        if query['path'] == '/metrics/expand':
            found = _nodes(self._index, query['query'])
            return _json({'results': sorted(path.rstrip('.') for path in found)})
        if query['path'] != '/render':
            return 200, {}, USAGE
        if re.search('applyByNode|timeShift', query['target']):
            return 500, {}, b'failed to evaluate'
        question = json.dumps(query, sort_keys=True)
        if question not in self._cache:
            self._unknown.update(target for target in query['targets']
                                 if '(' not in target and target not in self._points)
            there = {path: self._points[path] for path in
                     (self._index if '*' in query['target'] else self._points)
                     if path not in self._unknown}
            self._cache[question] = whisper(there, self._step)(query)
        status, headers, body = self._cache[question]
        return (self._not_found if body == b'[]' else status), headers, body


def _json(answer):
    return 200, {'Content-Type': 'application/json'}, json.dumps(answer).encode('ascii')


def _one(name, datapoints):
    return {'target': name, 'datapoints': datapoints}


def _nodes(paths, pattern):
    """What a pattern fits, with a dot behind what is above series."""
    depth = pattern.count('.') + 1
    nodes = {'.'.join(path.split('.')[:depth]) + '.' * (path.count('.') >= depth) for path in paths}
    return {node for node in nodes if _fits(pattern, node.rstrip('.'))}


def _fits(pattern, path):
    parts = re.split(r'(\*|\{[^}]*\})', pattern)
    return re.match(''.join(
        '[^.]*' if part == '*' else
        '(?:' + part[1:-1].replace(',', '|') + ')' if part.startswith('{') else re.escape(part)
        for part in parts) + r'\Z', path)


def _rounded_up(epoch, step):
    return -(-epoch // step) * step


def _epoch(text, now):
    return now + _seconds(text) if text.startswith('-') else int(text)


def _seconds(text):
    number, unit = re.match(r'(-?\d+)([a-z]+)\Z', text).groups()
    return int(number) * UNITS[unit]
