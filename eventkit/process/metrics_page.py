"""Prometheus' page of a process: at `/metrics`, on a port of its own."""

import ssl
from collections.abc import Generator
from contextlib import contextmanager, suppress
from pathlib import Path
from wsgiref.simple_server import WSGIServer

from prometheus_client import start_http_server

from eventkit.rpc.tls import Tls
from eventkit.settings import Settings
from eventkit.telemetry import Metrics


@contextmanager
def metrics_of(settings: Settings, metrics: Metrics) -> Generator[int]:
    """Metrics can be fetched for as long as the block lasts, at the port that it is given."""
    tls = Tls.of(settings)
    pair = (tls.certificate_file, tls.key_file) if tls and settings.metrics_tls else None
    server = MetricsServer(metrics, host=settings.host, port=settings.metrics_port, pair=pair)
    port = server.start()
    try:
        yield port
    finally:
        server.stop()


class MetricsServer:
    """Prometheus' page at `/metrics`, on a port of its own; by https with a certificate and its key, in PEM files that
    are read again for each connection."""

    def __init__(
        self, metrics: Metrics, *, host: str = "127.0.0.1", port: int = 0, pair: tuple[Path, Path] | None = None
    ):
        self._metrics, self._host, self._port, self._pair = metrics, host, port, pair
        self._server: WSGIServer | None = None
        self._shown: ssl.SSLContext | None = None

    def start(self) -> int:
        """Answers the port that it listens on. Raises OSError, naming the address, when that is taken, or the files
        cannot be used."""
        certificate, key = map(str, self._pair) if self._pair else (None, None)
        try:
            server, _ = start_http_server(self._port, self._host, self._metrics.registry, certificate, key)
        except OSError as error:
            raise OSError(
                error.errno, f"metrics cannot listen on {self._host}:{self._port}: {error.strerror}"
            ) from error
        if isinstance(server.socket, ssl.SSLSocket):
            server.socket.context.sni_callback = self._shown_anew
            # In each connection's own thread: who connects and says nothing keeps nobody else waiting.
            server.socket.do_handshake_on_connect = False  # type: ignore[attr-defined] # the stubs do not know it
        self._server = server
        return server.server_port

    def _shown_anew(self, connection: ssl.SSLObject, _: str | None, first: ssl.SSLContext) -> None:
        """At the start of each connection: the certificate of the moment. While its files are being written, the one
        of before."""
        assert self._pair
        now = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        with suppress(OSError):
            now.load_cert_chain(*self._pair)
            self._shown = now
        connection.context = self._shown or first

    def stop(self) -> None:
        if self._server is not None:
            self._server.shutdown()
            self._server.server_close()
            self._server = None
