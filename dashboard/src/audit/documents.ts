import { graphql, type ResultOf, type VariablesOf } from '../api/graphql'

/** A page of who did what, newest first. */
export const AuditLog = graphql(`
  query AuditLog($filter: AuditFilter, $after: String) {
    auditLog(first: 50, after: $after, filter: $filter) {
      pageInfo { hasNextPage endCursor }
      nodes { id at actor action subject detail }
    }
  }
`)
export type Entries = NonNullable<ResultOf<typeof AuditLog>['auditLog']>
export type Entry = Entries['nodes'][number]
export type AuditFilter = NonNullable<VariablesOf<typeof AuditLog>['filter']>
