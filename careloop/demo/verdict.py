"""Whether what the services promised holds, from the raw rows and records alone: pure comparisons, each one named.

Nothing here uses the code it judges, but for the fold of the view, which is what a view is compared with.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID
from zlib import crc32

SHOWN = 5
"""How many wrong things one check names; the rest is counted."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stored:
    """One row of a service's `events`."""

    position: int
    stream: UUID
    version: int
    event_id: UUID
    topic: str
    command_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Sent:
    """One record of a service's topic, by its place there and its headers."""

    partition: int
    offset: int
    event_id: UUID
    type: str
    patient: UUID
    position: int
    previous: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Journaled:
    """One row of coordination's `journal`."""

    position: int
    source: str
    source_position: int
    event_id: UUID
    type: str
    patient: UUID


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """One thing that must hold: what was counted, and everything found wrong."""

    name: str
    counted: str
    wrong: tuple[str, ...]

    @property
    def holds(self) -> bool:
        return not self.wrong


def log_is_gapless(service: str, stored: Sequence[Stored]) -> Check:
    """Positions are 1, 2, 3, ... without a gap, and so are the versions of every stream, in the same order."""
    wrong = [
        f"position {row.position} where {place} was due"
        for place, row in enumerate(stored, start=1)
        if row.position != place
    ]
    versions: Counter[UUID] = Counter()
    for row in stored:
        versions[row.stream] += 1
        if row.version != versions[row.stream]:
            wrong.append(f"position {row.position} has version {row.version} where {versions[row.stream]} was due")
    return Check(name=f"{service}: log without gaps", counted=f"{len(stored)} events", wrong=tuple(wrong))


def one_set_per_command(service: str, stored: Sequence[Stored], commands: Iterable[str]) -> Check:
    """The events of a command are one run of positions in one stream, and every command is on record."""
    by_command: dict[str, list[Stored]] = defaultdict(list)
    for row in stored:
        by_command[row.command_id].append(row)
    known, wrong = set(commands), []
    for command, rows in by_command.items():
        first = rows[0]
        if [row.position for row in rows] != list(range(first.position, first.position + len(rows))):
            wrong.append(f"a command has two sets of events: positions {[row.position for row in rows]}")
        if any(row.stream != first.stream for row in rows):
            wrong.append(f"a command wrote to two streams from position {first.position}")
        if command not in known:
            wrong.append(f"position {first.position} belongs to no recorded command")
    return Check(name=f"{service}: one set of events per command", counted=f"{len(known)} commands", wrong=tuple(wrong))


def acknowledged_is_kept(service: str, acknowledged: Iterable[str], commands: Iterable[str]) -> Check:
    """Every request that was answered OK is on record."""
    told, known = set(acknowledged), set(commands)
    wrong = tuple(f"an acknowledged request is lost ({request})" for request in sorted(told - known))
    return Check(name=f"{service}: nothing acknowledged lost", counted=f"{len(told)} answers", wrong=wrong)


def topic_is_log(service: str, published: Sequence[Stored], sent: Sequence[Sent], partitions: int) -> Check:
    """The topic holds exactly the published events, each in its patient's partition and in the order of the log.

    Sending again what was sent is allowed; then it is the same record again, and never the first of its kind.
    """
    wrong = list(_set_differences("on the topic", published, ((one.event_id, one.position) for one in sent)))
    redelivered = 0
    for partition in range(partitions):
        first, problems = _in_order([one for one in sent if one.partition == partition])
        wrong += problems
        redelivered += sum(one.partition == partition for one in sent) - len(first)
    wrong += [
        f"partition {one.partition} offset {one.offset}: belongs in partition {_partition(one.patient, partitions)}"
        for one in sent
        if one.partition != _partition(one.patient, partitions)
    ]
    counted = f"{len(published)} stored, {len(sent)} sent, {redelivered} of them again"
    return Check(name=f"{service}: topic = log, in order", counted=counted, wrong=tuple(wrong))


def _partition(patient: UUID, partitions: int) -> int:
    return crc32(str(patient).encode()) % partitions


def _in_order(sent: Sequence[Sent]) -> tuple[dict[UUID, Sent], list[str]]:
    """The first record of each event of one partition, and every break of order or of the `previous` chain."""
    first: dict[UUID, Sent] = {}
    wrong, last = [], 0
    for one in sorted(sent, key=lambda record: record.offset):
        place = f"partition {one.partition} offset {one.offset}"
        known = first.get(one.event_id)
        if known is not None:
            if (known.position, known.previous) != (one.position, one.previous):
                wrong.append(f"{place}: sent again as position {one.position}, first as {known.position}")
            continue
        if one.position <= last:
            wrong.append(f"{place}: reordered, position {one.position} after {last}")
        if one.previous != last:
            wrong.append(f"{place}: previous is {one.previous} and the event before is {last}")
        first[one.event_id], last = one, max(last, one.position)
    return first, wrong


