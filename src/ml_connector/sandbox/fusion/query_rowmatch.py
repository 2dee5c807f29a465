"""`q` of framework versions 2 and later: an expression with and, or, not and parentheses."""

from __future__ import annotations

import re
from dataclasses import dataclass

from ml_connector.sandbox.fusion.conditions import (
    Clause,
    Conditions,
    Operand,
    join_clauses,
    negate,
)
from ml_connector.sandbox.fusion.refusals import RefusalError

_TOKENS = re.compile(
    r"\s*(?:(?P<text>'(?:[^']|'')*')|(?P<double>\"[^\"]*\")|(?P<operator><=|>=|<>|!=|=|<|>)"
    r"|(?P<mark>[(),;])|(?P<word>[A-Za-z_]\w*)|(?P<number>[+-]?\d+(?:\.\d+)?(?![\w:.-])))"
)
_FUNCTIONS = frozenset({"upper", "lower"})
_DEPTH_MAX = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class _Token:
    kind: str
    text: str

    def is_word(self, *words: str) -> bool:
        """The token is one of these words, in any case."""
        return self.kind == "word" and self.text.lower() in words


_END = _Token(kind="end", text="")


def parse_rowmatch(text: str, conditions: Conditions) -> Clause:
    """Return the clause of a `q` of version 2 or later."""
    parser = _Parser(_tokens(text, conditions), conditions)
    return parser.whole()


def _tokens(text: str, conditions: Conditions) -> list[_Token]:
    found, at, end = [], 0, len(text.rstrip())
    while at < end:
        match = _TOKENS.match(text, at)
        if match is None or match.lastgroup is None:
            raise _malformed(text[at:].strip())
        found.append(_token(match.lastgroup, match[match.lastgroup], conditions))
        at = match.end()
    return found


def _token(kind: str, text: str, conditions: Conditions) -> _Token:
    if kind == "double":
        if conditions.switches["double_quotes"] != "accepted":
            raise _malformed(text)
        return _Token(kind="text", text=text[1:-1])
    if kind == "text":
        return _Token(kind="text", text=text[1:-1].replace("''", "'"))
    if text == ";":
        if conditions.switches["semicolon_in_rowmatch"] == "refuse":
            raise _malformed(text)
        return _Token(kind="word", text="and")
    return _Token(kind=kind, text=text)


def _malformed(where: str) -> RefusalError:
    return RefusalError(400, f"The expression in parameter q is not valid near {where!r}.")


class _Parser:
    """Recursive descent over the tokens: or, and, not, comparison."""

    def __init__(self, tokens: list[_Token], conditions: Conditions) -> None:
        self._tokens = tokens
        self._conditions = conditions
        self._at = 0
        self._depth = 0

    def whole(self) -> Clause:
        """Return the clause of all tokens."""
        clause = self._either()
        if self._peek() is not _END:
            raise _malformed(self._peek().text)
        return clause

    def _peek(self) -> _Token:
        return self._tokens[self._at] if self._at < len(self._tokens) else _END

    def _take(self) -> _Token:
        token = self._peek()
        self._at += 1
        return token

    def _take_mark(self, mark: str) -> None:
        token = self._take()
        if token.text != mark or token.kind != "mark":
            raise _malformed(token.text or "the end")

    def _take_word(self, *words: str) -> bool:
        if self._peek().is_word(*words):
            self._at += 1
            return True
        return False

    def _either(self) -> Clause:
        clauses = [self._both()]
        while self._take_word("or"):
            clauses.append(self._both())
        return join_clauses(clauses, "OR") if len(clauses) > 1 else clauses[0]

    def _both(self) -> Clause:
        clauses = [self._one()]
        while self._take_word("and"):
            clauses.append(self._one())
        return join_clauses(clauses) if len(clauses) > 1 else clauses[0]

    def _one(self) -> Clause:
        self._depth += 1
        if self._depth > _DEPTH_MAX:
            raise _malformed("too many parentheses")
        clause = self._grouped()
        self._depth -= 1
        return clause

    def _grouped(self) -> Clause:
        if self._take_word("not"):
            return negate(self._one())
        if self._peek().kind == "mark" and self._peek().text == "(":
            self._take_mark("(")
            clause = self._either()
            self._take_mark(")")
            return clause
        return self._comparison()

    def _comparison(self) -> Clause:
        operand = self._operand()
        if self._take_word("is"):
            negated = self._take_word("not")
            if not self._take_word("null"):
                raise _malformed(self._peek().text)
            return self._conditions.is_null(operand, negated=negated)
        if self._take_word("not"):
            return negate(self._ranged(operand))
        if self._peek().kind == "operator":
            return self._conditions.compare(operand, self._take().text, self._literal(operand))
        return self._ranged(operand)

    def _ranged(self, operand: Operand) -> Clause:
        if self._take_word("like"):
            return self._conditions.compare(operand, "like", self._literal(operand))
        if self._take_word("between"):
            low = self._conditions.compare(operand, ">=", self._literal(operand))
            if not self._take_word("and"):
                raise _malformed(self._peek().text)
            return join_clauses(
                [low, self._conditions.compare(operand, "<=", self._literal(operand))]
            )
        if self._take_word("in"):
            return self._listed(operand)
        raise _malformed(self._peek().text or "the end")

    def _listed(self, operand: Operand) -> Clause:
        self._take_mark("(")
        clauses = [self._conditions.compare(operand, "=", self._literal(operand))]
        while self._peek().text == "," and self._peek().kind == "mark":
            self._take_mark(",")
            clauses.append(self._conditions.compare(operand, "=", self._literal(operand)))
        self._take_mark(")")
        return join_clauses(clauses, "OR")

    def _operand(self) -> Operand:
        token = self._take()
        if token.kind != "word":
            raise _malformed(token.text or "the end")
        if token.is_word(*_FUNCTIONS) and self._peek().text == "(":
            self._take_mark("(")
            inner = self._conditions.operand(self._take().text, token.text.upper())
            self._take_mark(")")
            return inner
        return self._conditions.operand(token.text)

    def _literal(self, operand: Operand) -> str:
        token = self._take()
        if token.is_word(*_FUNCTIONS) and self._peek().text == "(":
            self._take_mark("(")
            inner = self._literal(operand)
            self._take_mark(")")
            return inner.upper() if token.is_word("upper") else inner.lower()
        is_boolean = operand.attribute.kind == "boolean" and token.is_word("true", "false")
        if token.kind in {"text", "number"} or is_boolean:
            return token.text
        raise _malformed(token.text or "the end")
