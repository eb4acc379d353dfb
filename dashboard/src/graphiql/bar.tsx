import { useGraphiQL, useGraphiQLActions } from '@graphiql/react'
import { type JSX, useEffect, useRef, useSyncExternalStore } from 'react'
import { session } from '../api/session'
import { CopyButton } from '../parts/copy'
import { Menu, MenuItem } from '../parts/menu'
import { hrefs } from '../routes'
import { SignInDialog } from '../sign-in/sign-in'
import { texts } from '../texts'
import { EXAMPLES } from './examples'
import { curlOf } from './start'

/** Above GraphiQL: the way back, examples, the operation as a command, and a warning before a link's mutation runs. */
export function Bar({ warn, onRead }: { warn: boolean; onRead: () => void }): JSX.Element {
  const { addTab } = useGraphiQLActions()
  const query = useGraphiQL((state) => state.queryEditor)
  const variables = useGraphiQL((state) => state.variableEditor)
  const open = (text: string): void => {
    addTab()
    query?.setValue(text)
    query?.focus()
  }
  return (
    <>
      <a href={hrefs.history()}>
        <span aria-hidden="true">←</span> {texts.product}
      </a>
      <h1>{texts.frame.graphiql}</h1>
      <Menu button={texts.graphiql.examples}>
        {EXAMPLES.map((example) => (
          <MenuItem key={example.name} onChoose={() => open(example.query)}>
            {example.name}
          </MenuItem>
        ))}
      </Menu>
      <CopyButton
        className=""
        what={texts.graphiql.curl}
        text={() => curlOf(location.origin, query?.getValue() ?? '', variables?.getValue() ?? '')}
      >
        {texts.execution.copyCurl}
      </CopyButton>
      <a className="guide" href={hrefs.guide}>
        {texts.frame.docs}
      </a>
      {warn && (
        <p role="alert" className="notice">
          {texts.graphiql.mutation}
          <button type="button" onClick={onRead}>
            {texts.graphiql.read}
          </button>
        </p>
      )}
    </>
  )
}

/** The sign-in of an ended session, over the page; the schema is asked for again after it. */
export function SignInAgain(): JSX.Element | null {
  const signedOut = useSyncExternalStore(session.subscribe, session.isSignedOut)
  const { introspect } = useGraphiQLActions()
  const was = useRef(false)
  useEffect(() => {
    if (was.current && !signedOut) void introspect()
    was.current = signedOut
  }, [signedOut, introspect])
  return signedOut ? <SignInDialog /> : null
}
