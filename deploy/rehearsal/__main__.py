"""Installs the chart on the cluster that kubectl points to, upgrades it under load, kills a pod and, if you say how,
takes a node away; prints what was seen.

    python -m deploy.rehearsal --image registry.example.com/nhip:0.2.0 --values engines.yaml --owner-password-file owner

`engines.yaml` are values of the chart that say where PostgreSQL and Kafka are; identity, secrets and the console are
the rehearsal's own. What it makes lies in a namespace of its own, which is removed at the end; databases and topics
(their names begin with the namespace's) stay. The image is what `make image` built: callers run in it, too.
Which node is lost it chooses itself: one with a replica of each service and without the callers.
Exits with 1 where a call failed, or what was acknowledged is not there, once.
"""

import argparse
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any
from uuid import uuid4

from deploy.rehearsal.cluster import SERVICES, Cluster, Missed, run
from deploy.rehearsal.load import CALLS, FOLLOWING, OTHERS, OWN_VIEW
from eventkit.rpc.demo_issuer import DemoIssuer

TENANT = "rehearsal"
BEFORE_AND_AFTER = 5.0
"""Seconds of load around what is done under it."""
_COLUMNS = (
    "under load",
    "seconds",
    *("commands", "queries", "JSON queries"),
    *("repeated", "failed", "lost", "doubled"),
    *("longest call, s", "own view behind, s", "other services behind, s"),
)
HEAD = f"| {' | '.join(_COLUMNS)} |\n|{'---|' * len(_COLUMNS)}"


def main() -> None:
    asked = _asked()
    missing = [name for name in ("kubectl", "helm") if not shutil.which(name)]
    if missing:
        sys.exit(f"{' and '.join(missing)} must be on the PATH")
    cluster = Cluster(asked.namespace, asked.image)
    try:
        owner_password = asked.owner_password_file.read_text().strip()
        good = rehearse(cluster, asked, owner_password)
    except Missed as missed:
        sys.exit(f"The rehearsal broke off: {missed}\nWhat was made is still in the namespace {cluster.namespace}.")
    sys.exit(0 if good else 1)


def _asked() -> argparse.Namespace:
    said = (__doc__ or "").partition("\n\n")
    parser = argparse.ArgumentParser(prog="python -m deploy.rehearsal", description=said[0])
    parser.add_argument("--image", required=True, help="as nodes know it, with its tag")
    parser.add_argument("--values", required=True, type=Path, help="values of the chart: postgres, kafka")
    parser.add_argument("--owner-password-file", required=True, type=Path, help="of the login that provisions")
    parser.add_argument(
        "--namespace", default=f"rehearsal-{uuid4().hex[:6]}", help="a new one; that is its default, too"
    )
    parser.add_argument("--secrets", type=Path, help="manifests of Secrets that the values name (passwordsSecret …)")
    parser.add_argument(
        "--lose-node", help="what takes a node away, as 'ssh {node} …' or '… {address}'; without it none is"
    )
    parser.add_argument("--return-node", help="what brings it back")
    parser.add_argument("--keep", action="store_true", help="leave it standing")
    asked = parser.parse_args()
    for file in (asked.values, asked.owner_password_file, asked.secrets):
        if file and not file.is_file():
            parser.error(f"there is no file {file}")
    if asked.return_node and not asked.lose_node:
        parser.error("--return-node brings back what --lose-node took away: give both")
    if ":" not in asked.image.rpartition("/")[2]:
        parser.error(f"--image {asked.image}: give its tag, as nhip:0.2.0")
    return asked


def rehearse(cluster: Cluster, asked: argparse.Namespace, owner_password: str) -> bool:
    """Whether no call failed and nothing was lost or doubled. Raises Missed."""
    values: Path = asked.values
    with tempfile.TemporaryDirectory() as folder:
        issuer = DemoIssuer(host="127.0.0.1", key_file=Path(folder) / "key.json", issuer=cluster.issuer)
        token = issuer.mint(TENANT, "service:operator")
        cluster.prepare(owner_password, issuer.jwks(), token)
    if asked.secrets:
        cluster.kubectl("apply", "--filename", str(asked.secrets))

    began = time.monotonic()
    cluster.helm("install", values)
    cluster.rolled_out()
    print(f"installed: {len(cluster.pods())} pods ready {time.monotonic() - began:.0f} s after helm install\n")
    before = {one["metadata"]["name"] for one in cluster.pods()}

    def upgrade() -> str:
        cluster.helm("upgrade", values, "--set", "settings.NHIP_LOG_LEVEL=warning")
        cluster.rolled_out()
        replaced = before - {one["metadata"]["name"] for one in cluster.pods()}
        if replaced != before:
            raise Missed(f"the upgrade left {', '.join(sorted(before - replaced))} as it was")
        return f"`helm upgrade` that replaced all {len(replaced)} pods"

    def kill() -> str:
        [one, *_] = cluster.pods("people")
        cluster.kubectl("delete", "pod", one["metadata"]["name"], "--grace-period=0", "--force")
        cluster.rolled_out()
        return "a pod of people deleted by force"

    print(HEAD)
    good = [_under_load(cluster, deed) for deed in (upgrade, kill)]
    if asked.lose_node:
        good += _without_a_node(cluster, asked.lose_node, asked.return_node)
    else:
        print("\nThe loss of a node was left out: --lose-node says what takes one away.")
    if not asked.keep:
        run("helm", "uninstall", "nhip", "--namespace", cluster.namespace)
        run("kubectl", "delete", "namespace", cluster.namespace, "--wait=false")
    return all(good)


