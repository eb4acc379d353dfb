import { graphql, type ResultOf } from '../api/graphql'

/** One's own views, then those that are shared. */
export const SavedViews = graphql(`
  query SavedViews {
    savedViews { id name page query shared owner }
  }
`)
export type SavedView = NonNullable<ResultOf<typeof SavedViews>['savedViews']>[number]

export const SaveView = graphql(`
  mutation SaveView($input: SavedViewInput!) {
    saveView(input: $input) { view { id name page query shared owner } }
  }
`)

export const DeleteView = graphql(`
  mutation DeleteView($id: ID!) {
    deleteView(id: $id)
  }
`)
