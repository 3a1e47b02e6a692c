"""What a laboratory's words about a gene mean: `positive` or `negative` of an allele, a metaboliser's phenotype, or
nothing that the pack understands."""

import re
from dataclasses import dataclass

from careloop.knowledge.chart import Genotype
from careloop.knowledge.pack.index import phenotype_words
from careloop.knowledge.pack.pack import Pack
from careloop.knowledge.pack.shapes.screening import AlleleFunction
from careloop.knowledge.pack.text import plain

POSITIVE, NEGATIVE, UNREAD = "positive", "negative", "unread"
_HLA = re.compile(r"^hla[\s-]*([a-z]+?\d??)[\s*_-]*(?:(\d{2}):?(\d{2,3})(?::\d{2})*)?[\s]*$")
_ALLELE = re.compile(r"(?<!\d)(\d{2}):?(\d{2,3})(?!\d)")
_STAR = re.compile(r"\*\s*(\d+)(?![\d:])(?!\s*x)")
_PARTS = re.compile(r"[;,\n]|\band\b", re.IGNORECASE)
_WORD = re.compile(r"[^\W\d_]+")


@dataclass(frozen=True, slots=True)
class Finding:
    """`gene` as rules write it (`CYP2D6`, `HLA-B*1502`), and what was found of it; None: not understood."""

    gene: str
    phenotype: str | None


def plain_gene(written: str) -> str:
    """The name of a gene, or of one allele of an HLA gene, however it is written."""
    text = " ".join(plain(written).split())
    hla = _HLA.match(text)
    if hla is None:
        return "".join(text.upper().split()).replace(":", "")
    locus, group, protein = hla.groups()
    return f"HLA-{locus.upper()}" + (f"*{group}{protein}" if group else "")


def finding_of(pack: Pack, result: Genotype, gene: str) -> Finding | None:
    """What a result says of this gene or allele; None when it is of another one."""
    named, sought = plain_gene(result.gene), plain_gene(gene)
    if named == sought:
        return Finding(sought, _found(pack, result.phenotype, sought))
    locus, _, allele = sought.partition("*")
    if not allele or named != locus:
        return None
    return _typed(pack, result.phenotype, sought, allele)


def _typed(pack: Pack, said: str, sought: str, allele: str) -> Finding | None:
    """Of a result that names the gene alone, the alleles stand in its words; two without a word are all there are."""
    alleles = _alleles(said)
    if allele in alleles:
        word = _word(pack, _about(said, allele))
        return Finding(sought, None if word == UNREAD else word or POSITIVE)
    if len(alleles) == 2 and _word(pack, said) is None:
        return Finding(sought, NEGATIVE)
    return None if alleles else Finding(sought, None)


def _found(pack: Pack, said: str, gene: str) -> str | None:
    _, _, allele = gene.partition("*")
    word = _word(pack, _about(said, allele) if allele else said)
    if word is not None:
        return None if word == UNREAD else word
    if allele:
        alleles = _alleles(said)
        return (POSITIVE if allele in alleles else NEGATIVE) if alleles else None
    return _of_diplotype(pack, gene, said)


def _alleles(said: str) -> list[str]:
    return ["".join(pair) for pair in _ALLELE.findall(plain(said))]


def _about(said: str, allele: str) -> str:
    """Of words about several alleles those about this one."""
    if len(set(_alleles(said))) < 2:
        return said
    return " ".join(part for part in _PARTS.split(said) if allele in _alleles(part)) or said


def _word(pack: Pack, said: str) -> str | None:
    """The first phenotype of the data with one of its phrases in the words, in the order of the data."""
    text = f" {' '.join(_WORD.findall(plain(said).replace('metaboliser', 'metabolizer')))} "
    return next((name for name, phrases in phenotype_words(pack) if any(f" {one} " in text for one in phrases)), None)


def _of_diplotype(pack: Pack, gene: str, said: str) -> str | None:
    """The phenotype of two alleles whose functions the pack knows."""
    known = {(one.gene, allele): one.function for one in pack.entries(AlleleFunction) for allele in one.alleles}
    functions = [known.get((gene, f"*{number}")) for number in _STAR.findall(said)]
    if len(functions) != 2 or None in functions:
        return None
    return _BY_FUNCTIONS.get(frozenset(str(one) for one in functions))


_BY_FUNCTIONS = {
    frozenset({"none"}): "poor",
    frozenset({"none", "normal"}): "intermediate",
    frozenset({"none", "increased"}): "intermediate",
    frozenset({"normal"}): "normal",
    frozenset({"normal", "increased"}): "rapid",
    frozenset({"increased"}): "ultrarapid",
}
