"""`careloop intake`: FHIR R4 bundles of other systems become facts of the assessment service, and nothing is dropped
silently: what is not understood is counted with its reason."""
