"""The chart before helm: it lints, its examples render to the committed files, impossible values are refused.

    python -m tests.deploy.chart HELM [--accept]

`--accept` writes what the examples render to now; read the difference before committing it.
"""

import subprocess
import sys
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import kubernetes_validate
import yaml

from deploy.dashboards.dashboards import BOARDS, Board, written

ROOT = Path(__file__).parents[2]
CHART = ROOT / "deploy/charts/careloop"
EXAMPLES = sorted((CHART / "ci").glob("*-values.yaml"))
MINIMAL = CHART / "ci/minimal-values.yaml"
KUBERNETES = "1.37"
THEIRS = ("cnpg.io", "strimzi.io", "keda.sh", "coreos.com", "cert-manager.io", "gateway.networking", "external-secrets")
"""Kinds that are proven on a cluster with their definitions."""
DASHBOARDS = CHART / "files/dashboards"

REFUSED = {
    "services.monitoring.replicas=2": "services.monitoring.replicas is 2, and there are 1 partitions",
    "services.monitoring.replicas=0": "without it facts wait unheard",
    "postgres.host=": "postgres.host is empty",
    "kafka.bootstrap=": "kafka.bootstrap is empty",
    "postgres.mode=cloudnativepg,migrations.run=hook": "Set migrations.run to job",
    "kafka.mode=strimzi": "come in by SASL_SSL",
    "kafka.securityProtocol=SASL_PLAINTEXT,kafka.saslMechanism=PLAIN": "shows the password",
    "autoscaling.enabled=true,autoscaling.maxReplicas=2": "autoscaling.maxReplicas is above",
    "autoscaling.enabled=true,keda.enabled=true": "would both set the replicas",
    "keda.enabled=true,keda.maxReplicas=1": "keda.prometheusAddress is empty",
    "shutdown.graceSeconds=10": "a call may take 10 s",
    "postgres.mode=cloudnativepg,postgres.perService.coordination.host=x,"
    "postgres.perService.coordination.migratorSecret.name=y": "goes with postgres.mode existing",
    "postgres.perService.coordination.host=x": "migratorSecret",
    "postgres.perService.billing.host=x": "additional properties 'billing' not allowed",
    "externalSecrets.enabled=true": "externalSecrets.storeRef.name is empty",
    "externalSecrets.enabled=true,externalSecrets.storeRef.name=x,migrations.run=hook": "before the secrets",
    "routes.grpcRoute.enabled=true,routes.grpcRoute.domain=x": "needs parentRefs",
    "routes.ingress.enabled=true,routes.ingress.domain=x": "not let in unencrypted",
    "partitons=3": "additional properties 'partitons' not allowed",
    "kafka.mode=elsewhere": "kafka/mode",
    "image.digest=latest": "image/digest",
    "services.monitoring.env.PATH=x": "invalid propertyName 'PATH'",
}


class Helm:
    def __init__(self, program: str) -> None:
        self._program = program

    def run(self, *words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run([self._program, *words], capture_output=True, text=True, check=False)

    def render(self, values: Path, changes: str = "") -> subprocess.CompletedProcess[str]:
        changed = ("--set", changes) if changes else ()
        return self.run("template", "careloop", str(CHART), "-n", "care", "-f", str(values), *changed)


def rendered(values: Path) -> Path:
    return CHART / "ci/rendered" / values.name.replace("-values", "")


def accept(helm: Helm) -> None:
    for values in EXAMPLES:
        made = helm.render(values)
        assert made.returncode == 0, made.stderr
        rendered(values).write_text(made.stdout)


Check = Callable[[], str]


def checks(helm: Helm) -> Iterator[tuple[str, Check]]:
    """Each with what is wrong, empty when nothing is."""
    for values in EXAMPLES:
        yield f"{values.name} lints", partial(_lints, helm, values)
        yield f"{values.name} renders to the committed file", partial(_same, helm, values)
        yield f"{values.name} is what Kubernetes {KUBERNETES} takes", partial(_valid, values)
    for changes, sentence in REFUSED.items():
        yield f"{changes} is refused", partial(_refused, helm, changes, sentence)
    for board in BOARDS:
        yield f"the dashboard {board.name} is what the code makes", partial(_drawn, board)
    yield "a replica per partition is accepted", partial(_accepted, helm, "partitions=3,services.monitoring.replicas=3")


def _drawn(board: Board) -> str:
    same = (DASHBOARDS / f"{board.name}.json").read_text() == written(board)
    return "" if same else "it differs: `make chart-accept`, and read the difference"


def _accepted(helm: Helm, changes: str) -> str:
    return helm.render(MINIMAL, changes).stderr


def _lints(helm: Helm, values: Path) -> str:
    done = helm.run("lint", "--strict", str(CHART), "-f", str(values))
    return "" if done.returncode == 0 else done.stdout


def _same(helm: Helm, values: Path) -> str:
    made = helm.render(values)
    if made.returncode != 0:
        return made.stderr
    same = made.stdout == rendered(values).read_text()
    return "" if same else "it differs: `make chart-accept`, and read the difference"


def _valid(values: Path) -> str:
    problems = []
    for document in yaml.safe_load_all(rendered(values).read_text()):
        if document and not any(group in document["apiVersion"] for group in THEIRS):
            try:
                kubernetes_validate.validate(document, KUBERNETES, strict=True)
            except kubernetes_validate.ValidationError as wrong:
                problems.append(f"{document['kind']} {document['metadata']['name']}: {wrong.message}")
    return "\n".join(problems)


def _refused(helm: Helm, changes: str, sentence: str) -> str:
    done = helm.render(MINIMAL, changes)
    if done.returncode == 0:
        return "it was accepted"
    return "" if sentence in done.stderr else f"it was refused by another sentence: {done.stderr}"


def main(program: str, *words: str) -> int:
    helm = Helm(program)
    if "--accept" in words:
        accept(helm)
        return 0
    outcomes = [(name, check()) for name, check in checks(helm)]
    for name, wrong in outcomes:
        sys.stdout.write(f"{'FAILED' if wrong else 'ok    '} {name}\n{wrong}\n" if wrong else f"ok     {name}\n")
    failed = sum(bool(wrong) for _name, wrong in outcomes)
    sys.stdout.write(f"{len(outcomes) - failed} passed, {failed} failed\n")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
