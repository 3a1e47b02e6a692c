"""The chart's examples as they render: what every cluster relies on, read from the committed files.

`make chart-test` compares these files with what helm renders now.
"""

from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml

from careloop.chassis.process.transport import variable
from careloop.local.settings import SERVICES
from careloop.local.topics import read_sources
from services.notifications.settings import NotificationSettings

ROOT = Path(__file__).parents[2]
CHART = ROOT / "deploy/charts/careloop"
EXAMPLES = sorted(file.stem for file in (CHART / "ci/rendered").glob("*.yaml"))
each_example = pytest.mark.parametrize("example", EXAMPLES)


@cache
def rendered(example: str) -> list[dict[str, Any]]:
    text = (CHART / f"ci/rendered/{example}.yaml").read_text()
    return [document for document in yaml.load_all(text, yaml.CSafeLoader) if document]


def documents(example: str, kind: str) -> list[dict[str, Any]]:
    return [document for document in rendered(example) if document["kind"] == kind]


def pods(example: str) -> Iterator[dict[str, Any]]:
    for kind in ("StatefulSet", "Job"):
        for document in documents(example, kind):
            yield document["spec"]["template"]["spec"]


def containers(example: str) -> Iterator[dict[str, Any]]:
    for pod in pods(example):
        yield from pod["containers"]


def test_there_are_five_examples() -> None:
    assert EXAMPLES == ["argocd", "minimal", "openshift", "own-servers", "production"]


@each_example
def test_every_service_runs_with_a_name_of_its_own(example: str) -> None:
    found = {document["metadata"]["name"]: document for document in documents(example, "StatefulSet")}
    assert set(found) == {f"careloop-{service}" for service in SERVICES}
    for service in SERVICES:
        (container,) = found[f"careloop-{service}"]["spec"]["template"]["spec"]["containers"]
        environment = {entry["name"]: entry for entry in container["env"]}
        assert container["command"] == ["python", "-m", f"services.{service}"]
        assert environment["CARELOOP_SERVICE"]["value"] == service
        assert environment["CARELOOP_INSTANCE"]["valueFrom"] == {"fieldRef": {"fieldPath": "metadata.name"}}


@each_example
def test_every_setting_that_is_given_exists(example: str) -> None:
    known = {variable(field) for field in NotificationSettings.model_fields} | {"CARELOOP_POSTGRES_URL"}
    given = {entry["name"] for container in containers(example) for entry in container["env"]}
    assert given <= known


@each_example
def test_no_pod_may_do_more_than_its_work(example: str) -> None:
    for pod in pods(example):
        assert pod["automountServiceAccountToken"] is False
        assert pod["securityContext"]["runAsNonRoot"] is True
        assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    for container in containers(example):
        context = container["securityContext"]
        assert context["allowPrivilegeEscalation"] is False
        assert context["readOnlyRootFilesystem"] is True
        assert context["capabilities"] == {"drop": ["ALL"]}
        assert "memory" in container["resources"]["limits"]


def test_a_platform_that_gives_numbers_of_its_own_is_not_told_any() -> None:
    assert all("runAsUser" not in pod["securityContext"] for pod in pods("openshift"))
    assert all(pod["securityContext"]["runAsUser"] == 10001 for pod in pods("production"))


@each_example
def test_a_pod_ends_in_good_order(example: str) -> None:
    for document in documents(example, "StatefulSet"):
        pod = document["spec"]["template"]["spec"]
        (container,) = pod["containers"]
        linger = container["lifecycle"]["preStop"]["sleep"]["seconds"]
        grace = next(int(entry["value"]) for entry in container["env"] if entry["name"] == "CARELOOP_GRACE_SECONDS")
        assert pod["terminationGracePeriodSeconds"] > linger + grace


@each_example
def test_secrets_are_files_and_others_may_not_read_them(example: str) -> None:
    for document in documents(example, "StatefulSet"):
        pod = document["spec"]["template"]["spec"]
        (container,) = pod["containers"]
        mounted = {mount["name"] for mount in container["volumeMounts"]}
        assert mounted == {volume["name"] for volume in pod["volumes"]}
        assert all(volume["secret"]["defaultMode"] == 0o440 for volume in pod["volumes"] if "secret" in volume)
        assert not any("secretKeyRef" in str(entry) for entry in container["env"])


