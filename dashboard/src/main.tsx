import { lazy, StrictMode, Suspense, useEffect } from 'react'
import { createRoot } from 'react-dom/client'
import { Route, Router, Switch } from 'wouter'
import './style/base.css'
import './style/parts.css'
import './style/frame.css'
import './style/page.css'
import './style/sign-in.css'
import './style/print.css'
import './style/forced-colors.css'
import { firstDrawn, soonAfterEarly } from './api/early'
import { Frame } from './frame/frame'
import { followLinks } from './frame/links'
import { History } from './history/history'
import { openEarly } from './history/lists'
import { BASE, engineOf, hrefs } from './routes'
import { SignInPage } from './sign-in/sign-in'
import { texts } from './texts'

Object.assign(Error, { stackTraceLimit: 10 }) // the early script says why it was none

// The page has no service worker; one that another project left on this origin would answer for us.
void navigator.serviceWorker?.getRegistrations().then((all) => all.forEach((each) => void each.unregister()))

openEarly()
followLinks()

const ExecutionPage = lazy(async () => ({ default: (await import('./execution/page')).ExecutionPage }))
const AlertsPage = lazy(async () => ({ default: (await import('./alerts/page')).AlertsPage }))
const EnginesPage = lazy(async () => ({ default: (await import('./engines/page')).EnginesPage }))

const TokensPage = lazy(async () => ({ default: (await import('./tokens/page')).TokensPage }))
const SessionsPage = lazy(async () => ({ default: (await import('./sessions/page')).SessionsPage }))
const AboutPage = lazy(async () => ({ default: (await import('./about/page')).AboutPage }))
const AuditPage = lazy(async () => ({ default: (await import('./audit/page')).AuditPage }))
const ErrorsPage = lazy(async () => ({ default: (await import('./errors/page')).ErrorsPage }))
const ErrorGroupPage = lazy(async () => ({ default: (await import('./errors/one-group')).ErrorGroupPage }))
const WorkflowsPage = lazy(async () => ({ default: (await import('./workflows/page')).WorkflowsPage }))
const WorkflowPage = lazy(async () => ({ default: (await import('./workflows/one-workflow')).WorkflowPage }))
const Metrics = lazy(async () => ({ default: (await import('./metrics/page')).Metrics }))

/** Says when the page is drawn for the first time. */
function Drawn(): null {
  useEffect(firstDrawn, [])
  return null
}

const page = (
  <StrictMode>
    <Drawn />
    <Router base={BASE}>
      <Switch>
        <Route path="/sign-in">
          <SignInPage />
        </Route>
        <Route>
          <Frame>
            <Switch>
              <Route path="/history">
                <History />
              </Route>
              <Route path="/metrics">
                <Suspense>
                  <Metrics />
                </Suspense>
              </Route>
              <Route path="/errors">
                <Suspense>
                  <ErrorsPage />
                </Suspense>
              </Route>
              <Route path="/errors/:id">
                {({ id }) => (
                  <Suspense>
                    <ErrorGroupPage key={id} id={id} />
                  </Suspense>
                )}
              </Route>
              <Route path="/workflows">
                <Suspense>
                  <WorkflowsPage />
                </Suspense>
              </Route>
              <Route path="/workflows/:id">
                {({ id }) => (
                  <Suspense>
                    <WorkflowPage id={id} />
                  </Suspense>
                )}
              </Route>
              <Route path="/alerts">
                <Suspense>
                  <AlertsPage />
                </Suspense>
              </Route>
              <Route path="/tokens">
                <Suspense>
                  <TokensPage />
                </Suspense>
              </Route>
              <Route path="/sessions">
                <Suspense>
                  <SessionsPage />
                </Suspense>
              </Route>
              <Route path="/about">
                <Suspense>
                  <AboutPage />
                </Suspense>
              </Route>
              <Route path="/audit">
                <Suspense>
                  <AuditPage />
                </Suspense>
              </Route>
              <Route path="/executions/:id">
                {({ id }) => (
                  <Suspense>
                    <ExecutionPage id={id} />
                  </Suspense>
                )}
              </Route>
              <Route path="/engines/:name?">
                {() => (
                  <Suspense>
                    <EnginesPage name={engineOf(location.pathname)} />
                  </Suspense>
                )}
              </Route>
              <Route>
                <div className="empty">
                  <h1>{texts.frame.nothingHere}</h1>
                  <a className="button" href={hrefs.history()}>
                    {texts.frame.toHistory}
                  </a>
                </div>
              </Route>
            </Switch>
          </Frame>
        </Route>
      </Switch>
    </Router>
  </StrictMode>
)

void soonAfterEarly().then(() => createRoot(document.getElementById('root')!).render(page))
