import { graphql } from '../api/graphql'

/** Error groups with failures in the last 24 hours that nobody has resolved or muted, and alerts that go on. */
export const Open = graphql(`
  query Open {
    errorGroups(first: 1, state: [OPEN, REGRESSED]) { totalCount { value kind } }
    alerts(first: 1, filter: { open: true }) { totalCount { value kind } }
  }
`)

export const Me = graphql(`
  query Me {
    viewer { name role }
  }
`)
