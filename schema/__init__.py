"""What we promise: the GraphQL schema. app/ does the work; resolvers/ say who may do it."""

from __future__ import annotations

import strawberry
from strawberry.schema.config import StrawberryConfig

from app.graphql.documents import OneOperation
from app.graphql.executor import EventByEvent
from app.graphql.sign_in import SignInRequired
from schema.mutation import Mutation
from schema.query import Query
from schema.scalars import SCALARS
from schema.subscription import Subscription

schema = strawberry.Schema(
    query=Query,
    mutation=Mutation,
    subscription=Subscription,
    config=StrawberryConfig(scalar_map=SCALARS),
    extensions=[SignInRequired, OneOperation],
    execution_context_class=EventByEvent,
)
