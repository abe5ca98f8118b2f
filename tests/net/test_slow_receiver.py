"""A receiver that takes content slowly but steadily is waited for, in clear and over TLS."""

import socket
import ssl
import threading
import time
from pathlib import Path

import pytest

from chalicelib.mail.envelope import Envelope
from chalicelib.mail.hosts import Server
from chalicelib.mail.reply import Stage
from chalicelib.net.smtp import Connection, Timeouts

pytestmark = pytest.mark.sockets

MESSAGE = b"Subject: x\r\n\r\n" + (b"a" * 70 + b"\r\n") * 70_000
OCTETS_PER_SECOND = 3_000_000


def receive(listener: socket.socket, certificate: Path | None) -> None:
    link, _ = listener.accept()
    link.sendall(b"220 hi\r\n")
    link.recv(999)
    if certificate:
        link.sendall(b"250-hi\r\n250 STARTTLS\r\n")
        link.recv(999)
        link.sendall(b"220 go\r\n")
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate)
        link = context.wrap_socket(link, server_side=True)
        link.recv(999)
    link.sendall(b"250 hi\r\n")
    for reply in (b"250 ok\r\n", b"250 ok\r\n", b"354 go\r\n"):
        link.recv(999)
        link.sendall(reply)
    end = b""
    while not end.endswith(b"\r\n.\r\n"):
        taken = link.recv(16_384)
        end = (end + taken)[-5:]
        time.sleep(len(taken) / OCTETS_PER_SECOND)
    link.sendall(b"250 taken\r\n")
    link.recv(999)
    link.close()


@pytest.mark.parametrize("encrypted", [False, True])
def test_content_may_take_longer_than_a_command(certificate: Path, encrypted: bool) -> None:
    with socket.socket() as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 8192)
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        receiver = threading.Thread(target=receive, args=(listener, certificate if encrypted else None))
        receiver.start()
        server = Server(host="mx.inbox.test", address="127.0.0.1", port=listener.getsockname()[1])
        timeouts = Timeouts(command=0.8, final=10, dialog=30)
        connection = Connection.open(server, ehlo_name="out.postscale.test", timeouts=timeouts)
        assert isinstance(connection, Connection)
        answer = connection.deliver(Envelope(mail_from="a@b.test", rcpt_to="c@d.test"), MESSAGE)
        connection.close()
        receiver.join()
    assert (answer.stage, answer.reply and answer.reply.code) == (Stage.DOT, 250)
    assert (answer.tls is not None) is encrypted
