"""Records of one person are one chart, over all bundles and files of a run: a list that comes in pages is one list.
Records of two people who share an identity are no chart at all."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

from careloop.intake.charts import UnderstoodChart
from careloop.intake.identity import Person
from careloop.kernel.ids import PatientId


@dataclass
class United:
    """`charts` are one a person; `clashing` are those of which an id is another person's too."""

    charts: list[UnderstoodChart] = field(default_factory=list)
    clashing: list[UnderstoodChart] = field(default_factory=list)


def unite(charts: Sequence[UnderstoodChart]) -> United:
    """Each person's chart once, in the order in which they first come. Says of each which ids of the earlier rule other
    people of the run have as well."""
    found = United()
    for same in _of_one_identity(charts):
        if all(one.person.is_same(other.person) for one in same for other in same):
            found.charts.append(_together(same))
        else:
            found.clashing += same
    people = Counter(one for chart in found.charts for one in chart.earlier_ids)
    for chart in found.charts:
        chart.shared_ids |= {one for one in chart.earlier_ids if people[one] > 1}
    return found


def _of_one_identity(charts: Sequence[UnderstoodChart]) -> list[list[UnderstoodChart]]:
    """The groups of charts that share an id, by however many steps."""
    groups: dict[PatientId, dict[int, UnderstoodChart]] = {}
    for chart in charts:
        group = {id(chart): chart}
        for one in chart.own_ids:
            group = groups.get(one, {}) | group
        for member in group.values():
            groups |= dict.fromkeys(member.own_ids, group)
    return list({id(group): list(group.values()) for group in groups.values()}.values())


def _together(same: Sequence[UnderstoodChart]) -> UnderstoodChart:
    """One chart with all that the others hold, under the fullest identity."""
    fullest = max(same, key=lambda chart: (chart.enrolment.ByteSize(), chart.enrolment.SerializeToString()))
    names = tuple(dict.fromkeys(name for chart in same for name in chart.person.names))
    ids = sorted({one for chart in same for one in chart.own_ids}, key=lambda one: _place(one, same))
    fullest.own_ids, fullest.person = tuple(ids), Person(names, fullest.person.born)
    fullest.earlier_ids = tuple(dict.fromkeys(one for chart in same for one in chart.earlier_ids))
    for chart in same:
        if chart is not fullest:
            fullest.add(chart)
    return fullest


def _place(one: PatientId, same: Sequence[UnderstoodChart]) -> tuple[int, str]:
    """The best place that an id has in any of the records; ids of the same place in one order, whatever theirs."""
    return min(chart.own_ids.index(one) for chart in same if one in chart.own_ids), str(one)
