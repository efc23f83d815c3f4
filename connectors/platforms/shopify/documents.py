"""The GraphQL documents sent to Shopify: only the fields that mapping.py reads, in small pages to keep the cost low.

Cost rules: https://shopify.dev/docs/api/usage/limits (notes of 2026-09): connections multiply, 1,000 points at most.
"""

from functools import cache

PLACED = """
fragment Placed on Order {
  id legacyResourceId name sourceIdentifier cancelledAt cancelReason updatedAt
  totalPriceSet { shopMoney { amount currencyCode } }
}
"""

SHOP = "query Shop { shop { id name myshopifyDomain currencyCode taxesIncluded } }"

ORDER_CREATE = (
    """
mutation OrderCreate($order: OrderCreateOrderInput!, $options: OrderCreateOptionsInput) {
  orderCreate(order: $order, options: $options) {
    order { ...Placed }
    userErrors { field message code }
  }
}
"""
    + PLACED
)


@cache
def orders_by_reference(count: int) -> str:
    """One look-up for so many references, `$i0` to `o0` and so on."""
    asked = ", ".join(f"$i{place}: OrderIdentifierInput!" for place in range(count))
    fields = " ".join(f"o{place}: orderByIdentifier(identifier: $i{place}) {{ ...Placed }}" for place in range(count))
    return f"query OrdersByReference({asked}) {{ {fields} }}\n{PLACED}"


ORDERS = (
    """
query Orders($first: Int!, $after: String, $query: String!) {
  orders(first: $first, after: $after, query: $query, sortKey: UPDATED_AT) {
    nodes { ...Placed }
    pageInfo { hasNextPage endCursor }
  }
}
"""
    + PLACED
)

ORDER = "query OrderById($id: ID!) { order(id: $id) { ...Placed edited refunds(first: 1) { id } } }" + PLACED

ORDER_LINES = """
query OrderLines($id: ID!, $first: Int!, $after: String) {
  order(id: $id) {
    lineItems(first: $first, after: $after) {
      nodes { sku quantity currentQuantity unfulfilledQuantity customAttributes { key value } }
      pageInfo { hasNextPage endCursor }
    }
  }
}
"""

LINES = """
fragment Lines on FulfillmentLineItemConnection {
  nodes { quantity lineItem { id sku customAttributes { key value } } }
  pageInfo { hasNextPage endCursor }
}
"""

SHIPMENTS = (
    """
query Shipments($id: ID!, $fulfillments: Int!, $lines: Int!) {
  order(id: $id) {
    shippingAddress { zip }
    fulfillments(first: $fulfillments) {
      id status createdAt
      trackingInfo(first: 5) { company number url }
      fulfillmentLineItems(first: $lines) { ...Lines }
    }
  }
}
"""
    + LINES
)

SHIPMENT_LINES = (
    """
query ShipmentLines($id: ID!, $first: Int!, $after: String) {
  fulfillment(id: $id) { fulfillmentLineItems(first: $first, after: $after) { ...Lines } }
}
"""
    + LINES
)

FULFILLMENT_ORDERS = """
query FulfillmentOrders($id: ID!) {
  order(id: $id) {
    fulfillmentOrders(first: 10) {
      nodes {
        id status
        lineItems(first: 20) { nodes { id remainingQuantity lineItem { id sku customAttributes { key value } } } }
      }
    }
  }
}
"""

FULFILLMENT_CREATE = """
mutation FulfillmentCreate($fulfillment: FulfillmentInput!) {
  fulfillmentCreate(fulfillment: $fulfillment) {
    fulfillment { id }
    userErrors { field message }
  }
}
"""

HELD = """
query Held($id: ID!) {
  order(id: $id) {
    cancelledAt displayFinancialStatus
    fulfillmentOrders(first: 10) {
      nodes { id status fulfillmentHolds { id handle heldByRequestingApp } }
    }
  }
}
"""

HOLD = """
mutation Hold($id: ID!, $hold: FulfillmentOrderHoldInput!) {
  fulfillmentOrderHold(id: $id, fulfillmentHold: $hold) {
    fulfillmentHold { id }
    userErrors { field message code }
  }
}
"""

RELEASE_HOLD = """
mutation ReleaseHold($id: ID!, $holdIds: [ID!]) {
  fulfillmentOrderReleaseHold(id: $id, holdIds: $holdIds) {
    userErrors { field message code }
  }
}
"""

LOCATED = """
query Located($id: ID!) {
  order(id: $id) {
    cancelledAt
    fulfillmentOrders(first: 10) {
      nodes { id status assignedLocation { location { id } } }
    }
  }
}
"""

MOVE = """
mutation Move($id: ID!, $location: ID!) {
  fulfillmentOrderMove(id: $id, newLocationId: $location) {
    movedFulfillmentOrder { id }
    userErrors { field message code }
  }
}
"""

MOVABLE = """
query Movable($id: ID!, $locations: [ID!]) {
  fulfillmentOrder(id: $id) {
    locationsForMove(first: 1, locationIds: $locations) {
      nodes { movable message }
    }
  }
}
"""

