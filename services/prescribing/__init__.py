"""Prescribing decides whether an order may become a prescription.

It stands on the facts of assessment and monitoring, noted in its own stream, and on the knowledge pack.
Every decision is stored with its reasons and the evidence it was taken on, also when the answer was no.
"""
