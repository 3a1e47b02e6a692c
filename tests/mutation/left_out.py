"""What is not worth changing: what no rule, record or answer hangs on."""

from collections.abc import Iterator

import libcst as cst
import libcst.matchers as m

_LOG = m.Call(
    func=m.Attribute(
        value=m.OneOf(
            m.Name(m.MatchRegex(r"_?(log|logger|LOG)")), m.Attribute(attr=m.Name(m.MatchRegex("_?(log|logger)")))
        ),
        attr=m.Name(m.MatchRegex("debug|info|warning|error|exception|critical")),
    )
)
_METRIC = m.Call(func=m.Name(m.MatchRegex("Counter|Gauge|Histogram|Summary|.*MetricFamily")))
_NAMES_OF_TYPES = m.Call(func=m.Name(m.MatchRegex("TypeVar|NewType|ParamSpec|len|isinstance|assert_never")))
_FOR_TYPES_ONLY = m.If(test=m.Name("TYPE_CHECKING") | m.Attribute(attr=m.Name("TYPE_CHECKING")))
_WITHOUT_BODY = m.FunctionDef(
    decorators=[
        m.ZeroOrMore(),
        m.Decorator(m.Name(m.MatchRegex("overload|abstractmethod"))),
        m.ZeroOrMore(),
    ]
)
_LEFT_OUT = _LOG | _METRIC | _NAMES_OF_TYPES | _FOR_TYPES_ONLY | _WITHOUT_BODY | m.Arg(keyword=m.Name("strict"))


def left_out(node: cst.CSTNode) -> bool:
    """Whether the node and all below it stay as they are: logs, metrics' help, annotations, decorators, type-only code.

    A default that is worked out when the module is read stays too: a change of it is an error that any import meets.
    """
    if isinstance(node, cst.Param):
        return node.default is not None and not isinstance(node.default, cst.Name | cst.BaseNumber | cst.BaseString)
    if isinstance(node, cst.Call | cst.If | cst.FunctionDef | cst.Arg):
        return m.matches(node, _LEFT_OUT)
    return isinstance(node, cst.Annotation | cst.Decorator)


def is_sentence(node: cst.CSTNode) -> bool:
    """Whether this is a text for people; a slug, a code or a field has no space."""
    if isinstance(node, cst.SimpleString):
        return " " in node.value
    return isinstance(node, cst.FormattedString | cst.ConcatenatedString)


def worthless(before: cst.CSTNode, after: cst.CSTNode, *, in_raise: bool) -> bool:
    """Whether this one change says nothing: the words of an error, the type of a cast, the strictness of a zip."""
    if in_raise and is_sentence(before):
        return True
    if not isinstance(before, cst.Call) or not isinstance(after, cst.Call):
        return False
    if m.matches(before.func, m.Name("cast")):
        return True
    return any(_worthless_argument(lost, in_raise=in_raise) for lost in _lost(before, after))


def _lost(before: cst.Call, after: cst.Call) -> Iterator[cst.Arg]:
    stay = {id(argument) for argument in after.args}
    return (argument for argument in before.args if id(argument) not in stay)


def _worthless_argument(argument: cst.Arg, *, in_raise: bool) -> bool:
    return m.matches(argument, m.Arg(keyword=m.Name("strict"))) or (in_raise and is_sentence(argument.value))
