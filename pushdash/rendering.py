"""Django's templates in fewer steps: what is known once a template is read is not asked again
for each value it shows. The same nodes and the same text, and whatever is rare goes Django's
own way (tests/pushdash/test_rendering.py holds the two together).
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from html import escape
from importlib import import_module
from pathlib import Path

from django.conf import settings
from django.core.exceptions import ObjectDoesNotExist
from django.template import Context, Origin, TemplateDoesNotExist, engines
from django.template.base import (
    FilterExpression,
    Lexer,
    Node,
    NodeList,
    Parser,
    Template,
    Variable,
    VariableDoesNotExist,
    VariableNode,
    render_value_in_context,
)
from django.template.loaders import cached
from django.templatetags.i18n import TranslateNode
from django.utils.formats import localize
from django.utils.safestring import SafeData, SafeString, mark_safe
from django.utils.timezone import template_localtime
from django.utils.translation import get_language

Value = Callable[[Context], object]
Step = Callable[[object, Context], object]
NUMBERS = (int, float)
#: A name that the context does not have.
MISSING = object()
#: They refuse a name as Django first asks for it, `row["tone"]`, and have it as an attribute.
BY_NUMBER = (tuple.__getitem__, list.__getitem__, str.__getitem__, None)


def load_all() -> None:
    """Every address with its view, and every template: nobody waits for them, and none of it is
    searched for garbage once the process has settled in.
    """
    import_module(settings.ROOT_URLCONF)
    for engine in engines.all():
        for folder in engine.template_dirs:
            for place in sorted(Path(folder).rglob("*.html")):
                engine.get_template(str(place.relative_to(folder)))


class Loader(cached.Loader):
    """Reads each template once."""

    def get_template(self, template_name: str, skip: list[Origin] | None = None):
        """The template of this name that is none of `skip`."""
        key = self.cache_key(template_name, skip)
        if key not in self.get_template_cache:
            self.get_template_cache[key] = self._read(template_name, skip or [])
        return self.get_template_cache[key]

    def _read(self, name: str, skip: list[Origin]) -> Template:
        for origin in self.get_template_sources(name):
            if origin not in skip:
                try:
                    text = self.get_contents(origin)
                except TemplateDoesNotExist:
                    continue
                return Swift(text, origin, origin.template_name, self.engine)
        raise TemplateDoesNotExist(name)


class Swift(Template):
    """A template whose common nodes take fewer steps."""

    def compile_nodelist(self) -> NodeList:
        """While DEBUG is on Django's own, whose error pages name the line."""
        if self.engine.debug:
            return super().compile_nodelist()
        known = self.engine.template_libraries, self.engine.template_builtins
        parser = Reader(Lexer(self.source).tokenize(), *known, self.origin)
        nodes = parser.parse()
        self.extra_data = parser.extra_data
        return nodes


class Reader(Parser):
    """Django's parser, but for what it makes of values and of words."""

    def compile_filter(self, token: str) -> FilterExpression:
        """A value with its filters."""
        return Expression(token, self)

    def extend_nodelist(self, nodelist: NodeList, node: Node, token) -> None:
        """A node more."""
        if type(node) is VariableNode:
            node = Shown(node.filter_expression)
        elif type(node) is TranslateNode and _is_constant(node):
            node = Words(node)
        super().extend_nodelist(nodelist, node, token)


class Expression(FilterExpression):
    """A value with its filters."""

    __slots__ = ("_steps", "_value")

    def __init__(self, token: str, parser: Parser) -> None:
        super().__init__(token, parser)
        is_name = self.is_var and self.var.lookups is not None
        self._value = _looking_up(self.var) if is_name else None
        self._steps = [_step(func, args) for func, args in self.filters]

    def resolve(self, context: Context, ignore_failures: bool = False) -> object:
        """What it is in this context; for a name that is not there "", or None."""
        if self._value is None:
            # `translate` turns constants into words after they were read.
            return super().resolve(context, ignore_failures)
        found = self._value(context)
        if found is MISSING:
            engine = context.template.engine
            found = None if ignore_failures else engine.string_if_invalid
        for step in self._steps:
            found = step(found, context)
        return found


class Shown(VariableNode):
    """A value as text."""

    def render(self, context: Context) -> str:
        """Escaped, unless it is safe or nothing is to be escaped."""
        value = self.filter_expression.resolve(context)
        kind = type(value)
        if kind is SafeString:
            return value
        if kind is str:
            return escape(value) if context.autoescape else value
        if kind in NUMBERS:
            # Nothing of a number is to be escaped, in any language.
            return localize(value, use_l10n=context.use_l10n)
        return render_value_in_context(value, context)


class Words(Node):
    """Words that depend on nothing but the language."""

    def __init__(self, node: TranslateNode) -> None:
        self._node = node
        self._said: dict[str | None, str] = {}

    def render(self, context: Context) -> str:
        """In the language of who reads."""
        language = get_language()
        if language not in self._said:
            self._said[language] = self._node.render(context)
        return self._said[language]


def _is_constant(node: TranslateNode) -> bool:
    said = node.filter_expression
    beside = node.message_context
    is_alone = node.asvar is None and not said.filters and said.var.lookups is None
    return is_alone and (beside is None or not beside.is_var)


def _looking_up(variable: Variable) -> Value:
    """What a name leads to, or MISSING; whatever is not a plain attribute or the value of a
    dict is found by Django.
    """
    first, *rest = variable.lookups
    names = [(name, name.isidentifier()) for name in rest]

    def find(context: Context) -> object:
        for layer in reversed(context.dicts):
            if first in layer:
                found = layer[first]
                break
        else:
            return MISSING
        try:
            for name, is_word in names:
                if callable(found):
                    return _found_by_django(variable, context)
                if is_word and _has_attributes(type(found)):
                    found = getattr(found, name)
                elif type(found) is dict:
                    found = found[name]
                else:
                    return _found_by_django(variable, context)
        except (AttributeError, KeyError, TypeError, ObjectDoesNotExist):
            return _found_by_django(variable, context)
        return _found_by_django(variable, context) if callable(found) else found

    return find


def _found_by_django(variable: Variable, context: Context) -> object:
    try:
        return variable.resolve(context)
    except VariableDoesNotExist:
        return MISSING


@cache
def _has_attributes(kind: type) -> bool:
    return getattr(kind, "__getitem__", None) in BY_NUMBER


def _step(func: Callable, args: list[tuple[bool, object]]) -> Step:
    """One filter."""
    given = [_argument(is_name, value) for is_name, value in args]
    is_local = getattr(func, "expects_localtime", False)
    asks_for_escape = getattr(func, "needs_autoescape", False)
    keeps_safe = getattr(func, "is_safe", False)

    def step(found: object, context: Context) -> object:
        if is_local:
            found = template_localtime(found, context.use_tz)
        values = [value(context) for value in given]
        if asks_for_escape:
            told = func(found, *values, autoescape=context.autoescape)
        else:
            told = func(found, *values)
        return mark_safe(told) if keeps_safe and isinstance(found, SafeData) else told

    return step


def _argument(is_name: bool, value: object) -> Value:
    if is_name:
        return value.resolve
    safe = mark_safe(value)
    return lambda context: safe
