"""Installs the chart on the cluster that kubectl points to, upgrades it under load, kills a pod, prints what was seen.

    python -m deploy.rehearsal --image registry.example.com/nhip:0.2.0 --values engines.yaml --owner-password-file owner

`engines.yaml` are values of the chart that say where PostgreSQL and Kafka are; identity, secrets and the console are
the rehearsal's own. What it makes lies in a namespace of its own, which is removed at the end; databases and topics
(their names begin with the namespace's) stay. The image is what `make image` built: callers run in it, too.
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

from deploy.rehearsal.cluster import Cluster, Missed, run
from eventkit.rpc.demo_issuer import DemoIssuer

TENANT = "rehearsal"
BEFORE_AND_AFTER = 5.0
"""Seconds of load around what is done under it."""


def main() -> None:
    asked = _asked()
    missing = [name for name in ("kubectl", "helm") if not shutil.which(name)]
    if missing:
        sys.exit(f"{' and '.join(missing)} must be on the PATH")
    cluster = Cluster(asked.namespace, asked.image)
    try:
        owner_password = asked.owner_password_file.read_text().strip()
        good = rehearse(cluster, asked.values, owner_password, secrets=asked.secrets, keep=asked.keep)
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
    parser.add_argument("--keep", action="store_true", help="leave it standing")
    asked = parser.parse_args()
    for file in (asked.values, asked.owner_password_file, asked.secrets):
        if file and not file.is_file():
            parser.error(f"there is no file {file}")
    if ":" not in asked.image.rpartition("/")[2]:
        parser.error(f"--image {asked.image}: give its tag, as nhip:0.2.0")
    return asked


def rehearse(cluster: Cluster, values: Path, owner_password: str, *, secrets: Path | None, keep: bool) -> bool:
    """Whether no call failed and nothing was lost or doubled. Raises Missed."""
    with tempfile.TemporaryDirectory() as folder:
        issuer = DemoIssuer(host="127.0.0.1", key_file=Path(folder) / "key.json", issuer=cluster.issuer)
        token = issuer.mint(TENANT, "service:operator")
        cluster.prepare(owner_password, issuer.jwks(), token)
    if secrets:
        cluster.kubectl("apply", "--filename", str(secrets))

    began = time.monotonic()
    cluster.helm("install", values)
    cluster.rolled_out()
    print(f"installed: {len(cluster.pods())} pods ready {time.monotonic() - began:.0f} s after helm install\n")
    print("| under load | seconds | commands | queries | JSON queries | repeated | failed | lost | doubled |")
    print("|---|---|---|---|---|---|---|---|---|")
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

    good = [_under_load(cluster, deed) for deed in (upgrade, kill)]
    if not keep:
        run("helm", "uninstall", "nhip", "--namespace", cluster.namespace)
        run("kubectl", "delete", "namespace", cluster.namespace, "--wait=false")
    return all(good)


def _under_load(cluster: Cluster, deed: Callable[[], str]) -> bool:
    cluster.begin_load(TENANT)
    time.sleep(BEFORE_AND_AFTER)
    began = time.monotonic()
    said = deed()
    seconds = time.monotonic() - began
    time.sleep(BEFORE_AND_AFTER)
    told = cluster.end_load()
    calls, repeated, failed = told["calls"], sum(told["repeated"].values()), sum(told["failed"].values())
    lost, doubled = len(told["lost"]), len(told["doubled"])
    cells = (
        calls.get("command", 0),
        calls.get("query", 0),
        calls.get("JSON query", 0),
        repeated,
        failed,
        lost,
        doubled,
    )
    print(f"| {said} | {seconds:.0f} | {' | '.join(map(str, cells))} |", flush=True)
    _explain(told)
    asked_by_all = all(calls.get(kind) for kind in ("command", "query", "JSON query"))
    return asked_by_all and not (failed or lost or doubled)


def _explain(told: Mapping[str, Any]) -> None:
    for what in ("repeated", "failed"):
        for wrong, times in told[what].items():
            print(f"  {what}, {times} times: {wrong}", file=sys.stderr)


if __name__ == "__main__":
    main()
