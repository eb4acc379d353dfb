import { graphql } from '../api/graphql'

export const Me = graphql(`
  query Me {
    viewer { name role }
  }
`)
