import { type FormEvent, type JSX, useEffect, useState } from 'react'
import { ask } from '../api/api'
import { findProvider, type Provider, type Refusal, session, signIn, type Taken } from '../api/session'
import { Dialog } from '../parts/dialog'
import { safeNext } from '../routes'
import { texts } from '../texts'
import iconUrl from '../icon.svg'
import { WhoAmI } from './documents'

/** Why the provider did not sign somebody in, in words; what no server of ours says is nothing. */
function providerRefusal(why: string | null): string | null {
  const known: Record<string, string> = texts.signIn.providerRefusals
  return why !== null && Object.hasOwn(known, why) ? known[why]! : null
}

/** Whether a session is signed in here, whatever came of a code. */
async function isSignedIn(): Promise<boolean> {
  return ask(WhoAmI, {}).then(
    () => true,
    () => false,
  )
}

/**
 * Sign-in by the OpenID Connect provider of the server, if it has one. `left`: somebody was signed in there, who may want
 * to be somebody else.
 */
function ByProvider({ next, left }: { next: string; left: boolean }): JSX.Element | null {
  const [provider, setProvider] = useState<Provider | null>(null)
  useEffect(() => void findProvider().then(setProvider), [])
  if (provider === null) return null
  return (
    <p className="by-provider">
      <a className="button primary" href={`${provider.signIn}?${new URLSearchParams({ next })}`}>
        {texts.signIn.continueWith(provider.label)}
      </a>
      {left && provider.signOut !== null && (
        <a href={provider.signOut}>{texts.signIn.signOutOf(provider.label)}</a>
      )}
      <span className="dim">{texts.signIn.orToken}</span>
    </p>
  )
}

/** A proper form, so that password managers know it: a token, and why it was not taken. */
function TokenForm({ onDone, first = null }: { onDone: () => void; first?: Refusal | null }): JSX.Element {
  const [refusal, setRefusal] = useState<Refusal | null>(first)
  const [busy, setBusy] = useState(false)
  useEffect(() => setRefusal(first), [first])
  const submit = async (event: FormEvent<HTMLFormElement>): Promise<void> => {
    event.preventDefault()
    if (busy) return
    const token = String(new FormData(event.currentTarget).get('token') ?? '').trim()
    setBusy(true)
    const refused = await signIn({ token })
    setBusy(false)
    if (refused === null) onDone()
    else if (typeof refused === 'string') setRefusal(refused)
  }
  return (
    <form className="sign-in-form" onSubmit={(event) => void submit(event)}>
      <input type="text" name="username" autoComplete="username" defaultValue="runwatch" hidden readOnly />
      <label htmlFor="token">{texts.signIn.token}</label>
      <input
        id="token"
        name="token"
        type="password"
        required
        autoComplete="current-password"
        spellCheck={false}
        aria-describedby="sign-in-says"
        aria-invalid={refusal === 'wrong'}
      />
      <p id="sign-in-says" role="alert" className="refusal">
        {refusal && texts.signIn.refusals[refusal]}
      </p>
      <button type="submit" className="primary" aria-disabled={busy}>
        {texts.signIn.signIn}
      </button>
      <p className="dim">{texts.signIn.how}</p>
    </form>
  )
}

/** Sign-in as a page: takes the one-time code of a link out of the fragment, or asks for a token. */
export function SignInPage(): JSX.Element {
  const [refusal, setRefusal] = useState<Refusal | null>(null)
  const [code] = useState(() => new URLSearchParams(location.hash.slice(1)).get('code'))
  const [asked] = useState(() => new URLSearchParams(location.search))
  const refused = providerRefusal(asked.get('refused'))
  const [asking, setAsking] = useState(code !== null)
  const [taken, setTaken] = useState<Taken | null>(null)
  const done = (): void => location.replace(safeNext(asked.get('next')))
  useEffect(() => {
    if (code === null) return
    history.replaceState(null, '', location.pathname + location.search) // before it is sent: a code is a secret
    void enter({ code })
    // oxlint-disable-next-line react/exhaustive-deps
  }, [code])

  const enter = async (given: { code: string; replace?: boolean }): Promise<void> => {
    setTaken(null)
    setAsking(true)
    const refused = await signIn(given)
    if (refused === null || (refused === 'wrong' && (await isSignedIn()))) return done()
    if (typeof refused === 'string') setRefusal(refused === 'wrong' ? 'spent' : refused)
    else setTaken(refused)
    setAsking(false)
  }
  return (
    <main className="sign-in-page" id="content">
      <div className="card">
        <img src={iconUrl} alt="" width="36" height="36" />
        <h1>{taken ? texts.signIn.instead(taken.offered, taken.signedIn) : texts.signIn.title}</h1>
        {asking && <p role="status">{texts.signIn.asking}</p>}
        {taken && code !== null && (
          <div className="instead">
            <p>{texts.signIn.taken(taken.signedIn)}</p>
            <button type="button" className="primary" onClick={done}>
              {texts.signIn.stay(taken.signedIn)}
            </button>
            <button type="button" onClick={() => void enter({ code, replace: true })}>
              {texts.signIn.replace(taken.offered)}
            </button>
          </div>
        )}
        {!asking && !taken && (
          <>
            {refused && (
              <p role="alert" className="refusal">
                {refused}
              </p>
            )}
            <ByProvider next={safeNext(asked.get('next'))} left={refused !== null} />
            <TokenForm onDone={done} first={refusal} />
          </>
        )}
      </div>
    </main>
  )
}

/** Sign-in over the page when a session has ended: the URL, the scroll place and the selection stay. */
export function SignInDialog(): JSX.Element {
  return (
    <Dialog title={session.isKnown() ? texts.signIn.ended : texts.signIn.title}>
      <ByProvider next={location.pathname + location.search} left={session.isKnown()} />
      <TokenForm onDone={() => {}} />
    </Dialog>
  )
}
