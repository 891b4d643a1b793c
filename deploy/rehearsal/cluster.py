"""What a rehearsal says to kubectl and helm, and what it puts beside the installation."""

import base64
import json
import os
import secrets
import subprocess
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from deploy.certificates import Authority

CHART = Path(__file__).parents[1] / "chart"
PYTHON = "/opt/nhip/bin/python"
RELEASE, ISSUER, LOAD, GATEWAY = "nhip", "rehearsal-issuer", "rehearsal-load", "rehearsal-gateway"
LOGINS, IDENTITY, MASTER, TOKEN = "rehearsal-logins", "rehearsal-identity", "rehearsal-master", "rehearsal-token"
TLS = "rehearsal-tls"
SERVICES = ("people", "goals", "checkins", "rewards", "retros", "notifications", "audit")
PATIENCE = 600
"""Seconds until what was asked of the cluster has happened."""

Manifest = Mapping[str, Any]


class Missed(Exception):
    """A command failed, or something did not happen in time."""


def run(*command: str, given: str = "") -> str:
    """What a command prints. Raises Missed with what it says is wrong."""
    done = subprocess.run(command, input=given, capture_output=True, text=True)
    if done.returncode:
        raise Missed(f"{' '.join(command[:6])} …: {done.stderr.strip() or done.stdout.strip()}")
    return done.stdout


