"""Code systems by all the names under which records cite them: their FHIR URL, their OID, and how older exports wrote
either."""

_NAMES = {
    "rxnorm": ("http://www.nlm.nih.gov/research/umls/rxnorm", "2.16.840.1.113883.6.88"),
    "snomed": ("http://snomed.info/sct", "2.16.840.1.113883.6.96"),
    "icd-10-cm": ("http://hl7.org/fhir/sid/icd-10-cm", "2.16.840.1.113883.6.90"),
    "icd-10": ("http://hl7.org/fhir/sid/icd-10", "2.16.840.1.113883.6.3"),
    "icd-10-gm": ("http://fhir.de/codesystem/bfarm/icd-10-gm", "http://fhir.de/codesystem/dimdi/icd-10-gm"),
    "icd-9-cm": ("http://hl7.org/fhir/sid/icd-9-cm", "2.16.840.1.113883.6.103"),
    "loinc": ("http://loinc.org", "2.16.840.1.113883.6.1"),
    "ndc": ("http://hl7.org/fhir/sid/ndc", "2.16.840.1.113883.6.69"),
    "atc": ("http://www.whocc.no/atc", "2.16.840.1.113883.6.73"),
    "timing": (
        "http://terminology.hl7.org/codesystem/v3-gtsabbreviation",
        "http://hl7.org/fhir/v3/gtsabbreviation",
        "2.16.840.1.113883.5.1139",
    ),
    "ssn": ("http://hl7.org/fhir/sid/us-ssn", "2.16.840.1.113883.4.1"),
    "medicare": ("http://hl7.org/fhir/sid/us-mbi", "http://hl7.org/fhir/sid/us-medicare", "2.16.840.1.113883.4.927"),
}
_BY_NAME = {name: system for system, names in _NAMES.items() for name in names}
WORDS = {"rxnorm": "RxNorm", "snomed": "SNOMED CT", "ndc": "NDC", "atc": "ATC", "loinc": "LOINC"}


def system_of(url: str) -> str:
    """The system's short name here; the URL itself for any other."""
    plain = url.strip().rstrip("/").lower().removeprefix("urn:oid:").replace("https://", "http://")
    if plain.startswith("http://snomed.info/sct/"):  # an edition, with or without its version
        return "snomed"
    return _BY_NAME.get(plain, url)


def words_of(url: str, code: str) -> str:
    """A code without a display, in words: the system as people call it, and the code."""
    system = system_of(url)
    return f"{WORDS.get(system, system.upper() if system in _NAMES else 'code')} {code}"