ORDER_UPDATE = """
mutation OrderUpdate($input: OrderInput!) {
  orderUpdate(input: $input) {
    order { id }
    userErrors { field message }
  }
}
"""

TAGS_REMOVE = """
mutation TagsRemove($id: ID!, $tags: [String!]!) {
  tagsRemove(id: $id, tags: $tags) {
    userErrors { field message }
  }
}
"""

MARK_PAID = """
mutation MarkPaid($input: OrderMarkAsPaidInput!) {
  orderMarkAsPaid(input: $input) {
    order { id displayFinancialStatus }
    userErrors { field message }
  }
}
"""

VARIANTS = """
query Variants($first: Int!, $after: String, $query: String!) {
  productVariants(first: $first, after: $after, query: $query) {
    nodes { id sku title inventoryQuantity product { title } }
    pageInfo { hasNextPage endCursor }
  }
}
"""

CATALOG = """
query Catalog($first: Int!, $after: String) {
  productVariants(first: $first, after: $after) {
    nodes { id sku title inventoryQuantity product { title } }
    pageInfo { hasNextPage endCursor }
  }
}
"""

ORDER_CANCEL = """
mutation OrderCancel($orderId: ID!, $reason: OrderCancelReason!, $restock: Boolean!, $staffNote: String) {
  orderCancel(orderId: $orderId, reason: $reason, restock: $restock, notifyCustomer: false, staffNote: $staffNote) {
    job { id done }
    orderCancelUserErrors { field message code }
  }
}
"""

JOB = "query Job($id: ID!) { job(id: $id) { id done } }"

REFUNDABLE = """
query Refundable($id: ID!, $first: Int!, $after: String) {
  order(id: $id) {
    cancelledAt
    refunds(first: 50) { id note }
    lineItems(first: $first, after: $after) {
      nodes { id quantity unfulfilledQuantity refundableQuantity customAttributes { key value } }
      pageInfo { hasNextPage endCursor }
    }
  }
}
"""

REFUND_CREATE = """
mutation RefundCreate($input: RefundInput!, $key: String!) {
  refundCreate(input: $input) @idempotent(key: $key) {
    refund { id }
    userErrors { field message }
  }
}
"""

ORDER_RETURNS = """
query OrderReturns($id: ID!) {
  order(id: $id) {
    returns(first: 20) {
      nodes { id name status returnLineItems(first: 20) { nodes { returnReasonNote } } }
    }
  }
}
"""

RETURNABLE = """
query Returnable($orderId: ID!, $first: Int!, $after: String) {
  returnableFulfillments(orderId: $orderId, first: $first, after: $after) {
    nodes {
      returnableFulfillmentLineItems(first: 100) {
        nodes { quantity fulfillmentLineItem { id lineItem { id quantity customAttributes { key value } } } }
      }
    }
    pageInfo { hasNextPage endCursor }
  }
}
"""

RETURN_CREATE = """
mutation ReturnCreate($input: ReturnInput!) {
  returnCreate(returnInput: $input) {
    return { id name status }
    userErrors { field message code }
  }
}
"""

RETURN = """
query Return($id: ID!) {
  return(id: $id) {
    id name status
    returnLineItems(first: 50) {
      nodes { id unprocessedQuantity ... on ReturnLineItem { fulfillmentLineItem { id } } }
    }
    reverseFulfillmentOrders(first: 5) {
      nodes {
        lineItems(first: 30) {
          nodes { id totalQuantity dispositions { quantity } fulfillmentLineItem { id } }
        }
      }
    }
  }
}
"""

LEFT_FROM = """
query LeftFrom($id: ID!) {
  order(id: $id) {
    fulfillments(first: 10) { location { id } fulfillmentLineItems(first: 50) { nodes { id } } }
  }
}
"""

RETURN_PROCESS = """
mutation ReturnProcess($input: ReturnProcessInput!) {
  returnProcess(input: $input) {
    return { id status }
    userErrors { field message code }
  }
}
"""

RETURN_CLOSE = """
mutation ReturnClose($id: ID!) {
  returnClose(id: $id) {
    return { id status }
    userErrors { field message code }
  }
}
"""

RETURN_CANCEL = """
mutation ReturnCancel($id: ID!) {
  returnCancel(id: $id) {
    return { id status }
    userErrors { field message code }
  }
}
"""

DEFINITION_CREATE = """
mutation DefinitionCreate($definition: MetafieldDefinitionInput!) {
  metafieldDefinitionCreate(definition: $definition) {
    createdDefinition { id }
    userErrors { field message code }
  }
}
"""

SUBSCRIPTIONS = """
query Subscriptions($first: Int!, $after: String) {
  webhookSubscriptions(first: $first, after: $after) {
    nodes { id topic uri }
    pageInfo { hasNextPage endCursor }
  }
}
"""

SUBSCRIBE = """
mutation Subscribe($topic: WebhookSubscriptionTopic!, $subscription: WebhookSubscriptionInput!) {
  webhookSubscriptionCreate(topic: $topic, webhookSubscription: $subscription) {
    webhookSubscription { id }
    userErrors { field message }
  }
}
"""

UNINSTALL = """
mutation Uninstall {
  appUninstall {
    userErrors { field message }
  }
}
"""
