# coding=utf-8
"""What Graphite says it has, and all that is no such answer."""
import base64
import os
import socket
import ssl

import pytest
from render import Server, fixed, whisper

from stability_graphite import Graphite, GraphiteError

DAY = 86400
EPOCH = 1536570550
PATIENCE = 120  # seconds that no test waits, unless something is broken


@pytest.mark.parametrize('step', [1, 60, 600, 3600, DAY])
def test_points_are_found_in_the_slot_of_their_epoch(server, step):
    server.answer = whisper({'a.SNR.mean.1': {EPOCH: 1.5, EPOCH + 5 * DAY: 2.5},
                             'a.SNR.mean.2': {EPOCH + 5 * DAY: 0.0}}, step)
    epochs = [EPOCH, EPOCH + 5 * DAY, EPOCH + 9 * DAY]
    found = Graphite(server.url).points('a.*.*.*', epochs, PATIENCE)
    assert found == {EPOCH: {'a.SNR.mean.1': 1.5},
                     EPOCH + 5 * DAY: {'a.SNR.mean.1': 2.5, 'a.SNR.mean.2': 0.0},
                     EPOCH + 9 * DAY: {}}
    assert len(server.requests) == 1


def test_series_that_were_made_under_another_retention_have_slots_of_their_own(server):
    old, new = 'a.SNR.mean.1', 'a.SNR.mean.17'
    server.answer = whisper({old: {EPOCH: 1.5}, new: {EPOCH: 2.5}},
                            lambda path: 60 if path == old else 600)
    found = Graphite(server.url).points('a.*.*.*', [EPOCH], PATIENCE)
    assert found == {EPOCH: {old: 1.5, new: 2.5}}


@pytest.mark.parametrize('step', [60, 600, 3600, DAY])
def test_the_length_of_a_slot_is_seen_where_nothing_is_stored(server, step):
    server.answer = whisper({'a.SNR.mean.1': {}}, step)
    assert Graphite(server.url).step('a.SNR.mean.1', EPOCH, PATIENCE) == step


def test_what_is_no_series_has_no_slots(server):
    server.answer = whisper({}, 60)
    assert Graphite(server.url).step('a.SNR.mean.1', EPOCH, PATIENCE) is None


def test_where_nothing_is_stored_there_are_no_points(server):
    server.answer = whisper({}, 60)
    assert Graphite(server.url).points('a.*.*.*', [EPOCH], PATIENCE) == {EPOCH: {}}


@pytest.mark.parametrize(('answer', 'words'), [
    (fixed(b'', 500), 'answered 500'),
    (fixed(b'', 404), 'answered 404'),
    (fixed(b'', 401), 'answered 401'),
    (fixed(b'', 302, Location='/login'), 'answered 302'),
    (fixed(b'<html>Log in</html>'), 'something else than the JSON'),
    (fixed(b''), 'something else than the JSON'),
    (fixed(b'null'), 'something else than the JSON'),
    (fixed(b'{"error": "no"}'), 'something else than the JSON'),
    (fixed(b'[1, 2]'), 'something else than the JSON'),
    (fixed(b'[{"target": "a.SNR.mean.1"}]'), 'something else than the JSON'),
    (fixed(b'[{"target": "a.SNR.mean.1", "datapoints": [[1.5]]}]'), 'something else than the JSON'),
    (fixed(b'[{"target": "a.SNR.mean.1", "datapoints": [[1.5, 15'), 'something else than the JSON'),
    (fixed(b'[{"target": "\xff", "datapoints": []}]'), 'something else than the JSON'),
    (fixed(b'[{"target": "a.SNR.mean.1", "datapoints": []}]'), 'coarser'),
])
def test_no_other_answer_is_taken_for_points(server, answer, words):
    server.answer = answer
    with pytest.raises(GraphiteError) as caught:
        Graphite(server.url).points('a.*.*.*', [EPOCH], PATIENCE)
    assert words in str(caught.value)
    assert server.url in str(caught.value)


def test_an_empty_answer_is_none(server):
    server.answer = fixed(b'')
    answers = []
    Graphite(server.url).ask('/events/', {}, answers.append, PATIENCE)
    assert answers == [None]


def test_an_endless_answer_is_given_up(server, monkeypatch):
    monkeypatch.setattr('stability_graphite._MAX_ANSWER', 1000)
    server.answer = fixed(b' ' * 100000)
    with pytest.raises(GraphiteError, match='more than 1000 bytes'):
        Graphite(server.url).points('a.*.*.*', [EPOCH], PATIENCE)


