"""The durations and persons that a programme sets for its notices; every decision is given them."""

from dataclasses import dataclass
from datetime import timedelta

from careloop.contracts.notifications import Priority
from careloop.contracts.terms import Role


@dataclass(frozen=True, slots=True, kw_only=True)
class OnCall:
    """Who hears what nobody else hears: the last rung of every ladder, and the only one of a patient without a team."""

    person: str
    role: Role
    email: str


@dataclass(frozen=True, slots=True, kw_only=True)
class NoticeRules:
    """`*_window`: how long the people of one step have to acknowledge. `stat_again_after`: how long after a page of an
    emergency the on-call person is paged again, once everybody was. `old_news_after`: how much later than it
    happened what is only for information may be recorded and still be news; what asks something always is. A failed
    attempt is tried again after `first_retry`, then twice that, and so on up to `longest_retry`, at most `attempts`
    times in all. The on-call person is paged again at most `repages` times, but without end where a notice is stat;
    when `pages_unanswered` pages of such a one were not answered, `last_resort` is paged as well. Causes recorded by
    one of `importers` are history, however young. Where nurse practitioners are supervised, a psychiatrist of the team
    hears of their overrides of high alerts."""

    on_call: OnCall
    stat_window: timedelta = timedelta(minutes=15)
    urgent_window: timedelta = timedelta(hours=2)
    routine_window: timedelta = timedelta(hours=24)
    stat_again_after: timedelta = timedelta(minutes=15)
    old_news_after: timedelta = timedelta(hours=24)
    first_retry: timedelta = timedelta(seconds=15)
    longest_retry: timedelta = timedelta(minutes=5)
    attempts: int = 6
    repages: int = 12
    pages_unanswered: int = 4
    last_resort: OnCall | None = None
    importers: frozenset[str] = frozenset()
    nurse_practitioners_supervised: bool = False

    @property
    def always_there(self) -> tuple[OnCall, ...]:
        """Who is paged whatever the team is."""
        return (self.on_call,) if self.last_resort is None else (self.on_call, self.last_resort)

    def window(self, priority: Priority) -> timedelta:
        """How long the people of one step have to acknowledge."""
        windows = {
            Priority.STAT: self.stat_window,
            Priority.URGENT: self.urgent_window,
            Priority.ROUTINE: self.routine_window,
        }
        return windows[priority]

    def paged_again_after(self, priority: Priority) -> timedelta:
        """How long the on-call person has until they are paged again."""
        return self.stat_again_after if priority is Priority.STAT else self.window(priority)

    def retry_after(self, attempt: int) -> timedelta:
        """How long to wait after the failure of this attempt; the first is 1."""
        doubled: timedelta = self.first_retry * 2 ** min(attempt - 1, 30)
        return min(doubled, self.longest_retry)
