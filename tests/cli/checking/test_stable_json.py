"""What machines read of `careloop check`: fields and names of checks may be added, and none goes."""

import json
import re
from pathlib import Path

from careloop.cli.checking import findings as found
from careloop.cli.checking.findings import Topic, as_json

CHECKING = Path(found.__file__).parent
RELEASED = {
    "backup-age",
    "backup-readable",
    "backup-whole",
    "broker-auto-create",
    "broker-guarded",
    "broker-reachable",
    "certificate-current",
    "certificate-key",
    "connections-enough",
    "consumer",
    "consumer-beyond-log",
    "database-durable",
    "database-encrypted",
    "database-log",
    "database-public",
    "database-reachable",
    "database-version",
    "events-protected",
    "kafka-encrypted",
    "key-set",
    "key-set-issuers",
    "known",
    "overdue",
    "parked",
    "private-key",
    "privileges",
    "privileges-enough",
    "relay",
    "relay-beyond-log",
    "relay-partitions",
    "role-exists",
    "role-powers",
    "role-settings",
    "schema-access",
    "schema-exists",
    "schema-version",
    "secret-readable",
    "service-answers",
    "service-broker",
    "service-clock",
    "service-encrypted",
    "service-permissions",
    "service-ready",
    "service-version",
    "topic-beyond-log",
    "topic-exists",
    "topic-partitions",
    "topic-powers",
    "topic-readers",
    "topic-replicas",
    "topic-retention",
    "topic-writer",
}


def test_the_form_of_a_finding() -> None:
    about = Topic("kafka", "care.monitoring.v1")
    findings = [about.ok("topic-exists", "it exists"), about.failure("topic-writer", "nobody", "add")]
    assert json.loads(json.dumps(as_json(findings))) == {
        "form": 1,
        "counts": {"ok": 1, "unknown": 0, "warning": 0, "failure": 1},
        "findings": [
            {
                "group": "kafka",
                "check": "topic-exists",
                "about": "care.monitoring.v1",
                "level": "ok",
                "sentence": "it exists",
                "fix": "",
            },
            {
                "group": "kafka",
                "check": "topic-writer",
                "about": "care.monitoring.v1",
                "level": "failure",
                "sentence": "nobody",
                "fix": "add",
            },
        ],
    }


def test_no_check_loses_its_name() -> None:
    text = "".join(file.read_text() for file in CHECKING.glob("*.py"))
    assert set(re.findall(r'"([a-z]+(?:-[a-z]+)*)"', text)) >= RELEASED
