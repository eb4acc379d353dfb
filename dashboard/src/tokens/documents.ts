import { graphql, type ResultOf } from '../api/graphql'

/** All tokens, revoked and expired ones too, newest first. */
export const Tokens = graphql(`
  query Tokens {
    tokens { id prefix name role engine createdAt expiresAt lastUsedAt revokedAt }
  }
`)
export type Token = NonNullable<ResultOf<typeof Tokens>['tokens']>[number]

export const NewToken = graphql(`
  mutation NewToken($input: TokenInput!) {
    createToken(input: $input) { secret token { id name role } }
  }
`)
export type Made = ResultOf<typeof NewToken>['createToken']

export const RevokeToken = graphql(`
  mutation RevokeToken($id: ID!) {
    revokeToken(id: $id) { token { id revokedAt } }
  }
`)
