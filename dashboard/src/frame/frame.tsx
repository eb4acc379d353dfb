import { type ComponentType, type JSX, lazy, type ReactNode, Suspense, useEffect, useRef, useState, useSyncExternalStore } from 'react'
import { useLocation } from 'wouter'
import { afterFirst } from '../api/early'
import { session, signOut } from '../api/session'
import iconUrl from '../icon.svg'
import { Voice } from '../parts/announce'
import { copyAddress } from '../parts/copy'
import { Dialog } from '../parts/dialog'
import { useKeys } from '../parts/keys'
import { Menu, MenuItem } from '../parts/menu'
import { changeSettings, useSettings } from '../parts/settings'
import { useSoon } from '../parts/soon'
import { BASE, hrefs } from '../routes'
import { SessionEnds } from '../sign-in/session-end'
import { SignInDialog } from '../sign-in/sign-in'
import { texts } from '../texts'
import { duration } from '../time/time'
import { Boundary } from './boundary'
import { Connection } from './connection'
import { Icon } from './icons'
import { Keys } from './keys'
import { Badge, type OpenCounts, useOpen } from './open'
import { accountPagesOf, ON_A_PHONE, type Page, pagesOf } from './pages'
import { useViewer } from './viewer'
import { Zone } from './zone'

const APART_MS = 30_000
/** Not before what the page is for. */
const loadViews = async (): Promise<typeof import('../views/rail')> => afterFirst().then(() => import('../views/rail'))
/** Without the rest of the frame nobody would find out why: what cannot be loaded for it is not there. */
const absent = (): { default: () => null } => ({ default: () => null })
const Views = lazy<ComponentType>(async () => loadViews().then((all) => ({ default: all.Views }), absent))
const ViewItems = lazy<ComponentType<{ go: (path: string) => void }>>(async () => loadViews().then((all) => ({ default: all.ViewItems }), absent))
const loadPalette = async (): Promise<typeof import('../palette/palette')> => import('../palette/palette')
/** Its key takes two fingers: it is loaded between them. */
document.addEventListener('keydown', ({ key }) => {
  if (key === 'Control' || key === 'Meta') void loadPalette().catch(absent)
})

/** What is around every screen: where to go, whether it is live, who one is. */
export function Frame({ children }: { children: ReactNode }): JSX.Element {
  const [path, go] = useLocation()
  const signedOut = useSyncExternalStore(session.subscribe, session.isSignedOut)
  const outdated = useSyncExternalStore(session.subscribe, session.isOutdated)
  const ahead = useSyncExternalStore(session.subscribe, session.clockAhead)
  const viewer = useViewer()
  const pages = pagesOf(viewer)
  const open = useOpen()
  const [keysShown, setKeysShown] = useState(false)
  const [paletteShown, setPaletteShown] = useState(false)
  useFocusOnward(path)
  useKeys({
    '?': () => setKeysShown(true),
    c: copyAddress,
    'Ctrl k': () => setPaletteShown(true),
    ...Object.fromEntries(pages.flatMap(({ href, key }) => (key ? [[key, () => go(href.slice(BASE.length))]] : []))),
  })
  return (
    <>
      <a className="skip" href="#content">
        {texts.frame.skip}
      </a>
      <nav className="rail" aria-label={texts.frame.main}>
        <div className="brand">
          <img src={iconUrl} alt="" />
          <b>{texts.product}</b>
        </div>
        {pages.map(({ name, href }, index) => (
          <a key={name} href={href} className={index < ON_A_PHONE ? '' : 'beyond'} aria-current={isHere(path, href) ? 'page' : undefined}>
            <Icon name={name} />
            <span className="label">{texts.frame[name]}</span>
            {(name === 'errors' || name === 'alerts') && <Badge of={name} counts={open} />}
          </a>
        ))}
        <More path={path} go={go} others={pages.slice(ON_A_PHONE)} open={open} />
        <Suspense>
          <Views />
        </Suspense>
        <div className="bottom">
          {/* It has its place also where nothing is followed: above the others, that leaves no hole. */}
          <Connection />
          <button type="button" className="item commands" onClick={() => setPaletteShown(true)}>
            <Icon name="command" />
            <span className="label">{texts.palette.title}</span>
          </button>
          <Zone />
          <Account onKeys={() => setKeysShown(true)} />
        </div>
      </nav>
      <main id="content" tabIndex={-1}>
        {outdated && (
          <p className="notice" role="status">
            {texts.frame.outdated}
            <button type="button" onClick={() => location.reload()}>
              {texts.frame.reload}
            </button>
          </p>
        )}
        {Math.abs(ahead) > APART_MS && <p className="notice">{texts.frame.clockApart(apart(ahead), ahead > 0)}</p>}
        <SessionEnds />
        <Boundary path={path}>{children}</Boundary>
      </main>
      {signedOut && <SignInDialog />}
      {paletteShown && <PaletteSoon onClose={() => setPaletteShown(false)} />}
      {keysShown && <Keys onClose={() => setKeysShown(false)} />}
      <Voice />
    </>
  )
}

