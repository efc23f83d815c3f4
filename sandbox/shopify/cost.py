"""What a document costs, and the bucket it is paid from.

An object costs 1, a connection 2 and its items, multiplying when nested; a mutation 10.
"""

from __future__ import annotations

from typing import Any

from graphql import DocumentNode, FieldNode, FragmentDefinitionNode, OperationDefinitionNode
from graphql.language import FragmentSpreadNode, InlineFragmentNode, IntValueNode, VariableNode

from sandbox.shopify.state import Shop, State

MOST = 1000


def cost_of(document: DocumentNode, operation: OperationDefinitionNode, variables: dict[str, Any]) -> int:
    """The requested cost."""
    fragments = {one.name.value: one for one in document.definitions if isinstance(one, FragmentDefinitionNode)}
    base = 10 if operation.operation.value == "mutation" else 0
    return base + _selections(operation, fragments, variables)


def used(data: Any, operation: OperationDefinitionNode) -> int:
    """What the answer came to: its objects."""
    return (10 if operation.operation.value == "mutation" else 0) + _objects(data)


def take(state: State, shop: Shop, cost: int) -> bool:
    """Whether the bucket held that much; it is gone then."""
    now = state.world.now()
    shop.bucket = min(shop.bucket_size, shop.bucket + max(0.0, now - shop.bucket_at) * shop.restore_rate)
    shop.bucket_at = now
    if shop.bucket < cost:
        return False
    shop.bucket -= cost
    return True


def told(shop: Shop, cost: int, actual: int | None) -> dict[str, Any]:
    """`extensions.cost`."""
    return {
        "requestedQueryCost": cost,
        "actualQueryCost": actual,
        "throttleStatus": {
            "maximumAvailable": shop.bucket_size,
            "currentlyAvailable": int(shop.bucket),
            "restoreRate": shop.restore_rate,
        },
    }


def _objects(value: Any) -> int:
    if isinstance(value, dict):
        return 1 + sum(_objects(inner) for inner in value.values())
    if isinstance(value, list):
        return sum(_objects(inner) for inner in value)
    return 0


def _selections(node: Any, fragments: dict[str, FragmentDefinitionNode], variables: dict[str, Any]) -> int:
    total = 0
    for selection in node.selection_set.selections if node.selection_set else ():
        if isinstance(selection, FragmentSpreadNode):
            total += _selections(fragments[selection.name.value], fragments, variables)
        elif isinstance(selection, InlineFragmentNode):
            total += _selections(selection, fragments, variables)
        elif isinstance(selection, FieldNode) and selection.selection_set:
            total += _field(selection, fragments, variables)
    return total


def _field(field: FieldNode, fragments: dict[str, FragmentDefinitionNode], variables: dict[str, Any]) -> int:
    inside = _selections(field, fragments, variables)
    for argument in field.arguments or ():
        if argument.name.value != "first":
            continue
        if isinstance(argument.value, IntValueNode):
            return 2 + int(argument.value.value) * max(1, inside)
        if isinstance(argument.value, VariableNode):
            return 2 + int(variables.get(argument.value.name.value) or 0) * max(1, inside)
    return 1 + inside
