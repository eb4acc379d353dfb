import { graphql } from '../api/graphql'

/** Error groups with failures in the last 24 hours that nobody has resolved or muted. */
export const OpenGroups = graphql(`
  query OpenGroups {
    errorGroups(first: 1, state: [OPEN, REGRESSED]) { totalCount { value kind } }
  }
`)

export const Me = graphql(`
  query Me {
    viewer { name role }
  }
`)
