"""What laboratories found of a client's genes."""

from dataclasses import dataclass

from careloop.contracts.assessment import GenotypeResult, GenotypesRecorded, Source
from careloop.kernel.commands import FactCommand
from careloop.kernel.decisions import Guard, guarded
from careloop.kernel.restating import fact
from services.assessment.domain.empty_lists import require_said
from services.assessment.domain.events import Event
from services.assessment.domain.state import Assessment


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordGenotypes(FactCommand):
    """`none_known` says that genotypes were asked for and there are none."""

    genotypes: tuple[GenotypeResult, ...] = ()
    none_known: bool = False
    source: Source


recorded = fact(GenotypesRecorded, RecordGenotypes)


@guarded(Guard.REPEAT, Guard.PAST, Guard.ENROLLED, Guard.BORN)
def record_genotypes(command: RecordGenotypes, state: Assessment) -> list[Event]:
    """Adds genotypes. Raises InvalidInput when none are listed and that was not said, or both."""
    require_said(bool(command.genotypes), command.none_known, "genotypes", "none_known")
    return [recorded(command)]
