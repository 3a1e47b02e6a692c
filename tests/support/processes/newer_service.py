"""Monitoring as a later build may be: `python -m tests.support.processes.newer_service`.

It writes one field more in every dose, and raises one type of event more, of a dose that was skipped; today's build
knows neither.
"""

import asyncio
import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any

from careloop.chassis.process.runtime import run
from careloop.chassis.relay.relay import Relay
from careloop.contracts.monitoring import TYPES, DoseStatus
from careloop.contracts.policy import POLICY
from careloop.kernel.decider import Decider
from careloop.kernel.decisions import Decisions, guarded
from careloop.kernel.events import Instant
from careloop.kernel.ids import FactId, derived_id
from services.monitoring import __main__ as monitoring
from services.monitoring.domain import events
from services.monitoring.domain.decisions import DECISIONS
from services.monitoring.domain.doses import RecordDose, record_dose
from services.monitoring.domain.state import Watch, evolve


@dataclass(frozen=True, slots=True, kw_only=True)
class WitnessedDose(events.DoseRecorded):
    """A dose as this build stores and publishes it; `witnessed_by` is new."""

    witnessed_by: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class AdherenceConcernRaised:
    """Stored and published by this build alone."""

    fact_id: FactId
    dose: FactId
    occurred_at: Instant


CONCERN = "monitoring.AdherenceConcernRaised.v1"
DOSE = "monitoring.DoseRecorded.v1"
NEW: dict[str, Any] = {DOSE: WitnessedDose, CONCERN: AdherenceConcernRaised}
CONTRACTS: dict[str, type] = {**TYPES, **{f"care.{topic}": cls for topic, cls in NEW.items()}}
"""What this build publishes."""


class RelayHeld:
    """As long as it is in the state folder, a process of this build that starts leaves relaying to others."""

    def __init__(self, home: Path) -> None:
        self._file = home / "newer-relay-held"

    def put(self) -> None:
        self._file.touch()

    def take_away(self) -> None:
        self._file.unlink()

    async def is_over(self) -> None:
        while self._file.exists():
            await asyncio.sleep(0.05)


def command() -> Sequence[str]:
    """How its process is started."""
    return [sys.executable, "-m", "tests.support.processes.newer_service"]


def record_witnessed_dose(command: RecordDose, watch: Watch) -> list[Any]:
    """What today's build records, with the field more, and the concern."""
    recorded = [_witnessed(dose, command.actor) for dose in record_dose(command, watch)]
    return [*recorded, *(_concern(dose) for dose in recorded if dose.status is DoseStatus.SKIPPED)]


def _witnessed(dose: Any, by: str) -> WitnessedDose:
    return WitnessedDose(**{field.name: getattr(dose, field.name) for field in fields(dose)}, witnessed_by=by)


def _concern(dose: WitnessedDose) -> AdherenceConcernRaised:
    own = FactId(derived_id("concern", dose.fact_id))
    return AdherenceConcernRaised(fact_id=own, dose=dose.fact_id, occurred_at=dose.occurred_at)


def evolve_newer(watch: Watch, event: Any) -> Watch:
    """What today's build knows after the event; the concern changes nothing."""
    return watch if isinstance(event, AdherenceConcernRaised) else evolve(watch, event)


def become_newer(home: Path) -> None:
    """Change this process's monitoring into that of the later build."""
    relay, held = Relay.run, RelayHeld(home)

    async def relay_unless_held(self: Relay) -> None:
        await held.is_over()
        await relay(self)

    Relay.run = relay_unless_held  # type: ignore[method-assign]
    others = (decision for command, decision in DECISIONS.items() if command is not RecordDose)
    monitoring.DECISIONS = Decisions(*others, guarded()(record_witnessed_dose))  # type: ignore[attr-defined]
    rooms = monitoring.ROOMS
    monitoring.ROOMS = replace(
        rooms,
        topics={**rooms.topics, **NEW},
        decider=Decider(initial=rooms.decider.initial, evolve=evolve_newer),
        restated={cls: cls for cls in NEW.values()},
        contracts=CONTRACTS,
    )


if __name__ == "__main__":
    become_newer(Path(os.environ["CARELOOP_HOME"]))
    sys.exit(run(monitoring.build, POLICY))
