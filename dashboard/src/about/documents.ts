import { graphql } from '../api/graphql'

export const About = graphql(`
  query About {
    server { version build keptDays now }
    viewer { name role expiresAt }
  }
`)
