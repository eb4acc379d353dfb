import './strict-styles'
import './workers'
import { GraphiQL } from 'graphiql'
import 'graphiql/style.css'
import { type JSX, useState } from 'react'
import { createPortal } from 'react-dom'
import { createRoot } from 'react-dom/client'
import { Voice } from '../parts/announce'
import { now } from '../time/clock'
import { Bar, SignInAgain } from './bar'
import { EXAMPLES } from './examples'
import { createFetcher } from './fetcher'
import './graphiql.css'
import { defineEditorThemes, EDITOR_THEMES, useTheme } from './look'
import { keepNames } from './names'
import { linked } from './start'

const asked = linked(location.hash.slice(1), now())
history.replaceState(null, '', location.pathname)

const fetcher = createFetcher()

function App(): JSX.Element {
  const theme = useTheme()
  const [warn, setWarn] = useState(asked?.mutates ?? false)
  // GraphiQL's store can be reached from inside it alone; the bar stands above it.
  const [bar, setBar] = useState<HTMLElement | null>(null)
  return (
    <>
      <header className="graphiql-bar" ref={setBar} />
      <main className="graphiql-page">
        <GraphiQL
          fetcher={fetcher}
          defaultQuery={EXAMPLES[0]!.query}
          {...(asked ? { initialQuery: asked.query, initialVariables: asked.variables } : {})}
          shouldPersistHeaders={false}
          editorTheme={EDITOR_THEMES}
          defaultTheme={theme}
          forcedTheme={theme}
          defaultEditorToolsVisibility={asked?.variables ? 'variables' : false}
        >
          <GraphiQL.Logo>
            <></>
          </GraphiQL.Logo>
          {bar && createPortal(<Bar warn={warn} onRead={() => setWarn(false)} />, bar)}
          <SignInAgain />
        </GraphiQL>
      </main>
      <Voice />
    </>
  )
}

const root = document.getElementById('graphiql')!
keepNames(root)
void defineEditorThemes().then(() => createRoot(root).render(<App />))
