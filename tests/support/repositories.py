"""Audit repositories that misbehave, each on a port of its own for one connection after another."""

import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

from service.settings import AuditRepository
from tests.support.certificates import Authority, Pair

Manner = Callable[[socket.socket, ssl.SSLContext], None]


def repository(port: int, authority: Authority, ours: Pair, **changes: object) -> AuditRepository:
    values = {
        "name": "hospital",
        "host": "127.0.0.1",
        "port": port,
        "authority": authority.certificate,
        "certificate": ours.certificate,
        "certificate_key": ours.key,
    }
    return AuditRepository.model_validate(values | changes)


@contextmanager
def badly_behaved(manner: Manner, pair: Pair) -> Iterator[int]:
    """A server that treats each connection in its manner; its port."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pair.certificate, pair.key)
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(0.05)
        stop = threading.Event()

        def serve() -> None:
            while not stop.is_set():
                with suppress(OSError, ssl.SSLError):
                    connection, _ = server.accept()
                    with connection:
                        connection.settimeout(5)
                        manner(connection, context)

        thread = threading.Thread(target=serve)
        thread.start()
        try:
            yield server.getsockname()[1]
        finally:
            stop.set()
            thread.join()


def talks_http(connection: socket.socket, context: ssl.SSLContext) -> None:
    connection.recv(100)
    connection.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")


def hangs(connection: socket.socket, context: ssl.SSLContext) -> None:
    """Accepts, and says nothing until the other side has had enough."""
    while connection.recv(4096):
        pass


def reads_a_little(connection: socket.socket, context: ssl.SSLContext) -> None:
    with context.wrap_socket(connection, server_side=True) as secured:
        secured.recv(10)
        socket.socket(fileno=secured.detach()).close()


def closes_after_the_handshake(connection: socket.socket, context: ssl.SSLContext) -> None:
    with context.wrap_socket(connection, server_side=True) as secured:
        socket.socket(fileno=secured.detach()).close()


def answers_garbage(connection: socket.socket, context: ssl.SSLContext) -> None:
    """Reads everything, but talks itself, which no syslog server does."""
    with context.wrap_socket(connection, server_side=True) as secured:
        secured.sendall(b"\x00\xff garbage" * 100)
        while secured.recv(4096):
            pass


def hangs_up_politely(connection: socket.socket, context: ssl.SSLContext) -> None:
    """Reads everything, and ends the connection as it should."""
    with context.wrap_socket(connection, server_side=True) as secured:
        while secured.recv(4096):
            pass
        secured.unwrap().close()


def never_ends(connection: socket.socket, context: ssl.SSLContext) -> None:
    """Reads everything, and then does not end the connection."""
    with context.wrap_socket(connection, server_side=True) as secured:
        while secured.recv(4096):
            pass
        with socket.socket(fileno=secured.detach()) as plain:
            plain.settimeout(5)
            plain.recv(1)