/** The palette. Until it is loaded its dialog has the keys, so that none does something to the page, and what was typed goes along. */
function PaletteSoon({ onClose }: { onClose: () => void }): JSX.Element {
  const loaded = useSoon(loadPalette, onClose)
  const [typed, setTyped] = useState('')
  const label = texts.palette.label
  return (
    <Dialog title={texts.palette.title} onClose={onClose} className="palette">
      {loaded ? (
        <loaded.Palette typed={typed} onClose={onClose} />
      ) : (
        // What a dialog gives the focus to, as it opens, is what the attribute names; React's property comes too soon.
        <input
          ref={(field) => field?.setAttribute('autofocus', '')}
          aria-label={label}
          placeholder={label}
          value={typed}
          onChange={({ target }) => setTyped(target.value)}
        />
      )}
    </Dialog>
  )
}

/** What had the focus may have gone with the view before: the next one is where keys and readers go on. */
function useFocusOnward(path: string): void {
  const before = useRef(path)
  useEffect(() => {
    if (before.current === path) return
    before.current = path
    if (document.activeElement === document.body) document.getElementById('content')?.focus()
  }, [path])
}

function isHere(path: string, href: string): boolean {
  return `${BASE}${path}`.startsWith(href)
}

/** The pages that a phone's rail has no room for. */
function More({
  path, go, others, open,
}: {
  path: string
  go: (path: string) => void
  others: readonly Page[]
  open: OpenCounts
}): JSX.Element {
  return (
    <div className="beyond-phone">
      <Menu
        className={`item ${others.some(({ href }) => isHere(path, href)) ? 'here' : ''}`}
        button={
          <>
            <Icon name="more" />
            <span className="label">{texts.frame.more}</span>
            <Badge of="alerts" counts={open} />
          </>
        }
      >
        {others.map(({ name, href }) => (
          <MenuItem key={name} onChoose={() => (href.startsWith(BASE) ? go(href.slice(BASE.length)) : location.assign(href))}>
            {texts.frame[name]}
          </MenuItem>
        ))}
        <Suspense>
          <ViewItems go={go} />
        </Suspense>
      </Menu>
    </div>
  )
}

/** How far two clocks are apart: to the minute, once it is minutes. */
function apart(ms: number): string {
  const unit = Math.abs(ms) > 90_000 ? 60_000 : 1_000
  return duration(Math.round(Math.abs(ms) / unit) * unit)
}

function Account({ onKeys }: { onKeys: () => void }): JSX.Element {
  const [, go] = useLocation()
  const viewer = useViewer()
  const settings = useSettings()
  const name = viewer?.name ?? ''
  return (
    <Menu
      className="item"
      label={texts.frame.account(name)}
      button={
        <>
          <Icon name="account" />
          <span className="label cut">{name}</span>
        </>
      }
    >
      {viewer && (
        <p className="heading">
          {viewer.name} · {texts.frame.role[viewer.role]}
        </p>
      )}
      <p className="heading">{texts.frame.theme}</p>
      {(['system', 'light', 'dark'] as const).map((theme) => (
        <MenuItem key={theme} chosen={settings.theme === theme} onChoose={() => changeSettings({ theme })}>
          {texts.frame.themes[theme]}
        </MenuItem>
      ))}
      <p className="heading">{texts.frame.density}</p>
      {(['comfortable', 'compact'] as const).map((density) => (
        <MenuItem key={density} chosen={settings.density === density} onChoose={() => changeSettings({ density })}>
          {texts.frame.densities[density]}
        </MenuItem>
      ))}
      <hr />
      <MenuItem
        chosen={settings.singleKeys}
        onChoose={() => changeSettings({ singleKeys: !settings.singleKeys })}
      >
        {texts.frame.singleKeys}
      </MenuItem>
      <MenuItem onChoose={onKeys}>
        {texts.frame.keys} <kbd>?</kbd>
      </MenuItem>
      {accountPagesOf(viewer).map(({ name, href }) => (
        <MenuItem key={name} onChoose={() => go(href.slice(BASE.length))}>
          {texts.frame[name]}
        </MenuItem>
      ))}
      <MenuItem onChoose={() => location.assign(hrefs.guide)}>{texts.frame.docs}</MenuItem>
      <MenuItem onChoose={() => void signOut()}>{texts.frame.signOut}</MenuItem>
    </Menu>
  )
}
