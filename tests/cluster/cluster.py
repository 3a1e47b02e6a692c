"""The chart on a real API server: installed, upgraded, rolled back, drained, and kept out where it must not be.

    python -m tests.cluster.cluster TOOLS CACHE [TRANSCRIPT]

`TOOLS` has helm and kubectl; `CACHE` keeps what is built. A transcript of every command is written if asked for.
"""

import json
import re
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import yaml

from tests.cluster.programs import Programs, prepared
from tests.cluster.running import NODES, Cluster, node, running
from tests.support.earlier_build import unpacked

ROOT = Path(__file__).parents[2]
CHART = ROOT / "deploy/charts/careloop"
NAMESPACE = "care"
RESTRICTED = {f"pod-security.kubernetes.io/{mode}": "restricted" for mode in ("enforce", "warn", "audit")}
SERVICES = ("assessment", "prescribing", "monitoring", "notifications", "coordination")
WAIT = ("--wait", "--timeout", "120s")
EXAMPLES = ("minimal", "production", "openshift", "argocd", "own-servers")
LONGEST_SHOWN = 12


class Shell:
    """Commands against the cluster; what they were and said is the transcript."""

    def __init__(self, tools: Path, cluster: Cluster) -> None:
        self._tools = tools
        self._environment = {"KUBECONFIG": str(cluster.kubeconfig), "PATH": "/usr/bin:/bin", "HOME": "/tmp"}
        self.transcript: list[str] = []

    def title(self, text: str) -> None:
        self.transcript.append(f"\n## {text}\n")

    def run(self, *words: str, given: Sequence[object] = ()) -> subprocess.CompletedProcess[str]:
        text = "\n---\n".join(json.dumps(one) for one in given)
        done = subprocess.run(
            [str(self._tools / words[0]), *words[1:]],
            input=text, env=self._environment, cwd=ROOT, capture_output=True, text=True, check=False,
        )  # fmt: skip
        said = [line for line in (done.stdout + done.stderr).splitlines() if line.strip()]
        shown = said[:LONGEST_SHOWN] + ([f"... {len(said) - LONGEST_SHOWN} more lines"] if said[LONGEST_SHOWN:] else [])
        self.transcript += ["```", f"$ {' '.join(words)}", *shown, "```"]
        return done

    def surely(self, *words: str, given: Sequence[object] = ()) -> str:
        done = self.run(*words, given=given)
        assert done.returncode == 0, f"{' '.join(words)}: {done.stdout}{done.stderr}"
        return done.stdout

    def kubectl(self, *words: str, given: Sequence[object] = ()) -> str:
        return self.surely("kubectl", "-n", NAMESPACE, *words, given=given)

    def helm(self, *words: str) -> str:
        return self.surely("helm", "-n", NAMESPACE, *words)

    def named(self, *words: str) -> list[dict[str, Any]]:
        """The objects of a kind, without a line in the transcript."""
        command = [str(self._tools / "kubectl"), "-n", NAMESPACE, "get", *words, "-o", "json"]
        answer = subprocess.run(command, env=self._environment, capture_output=True, text=True, check=True).stdout
        items: list[dict[str, Any]] = json.loads(answer)["items"]
        return items

    def until(self, condition: Callable[[], bool], what: str, seconds: float = 60) -> None:
        give_up = time.monotonic() + seconds
        while not condition():
            assert time.monotonic() < give_up, f"not within {seconds} s: {what}"
            time.sleep(0.2)


def prepare(shell: Shell, programs: Programs) -> None:
    shell.title("A cluster with the kinds of the operators, and a namespace that takes restricted pods only")
    shell.surely("kubectl", "version")
    shell.surely("kubectl", "apply", "--server-side", "-f", str(programs.kinds))
    shell.surely("kubectl", "wait", "--for=condition=Established", "crd", "--all", "--timeout=60s")
    shell.surely("kubectl", "apply", "-f", "-", given=[node(number) for number in range(NODES)])
    shell.surely("kubectl", "wait", "--for=condition=Ready", "node", "--all", "--timeout=60s")
    metadata = {"name": NAMESPACE, "labels": RESTRICTED}
    shell.surely("kubectl", "apply", "-f", "-", given=[{"apiVersion": "v1", "kind": "Namespace", "metadata": metadata}])


