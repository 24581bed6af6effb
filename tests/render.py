"""An HTTP server that answers as graphite-web does, or as it should not."""
import json
import re
import threading

try:
    from http.server import BaseHTTPRequestHandler, HTTPServer
    from urllib.parse import parse_qs, urlsplit
except ImportError:  # Python 2.7
    from BaseHTTPServer import BaseHTTPRequestHandler, HTTPServer
    from urlparse import parse_qs, urlsplit


class Server(HTTPServer):
    """Answers every request with `answer(query)`: status, headers and body. A query has what was
    asked for, all of its `targets`, and the `path`.
    """

    def __init__(self):
        HTTPServer.__init__(self, ('127.0.0.1', 0), Handler)
        self.requests = []
        self.answer = None
        self.url = 'http://127.0.0.1:%d' % self.server_port
        self.thread = threading.Thread(target=self.serve_forever, args=(0.01,))
        self.thread.start()

    def handle_error(self, request, client_address):
        """A client that goes away is what some tests are about."""

    def end(self):
        self.shutdown()
        self.thread.join()
        self.server_close()


class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        parts = urlsplit(self.path)
        asked = parse_qs(parts.query)
        query = {name: values[0] for name, values in asked.items()}
        query.update(targets=asked.get('target', []), path=parts.path)
        headers = {name.title(): value for name, value in self.headers.items()}
        self.server.requests.append((self.path, headers, query))
        status, headers, body = self.server.answer(query)
        self.send_response(status)
        for item in headers.items():
            self.send_header(*item)
        self.end_headers()
        self.wfile.write(body)

    def do_POST(self):
        self.rfile.read(int(self.headers['Content-Length']))
        self.do_GET()

    def log_message(self, *arguments):
        pass


def whisper(points, step):
    """Answers as graphite-web does over whisper files: `points` is {path: {epoch: value}}, `step`
    an int or a function that has one for each path.

    Only series with a value in the time asked for are in an answer without nulls.
    """
    step_of = step if callable(step) else lambda path: step

    def answer(query):
        since, until = int(query['from']), int(query['until'])
        series = []
        for target in query['targets']:
            of_slots = re.match(r"alias\(transformNull\(limit\((.*),1\),0\),'(.*)'\)\Z", target)
            pattern = of_slots.group(1) if of_slots else target
            paths = [path for path in sorted(points)
                     if re.match(re.escape(pattern).replace(r'\*', '[^.]*') + r'\Z', path)]
            for path in paths[:1] if of_slots else paths:
                step = step_of(path)
                values = {epoch - epoch % step: value for epoch, value in points[path].items()}
                slots = range(since - since % step + step, until + 1, step)
                name, otherwise = (of_slots.group(2), 0) if of_slots else (path, None)
                datapoints = [[values.get(slot, otherwise), slot] for slot in slots]
                if query.get('noNullPoints'):
                    datapoints = [point for point in datapoints if point[0] is not None]
                if datapoints:
                    series.append({'target': name, 'datapoints': datapoints})
        return 200, {'Content-Type': 'application/json'}, json.dumps(series).encode('ascii')
    return answer


def fixed(body, status=200, **headers):
    return lambda query: (status, headers, body)
