"""The services with no more permissions in Kafka than the chart gives them."""

import asyncio
import sys
from collections.abc import Iterator, Sequence

import pytest

from careloop.local.supervisor import Supervisor
from tests.support.guarded_kafka import guarded_kafka, of_the_chart, user
from tests.support.histories.care import SERTRALINE, Care
from tests.support.processes.running import System, prescribing
from tests.support.stack import run, temporary_stack

pytestmark = [pytest.mark.system, pytest.mark.faults]


@pytest.fixture
def permitted_system() -> Iterator[System]:
    with guarded_kafka() as kafka, temporary_stack(kafka_bootstrap=kafka.address) as stack:
        run(kafka.allow(of_the_chart()))

        def command(service: str) -> Sequence[str]:
            settings = (f"CARELOOP_KAFKA_BOOTSTRAP={kafka.for_users}", f"CARELOOP_KAFKA_SASL_USERNAME={user(service)}")
            return ["env", *settings, sys.executable, "-m", f"services.{service}"]

        environment = {
            "CARELOOP_KAFKA_SECURITY_PROTOCOL": "SASL_PLAINTEXT",
            "CARELOOP_KAFKA_SASL_PASSWORD_FILE": str(kafka.password_file),
            "CARELOOP_NOTICE_FOLDER": str(stack.home / "mail"),
        }
        supervisor = Supervisor(stack, environment=environment, command=command)
        run(supervisor.start())
        try:
            yield System(stack, supervisor)
        finally:
            run(supervisor.stop())


def test_a_patient_goes_from_enrolment_to_the_view(permitted_system: System) -> None:
    asyncio.run(_whole_path(permitted_system))


async def _whole_path(system: System) -> None:
    async with system.open():
        care = Care(system)
        await care.enrol()
        await care.form_team()
        await care.assess()
        issued = await care.order(SERTRALINE, "50")
        assert issued.decision == prescribing.DECISION_ISSUED, issued.reasons
        view = (await care.view()).view
        assert issued.fact_id in {one.fact_id for one in view.medications.medications}
