import { graphql, type ResultOf } from '../api/graphql'

/** Every engine, with what its row and its page say of it. */
export const Engines = graphql(`
  query Engines {
    engines {
      id name kind retryObstacle lastSeenAt clockSkewMs issueCount
      clients { name lastSeenAt }
    }
  }
`)
export type Engine = NonNullable<ResultOf<typeof Engines>['engines']>[number]

/** What was rejected or corrected of an engine's events, newest first. */
export const EngineIssues = graphql(`
  query EngineIssues($id: ID!, $after: String) {
    engineIssues(engineId: $id, first: 50, after: $after) {
      pageInfo { hasNextPage endCursor }
      nodes { kind reason events firstAt lastAt eventId eventType externalId }
    }
  }
`)
export type Issues = NonNullable<ResultOf<typeof EngineIssues>['engineIssues']>
export type Issue = Issues['nodes'][number]

export const Connect = graphql(`
  mutation ConnectEngine($input: ConnectEngineInput!) {
    connectEngine(input: $input) { signingSecret engine { id } }
  }
`)

export const Rotate = graphql(`
  mutation RotateEngineSecret($input: RotateEngineSecretInput!) {
    rotateEngineSecret(input: $input) { signingSecret }
  }
`)

export const Disconnect = graphql(`
  mutation DisconnectEngine($id: ID!) {
    disconnectEngine(id: $id) { cancelledRetries }
  }
`)

export const Test = graphql(`
  mutation TestEngine($id: ID!) {
    testEngine(id: $id) { reached detail }
  }
`)
