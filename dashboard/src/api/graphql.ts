import type { initGraphQLTada } from 'gql.tada'
import type { introspection } from './graphql-env.d.ts'

type Graphql = ReturnType<
  typeof initGraphQLTada<{
    introspection: introspection
    scalars: { DateTime: string; JSON: unknown; ID: string }
    disableMasking: true
  }>
>

/** A document as the page keeps it: the text of its operation or fragment, then those of the fragments that it needs. */
interface Document {
  parts: ReadonlySet<string>
}

function documentOf(text: string, fragments: readonly Document[] = []): Document {
  return { parts: new Set([dedented(text), ...fragments.flatMap(({ parts }) => [...parts])]) }
}

function dedented(text: string): string {
  const indent = /^\n( *)/.exec(text)?.[1] ?? ''
  return text.trim().replaceAll(`\n${indent}`, '\n')
}

/**
 * Types every document against schema.graphql; `gql.tada check` proves them all. What runs in the browser is text alone:
 * gql.tada's own function would parse each document as the page starts, and print it again to send it.
 */
export const graphql = documentOf as unknown as Graphql

/** The text of a document, as it is sent. */
export function textOf(document: object): string {
  return [...(document as Document).parts].join('\n\n')
}

export type { ResultOf, TadaDocumentNode, VariablesOf } from 'gql.tada'
