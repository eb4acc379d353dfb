import { graphql, type ResultOf } from '../api/graphql'

/** Browsers that are signed in: an administrator's answer has everybody's, any other one's own. */
export const Sessions = graphql(`
  query Sessions {
    sessions { id name role tokenPrefix issuer method startedAt lastSeenAt expiresAt address userAgent isPresent }
  }
`)
export type Session = NonNullable<ResultOf<typeof Sessions>['sessions']>[number]

export const EndSessions = graphql(`
  mutation EndSessions($input: EndSessionsInput!) {
    endSessions(input: $input) { ended }
  }
`)