@each_example
def test_a_disruption_leaves_all_but_one_and_never_waits_for_a_pod_that_does_not_work(example: str) -> None:
    budgets = documents(example, "PodDisruptionBudget")
    assert len(budgets) == len(SERVICES)
    for budget in budgets:
        assert budget["spec"]["maxUnavailable"] == 1
        assert budget["spec"]["unhealthyPodEvictionPolicy"] == "AlwaysAllow"


@each_example
def test_what_is_not_allowed_in_or_out_is_refused(example: str) -> None:
    policy = next(one for one in documents(example, "NetworkPolicy") if one["metadata"]["name"] == "careloop")
    assert policy["spec"]["policyTypes"] == ["Ingress", "Egress"]
    assert all("ports" in edge for edge in (*policy["spec"]["ingress"], *policy["spec"]["egress"]))
    assert all("from" in edge for edge in policy["spec"]["ingress"])


def test_the_topics_are_those_of_the_one_list() -> None:
    for name in ("topics.yaml", "reads.yaml"):
        assert (CHART / "files" / name).read_text() == (ROOT / "careloop/local" / name).read_text()
    wanted = yaml.safe_load((CHART / "files/topics.yaml").read_text())["topics"]
    made = {one["metadata"]["name"]: one for one in documents("production", "KafkaTopic")}
    assert set(made) == {topic["name"] for topic in wanted}
    for topic in wanted:
        spec = made[topic["name"]]["spec"]
        assert spec["config"] == topic["config"]
        assert spec["partitions"] == topic.get("partitions", 12)
        assert made[topic["name"]]["metadata"]["annotations"]["helm.sh/resource-policy"] == "keep"


def test_a_kafka_user_may_read_what_its_service_consumes_and_write_its_own_topic() -> None:
    reads = read_sources()
    users = {one["metadata"]["name"]: one["spec"] for one in documents("production", "KafkaUser")}
    for service in SERVICES:
        acls = users[f"careloop-kafka-{service}"]["authorization"]["acls"]
        rights = [(one["resource"], set(one["operations"])) for one in acls]
        read = {topic["name"] for topic, operations in rights if topic["type"] == "topic" and "Read" in operations}
        written = {topic["name"] for topic, operations in rights if "Write" in operations}
        assert read - {"care.heads.v1"} == {f"care.{source}.v1" for source in reads[service]}
        assert written == {f"care.{service}.v1", "care.heads.v1"}


def test_the_rules_are_those_that_are_tested() -> None:
    assert (CHART / "files/alerts.yaml").read_text() == (ROOT / "deploy/alerts/careloop.yaml").read_text()
    (rules,) = documents("production", "PrometheusRule")
    assert rules["spec"] == yaml.safe_load((ROOT / "deploy/alerts/careloop.yaml").read_text())


def test_the_database_that_is_made_is_durable_and_logs_no_patients_data() -> None:
    (cluster,) = documents("production", "Cluster")
    parameters = cluster["spec"]["postgresql"]["parameters"]
    assert parameters["log_min_error_statement"] == "panic"
    assert parameters["log_parameter_max_length_on_error"] == "0"
    assert not {"fsync", "synchronous_commit"} & set(parameters)
    assert {role["name"] for role in cluster["spec"]["managed"]["roles"]} == set(SERVICES)
    assert cluster["metadata"]["annotations"]["helm.sh/resource-policy"] == "keep"


def test_scaling_never_ends_at_none_and_never_exceeds_the_partitions() -> None:
    for scaled in documents("production", "ScaledObject"):
        assert scaled["spec"]["minReplicaCount"] >= 1
        assert scaled["spec"]["maxReplicaCount"] <= 12
    scaled_sets = {one["spec"]["scaleTargetRef"]["name"] for one in documents("production", "ScaledObject")}
    for one in documents("production", "StatefulSet"):
        # Who consumes nothing has no lag to scale by, and keeps the replicas that are set.
        assert ("replicas" in one["spec"]) is (one["metadata"]["name"] not in scaled_sets)
