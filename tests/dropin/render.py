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
    """Answers every request with `answer(query)`: status, headers and body."""

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
        query = {name: values[0] for name, values in parse_qs(urlsplit(self.path).query).items()}
        headers = {name.title(): value for name, value in self.headers.items()}
        self.server.requests.append((self.path, headers, query))
        status, headers, body = self.server.answer(query)
        self.send_response(status)
        for item in headers.items():
            self.send_header(*item)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *arguments):
        pass


def whisper(points, step):
    """Answers as graphite-web does over whisper files: `points` is {path: {epoch: value}}."""
    def answer(query):
        wanted = re.compile(re.escape(query['target']).replace(r'\*', '[^.]*') + r'\Z')
        since, until = int(query['from']), int(query['until'])
        series = []
        for path, values in sorted(points.items()):
            if not wanted.match(path):
                continue
            slots = {epoch - epoch % step: value for epoch, value in values.items()}
            datapoints = [[slots.get(slot), slot]
                          for slot in range(since - since % step + step, until + 1, step)]
            if query.get('noNullPoints'):
                datapoints = [point for point in datapoints if point[0] is not None]
            if datapoints:
                series.append({'target': path, 'datapoints': datapoints})
        return 200, {'Content-Type': 'application/json'}, json.dumps(series).encode('ascii')
    return answer


def fixed(body, status=200, **headers):
    return lambda query: (status, headers, body)
