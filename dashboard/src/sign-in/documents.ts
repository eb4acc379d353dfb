import { graphql } from '../api/graphql'

export const CreateToken = graphql(`
  mutation CreateToken($input: TokenInput!) {
    createToken(input: $input) { secret token { name } }
  }
`)

export const SessionEnd = graphql(`
  query SessionEnd {
    viewer { expiresAt }
  }
`)

export const WhoAmI = graphql(`
  query WhoAmI {
    viewer { name }
  }
`)
