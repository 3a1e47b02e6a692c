"""The birthdays on which the safety check may answer otherwise than on the day before."""

from datetime import date

from careloop.knowledge.pack.pack import Pack, current_pack
from careloop.knowledge.screening.checks.people import CHILDBEARING
from careloop.knowledge.screening.results import ADULT


def ages_that_matter(pack: Pack | None = None) -> tuple[int, ...]:
    """In whole years, lowest first: from each on, a rule of the pack or of the check holds, or holds no more."""
    pack = pack or current_pack()
    first = [rule.from_age for rule in pack.ages if rule.from_age is not None]
    past = [rule.to_age + 1 for rule in pack.ages if rule.to_age is not None]
    older = [rule.when.age_over + 1 for rule in pack.doses if rule.when is not None and rule.when.age_over is not None]
    return tuple(sorted({ADULT, CHILDBEARING.start, CHILDBEARING.stop, *first, *past, *older}))


def birthdays(born: date, after: date, pack: Pack | None = None) -> list[date]:
    """Those later than `after`, the first day of each age that matters."""
    return [day for day in (birthday(born, age) for age in ages_that_matter(pack)) if day > after]


def birthday(born: date, age: int) -> date:
    """Who was born on a 29th of February is a year older on the 1st of March of a year that has none."""
    try:
        return born.replace(year=born.year + age)
    except ValueError:
        return date(born.year + age, 3, 1)
