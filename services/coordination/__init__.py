"""Coordination decides who belongs to a patient's care team and carries what its members write to each other.

It holds the journal of everything the five services published, in the one order in which the team could see it.
From that it folds the shared care view of each patient: as it is now, or exactly as it was known at any moment.
"""