def _without_a_node(cluster: Cluster, lose: str, bring_back: str | None) -> list[bool]:
    node, address = _to_be_lost(cluster)

    def said(command: str) -> str:
        return command.replace("{node}", node).replace("{address}", address)

    def lost() -> str:
        began = time.monotonic()
        run("sh", "-c", said(lose))
        cluster.node_is(node, ready=False)
        noticed = time.monotonic() - began
        cluster.whole_without(node)
        whole = time.monotonic() - began
        return (
            f"the node {node} lost, noticed by the cluster after {noticed:.0f} s, all replicas ready without it after "
            f"{whole:.0f} s"
        )

    def back() -> str:
        run("sh", "-c", said(bring_back or ""))
        cluster.node_is(node, ready=True)
        cluster.rolled_out()
        return f"the node {node} came back"

    return [_under_load(cluster, deed) for deed in ((lost, back) if bring_back else (lost,))]


def _to_be_lost(cluster: Cluster) -> tuple[str, str]:
    """A node with a replica of each service and without callers, and now with all that one process of people does at a
    time; with its address. Raises Missed where there is none."""
    node = _with_each_service(cluster)
    # Who is left takes the leads over: its own view, timers, the relay.
    for pod in cluster.pods("people"):
        if pod["spec"]["nodeName"] != node:
            cluster.kubectl("delete", "pod", pod["metadata"]["name"])
    cluster.rolled_out()
    return node, cluster.address_of(node)


def _with_each_service(cluster: Cluster) -> str:
    nodes = {name: {*cluster.nodes_of(name)} for name in (*SERVICES, "gateway")}
    for name, there in nodes.items():
        if len(there) == 1:
            raise Missed(f"all replicas of {name} are on one node, {min(there)}")
    callers = cluster.callers_node()
    if not (whole := set[str].intersection(*nodes.values()) - {callers}):
        spread = "; ".join(f"{name} on {', '.join(sorted(there))}" for name, there in nodes.items())
        raise Missed(f"no node without the callers, who are on {callers}, has a replica of each service: {spread}")
    return min(whole)


def _under_load(cluster: Cluster, deed: Callable[[], str]) -> bool:
    cluster.begin_load(TENANT)
    time.sleep(BEFORE_AND_AFTER)
    began = time.monotonic()
    said = deed()
    seconds = time.monotonic() - began
    time.sleep(BEFORE_AND_AFTER)
    told = cluster.end_load()
    calls, longest = told["calls"], told["longest"]
    repeated, failed = sum(told["repeated"].values()), sum(told["failed"].values())
    lost, doubled = len(told["lost"]), len(told["doubled"])
    cells = [
        f"{seconds:.0f}",
        *(calls.get(kind, 0) for kind in CALLS),
        repeated,
        failed,
        lost,
        doubled,
        *(f"{seconds:.1f}" for seconds in _longest(longest)),
    ]
    print(f"| {said} | {' | '.join(map(str, cells))} |", flush=True)
    _explain(told)
    return all(calls.get(kind) for kind in (*CALLS, *FOLLOWING)) and not (failed or lost or doubled)


def _longest(by_kind: Mapping[str, float]) -> tuple[float, float, float]:
    """Of a call, of the own view and of others that follow."""
    return max(by_kind.get(kind, 0.0) for kind in CALLS), by_kind.get(OWN_VIEW, 0.0), by_kind.get(OTHERS, 0.0)


def _explain(told: Mapping[str, Any]) -> None:
    for what in ("repeated", "failed"):
        for wrong, times in told[what].items():
            print(f"  {what}, {times} times: {wrong}", file=sys.stderr)


if __name__ == "__main__":
    main()
