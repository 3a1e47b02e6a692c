"""The parts of FHIR R4 resources that are read. All of them are optional here: what is missing, the mapping judges.

Values that do not have the type FHIR gives them make a resource malformed; elements not named here are ignored.
"""
