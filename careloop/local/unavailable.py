"""The one refusal of the local stack that is about the machine, not about a bug."""


class StackUnavailable(Exception):
    """This machine cannot provide a part of the stack; the message says which part and what would help."""
