"""Channels to services: one address, or one per replica."""

import os

import grpc

from eventkit.rpc.call import MESSAGE_BYTES, REQUEST_BYTES
from eventkit.rpc.tls import Tls

# Names are found by gRPC's own resolver, which also asks the server that `dns://server/name` says. KurrentDB's client
# chooses another one for the whole process unless one was chosen.
os.environ.setdefault("GRPC_DNS_RESOLVER", "ares")

# Every replica gets calls, and one that is away none. No retries: whether a call that was sent may be repeated, only
# its caller knows.
_CONFIG = '{"loadBalancingConfig": [{"round_robin": {}}]}'
_OPTIONS: tuple[tuple[str, int | str], ...] = (
    ("grpc.service_config", _CONFIG),
    ("grpc.max_receive_message_length", MESSAGE_BYTES),
    ("grpc.max_send_message_length", REQUEST_BYTES),
    # A replica that was killed is asked again soon, not after two minutes.
    ("grpc.initial_reconnect_backoff_ms", 200),
    ("grpc.max_reconnect_backoff_ms", 2_000),
    # How long an attempt to connect may take, whatever its name says: a busy machine needs seconds for TLS, and with
    # less is never connected to. Attempts follow each other by the two above.
    ("grpc.min_reconnect_backoff_ms", 5_000),
    # Who is behind a name is asked again as soon as a connection ends, which those of servers do now and then.
    ("grpc.dns_min_time_between_resolutions_ms", 1_000),
    ("grpc.keepalive_time_ms", 60_000),
    # It is TCP's limit, too, for what the other machine does not even acknowledge. Shorter than most deadlines: who was
    # sent to a machine that is lost hears so while they may still ask the next replica.
    ("grpc.keepalive_timeout_ms", 8_000),
)


def channel(address: str, tls: Tls | None = None) -> grpc.aio.Channel:
    """A channel to a service as `Settings.services` names it: `host:port`, several of them with commas between (IP
    addresses then), or a target of gRPC's own, as `dns:///goals:50051`, which stands for every address behind the
    name."""
    target = f"ipv4:{address}" if "," in address else address
    if tls:
        return grpc.aio.secure_channel(target, tls.channel(), options=_OPTIONS)
    return grpc.aio.insecure_channel(target, options=_OPTIONS)
