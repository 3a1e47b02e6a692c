"""Prescribing decides whether an order may become a prescription.

It stands on what assessment and monitoring told it, noted in its own stream, and on the knowledge pack.
Every decision keeps the reasons and the evidence it was taken on, also when the answer was no.
"""
