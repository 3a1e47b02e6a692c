"""How many orders of a set were checked in full, and what kept the others from it."""

from dataclasses import replace

from careloop.knowledge.chart import Chart
from careloop.knowledge.findings import Check, Reason
from careloop.knowledge.screening.coverage import Missing, coverage, fully_checked
from tests.support.knowledge import asked, of, taking


def test_orders_are_counted_by_what_could_be_checked() -> None:
    clear, alerting = asked("sertraline", mg=50), asked("sertraline", taking("phenelzine"))
    unknown, bare = asked("xyzmab"), asked("sertraline", Chart(), 50)
    found = coverage([clear, alerting, unknown, bare])
    assert (found.orders, found.fully_checked, found.clear, found.with_alerts) == (4, 2, 1, 1)
    assert Missing(check=Check.ALLERGY, reason=Reason.ALLERGIES_NOT_ASKED, orders=1) in found.missing
    assert Missing(check=Check.DOSE, reason=Reason.UNKNOWN_DRUG, orders=1) in found.missing
    assert [gap.orders for gap in found.missing] == sorted((gap.orders for gap in found.missing), reverse=True)


def test_a_reason_counts_once_in_an_order_however_often_it_stands_there() -> None:
    found = coverage([asked("sertraline", taking("xyzmab", "abcmab"))])
    assert Missing(check=Check.DRUG_DRUG, reason=Reason.UNKNOWN_DRUG, orders=1) in found.missing


def test_the_most_frequent_gap_comes_first() -> None:
    found = coverage([asked("sertraline", mg=None)] + [asked("bupropion", of(conditions=None))] * 2)
    assert [(gap.check, gap.orders) for gap in found.missing] == [(Check.DRUG_CONDITION, 2), (Check.DOSE, 1)]
    found = coverage([asked("sertraline", mg=None)] * 2 + [asked("bupropion", of(conditions=None))])
    assert [(gap.check, gap.orders) for gap in found.missing] == [(Check.DOSE, 2), (Check.DRUG_CONDITION, 1)]


def test_equally_frequent_gaps_come_in_one_order_whatever_the_order_of_the_set() -> None:
    told = [asked("sertraline", Chart(), 50), asked("sertraline", mg=None)]
    gaps = coverage(told).missing
    assert gaps == coverage(told[::-1]).missing
    assert [(gap.check, gap.reason) for gap in gaps] == sorted((gap.check, gap.reason) for gap in gaps)


def test_no_orders_are_covered_by_nothing() -> None:
    found = coverage([])
    assert (found.orders, found.fully_checked, found.missing) == (0, 0, ())


def test_only_every_check_without_a_gap_is_full() -> None:
    assert fully_checked(asked("sertraline", mg=50))
    assert not fully_checked(asked("sertraline", mg=None))
    assert not fully_checked(replace(asked("sertraline", mg=50), checked=(Check.DOSE,)))
