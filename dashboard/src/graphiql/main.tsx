import './strict-styles'
import './workers'
import { GraphiQL } from 'graphiql'
import 'graphiql/style.css'
import '../style/base.css'
import { parse } from 'graphql'
import { createRoot } from 'react-dom/client'
import { Executions } from '../filter/documents'
import { filterOf, orderOf } from '../filter/api-filter'
import { parseChoice } from '../filter/filter'
import { textOf } from '../api/api'
import { hrefs } from '../routes'
import { texts } from '../texts'
import { EXAMPLES } from './examples'
import { createFetcher } from './fetcher'
import './graphiql.css'

// Query and variables come in the fragment only: they may hold what no log should see. Headers never come from a link.
const given = new URLSearchParams(location.hash.slice(1))
history.replaceState(null, '', location.pathname)

function start(): { query: string; variables?: string; isMutation: boolean } {
  const query = given.get('query')
  if (query !== null) return { query, variables: given.get('variables') ?? '', isMutation: mutates(query) }
  const shown = given.get('history')
  if (shown !== null) {
    const { choice } = parseChoice(shown)
    const variables = { first: 20, filter: filterOf(choice, Date.now()), order: orderOf(choice) }
    return { query: textOf(Executions), variables: JSON.stringify(variables, null, 2), isMutation: false }
  }
  return { query: EXAMPLES[0]!.query, isMutation: false }
}

function mutates(query: string): boolean {
  try {
    return parse(query).definitions.some((each) => 'operation' in each && each.operation === 'mutation')
  } catch {
    return false
  }
}

const { query, variables, isMutation } = start()

createRoot(document.getElementById('graphiql')!).render(
  <>
    <header className="graphiql-bar">
      <a href={hrefs.history()}>← {texts.product}</a>
      <label>
        {texts.graphiql.examples}{' '}
        <select
          value=""
          onChange={(event) => {
            const found = EXAMPLES.find(({ name }) => name === event.target.value)
            if (found) location.assign(`${hrefs.graphiql}?${Date.now()}#${new URLSearchParams({ query: found.query })}`)
          }}
        >
          <option value="">{texts.graphiql.choose}</option>
          {EXAMPLES.map(({ name }) => (
            <option key={name}>{name}</option>
          ))}
        </select>
      </label>
      {isMutation && <strong role="alert">{texts.graphiql.mutation}</strong>}
    </header>
    <GraphiQL
      fetcher={createFetcher()}
      initialQuery={query}
      {...(variables ? { initialVariables: variables } : {})}
      shouldPersistHeaders={false}
      defaultEditorToolsVisibility={variables ? 'variables' : false}
    />
  </>,
)
