"""TLS between processes: what a server shows, what a client believes, and who has to show something in return."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import grpc

from eventkit.settings import Settings


@dataclass(frozen=True, slots=True)
class Tls:
    """Files in PEM: this process's certificate and its key, and who vouches for the others'."""

    ca_file: Path
    certificate_file: Path
    key_file: Path

    @classmethod
    def of(cls, settings: Settings) -> "Tls | None":
        """None where processes speak without TLS, as inside a mesh that has its own."""
        if settings.tls_ca_file is None or settings.tls_certificate_file is None or settings.tls_key_file is None:
            return None  # all of them or none: settings see to that
        return cls(settings.tls_ca_file, settings.tls_certificate_file, settings.tls_key_file)

    def server(self, *, callers_show: bool = True) -> grpc.ServerCredentials:
        """For a server that admits only callers with a certificate of the authority, or any. Files are read again for
        each connection, so a certificate that is renewed in its file is shown from the next one on.

        Raises what reading raises.
        """
        # Its types do not say that None is an answer; its text does.
        fetch = cast("Callable[[], grpc.ServerCertificateConfiguration]", self._fetch)
        return grpc.dynamic_ssl_server_credentials(self._configuration(), fetch, callers_show)

    def channel(self) -> grpc.ChannelCredentials:
        """For a client. Its own certificate is that of the moment."""
        return grpc.ssl_channel_credentials(
            self.ca_file.read_bytes(), self.key_file.read_bytes(), self.certificate_file.read_bytes()
        )

    def _fetch(self) -> grpc.ServerCertificateConfiguration | None:
        """None while files are being written: what was shown before is shown once more."""
        try:
            return self._configuration()
        except OSError:
            return None

    def _configuration(self) -> grpc.ServerCertificateConfiguration:
        pair = [(self.key_file.read_bytes(), self.certificate_file.read_bytes())]
        return grpc.ssl_server_certificate_configuration(pair, self.ca_file.read_bytes())
