import { initGraphQLTada } from 'gql.tada'
import type { introspection } from './graphql-env.d.ts'

/** Types every document against schema.graphql; `gql.tada check` proves them all. */
export const graphql = initGraphQLTada<{
  introspection: introspection
  scalars: { DateTime: string; JSON: unknown; ID: string }
  disableMasking: true
}>()
export type { ResultOf, TadaDocumentNode, VariablesOf } from 'gql.tada'
