import type { JSX } from 'react'
import { useLocation, useSearch } from 'wouter'
import { type KeyMap, useKeys } from '../parts/keys'
import { MenuItem } from '../parts/menu'
import { viewsTexts as texts } from '../views-texts'
import { hrefOf, KEYS, pageOf, pathOf } from './address'
import { Manage } from './manage'
import { manage, useManaging, useViews } from './store'
import './views.css'

/** The saved views, below the pages of the rail: one's own, then those that are shared. The first nine have a key. */
export function Views(): JSX.Element {
  const views = useViews()
  const [path, go] = useLocation()
  const search = useSearch()
  const managing = useManaging()
  useKeys(Object.fromEntries(KEYS.slice(0, views.length).map((key, index) => [key, () => go(pathOf(views[index]!))])) as KeyMap)
  const here = `${path}${search === '' ? '' : `?${search}`}`
  return (
    <div className="views" role="group" aria-label={texts.title}>
      <p className="heading">
        <span>{texts.title}</span>
        <button type="button" className="bare" aria-label={texts.save} title={texts.save} onClick={() => manage(true)}>
          +
        </button>
      </p>
      {views.map((view) => (
        <a
          key={view.id}
          href={hrefOf(view)}
          title={view.shared ? texts.sharedBy(view.name, view.owner) : view.name}
          aria-current={here === pathOf(view) ? 'page' : undefined}
        >
          <span className="cut">{view.name}</span>
          {view.shared && <small className="dim">{texts.shared}</small>}
        </a>
      ))}
      {managing && <Manage views={views} page={pageOf(path)} query={search} onClose={() => manage(false)} />}
    </div>
  )
}

/** The same in the menu of a phone. */
export function ViewItems({ go }: { go: (path: string) => void }): JSX.Element {
  const views = useViews()
  return (
    <>
      <p className="heading">{texts.title}</p>
      {views.map((view) => (
        <MenuItem key={view.id} onChoose={() => go(pathOf(view))}>
          {view.name}
        </MenuItem>
      ))}
      <MenuItem onChoose={() => manage(true)}>{texts.manage}</MenuItem>
    </>
  )
}
