"""Notifications: who must hear what by when, on which channel, and what happens when nobody answers.

It notes the care team, decides exactly one notice for each cause, and notifies the next person when a clock runs out.
It never decides care: what is urgent is said by the fact that caused the notice.
"""