def journal_is_topic(service: str, published: Sequence[Stored], journal: Sequence[Journaled]) -> Check:
    """The journal holds every published event of the source exactly once, each patient's in the order of the log."""
    rows = [row for row in journal if row.source == service]
    wrong = list(_set_differences("in the journal", published, ((row.event_id, row.source_position) for row in rows)))
    twice = [event for event, times in Counter(row.event_id for row in rows).items() if times > 1]
    wrong += [f"twice in the journal: event {event}" for event in twice]
    last: dict[UUID, int] = {}
    for row in sorted(rows, key=lambda one: one.position):
        if row.source_position <= last.get(row.patient, 0):
            wrong.append(f"journal {row.position}: reordered, position {row.source_position} came late")
        last[row.patient] = max(row.source_position, last.get(row.patient, 0))
    return Check(
        name=f"{service}: journal = log, per patient in order", counted=f"{len(rows)} rows", wrong=tuple(wrong)
    )


def _set_differences(where: str, published: Sequence[Stored], found: Iterable[tuple[UUID, int]]) -> Iterable[str]:
    """What is missing, what nobody stored, and what stands under another position."""
    stored = {row.event_id: row.position for row in published}
    there = dict(found)
    for event, position in stored.items():
        if event not in there:
            yield f"missing {where}: position {position}"
        elif there[event] != position:
            yield f"position {position} stands {where} as {there[event]}"
    for event, position in there.items():
        if event not in stored:
            yield f"never stored but {where}: position {position}, event {event}"


def journal_is_gapless(journal: Sequence[Journaled]) -> Check:
    """The journal's positions are 1, 2, 3, ... without a gap."""
    wrong = tuple(
        f"journal position {row.position} where {place} was due"
        for place, row in enumerate(sorted(journal, key=lambda one: one.position), start=1)
        if row.position != place
    )
    return Check(name="journal without gaps", counted=f"{len(journal)} rows", wrong=wrong)


Place = tuple[UUID, str]
"""A patient and a source."""


def views_are_folds(shown: Mapping[Place, bytes], folded: Mapping[Place, bytes]) -> Check:
    """Every section is shown, byte for byte, as the fold of what was journaled of its patient and source."""
    wrong = [f"no section of {source} for patient {patient}" for patient, source in folded.keys() - shown.keys()]
    wrong += [f"a section of {source} from nothing, patient {patient}" for patient, source in shown.keys() - folded]
    differing = [place for place in folded.keys() & shown.keys() if folded[place] != shown[place]]
    wrong += [f"the section of {source} is not its fold, patient {patient}" for patient, source in differing]
    return Check(name="views = folds of the journal", counted=f"{len(shown)} sections", wrong=tuple(sorted(wrong)))


def one_decision_per_cause(causes: Iterable[UUID], decided_on: Sequence[UUID], may_cause: Iterable[UUID] = ()) -> Check:
    """Whatever someone must hear of led to exactly one decision about a notice, what may ask for one to one at most,
    and nothing else did."""
    wanted, decisions = set(causes), Counter(decided_on)
    wrong = [f"no notice was decided for event {cause}" for cause in wanted - decisions.keys()]
    wrong += [f"{times} notices were decided for event {cause}" for cause, times in decisions.items() if times > 1]
    wrong += [
        f"a notice was decided for event {cause}, which is no cause"
        for cause in decisions.keys() - wanted - set(may_cause)
    ]
    counted = f"{len(wanted)} causes, {len(decided_on)} decisions"
    return Check(name="one notice decision per cause", counted=counted, wrong=tuple(sorted(wrong)))


def same_bytes(name: str, pairs: Sequence[tuple[bytes, bytes]]) -> Check:
    """Each pair is the same."""
    wrong = tuple(f"pair {place} differs" for place, (one, other) in enumerate(pairs, start=1) if one != other)
    return Check(name=name, counted=f"{len(pairs)} compared", wrong=wrong)


def shortened(wrong: Sequence[str]) -> list[str]:
    """The first few, and how many more there are."""
    more = len(wrong) - SHOWN
    return [*wrong[:SHOWN], *([f"and {more} more"] if more > 0 else [])]