def takes_every_example(shell: Shell) -> None:
    """Every field of every example, by the real definitions, in strict form."""
    for example in EXAMPLES:
        rendered = f"deploy/charts/careloop/ci/rendered/{example}.yaml"
        shell.kubectl("apply", "--dry-run=server", "--validate=strict", "-f", rendered)


def refuses_an_unknown_field(shell: Shell) -> None:
    """So the check before this one can fail."""
    text = (CHART / "ci/rendered/production.yaml").read_text()
    wrong = [one for one in yaml.safe_load_all(text) if one and one["kind"] == "KafkaTopic"][:1]
    wrong[0]["spec"]["partitons"] = 3
    done = shell.run(
        "kubectl", "-n", NAMESPACE, "apply", "--dry-run=server", "--validate=strict", "-f", "-", given=wrong
    )
    assert done.returncode != 0, done.stdout
    assert 'unknown field "spec.partitons"' in done.stderr, done.stderr


def installs_the_state_before(shell: Shell, chart: Path) -> None:
    shell.helm("install", "careloop", str(chart), *values("argocd"), *WAIT)
    shell.kubectl("get", "statefulsets,jobs,poddisruptionbudgets")
    assert images(shell) == {"registry.example/careloop:0.1.0"}
    shell.until(lambda: bool(migrations(shell)), "the migration of the first release")


def upgrades_to_this_state(shell: Shell) -> None:
    shell.helm("upgrade", "careloop", "deploy/charts/careloop", *values("argocd"), "--set", "image.tag=0.1.1", *WAIT)
    assert images(shell) == {"registry.example/careloop:0.1.1"}
    assert {pod["status"]["phase"] for pod in pods(shell)} == {"Running"}
    assert len(pods(shell)) == 2 * len(SERVICES)
    shell.until(lambda: migrations(shell) == {"registry.example/careloop:0.1.1"}, "the migration of this release")


def upgrades_what_only_the_chart_changes(shell: Shell) -> None:
    """A Job is never changed: with the same image and other settings it must be another one."""
    changed = ("--set", "securityContext.fsGroup=10002")
    words = ("upgrade", "careloop", "deploy/charts/careloop", *values("argocd"), "--set", "image.tag=0.1.1", *changed)
    (job,) = shell.named("jobs")
    shell.helm(*words, *WAIT)
    shell.until(lambda: bool(migrations(shell)), "a migration with the other settings")
    (other,) = shell.named("jobs")
    assert job["metadata"]["name"] != other["metadata"]["name"]


def rolls_back(shell: Shell) -> None:
    shell.helm("rollback", "careloop", "1", *WAIT)
    assert images(shell) == {"registry.example/careloop:0.1.0"}
    shell.helm("history", "careloop")


def refuses_a_second_eviction(shell: Shell) -> None:
    """With nowhere to go the first pod stays away, and the budget is spent."""
    for number in range(NODES):
        shell.kubectl("cordon", f"node-{number}")
    first = evict(shell, "careloop-assessment-0")
    assert first.returncode == 0, first.stderr
    second = evict(shell, "careloop-assessment-1")
    assert second.returncode != 0, second.stdout
    assert "disruption budget" in second.stderr, second.stderr
    other = evict(shell, "careloop-monitoring-0")
    assert other.returncode == 0, other.stderr
    for number in range(NODES):
        shell.kubectl("uncordon", f"node-{number}")
    shell.kubectl("rollout", "status", "statefulset/careloop-assessment", "--timeout=60s")
    shell.until(lambda: evict(shell, "careloop-assessment-1").returncode == 0, "the budget is whole again")


def evict(shell: Shell, pod: str) -> subprocess.CompletedProcess[str]:
    eviction = {"apiVersion": "policy/v1", "kind": "Eviction", "metadata": {"name": pod, "namespace": NAMESPACE}}
    path = f"/api/v1/namespaces/{NAMESPACE}/pods/{pod}/eviction"
    return shell.run("kubectl", "create", "--raw", path, "-f", "-", given=[eviction])


def keeps_a_privileged_pod_out(shell: Shell) -> None:
    """The namespace in which all pods of the chart run, restricted as they are, refuses one that asks for more."""
    container = {"name": "x", "image": "x", "securityContext": {"privileged": True}}
    pod = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "privileged"}, "spec": {"containers": [container]}}
    done = shell.run("kubectl", "-n", NAMESPACE, "apply", "-f", "-", given=[pod])
    assert done.returncode != 0, done.stdout
    assert 'violates PodSecurity "restricted:latest": privileged' in done.stderr, done.stderr


