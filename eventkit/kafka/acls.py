"""What a service's login must be allowed at Kafka, and nothing beyond: for clusters with ACLs."""

import shlex
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from eventkit.kafka.cluster import Cluster

OPERATOR, PROVISION = "operator", "provision"
"""Beside the services: who looks on (`nhip events tail`), and who makes topics (`nhip provision`) and empties them
(`nhip restore`)."""


@dataclass(frozen=True, slots=True)
class Acl:
    """That somebody may do some things with a topic or a group, or with all that begin with a name."""

    who: str
    """A service, or `OPERATOR`, or `PROVISION`."""
    resource: str
    """topic or group."""
    name: str
    prefixed: bool
    operations: tuple[str, ...]


def acls(cluster: Cluster, sources: Mapping[str, Iterable[str]]) -> list[Acl]:
    """`sources`: for each service, the contexts whose events it follows.

    A relay reads its own topic, too: it looks whether what it published still stands. Describe comes with Read.
    """
    wanted: list[Acl] = []
    for service, follows in sources.items():
        own = cluster.topic(service)
        wanted.append(Acl(service, "topic", own, False, ("Read", "Write", "DescribeConfigs")))
        wanted += [
            Acl(service, "topic", cluster.topic(context), False, ("Read", "DescribeConfigs"))
            for context in sorted(set(follows) - {service})
        ]
        wanted.append(Acl(service, "group", cluster.group_prefix(service), True, ("Read",)))
    every = f"{cluster.installation}."
    wanted.append(Acl(OPERATOR, "topic", every, True, ("Read",)))
    # A topic of a log that was restored is deleted, and made anew.
    wanted.append(Acl(PROVISION, "topic", every, True, ("Create", "Delete", "Read", "DescribeConfigs")))
    return wanted


def commands(cluster: Cluster, wanted: Iterable[Acl], principal: str) -> list[str]:
    """The same as calls of Kafka's own `kafka-acls`, one for each. `principal` says how Kafka names who it is, with
    `{service}` in it."""
    lines: list[str] = []
    for acl in wanted:
        call = ["kafka-acls", "--bootstrap-server", cluster.servers or "localhost:9092", "--add"]
        call += ["--allow-principal", principal.replace("{service}", acl.who)]
        for operation in acl.operations:
            call += ["--operation", operation]
        call += [f"--{acl.resource}", acl.name]
        if acl.prefixed:
            call += ["--resource-pattern-type", "prefixed"]
        lines.append(shlex.join(call))
    return lines
