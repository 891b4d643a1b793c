"""Checks of the chart: every example is linted, rendered, held against Kubernetes' schemas and scored.

`python -m deploy.chart_checks` (`make chart`) runs helm, kubeconform and kube-score, each where it is on the PATH. What
is missing is said, and fails the run in CI, where all of it must run.
"""

import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

CHART = Path(__file__).parent / "chart"
KUBERNETES = "1.31.0"
IGNORED = (
    "container-image-pull-policy",  # a tag that stands for one image need not be asked for again
    "pod-networkpolicy",  # what goes out is the cluster's to say: engines and the provider are elsewhere
    "deployment-replicas",  # of the smallest example there is one of each
)
TOOLS = {
    "helm": "https://helm.sh",
    "kubeconform": "go install github.com/yannh/kubeconform/cmd/kubeconform@v0.8.0",
    "kube-score": "go install github.com/zegl/kube-score/cmd/kube-score@v1.20.0",
}


def main() -> None:
    missing = {name: where for name, where in TOOLS.items() if not shutil.which(name)}
    for name, where in missing.items():
        print(f"{name} is not on the PATH, so the chart is not checked by it ({where})")
    failed = bool(missing) and "CI" in os.environ
    examples = sorted((CHART / "examples").glob("*.yaml"))
    for example in examples:
        if "helm" in missing:
            break
        print(f"{example.name}:")
        failed |= not _runs(["helm", "lint", "--quiet", str(CHART), "--values", str(example)])
        render = ["helm", "template", "nhip", str(CHART), "--namespace", "nhip", "--kube-version", KUBERNETES]
        rendered = subprocess.run([*render, "--values", str(example)], capture_output=True, text=True)
        if rendered.returncode:
            print(rendered.stderr)
            failed = True
            continue
        if "kubeconform" not in missing:
            # Schemas come from the net, or from a folder that NHIP_KUBERNETES_SCHEMAS names.
            place = os.environ.get("NHIP_KUBERNETES_SCHEMAS")
            schemas = ["-schema-location", f"{place}/{{{{.ResourceKind}}}}{{{{.KindSuffix}}}}.json"] if place else []
            # Kinds of operators have schemas of their own.
            strict = ["kubeconform", "-strict", "-summary", "-skip", "ServiceMonitor,HTTPRoute", *schemas]
            failed |= not _runs(strict, rendered.stdout)
        if "kube-score" not in missing:
            ignored = [word for name in IGNORED for word in ("--ignore-test", name)]
            failed |= not _runs(["kube-score", "score", "--output-format", "ci", *ignored, "-"], rendered.stdout)
    sys.exit(1 if failed else 0)


def _runs(command: Sequence[str], given: str = "") -> bool:
    """Whether it found nothing; what it found is shown."""
    done = subprocess.run(command, input=given, capture_output=True, text=True)
    lines = [
        line for line in (done.stdout + done.stderr).splitlines() if line and not line.startswith(("[OK]", "[SKIP"))
    ]
    print("\n".join(f"  {line}" for line in lines) or f"  {command[0]} {command[1]}: nothing is wrong")
    return done.returncode == 0


if __name__ == "__main__":
    main()