def uninstalls(shell: Shell) -> None:
    shell.helm("uninstall", "careloop", *WAIT)
    shell.until(lambda: not pods(shell), "all pods are gone")


def installs_the_example_of_everything(shell: Shell) -> None:
    """With a hook that migrates where there is a database to migrate, and all kinds of the operators elsewhere."""
    shell.helm(
        "install", "careloop", "deploy/charts/careloop", *values("minimal"), "--set", "migrations.run=hook", *WAIT
    )
    shell.helm("uninstall", "careloop", *WAIT)
    shell.helm("install", "careloop", "deploy/charts/careloop", *values("production"), *WAIT)
    shell.kubectl("get", "kafka,kafkanodepool,kafkatopic,kafkauser,cluster,scheduledbackup")
    shell.kubectl("get", "scaledobject,certificate,podmonitor,prometheusrule")


def leaves_the_facts(shell: Shell) -> None:
    """What holds facts outlives a release that is uninstalled."""
    shell.helm("uninstall", "careloop", *WAIT)
    left = {one["metadata"]["name"] for one in shell.named("kafkatopics")}
    assert left >= {f"care.{service}.v1" for service in SERVICES}, left
    assert [one["metadata"]["name"] for one in shell.named("clusters.postgresql.cnpg.io")] == ["careloop-postgres"]
    shell.kubectl("get", "kafkatopics,clusters.postgresql.cnpg.io")


def values(example: str) -> tuple[str, ...]:
    return ("-f", f"deploy/charts/careloop/ci/{example}-values.yaml")


def pods(shell: Shell) -> list[dict[str, Any]]:
    return shell.named("pods", "-l", "careloop.org/service")


def images(shell: Shell) -> set[str]:
    sets = shell.named("statefulsets")
    assert len(sets) == len(SERVICES)
    assert all(one["status"].get("readyReplicas") == one["spec"]["replicas"] for one in sets)
    return {one["spec"]["template"]["spec"]["containers"][0]["image"] for one in sets}


def migrations(shell: Shell) -> set[str]:
    """The images of those that are done."""
    done = [job for job in shell.named("jobs") if job["status"].get("succeeded")]
    return {job["spec"]["template"]["spec"]["containers"][0]["image"] for job in done}


def main(tools: str, cache: str, transcript: str = "") -> int:
    programs = prepared(Path(cache))
    failed = 0
    with TemporaryDirectory() as folder, running(programs) as cluster:
        shell = Shell(Path(tools).absolute(), cluster)
        unpacked(Path(folder), "deploy/charts/careloop")
        chart = Path(folder) / "deploy/charts/careloop"
        prepare(shell, programs)
        steps: dict[str, Callable[[], None]] = {
            "The API server takes every example, field by field": partial(takes_every_example, shell),
            "It refuses a field that no definition has": lambda: refuses_an_unknown_field(shell),
            "The chart's state before is installed": partial(installs_the_state_before, shell, chart),
            "It is upgraded to this state": partial(upgrades_to_this_state, shell),
            "It is upgraded by its settings alone": lambda: upgrades_what_only_the_chart_changes(shell),
            "It is rolled back": partial(rolls_back, shell),
            "A second eviction from a service is refused": partial(refuses_a_second_eviction, shell),
            "A privileged pod is kept out of the namespace": partial(keeps_a_privileged_pod_out, shell),
            "It is uninstalled": partial(uninstalls, shell),
            "Everything is made by operators": partial(installs_the_example_of_everything, shell),
            "Facts outlive the release": partial(leaves_the_facts, shell),
        }
        for title, step in steps.items():
            shell.title(title)
            began = time.monotonic()
            try:
                step()
                sys.stdout.write(f"ok     {title} ({time.monotonic() - began:.1f} s)\n")
            except AssertionError as wrong:
                failed += 1
                sys.stdout.write(f"FAILED {title}: {wrong}\n")
        sys.stdout.write(f"{len(steps) - failed} passed, {failed} failed\n")
        if transcript:
            Path(transcript).write_text(written(shell.transcript, folder))
    return 1 if failed else 0


def written(lines: list[str], folder: str) -> str:
    """Without what differs from one run to the next."""
    text = "\n".join(lines).replace(f"{folder}/", "before/")
    text = re.sub(r"\S+/kinds\b", "kinds", text)
    return f"# The chart on a real API server\n\nWritten by `make cluster-test`.\n{text}\n"


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
