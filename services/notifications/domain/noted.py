"""What other services recorded, as notifications notes it in its own stream."""

from dataclasses import dataclass

from msgspec import UNSET, UnsetType

from careloop.contracts.episodes import EpisodeNoted
from careloop.contracts.terms import Reporter, Role
from careloop.kernel.events import Instant
from careloop.kernel.ids import EventId, FactId


@dataclass(frozen=True, slots=True, kw_only=True)
class TeamNoted:
    """Coordination said: this person takes this role in the team from `effective_from` on."""

    evidence: EventId
    fact_id: FactId
    person: str
    role: Role
    email: str
    effective_from: Instant
    occurred_at: Instant


@dataclass(frozen=True, slots=True, kw_only=True)
class ReleaseNoted:
    """Coordination said: this person leaves this role from `effective_from` on."""

    evidence: EventId
    fact_id: FactId
    person: str
    role: Role
    effective_from: Instant
    occurred_at: Instant


@dataclass(frozen=True, slots=True, kw_only=True)
class StrikeNoted:
    """Another service said: its fact `fact_id` was entered in error."""

    evidence: EventId
    fact_id: FactId
    occurred_at: Instant


@dataclass(frozen=True, slots=True, kw_only=True)
class ResolutionNoted:
    """A clinician closed the loop on this side effect, or answered this discrepancy; or this result demands nothing any
    more."""

    evidence: EventId
    fact_id: FactId
    side_effect: FactId
    occurred_at: Instant


@dataclass(frozen=True, slots=True, kw_only=True)
class ScreeningNoted:
    """Assessment or monitoring said: `screened_by` asked the questions of the suicide-risk screener. `reporter` is who
    that is by the role on their token; absent where it was not said."""

    evidence: EventId
    fact_id: FactId
    screened_by: str
    occurred_at: Instant
    reporter: Reporter | UnsetType = UNSET


@dataclass(frozen=True, slots=True, kw_only=True)
class TimeZoneNoted:
    """Where the client's days begin: the IANA name of their time zone; the latest known counts."""

    evidence: EventId
    fact_id: FactId
    time_zone: str
    occurred_at: Instant


@dataclass(frozen=True, slots=True, kw_only=True)
class SettlementNoted:
    """Monitoring said of these risks: a clinician made contact, or screened since. Where it does not close them,
    somebody tried."""

    evidence: EventId
    fact_id: FactId
    risks: tuple[FactId, ...]
    closes: bool
    occurred_at: Instant


@dataclass(frozen=True, slots=True, kw_only=True)
class SafetyAnswersNoted:
    """Assessment or monitoring said: every question about a danger was answered that this scale asks."""

    evidence: EventId
    fact_id: FactId
    instrument: str
    occurred_at: Instant


Noted = (
    TeamNoted
    | ReleaseNoted
    | StrikeNoted
    | ResolutionNoted
    | ScreeningNoted
    | TimeZoneNoted
    | EpisodeNoted
    | SettlementNoted
    | SafetyAnswersNoted
)
