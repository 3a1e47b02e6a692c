"""How a chart is read for the safety check: a page for every way in which decisions were taken.

A capsule names its reading, and a past decision is taken again by that one. So the page of a reading by which a
released build decided is never changed: what a chart says from then on is a new page.
"""
