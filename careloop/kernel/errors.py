"""Every way a call can be refused. One slug per reason, stable for callers; sentences carry no patient data."""

from collections.abc import Mapping, Sequence


class CareloopError(Exception):
    """A refusal with a stable `slug` (for programs), a `sentence` (for people) and the `field` it is about, if any.

    `details` are what a program needs besides, by name; codes and figures, never words about the patient.
    """

    def __init__(self, slug: str, sentence: str, *, field: str = "", details: Mapping[str, str] | None = None) -> None:
        super().__init__(slug)
        self.slug = slug
        self.sentence = sentence
        self.field = field
        self.details = dict(details or {})


class InvalidInput(CareloopError):
    """The request itself is malformed: fix the named field; nothing was stored."""


class RuleViolated(CareloopError):
    """The care record does not allow it now; nothing was stored, so it may be tried again."""


class NeedsConfirmation(RuleViolated):
    """The command would remove these entries of a list: nothing was stored, and it may be repeated with
    `confirm_removal`. Where the response can say so, it is answered and no refusal."""

    def __init__(
        self,
        slug: str = "needs-confirmation",
        sentence: str = "This would remove entries; confirm_removal says that it may.",
        *,
        field: str = "",
        entries: Sequence[str] = (),
        said: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(slug, sentence, field=field)
        self.entries = tuple(entries)
        self.said = dict(said or {})


class NotKnown(CareloopError):
    """What the request refers to does not exist here."""


class RequestIdReused(CareloopError):
    """This caller used this request id of this patient before, with another payload."""


class AlreadyRecorded(CareloopError):
    """Another command recorded the fact that this one names; nothing was stored. `details` have its `fact_id`."""


class Conflict(CareloopError):
    """Others changed the same stream at the same time: read again and retry."""


class NotSignedIn(CareloopError):
    """No valid token came with the call."""


class NotAllowed(CareloopError):
    """The caller is known but may not do this."""


class Unavailable(CareloopError):
    """The store did not answer in time: retry with the same request id."""


class Overloaded(CareloopError):
    """Too much is waiting: slow down, then retry with the same request id."""


def patient_not_known() -> NotKnown:
    """The one answer about a patient who does not exist and about one who is not enrolled."""
    return NotKnown("patient-not-known", "Nothing is known of this patient.", field="patient_id")
