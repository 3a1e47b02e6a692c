"""How a medicine is taken: phases of doses by day and time, in days, in words and in FHIR."""
