"""A rule for the translator: `/` gave a whole number for two."""

from typing import Any

from fissix.fixer_base import BaseFix
from fissix.fixer_util import Call, Comma, Leaf, Name, touch_import
from fissix.pgen2 import token
from fissix.pytree import Node

DIVIDE = ("diamond3.python2", "divide")


class FixDivision(BaseFix):  # type: ignore[misc]
    """`a / b` becomes `divide(a, b)`, and `a /= b` becomes `a = divide(a, b)`."""

    order = "post"  # what is divided may have a division in it
    PATTERN = "term< any* '/' any* > | expr_stmt< any '/=' any >"

    def start_tree(self, tree: Any, filename: str) -> None:
        """Leave a file alone that already has the new division."""
        super().start_tree(tree, filename)
        self._is_new = "division" in tree.future_features

    def transform(self, node: Any, results: dict[str, Any]) -> Any:
        """Divide from left to right."""
        operators = [leaf for leaf in node.children if leaf.type in (token.SLASH, token.SLASHEQUAL)]
        if self._is_new or not operators:
            return None
        touch_import(*DIVIDE, node)
        children = [child.clone() for child in node.children]
        if operators[0].type == token.SLASHEQUAL:
            target, _, value = children
            call = _call(target.clone(), value, " ")
            return Node(node.type, [target, Leaf(token.EQUAL, "=", prefix=" "), call])
        left = children[0]
        prefix = left.prefix
        for operator, right in zip(children[1::2], children[2::2]):
            if operator.type == token.SLASH:
                left = _call(left, right, prefix)
            else:
                left = Node(node.type, [left, operator, right])
        return left


def _call(left: Any, right: Any, prefix: str) -> Any:
    left.prefix = ""
    right.prefix = " "
    return Call(Name(DIVIDE[1]), [left, Comma(), right], prefix=prefix)
