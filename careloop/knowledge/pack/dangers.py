"""The one list of what is dangerous in overdose, asked about a drug."""

from collections.abc import Iterable
from datetime import date
from functools import lru_cache

from careloop.knowledge.pack.index import in_force
from careloop.knowledge.pack.pack import Pack
from careloop.knowledge.pack.shapes.dangers import OverdoseDanger


def overdose_danger(pack: Pack, drug: str, on: date, beside: Iterable[str] = ()) -> OverdoseDanger | None:
    """Why the drug (a name of the pack) is dangerous in overdose, also beside what else is at hand; None if it is not
    listed."""
    row = _row(pack, drug, on)
    if row is None or not row.with_drugs or any(pack.among(other, row.with_drugs) for other in beside):
        return row
    return None


@lru_cache(4096)
def _row(pack: Pack, drug: str, on: date) -> OverdoseDanger | None:
    rows: Iterable[OverdoseDanger] = in_force(pack, OverdoseDanger, on)
    return next((row for row in rows if pack.among(drug, row.drugs) and not pack.among(drug, row.drugs_except)), None)