def test_an_answer_that_never_comes_is_given_up():
    listener = socket.socket()
    listener.bind(('127.0.0.1', 0))
    listener.listen(1)
    try:
        with pytest.raises(GraphiteError, match='timed out'):
            Graphite('http://127.0.0.1:%d' % listener.getsockname()[1]).points(
                'a.*.*.*', [EPOCH], 0.1)
    finally:
        listener.close()


def test_nobody_at_that_address():
    with pytest.raises(GraphiteError, match=r'does not answer: .*refused'):
        Graphite('http://127.0.0.1:1').points('a.*.*.*', [EPOCH], PATIENCE)


def test_a_certificate_that_nobody_vouches_for_is_refused(server):
    server.answer = whisper({}, 60)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER if hasattr(ssl, 'PROTOCOL_TLS_SERVER')
                             else ssl.PROTOCOL_TLS)
    # Made for this test: localhost and 127.0.0.1, signed by itself.
    context.load_cert_chain(os.path.join(os.path.dirname(__file__), 'selfsigned.pem'))
    server.socket = context.wrap_socket(server.socket, server_side=True)
    with pytest.raises(GraphiteError, match=r'(?i)certificate.verify.failed'):
        Graphite(server.url.replace('http:', 'https:')).points('a.*.*.*', [EPOCH], PATIENCE)
    assert server.requests == []


def test_a_redirect_takes_no_password_along(server):
    other = Server()
    try:
        other.answer = whisper({}, 60)
        server.answer = fixed(b'', 302, Location=other.url + '/login')
        with pytest.raises(GraphiteError):
            Graphite(server.url.replace('//', '//u:p@')).points('a.*.*.*', [EPOCH], PATIENCE)
        assert other.requests == []
    finally:
        other.end()


@pytest.mark.parametrize(('account', 'sent'), [
    ('user:secret', b'user:secret'), ('user', b'user:'), ('us%40er:s%3Acr%2Fet', b'us@er:s:cr/et')])
def test_user_and_password_are_sent_and_not_shown(server, account, sent):
    server.answer = fixed(b'', 403)
    graphite = Graphite(server.url.replace('//', '//%s@' % account) + '/graphite/')
    with pytest.raises(GraphiteError) as caught:
        graphite.points('a.*.*.*', [EPOCH], PATIENCE)
    path, headers, _ = server.requests[0]
    assert path.startswith('/graphite/render?')
    assert base64.b64decode(headers['Authorization'].split('Basic ')[1]) == sent
    assert graphite.address == server.url + '/graphite'
    assert account not in str(caught.value)


def test_a_token_is_sent_and_not_shown(server):
    server.answer = fixed(b'', 403)
    with pytest.raises(GraphiteError) as caught:
        Graphite(server.url, 'abc.def').points('a.*.*.*', [EPOCH], PATIENCE)
    assert server.requests[0][1]['Authorization'] == 'Bearer abc.def'
    assert 'abc.def' not in str(caught.value)


@pytest.mark.parametrize('url', [
    'graphite', 'ftp://graphite', 'http://', 'file:///etc/passwd', '/', 'http://a:b'])
def test_an_address_of_another_kind_is_refused(url):
    with pytest.raises(ValueError, match='http'):
        Graphite(url)


@pytest.mark.parametrize('name', ['127.0.0.1', 'localhost'])
def test_this_machine_is_asked_without_a_proxy(server, monkeypatch, name):
    monkeypatch.setenv('http_proxy', 'http://127.0.0.1:1')
    monkeypatch.delenv('no_proxy', raising=False)
    server.answer = fixed(b'[]')
    url = server.url.replace('127.0.0.1', name)
    assert Graphite(url).points('a.*.*.*', [EPOCH], PATIENCE) == {EPOCH: {}}


def test_another_machine_is_asked_through_the_proxy(server, monkeypatch):
    monkeypatch.setenv('http_proxy', server.url)
    monkeypatch.delenv('no_proxy', raising=False)
    server.answer = fixed(b'[]')
    assert Graphite('http://graphite.example').points('a.*.*.*', [EPOCH], PATIENCE) == {EPOCH: {}}
    assert server.requests[0][0].startswith('http://graphite.example/render?')