@dataclass(frozen=True, slots=True)
class Cluster:
    """One namespace of the cluster that kubectl points to; all in it is the rehearsal's."""

    namespace: str
    image: str

    def kubectl(self, *words: str, given: str = "") -> str:
        return run("kubectl", "--namespace", self.namespace, *words, given=given)

    def apply(self, *manifests: Manifest) -> None:
        self.kubectl(
            "apply", "--filename", "-", given=json.dumps({"apiVersion": "v1", "kind": "List", "items": manifests})
        )

    def pods(self, component: str = "") -> Sequence[Mapping[str, Any]]:
        """Those of the installation that are to stay, or one service's."""
        labels = f"app.kubernetes.io/instance={RELEASE}"
        labels += f",app.kubernetes.io/component={component}" if component else ""
        found = json.loads(self.kubectl("get", "pods", "--selector", labels, "--output", "json"))["items"]
        return [one for one in found if one["metadata"]["ownerReferences"][0]["kind"] != "Job"]

    def rolled_out(self) -> None:
        """Waits until every replica is of the newest version and ready, and those before it are gone."""
        for name in (*SERVICES, "gateway"):
            self.kubectl("rollout", "status", f"deployment/{RELEASE}-{name}", f"--timeout={PATIENCE}s")
        until = time.monotonic() + PATIENCE
        while any("deletionTimestamp" in one["metadata"] for one in self.pods()):
            if time.monotonic() > until:
                raise Missed("pods that were replaced do not end")
            time.sleep(1)

    def nodes_of(self, component: str) -> list[str]:
        """Of each of its replicas."""
        return [one["spec"]["nodeName"] for one in self.pods(component)]

    def callers_node(self) -> str:
        """Where callers are, beside the issuer of their tokens."""
        return self.kubectl("get", "pod", ISSUER, "--output", "jsonpath={.spec.nodeName}")

    def address_of(self, node: str) -> str:
        found = json.loads(run("kubectl", "get", "node", node, "--output", "json"))["status"]["addresses"]
        return next(one["address"] for one in found if one["type"] == "InternalIP")

    def node_is(self, node: str, *, ready: bool) -> None:
        """Waits until the cluster has noticed."""
        until = time.monotonic() + PATIENCE
        path = 'jsonpath={.status.conditions[?(@.type=="Ready")].status}'
        while (run("kubectl", "get", "node", node, "--output", path) == "True") is not ready:
            if time.monotonic() > until:
                raise Missed(f"the node {node} is {'not' if ready else 'still'} ready")
            time.sleep(1)

    def whole_without(self, node: str) -> None:
        """Waits until every Deployment has as many ready pods as it should, on other nodes than one."""
        until = time.monotonic() + PATIENCE
        while missing := [
            name for name in (*SERVICES, "gateway") if self._ready_without(node, name) < self._wanted(name)
        ]:
            if time.monotonic() > until:
                raise Missed(f"without {node} there are too few ready pods of {', '.join(missing)}")
            time.sleep(1)

    def _ready_without(self, node: str, component: str) -> int:
        return sum(
            any(one["type"] == "Ready" and one["status"] == "True" for one in pod["status"].get("conditions", ()))
            for pod in self.pods(component)
            if pod["spec"].get("nodeName") != node and "deletionTimestamp" not in pod["metadata"]
        )

    def _wanted(self, component: str) -> int:
        path = "jsonpath={.spec.replicas}"
        return int(self.kubectl("get", "deployment", f"{RELEASE}-{component}", "--output", path))

    def helm(self, deed: str, values: Path, *more: str) -> None:
        """Installs or upgrades the chart by the values of whoever rehearses, and the rehearsal's over them."""
        own = {
            "installation": self.namespace,
            "image": _image(self.image),
            "postgres": {"loginsSecret": LOGINS},
            "masterKeySecret": MASTER,
            "identity": {
                "issuer": self.issuer,
                "jwks": f"{self.issuer}/jwks.json",
                "client": "rehearsal",
                "secret": IDENTITY,
                "peopleBy": "id",
            },
            "console": "https://rehearsal.example.com",
            "tlsSecret": TLS,
        }
        words = ("--namespace", self.namespace, "--values", str(values), "--values", "-", "--timeout", f"{PATIENCE}s")
        run("helm", deed, RELEASE, str(CHART), *words, *more, given=json.dumps(own))

    @property
    def issuer(self) -> str:
        return f"http://{ISSUER}.{self.namespace}.svc:8080"

    # --- what stands beside the installation ---

    def prepare(self, owner_password: str, jwks: object, token: str) -> None:
        """Raises Missed where the namespace is there already."""
        run("kubectl", "create", "namespace", self.namespace)
        enforced = "pod-security.kubernetes.io/enforce=restricted"
        run("kubectl", "label", "namespace", self.namespace, enforced)
        with tempfile.TemporaryDirectory() as folder:
            authority = Authority(Path(folder))
            pair = authority.pair("nhip", f"*.{self.namespace}.svc")
            shown = {"tls.crt": pair.certificate, "tls.key": pair.key, "ca.crt": authority.file}
            tls = {name: file.read_text() for name, file in shown.items()}
        logins = {name: secrets.token_urlsafe(24) for name in (*SERVICES, "keys")} | {"owner": owner_password}
        self.apply(
            _secret(LOGINS, logins),
            _secret(MASTER, {"master-key": base64.b64encode(os.urandom(32)).decode()}),
            _secret(IDENTITY, {"session-key": base64.urlsafe_b64encode(os.urandom(32)).decode()}),
            _secret(TOKEN, {"token": token}),
            {**_secret(TLS, tls), "type": "kubernetes.io/tls"},
            {**_named("v1", "ConfigMap", ISSUER), "data": {"jwks.json": json.dumps(jwks)}},
            self._pod(
                ISSUER,
                ["-m", "http.server", "8080", "--directory", "/run/jwks"],
                mounts={"/run/jwks": {"configMap": {"name": ISSUER}}},
            ),
            _headless(ISSUER, {"rehearsal": ISSUER}),
            # The gateway's pods by a name of their own: behind the chart's Service a cluster may have an address that
            # only some of its nodes know.
            _headless(GATEWAY, {"app.kubernetes.io/instance": RELEASE, "app.kubernetes.io/component": "gateway"}),
            {
                **_named("networking.k8s.io/v1", "NetworkPolicy", LOAD),
                "spec": {
                    "podSelector": {"matchLabels": {"app.kubernetes.io/instance": RELEASE}},
                    "policyTypes": ["Ingress"],
                    "ingress": [{"from": [{"podSelector": {"matchLabels": {"rehearsal": LOAD}}}]}],
                },
            },
        )

    def begin_load(self, tenant: str) -> None:
        """Callers, from when they are answered on."""
        self.apply(
            self._pod(
                LOAD,
                ["-m", "deploy.rehearsal.load"],
                mounts={
                    "/run/rehearsal": {"secret": {"secretName": TOKEN}},
                    "/run/tls": {"secret": {"secretName": TLS}},
                    "/tmp": {"emptyDir": {}},
                },
                beside=ISSUER,
                environment={
                    "SERVICES": ",".join(
                        f"{name}=dns:///{RELEASE}-{name}.{self.namespace}.svc:50051" for name in SERVICES
                    ),
                    "TLS": "/run/tls",
                    "GATEWAY": f"http://{GATEWAY}.{self.namespace}.svc:8080",
                    "TOKEN_FILE": "/run/rehearsal/token",
                    "TENANT": tenant,
                    "STOP": "/tmp/stop",
                },
            )
        )
        self._until(lambda: bool(self.kubectl("logs", LOAD, "--ignore-errors").strip()), "callers do not begin")

    def end_load(self) -> dict[str, Any]:
        """What became of all calls."""
        self.kubectl("exec", LOAD, "--", PYTHON, "-c", "open('/tmp/stop', 'w').close()")
        self._until(lambda: self._phase(LOAD) not in ("Pending", "Running"), "callers do not end")
        said = self.kubectl("logs", LOAD).strip().splitlines()
        if self._phase(LOAD) != "Succeeded":
            raise Missed(f"the callers broke off: {said[-1] if said else 'they said nothing'}")
        self.kubectl("delete", "pod", LOAD, "--wait=true")
        return cast(dict[str, Any], json.loads(said[-1]))

    def _phase(self, pod: str) -> str:
        return self.kubectl("get", "pod", pod, "--output", "jsonpath={.status.phase}")

    def _until(self, there: Callable[[], bool], otherwise: str) -> None:
        until = time.monotonic() + PATIENCE
        while True:
            try:
                if there():
                    return
            except Missed:  # of a container that is not there yet there is no log
                if self._phase(LOAD) == "Failed":
                    raise
            if self._phase(LOAD) == "Failed":
                raise Missed(f"{otherwise}: {self.kubectl('logs', LOAD)[-2000:]}")
            if time.monotonic() > until:
                raise Missed(otherwise)
            time.sleep(1)

    def _pod(
        self,
        name: str,
        words: Sequence[str],
        *,
        mounts: Mapping[str, Manifest],
        environment: Mapping[str, str] | None = None,
        beside: str = "",
    ) -> Manifest:
        """As nobody, with nothing that the standard *restricted* forbids. `beside`: on the node of that pod."""
        term = {"topologyKey": "kubernetes.io/hostname", "labelSelector": {"matchLabels": {"rehearsal": beside}}}
        affinity = {"podAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": [term]}} if beside else {}
        container = {
            "name": name,
            "image": self.image,
            "imagePullPolicy": "IfNotPresent",
            "command": [PYTHON, *words],
            "env": [{"name": key, "value": value} for key, value in (environment or {}).items()],
            "volumeMounts": [{"name": f"m{number}", "mountPath": path} for number, path in enumerate(mounts)],
            "securityContext": {
                "allowPrivilegeEscalation": False,
                "readOnlyRootFilesystem": True,
                "capabilities": {"drop": ["ALL"]},
            },
        }
        return {
            **_named("v1", "Pod", name, labels={"rehearsal": name}),
            "spec": {
                "restartPolicy": "Never",
                "automountServiceAccountToken": False,
                "enableServiceLinks": False,
                "affinity": affinity,
                "securityContext": {
                    "runAsNonRoot": True,
                    "runAsUser": 10001,
                    "runAsGroup": 10001,
                    "fsGroup": 10001,
                    "seccompProfile": {"type": "RuntimeDefault"},
                },
                "containers": [container],
                "volumes": [{"name": f"m{number}", **source} for number, source in enumerate(mounts.values())],
            },
        }


def _named(version: str, kind: str, name: str, labels: Mapping[str, str] | None = None) -> dict[str, Any]:
    return {"apiVersion": version, "kind": kind, "metadata": {"name": name, "labels": dict(labels or {})}}


def _secret(name: str, content: Mapping[str, str]) -> Manifest:
    return {**_named("v1", "Secret", name), "stringData": content}


def _headless(name: str, selector: Mapping[str, str]) -> Manifest:
    ports = [{"name": "http", "port": 8080, "targetPort": 8080}]
    return {**_named("v1", "Service", name), "spec": {"clusterIP": "None", "selector": selector, "ports": ports}}


def _image(image: str) -> Manifest:
    repository, _, tag = image.rpartition(":")
    return {"repository": repository, "tag": tag, "pullPolicy": "IfNotPresent"}
